//! Taskfiles: tasks with their commands and dependencies.

use std::sync::Arc;

use gonogo_domain::Node;

use super::{Recipe, RecipeLine, Tool, join, parent};
use crate::Corpus;

pub(super) const NAMES: &[(&str, Tool)] = &[
    ("Taskfile.yml", Tool::Task),
    ("Taskfile.yaml", Tool::Task),
    ("taskfile.yml", Tool::Task),
    ("taskfile.yaml", Tool::Task),
    ("Taskfile.dist.yml", Tool::Task),
    ("Taskfile.dist.yaml", Tool::Task),
];

/// The tasks of a file and of those that it includes from the repository, under their namespaces.
pub(super) fn recipes(corpus: &Corpus<'_>, path: &Arc<str>) -> Vec<Recipe> {
    let Some(root) = corpus.file(path).and_then(|file| file.documents.first()) else { return Vec::new() };
    let mut recipes = tasks(root, "");
    let includes = root.get("includes").map(Node::entries).unwrap_or_default();
    for include in includes.iter().take(20) {
        let Some(target) = include.node.str().or_else(|| include.node.str_at("taskfile")) else { continue };
        let target = join(parent(path), target);
        let file =
            corpus.file(&target).or_else(|| NAMES.iter().find_map(|(name, _)| corpus.file(&join(&target, name))));
        if let Some(root) = file.and_then(|file| file.documents.first()) {
            recipes.extend(tasks(root, &format!("{}:", include.key)));
        }
    }
    recipes
}

fn tasks(root: &Node, prefix: &str) -> Vec<Recipe> {
    let tasks = root.get("tasks").map(Node::entries).unwrap_or_default();
    tasks
        .iter()
        .map(|task| {
            let body = &task.node;
            let mut recipe = Recipe {
                name: format!("{prefix}{}", task.key),
                place: task.key_place.clone(),
                needs: Vec::new(),
                lines: Vec::new(),
                stops: true,
                folder: body
                    .str_at("dir")
                    .filter(|dir| !dir.contains("{{"))
                    .map(|dir| join(parent(body.place.path()), dir)),
            };
            let ignored = body.bool_at("ignore_error") == Some(true);
            let needs = body.list("deps").iter().filter_map(|need| need.str().or_else(|| need.str_at("task")));
            recipe.needs.extend(needs.map(|need| named(prefix, need)));
            let single = [body, body.get("cmd").unwrap_or(body)];
            let commands = body.list("cmds").iter().chain(body.items());
            for command in single.into_iter().filter(|node| node.str().is_some()).take(1).chain(commands) {
                if let Some(task) = command.str_at("task") {
                    recipe.needs.push(named(prefix, task));
                    continue;
                }
                let node = command.get("cmd").unwrap_or(command);
                if let Some(text) = node.str() {
                    recipe.lines.push(RecipeLine {
                        text: text.to_owned(),
                        place: node.place.clone(),
                        ignored: ignored || command.bool_at("ignore_error") == Some(true),
                    });
                }
            }
            recipe
        })
        .collect()
}

/// The full name of a task that another one of the same file calls.
fn named(prefix: &str, name: &str) -> String {
    name.strip_prefix(':').map_or_else(|| format!("{prefix}{name}"), str::to_owned)
}
