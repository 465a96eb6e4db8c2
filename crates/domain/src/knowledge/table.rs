//! A table of patterns that is quick to start: a pattern is compiled when a line has a word that it begins with.
//!
//! Compiled all together they take forty milliseconds, most of a review of a small repository, and few of them are ever
//! met there. Those that are see a handful of short lines: what makes a pattern fast on long texts takes longer to make
//! than all of the lines to look at.

use std::{collections::BTreeMap, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::{Anchored, Input, meta, util::syntax};

use super::Command;
use crate::evidence::Purpose;

/// A longer line is worth a pattern that takes long to make.
const LONG: usize = 4096;

/// A command stands at the start of a word: of the line, after a path, a quote, an operator of the shell.
const WORD_START: &str = r#"(?:^|[\s/;&|("'`])"#;

/// What [`WORD_START`] fits before a place of a line.
fn starts_word(line: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|before| line.get(before)) else { return true };
    // What `\s` is where it knows no Unicode.
    matches!(before, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) || b"/;&|(\"'`".contains(before)
}

/// The rows of `knowledge/commands.toml`.
pub(super) struct CommandTable {
    pub(super) rows: Vec<Command>,
    /// Whether a pattern stands at the start of a word only.
    of_words: bool,
    /// What the patterns begin with, in any case.
    literals: Option<AhoCorasick>,
    /// The row of each literal.
    of_literal: Vec<usize>,
    /// Rows whose pattern begins with no fixed text.
    always: Vec<usize>,
    compiled: Vec<OnceLock<Option<Compiled>>>,
}

/// A row that may fit a line.
struct Candidate<'t> {
    index: usize,
    row: &'t Command,
    /// Where in the line its pattern may begin, in order; none: anywhere.
    beginnings: Option<Vec<usize>>,
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

    /// Where the first match starts that one of the beginnings stands in, of all matches where these are not known.
    fn start_at(&self, line: &[u8], beginnings: Option<&[usize]>) -> Option<usize> {
        let Some(beginnings) = beginnings.filter(|_| line.len() <= LONG) else { return self.start(line) };
        // The letter before it belongs to the match.
        let from = |at: &usize| Input::new(line).range(at.saturating_sub(1)..).anchored(Anchored::Yes);
        beginnings.iter().find_map(|at| self.short.search(&from(at))).map(|found| found.start())
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
    /// With what the pattern of each row begins with, none where that is no list. A pattern may stand anywhere in a text, in
    /// any case; or only at the start of a word.
    pub(super) fn new(rows: Vec<Command>, beginnings: Vec<Option<Vec<String>>>, of_words: bool) -> Self {
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
        Self { rows, of_words, literals: search, of_literal, always, compiled }
    }

    pub(super) fn purposes(&self, line: &[u8]) -> Vec<Purpose> {
        self.purposes_before(line, usize::MAX)
    }

    /// The purposes of the rows that match before this offset.
    pub(super) fn purposes_before(&self, line: &[u8], end: usize) -> Vec<Purpose> {
        let rows = self.candidates(line).into_iter().filter(|one| self.fits(one, line, end));
        let mut purposes: Vec<Purpose> = rows.map(|one| one.row.purpose).collect();
        purposes.sort();
        purposes.dedup();
        purposes
    }

    /// The rows that may fit a line, in their order.
    fn candidates(&self, line: &[u8]) -> Vec<Candidate<'_>> {
        let mut found: BTreeMap<usize, Option<Vec<usize>>> = self.always.iter().map(|index| (*index, None)).collect();
        for literal in self.literals.iter().flat_map(|literals| literals.find_overlapping_iter(line)) {
            let Some(index) = self.of_literal.get(literal.pattern().as_usize()) else { continue };
            if !self.of_words {
                found.insert(*index, None);
            } else if starts_word(line, literal.start())
                && let Some(beginnings) = found.entry(*index).or_insert_with(|| Some(Vec::new()))
            {
                beginnings.push(literal.start());
            }
        }
        let rows = found.into_iter().filter_map(|(index, beginnings)| {
            let beginnings = beginnings.map(|mut all| {
                all.sort_unstable();
                all
            });
            Some(Candidate { index, row: self.rows.get(index)?, beginnings })
        });
        rows.collect()
    }

    /// The rows of one purpose that a line fits.
    pub(super) fn rows_for(&self, purpose: Purpose, line: &[u8]) -> Vec<&Command> {
        let rows = self.candidates(line).into_iter().filter(|one| one.row.purpose == purpose);
        rows.filter(|one| self.fits(one, line, usize::MAX)).map(|one| one.row).collect()
    }

    fn fits(&self, one: &Candidate<'_>, line: &[u8], end: usize) -> bool {
        let compiled = self.compiled.get(one.index).map(|cell| cell.get_or_init(|| self.compile(one.row)));
        let Some(Some(compiled)) = compiled else { return false };
        compiled.pattern.start_at(line, one.beginnings.as_deref()).is_some_and(|start| start < end)
            && compiled.unless.as_ref().is_none_or(|unless| unless.start(line).is_none())
    }

    fn compile(&self, row: &Command) -> Option<Compiled> {
        let before = if self.of_words { WORD_START } else { "(?i)" };
        let pattern = Pattern::new(format!("{before}(?:{})", row.pattern))?;
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

    #[test]
    fn a_word_starts_where_the_pattern_says() {
        let pattern = bytes_regex(&format!("{WORD_START}x")).unwrap();
        for before in 0..=u8::MAX {
            assert_eq!(
                starts_word(&[before, b'x'], 1),
                pattern.is_match(&[before, b'x']) && before != b'x',
                "{before}"
            );
        }
        assert!(starts_word(b"x", 0));
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
