//! The program's source: read once, linked into one program for each service.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{
    Gap, Place, Source,
    evidence::{FileEntry, Package, Role, SourceCode},
};
use gonogo_source::Language;
use rayon::prelude::*;

use crate::{
    Cache, Tree,
    cache::{Content, Key},
};

mod alone;
mod asked;
mod behaviour;
pub(crate) mod beside;
mod bodies;
mod browser;
mod calls;
mod cases;
mod chains;
mod commands;
mod contents;
mod deadlines;
mod decisions;
mod factories;
mod facts;
mod fields;
mod filed;
mod given;
mod handling;
mod included;
mod keeping;
mod keeping_on;
mod kept;
mod lost;
mod objects;
mod origins;
mod outline;
mod program;
mod rails;
mod receivers;
mod routes;
mod scripts;
mod settings;
mod stacks;
mod touched;
mod values;
mod variables;
mod vendors;
mod views;
mod wrapped;

use facts::View;
use outline::{Outline, Unread};
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

/// Programs that build the program, by their names alone.
const BUILDS: &[&str] = &["build.rs", "noxfile.py", "gulpfile.js", "Gruntfile.js"];

/// A file of source code that was read.
#[derive(Debug)]
pub(crate) struct SourceUnit {
    pub path: Arc<str>,
    pub role: Role,
    pub language: Language,
    outline: Box<Outline>,
    module: Unread,
    /// What it holds, where anything is kept.
    key: Option<Key>,
}

/// Every file of source code of the repository that is somebody's work: vendored and generated files are not read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order of their paths.
    pub units: Vec<SourceUnit>,
    pub gaps: Vec<Gap>,
    /// Files that configure the programs.
    told: Vec<beside::Told>,
    scripts: scripts::Scripts,
}

impl Sources {
    /// The folders of projects that test what this owns.
    pub(crate) fn tests_of(&self, owns: &(dyn Fn(&str) -> bool + Sync)) -> Vec<String> {
        beside::tests(&self.told, owns)
    }
}

#[cfg(test)]
pub(crate) fn gather(tree: &Tree, cache: &Cache) -> Sources {
    crate::contents::gather(tree, cache, true).1
}

/// Whether a file is read for what it says as source code.
pub(crate) fn is_read(file: &FileEntry) -> bool {
    read_at_all(file) && Language::of(&file.path).is_some()
}

/// The sources of a repository of which these files were read, in their order.
pub(crate) fn gathered(tree: &Tree, read: impl IntoIterator<Item = Result<SourceUnit, Gap>>) -> Sources {
    let scripts = scripts::Scripts::gather(tree);
    let mut sources = Sources { told: beside::gather(tree), scripts, ..Sources::default() };
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
    // A module of the program may be called so too.
    let builds = BUILDS.contains(&name) && !folders.contains(&"src");
    builds
        || tool.is_some_and(|tool| TOOLS.contains(&tool.split('.').next().unwrap_or(tool)))
        || folders.contains(&".storybook")
}

/// Reads a file from its bytes, or with the reason why there are none.
pub(crate) fn read(
    file: &FileEntry,
    bytes: Result<(&[u8], Option<Content>), &str>,
    cache: &Cache,
) -> Option<Result<SourceUnit, Gap>> {
    let language = Language::of(&file.path)?;
    let gap = |reason: String| Gap { source: Source::SourceCode, place: Place::whole(Arc::clone(&file.path)), reason };
    // What a program wrote says nothing of what its owner did: leaving it out leaves nothing open.
    if bytes.is_ok_and(|(bytes, _)| bundled(language, bytes) || file.size > SIZE_LIMIT && says_generated(bytes)) {
        return None;
    }
    if file.size > SIZE_LIMIT {
        return Some(Err(gap(format!("{} bytes are more than a file of source is read for", file.size))));
    }
    Some(match bytes {
        Ok((bytes, content)) => {
            if let Some(known) = content.and_then(|content| known(file, content, cache)) {
                return Some(Ok(known));
            }
            let key = content.and_then(|content| key(language, content, cache));
            let module = gonogo_source::read(language, bytes);
            let outline = Outline::of(&module);
            if let Some(key) = key {
                cache.keep_both(key, &outline, &module);
            }
            Ok(unit(file, language, (outline, Unread::known(module)), key))
        }
        Err(reason) => Err(gap(reason.to_owned())),
    })
}

