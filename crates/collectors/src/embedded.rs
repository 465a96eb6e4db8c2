//! Files inside files: a dashboard in a ConfigMap, rules in a string.

use std::sync::Arc;

use gonogo_domain::{Node, Place, Value};
use gonogo_formats::{json, yaml};

/// Files in the `data` of a ConfigMap or the `stringData` of a Secret, by their names.
pub(crate) fn files(object: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let holds = matches!(object.str_at("kind"), Some("ConfigMap" | "Secret"));
    let keys: &[&str] = if object.str_at("kind") == Some("Secret") { &["stringData"] } else { &["data"] };
    let entries = keys.iter().filter_map(move |key| if holds { object.get(key) } else { None });
    entries.flat_map(Node::entries).map(|entry| (entry.key.as_str(), &entry.node))
}

/// The YAML documents in a string, with places in the file that holds the string.
pub(crate) fn yaml(holder: &Node) -> Vec<Node> {
    let (Some(text), path) = (holder.str(), Arc::from(holder.place.path())) else { return Vec::new() };
    let documents = yaml::parse(&path, text).documents.into_iter();
    documents.map(|document| moved(document.node, holder, text)).collect()
}

/// The JSON value in a string, with places in the file that holds the string.
pub(crate) fn json(holder: &Node) -> Option<Node> {
    let text = holder.str()?;
    let node = json::parse(&Arc::from(holder.place.path()), text).ok()?;
    Some(moved(node, holder, text))
}

fn moved(mut node: Node, holder: &Node, text: &str) -> Node {
    // A text of several lines is a block, whose place is its first line; any other stands where it begins. JSON writes
    // all of it into one line.
    if text.contains('\n') && holder.place.path().rsplit_once('.').is_none_or(|(_, extension)| extension != "json") {
        shift(&mut node, holder.place.line().unwrap_or(1));
    } else {
        settle(&mut node, &holder.place);
    }
    node
}

fn shift(node: &mut Node, first: u32) {
    let by = |place: &mut Place| {
        if let Place::File { line, .. } = place {
            *line = line.saturating_add(first).saturating_sub(1);
        }
    };
    each_place(node, &by);
}

fn settle(node: &mut Node, holder: &Place) {
    each_place(node, &|place: &mut Place| *place = holder.clone());
}

// Parsers bound the depth of what they give.
fn each_place(node: &mut Node, change: &impl Fn(&mut Place)) {
    change(&mut node.place);
    match &mut node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                change(&mut entry.key_place);
                each_place(&mut entry.node, change);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| each_place(item, change)),
        Value::Null | Value::Scalar(_) => (),
    }
}
