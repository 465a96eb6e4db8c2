//! What a rollout is to do: its steps, waits and gates.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    Percent, Release,
    analysis::{Conditions, Limits},
};

/// All that a rollout goes by. It is fixed when it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    pub release: Release,
    /// In the order of their shares, each below 100 %: after them the release is promoted.
    pub steps: Vec<Step>,
    /// The watch after the promotion.
    pub after: Watch,
    /// Between two looks while nothing is under way.
    pub every: SignedDuration,
    /// After a share is reached: what happens in this time does not count.
    pub warm_up: SignedDuration,
    pub deadlines: Deadlines,
    /// How many points the measured share may be off the one that is configured.
    pub share_tolerance: Percent,
    /// How many restarts of the canary are tolerated.
    pub restarts: u32,
    pub gates: Vec<Gate>,
    /// How probable it may be that a release which is as good as the one before is rolled back by a comparison: of all
    /// gates and looks together.
    pub false_alarms: f64,
}

/// A share, and how long it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub share: Percent,
    pub watch: Watch,
}

/// For how long gates are watched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    pub length: SignedDuration,
    /// As long as a gate has too little data the watch goes on, up to this; then it waits for a person.
    pub at_most: SignedDuration,
}

/// After which something is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deadlines {
    /// For the canary to be ready, and for each share to be reached: rolled back.
    pub ready: SignedDuration,
    /// For stable to have the release: rolled back.
    pub promotion: SignedDuration,
    /// For the driver to answer again, while a release is under way: rolled back.
    pub blind: SignedDuration,
    /// For a person to say how it goes on: rolled back.
    pub hold: SignedDuration,
    /// For a rollback to be verified: told, and the next rollout is not started lightly.
    pub rollback: SignedDuration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            ready: SignedDuration::from_mins(10),
            promotion: SignedDuration::from_mins(10),
            blind: SignedDuration::from_mins(5),
            hold: SignedDuration::from_hours(24),
            rollback: SignedDuration::from_mins(5),
        }
    }
}

/// A condition on going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub name: String,
    pub kind: GateKind,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub when: When,
    /// It is measured and shown, and decides nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// When a gate has a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// In steps, after the promotion, and when a rollback is verified.
    #[default]
    Always,
    /// Only while there is a canary: it asks the canary itself.
    Steps,
}

/// How a reading is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Requests that went wrong, canary against the stable release of the same time.
    Compare {
        /// A worsening by so much must be seen before a step ends (0.01: one of a hundred requests more).
        worse_by: f64,
        /// No more than this, whatever stable does; none: no bound.
        at_most: Option<f64>,
    },
    /// Latency by the buckets of histograms, canary against the stable release of the same time.
    Latency {
        /// So many more of the requests being slower must be seen before a step ends.
        worse_by: f64,
        /// Bounds below this many seconds do not matter.
        from: f64,
    },
    /// A number.
    Value { conditions: Conditions },
    /// Something that passes or does not.
    Check,
}

impl Plan {
    /// The false alarms that each comparing gate may cause: all have the same part.
    pub fn false_alarms_of_one(&self) -> f64 {
        let comparing = |gate: &&Gate| match gate.kind {
            // The bound is a test of its own.
            GateKind::Compare { at_most: Some(_), .. } => 2,
            GateKind::Compare { .. } | GateKind::Latency { .. } => 1,
            GateKind::Value { .. } | GateKind::Check => 0,
        };
        let tests: u32 = self.gates.iter().filter(|gate| !gate.dry_run).map(|gate| comparing(&gate)).sum();
        self.false_alarms / f64::from(tests.max(1))
    }
}