/// What was read before of a file that holds this.
pub(crate) fn known(file: &FileEntry, content: Content, cache: &Cache) -> Option<SourceUnit> {
    let language = Language::of(&file.path)?;
    let key = key(language, content, cache)?;
    let (outline, module) = cache.find_both::<Outline>(key)?;
    Some(unit(file, language, (outline, Unread::kept(language, module)), Some(key)))
}

fn key(language: Language, content: Content, cache: &Cache) -> Option<Key> {
    cache.key_of("module", content, &[language.word().as_bytes()])
}

fn unit(file: &FileEntry, language: Language, read: (Outline, Unread), key: Option<Key>) -> SourceUnit {
    let (outline, module) = read;
    let role = match file.role {
        Role::Product if outline.helps_tests => Role::Test,
        // What shows something on a page of the manual is not the program.
        Role::Documentation => Role::Example,
        role => role,
    };
    SourceUnit { path: Arc::clone(&file.path), role, language, outline: Box::new(outline), module, key }
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

/// What a bundler made for browsers, with lines that nobody could read, or a library that somebody copied in.
fn bundled(language: Language, bytes: &[u8]) -> bool {
    let lines = || bytes.split(|byte| *byte == b'\n').count();
    language == Language::JavaScript
        && bytes.len() > HEAD
        && (bytes.len() / lines() > LONGEST_LINES || has_banner(bytes))
}

/// It begins with who may use which version of it: `/*! Shop v5.3.8 … Licensed under MIT */`.
fn has_banner(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let Some((banner, _)) = head.trim_start().strip_prefix("/*").and_then(|rest| rest.split_once("*/")) else {
        return false;
    };
    let version = |word: &str| {
        let mut parts = word.trim_start_matches('v').split('.');
        let number =
            |part: Option<&str>| part.is_some_and(|part| part.starts_with(|letter: char| letter.is_ascii_digit()));
        number(parts.next()) && number(parts.next()) && number(parts.next())
    };
    banner.to_ascii_lowercase().contains("licen") && banner.split_whitespace().any(version)
}

/// A service as far as its source goes.
pub(crate) struct Wanted<'a> {
    /// Where its files hold several programs of Go, it is the one that goes by this name.
    pub name: &'a str,
    /// The folder that it is known by; `.` is that of the repository.
    pub path: &'a str,
    pub packages: &'a [Package],
    /// What starts it.
    pub starts: Vec<beside::Start>,
    /// A web server hands out what it is made of: its scripts run in browsers alone.
    pub handed_out: bool,
    /// The files that belong to it.
    pub owns: &'a (dyn Fn(&str) -> bool + Sync),
}

/// The source of each service, its files linked into one program. Services that are made of the same files share the
/// work.
pub(crate) fn link(sources: &Sources, wanted: &[Wanted<'_>], cache: &Cache) -> Vec<Arc<SourceCode>> {
    let mut programs: BTreeMap<Parts<'_>, Vec<usize>> = BTreeMap::new();
    for (at, service) in wanted.iter().enumerate() {
        let folders: Vec<String> = beside::referenced(&sources.told, service.owns);
        let built_with = |path: &str| {
            folders.iter().any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
        };
        let owned = |unit: &SourceUnit| {
            (service.owns)(&unit.path) || unit.language == Language::CSharp && built_with(&unit.path)
        };
        let units = sources.units.iter().enumerate().filter(|(_, unit)| owned(unit));
        let parts = Parts {
            units: units.map(|(at, _)| at).collect(),
            packages: service.packages.iter().map(|package| &package.place).collect(),
        };
        programs.entry(parts).or_default().push(at);
    }
    let linked: Vec<Vec<(usize, Arc<SourceCode>)>> =
        together(programs, sources).into_par_iter().map(|all| all.link(sources, wanted, cache)).collect();
    let mut codes = vec![Arc::default(); wanted.len()];
    for (at, code) in linked.into_iter().flatten() {
        if let Some((of, service)) = codes.get_mut(at).zip(wanted.get(at)) {
            let told: Vec<&beside::Told> = sources.told.iter().filter(|one| (service.owns)(&one.path)).collect();
            *of = beside::tell(code, &told, service.packages, &service.starts);
        }
    }
    codes
}

/// Programs that are linked together, because they have most of their files in common: the services of a repository
/// often differ in the one folder that starts them.
struct Together<'a> {
    /// The files of all of them.
    units: BTreeSet<usize>,
    programs: Vec<Linked<'a>>,
}

