//! The program's source: read once, linked into one program for each service.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{FileEntry, Package, Role, SourceCode},
};
use gonogo_source::{Language, Module};
use rayon::prelude::*;

use crate::{Cache, Tree};

mod alone;
mod behaviour;
pub(crate) mod beside;
mod bodies;
mod calls;
mod cases;
mod chains;
mod contents;
mod deadlines;
mod decisions;
mod facts;
mod fields;
mod handling;
mod keeping;
mod lost;
mod objects;
mod origins;
mod program;
mod receivers;
mod routes;
mod settings;
mod stacks;
mod values;
mod variables;
mod vendors;

use program::{FileId, Program};

/// Longer files of source are data or generated.
const SIZE_LIMIT: u64 = 1 << 20;

/// How much of a file may say that it was generated.
const HEAD: usize = 4096;

/// Nobody writes lines that are longer than this on average.
const LONGEST_LINES: usize = 500;

/// Tools that build, check or test JavaScript, and are told how in JavaScript.
const TOOLS: &[&str] = &[
    "babel",
    "commitlint",
    "craco",
    "cypress",
    "esbuild",
    "eslint",
    "gulp",
    "jest",
    "karma",
    "lint-staged",
    "metro",
    "playwright",
    "postcss",
    "prettier",
    "rollup",
    "rspack",
    "stylelint",
    "svelte",
    "tailwind",
    "tsup",
    "vite",
    "vitest",
    "vue",
    "wdio",
    "webpack",
];

/// A file of source code that was read.
#[derive(Debug)]
pub(crate) struct SourceUnit {
    pub path: Arc<str>,
    pub role: Role,
    pub module: Module,
}

/// Every file of source code of the repository that is somebody's work: vendored and generated files are not read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order of their paths.
    pub units: Vec<SourceUnit>,
    pub gaps: Vec<Gap>,
    /// Files that configure the programs.
    told: Vec<beside::Told>,
}

pub(crate) fn gather(tree: &Tree, cache: &Cache) -> Sources {
    let files: Vec<&FileEntry> =
        tree.files().iter().filter(|file| read_at_all(file) && Language::of(&file.path).is_some()).collect();
    let read: Vec<Result<SourceUnit, Gap>> = files.into_par_iter().filter_map(|file| read(tree, file, cache)).collect();
    let mut sources = Sources { told: beside::gather(tree), ..Sources::default() };
    for one in read {
        match one {
            Ok(unit) => sources.units.push(unit),
            Err(gap) => sources.gaps.push(gap),
        }
    }
    sources
}

fn read_at_all(file: &FileEntry) -> bool {
    !matches!(file.role, Role::Vendored | Role::Generated | Role::Fixture) && !sets_up_a_tool(&file.path)
}

/// `webpack.config.js` runs on the machine that builds or tests: it is no part of the program.
fn sets_up_a_tool(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    let name = folders.pop().unwrap_or_default();
    let tool = name.split_once(".config.").or_else(|| name.split_once(".conf.")).map(|(tool, _)| tool);
    tool.is_some_and(|tool| TOOLS.contains(&tool.split('.').next().unwrap_or(tool))) || folders.contains(&".storybook")
}

fn read(tree: &Tree, file: &FileEntry, cache: &Cache) -> Option<Result<SourceUnit, Gap>> {
    let language = Language::of(&file.path)?;
    let gap = |reason: String| Gap { source: Source::SourceCode, place: Place::whole(Arc::clone(&file.path)), reason };
    let bytes = tree.bytes(&file.path);
    // What a program wrote says nothing of what its owner did: leaving it out leaves nothing open.
    if bytes.as_ref().is_ok_and(|bytes| bundled(language, bytes) || file.size > SIZE_LIMIT && says_generated(bytes)) {
        return None;
    }
    if file.size > SIZE_LIMIT {
        return Some(Err(gap(format!("{} bytes are more than a file of source is read for", file.size))));
    }
    Some(match bytes {
        Ok(bytes) => {
            let read = || gonogo_source::read(language, &bytes);
            let module = cache.get("module", &[language.word().as_bytes(), &bytes], read);
            let role = match file.role {
                Role::Product if helps_tests(&module) => Role::Test,
                // What shows something on a page of the manual is not the program.
                Role::Documentation => Role::Example,
                role => role,
            };
            Ok(SourceUnit { path: Arc::clone(&file.path), role, module })
        }
        Err(reason) => Err(gap(reason)),
    })
}

