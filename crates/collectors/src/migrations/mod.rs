//! Database migrations of every tool that keeps them in files: SQL statement by statement, code by its way back.

mod code;
mod liquibase;
mod script;

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{FileEntry, Migration, Role},
};

use crate::{Cache, Corpus};

pub(crate) fn gather(corpus: &Corpus<'_>, cache: &Cache) -> Gathered<Migration> {
    let mut found = Found::default();
    script::gather(corpus, cache, &mut found);
    code::gather(corpus, &mut found);
    liquibase::gather(corpus, &mut found);
    found.migrations.sort_by(|one, other| (&one.place, &one.id).cmp(&(&other.place, &other.id)));
    found.gaps.sort();
    Gathered::new(found.migrations, found.files, found.gaps)
}

#[derive(Default)]
struct Found {
    migrations: Vec<Migration>,
    files: usize,
    gaps: Vec<Gap>,
}

impl Found {
    fn text(&mut self, corpus: &Corpus<'_>, path: &Arc<str>) -> Option<Arc<str>> {
        self.files += 1;
        match corpus.tree.text(path) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.gaps.push(Gap { source: Source::Migrations, place: Place::whole(Arc::clone(path)), reason });
                None
            }
        }
    }
}

/// Migrations of tests and documents change no database of production.
fn counts(entry: &FileEntry) -> bool {
    matches!(entry.role, Role::Product | Role::Generated | Role::Example)
}

/// The name of one of the folders that a file is in passes.
fn in_folder(path: &str, test: impl Fn(&str) -> bool) -> bool {
    path.rsplit_once('/').is_some_and(|(folders, _)| folders.split('/').any(test))
}

/// Folders that people and tools keep migrations in.
fn is_migration_folder(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.split(['-', '_', '.']).any(|word| {
        matches!(
            word,
            "migrations"
                | "migration"
                | "migrate"
                | "changelog"
                | "changelogs"
                | "changesets"
                | "flyway"
                | "drizzle"
                | "liquibase"
        )
    })
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A comment says that there is no way back on purpose.
fn says_irreversible(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let lower = line.to_ascii_lowercase();
        ["--", "#", "//", "*", "\"\"\""].iter().any(|mark| line.starts_with(mark))
            && [
                "irreversible",
                "not reversible",
                "cannot be reversed",
                "can't be reversed",
                "no way back",
                "no rollback",
            ]
            .iter()
            .any(|words| lower.contains(words))
    })
}

#[cfg(test)]
mod tests;
