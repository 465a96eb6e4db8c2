//! Jsonnet is not evaluated: what is written in it is known only where its compiled form lies beside it.

use std::{collections::BTreeSet, sync::LazyLock};

use gonogo_domain::{
    Place,
    evidence::{FileEntry, Role},
};
use regex::Regex;

use crate::{Corpus, roles::has_extension};

/// A place of a `%` format that something is put into.
static FORMAT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"%(?:\([^)]*\))?[\w.]").expect("is valid"));

/// The Jsonnet of the repository that is neither a test nor a library of somebody else's, with its text.
pub(crate) fn files<'c>(
    corpus: &'c Corpus<'_>,
) -> impl Iterator<Item = (&'c FileEntry, Result<std::sync::Arc<str>, String>)> + 'c {
    let jsonnet =
        |entry: &FileEntry| ["libsonnet", "jsonnet"].iter().any(|extension| has_extension(&entry.path, extension));
    corpus
        .files_where(move |entry| jsonnet(entry) && entry.role != Role::Test)
        .map(|entry| (entry, corpus.tree.text(&entry.path)))
}

/// The place of an offset, without the blanks that it begins with.
pub(crate) fn place(entry: &FileEntry, text: &str, start: usize) -> Place {
    let rest = text.get(start..).unwrap_or_default();
    let begin = start + rest.len() - rest.trim_start().len();
    let line = text.get(..begin).unwrap_or_default().matches('\n').count() + 1;
    Place::whole(std::sync::Arc::clone(&entry.path)).at_line(u32::try_from(line).unwrap_or(u32::MAX))
}

/// The known names that a name in Jsonnet can have become: itself, or what its format makes.
pub(crate) fn became<'n>(written: &str, known: &BTreeSet<&'n str>) -> Vec<&'n str> {
    if let Some(same) = known.get(written) {
        return vec![same];
    }
    // Of a format the fixed parts must come in the order that they have.
    let parts: Vec<&str> = FORMAT.split(written).collect();
    if parts.len() < 2 || parts.iter().all(|part| part.len() <= 2) {
        return Vec::new();
    }
    let fits = |name: &&&str| {
        let mut rest = **name;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    known.iter().filter(fits).copied().collect()
}
