//! What the steps of pipelines call: Makefiles, package scripts, task files and shell scripts of the repository,
//! followed from call to call.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, OnceLock},
};

use gonogo_domain::{
    Gap, Place, Source, action_purposes,
    evidence::{FileEntry, PipelineSystem, Purpose, Role},
    purposes,
};
use regex::Regex;

use super::{Context, DraftJob, DraftStep, Parts, shell};
use crate::{Corpus, roles::has_extension};

mod just;
mod make;
mod package;
mod python;
pub(super) mod skaffold;
mod task;

/// Calls behind calls that are followed.
const DEPTH_LIMIT: usize = 5;
/// Targets that one step may reach.
const VISIT_LIMIT: usize = 400;
/// Shell scripts above this size are programs of their own.
const SCRIPT_LIMIT: u64 = 256 * 1024;

/// One thing that a command brings about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) purpose: Purpose,
    /// What makes its failure count for nothing.
    pub(super) tolerated: Option<Place>,
    /// A call of an address, which is a smoke test only where something was deployed.
    pub(super) probe: bool,
}

/// What a text of shell brings about.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) effects: Vec<Effect>,
    /// It runs a command that does something and that no table knows.
    pub(super) unknown: bool,
    /// It starts a cluster that lives no longer than the job.
    pub(super) cluster: bool,
}

impl Outcome {
    pub(super) fn extend(&mut self, other: Self) {
        self.unknown |= other.unknown;
        self.cluster |= other.cluster;
        for effect in other.effects {
            if !self.effects.contains(&effect) {
                self.effects.push(effect);
            }
        }
    }

    /// Everything in it may fail because of what stands at this place.
    pub(super) fn tolerate(&mut self, place: &Place) {
        for effect in &mut self.effects {
            effect.tolerated.get_or_insert_with(|| place.clone());
        }
    }
}

/// A text of shell where it stands.
pub(super) struct Text<'a> {
    pub(super) script: &'a str,
    /// The place of its first line.
    pub(super) place: Place,
    /// The shell stops at the first failure.
    pub(super) stops: bool,
    /// The folder in which it runs.
    pub(super) folder: &'a str,
}

/// A file of named scripts.
#[derive(Debug)]
pub(super) struct ScriptFile {
    path: Arc<str>,
    recipes: Vec<Recipe>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tool {
    Make,
    Just,
    Task,
    /// package.json, composer.json, deno.json.
    Package,
    /// tox.ini, noxfile.py.
    Python,
    /// The custom tests of skaffold.yaml.
    Skaffold,
}

/// A target of a file of scripts.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    name: String,
    place: Place,
    /// Targets of the same file that run before it.
    needs: Vec<String>,
    lines: Vec<RecipeLine>,
    /// The shell stops at the first failure.
    stops: bool,
    /// The folder in which it runs, if it is not that of the file.
    folder: Option<String>,
}

#[derive(Clone, Debug)]
struct RecipeLine {
    text: String,
    place: Place,
    /// The tool goes on when it fails: `-` in a Makefile, `ignore_error` in a Taskfile.
    ignored: bool,
}

impl ScriptFile {
    fn recipe(&self, name: &str) -> Option<&Recipe> {
        self.recipes.iter().find(|recipe| recipe.name == name)
    }

    fn folder(&self) -> &str {
        parent(&self.path)
    }
}

/// The files of scripts of a repository, read when they are first asked for.
pub(super) struct Scripts<'c> {
    corpus: &'c Corpus<'c>,
    files: RefCell<BTreeMap<String, Option<Rc<ScriptFile>>>>,
    shells: RefCell<BTreeMap<Arc<str>, Option<Arc<str>>>>,
    gaps: RefCell<Vec<Gap>>,
    read: Cell<usize>,
}

/// What was visited on the way from one step, and how deep.
#[derive(Default)]
struct Visits {
    seen: BTreeMap<(Arc<str>, String), usize>,
}

