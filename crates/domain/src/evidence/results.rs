//! Results of runs that lie in the repository: coverage, tests, load, scanners.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::Place;

#[derive(Clone, Debug)]
pub struct ResultFile {
    pub kind: ResultKind,
    /// The tool or the format: `lcov`, `cobertura`, `junit`, `k6`, `vegeta`, `trivy` …
    pub tool: String,
    pub place: Place,
    /// The day of the run, where the file says it.
    pub on: Option<Date>,
    /// The commit or version that was run, where the file says it.
    pub revision: Option<String>,
    /// Measures by name, in the unit of the name: `line_percent`, `p95_ms`, `requests_per_second`, `failures`,
    /// `critical`, `high` …
    pub measures: BTreeMap<String, f64>,
    /// Thresholds of the run and whether each held.
    pub thresholds: Vec<(String, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultKind {
    Coverage,
    Tests,
    Load,
    Chaos,
    Vulnerabilities,
    StaticAnalysis,
}