/// Helpers of tests in files that do not go by the name of one: Go hands a test to them, or they assert.
fn helps_tests(module: &Module) -> bool {
    let imports = |name: &str| module.imports.iter().any(|import| import.module.starts_with(name));
    let takes_test = || {
        let parameters = module.scopes.iter().flat_map(|scope| &scope.parameters);
        parameters
            .filter_map(|one| one.kind.as_deref())
            .any(|kind| matches!(kind, "testing.T" | "testing.B" | "testing.TB" | "testing.M"))
    };
    module.language == Language::Go && (imports("github.com/stretchr/testify") || imports("testing") && takes_test())
}

/// A head that says it, as `go generate` asks for: `// Code generated by protoc-gen-go. DO NOT EDIT.`
fn says_generated(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    head.lines().any(|line| {
        let line = line.trim_start();
        let comment = ["//", "#", "/*", "*"].iter().any(|mark| line.starts_with(mark));
        let lower = line.to_ascii_lowercase();
        comment && (lower.contains("code generated") && lower.contains("do not edit") || lower.contains("@generated"))
    })
}

/// What a bundler made for browsers: lines that nobody could read.
fn bundled(language: Language, bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    language == Language::JavaScript && bytes.len() > HEAD && bytes.len() / lines > LONGEST_LINES
}

/// A service as far as its source goes.
pub(crate) struct Wanted<'a> {
    /// Where its files hold several programs of Go, it is the one that goes by this name.
    pub name: &'a str,
    pub packages: &'a [Package],
    /// What starts it.
    pub starts: Vec<beside::Start>,
    /// The files that belong to it.
    pub owns: &'a (dyn Fn(&str) -> bool + Sync),
}

/// The source of each service, its files linked into one program. Services that are made of the same files share the
/// work.
pub(crate) fn link(sources: &Sources, wanted: &[Wanted<'_>]) -> Vec<Arc<SourceCode>> {
    let mut programs: BTreeMap<Parts<'_>, Vec<usize>> = BTreeMap::new();
    for (at, service) in wanted.iter().enumerate() {
        let folders: Vec<String> = beside::referenced(&sources.told, service.owns);
        let built_with = |path: &str| {
            folders.iter().any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
        };
        let owned = |unit: &SourceUnit| {
            (service.owns)(&unit.path) || unit.module.language == Language::CSharp && built_with(&unit.path)
        };
        let units = sources.units.iter().enumerate().filter(|(_, unit)| owned(unit));
        let parts = Parts {
            units: units.map(|(at, _)| at).collect(),
            packages: service.packages.iter().map(|package| &package.place).collect(),
        };
        programs.entry(parts).or_default().push(at);
    }
    let linked: Vec<Vec<(usize, Arc<SourceCode>)>> = programs
        .into_par_iter()
        .map(|(parts, services)| {
            let units: Vec<&SourceUnit> = parts.units.iter().filter_map(|at| sources.units.get(*at)).collect();
            let services = services.into_iter().filter_map(|at| Some((at, wanted.get(at)?)));
            let services: Vec<(usize, &Wanted<'_>)> = services.collect();
            let packages = services.first().map(|(_, service)| service.packages).unwrap_or_default();
            let program = Program::new(&units, packages);
            let mut left_out: Vec<BTreeSet<FileId>> = Vec::new();
            let mut of_services = Vec::new();
            for (at, service) in services {
                let others = program::other_programs(&program, service.name);
                let known = left_out.iter().position(|one| *one == others).unwrap_or_else(|| {
                    left_out.push(others);
                    left_out.len() - 1
                });
                of_services.push((at, known));
            }
            let codes: Vec<Arc<SourceCode>> =
                facts::facts(&program, packages, &left_out).into_iter().map(Arc::new).collect();
            let of_services =
                of_services.into_iter().filter_map(|(at, known)| Some((at, Arc::clone(codes.get(known)?))));
            of_services.collect()
        })
        .collect();
    let mut codes = vec![Arc::default(); wanted.len()];
    for (at, code) in linked.into_iter().flatten() {
        if let Some((of, service)) = codes.get_mut(at).zip(wanted.get(at)) {
            let told: Vec<&beside::Told> = sources.told.iter().filter(|one| (service.owns)(&one.path)).collect();
            *of = beside::tell(code, &told, service.packages, &service.starts);
        }
    }
    codes
}

/// What a program is made of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parts<'a> {
    units: Vec<usize>,
    packages: Vec<&'a Place>,
}

#[cfg(test)]
mod decision_tests;
#[cfg(test)]
mod tests;
