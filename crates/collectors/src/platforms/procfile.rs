//! `Procfile`: <https://devcenter.heroku.com/articles/procfile>.

use std::sync::Arc;

use gonogo_domain::{Node, Place, Value, evidence::Located};

use super::{Declared, bare};
use crate::{paths, words};

/// A process file of the platform; `Procfile.dev` and the like are a developer's.
pub(super) fn is_one(name: &str) -> bool {
    name == "Procfile"
}

/// One workload for each process. A file without `web` and `worker` starts tools on somebody's own machine.
pub(super) fn read(path: &Arc<str>, text: &str) -> Vec<Declared> {
    let lines: Vec<(u32, &str, &str)> = (1..)
        .zip(text.lines())
        .filter_map(|(line, text)| {
            let (name, command) = text.split_once(':')?;
            let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
            (!name.is_empty() && name.chars().all(valid)).then(|| (line, name, command.trim()))
        })
        .collect();
    if !lines.iter().any(|(_, name, _)| matches!(*name, "web" | "worker")) {
        return Vec::new();
    }
    let folder = paths::folder(path);
    lines
        .into_iter()
        .filter(|(_, name, _)| *name != "release")
        .map(|(line, name, command)| {
            let place = Place::new(Arc::clone(path), line, 1);
            let mut workload = bare("procfile", name, &place, &Node::new(place.clone(), Value::Null));
            for container in &mut workload.containers {
                container.command = Some(Located::new(words::split(command), &place));
            }
            Declared { workload, build_context: Some(folder.to_owned()), container_file: None }
        })
        .collect()
}
