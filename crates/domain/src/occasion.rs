//! The six occasions of a review: what each puts the weight on.

use serde::{Deserialize, Serialize};

use crate::{Check, Gate};

/// Why the review is held. A review without an occasion asks the whole checklist with its own gates.
/// Source: field-notes B1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The full checklist; no telemetry exists yet, so what only telemetry shows does not apply.
    FirstDeploy,
    /// Contracts, migrations, flags and rollback carry the weight.
    MajorRelease,
    /// Everything that ages must be fresh.
    Quarterly,
    /// The postmortem, its alert and its runbook carry the weight.
    PostIncident,
    /// Lockfiles, audits and the tests that catch an upgrade carry the weight.
    DependencyUpgrade,
    /// Ownership, on-call, runbooks and open risks carry the weight.
    Handoff,
}

impl Occasion {
    pub const ALL: [Self; 6] = [
        Self::FirstDeploy,
        Self::MajorRelease,
        Self::Quarterly,
        Self::PostIncident,
        Self::DependencyUpgrade,
        Self::Handoff,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::FirstDeploy => "first-deploy",
            Self::MajorRelease => "major-release",
            Self::Quarterly => "quarterly",
            Self::PostIncident => "post-incident",
            Self::DependencyUpgrade => "dependency-upgrade",
            Self::Handoff => "handoff",
        }
    }

    /// The checks that this occasion puts the weight on: they block where they are only required otherwise.
    pub fn emphasis(self) -> &'static [&'static str] {
        match self {
            Self::FirstDeploy => &[],
            Self::MajorRelease => &["data.migrations", "testing.contract"],
            Self::Quarterly => &["operations.review-age", "data.restore", "security.secrets-management"],
            Self::PostIncident => &["operations.postmortems", "operations.alerts"],
            Self::DependencyUpgrade => &["testing.integration", "testing.contract", "deployment.pipeline"],
            Self::Handoff => &["operations.oncall", "incident.escalation", "documentation.oncall-playbook"],
        }
    }

    /// The checks that cannot be asked on this occasion, because what they need does not exist yet.
    pub fn does_not_ask(self) -> &'static [&'static str] {
        match self {
            // Before the first deploy nothing was spent, measured in production, or reviewed before.
            Self::FirstDeploy => &["operations.error-budget", "operations.review-age", "operations.postmortems"],
            _ => &[],
        }
    }

    /// The gate of a check on this occasion: emphasis turns *required* into *blocker* and *advised* into *required*.
    pub fn gate(self, check: &Check) -> Gate {
        match check.gate {
            Gate::Required if self.emphasis().contains(&check.id) => Gate::Blocker,
            Gate::Advised if self.emphasis().contains(&check.id) => Gate::Required,
            gate => gate,
        }
    }
}
