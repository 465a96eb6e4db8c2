//! Files that only commands use which serve nobody: `shop token create` beside `shop serve`.

use std::collections::BTreeSet;

use gonogo_domain::{
    Place,
    evidence::{FunctionId, Meaning, SourceTextKind, Use},
};

use super::{facts::Linker, program::FileId};

/// Words of commands that stay and serve, by their own name, their function's or their file's.
const STAYS: &[&str] = &[
    "serve",
    "server",
    "serving",
    "start",
    "run",
    "daemon",
    "web",
    "api",
    "http",
    "grpc",
    "listen",
    "up",
    "worker",
    "workers",
    "agent",
    "consume",
    "consumer",
    "scheduler",
    "gateway",
    "proxy",
    "controller",
    "operator",
    "backend",
    "frontend",
    "standalone",
];

/// What a command that comes and goes does for the service: its file stays in it.
const HELPS: &[Meaning] = &[
    Meaning::MigrationRun,
    Meaning::Retention,
    Meaning::ConfigValidation,
    Meaning::HealthCheck,
    Meaning::MetricsEndpoint,
    Meaning::Profiler,
    Meaning::ConfigReload,
];

impl Linker<'_> {
    /// The files of what only commands run that come and go, in a program with one that stays.
    pub(super) fn commands(&self) -> BTreeSet<FileId> {
        let commands: Vec<&Use> = self
            .used()
            .map(|(_, one)| one)
            .filter(|one| one.role.counts() && one.meaning == Meaning::Command)
            .collect();
        let stays: Vec<bool> = self.stay(&commands);
        if !stays.contains(&true) || !stays.contains(&false) {
            return BTreeSet::new();
        }
        let of = |wanted: bool| commands.iter().zip(&stays).filter(move |(_, stays)| **stays == wanted);
        let runs = |wanted: bool| of(wanted).flat_map(|(one, _)| one.wraps.iter().copied());
        // Who makes a command does not run it.
        let made: BTreeSet<(FunctionId, FunctionId)> =
            commands.iter().flat_map(|one| one.wraps.iter().map(|run| (one.function, *run))).collect();
        let passing = self.reached_from(runs(false), &made);
        let counts = |at: &FunctionId| self.role(*at).counts();
        let others = (0..self.code.functions.len()).filter(|at| !passing.contains(at)).filter(counts);
        let staying = self.reached_from(others.chain(runs(true)), &made);
        let only: BTreeSet<FunctionId> = passing.difference(&staying).copied().collect();
        let makers: BTreeSet<FunctionId> = of(false).map(|(one, _)| one.function).collect();
        self.files_of(&only, &makers)
    }

    /// Which of the commands stay: those that say so, those that wait for a signal or for messages, and, where none does, those
    /// that listen.
    fn stay(&self, commands: &[&Use]) -> Vec<bool> {
        let says = |one: &&Use| {
            let name = one.settings.get("name").and_then(|name| name.value.text()).unwrap_or_default();
            let name = name.split_whitespace().next().unwrap_or_default();
            let path = one.place.path();
            let stem = path.rsplit('/').next().unwrap_or(path);
            let maker = self.code.functions.get(one.function).map_or("", |maker| maker.name.as_str());
            [name, stem, maker].into_iter().flat_map(words).any(|word| STAYS.contains(&word.as_str()))
        };
        let reaches = |one: &&Use, wanted: &[Meaning]| {
            let reached = self.reached_from(one.wraps.iter().copied(), &BTreeSet::new());
            self.used().any(|(_, other)| wanted.contains(&other.meaning) && reached.contains(&other.function))
        };
        let waits = [Meaning::Signal, Meaning::QueueConsume];
        let found: Vec<bool> = commands.iter().map(|one| says(one) || reaches(one, &waits)).collect();
        if found.contains(&true) {
            return found;
        }
        commands.iter().map(|one| reaches(one, &[Meaning::Listen])).collect()
    }

    fn reached_from(
        &self,
        from: impl Iterator<Item = FunctionId>,
        without: &BTreeSet<(FunctionId, FunctionId)>,
    ) -> BTreeSet<FunctionId> {
        let mut open: Vec<FunctionId> = from.collect();
        let mut reached: BTreeSet<FunctionId> = BTreeSet::new();
        while let Some(next) = open.pop() {
            if reached.insert(next)
                && let Some(function) = self.code.functions.get(next)
            {
                open.extend(function.calls.iter().filter(|to| !without.contains(&(next, **to))));
            }
        }
        reached
    }

    /// The files that hold some of these functions, and beside them only what makes commands and what no other file calls.
    fn files_of(&self, only: &BTreeSet<FunctionId>, makers: &BTreeSet<FunctionId>) -> BTreeSet<FileId> {
        let file = |at: &FunctionId| self.scopes.get(*at).map(|(file, _)| *file);
        let mut files: BTreeSet<FileId> = only.iter().filter_map(file).collect();
        for (at, function) in self.code.functions.iter().enumerate().filter(|(at, _)| !only.contains(at)) {
            if !self.role(at).counts() {
                continue;
            }
            for to in function.calls.iter().filter(|to| !only.contains(to) && !makers.contains(to)) {
                if file(to) != file(&at) {
                    files.retain(|one| Some(*one) != file(to));
                }
            }
        }
        let paths: BTreeSet<&str> = {
            let helps = self.used().filter(|(_, one)| HELPS.contains(&one.meaning)).map(|(_, one)| &one.place);
            let asks = self.code.texts.iter().filter(|one| one.kind == SourceTextKind::Sql).map(|one| &one.place);
            helps.chain(asks).map(Place::path).collect()
        };
        files.retain(|one| self.program.files.get(*one).is_some_and(|unit| !paths.contains(&*unit.path)));
        files
    }
}

/// The words of `NewServeAllCmd`, `serve_all.go`, `serve-all`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            found.push(String::new());
        } else if found.is_empty() || letter.is_ascii_uppercase() && lower {
            found.push(letter.to_ascii_lowercase().to_string());
        } else if let Some(last) = found.last_mut() {
            last.push(letter.to_ascii_lowercase());
        }
        lower = letter.is_ascii_lowercase();
    }
    found
}