impl Visits {
    fn enter(&mut self, path: &Arc<str>, name: &str, depth: usize) -> bool {
        if depth > DEPTH_LIMIT || self.seen.len() >= VISIT_LIMIT {
            return false;
        }
        let key = (Arc::clone(path), name.to_owned());
        match self.seen.get(&key) {
            Some(before) if *before <= depth => false,
            _ => {
                self.seen.insert(key, depth);
                true
            }
        }
    }
}

/// What a command calls.
enum Call {
    Recipe(Rc<ScriptFile>, String),
    Shell(Arc<str>),
}

impl<'c> Scripts<'c> {
    pub(super) fn new(corpus: &'c Corpus<'c>) -> Self {
        Self {
            corpus,
            files: RefCell::default(),
            shells: RefCell::default(),
            gaps: RefCell::default(),
            read: Cell::new(0),
        }
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.gaps.borrow().clone()
    }

    pub(super) fn files_read(&self) -> usize {
        self.read.get()
    }

    /// What a text of shell brings about, the scripts that it calls included.
    pub(super) fn outcome(&self, text: &Text<'_>) -> Outcome {
        self.text(text, 0, &mut Visits::default()).0
    }

    /// The same for one of several texts that run in one shell, with the folder in which the next one starts.
    pub(super) fn outcome_and_folder(&self, text: &Text<'_>) -> (Outcome, String) {
        self.text(text, 0, &mut Visits::default())
    }

    /// What an action, an orb or a task brings about, by its name and its inputs.
    pub(super) fn action(&self, uses: &str, with: &[(String, String)]) -> Outcome {
        let mut line = uses.to_owned();
        for (name, value) in with {
            let value = value.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            let end = value.floor_char_boundary(200);
            line.extend([" ", name, "=", value.get(..end).unwrap_or_default()]);
        }
        let effects =
            action_purposes(&line).into_iter().map(|purpose| Effect { purpose, tolerated: None, probe: false });
        let mut outcome = Outcome { effects: effects.collect(), unknown: false, cluster: starts_cluster(&line) };
        if uses.starts_with("pre-commit/action") {
            outcome.extend(self.hooks());
        }
        outcome
    }

    fn text(&self, text: &Text<'_>, depth: usize, visits: &mut Visits) -> (Outcome, String) {
        let mut outcome = Outcome::default();
        let mut folder = text.folder.to_owned();
        let mut outer: Option<String> = None;
        let line_place = |line: u32| text.place.at_line(text.place.line().unwrap_or(1).saturating_add(line));
        for command in shell::commands(text.script, text.stops) {
            if !command.in_group()
                && let Some(before) = outer.take()
            {
                folder = before;
            }
            if matches!(command.name(), "cd" | "pushd") {
                if command.in_group() {
                    outer.get_or_insert_with(|| folder.clone());
                }
                if let Some(target) = command.words.get(1) {
                    folder = change_folder(&folder, text.folder, target);
                }
                continue;
            }
            let mut one = self.command(&command, &folder, depth, visits);
            if let Some(line) = command.swallowed {
                one.tolerate(&line_place(line));
            } else if hides_failure(&command) {
                one.tolerate(&line_place(command.line));
            }
            outcome.extend(one);
        }
        (outcome, folder)
    }

