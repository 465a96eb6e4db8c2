//! Go modules: go.mod, go.sum, go.work, vendor/modules.txt.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Place,
    evidence::{Ecosystem, FileEntry, Package, PackageDependency, Role},
};

use super::reader::{Reader, conflict, count, join, spot};
use crate::paths::folder;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| name == "go.mod");
    let folders: Vec<&str> = manifests.iter().map(|entry| folder(&entry.path)).collect();
    let replaced = workspace_replacements(reader);
    manifests.iter().filter_map(|entry| module(reader, entry, &folders, &replaced)).collect()
}

fn module(
    reader: &mut Reader<'_, '_>,
    entry: &FileEntry,
    modules: &[&str],
    workspace: &BTreeMap<String, String>,
) -> Option<Package> {
    let path = &entry.path;
    let text = reader.text(path)?;
    let file = Directives::read(&text);
    if file.module == Some("_") {
        // The name that tools give to a module that only holds their own versions.
        return None;
    }
    if file.module.is_none() {
        reader.broken(Place::whole(Arc::clone(path)), "names no module");
        return None;
    }
    let folder = folder(path);
    let mut dependencies = Vec::new();
    for required in &file.required {
        let version = file
            .replaced
            .get(required.name)
            .map(String::as_str)
            .or_else(|| workspace.get(required.name).map(String::as_str));
        dependencies.push(PackageDependency {
            name: required.name.to_owned(),
            requirement: required.version.to_owned(),
            version: Some(version.unwrap_or(required.version).to_owned()),
            development: false,
            place: spot(path, required.index, required.line, required.name),
        });
    }
    let lockfile = reader.first(folder, &["go.sum", "vendor/modules.txt"]);
    if let Some(lockfile) = &lockfile
        && let Some(text) = reader.text(lockfile)
        && let Some(line) = conflict(&text)
    {
        reader.broken(Place::new(Arc::clone(lockfile), count(line), 1), "has an unfinished merge");
    }
    let program = is_program(reader, folder, modules);
    Some(Package {
        ecosystem: Ecosystem::Go,
        name: file.module.map(str::to_owned),
        place: Place::whole(Arc::clone(path)),
        pinned_in_manifest: dependencies.is_empty(),
        dependencies,
        lockfile: lockfile.map(Place::whole),
        scripts: Vec::new(),
        program,
        published: !program && is_importable(reader, folder, modules, file.module.unwrap_or_default()),
    })
}

/// What `replace` lines of a workspace say, for every module of it.
fn workspace_replacements(reader: &mut Reader<'_, '_>) -> BTreeMap<String, String> {
    let mut replaced = BTreeMap::new();
    for entry in reader.named(|name| name == "go.work") {
        if let Some(text) = reader.text(&entry.path) {
            replaced.extend(Directives::read(&text).replaced);
        }
    }
    replaced
}

struct Required<'a> {
    name: &'a str,
    version: &'a str,
    line: &'a str,
    /// From 0.
    index: usize,
}

#[derive(Default)]
struct Directives<'a> {
    module: Option<&'a str>,
    /// Without those that are only needed by others.
    required: Vec<Required<'a>>,
    /// The version that is used instead, or the folder.
    replaced: BTreeMap<String, String>,
}

impl<'a> Directives<'a> {
    fn read(text: &'a str) -> Self {
        let mut file = Self::default();
        let mut block = "";
        for (index, line) in text.lines().enumerate() {
            let (code, comment) = line.split_once("//").unwrap_or((line, ""));
            let code = code.trim();
            if let Some(name) = code.strip_suffix('(') {
                block = name.trim();
            } else if code.starts_with(')') {
                block = "";
            } else {
                let mut words = code.split_whitespace();
                let directive = if block.is_empty() { words.next().unwrap_or_default() } else { block };
                file.directive(directive, &words.map(unquoted).collect::<Vec<_>>(), comment, line, index);
            }
        }
        file
    }

    fn directive(&mut self, directive: &str, words: &[&'a str], comment: &str, line: &'a str, index: usize) {
        match (directive, words) {
            ("module", [name, ..]) => self.module = Some(name),
            ("require", [name, version, ..]) if !comment.trim_start().starts_with("indirect") => {
                self.required.push(Required { name, version, line, index });
            }
            ("replace", [name, rest @ ..]) => {
                if let Some(version) = rest.iter().skip_while(|word| **word != "=>").last() {
                    self.replaced.insert((*name).to_owned(), (*version).to_owned());
                }
            }
            _ => (),
        }
    }
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '`'])
}

/// A main package by layout: a `main.go`, a folder in `cmd`, or a root folder whose files say `package main`.
fn is_program(reader: &mut Reader<'_, '_>, folder: &str, modules: &[&str]) -> bool {
    let mut root_file = None;
    for (entry, inner) in own_files(reader, folder, modules) {
        if inner == "main.go" || inner.ends_with("/main.go") || inner.starts_with("cmd/") {
            return true;
        }
        if !inner.contains('/') && root_file.is_none() {
            root_file = Some(Arc::clone(&entry.path));
        }
    }
    // All files of a folder are of one package, so that one of them is enough.
    let text = root_file.and_then(|path| reader.corpus.tree.text(&path).ok());
    text.is_some_and(|text| {
        text.lines().find_map(|line| line.strip_prefix("package ")).is_some_and(|name| name.trim() == "main")
    })
}

/// There is a package that others can import, under a path that can be fetched.
fn is_importable(reader: &Reader<'_, '_>, folder: &str, modules: &[&str], module: &str) -> bool {
    module.split('/').next().is_some_and(|host| host.contains('.'))
        && own_files(reader, folder, modules)
            .any(|(entry, inner)| !format!("/{inner}").contains("/internal/") && entry.name() != "tools.go")
}

/// The Go files of a module that are part of the product, with their paths in the module.
fn own_files<'r>(
    reader: &Reader<'r, '_>,
    folder: &'r str,
    modules: &'r [&str],
) -> impl Iterator<Item = (&'r FileEntry, &'r str)> + use<'r> {
    let depth = if folder == "." { 0 } else { folder.len() + 1 };
    let inner: Vec<String> =
        modules.iter().filter(|other| is_inside(other, folder)).map(|other| join(other, "")).collect();
    reader
        .corpus
        .tree
        .below(folder)
        .filter(|entry| matches!(entry.role, Role::Product | Role::Example) && entry.path.ends_with(".go"))
        .filter(move |entry| !inner.iter().any(|module| entry.path.starts_with(module.as_str())))
        .filter_map(move |entry| Some((entry, entry.path.get(depth..)?)))
        .filter(|(_, inner)| !inner.split('/').any(|part| matches!(part, "hack" | "tools" | "scripts")))
}

fn is_inside(other: &str, folder: &str) -> bool {
    other != folder && (folder == "." || other.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}
