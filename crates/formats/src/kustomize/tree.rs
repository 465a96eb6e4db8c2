//! Small edits of trees that the whole builder shares, all of them bounded in depth.

use gonogo_domain::{Entry, Node, Place, Scalar, Value};

/// No object that Kubernetes accepts is nested deeper, and recursion over a tree must stay on the stack.
pub(super) const MAX_DEPTH: usize = 200;

/// Kubernetes keeps objects below 1.5 MiB; a longer text can only come from a patch that feeds on itself.
pub(super) const MAX_TEXT: usize = 2 << 20;

/// Sets a key of a mapping, in place if it is there. A null becomes a mapping; other values are left alone.
pub(super) fn put(node: &mut Node, key: &str, key_place: &Place, value: Node) {
    if node.is_null() {
        node.value = Value::Mapping(Vec::new());
    }
    let Value::Mapping(entries) = &mut node.value else { return };
    match entries.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => entry.node = value,
        None => entries.push(Entry { key: key.to_owned(), key_place: key_place.clone(), node: value }),
    }
}

/// Takes a key out of a mapping.
pub(super) fn remove(node: &mut Node, key: &str) -> Option<Node> {
    let Value::Mapping(entries) = &mut node.value else { return None };
    let index = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(index).node)
}

/// The mapping under `key`, made if it is not there.
pub(super) fn child<'a>(node: &'a mut Node, key: &str, place: &Place) -> Option<&'a mut Node> {
    if node.get(key).is_none_or(Node::is_null) {
        put(node, key, place, Node::new(place.clone(), Value::Mapping(Vec::new())));
    }
    node.get_mut(key)
}

/// What a copy of the tree costs: its nodes, and long texts as several.
pub(super) fn size(node: &Node) -> usize {
    let mut count = 0;
    node.walk(&mut |node| {
        count += 1;
        if let Value::Scalar(scalar) = &node.value {
            count += scalar.text.len() / 64;
        }
    });
    count
}

pub(super) fn depth(node: &Node) -> usize {
    1 + match &node.value {
        Value::Mapping(entries) => entries.iter().map(|entry| depth(&entry.node)).max().unwrap_or(0),
        Value::Sequence(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Null | Value::Scalar(_) => 0,
    }
}

/// Two trees say the same thing, wherever they were written.
pub(super) fn same(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (Value::Mapping(left), Value::Mapping(right)) => {
            left.len() == right.len()
                && left.iter().all(|entry| {
                    right
                        .iter()
                        .find(|other| other.key == entry.key)
                        .is_some_and(|other| same(&entry.node, &other.node))
                })
        }
        (Value::Sequence(left), Value::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Scalar(left), Value::Scalar(right)) => left == right,
        _ => left.is_null() && right.is_null(),
    }
}

/// The text of a scalar, empty for anything else.
pub(super) fn text<'a>(node: &'a Node, path: &str) -> &'a str {
    node.str_at(path).unwrap_or_default()
}

/// A scalar whose text changes and that now leads to the place of the change.
pub(super) fn rewrite(node: &mut Node, text: &str, place: &Place) {
    if let Value::Scalar(scalar) = &mut node.value {
        text.clone_into(&mut scalar.text);
        node.place = place.clone();
    }
}

/// The longest name, namespace, image or label that is written into objects; Kubernetes allows 253 characters.
pub(super) const MAX_NAME: usize = 2048;

/// A string as a person would write it: without quotes when nothing could mistake it for something else.
pub(super) fn string(place: &Place, text: &str) -> Node {
    Node::new(place.clone(), Value::Scalar(Scalar { text: text.to_owned(), plain: false }))
}