    fn command(&self, command: &shell::Command, folder: &str, depth: usize, visits: &mut Visits) -> Outcome {
        let line = without_version(&command.text());
        if quiet(command) {
            return Outcome::default();
        }
        let calls = self.calls(command, folder);
        if !calls.is_empty() {
            let mut outcome = Outcome::default();
            for call in calls {
                outcome.extend(self.call(&call, depth + 1, visits));
            }
            // The arguments may say more than the script: `make test TAGS=integration`, `npm test -- --coverage`.
            if command.words.iter().any(|word| word == "--" || word.contains('=')) {
                outcome.told(&line);
            }
            outcome.cluster |= starts_cluster(&line);
            return outcome;
        }
        let line = match command.name() {
            "curl" | "wget" | "node" | "python" | "python3" | "ruby" | "perl" => {
                let words: Vec<&str> = command
                    .words
                    .iter()
                    .map(String::as_str)
                    .filter(|word| !word.contains(char::is_whitespace))
                    .collect();
                words.join(" ")
            }
            _ => line,
        };
        let found = purposes(&line);
        let probe = matches!(command.name(), "curl" | "wget" | "http" | "https" | "xh" | "httpie");
        let mut outcome = Outcome {
            unknown: found.is_empty(),
            cluster: starts_cluster(&line),
            effects: found
                .into_iter()
                .map(|purpose| Effect { purpose, tolerated: None, probe: probe && purpose == Purpose::SmokeTest })
                .collect(),
        };
        if line.starts_with("pre-commit run") || line.starts_with("prek run") {
            outcome.extend(self.hooks());
        }
        // A test runner that is started in `tests/integration` runs what lies there.
        outcome.told(folder);
        outcome
    }

    /// What the hooks of pre-commit are there for.
    pub(super) fn hooks(&self) -> Outcome {
        let file = [".pre-commit-config.yaml", ".pre-commit-config.yml"].iter().find_map(|name| self.corpus.file(name));
        let Some(root) = file.and_then(|file| file.documents.first()) else { return Outcome::default() };
        let mut outcome = Outcome::default();
        for hook in root.list("repos").iter().flat_map(|repo| repo.list("hooks")) {
            if let Some(id) = hook.str_at("id") {
                outcome.extend(self.action(&format!("pre-commit hook {id}"), &[]));
            }
        }
        outcome
    }

    fn call(&self, call: &Call, depth: usize, visits: &mut Visits) -> Outcome {
        match call {
            Call::Recipe(file, name) => self.recipe(file, name, depth, visits),
            Call::Shell(path) => self.shell_file(path, depth, visits),
        }
    }

    fn recipe(&self, file: &ScriptFile, name: &str, depth: usize, visits: &mut Visits) -> Outcome {
        let mut outcome = Outcome::default();
        if !visits.enter(&file.path, name, depth) {
            return outcome;
        }
        let Some(recipe) = file.recipe(name) else { return outcome };
        for need in &recipe.needs {
            outcome.extend(self.recipe(file, need, depth + 1, visits));
        }
        let mut own = Outcome::default();
        let folder = recipe.folder.as_deref().unwrap_or_else(|| file.folder());
        for line in &recipe.lines {
            let text = Text { script: &line.text, place: line.place.clone(), stops: recipe.stops, folder };
            let mut one = self.text(&text, depth, visits).0;
            if line.ignored {
                one.tolerate(&line.place);
            }
            own.extend(one);
        }
        own.named(name, true);
        outcome.extend(own);
        outcome
    }

    fn shell_file(&self, path: &Arc<str>, depth: usize, visits: &mut Visits) -> Outcome {
        if !visits.enter(path, "", depth) {
            return Outcome::default();
        }
        let known = self.shells.borrow().get(path).cloned();
        let text = known.unwrap_or_else(|| {
            let text = match self.corpus.tree.text(path) {
                Ok(text) => Some(text).filter(|text| shell_script(path, text)),
                Err(reason) => {
                    self.gap(Place::whole(Arc::clone(path)), reason);
                    None
                }
            };
            self.read.set(self.read.get() + usize::from(text.is_some()));
            self.shells.borrow_mut().insert(Arc::clone(path), text.clone());
            text
        });
        let Some(text) = text else { return Outcome { unknown: true, ..Outcome::default() } };
        // A script runs where its caller stands, which most undo by a `cd` to their own folder or the root.
        let stops = stops_at_failure(&text);
        let shell = Text { script: &text, place: Place::new(Arc::clone(path), 1, 1), stops, folder: "." };
        let mut outcome = self.text(&shell, depth, visits).0;
        // A script that only looks at files and fails is a check of its own.
        outcome.unknown |= text.contains("exit 1");
        let name = path.rsplit('/').next().unwrap_or(path);
        outcome.named(name.split('.').next().unwrap_or(name), true);
        outcome
    }

