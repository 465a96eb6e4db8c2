//! Justfiles: recipes with their dependencies.

use std::sync::Arc;

use gonogo_domain::Place;

use super::{Recipe, RecipeLine, Tool};

pub(super) const NAMES: &[(&str, Tool)] =
    &[("justfile", Tool::Just), ("Justfile", Tool::Just), (".justfile", Tool::Just)];

/// The recipes of a file.
pub(super) fn recipes(path: &Arc<str>, text: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    let mut inside = false;
    for (line, number) in text.lines().zip(1_u32..) {
        if line.starts_with([' ', '\t']) {
            if inside && let Some(recipe) = recipes.last_mut() {
                let trimmed = line.trim_start();
                let text = trimmed.trim_start_matches(['@', '-']);
                let ignored = trimmed.get(..trimmed.len() - text.len()).is_some_and(|prefix| prefix.contains('-'));
                recipe.stops |= text.starts_with("#!");
                recipe.lines.push(RecipeLine {
                    text: text.to_owned(),
                    place: Place::new(Arc::clone(path), number, 1),
                    ignored,
                });
            }
            continue;
        }
        if line.trim().is_empty() || line.starts_with(['#', '[']) {
            continue;
        }
        inside = false;
        let Some((head, needs)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')) else { continue };
        let mut words = head.trim_start_matches('@').split_whitespace();
        let Some(name) = words.next() else { continue };
        if matches!(name, "set" | "alias" | "export" | "import" | "mod") {
            continue;
        }
        inside = true;
        let needs = needs.split('#').next().unwrap_or_default();
        let needs = needs.split_whitespace().filter(|word| *word != "&&");
        recipes.push(Recipe {
            name: name.to_owned(),
            place: Place::new(Arc::clone(path), number, 1),
            needs: needs.map(|need| need.trim_matches(['(', ')']).to_owned()).collect(),
            lines: Vec::new(),
            stops: false,
            folder: None,
        });
    }
    recipes
}
