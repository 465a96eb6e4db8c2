//! Which files of scripts, and which targets of them, a command calls.

use std::{rc::Rc, sync::Arc};

use gonogo_domain::evidence::Role;

use super::{
    Call, SCRIPT_LIMIT, ScriptFile, Scripts, Tool, join, just, make, package, parent, skaffold, task, without_variable,
};
use crate::{pipelines::shell, roles::has_extension};

impl Scripts<'_> {
    /// What a command calls in this repository; empty: nothing that is there.
    pub(super) fn calls(&self, command: &shell::Command, folder: &str) -> Vec<Call> {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let calls = self.direct_calls(&words, folder);
        if !calls.is_empty() || !wraps(command.name()) {
            return calls;
        }
        // `docker run image make test`, `xargs ./check.sh`, `concurrently "npm test"`.
        (1..words.len().min(60))
            .filter_map(|at| words.get(at..))
            .map(|rest| match rest {
                [script, ..] if script.contains(' ') => {
                    let inner: Vec<&str> = script.split_whitespace().collect();
                    self.direct_calls(&inner, folder)
                }
                rest => self.direct_calls(rest, folder),
            })
            .find(|calls| !calls.is_empty())
            .unwrap_or_default()
    }

    fn direct_calls(&self, words: &[&str], folder: &str) -> Vec<Call> {
        let Some((name, arguments)) = words.split_first() else { return Vec::new() };
        let name = name.rsplit('/').next().unwrap_or(name);
        match name {
            "make" | "gmake" | "$(MAKE)" | "${MAKE}" => self.make_calls(arguments, folder),
            "just" => Self::named_calls(arguments, || self.upwards(folder, just::NAMES)),
            "task" | "go-task" => Self::named_calls(arguments, || self.upwards(folder, task::NAMES)),
            "npm"
            | "yarn"
            | "pnpm"
            | "bun"
            | "lerna"
            | "turbo"
            | "nx"
            | "rush"
            | "wsrun"
            | "composer"
            | "deno"
            | "start-server-and-test"
            | "start-test"
            | "run-s"
            | "run-p"
            | "npm-run-all"
            | "npm-run-all2"
            | "concurrently" => self.package_calls(name, arguments, folder),
            "skaffold" if arguments.contains(&"test") => self.skaffold_calls(folder),
            "tox" | "nox" => self.python_calls(name, arguments, folder),
            "bash" | "sh" | "zsh" | "dash" | "ash" | "source" | "." => arguments
                .iter()
                .find(|word| !word.starts_with('-') && !word.starts_with('+'))
                .and_then(|word| self.shell_call(word, folder))
                .into_iter()
                .collect(),
            _ => words.first().and_then(|word| self.shell_call(word, folder)).into_iter().collect(),
        }
    }

    fn shell_call(&self, word: &str, folder: &str) -> Option<Call> {
        let path = without_variable(word);
        if path.is_empty()
            || path.contains(['*', '$', '{', '\n'])
            || (!word.contains('/') && !has_extension(word, "sh"))
        {
            return None;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        // What a wrapper does is in its arguments; its text only fetches the tool.
        if matches!(name, "mvnw" | "gradlew") {
            return None;
        }
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        if !matches!(extension, None | Some("sh" | "bash" | "bats" | "zsh")) {
            return None;
        }
        [join(folder, path), join(".", path)]
            .into_iter()
            .find_map(|path| self.corpus.tree.entry(&path).filter(|entry| entry.size <= SCRIPT_LIMIT))
            .filter(|entry| !matches!(entry.role, Role::Vendored))
            .map(|entry| Call::Shell(Arc::clone(&entry.path)))
    }

    fn make_calls(&self, arguments: &[&str], folder: &str) -> Vec<Call> {
        let (mut folder, mut named, mut targets) = (folder.to_owned(), None, Vec::new());
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "-C" | "--directory" => {
                    folder = words.next().map_or(folder.clone(), |path| join(&folder, without_variable(path)));
                }
                "-f" | "--file" | "--makefile" => named = words.next().copied(),
                "-j" | "--jobs" | "-l" | "-o" | "-W" | "-I" => {
                    // `-j 4`, but also `-j test`.
                    let value = words.clone().next();
                    if value.is_some_and(|value| value.starts_with(|char: char| char.is_ascii_digit() || char == '$'))
                        || !matches!(*word, "-j" | "--jobs")
                    {
                        words.next();
                    }
                }
                word if word.starts_with("-C") => folder = join(&folder, word.get(2..).unwrap_or_default()),
                word if word.starts_with("--directory=") => {
                    folder = join(&folder, word.split_once('=').map_or("", |(_, path)| path));
                }
                word if word.starts_with('-') || word.contains('=') => (),
                word => targets.push(word),
            }
        }
        let file = match named {
            Some(path) => self.file(&join(&folder, without_variable(path)), Tool::Make),
            None => make::NAMES.iter().find_map(|name| self.file(&join(&folder, name), Tool::Make)),
        };
        let Some(file) = file else { return Vec::new() };
        if targets.is_empty() {
            let first = file.recipes.iter().find(|recipe| !recipe.name.starts_with('.') && !recipe.name.contains('%'));
            return first.map(|recipe| Call::Recipe(Rc::clone(&file), recipe.name.clone())).into_iter().collect();
        }
        known(&file, targets)
    }

    /// The targets among the arguments, of the file that `find` gives.
    fn named_calls(arguments: &[&str], find: impl FnOnce() -> Option<Rc<ScriptFile>>) -> Vec<Call> {
        let Some(file) = find() else { return Vec::new() };
        let targets: Vec<&str> = arguments.iter().copied().filter(|word| !word.starts_with('-')).collect();
        if targets.is_empty() {
            let first = file.recipe("default").or_else(|| file.recipes.first());
            return first.map(|recipe| Call::Recipe(Rc::clone(&file), recipe.name.clone())).into_iter().collect();
        }
        known(&file, targets)
    }

    /// The first file of one of these names in the folder or above it.
    fn upwards(&self, folder: &str, names: &[(&str, Tool)]) -> Option<Rc<ScriptFile>> {
        let mut folder = folder;
        loop {
            if let Some(file) = names.iter().find_map(|(name, tool)| self.file(&join(folder, name), *tool)) {
                return Some(file);
            }
            if folder == "." {
                return None;
            }
            folder = parent(folder);
        }
    }

    fn package_calls(&self, name: &str, arguments: &[&str], folder: &str) -> Vec<Call> {
        let call = package::call(name, arguments);
        let Some(call) = call else { return Vec::new() };
        let files: Vec<Rc<ScriptFile>> = if call.everywhere {
            let below = join(folder, call.folder.unwrap_or("."));
            self.packages_below(&below)
        } else {
            let file_name = match name {
                "composer" => "composer.json",
                "deno" => "deno.json",
                _ => "package.json",
            };
            let path = join(&join(folder, call.folder.unwrap_or(".")), file_name);
            self.file(&path, Tool::Package).into_iter().collect()
        };
        let mut calls = Vec::new();
        for file in files {
            for script in &call.scripts {
                // npm runs `pretest` and `posttest` with `test`.
                for name in [format!("pre{script}"), (*script).to_owned(), format!("post{script}")] {
                    if file.recipe(&name).is_some() && file.recipe(script).is_some() {
                        calls.push(Call::Recipe(Rc::clone(&file), name));
                    }
                }
                if let Some((prefix, "*")) = script.split_once('*').map(|(prefix, _)| (prefix, "*")) {
                    let family = file.recipes.iter().filter(|recipe| recipe.name.starts_with(prefix));
                    calls.extend(family.map(|recipe| Call::Recipe(Rc::clone(&file), recipe.name.clone())));
                }
            }
        }
        calls
    }

    /// The tests of a folder's configurations: which of them a module names is often only known when it runs.
    fn skaffold_calls(&self, folder: &str) -> Vec<Call> {
        let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
        let files = self.corpus.data().filter(|file| skaffold::named(file.name()) && file.path.starts_with(&prefix));
        let files = files.take(200).filter_map(|file| self.file(&file.path, Tool::Skaffold));
        files.filter(|file| file.recipe("test").is_some()).map(|file| Call::Recipe(file, "test".to_owned())).collect()
    }

    fn packages_below(&self, folder: &str) -> Vec<Rc<ScriptFile>> {
        let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
        let paths: Vec<Arc<str>> = self
            .corpus
            .data()
            .filter(|file| file.name() == "package.json" && file.path.starts_with(&prefix))
            .map(|file| Arc::clone(&file.path))
            .take(200)
            .collect();
        paths.iter().filter_map(|path| self.file(path, Tool::Package)).collect()
    }

    fn python_calls(&self, name: &str, arguments: &[&str], folder: &str) -> Vec<Call> {
        let names: &[&str] = if name == "tox" { &["tox.ini"] } else { &["noxfile.py"] };
        let Some(file) = names.iter().find_map(|name| self.file(&join(folder, name), Tool::Python)) else {
            return Vec::new();
        };
        let mut wanted = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "-e" | "-s" | "--session" | "--sessions" => {
                    wanted.extend(words.next().into_iter().flat_map(|list| list.split(',')));
                }
                "--" => break,
                _ => (),
            }
        }
        let all = wanted.is_empty() || file.recipes.len() == 1;
        let recipes = file.recipes.iter().filter(|recipe| {
            all || wanted.iter().any(|name| *name == recipe.name)
                || (recipe.name == "testenv" && wanted.iter().any(|name| name.starts_with("py")))
        });
        recipes.map(|recipe| Call::Recipe(Rc::clone(&file), recipe.name.clone())).collect()
    }
}

fn known(file: &Rc<ScriptFile>, targets: Vec<&str>) -> Vec<Call> {
    targets
        .into_iter()
        .filter(|target| file.recipe(target).is_some())
        .map(|target| Call::Recipe(Rc::clone(file), target.to_owned()))
        .collect()
}

/// Commands whose arguments may be a command of the project.
fn wraps(name: &str) -> bool {
    matches!(
        name.rsplit('/').next().unwrap_or_default(),
        "docker"
            | "docker-compose"
            | "podman"
            | "nix"
            | "nix-shell"
            | "devbox"
            | "kubectl"
            | "vagrant"
            | "ssh"
            | "xargs"
            | "find"
            | "parallel"
            | "retry"
            | "concurrently"
            | "wait-for-it"
            | "wait-for-it.sh"
            | "dockerize"
            | "flock"
            | "script"
            | "unbuffer"
            | "stdbuf"
            | "nx"
            | "lerna"
            | "start-server-and-test"
            | "su"
            | "runuser"
            | "gosu"
            | "with-env"
            | "infisical"
            | "teller"
            | "aws-vault"
            | "chroot"
            | "scl"
            | "earthly"
            | "dagger"
            | "tini"
    )
}
