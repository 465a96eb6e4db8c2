//! Which files of a program run in a browser: nothing that stands in them is the service's.

use std::collections::BTreeSet;

use gonogo_source::Language;

use super::{
    outline::Side,
    program::{FileId, Program},
};

/// What draws in a browser.
const BROWSER: &[&str] =
    &["react", "react-dom", "preact", "vue", "svelte", "@angular/core", "solid-js", "jquery", "lit", "@mui/material"];

/// What answers requests.
const SERVERS: &[&str] = &[
    "express",
    "fastify",
    "koa",
    "@nestjs/core",
    "@nestjs/common",
    "@hapi/hapi",
    "http",
    "node:http",
    "https",
    "node:https",
    "hono",
    "@grpc/grpc-js",
    "grpc",
    "next/headers",
    "next/server",
    "restify",
];

impl Program<'_> {
    /// The files of a front end: those that draw, what they import, and none that serves. A program that is nothing but a
    /// front end serves itself, unless a web server hands it out.
    pub(super) fn in_browser(&self, absent: &[bool], handed_out: bool) -> BTreeSet<FileId> {
        let here = |file: &FileId| !absent.get(*file).copied().unwrap_or(true);
        let script = |file: &FileId| self.is_script(*file);
        let side = |file: &FileId| self.files.get(*file).map(|unit| unit.outline.side).unwrap_or_default();
        let imports =
            |file: FileId| self.files.get(file).map(|unit| unit.outline.imports.as_slice()).unwrap_or_default();
        let of = |file: FileId, packages: &[&str]| {
            imports(file).iter().any(|import| {
                packages.iter().any(|one| {
                    import.module.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            })
        };
        let reached = |roots: Vec<FileId>, ends: &dyn Fn(&FileId) -> bool| {
            let mut reached = BTreeSet::new();
            let mut open = roots;
            while let Some(next) = open.pop() {
                if !ends(&next) && reached.insert(next) {
                    open.extend(self.imported(next));
                }
            }
            reached
        };
        let all = || (0..self.files.len()).filter(here).filter(script);
        if handed_out {
            return all().collect();
        }
        let draws = all().filter(|file| {
            let path = self.files.get(*file).map_or("", |unit| &unit.path);
            path.ends_with("sx") || of(*file, BROWSER) || side(file) != Side::Any
        });
        let serves: Vec<FileId> = all().filter(|file| of(*file, SERVERS) || self.runs_by_name(*file)).collect();
        let other = self.files.iter().enumerate().any(|(file, unit)| {
            here(&file) && unit.role.counts() && !matches!(unit.language, Language::JavaScript | Language::TypeScript)
        });
        if serves.is_empty() && !other {
            return BTreeSet::new();
        }
        let draws: Vec<FileId> = draws.collect();
        // A folder of scripts that draw, with none that serves and none of another language: a front end as a whole.
        let folder = |file: FileId| self.files.get(file).and_then(|unit| unit.path.split_once('/')).map(|(top, _)| top);
        let drawing: BTreeSet<&str> = draws.iter().filter_map(|file| folder(*file)).collect();
        let mixed: BTreeSet<&str> = (0..self.files.len())
            .filter(here)
            .filter(|file| serves.contains(file) || !script(file))
            .filter_map(folder)
            .collect();
        let whole = all().filter(|file| folder(*file).is_some_and(|top| drawing.contains(top) && !mixed.contains(top)));
        let whole: Vec<FileId> = if other { whole.collect() } else { Vec::new() };
        // What says that it is for the browser is none that a server runs, nor what draws with what only a browser has.
        let ends = |file: &FileId| match side(file) {
            Side::Client => true,
            Side::Browser => self.files.get(*file).is_some_and(|unit| unit.path.ends_with("sx")),
            Side::Any => false,
        };
        let behind = reached(serves, &ends);
        reached(draws.into_iter().chain(whole).collect(), &|_| false)
            .into_iter()
            .filter(|file| !behind.contains(file))
            .collect()
    }
}
