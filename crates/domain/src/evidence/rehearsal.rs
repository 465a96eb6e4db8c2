//! Records of rollbacks that were timed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Place;

/// The version of the record's format.
pub const REHEARSAL_FORMAT: u32 = 1;

/// A rollback that `gonogo rollout` carried out, in a rehearsal or because it was needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    pub format: u32,
    /// The version of gonogo that did it.
    pub gonogo: String,
    pub service: String,
    /// The id of the rollout.
    pub rollout: String,
    /// `staging`, `production`.
    pub environment: String,
    pub from: String,
    pub to: String,
    /// Stable had the release already. Before that a rollback only takes traffic from the canary.
    pub after_promotion: bool,
    pub why: String,
    pub decided: Timestamp,
    /// When the world was seen to be as it was.
    pub restored: Option<Timestamp>,
    /// When version, health and error ratio were seen to be well; none: they were not in time.
    pub verified: Option<Timestamp>,
    pub said: String,
}

impl Rehearsal {
    /// From the decision until it was verified.
    pub fn took(&self) -> Option<SignedDuration> {
        self.verified.map(|verified| verified.duration_since(self.decided))
    }
}

/// A rehearsal and where its record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalRecord {
    pub place: Place,
    pub rehearsal: Rehearsal,
}
