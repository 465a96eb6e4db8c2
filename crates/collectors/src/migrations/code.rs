//! Migrations in a programming language: whether they have a way back, by a light scan of their lines.
//!
//! What they do is in source code, so nothing is said about it.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{FileEntry, Migration, SqlEffect, SqlStatement},
};

use super::{Found, counts, in_folder, is_migration_folder, says_irreversible, stem};
use crate::Corpus;

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let candidates: Vec<&FileEntry> = corpus.files_where(|entry| counts(entry) && is_candidate(entry)).collect();
    for entry in candidates {
        let Some(text) = found.text(corpus, &entry.path) else { continue };
        let Some((tool, back)) = way_back(&entry.path, &text) else {
            // Only its content tells a migration from a helper beside it.
            found.files -= 1;
            continue;
        };
        let (down, marked) = match back {
            Back::None => (None, false),
            Back::Refused => (None, true),
            Back::Empty => (Some(Vec::new()), false),
            Back::Code(line) => {
                let place = Place::new(Arc::clone(&entry.path), line, 1);
                let text = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim().to_owned();
                (Some(vec![SqlStatement { text, place, effects: vec![SqlEffect::Other] }]), false)
            }
        };
        found.migrations.push(Migration {
            tool: tool.to_owned(),
            id: stem(&entry.path).to_owned(),
            place: Place::whole(Arc::clone(&entry.path)),
            up: Vec::new(),
            down,
            irreversible_marked: marked || says_irreversible(&text),
            in_code: true,
        });
    }
}

fn is_candidate(entry: &FileEntry) -> bool {
    let path = &entry.path;
    let name = entry.name();
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    let ordered = name.starts_with(|first: char| first.is_ascii_digit());
    match extension {
        "rb" => ordered && in_folder(path, |folder| folder == "migrate" || folder == "migrations"),
        "py" => name != "__init__.py" && in_folder(path, |folder| folder == "versions" || folder == "migrations"),
        "js" | "ts" | "mjs" | "cjs" => ordered && in_folder(path, is_migration_folder),
        "cs" => in_folder(path, |folder| folder == "Migrations") && !name.ends_with(".Designer.cs"),
        "php" => (ordered || name.starts_with("Version")) && in_folder(path, is_migration_folder),
        "go" => ordered && in_folder(path, is_migration_folder) && !name.ends_with("_test.go"),
        _ => false,
    }
}

/// Bytes of the arguments of a call: a file of unclosed brackets would be read again for each of them.
const MAX_ARGUMENTS: usize = 8192;

/// How a migration is undone.
#[derive(Debug, PartialEq, Eq)]
enum Back {
    None,
    /// It fails on purpose.
    Refused,
    Empty,
    /// By code at this line.
    Code(u32),
}

/// The tool, and the way back; None if the file is no migration.
fn way_back(path: &str, text: &str) -> Option<(&'static str, Back)> {
    match path.rsplit('.').next()? {
        "rb" if text.contains("ActiveRecord::Migration") => {
            let refused = text.contains("IrreversibleMigration");
            let back = match ruby(text, "down") {
                Back::None if refused => Back::Refused,
                Back::None => ruby(text, "change"),
                back => back,
            };
            Some(("rails", back))
        }
        "rb" if text.contains("Sequel.migration") => Some(("sequel", find(text, "down do"))),
        "py" if text.contains("down_revision") && text.contains("def upgrade") => Some(("alembic", python(text))),
        "py" if text.contains("migrations.Migration") => Some(("django", django(text))),
        "js" | "ts" | "mjs" | "cjs" => {
            let tool = if text.contains("MigrationInterface") {
                "typeorm"
            } else if text.contains("queryInterface") {
                "sequelize"
            } else if text.contains("knex") {
                "knex"
            } else if text.contains("pgm") {
                "node-pg-migrate"
            } else if text.contains("Kysely") {
                "kysely"
            } else {
                return None;
            };
            Some((tool, braced(text, "down")))
        }
        "cs" if text.contains(": Migration") => Some(("entity-framework", braced(text, "Down"))),
        "php" => {
            let tool = if text.contains("Illuminate\\Database\\Migrations") {
                "laravel"
            } else if text.contains("Doctrine\\Migrations") {
                "doctrine"
            } else if text.contains("Phinx") || text.contains("Migrations\\AbstractMigration") {
                "phinx"
            } else {
                return None;
            };
            let back = match braced(text, "function down") {
                Back::None if tool == "phinx" => find(text, "function change"),
                back => back,
            };
            Some((tool, back))
        }
        "go" if text.contains("goose.AddMigration") => {
            let call = text.lines().find(|line| line.contains("goose.AddMigration")).unwrap_or_default();
            let back = if call.contains(", nil)") { Back::None } else { find(text, "goose.AddMigration") };
            Some(("goose", back))
        }
        _ => None,
    }
}

