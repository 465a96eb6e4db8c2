//! One idea a file: it says which, it is not long, and it leaves nothing for later.

use crate::{files, none, text};

const LONGEST: usize = 700;

/// Files that may be longer, with the reason.
const LONG: &[(&str, &str)] = &[
    ("crates/collectors/src/pipelines/shell.rs", "one grammar with its tests"),
    ("crates/formats/src/helm/parse.rs", "one grammar: the template language"),
    ("crates/formats/src/kustomize/build.rs", "one build, in the order of its steps"),
    ("crates/formats/src/kustomize/tests/builds.rs", "tables of inputs and builds"),
    ("crates/source/src/languages/kotlin.rs", "one language, kind of node by kind of node"),
    ("crates/source/src/languages/php.rs", "one language, kind of node by kind of node"),
    ("crates/source/src/languages/python.rs", "one language, kind of node by kind of node"),
    ("crates/source/src/languages/ruby.rs", "one language, kind of node by kind of node"),
    ("crates/source/src/languages/rust.rs", "one language, kind of node by kind of node"),
];

#[test]
fn every_source_file_begins_by_saying_what_it_is_for() {
    let problems: Vec<String> = files(".rs")
        .into_iter()
        .filter(|path| !text(path).starts_with("//! ") && !text(path).starts_with("#![no_main]"))
        .map(|path| format!("{path} does not begin with a `//!` sentence"))
        .collect();
    none(&problems);
}

#[test]
fn files_are_short_or_say_why_not() {
    let mut problems = Vec::new();
    for path in files(".rs") {
        let lines = text(&path).lines().count();
        let listed = LONG.iter().any(|(long, _)| *long == path);
        if lines > LONGEST && !listed {
            problems.push(format!("{path} has {lines} lines: split it, or list it with a reason"));
        }
        if lines <= LONGEST && listed {
            problems.push(format!("{path} has {lines} lines: it needs no exception any more"));
        }
    }
    for (path, _) in LONG {
        if !files(".rs").iter().any(|file| file == path) {
            problems.push(format!("{path} is listed as long and does not exist"));
        }
    }
    none(&problems);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    // The words are put together here, so that this file does not find itself.
    let attribute = ["allow", "("].concat();
    let mut problems = Vec::new();
    for path in files(".rs") {
        for (index, line) in text(&path).lines().enumerate() {
            let line = line.trim_start();
            if (line.starts_with("#[") || line.starts_with("#![")) && line.contains(&attribute) {
                problems.push(format!("{path}:{} allows a lint: expect it, with a reason", index + 1));
            }
        }
    }
    none(&problems);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut problems = Vec::new();
    for path in files(".rs") {
        for (index, line) in text(&path).lines().enumerate() {
            let Some((_, comment)) = line.split_once("//") else { continue };
            // A comment may speak of such marks, in quotes; a string that holds one is no comment of ours.
            let quoted = line.split("//").next().is_some_and(|before| before.contains('"'));
            if !quoted
                && marks.iter().any(|mark| comment.trim_start_matches(['/', '!', ' ']).starts_with(mark.as_str()))
            {
                problems.push(format!("{path}:{} leaves something for later", index + 1));
            }
        }
    }
    none(&problems);
}
