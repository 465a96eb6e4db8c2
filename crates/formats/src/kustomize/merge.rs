//! Strategic merge: a patch that looks like the object.

use gonogo_domain::{Entry, Node, Value};

use super::{schema::Shape, tree};

/// What is left of the node under the patch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Something,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Lays `patch` over `node`. Values that come from the patch keep the patch's places.
pub(super) fn merge(node: &mut Node, patch: &Node, shape: Shape) -> Left {
    match &patch.value {
        Value::Mapping(entries) => merge_mapping(node, patch, entries, shape),
        Value::Sequence(items) => merge_sequence(node, patch, items, shape),
        Value::Null | Value::Scalar(_) if patch.is_null() => Left::Nothing,
        Value::Null | Value::Scalar(_) => {
            *node = patch.clone();
            Left::Something
        }
    }
}

fn merge_mapping(node: &mut Node, patch: &Node, entries: &[Entry], shape: Shape) -> Left {
    match directive(patch) {
        Directive::Delete => return Left::Nothing,
        Directive::Replace => {
            *node = fresh(patch, shape);
            return Left::Something;
        }
        Directive::Merge => (),
    }
    if !matches!(node.value, Value::Mapping(_)) {
        *node = fresh(patch, shape);
        return Left::Something;
    }
    for entry in entries.iter().filter(|entry| !is_directive(&entry.key)) {
        let field = shape.field(&entry.key);
        let left = match node.get_mut(&entry.key) {
            Some(old) if !old.is_null() => merge(old, &entry.node, field),
            _ if entry.node.is_null() || directive(&entry.node) == Directive::Delete => Left::Nothing,
            _ => {
                tree::put(node, &entry.key, &entry.key_place, fresh(&entry.node, field));
                Left::Something
            }
        };
        if left == Left::Nothing {
            tree::remove(node, &entry.key);
        }
    }
    Left::Something
}

fn merge_sequence(node: &mut Node, patch: &Node, items: &[Node], shape: Shape) -> Left {
    let Value::Sequence(old) = &mut node.value else {
        *node = fresh(patch, shape);
        return Left::Something;
    };
    if shape.keys.is_empty() {
        *node = patch.clone();
        return Left::Something;
    }
    // A lone `$patch: replace` or `delete` speaks about the whole list.
    match items.iter().find(|item| is_lone_directive(item)).map(directive) {
        Some(Directive::Delete) => return Left::Nothing,
        Some(Directive::Replace) => {
            *node = fresh(patch, shape);
            return Left::Something;
        }
        Some(Directive::Merge) | None => (),
    }
    let item_shape = shape.item();
    // What the patch names comes first, in its order, then the rest: as kustomize prepends. In a list with several keys
    // only the new items do so.
    let in_place = shape.keys.len() > 1;
    let mut joined: Vec<Node> = Vec::with_capacity(old.len() + items.len());
    let mut rest: Vec<Option<Node>> = std::mem::take(old).into_iter().map(Some).collect();
    for item in items.iter().filter(|item| !is_lone_directive(item)) {
        if let Some(twin) = joined.iter_mut().find(|other| matches(other, item, shape.keys)) {
            merge(twin, item, item_shape);
            continue;
        }
        match rest.iter_mut().find(|other| other.as_ref().is_some_and(|other| matches(other, item, shape.keys))) {
            Some(slot) => {
                let mut base = slot.take();
                if base.as_mut().is_some_and(|base| merge(base, item, item_shape) == Left::Nothing) {
                    base = None;
                }
                if in_place {
                    *slot = base;
                } else {
                    joined.extend(base);
                }
            }
            None if directive(item) == Directive::Delete => (),
            None => joined.push(fresh(item, item_shape)),
        }
    }
    joined.extend(rest.into_iter().flatten());
    *old = joined;
    Left::Something
}

/// Two items of a list are one: every key that both have is equal, and there is at least one.
fn matches(left: &Node, right: &Node, keys: &[&str]) -> bool {
    if keys == [""] {
        return tree::same(left, right);
    }
    let mut common = false;
    for key in keys {
        match (left.get(key).and_then(Node::str), right.get(key).and_then(Node::str)) {
            (Some(left), Some(right)) if left == right => common = true,
            (Some(_), Some(_)) => return false,
            _ => (),
        }
    }
    common
}

/// A part of the patch that has nothing to merge with: the directives go, and so do the nulls of its mappings.
fn fresh(patch: &Node, shape: Shape) -> Node {
    let value = match &patch.value {
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .filter(|entry| {
                    !is_directive(&entry.key) && !entry.node.is_null() && directive(&entry.node) != Directive::Delete
                })
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: entry.key_place.clone(),
                    node: fresh(&entry.node, shape.field(&entry.key)),
                })
                .collect(),
        ),
        Value::Sequence(items) if !shape.keys.is_empty() => Value::Sequence(
            items
                .iter()
                .filter(|item| !is_lone_directive(item) && directive(item) != Directive::Delete)
                .map(|item| fresh(item, shape.item()))
                .collect(),
        ),
        other => other.clone(),
    };
    Node::new(patch.place.clone(), value)
}

fn directive(patch: &Node) -> Directive {
    match patch.get("$patch").and_then(Node::str) {
        Some("delete") => Directive::Delete,
        Some("replace") => Directive::Replace,
        _ => Directive::Merge,
    }
}

fn is_lone_directive(item: &Node) -> bool {
    matches!(item.entries(), [only] if only.key == "$patch")
}

fn is_directive(key: &str) -> bool {
    key == "$patch"
        || key == "$retainKeys"
        || key.starts_with("$setElementOrder/")
        || key.starts_with("$deleteFromPrimitiveList/")
}
