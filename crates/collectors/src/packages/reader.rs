//! Reads manifests and lockfiles, counts them, and keeps what could not be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{Gap, Gathered, Node, Place, Source, evidence::FileEntry};

use crate::{Corpus, paths};

/// Exact versions by the name of their package.
pub(super) type Versions = BTreeMap<String, Vec<String>>;

pub(super) struct Reader<'c, 't> {
    pub(super) corpus: &'c Corpus<'t>,
    read: BTreeSet<Arc<str>>,
    broken: BTreeMap<Place, String>,
}

impl<'c, 't> Reader<'c, 't> {
    pub(super) fn new(corpus: &'c Corpus<'t>) -> Self {
        Self { corpus, read: BTreeSet::new(), broken: BTreeMap::new() }
    }

    pub(super) fn finish<T>(self, source: Source, items: Vec<T>) -> Gathered<T> {
        let gaps = self.broken.into_iter().map(|(place, reason)| Gap { source, place, reason }).collect();
        Gathered::new(items, self.read.len(), gaps)
    }

    /// The files that count and whose name passes.
    pub(super) fn named(&self, test: impl Fn(&str) -> bool + 'c) -> Vec<&'c FileEntry> {
        self.corpus.files_where(move |entry| test(entry.name())).collect()
    }

    /// There is such a file, vendored ones included.
    pub(super) fn exists(&self, folder: &str, name: &str) -> bool {
        self.corpus.tree.contains(&join(folder, name))
    }

    /// The path of the first of these names that a folder has.
    pub(super) fn first(&self, folder: &str, names: &[&str]) -> Option<Arc<str>> {
        names.iter().find_map(|name| self.corpus.tree.entry(&join(folder, name))).map(|entry| Arc::clone(&entry.path))
    }

    /// Names of files right in a folder.
    pub(super) fn names_in(&self, folder: &str) -> impl Iterator<Item = &'c str> + use<'c, 't> {
        let depth = if folder == "." { 0 } else { folder.len() + 1 };
        self.corpus
            .tree
            .below(folder)
            .filter_map(move |entry| entry.path.get(depth..))
            .filter(|rest| !rest.contains('/'))
    }

    /// The text of a file; one that cannot be read is noted as broken.
    pub(super) fn text(&mut self, path: &Arc<str>) -> Option<Arc<str>> {
        self.read.insert(Arc::clone(path));
        match self.corpus.tree.text(path) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.broken(Place::whole(Arc::clone(path)), reason);
                None
            }
        }
    }

    /// The tree of a data file; one that cannot be parsed is noted as broken.
    pub(super) fn data(&mut self, path: &str) -> Option<&'c Node> {
        let file = self.corpus.file(path)?;
        self.read.insert(Arc::clone(&file.path));
        for error in &file.errors {
            self.broken(error.place.clone(), error.reason.clone());
        }
        file.documents.first()
    }

    pub(super) fn broken(&mut self, place: Place, reason: impl Into<String>) {
        self.broken.entry(place).or_insert_with(|| reason.into());
    }

    /// A container file or a process file beside a manifest: what lies there is started on its own.
    pub(super) fn is_packed(&self, folder: &str) -> bool {
        self.names_in(folder).any(|name| {
            let lower = name.to_ascii_lowercase();
            lower == "procfile" || is_container_file(&lower)
        })
    }
}

fn is_container_file(name: &str) -> bool {
    ["dockerfile", "containerfile"].iter().any(|word| {
        name == *word
            || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.') && !rest.contains("test"))
            || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('.') && !rest.contains("test"))
    })
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if matches!(folder, "." | "") { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A folder and those above it, up to the root.
pub(super) fn upwards(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::once(folder).chain(paths::ancestors(folder))
}

/// The place of a word in a line, which counts from 0 here.
pub(super) fn spot(path: &Arc<str>, index: usize, line: &str, word: &str) -> Place {
    let column = line.find(word).and_then(|at| line.get(..at)).map_or(1, |before| before.chars().count() + 1);
    Place::new(Arc::clone(path), count(index + 1), count(column))
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The line of the first mark that git leaves in a file whose merge was not finished.
pub(super) fn conflict(text: &str) -> Option<usize> {
    text.lines().position(|line| line.starts_with("<<<<<<< ")).map(|index| index + 1)
}

/// Names and versions of a lockfile in TOML: `[[package]]`, `name = "x"`, `version = "1"` (Cargo, Poetry, uv, PDM).
pub(super) fn toml_lock(text: &str) -> Versions {
    let mut versions = Versions::new();
    let (mut inside, mut name) = (false, None);
    for line in text.lines() {
        if line.starts_with('[') {
            inside = matches!(line.trim_end(), "[[package]]" | "[[packages]]");
            name = None;
        } else if inside {
            if let Some(value) = toml_text(line, "name") {
                name = Some(value);
            } else if let (Some(version), Some(name)) = (toml_text(line, "version"), name) {
                versions.entry(name.to_owned()).or_default().push(version.to_owned());
            }
        }
    }
    versions
}

fn toml_text<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
    value.strip_prefix('"')?.split('"').next()
}
