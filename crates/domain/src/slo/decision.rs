//! What a gate decided, as it is kept: one line of `.gonogo/slo/decisions.jsonl`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Exemption, Standing, Verdict};

/// The version of the record's format.
pub const DECISION_FORMAT: u32 = 1;

/// One decision of the gate for releases, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateDecision {
    pub format: u32,
    pub at: Timestamp,
    pub verdict: Verdict,
    /// The address that was asked.
    pub prometheus: String,
    pub exemption: Option<Exemption>,
    pub budgets: Vec<DecidedBudget>,
}

/// A budget as the gate saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedBudget {
    /// [`Objective::id`](super::Objective::id).
    pub objective: String,
    pub standing: Standing,
    /// As a ratio, with four places; none: unknown.
    pub remaining: Option<String>,
}
