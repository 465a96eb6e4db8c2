//! Files that are programs of their own beside the one that serves: sample clients, tools of developers.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::evidence::Meaning;
use gonogo_source::{Expr, Language};

use super::{facts::Linker, program::FileId};
use crate::discovery::tooling;

/// What a program does that asks others and serves nobody. Whatever else a file is for keeps it in the service.
const ASKS: &[Meaning] = &[
    Meaning::HttpCall,
    Meaning::GrpcCall,
    Meaning::DatabaseCall,
    Meaning::CacheCall,
    Meaning::QueuePublish,
    Meaning::StorageCall,
    Meaning::Client,
    Meaning::LogCall,
    Meaning::PrintCall,
    Meaning::Logger,
    Meaning::Exit,
    Meaning::EnvironmentRead,
    Meaning::Deadline,
    Meaning::Retry,
    Meaning::Sleep,
    Meaning::Random,
    Meaning::Dangerous,
];

/// What only a program does that somebody calls or hands work to.
const SERVES: &[Meaning] =
    &[Meaning::Listen, Meaning::Route, Meaning::RouteGroup, Meaning::Middleware, Meaning::QueueConsume];

impl Linker<'_> {
    /// The files that can be started by themselves, that no other file uses, and that serve nobody, beside one of the same
    /// language that does.
    pub(super) fn alone(&self) -> BTreeSet<FileId> {
        let mut meanings: BTreeMap<&str, BTreeSet<Meaning>> = BTreeMap::new();
        for (_, one) in self.used() {
            meanings.entry(one.place.path()).or_default().insert(one.meaning);
        }
        for route in &self.code.routes {
            meanings.entry(route.place.path()).or_default().insert(Meaning::Route);
        }
        let of = |file: &FileId| {
            let path: &str = self.program.files.get(*file).map_or("", |unit| &unit.path);
            meanings.get(path)
        };
        let files = || (0..self.program.files.len()).filter(|file| self.has(*file) && self.counts(*file));
        let tools = self.tools(&files().collect::<Vec<_>>(), &meanings);
        // By the function: a framework that serves is named in a manifest.
        let listening = self.used().filter(|(_, one)| one.role.counts() && one.meaning == Meaning::Listen);
        let listens: BTreeSet<Language> = listening
            .filter_map(|(_, one)| self.scopes.get(one.function))
            .filter_map(|(file, _)| self.program.files.get(*file).map(|unit| unit.language))
            .collect();
        if listens.is_empty() {
            return tools;
        }
        let candidates: Vec<FileId> = files()
            .filter(|file| of(file).is_some_and(|all| all.iter().all(|one| ASKS.contains(one))))
            .filter(|file| {
                self.program
                    .files
                    .get(*file)
                    .is_some_and(|unit| listens.contains(&unit.language) && unit.outline.starts)
            })
            .collect();
        if candidates.is_empty() {
            return tools;
        }
        let used = self.others_use(&candidates);
        candidates.into_iter().filter(|file| !used.contains(file)).chain(tools).collect()
    }

    /// Scripts in folders of tools (`dev/`, `scripts/`, `bin/`) that serve nobody and that nothing of the program outside of such
    /// folders imports, beside a program that lies elsewhere and serves.
    fn tools(&self, files: &[FileId], meanings: &BTreeMap<&str, BTreeSet<Meaning>>) -> BTreeSet<FileId> {
        let unit = |file: &FileId| self.program.files.get(*file);
        let means = |file: &FileId, wanted: &[Meaning]| {
            let all = unit(file).and_then(|unit| meanings.get(&*unit.path));
            all.is_some_and(|all| wanted.iter().any(|one| all.contains(one)))
        };
        let serves = |file: &FileId| means(file, SERVES);
        // What stays lies there too: it waits between its rounds.
        let in_bin = |file: &FileId| {
            let folder = unit(file).and_then(|unit| unit.path.rsplit_once('/')).map(|(folder, _)| folder);
            folder.is_some_and(|folder| folder.rsplit('/').next() == Some("bin"))
                && !means(file, &[Meaning::Sleep, Meaning::Signal])
        };
        let is_tool = |file: &FileId| unit(file).is_some_and(|unit| tooling(&unit.path).is_some()) || in_bin(file);
        let script = |file: &FileId| {
            unit(file).is_some_and(|unit| {
                matches!(unit.language, Language::Python | Language::JavaScript | Language::TypeScript)
            })
        };
        let scripts: Vec<FileId> = files.iter().copied().filter(|file| is_tool(file) && script(file)).collect();
        if scripts.is_empty() || !files.iter().any(|file| !is_tool(file) && serves(file)) {
            return BTreeSet::new();
        }
        let mut open: Vec<FileId> = files.iter().filter(|file| !is_tool(file) || serves(file)).copied().collect();
        let mut reached: BTreeSet<FileId> = BTreeSet::new();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.program.imported(next));
            }
        }
        scripts.into_iter().filter(|file| !reached.contains(file)).collect()
    }

    /// Those of the files that another file of the program imports, or whose class it names.
    fn others_use(&self, candidates: &[FileId]) -> BTreeSet<FileId> {
        let mut classes: BTreeMap<&str, FileId> = BTreeMap::new();
        for file in candidates {
            let Some(unit) = self.program.files.get(*file) else { continue };
            classes.extend(unit.outline.classes.iter().map(|class| (class.as_str(), *file)));
        }
        let mut used = BTreeSet::new();
        for (at, unit) in self.program.files.iter().enumerate().filter(|(at, _)| self.has(*at)) {
            used.extend(self.program.imported(at).iter().filter(|file| **file != at));
            if classes.is_empty() {
                continue;
            }
            let module = &*unit.module;
            let mut names = |text: &str| {
                for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
                    used.extend(classes.get(word).filter(|file| **file != at));
                }
            };
            module.calls.iter().filter_map(|call| call.callee.name()).for_each(&mut names);
            module.bindings.iter().filter_map(|one| one.kind.as_deref()).for_each(&mut names);
            module.scopes.iter().flat_map(|scope| &scope.types).for_each(|text| names(text));
            let values = module.calls.iter().flat_map(|call| &call.arguments).map(|one| &one.value);
            values.filter_map(Expr::name).for_each(&mut names);
        }
        used
    }

    fn counts(&self, file: FileId) -> bool {
        self.program.files.get(file).is_some_and(|unit| unit.role.counts())
    }
}
