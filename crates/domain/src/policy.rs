//! A team's thresholds, typed and with documented defaults.

use std::collections::BTreeMap;

use crate::{Level, Tier};

/// What a team asks for. Every default is from the source documents or from field-notes G8.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The level that each tier asks for. Default: 1 → L3, 2 → L2, 3 → L1.
    pub levels: BTreeMap<Tier, Level>,
    /// Who may override a `never` or `blocker` check. Default: nobody.
    pub override_approvers: Vec<String>,
    /// The longest life of a waiver, in days. Default 30.
    pub waiver_days: u16,
    /// Runbooks for the most likely failures. Default 5.
    pub runbooks: usize,
    /// Days after which a runbook wants to be verified again. Default 180.
    pub runbook_days: u16,
    /// The longest time that a rollback may take, in seconds. Default 300.
    pub rollback_seconds: u32,
    /// The stretch of on-call that must be covered, in days. Default 28.
    pub oncall_days: u16,
    /// Seconds between the removal of an endpoint and the last request that still reaches the pod. Default 5.
    pub endpoint_propagation_seconds: u32,
    /// Coverage below which the threshold counts as too low, in percent of lines. Default 60.
    pub coverage_percent: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            levels: [Tier::One, Tier::Two, Tier::Three].map(|tier| (tier, tier.default_level())).into(),
            override_approvers: Vec::new(),
            waiver_days: 30,
            runbooks: 5,
            runbook_days: 180,
            rollback_seconds: 300,
            oncall_days: 28,
            endpoint_propagation_seconds: 5,
            coverage_percent: 60.0,
        }
    }
}

impl Policy {
    /// The level that a service of this tier has to reach.
    pub fn level(&self, tier: Tier) -> Level {
        self.levels.get(&tier).copied().unwrap_or_else(|| tier.default_level())
    }
}
