//! What `promtool test rules` runs: series that go in, and what the rules must make of them.

use super::{Labels, Span};

/// A file of trials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// The files with the rules, relative to this one.
    pub rule_files: Vec<String>,
    /// How often the rules are evaluated.
    pub evaluation_interval: Span,
    pub trials: Vec<Trial>,
}

/// One story: the series, and what is seen at which moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// What it shows, in one clause.
    pub name: String,
    /// The time between two samples of the series.
    pub interval: Span,
    pub series: Vec<InputSeries>,
    pub alerts: Vec<AlertAt>,
    pub values: Vec<ValueAt>,
}

/// A series in the notation of promtool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSeries {
    /// `http_requests_total{code="200"}`.
    pub series: String,
    /// `0+60x120 7200+0x60`; `_` is no sample.
    pub values: String,
}

/// All alerts of a name that fire at a moment, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertAt {
    pub at: Span,
    pub name: String,
    /// Empty: it is quiet.
    pub firing: Vec<ExpectedAlert>,
}

/// An alert with everything that it carries but its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedAlert {
    pub labels: Labels,
    pub annotations: Labels,
}

/// What an expression gives at a moment, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueAt {
    pub at: Span,
    pub expr: String,
    /// Empty: it gives nothing, which is not zero.
    pub samples: Vec<ExpectedSample>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedSample {
    /// `up{job="shop"}`, or `{}`.
    pub labels: String,
    /// A number as it is written.
    pub value: String,
}
