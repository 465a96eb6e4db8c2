//! What the steps of pipelines call: Makefiles, package scripts, task files and shell scripts of the repository,
//! followed from call to call.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{FileEntry, PipelineSystem, Purpose, Role},
};

use super::{Context, DraftJob, DraftStep, Parts, lines::Lines, shell};
use crate::{Cache, Corpus};

mod calls;
mod commands;
mod just;
mod make;
mod package;
mod python;
pub(super) mod skaffold;
mod task;

use commands::{hides_failure, quiet, starts_cluster, without_version};

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
    lines: Lines<'c>,
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
    pub(super) fn new(corpus: &'c Corpus<'c>, cache: &'c Cache) -> Self {
        Self {
            corpus,
            files: RefCell::default(),
            shells: RefCell::default(),
            gaps: RefCell::default(),
            read: Cell::new(0),
            lines: Lines::new(cache),
        }
    }

    /// Nobody asks for more.
    pub(super) fn end(self) {
        self.lines.keep();
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
        let effects = self.lines.action_purposes(&line).into_iter().map(|purpose| Effect {
            purpose,
            tolerated: None,
            probe: false,
        });
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
        let found = self.lines.purposes(&line);
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
