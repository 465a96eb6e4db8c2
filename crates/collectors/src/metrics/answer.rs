//! What Prometheus answers, as its HTTP API writes it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What was asked for, and what the server wants to be known beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    pub value: T,
    /// Warnings and infos: an answer with one may be a part of the truth (a store of Thanos that did not answer).
    pub warnings: Vec<String>,
}

/// One series at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970.
    pub at: f64,
    /// Any number, NaN and the infinities too.
    pub value: f64,
}

/// One series over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970 with values, in the order of time.
    pub points: Vec<(f64, f64)>,
}

/// What a query that should give one number gave. That it is not a number, that there is nothing, and that there are
/// several are three things, and an error is a fourth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A number or an infinity.
    Is(f64),
    /// 0/0: there were series, and nothing happened in them.
    NotANumber,
    /// No series: nothing measures it.
    Nothing,
    /// So many series: the query does not add them up.
    Several(usize),
}

impl Number {
    pub(super) fn of(samples: &[Sample]) -> Self {
        match samples {
            [] => Self::Nothing,
            [only] if only.value.is_nan() => Self::NotANumber,
            [only] => Self::Is(only.value),
            several => Self::Several(several.len()),
        }
    }
}

/// A group of rules as it is loaded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RuleGroup {
    pub name: String,
    #[serde(default)]
    pub file: String,
    /// Seconds.
    #[serde(default)]
    pub interval: f64,
    #[serde(default)]
    pub rules: Vec<RuleState>,
}

/// A rule as it is loaded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RuleState {
    pub name: String,
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `ok`, `err` or `unknown`.
    #[serde(default)]
    pub health: String,
    /// Why its last evaluation failed.
    #[serde(default, rename = "lastError")]
    pub last_error: String,
    /// `alerting` or `recording`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Of an alert: `inactive`, `pending` or `firing`.
    pub state: Option<String>,
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Alert {
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    pub state: String,
    /// RFC 3339.
    #[serde(default, rename = "activeAt")]
    pub active_at: String,
}

/// What is scraped.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Target {
    pub labels: BTreeMap<String, String>,
    #[serde(default, rename = "scrapePool")]
    pub pool: String,
    #[serde(rename = "scrapeUrl")]
    pub url: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    #[serde(default, rename = "lastError")]
    pub last_error: String,
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub status: String,
    pub data: Option<T>,
    #[serde(default, rename = "errorType")]
    pub error_type: String,
    #[serde(default)]
    pub error: String,
    #[serde(default)]
    pub warnings: Vec<String>,
    #[serde(default)]
    pub infos: Vec<String>,
}

/// The result of a query.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Outcome {
    Vector(Vec<RawSample>),
    Matrix(Vec<RawSeries>),
    Scalar(Point),
    String(#[expect(dead_code, reason = "its shape is checked, its text says nothing")] (f64, String)),
}

/// Seconds since 1970, and a number as text.
pub(super) type Point = (f64, String);

#[derive(Debug, Deserialize)]
pub(super) struct RawSample {
    #[serde(default)]
    pub metric: BTreeMap<String, String>,
    /// None: a native histogram, which is no number.
    pub value: Option<Point>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawSeries {
    #[serde(default)]
    pub metric: BTreeMap<String, String>,
    #[serde(default)]
    pub values: Vec<Point>,
}

/// A number as Prometheus writes it.
pub(super) fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}
