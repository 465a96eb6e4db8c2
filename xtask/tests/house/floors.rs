//! A crate imports from lower floors only, never from a neighbour. ARCHITECTURE.md says why each stands where it stands.

use std::collections::BTreeMap;

use crate::{none, packages, text};

const FLOORS: &[(&str, u8)] = &[
    ("gonogo-components", 0),
    ("gonogo-domain", 0),
    ("gonogo-resilience", 0),
    ("gonogo-actuators", 1),
    ("gonogo-checks", 1),
    ("gonogo-formats", 1),
    ("gonogo-report", 1),
    ("gonogo-secrets", 1),
    ("gonogo-source", 1),
    ("gonogo-collectors", 2),
    ("gonogo-exercise", 2),
    ("gonogo-release", 3),
    ("gonogo", 4),
    ("gonogo-subject", 4),
    ("xtask", 4),
];

/// What is wrong with these edges, from importer to imported.
fn problems(edges: &[(&str, &str)]) -> Vec<String> {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut problems = Vec::new();
    for (from, to) in edges {
        match (floors.get(from), floors.get(to)) {
            (Some(above), Some(below)) if below >= above => {
                problems.push(format!("`{from}` (floor {above}) may not import `{to}` (floor {below})"));
            }
            (Some(_), Some(_)) => {}
            (None, _) => problems.push(format!("`{from}` stands on no floor: add it to FLOORS and to ARCHITECTURE.md")),
            (_, None) => problems.push(format!("`{to}` stands on no floor: add it to FLOORS and to ARCHITECTURE.md")),
        }
    }
    problems
}

#[test]
fn every_crate_imports_from_lower_floors_only() {
    let packages = packages();
    let mut edges = Vec::new();
    for package in &packages {
        let from = package["name"].as_str().expect("a package has a name");
        for dependency in package["dependencies"].as_array().expect("a package lists its dependencies") {
            // Only what lies in the workspace has a path; builds and tests keep to the floors too.
            if dependency["path"].is_string() {
                edges.push((from, dependency["name"].as_str().expect("a dependency has a name")));
            }
        }
    }
    assert!(edges.len() >= FLOORS.len() - 1, "the graph was not read: {edges:?}");
    none(&problems(&edges));
}

#[test]
fn every_floor_has_its_crate() {
    let packages = packages();
    let mut crates: Vec<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut floors: Vec<_> = FLOORS.iter().map(|(name, _)| *name).collect();
    crates.sort_unstable();
    floors.sort_unstable();
    assert_eq!(crates, floors);
}

#[test]
fn a_climbing_import_is_named() {
    let problems = problems(&[("gonogo-domain", "gonogo-checks"), ("gonogo-checks", "gonogo-formats")]);
    assert_eq!(
        problems,
        [
            "`gonogo-domain` (floor 0) may not import `gonogo-checks` (floor 1)",
            "`gonogo-checks` (floor 1) may not import `gonogo-formats` (floor 1)",
        ]
    );
}

#[test]
fn the_architecture_page_shows_the_same_floors() {
    let page = text("ARCHITECTURE.md");
    let missing: Vec<String> = FLOORS
        .iter()
        .filter(|(name, _)| *name != "xtask")
        .map(|(name, floor)| (format!("| {floor} |"), format!("`{name}`")))
        .filter(|(floor, name)| {
            !page.lines().any(|line| line.starts_with(floor.as_str()) && line.contains(name.as_str()))
        })
        .map(|(floor, name)| format!("ARCHITECTURE.md has no row {floor} with {name}"))
        .collect();
    none(&missing);
}