/// The line that holds a word is the way back.
fn find(text: &str, word: &str) -> Back {
    let line = text.lines().position(|line| line.contains(word));
    line.map_or(Back::None, |index| Back::Code(number(index)))
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// `def downgrade` with a body of more than `pass`.
fn python(text: &str) -> Back {
    let Some(start) = text.lines().position(|line| line.starts_with("def downgrade")) else { return Back::None };
    let body = text.lines().skip(start + 1).take_while(|line| line.is_empty() || line.starts_with([' ', '\t', '#']));
    let mut in_docstring = false;
    for line in body {
        let code = line.trim();
        let quotes = code.matches("\"\"\"").count() + code.matches("'''").count();
        if quotes % 2 == 1 {
            in_docstring = !in_docstring;
            continue;
        }
        if in_docstring || quotes > 0 || code.is_empty() || code.starts_with('#') || matches!(code, "pass" | "...") {
            continue;
        }
        return if code.starts_with("raise ") { Back::Refused } else { Back::Code(number(start)) };
    }
    Back::Empty
}

/// Django undoes everything by itself but code and SQL whose reverse is not given.
fn django(text: &str) -> Back {
    for call in ["RunPython(", "RunSQL("] {
        for (at, _) in text.match_indices(call) {
            let arguments = arguments(text.get(at + call.len()..).unwrap_or_default());
            if !arguments.contains("reverse_code")
                && !arguments.contains("reverse_sql")
                && top_level_parts(arguments) < 2
            {
                return Back::None;
            }
        }
    }
    find(text, "migrations.Migration")
}

/// The text up to the bracket that closes what was opened before it; only its start, where that is far away.
fn arguments(text: &str) -> &str {
    let mut depth = 1_usize;
    for (at, byte) in text.bytes().enumerate().take(MAX_ARGUMENTS) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return text.get(..at).unwrap_or_default();
        }
    }
    text.get(..MAX_ARGUMENTS).unwrap_or(text)
}

/// Positional arguments, those in inner brackets and texts not counted.
fn top_level_parts(arguments: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut parts = 1;
    let mut empty = true;
    for byte in arguments.bytes() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                parts += 1;
                empty = true;
                continue;
            }
            _ => (),
        }
        empty &= byte.is_ascii_whitespace();
    }
    if empty { parts - 1 } else { parts }
}

/// `def name` up to the `end` at its own depth.
fn ruby(text: &str, name: &str) -> Back {
    let head = |line: &str| {
        line.trim().strip_prefix("def ").is_some_and(|rest| rest.trim_start_matches("self.").trim() == name)
    };
    let Some(start) = text.lines().position(head) else { return Back::None };
    let indent = text.lines().nth(start).map_or(0, |line| line.len() - line.trim_start().len());
    for line in text.lines().skip(start + 1) {
        let code = line.trim();
        if code == "end" && line.len() - line.trim_start().len() <= indent {
            return Back::Empty;
        }
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        return if code.starts_with("raise ") { Back::Refused } else { Back::Code(number(start)) };
    }
    Back::Empty
}

/// `down(…) { … }` in its many forms: a method, a property, an exported function, an arrow.
fn braced(text: &str, name: &str) -> Back {
    for (at, _) in text.match_indices(name) {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let rest = text.get(at + name.len()..).unwrap_or_default();
        let starts = before.is_none_or(|character| !(character.is_alphanumeric() || character == '_'));
        let is_head = rest.trim_start().starts_with(['(', ':', '=']) && !rest.trim_start().starts_with("==");
        if !starts || !is_head {
            continue;
        }
        let index = text.get(..at).map_or(0, |before| before.bytes().filter(|byte| *byte == b'\n').count());
        return match body(rest) {
            None => Back::Code(number(index)),
            Some(body) => {
                let mut code = body.lines().map(str::trim).filter(|line| {
                    !line.is_empty() && !["//", "/*", "*", "#"].iter().any(|mark| line.starts_with(mark))
                });
                match code.next() {
                    None | Some("return;" | "return Promise.resolve();" | "return Promise.resolve()") => Back::Empty,
                    Some(line) if line.starts_with("throw ") => Back::Refused,
                    Some(_) => Back::Code(number(index)),
                }
            }
        };
    }
    Back::None
}

/// What stands between the braces of a function; None for an arrow without braces.
fn body(head: &str) -> Option<&str> {
    let mut round = 0_i32;
    let mut arrow = false;
    let mut start = None;
    for (at, byte) in head.bytes().enumerate() {
        match byte {
            b'(' => round += 1,
            b')' => round -= 1,
            b'>' if round == 0 => arrow = true,
            b'{' if round == 0 => {
                start = Some(at + 1);
                break;
            }
            byte if round == 0 && arrow && !byte.is_ascii_whitespace() => return None,
            _ => (),
        }
    }
    let body = head.get(start?..)?;
    let mut depth = 1_i32;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return body.get(..at);
        }
    }
    Some(body)
}
