//! A table of patterns that is quick to start: a pattern is compiled when a line has a word that it begins with.
//!
//! Compiled all together they take forty milliseconds, most of a review of a small repository, and few of them are ever
//! met there. Those that are see a handful of short lines: what makes a pattern fast on long texts takes longer to make
//! than all of the lines to look at.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::{meta, util::syntax};

use super::Command;
use crate::evidence::Purpose;

/// A longer line is worth a pattern that takes long to make.
const LONG: usize = 4096;

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
    pattern: Pattern,
    unless: Option<Pattern>,
}

/// A pattern for short lines, and one for long ones when there is one.
struct Pattern {
    text: String,
    short: meta::Regex,
    long: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(text: String) -> Option<Self> {
        let config = meta::Config::new().auto_prefilter(false).hybrid(false).onepass(false);
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let short = meta::Regex::builder().configure(config.utf8_empty(false)).syntax(syntax).build(&text).ok()?;
        Some(Self { text, short, long: OnceLock::new() })
    }

    /// Where the first match starts.
    fn start(&self, line: &[u8]) -> Option<usize> {
        if line.len() <= LONG {
            return self.short.find(line).map(|found| found.start());
        }
        let long = self.long.get_or_init(|| bytes_regex(&self.text).ok());
        long.as_ref()?.find(line).map(|found| found.start())
    }
}

impl CommandTable {
    /// With what the pattern of each row begins with, none where that is no list.
    pub(super) fn new(rows: Vec<Command>, beginnings: Vec<Option<Vec<String>>>, prefix: &str) -> Self {
        let (mut literals, mut of_literal, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for (index, own) in beginnings.into_iter().enumerate() {
            match own {
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
        let rows = self.candidates(line).into_iter().filter(|(index, _)| self.fits(*index, line, end));
        let mut purposes: Vec<Purpose> = rows.map(|(_, row)| row.purpose).collect();
        purposes.sort();
        purposes.dedup();
        purposes
    }

    /// The rows that may fit a line, with their places.
    fn candidates(&self, line: &[u8]) -> Vec<(usize, &Command)> {
        let mut rows = self.always.clone();
        if let Some(literals) = &self.literals {
            let found = literals.find_overlapping_iter(line).map(|found| found.pattern().as_usize());
            rows.extend(found.filter_map(|literal| self.of_literal.get(literal)));
        }
        rows.sort_unstable();
        rows.dedup();
        rows.into_iter().filter_map(|index| Some((index, self.rows.get(index)?))).collect()
    }

    /// The rows of one purpose that a line fits.
    pub(super) fn rows_for(&self, purpose: Purpose, line: &[u8]) -> Vec<&Command> {
        let rows = self.candidates(line).into_iter().filter(|(_, row)| row.purpose == purpose);
        rows.filter(|(index, _)| self.fits(*index, line, usize::MAX)).map(|(_, row)| row).collect()
    }

    fn fits(&self, index: usize, line: &[u8], end: usize) -> bool {
        let Some(Some(compiled)) = self.compiled.get(index).map(|cell| cell.get_or_init(|| self.compile(index))) else {
            return false;
        };
        compiled.pattern.start(line).is_some_and(|start| start < end)
            && compiled.unless.as_ref().is_none_or(|unless| unless.start(line).is_none())
    }

    fn compile(&self, index: usize) -> Option<Compiled> {
        let row = self.rows.get(index)?;
        let pattern = Pattern::new(format!("{}(?:{})", self.prefix, row.pattern))?;
        let unless = match &row.unless {
            Some(unless) => Some(Pattern::new(unless.clone())?),
            None => None,
        };
        Some(Compiled { pattern, unless })
    }
}

// Commands are ASCII: without Unicode a pattern compiles in a tenth of the time.
pub(super) fn bytes_regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::beginnings::beginnings;

    #[test]
    fn long_lines_are_looked_at_like_short_ones() {
        let pattern = Pattern::new(r"(?:^|\s)(?:go test\b)".to_owned()).unwrap();
        for length in [0, 10, LONG - 8, LONG, LONG * 3] {
            let line = format!("{} go test ./...", "x".repeat(length));
            assert_eq!(pattern.start(line.as_bytes()), Some(length), "{length}");
            assert_eq!(pattern.start(line.replace("test", "vet").as_bytes()), None, "{length}");
        }
    }

    fn check(pattern: &str, expect: Option<&[&str]>) {
        let found = beginnings(pattern);
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