    fn gap(&self, place: Place, reason: String) {
        self.gaps.borrow_mut().push(Gap { source: Source::Pipelines, place, reason });
    }

    /// What a command calls in this repository; empty: nothing that is there.
    fn calls(&self, command: &shell::Command, folder: &str) -> Vec<Call> {
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

    /// A file of scripts, read once.
    fn file(&self, path: &str, tool: Tool) -> Option<Rc<ScriptFile>> {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let read = self.read_file(path, tool).map(Rc::new);
        self.files.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }

    fn read_file(&self, path: &str, tool: Tool) -> Option<ScriptFile> {
        let entry = self.corpus.tree.entry(path).filter(|entry| entry.role != Role::Vendored)?;
        let path = Arc::clone(&entry.path);
        let recipes = match tool {
            Tool::Package => package::recipes(self.corpus.file(&path)?.documents.first()?),
            Tool::Task => task::recipes(self.corpus, &path),
            Tool::Skaffold => skaffold::recipes(&self.corpus.file(&path)?.documents),
            Tool::Make | Tool::Just | Tool::Python => match self.corpus.tree.text(&path) {
                Ok(text) if tool == Tool::Make => make::recipes(self.corpus.tree, &path, &text),
                Ok(text) if tool == Tool::Just => just::recipes(&path, &text),
                Ok(text) => python::recipes(&path, &text),
                Err(reason) => {
                    self.gap(Place::whole(Arc::clone(&path)), reason);
                    return None;
                }
            },
        };
        self.read.set(self.read.get() + 1);
        Some(ScriptFile { path, recipes })
    }
}

/// `bin/golangci-lint-v2.4.0 run` as `bin/golangci-lint run`: tools that are installed under their versions.
fn without_version(line: &str) -> String {
    let bare = |(index, word): (usize, &str)| {
        let versioned = word.match_indices("-v").find(|(at, _)| {
            let rest = word.get(at + 2..).unwrap_or_default();
            rest.starts_with(|char: char| char.is_ascii_digit()) && rest.contains('.') && !rest.contains('/')
        });
        let end = versioned.filter(|_| index == 0 || word.contains('/')).map_or(word.len(), |(at, _)| at);
        word.get(..end).unwrap_or(word).to_owned()
    };
    line.split(' ').enumerate().map(bare).collect::<Vec<_>>().join(" ")
}

fn known(file: &Rc<ScriptFile>, targets: Vec<&str>) -> Vec<Call> {
    targets
        .into_iter()
        .filter(|target| file.recipe(target).is_some())
        .map(|target| Call::Recipe(Rc::clone(file), target.to_owned()))
        .collect()
}

/// The files of scripts of the repository as pipelines that do not run by themselves.
pub(super) fn gather(context: &mut Context<'_>) {
    let entries: Vec<(Arc<str>, Tool)> = context
        .corpus
        .files_where(|entry| tool_of(entry).is_some())
        .filter_map(|entry| Some((Arc::clone(&entry.path), tool_of(entry)?)))
        .collect();
    for (path, tool) in entries {
        let Some(file) = context.scripts.file(&path, tool) else { continue };
        if file.recipes.is_empty() {
            continue;
        }
        let jobs = file.recipes.iter().map(|recipe| draft(context.scripts, &file, recipe)).collect();
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        context.add(PipelineSystem::Script, name, Place::whole(path), Parts { jobs, ..Parts::default() });
    }
}

fn draft(scripts: &Scripts<'_>, file: &ScriptFile, recipe: &Recipe) -> DraftJob {
    let mut job = DraftJob::new(&recipe.name, recipe.place.clone());
    job.job.needs.clone_from(&recipe.needs);
    if recipe.lines.is_empty() && recipe.needs.is_empty() {
        return job;
    }
    let mut step = DraftStep::new(recipe.place.clone());
    let lines: Vec<&str> = recipe.lines.iter().map(|line| line.text.as_str()).collect();
    step.step.run = Some(lines.join("\n")).filter(|text| !text.is_empty());
    step.outcome = scripts.recipe(file, &recipe.name, 0, &mut Visits::default());
    job.steps.push(step);
    job
}

fn tool_of(entry: &FileEntry) -> Option<Tool> {
    let name = entry.name();
    if make::NAMES.contains(&name) {
        return Some(Tool::Make);
    }
    if let Some((_, tool)) = just::NAMES.iter().chain(task::NAMES).find(|(own, _)| *own == name) {
        return Some(*tool);
    }
    match name {
        "package.json" | "composer.json" | "deno.json" => Some(Tool::Package),
        "tox.ini" | "noxfile.py" => Some(Tool::Python),
        _ => None,
    }
}

/// Commands that print, move files or prepare the machine: their arguments are no commands of the project.
fn quiet(command: &shell::Command) -> bool {
    let name = command.name().rsplit('/').next().unwrap_or_default();
    let first = command.words.get(1).map_or("", String::as_str);
    match name {
        "npm" | "pnpm" | "yarn" | "bun" | "pip" | "pip3" | "pipx" | "gem" | "cargo" | "composer" | "conda"
        | "mamba" | "poetry" | "uv" | "pdm" | "bundle" | "deno" => {
            matches!(
                first,
                "install"
                    | "i"
                    | "ci"
                    | "add"
                    | "require"
                    | "global"
                    | "get"
                    | "sync"
                    | "config"
                    | "cache"
                    | "login"
                    | "init"
                    | "fetch"
                    | "update"
                    | "upgrade"
                    | "tool"
                    | "link"
                    | "set"
                    | "version"
                    | "-v"
                    | "--version"
            ) && !command.words.iter().any(|word| word == "audit" || word == "publish")
        }
        "go" => matches!(first, "install" | "get" | "mod" | "env" | "version" | "list" | "clean"),
        "git" => first != "push" && first != "secrets",
        "gh" | "glab" => first != "release",
        "docker" => matches!(first, "login" | "logout" | "pull" | "ps" | "logs" | "inspect" | "images" | "rm" | "tag"),
        "dotnet" => matches!(first, "tool" | "restore" | "add"),
        _ => QUIET.contains(&name),
    }
}

const QUIET: &[&str] = &[
    "echo",
    "printf",
    ":",
    "true",
    "false",
    "mkdir",
    "rmdir",
    "rm",
    "cp",
    "mv",
    "ln",
    "ls",
    "cat",
    "head",
    "tail",
    "tee",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "sed",
    "awk",
    "gawk",
    "jq",
    "yq",
    "tr",
    "cut",
    "sort",
    "uniq",
    "wc",
    "sleep",
    "wait",
    "kill",
    "date",
    "printenv",
    "export",
    "unset",
    "set",
    "shopt",
    "test",
    "[",
    "[[",
    "chmod",
    "chown",
    "touch",
    "tar",
    "unzip",
    "zip",
    "gzip",
    "gunzip",
    "which",
    "type",
    "hash",
    "uname",
    "hostname",
    "whoami",
    "id",
    "pwd",
    "read",
    "let",
    "local",
    "declare",
    "return",
    "exit",
    "trap",
    "umask",
    "ulimit",
    "apt",
    "apt-get",
    "apk",
    "yum",
    "dnf",
    "brew",
    "choco",
    "pacman",
    "snap",
    "diff",
    "md5sum",
    "sha256sum",
    "base64",
    "openssl",
    "gpg",
    "ssh-keygen",
    "ssh-add",
    "ssh-keyscan",
    "basename",
    "dirname",
    "popd",
    "readonly",
    "shift",
    "break",
    "continue",
    "envsubst",
    "seq",
    "cmp",
    "alias",
    "getopts",
    "tput",
    "clear",
    "nproc",
    "df",
    "du",
    "free",
    "ps",
    "ip",
    "getent",
    "update-alternatives",
    "setx",
    "Write-Host",
    "Write-Output",
    "install",
    "fold",
    "paste",
    "column",
    "rev",
    "stat",
    "file",
    "realpath",
    "readlink",
    "mktemp",
    "cosign-installer",
    "addgroup",
    "adduser",
    "usermod",
    "modprobe",
    "sysctl",
    "swapoff",
    "codesign",
    "man",
    "yes",
    "expr",
    "od",
    "xxd",
    "strings",
    "less",
    "more",
];

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

/// Options that make a tool succeed whatever it finds.
fn hides_failure(command: &shell::Command) -> bool {
    command.words.iter().any(|word| {
        let word = word.as_str();
        matches!(
            word,
            "--passWithNoTests"
                | "--pass-with-no-tests"
                | "--exit-zero"
                | "--soft-fail"
                | "-no-fail"
                | "--no-fail"
                | "--fail-never"
                | "-Dmaven.test.failure.ignore"
                | "-Dmaven.test.failure.ignore=true"
                | "-DtestFailureIgnore=true"
                | "--exit-code=0"
        )
    }) || command.words.windows(2).any(|pair| matches!(pair, [flag, code] if flag == "--exit-code" && code == "0"))
        || (command.name() == "make" && command.words.iter().any(|word| word == "-i" || word == "--ignore-errors"))
}

/// The line starts a cluster on the machine that runs the job.
fn starts_cluster(line: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    PATTERN
        .get_or_init(|| {
            Regex::new(
                r"(?i)\b(kind create cluster|k3d cluster create|minikube start|microk8s (start|install)|ctlptl create|kind-action|setup-kind|setup-minikube|k3d-action|setup-k3d|get\.k3s\.io|k3s server|actions-k3s|setup-k3s|kubernetes_e2e_tests|envtest)\b",
            )
            .ok()
        })
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(line))
}

