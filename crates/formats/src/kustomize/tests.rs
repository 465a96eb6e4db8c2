//! Builds compared with what kustomize prints for the same files.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use gonogo_domain::{Entry, Node, Place, Value};

use super::{Build, FILE_NAMES, Files, Problem, Unread, build, join};
use crate::yaml;

/// Files below a directory, read once.
struct Disk {
    root: PathBuf,
    parsed: RefCell<HashMap<String, Result<Arc<Vec<Arc<Node>>>, Unread>>>,
}

impl Disk {
    fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), parsed: RefCell::default() }
    }
}

impl Files for Disk {
    fn parse(&self, path: &str) -> Result<Arc<Vec<Arc<Node>>>, Unread> {
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
struct Memory(BTreeMap<&'static str, &'static str>);

impl Files for Memory {
    fn parse(&self, path: &str) -> Result<Arc<Vec<Arc<Node>>>, Unread> {
        self.0.get(path).map_or(Err(Unread::Missing), |text| documents(path, text))
    }

    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|text| (*text).into())
    }

    fn is_directory(&self, path: &str) -> bool {
        path == "." || self.0.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

fn documents(path: &str, text: &str) -> Result<Arc<Vec<Arc<Node>>>, Unread> {
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
                    *text += &format!("{pad}{key}:");
                    write(node, indent + 2, text);
                }
            }
            Value::Sequence(items) => {
                text.push('\n');
                for item in items {
                    *text += &format!("{pad}-");
                    write(item, indent + 2, text);
                }
            }
            _ if node.is_null() => text.push_str(" null\n"),
            Value::Scalar(scalar) => {
                let octal = scalar.text.strip_prefix('0').filter(|_| scalar.plain);
                match octal.and_then(|digits| i64::from_str_radix(digits, 8).ok()) {
                    Some(number) => *text += &format!(" \"{number}\"\n"),
                    None => *text += &format!(" {:?}\n", scalar.text),
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

fn kustomizations(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            kustomizations(&path, found);
        } else if path.file_name().is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known)) {
            found.extend(path.parent().map(Path::to_owned));
        }
    }
}

#[test]
#[ignore = "compares every kustomization below GONOGO_TREES (checkouts, separated by `:`) with kubectl; takes long"]
fn real_kustomizations_build_as_kubectl_builds_them() {
    let trees = env::var("GONOGO_TREES").expect("GONOGO_TREES names checkouts");
    let mut report = String::new();
    let (mut same, mut refused, mut all) = (0, 0, 0);
    for tree in trees.split(':').map(Path::new) {
        let mut directories = Vec::new();
        kustomizations(tree, &mut directories);
        directories.sort();
        let disk = Disk::new(tree);
        for directory in directories {
            let relative = directory.strip_prefix(tree).expect("below the tree").to_string_lossy().into_owned();
            all += 1;
            let start = std::time::Instant::now();
            let ours = build(&disk, &relative);
            let cold = start.elapsed();
            let start = std::time::Instant::now();
            build(&disk, &relative);
            let warm = start.elapsed();
            if warm.as_millis() > 4 {
                report += &format!("{relative}: {cold:?} then {warm:?}\n");
            }
            let problems = ours.problems.iter().map(|problem| format!("  {}: {}\n", problem.place, problem.reason));
            let problems: String = problems.collect();
            match kubectl(&directory) {
                Some(theirs) => {
                    let found = differences(&by_identity(ours.objects.iter().map(Arc::as_ref)), &theirs);
                    if found.is_empty() && problems.is_empty() {
                        same += 1;
                    } else {
                        report += &format!("{}\n{problems}  {}\n", directory.display(), found.join("\n  "));
                    }
                }
                None if problems.is_empty() => {
                    refused += 1;
                    report += &format!("{}: only kubectl refuses it\n", directory.display());
                }
                None => {
                    refused += 1;
                    report += &format!("{}: both refuse it\n{problems}", directory.display());
                }
            }
        }
    }
    assert_eq!(same + refused, all, "of {all}: {same} same, {refused} refused by kubectl\n{report}");
    assert!(refused == usize::MAX, "of {all}: {same} same, {refused} refused by kubectl\n{report}");
}
