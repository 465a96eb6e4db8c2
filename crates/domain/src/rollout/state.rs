//! All that is known of one rollout: what is stored before every act, and enough to go on after any kill.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Percent, Plan, Revision, gate::Watched};

/// The version of the stored format.
pub const FORMAT: u32 = 1;

/// One rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub format: u32,
    /// No other rollout has it.
    pub id: String,
    pub plan: Plan,
    /// What stable was before.
    pub from: Revision,
    /// What the driver wants to be given back.
    pub memo: Option<String>,
    pub started: Timestamp,
    pub phase: Phase,
    /// When this phase began.
    pub since: Timestamp,
    /// Since when the world is as this phase wants it; none: it is not yet.
    pub reached: Option<Timestamp>,
    /// Since when it is not as this phase wants it, for the deadline.
    pub unreached: Option<Timestamp>,
    /// The act that is under way or was the last one: written before it is done.
    pub intent: Option<Intent>,
    /// A promotion was begun: the way back is to undo, not to abort.
    pub promoted: bool,
    pub hold: Option<Hold>,
    /// Since when the driver gives no answer.
    pub blind: Option<Timestamp>,
    pub rollback: Option<Rollback>,
    /// One for each gate of the plan.
    pub gates: Vec<Watched>,
    /// Restarts of the canary when it was first seen ready.
    pub restarts: Option<u32>,
    /// What the driver had counted at the last look; none: it counts nothing.
    #[serde(default)]
    pub counted: Option<Requests>,
    /// What it counted in this step.
    #[serde(default)]
    pub of_step: Requests,
    /// What was measured at each step that is over or under way.
    pub shares: Vec<Measured>,
    pub ended: Option<Timestamp>,
}

/// Requests that were given to each release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requests {
    pub canary: u64,
    pub stable: u64,
}

impl Requests {
    /// Adds what came between two looks; a counter that began anew counts whole.
    pub fn add(&mut self, now: Self, then: Self) {
        let since = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        self.canary = self.canary.saturating_add(since(now.canary, then.canary));
        self.stable = self.stable.saturating_add(since(now.stable, then.stable));
    }
}

/// A share that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub asked: Percent,
    /// What the driver is configured to; none: nobody can say.
    pub configured: Option<Percent>,
    pub canary: u64,
    pub stable: u64,
}

impl Measured {
    pub fn percent(&self) -> Option<Percent> {
        Percent::of_parts(self.canary, self.canary.saturating_add(self.stable))
    }
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The canary is being made.
    Preparing,
    /// This step of the plan.
    Step(usize),
    /// Stable takes the release.
    Promoting,
    /// Stable has it and is watched.
    Watching,
    /// The canary goes.
    Retiring,
    /// The end: stable has the release.
    Promoted,
    /// The canary to 0.
    Aborting,
    /// Stable back to what it was.
    Undoing,
    /// The world is as it was: whether it is well, too.
    Verifying,
    /// The end: stable has what it had.
    RolledBack,
}

impl Phase {
    pub fn ended(self) -> bool {
        matches!(self, Self::Promoted | Self::RolledBack)
    }

    /// On the way to the release.
    pub fn forward(self) -> bool {
        matches!(self, Self::Preparing | Self::Step(_) | Self::Promoting | Self::Watching)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preparing => formatter.write_str("preparing"),
            Self::Step(step) => write!(formatter, "step {}", step + 1),
            Self::Promoting => formatter.write_str("promoting"),
            Self::Watching => formatter.write_str("watching"),
            Self::Retiring => formatter.write_str("retiring"),
            Self::Promoted => formatter.write_str("promoted"),
            Self::Aborting => formatter.write_str("aborting"),
            Self::Undoing => formatter.write_str("undoing"),
            Self::Verifying => formatter.write_str("verifying"),
            Self::RolledBack => formatter.write_str("rolled back"),
        }
    }
}

/// What the driver is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Prepare,
    SetShare(Percent),
    Promote,
    Retire,
    Abort,
    /// To the revision that the state calls `from`.
    Undo,
}

impl fmt::Display for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare => formatter.write_str("prepare the canary"),
            Self::SetShare(share) => write!(formatter, "give the canary {share}"),
            Self::Promote => formatter.write_str("promote"),
            Self::Retire => formatter.write_str("retire the canary"),
            Self::Abort => formatter.write_str("take all traffic from the canary"),
            Self::Undo => formatter.write_str("bring stable back"),
        }
    }
}

/// An act that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub act: Act,
    pub at: Timestamp,
    /// How often it was asked for in this phase.
    pub tries: u32,
    /// The driver said that it was done.
    pub done: bool,
    /// The driver said that there was nothing left to do.
    #[serde(default)]
    pub nothing_left: bool,
    /// What the driver said against it, the last time.
    pub trouble: Option<String>,
    /// How often in a row something else was in the way.
    pub conflicts: u32,
}

/// It waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub since: Timestamp,
    pub why: String,
    /// A person asked for it: only a person ends it.
    pub by: Option<String>,
}

/// The way back, with its clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    pub why: String,
    /// The person who asked for it; none: it was decided by a gate or a deadline.
    pub by: Option<String>,
    /// From which phase.
    pub from: Phase,
    pub decided: Timestamp,
    /// When the world was seen to be as it was.
    pub restored: Option<Timestamp>,
    /// When version, health and error ratio were seen to be well.
    pub verified: Option<Timestamp>,
    /// What was seen then, or what was not.
    pub said: String,
}

impl Rollback {
    /// From the decision until it was verified.
    pub fn took(&self) -> Option<SignedDuration> {
        self.verified.map(|verified| verified.duration_since(self.decided))
    }
}

impl State {
    pub fn new(id: String, plan: Plan, from: Revision, memo: Option<String>, now: Timestamp) -> Self {
        let gates = vec![Watched::default(); plan.gates.len()];
        Self {
            format: FORMAT,
            id,
            plan,
            from,
            memo,
            started: now,
            phase: Phase::Preparing,
            since: now,
            reached: None,
            unreached: Some(now),
            intent: None,
            promoted: false,
            hold: None,
            blind: None,
            rollback: None,
            gates,
            restarts: None,
            counted: None,
            of_step: Requests::default(),
            shares: Vec::new(),
            ended: None,
        }
    }

    /// The share that the present phase wants the canary to have; none where it is not about a share.
    pub fn wanted(&self) -> Option<Percent> {
        match self.phase {
            Phase::Preparing | Phase::Aborting => Some(Percent::ZERO),
            Phase::Step(step) => self.plan.steps.get(step).map(|step| step.share),
            _ => None,
        }
    }
}
