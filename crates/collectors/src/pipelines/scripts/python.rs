//! tox.ini and noxfile.py: environments and sessions with their commands.

use std::sync::Arc;

use gonogo_domain::Place;

use super::{Recipe, RecipeLine};

/// The environments of tox, or the sessions of nox.
pub(super) fn recipes(path: &Arc<str>, text: &str) -> Vec<Recipe> {
    if path.ends_with(".py") { sessions(path, text) } else { environments(path, text) }
}

fn recipe(name: &str, place: Place) -> Recipe {
    Recipe { name: name.to_owned(), place, needs: Vec::new(), lines: Vec::new(), stops: true, folder: None }
}

fn environments(path: &Arc<str>, text: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    let (mut inside, mut commands) = (false, false);
    for (line, number) in text.lines().zip(1_u32..) {
        let place = Place::new(Arc::clone(path), number, 1);
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = section.starts_with("testenv");
            commands = false;
            if inside {
                let name = section.strip_prefix("testenv:").unwrap_or("testenv");
                recipes.push(recipe(name, place));
            }
            continue;
        }
        if !inside || line.trim_start().starts_with('#') {
            continue;
        }
        let command =
            if let Some(rest) = line.strip_prefix("commands").filter(|rest| rest.trim_start().starts_with('=')) {
                commands = true;
                rest.trim_start().trim_start_matches('=').trim()
            } else if line.starts_with([' ', '\t']) && commands {
                line.trim()
            } else {
                commands = commands && line.trim().is_empty();
                continue;
            };
        // `-` goes on after a failure; `py{310,311}: ` says for which environments.
        let command =
            command.split_once(": ").filter(|(factor, _)| !factor.contains(' ')).map_or(command, |(_, rest)| rest);
        let ignored = command.starts_with("- ") || command.starts_with('-');
        let command = command.trim_start_matches('-').trim();
        if let Some(recipe) = recipes.last_mut().filter(|_| !command.is_empty()) {
            recipe.lines.push(RecipeLine { text: command.to_owned(), place, ignored });
        }
    }
    recipes
}

/// `session.run("pytest", "-q")` in each function that `@nox.session` marks.
fn sessions(path: &Arc<str>, text: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    let mut marked = false;
    for (line, number) in text.lines().zip(1_u32..) {
        let place = Place::new(Arc::clone(path), number, 1);
        if line.starts_with("@nox.session") || line.starts_with("@session") {
            marked = true;
        } else if let Some(name) = line.strip_prefix("def ").and_then(|rest| rest.split('(').next()) {
            if std::mem::take(&mut marked) {
                recipes.push(recipe(name, place));
            }
        } else if let Some((_, call)) = line.split_once("session.run(")
            && let Some(recipe) = recipes.last_mut()
        {
            let words = call
                .split(',')
                .map(|word| word.trim().trim_end_matches(')').trim_matches(['"', '\'']))
                .collect::<Vec<_>>();
            recipe.lines.push(RecipeLine { text: words.join(" "), place, ignored: false });
        }
    }
    recipes
}