/// `set -e`, or `#!/bin/sh -e`.
fn stops_at_failure(text: &str) -> bool {
    let flags = |line: &str, start: &str| {
        line.trim().strip_prefix(start).is_some_and(|flags| {
            flags.split_whitespace().any(|word| word == "errexit" || (word.starts_with('-') && word.contains('e')))
        })
    };
    text.lines().take(200).any(|line| flags(line, "set ") || flags(line, "#!"))
}

/// It is shell: by its name, or by its first line.
fn shell_script(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let first = text.lines().next().unwrap_or_default();
    if let Some(interpreter) = first.strip_prefix("#!") {
        return interpreter.contains("sh") || interpreter.contains("bats");
    }
    name.contains('.')
}

fn change_folder(folder: &str, start: &str, target: &str) -> String {
    if matches!(target, "-" | "") || target.starts_with('~') {
        return start.to_owned();
    }
    if target.starts_with('$') || target.starts_with('/') {
        let rest = without_variable(target);
        let root = ["ROOT", "root", "WORKSPACE", "workspace", "CI_PROJECT_DIR", "TOP", "$()"];
        let from = if root.iter().any(|word| target.contains(word)) || target.starts_with('/') { "." } else { folder };
        let rest = if target.starts_with('/') { "" } else { rest };
        return join(from, rest);
    }
    if target.contains(['$', '*', '{']) { folder.to_owned() } else { join(folder, target) }
}

/// A path without the variable that it starts with: `$ROOT/a`, `${{ github.workspace }}/a`, `$()/a` become `a`.
pub(super) fn without_variable(path: &str) -> &str {
    let Some(rest) = path.strip_prefix('$') else { return path };
    let end = if rest.starts_with("{{") {
        rest.find("}}").map(|end| end + 2)
    } else if rest.starts_with('{') {
        rest.find('}').map(|end| end + 1)
    } else if rest.starts_with('(') {
        rest.find(')').map(|end| end + 1)
    } else {
        Some(rest.find('/').unwrap_or(rest.len()))
    };
    end.and_then(|end| rest.get(end..)).unwrap_or_default().trim_start_matches('/')
}

/// The folder of a path, `.` for the root.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// A path from a folder, without `.` and `..`; what leads out of the repository stays at its root.
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
