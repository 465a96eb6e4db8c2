//! A table of patterns that is quick to start: a pattern is compiled when a line has a word that it begins with.
//!
//! Compiled all together they take forty milliseconds, most of a review of a small repository, and few of them are ever
//! met there.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::literal::{ExtractKind, Extractor},
};

use super::Command;
use crate::evidence::Purpose;

/// Letters that are looked for before a pattern is compiled.
const LITERAL_LENGTH: usize = 5;

/// The rows of `knowledge/commands.toml`.
pub(super) struct CommandTable {
    pub(super) rows: Vec<Command>,
    /// What comes before each pattern.
    prefix: String,
    /// What the patterns begin with, in any case.
    literals: Option<AhoCorasick>,
    /// The row of each literal.
    of_literal: Vec<usize>,
    /// Rows whose pattern begins with no fixed text.
    always: Vec<usize>,
    compiled: Vec<OnceLock<Option<Compiled>>>,
}

struct Compiled {
    pattern: Regex,
    unless: Option<Regex>,
}

impl CommandTable {
    pub(super) fn new(rows: Vec<Command>, prefix: &str) -> Self {
        let (mut literals, mut of_literal, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for (index, row) in rows.iter().enumerate() {
            match beginnings(&row.pattern) {
                Some(own) => {
                    of_literal.extend(own.iter().map(|_| index));
                    literals.extend(own);
                }
                None => always.push(index),
            }
        }
        let search = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&literals)
            .ok();
        if search.is_none() {
            always = (0..rows.len()).collect();
        }
        let compiled = rows.iter().map(|_| OnceLock::new()).collect();
        Self { rows, prefix: prefix.to_owned(), literals: search, of_literal, always, compiled }
    }

    pub(super) fn purposes(&self, line: &[u8]) -> Vec<Purpose> {
        self.purposes_before(line, usize::MAX)
    }

    /// The purposes of the rows that match before this offset.
    pub(super) fn purposes_before(&self, line: &[u8], end: usize) -> Vec<Purpose> {
        let mut rows = self.always.clone();
        if let Some(literals) = &self.literals {
            let found = literals.find_overlapping_iter(line).map(|found| found.pattern().as_usize());
            rows.extend(found.filter_map(|literal| self.of_literal.get(literal)));
        }
        rows.sort_unstable();
        rows.dedup();
        let mut purposes: Vec<Purpose> = rows
            .into_iter()
            .filter(|index| self.fits(*index, line, end))
            .filter_map(|index| self.rows.get(index).map(|row| row.purpose))
            .collect();
        purposes.sort();
        purposes.dedup();
        purposes
    }

    /// The rows of one purpose that a line fits.
    pub(super) fn rows_for(&self, purpose: Purpose, line: &[u8]) -> Vec<&Command> {
        let rows = self.rows.iter().enumerate().filter(|(_, row)| row.purpose == purpose);
        rows.filter(|(index, _)| self.fits(*index, line, usize::MAX)).map(|(_, row)| row).collect()
    }

    fn fits(&self, index: usize, line: &[u8], end: usize) -> bool {
        let Some(Some(compiled)) = self.compiled.get(index).map(|cell| cell.get_or_init(|| self.compile(index))) else {
            return false;
        };
        let starts = match end {
            usize::MAX => compiled.pattern.is_match(line),
            end => compiled.pattern.find(line).is_some_and(|found| found.start() < end),
        };
        starts && !compiled.unless.as_ref().is_some_and(|unless| unless.is_match(line))
    }

    fn compile(&self, index: usize) -> Option<Compiled> {
        let row = self.rows.get(index)?;
        let pattern = bytes_regex(&format!("{}(?:{})", self.prefix, row.pattern)).ok()?;
        Some(Compiled { pattern, unless: row.unless.as_deref().map(bytes_regex).transpose().ok()? })
    }
}

/// The texts of which one stands at the start of each match; none: there is no such list.
fn beginnings(pattern: &str) -> Option<Vec<Vec<u8>>> {
    // The search takes any case; in the pattern itself each letter would double the list.
    let pattern = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let pattern = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    // A few letters tell the rows apart; whole commands would be thousands of texts.
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_literal_len(LITERAL_LENGTH).limit_class(3).limit_repeat(1);
    let found = extractor.extract(&pattern);
    let mut literals: Vec<Vec<u8>> = found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    literals.sort();
    literals.dedup();
    (!literals.is_empty() && literals.iter().all(|literal| literal.len() > 1)).then_some(literals)
}

// Commands are ASCII: without Unicode a pattern compiles in a tenth of the time.
pub(super) fn bytes_regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expect: Option<&[&str]>) {
        let found =
            beginnings(pattern).map(|own| own.iter().map(|text| String::from_utf8_lossy(text).into()).collect());
        let expect = expect.map(|own| own.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>());
        assert_eq!(found, expect, "for {pattern}");
    }

    #[test]
    fn patterns_begin_with_words() {
        check(r"(go|gotip) test\b", Some(&["go te", "gotip"]));
        check(r"(?i)sonar-scanner", Some(&["sonar"]));
        check(r"\bunit|e2e", Some(&["e2e", "unit"]));
        check(r"\S+ x", None);
    }
}
