//! Alert rules and where alerts go.

use std::collections::BTreeMap;

use super::Located;
use crate::Place;

/// An alerting or recording rule of Prometheus.
#[derive(Clone, Debug)]
pub struct AlertRule {
    pub kind: RuleKind,
    /// The alert's name, or the name of the recorded series.
    pub name: String,
    pub group: String,
    pub place: Place,
    pub expr: Located<String>,
    /// What the expression says, or why it does not parse.
    pub query: Result<Query, String>,
    /// `for:` in seconds; none: not written.
    pub for_seconds: Option<Located<u64>>,
    pub labels: BTreeMap<String, Located<String>>,
    pub annotations: BTreeMap<String, Located<String>>,
    pub environment: Option<String>,
    pub production: bool,
    /// Where a person edits it, if the file that it was read from is made of Jsonnet of the service.
    pub compiled_from: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Alerting,
    Recording,
}

/// A PromQL expression, as far as judging it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Metric names that it selects.
    pub metrics: Vec<String>,
    /// Label matchers, by metric: (metric, label, operator, value).
    pub matchers: Vec<(String, String, String, String)>,
    pub functions: Vec<String>,
    /// Numbers that the result is compared with.
    pub thresholds: Vec<f64>,
    /// Range windows in seconds.
    pub windows: Vec<u64>,
}

/// A configuration of Alertmanager, or a platform's equivalent.
#[derive(Clone, Debug)]
pub struct AlertRouting {
    pub place: Place,
    pub receivers: Vec<Receiver>,
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug)]
pub struct Receiver {
    pub name: String,
    pub place: Place,
    /// The kinds of notification: `slack`, `pagerduty`, `email`, `webhook` …; empty: it drops what it gets.
    pub channels: Vec<String>,
}

/// A route with everything that it inherits.
#[derive(Clone, Debug)]
pub struct Route {
    pub receiver: Option<String>,
    /// Matchers of this route and its parents, as text: `severity="critical"`.
    pub matchers: Vec<String>,
    pub place: Place,
    /// The top route catches what no other does.
    pub root: bool,
}
