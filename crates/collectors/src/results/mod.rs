//! Results of runs that lie in the repository: coverage, tests, load, chaos, scanners.
//!
//! A file is read if its name or its folder says what it is; a JSON file that was parsed anyway is known by its shape.

mod coverage;
mod load;
mod scan;
mod suite;

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{FileEntry, ResultFile, ResultKind},
};
use gonogo_formats::{json, xml};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::Corpus;

/// Results in text are short; a longer file is a log.
const MAX_TEXT: u64 = 256 << 10;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<ResultFile> {
    let mut found = Found::default();
    for file in corpus.data() {
        if is_result_name(file.name()) {
            found.gaps.extend(file.gaps(Source::Results));
        }
        for document in file.documents.iter().filter(|document| !document.entries().is_empty()) {
            let runs = of_data(document);
            found.files += usize::from(!runs.is_empty());
            found.add(&file.path, runs);
        }
    }
    let texts: Vec<(&FileEntry, Reading)> = corpus
        .files_where(|entry| reading(entry).is_some())
        .filter_map(|entry| Some((entry, reading(entry)?)))
        .collect();
    for (entry, reading) in texts {
        found.file(corpus, entry, reading);
    }
    found.results.sort_by(|one, other| (&one.place, one.kind).cmp(&(&other.place, other.kind)));
    found.gaps.sort();
    Gathered::new(found.results, found.files, found.gaps)
}

/// What one file says about one run.
#[derive(Debug)]
struct Run {
    kind: ResultKind,
    tool: String,
    on: Option<Date>,
    revision: Option<String>,
    measures: BTreeMap<String, f64>,
    thresholds: Vec<(String, bool)>,
}

impl Run {
    fn new(kind: ResultKind, tool: impl Into<String>) -> Self {
        Self { kind, tool: tool.into(), on: None, revision: None, measures: BTreeMap::new(), thresholds: Vec::new() }
    }

    fn on(mut self, date: Option<Date>) -> Self {
        self.on = date;
        self
    }

    fn measure(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.measures.insert(name.to_owned(), value);
        }
    }

    fn count(&mut self, name: &str) {
        *self.measures.entry(name.to_owned()).or_default() += 1.0;
    }
}

/// How a file is read that is no data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Lcov,
    GoProfile,
    Xml,
    Sarif,
    LocustCsv,
    Text,
}

fn reading(entry: &FileEntry) -> Option<Reading> {
    let name = entry.name().to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.')?;
    let words = || stem.split(['-', '_', '.', ' ']);
    let coverage = words().any(|word| matches!(word, "coverage" | "cobertura" | "jacoco" | "clover" | "cover" | "cov"))
        || stem.starts_with("jacoco");
    match extension {
        "info" if stem == "lcov" || coverage => Some(Reading::Lcov),
        "lcov" => Some(Reading::Lcov),
        "out" | "txt" | "cov" | "coverprofile" if coverage || matches!(stem, "c" | "profile" | "coverprofile") => {
            Some(Reading::GoProfile)
        }
        "xml"
            if coverage
                || stem.starts_with("test-")
                || words().any(|word| matches!(word, "junit" | "xunit"))
                || is_report_folder(&entry.path) =>
        {
            Some(Reading::Xml)
        }
        "trx" => Some(Reading::Xml),
        "sarif" => Some(Reading::Sarif),
        "csv" if stem == "stats" || stem.ends_with("_stats") || stem.ends_with("-stats") => Some(Reading::LocustCsv),
        "txt" | "log" | "out" if entry.size <= MAX_TEXT && is_load_path(&entry.path) => Some(Reading::Text),
        _ => None,
    }
}

fn is_report_folder(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| {
        matches!(
            folder,
            "test-results"
                | "test-reports"
                | "surefire-reports"
                | "failsafe-reports"
                | "TestResults"
                | "junit"
                | "junit-reports"
        )
    })
}

