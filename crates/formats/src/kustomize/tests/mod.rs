//! Builds compared with what kustomize prints for the same files.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the oracle is another program, asked where it is installed"
)]

mod builds;
mod problems;
mod real;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use gonogo_domain::{Entry, Node, Value};

use super::{Chart, Files, Problem, Unread};
use crate::yaml;

type Parsed = Result<Arc<Vec<Arc<Node>>>, Unread>;

/// Files below a directory, read once.
struct Disk {
    root: PathBuf,
    parsed: RefCell<HashMap<String, Parsed>>,
}

impl Disk {
    fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), parsed: RefCell::default() }
    }
}

impl Files for Disk {
    fn parse(&self, path: &str) -> Parsed {
        let mut parsed = self.parsed.borrow_mut();
        let read = || self.text(path).map_or(Err(Unread::Missing), |text| documents(path, &text));
        parsed.entry(path.to_owned()).or_insert_with(read).clone()
    }

    fn text(&self, path: &str) -> Option<Arc<str>> {
        fs::read_to_string(self.root.join(path)).ok().map(Into::into)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }
}

/// Files that a test writes down.
struct Memory<'a>(BTreeMap<&'a str, (&'a str, Parsed)>);

impl<'a> Memory<'a> {
    fn new(files: &[(&'a str, &'a str)]) -> Self {
        Self(files.iter().map(|(path, text)| (*path, (*text, documents(path, text)))).collect())
    }
}

impl Files for Memory<'_> {
    fn parse(&self, path: &str) -> Parsed {
        self.0.get(path).map_or(Err(Unread::Missing), |(_, parsed)| parsed.clone())
    }

    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|(text, _)| (*text).into())
    }

    fn is_directory(&self, path: &str) -> bool {
        path == "." || self.0.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    /// A chart whose directory is known renders as one object named after the release.
    fn chart(&self, chart: &Chart) -> Option<Vec<Arc<Node>>> {
        let directory = chart.directory.as_ref()?;
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}", chart.release);
        documents(directory, &text).ok().map(|documents| documents.to_vec())
    }
}

fn documents(path: &str, text: &str) -> Parsed {
    let stream = yaml::parse(&path.into(), text);
    if let Some(error) = stream.errors.first() {
        return Err(Unread::Broken(Problem::new(&error.place, error.reason.clone())));
    }
    Ok(Arc::new(stream.documents.into_iter().map(|document| Arc::new(document.node)).collect()))
}

/// One object in one form: sorted keys, no nulls, each scalar as its text.
fn canonical(node: &Node) -> String {
    fn write(node: &Node, indent: usize, text: &mut String) {
        let pad = " ".repeat(indent);
        match &node.value {
            Value::Mapping(entries) => {
                let is_set = |entry: &&Entry| !entry.node.is_null() && !is_empty_annotations(entry);
                let sorted: BTreeMap<_, _> =
                    entries.iter().filter(is_set).map(|entry| (&entry.key, &entry.node)).collect();
                if sorted.is_empty() {
                    text.push_str(" {}\n");
                    return;
                }
                text.push('\n');
                for (key, node) in sorted {
                    _ = write!(text, "{pad}{key}:");
                    write(node, indent + 2, text);
                }
            }
            Value::Sequence(items) => {
                text.push('\n');
                for item in items {
                    _ = write!(text, "{pad}-");
                    write(item, indent + 2, text);
                }
            }
            _ if node.is_null() => text.push_str(" null\n"),
            Value::Scalar(scalar) => {
                let octal = scalar.text.strip_prefix('0').filter(|_| scalar.plain);
                match octal.and_then(|digits| i64::from_str_radix(digits, 8).ok()) {
                    Some(number) => _ = writeln!(text, " \"{number}\""),
                    None => _ = writeln!(text, " {:?}", scalar.text),
                }
            }
            Value::Null => (),
        }
    }
    let mut text = String::new();
    write(node, 0, &mut text);
    text
}

/// kustomize drops them from objects that it touched, and keeps them in others.
fn is_empty_annotations(entry: &Entry) -> bool {
    entry.key == "annotations" && matches!(&entry.node.value, Value::Mapping(entries) if entries.is_empty())
}

fn identity(node: &Node) -> String {
    let part = |path| node.str_at(path).unwrap_or_default();
    format!("{} {} {}/{}", part("apiVersion"), part("kind"), part("metadata.namespace"), part("metadata.name"))
}

fn by_identity<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> BTreeMap<String, String> {
    nodes.into_iter().map(|node| (identity(node), canonical(node))).collect()
}

/// The first difference of every object that differs.
fn differences(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in theirs {
        match ours.get(name) {
            None => found.push(format!("missing: {name}")),
            Some(our) if our != text => {
                let lines = our.lines().zip(text.lines()).find(|(our, their)| our != their);
                found.push(format!("{name}: {lines:?}"));
            }
            Some(_) => (),
        }
    }
    found.extend(ours.keys().filter(|name| !theirs.contains_key(*name)).map(|name| format!("extra: {name}")));
    found
}

/// What `kubectl kustomize` prints; `None` if it fails or is not there.
fn kubectl(directory: &Path) -> Option<BTreeMap<String, String>> {
    let output = Command::new("kubectl").arg("kustomize").arg(directory).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    let stream = yaml::parse(&"kubectl".into(), &text);
    assert!(stream.errors.is_empty(), "{:?}", stream.errors);
    Some(by_identity(stream.documents.iter().map(|document| &document.node).filter(|node| !node.is_null())))
}
