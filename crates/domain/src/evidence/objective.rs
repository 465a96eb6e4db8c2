//! SLOs as they are declared.

use std::sync::Arc;

use super::Located;
use crate::{Place, slo};

/// A service level objective.
#[derive(Clone, Debug)]
pub struct Objective {
    pub name: String,
    pub service: Option<String>,
    pub place: Place,
    pub format: ObjectiveFormat,
    pub indicator: Indicator,
    /// A ratio: 0.999 for 99.9 %. None: not written, or not a number.
    pub target: Option<Located<f64>>,
    /// Seconds; none: not written.
    pub window_seconds: Option<Located<u64>>,
    /// PromQL of good, bad and total events, as text.
    pub queries: Vec<String>,
    /// It says that and how it alerts.
    pub alerting: Option<Place>,
    /// It names a policy for a spent budget.
    pub budget_policy: Option<Place>,
    /// All of it, as rules are made of it; or why none can be.
    pub whole: Result<Arc<slo::Objective>, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectiveFormat {
    OpenSlo,
    Sloth,
    Pyrra,
    /// `[[service.NAME.slo]]` of gonogo.toml.
    Configuration,
    /// An SLO resource of Terraform: Datadog, Google Cloud, Nobl9, New Relic.
    Infrastructure,
}

/// What an objective measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    Availability,
    Latency,
    ErrorRate,
    Other,
}
