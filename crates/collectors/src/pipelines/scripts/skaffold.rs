//! The custom tests of skaffold.yaml, which `skaffold test` runs.

use gonogo_domain::Node;

use super::{Recipe, RecipeLine};
use crate::roles::has_extension;

/// A configuration of Skaffold by its name: `skaffold.yaml`, and what it requires beside itself, `skaffold-e2e.yaml`.
pub(in super::super) fn named(name: &str) -> bool {
    name.starts_with("skaffold") && (has_extension(name, "yaml") || has_extension(name, "yml"))
}

/// One recipe with the tests of all images.
pub(super) fn recipes(documents: &[Node]) -> Vec<Recipe> {
    let tests: Vec<&Node> = documents
        .iter()
        .flat_map(|root| root.list("test"))
        .flat_map(|test| test.list("custom"))
        .filter_map(|test| test.get("command"))
        .collect();
    let Some(first) = tests.first() else { return Vec::new() };
    let lines = tests.iter().filter_map(|command| {
        Some(RecipeLine { text: command.str()?.to_owned(), place: command.place.clone(), ignored: false })
    });
    vec![Recipe {
        name: "test".to_owned(),
        place: first.place.clone(),
        needs: Vec::new(),
        lines: lines.collect(),
        stops: true,
        folder: None,
    }]
}
