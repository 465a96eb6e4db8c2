//! Gathers from a repository in memory and holds what comes out against what went in.
//!
//! The scanners of `collectors` are private, so that a target goes through the front door: nothing panics or hangs,
//! and every place leads to a line that is there.

use std::collections::BTreeMap;

use gonogo_collectors::{Collected, Configuration, Tree, collect};
use gonogo_domain::Place;
use jiff::civil::date;

/// Gathers from these files.
pub fn gathers(files: &[(&str, &str)]) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let collected = collect(&tree, &Configuration::default(), date(2026, 11, 22));
    let lines: BTreeMap<&str, usize> =
        files.iter().map(|(path, text)| (*path, text.split(['\n', '\r']).count())).collect();
    for place in places(&collected) {
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
pub fn one_of(names: &[&str], text: &str, beside: &[(&str, &str)]) {
    let mut rest = text.chars();
    let choice = rest.next().map_or(0, |first| first as usize);
    let Some(name) = names.get(choice % names.len()) else { return };
    let mut files: Vec<(&str, &str)> = beside.iter().copied().filter(|(path, _)| path != name).collect();
    files.push((name, rest.as_str()));
    // A program beside it, so that there is a service to gather for.
    if !files.iter().any(|(path, _)| *path == "main.go") {
        files.push(("main.go", "package main\n\nfunc main() {}\n"));
    }
    gathers(&files);
}

fn places(collected: &Collected) -> Vec<&Place> {
    let mut places: Vec<&Place> = collected.unread.iter().map(|gap| &gap.place).collect();
    places.extend(collected.left_out.iter().map(|(.., place)| place));
    for facts in &collected.services {
        places.extend(facts.service.sources.iter().map(|source| &source.place));
        places.extend(facts.workloads.items.iter().map(|one| &one.place));
        places.extend(facts.images.items.iter().map(|one| &one.place));
        places.extend(facts.infrastructure.items.iter().map(|one| &one.place));
        places.extend(
            facts.alert_rules.items.iter().flat_map(|one| [Some(&one.place), one.compiled_from.as_ref()]).flatten(),
        );
        places.extend(facts.documents.items.iter().map(|one| &one.place));
        places.extend(facts.documents.items.iter().flat_map(|one| &one.sections).map(|section| &section.place));
        places.extend(facts.packages.items.iter().map(|one| &one.place));
        places.extend(facts.packages.items.iter().flat_map(|one| &one.dependencies).map(|one| &one.place));
        places.extend(facts.apis.items.iter().map(|one| &one.place));
        places.extend(facts.migrations.items.iter().map(|one| &one.place));
        places.extend(facts.ownership.items.iter().map(|one| &one.place));
        places.extend(facts.results.items.iter().map(|one| &one.place));
        places.extend(facts.settings.items.iter().map(|one| &one.place));
        for pipeline in &facts.pipelines.items {
            places.push(&pipeline.place);
            places.extend(pipeline.jobs.iter().map(|job| &job.place));
            places.extend(pipeline.steps().map(|(_, step)| &step.place));
        }
    }
    places
}
