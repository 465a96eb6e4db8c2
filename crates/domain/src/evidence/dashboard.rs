//! Dashboards: which questions they ask of the metrics.

use super::Query;
use crate::Place;

/// A Grafana dashboard, from JSON, from a ConfigMap or from infrastructure code.
#[derive(Clone, Debug)]
pub struct Dashboard {
    pub title: String,
    /// The name of its file, also where an object holds it: `service.json`.
    pub file: String,
    pub place: Place,
    pub panels: Vec<Panel>,
    /// Where a person edits it, if the file that it was read from is made of Jsonnet of the service.
    pub compiled_from: Option<Place>,
}

#[derive(Clone, Debug)]
pub struct Panel {
    pub title: String,
    pub place: Place,
    /// PromQL of the panel: its text with what it says or why it does not parse. Other query languages are kept as text.
    pub queries: Vec<(String, Result<Query, String>)>,
    /// The data source's kind where it is written: `prometheus`, `loki`, `cloudwatch` …
    pub datasource: Option<String>,
}
