//! Records of rollbacks that were timed.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
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
    /// What cannot be true of it: written by hand, or changed afterwards. None: it agrees with itself.
    pub fn problem(&self) -> Option<&'static str> {
        match (self.restored, self.verified) {
            (None, Some(_)) => return Some("it was verified before anything was restored"),
            (Some(restored), _) if restored < self.decided => return Some("it was restored before it was decided"),
            (Some(restored), Some(verified)) if verified < restored => {
                return Some("it was verified before it was restored");
            }
            _ => {}
        }
        // The id of a rollout holds when it began.
        let began = self.rollout.rsplit('-').next().and_then(|at| DateTime::strptime("%Y%m%dT%H%M%S", at).ok());
        match began.and_then(|began| began.to_zoned(TimeZone::UTC).ok()).map(|began| began.timestamp()) {
            None => Some("its rollout has no id that gonogo gives"),
            Some(began) if began > self.decided => Some("it was decided before its rollout began"),
            Some(_) if self.from == self.to || self.to.is_empty() => Some("it goes nowhere"),
            Some(_) => None,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds after the start of the rollout, and what is wrong then.
    #[track_caller]
    fn check(rollout: &str, decided: i64, restored: Option<i64>, verified: Option<i64>, expect: Option<&str>) {
        let at = |seconds: i64| {
            "2026-11-22T10:00:00Z"
                .parse::<Timestamp>()
                .unwrap()
                .saturating_add(SignedDuration::from_secs(seconds))
                .unwrap()
        };
        let rehearsal = Rehearsal {
            format: REHEARSAL_FORMAT,
            gonogo: "0.1.0".to_owned(),
            service: "shop".to_owned(),
            rollout: rollout.to_owned(),
            environment: "staging".to_owned(),
            from: "2.0".to_owned(),
            to: "1.0".to_owned(),
            after_promotion: true,
            why: "a rehearsal".to_owned(),
            decided: at(decided),
            restored: restored.map(at),
            verified: verified.map(at),
            said: String::new(),
        };
        assert_eq!(rehearsal.problem(), expect);
    }

    #[test]
    fn a_record_that_does_not_agree_with_itself_is_none() {
        const ID: &str = "shop-20261122T100000";
        check(ID, 60, Some(62), Some(65), None);
        check(ID, 60, None, None, None);
        check(ID, 60, Some(62), Some(61), Some("it was verified before it was restored"));
        check(ID, 60, Some(59), Some(61), Some("it was restored before it was decided"));
        check(ID, 60, None, Some(61), Some("it was verified before anything was restored"));
        check(ID, -60, Some(62), Some(65), Some("it was decided before its rollout began"));
        check("by-hand", 60, Some(62), Some(65), Some("its rollout has no id that gonogo gives"));
    }
}