fn is_load_path(path: &str) -> bool {
    path.to_ascii_lowercase().split(['/', '-', '_', '.']).any(|word| {
        matches!(
            word,
            "load"
                | "loadtest"
                | "loadtests"
                | "perf"
                | "performance"
                | "bench"
                | "benchmark"
                | "benchmarks"
                | "wrk"
                | "hey"
                | "stress"
        )
    })
}

/// A data file with such a name is a result, or would be if it could be read.
fn is_result_name(name: &str) -> bool {
    matches!(
        name,
        "coverage-summary.json"
            | "trivy.json"
            | "grype.json"
            | "npm-audit.json"
            | "pip-audit.json"
            | "cargo-audit.json"
            | "journal.json"
            | "k6-summary.json"
    ) || name.ends_with(".sarif.json")
}

fn of_data(document: &Node) -> Vec<Run> {
    let matchers = [coverage::of_data, load::of_data, scan::of_data];
    matchers.into_iter().map(|of_data| of_data(document)).find(|runs| !runs.is_empty()).unwrap_or_default()
}

#[derive(Default)]
struct Found {
    results: Vec<ResultFile>,
    files: usize,
    gaps: Vec<Gap>,
}

impl Found {
    fn add(&mut self, path: &Arc<str>, runs: Vec<Run>) {
        self.results.extend(runs.into_iter().map(|run| ResultFile {
            kind: run.kind,
            tool: run.tool,
            place: Place::whole(Arc::clone(path)),
            on: run.on.or_else(|| date(path)),
            revision: run.revision,
            measures: run.measures,
            thresholds: run.thresholds,
        }));
    }

    fn gap(&mut self, place: Place, reason: String) {
        self.gaps.push(Gap { source: Source::Results, place, reason });
    }

    fn file(&mut self, corpus: &Corpus<'_>, entry: &FileEntry, reading: Reading) {
        let path = &entry.path;
        let text = match corpus.tree.text(path) {
            Ok(text) => text,
            Err(reason) => {
                // A `cover.out` that is no text is a program, not a result.
                if !matches!(reading, Reading::Text | Reading::GoProfile) {
                    self.gap(Place::whole(Arc::clone(path)), reason);
                }
                return;
            }
        };
        let runs = match reading {
            Reading::Lcov => coverage::lcov(&text).into_iter().collect(),
            Reading::GoProfile => coverage::go_profile(&text).into_iter().collect(),
            Reading::LocustCsv => load::locust(&text).into_iter().collect(),
            Reading::Text => load::text(&text).into_iter().collect(),
            Reading::Xml => match xml::parse(path, &text) {
                Ok(root) => coverage::of_xml(&root).or_else(|| suite::of_xml(&root)).into_iter().collect(),
                Err(error) => {
                    self.gap(error.place, error.reason);
                    return;
                }
            },
            Reading::Sarif => match json::parse(path, &text) {
                Ok(node) => scan::sarif(&node),
                Err(error) => {
                    self.gap(error.place, error.reason);
                    return;
                }
            },
        };
        self.files += usize::from(!runs.is_empty());
        self.add(path, runs);
    }
}

/// The first day that a text names, as `2026-01-31` or `20260131`.
fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).filter(|at| is_digit(*at) && (*at == 0 || !is_digit(*at - 1))).find_map(|at| {
        let number = |from: usize, to: usize| text.get(at + from..at + to)?.parse::<i16>().ok();
        let (month, day, end) = if bytes.get(at + 4) == Some(&b'-') && bytes.get(at + 7) == Some(&b'-') {
            (number(5, 7)?, number(8, 10)?, at + 10)
        } else {
            (number(4, 6)?, number(6, 8)?, at + 8)
        };
        let year = number(0, 4).filter(|year| (2000..2200).contains(year) && !is_digit(end))?;
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    })
}

/// The day of a point in time in seconds or milliseconds since 1970.
fn day(number: f64) -> Option<Date> {
    let seconds = if number > 1e11 { number / 1000.0 } else { number };
    if !(1e9..1e10).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was just checked, and parts of a second do not matter"
    )]
    let timestamp = Timestamp::from_second(seconds as i64).ok()?;
    Some(timestamp.to_zoned(TimeZone::UTC).date())
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

#[cfg(test)]
mod tests;
