//! JSON Patch (RFC 6902) over trees with places.

use gonogo_domain::{Entry, Node, Place, Value};

use super::{Problem, tree};

/// Applies the operations in order. On the first that fails nothing of the object has changed, and the problem leads to
/// that operation. `budget` is what copies may still add, in nodes.
pub(super) fn apply(object: &Node, operations: &[Node], budget: &mut usize) -> Result<Node, Problem> {
    let mut object = object.clone();
    // kustomize keeps notes of its own in the annotations, so that patches always find the mapping, if it is empty.
    if let Some(place) = object.get("metadata").map(|metadata| metadata.place.clone())
        && let Some(metadata) = object.get_mut("metadata")
    {
        tree::child(metadata, "annotations", &place);
    }
    for operation in operations {
        step(&mut object, operation, budget).map_err(|reason| Problem::new(&operation.place, reason))?;
    }
    if let Some(metadata) = object.get_mut("metadata")
        && metadata.get("annotations").is_some_and(|annotations| annotations.entries().is_empty())
    {
        tree::remove(metadata, "annotations");
    }
    Ok(object)
}

fn step(object: &mut Node, operation: &Node, budget: &mut usize) -> Result<(), String> {
    let kind = operation.str_at("op").ok_or("an operation of the patch has no `op`")?;
    let path = pointer(operation, "path")?;
    match kind {
        "add" => add(object, &path, value(operation)?, &operation.place),
        "replace" => {
            let value = value(operation)?;
            // The library that kustomize uses sets a key that is not there, against the letter of the RFC.
            if is_key(object, &path) {
                return add(object, &path, value, &operation.place);
            }
            check_depth(&path, &value)?;
            *find_mut(object, &path).ok_or_else(|| missing(operation, "path"))? = value;
            Ok(())
        }
        "remove" => take(object, &path).map(|_| ()).ok_or_else(|| missing(operation, "path")),
        "move" => {
            let from = pointer(operation, "from")?;
            if path.starts_with(&from) && path.len() > from.len() {
                return Err("the patch moves a node into itself".to_owned());
            }
            let moved = take(object, &from).ok_or_else(|| missing(operation, "from"))?;
            add(object, &path, moved, &operation.place)
        }
        "copy" => {
            let from = pointer(operation, "from")?;
            let copied = find(object, &from).ok_or_else(|| missing(operation, "from"))?.clone();
            *budget = budget.checked_sub(tree::size(&copied)).ok_or("the patch copies too much")?;
            add(object, &path, copied, &operation.place)
        }
        "test" => {
            let expected = operation.get("value");
            let found = find(object, &path);
            let equal = match (found, expected) {
                (Some(found), Some(expected)) => tree::same(found, expected) || equal_text(found, expected),
                (None, expected) => expected.is_none_or(Node::is_null),
                (Some(found), None) => found.is_null(),
            };
            if equal { Ok(()) } else { Err(format!("the test of `{}` does not hold", tree::text(operation, "path"))) }
        }
        other => Err(format!("`{other}` is no operation of a JSON patch")),
    }
}

/// The path names a key of a mapping that is there.
fn is_key(object: &Node, path: &[String]) -> bool {
    let parent = path.split_last().and_then(|(_, parents)| find(object, parents));
    parent.is_some_and(|parent| matches!(parent.value, Value::Mapping(_)))
}

/// `80` and `80`, whichever way the number was written down.
fn equal_text(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (Value::Scalar(left), Value::Scalar(right)) => left.text == right.text && left.plain == right.plain,
        _ => false,
    }
}

fn missing(operation: &Node, key: &str) -> String {
    format!("the patch finds nothing at `{}`", tree::text(operation, key))
}

fn value(operation: &Node) -> Result<Node, String> {
    operation.get("value").cloned().ok_or_else(|| "an operation of the patch has no `value`".to_owned())
}

fn pointer(operation: &Node, key: &str) -> Result<Vec<String>, String> {
    let text = match operation.get(key) {
        Some(node) if node.is_null() => "",
        Some(node) => node.str().unwrap_or_default(),
        None => return Err(format!("an operation of the patch has no `{key}`")),
    };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = text.strip_prefix('/').ok_or_else(|| format!("`{text}` is no JSON pointer: it must start with `/`"))?;
    Ok(text.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn check_depth(path: &[String], value: &Node) -> Result<(), String> {
    if path.len() + tree::depth(value) > tree::MAX_DEPTH {
        return Err("the patch nests too deep".to_owned());
    }
    Ok(())
}

fn add(object: &mut Node, path: &[String], value: Node, place: &Place) -> Result<(), String> {
    check_depth(path, &value)?;
    let Some((last, parents)) = path.split_last() else {
        *object = value;
        return Ok(());
    };
    let nothing = || format!("the patch adds to `/{}`, which is not there", parents.join("/"));
    let parent = find_mut(object, parents).ok_or_else(nothing)?;
    match &mut parent.value {
        Value::Mapping(entries) => {
            match entries.iter_mut().find(|entry| entry.key == *last) {
                Some(entry) => entry.node = value,
                None => entries.push(Entry { key: last.clone(), key_place: place.clone(), node: value }),
            }
            Ok(())
        }
        Value::Sequence(items) => {
            let index = if last == "-" { Some(items.len()) } else { index(last, items.len() + 1) };
            let index = index.ok_or_else(|| format!("the list at `/{}` has no index {last}", parents.join("/")))?;
            items.insert(index, value);
            Ok(())
        }
        Value::Null | Value::Scalar(_) => Err(nothing()),
    }
}

fn index(text: &str, length: usize) -> Option<usize> {
    let index = text.parse::<usize>().ok();
    // Negative numbers count from the end in the library that kustomize uses.
    let index = index.or_else(|| length.checked_sub(text.strip_prefix('-')?.parse().ok()?));
    index.filter(|index| *index < length)
}

fn find<'a>(node: &'a Node, path: &[String]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, key| match &node.value {
        Value::Sequence(items) => items.get(index(key, items.len())?),
        _ => node.get(key),
    })
}

fn find_mut<'a>(node: &'a mut Node, path: &[String]) -> Option<&'a mut Node> {
    path.iter().try_fold(node, |node, key| match &mut node.value {
        Value::Sequence(items) => {
            let index = index(key, items.len())?;
            items.get_mut(index)
        }
        Value::Mapping(entries) => entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node),
        Value::Null | Value::Scalar(_) => None,
    })
}

fn take(object: &mut Node, path: &[String]) -> Option<Node> {
    let (last, parents) = path.split_last()?;
    let parent = find_mut(object, parents)?;
    match &mut parent.value {
        Value::Sequence(items) => {
            let index = index(last, items.len())?;
            Some(items.remove(index))
        }
        _ => tree::remove(parent, last),
    }
}