/// A program with the services that are made of it.
type Linked<'a> = (Parts<'a>, Vec<usize>);

/// Puts together what has most of its files in common, and no package of files that see each other's names in part.
fn together<'a>(programs: BTreeMap<Parts<'a>, Vec<usize>>, sources: &Sources) -> Vec<Together<'a>> {
    let key = |at: &usize| sources.units.get(*at).map(program::group_key);
    let groups = |units: &mut dyn Iterator<Item = &usize>| units.filter_map(key).collect::<BTreeSet<String>>();
    let mut all: Vec<Together<'a>> = Vec::new();
    for (parts, services) in programs {
        let own: BTreeSet<usize> = parts.units.iter().copied().collect();
        let fits = |one: &&mut Together<'_>| {
            let in_common = own.intersection(&one.units).count();
            let same = one.programs.first().is_some_and(|(first, _)| first.packages == parts.packages);
            let apart = || {
                let mine = groups(&mut own.iter());
                groups(&mut one.units.difference(&own)).is_disjoint(&mine)
                    && one.programs.iter().all(|(other, _)| {
                        let others: BTreeSet<usize> = other.units.iter().copied().collect();
                        groups(&mut own.difference(&others)).is_disjoint(&groups(&mut others.iter()))
                    })
            };
            same && in_common * 4 > own.len().max(one.units.len()) * 3 && apart()
        };
        match all.iter_mut().find(fits) {
            Some(one) => {
                one.units.extend(own);
                one.programs.push((parts, services));
            }
            None => all.push(Together { units: own, programs: vec![(parts, services)] }),
        }
    }
    all
}

impl Together<'_> {
    /// The source of each service.
    fn link(self, sources: &Sources, wanted: &[Wanted<'_>], cache: &Cache) -> Vec<(usize, Arc<SourceCode>)> {
        let units: Vec<&SourceUnit> = self.units.iter().filter_map(|at| sources.units.get(*at)).collect();
        let first = self.programs.first().and_then(|(_, services)| services.first());
        let packages = first.and_then(|at| wanted.get(*at)).map(|one| one.packages).unwrap_or_default();
        let program = Program::new(&units, packages, &sources.scripts);
        let mut views = Vec::new();
        let mut of_views = Vec::new();
        for (parts, services) in &self.programs {
            let absent: Vec<bool> = self.units.iter().map(|at| parts.units.binary_search(at).is_err()).collect();
            let mut left_out: Vec<BTreeSet<FileId>> = Vec::new();
            let mut of_services = Vec::new();
            for at in services {
                let Some(service) = wanted.get(*at) else { continue };
                let others = program::other_programs(&program, &absent, service.name, service.path);
                let known = left_out.iter().position(|one| *one == others).unwrap_or_else(|| {
                    left_out.push(others);
                    left_out.len() - 1
                });
                of_services.push((*at, known));
            }
            let handed_out = services.iter().filter_map(|at| wanted.get(*at)).all(|service| service.handed_out);
            views.push(View { absent, handed_out, left_out });
            of_views.push(of_services);
        }
        let found = facts::facts(&program, packages, &views, cache);
        let mut linked = Vec::new();
        for (((parts, services), of_services), codes) in self.programs.into_iter().zip(of_views).zip(found) {
            let Some(codes) = codes else {
                let units = parts.units.iter().copied().collect();
                linked.extend(Together { units, programs: vec![(parts, services)] }.link(sources, wanted, cache));
                continue;
            };
            let codes: Vec<Arc<SourceCode>> = codes.into_iter().map(Arc::new).collect();
            let of_services =
                of_services.into_iter().filter_map(|(at, known)| Some((at, Arc::clone(codes.get(known)?))));
            linked.extend(of_services);
        }
        linked
    }
}

/// What a program is made of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parts<'a> {
    units: Vec<usize>,
    packages: Vec<&'a Place>,
}

#[cfg(test)]
mod apart_tests;
#[cfg(test)]
mod decision_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod script_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod together_tests;
