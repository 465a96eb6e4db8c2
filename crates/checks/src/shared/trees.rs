//! Values deep in a tree, where blocks of Terraform are lists of one.

use gonogo_domain::{Node, Place};

/// The node under a path, stepping through lists by their first item: `settings.backup_configuration.enabled`. What
/// CloudFormation keeps under `Properties` is found by its own name.
pub(crate) fn inside<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    let within = |node: &'a Node| path.split('.').try_fold(node, |node, key| first(node).get(key)).map(first);
    within(node).or_else(|| within(node.get("Properties")?))
}

fn first(node: &Node) -> &Node {
    node.items().first().unwrap_or(node)
}

/// A value as far as a file alone can tell it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told<T> {
    Absent,
    Value(T, Place),
    /// Filled in elsewhere: a variable, an expression, a template.
    Open(String, Place),
}

pub(crate) fn number(node: &Node, paths: &[&str]) -> Told<i64> {
    told(node, paths, Node::int)
}

pub(crate) fn flag(node: &Node, paths: &[&str]) -> Told<bool> {
    told(node, paths, |node| node.bool().or_else(|| node.str()?.to_ascii_lowercase().parse().ok()))
}

fn told<T>(node: &Node, paths: &[&str], read: impl Fn(&Node) -> Option<T>) -> Told<T> {
    let Some(found) = paths.iter().find_map(|path| inside(node, path)) else { return Told::Absent };
    match read(found) {
        Some(value) => Told::Value(value, found.place.clone()),
        None => Told::Open(found.str().unwrap_or("an expression").to_owned(), found.place.clone()),
    }
}

/// Every scalar of a tree, in the order of the file.
pub(crate) fn texts(node: &Node) -> Vec<&str> {
    fn collect<'a>(node: &'a Node, texts: &mut Vec<&'a str>) {
        texts.extend(node.str());
        node.entries().iter().for_each(|entry| collect(&entry.node, texts));
        node.items().iter().for_each(|item| collect(item, texts));
    }
    let mut found = Vec::new();
    collect(node, &mut found);
    found
}

/// Folders whose files show how something could be done, and say nothing about this service.
pub(crate) fn is_shown_off(place: &Place) -> bool {
    const FOLDERS: &[&str] = &[
        "example",
        "examples",
        "sample",
        "samples",
        "test",
        "tests",
        "testdata",
        "fixtures",
        "vendor",
        "third_party",
        "node_modules",
        "template",
        "templates-examples",
    ];
    let mut folders: Vec<&str> = place.path().split('/').collect();
    folders.pop();
    folders.iter().any(|folder| FOLDERS.contains(&folder.to_ascii_lowercase().as_str()))
}
