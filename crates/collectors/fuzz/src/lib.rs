//! Gathers one source from a repository in memory and holds what comes out against what went in: nothing panics or
//! hangs, and every place leads to a line that is there.

use std::collections::BTreeMap;

use gonogo_collectors::{Tree, fuzzing};

pub use gonogo_collectors::fuzzing::Scanned;

/// Gathers a source from these files.
pub fn gathers(source: Scanned, files: &[(&str, &str)]) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let lines: BTreeMap<&str, usize> =
        files.iter().map(|(path, text)| (*path, text.split(['\n', '\r']).count())).collect();
    for place in fuzzing::places(&tree, source) {
        if let (Some(line), Some(lines)) = (place.line(), lines.get(place.path())) {
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            assert!(line >= 1 && line <= lines + 1, "{place} of {lines} lines");
        }
        let path = place.path();
        let folder = format!("{path}/");
        let known = path == "." || lines.contains_key(path) || lines.keys().any(|file| file.starts_with(&folder));
        assert!(known, "{place} is in no file");
    }
}

/// Gathers from a file whose name the first character chooses, and from what lies beside it.
pub fn one_of(source: Scanned, names: &[&str], text: &str, beside: &[(&str, &str)]) {
    let mut rest = text.chars();
    let choice = rest.next().map_or(0, |first| first as usize);
    let Some(name) = names.get(choice % names.len()) else { return };
    let mut files: Vec<(&str, &str)> = beside.iter().copied().filter(|(path, _)| path != name).collect();
    files.push((name, rest.as_str()));
    gathers(source, &files);
}
