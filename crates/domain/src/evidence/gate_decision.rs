//! Decisions of the gate that asks error budgets.

use crate::{Place, slo::GateDecision};

/// What a gate decided, and where its record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRecord {
    pub place: Place,
    pub decision: GateDecision,
}
