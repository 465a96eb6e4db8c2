//! The decision: go, or no-go. It comes from named checks; no score decides.

use serde::{Deserialize, Serialize};

use crate::{Gate, Judged, Level, Message, Outcome};

/// What a review comes to. Ordered from good to bad, so that the worst of several services is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Go,
    GoWithConditions,
    Incomplete,
    NoGo,
}

impl Decision {
    pub fn title(self) -> Message {
        match self {
            Self::Go => Message::new("GO", "放行"),
            Self::GoWithConditions => Message::new("GO WITH CONDITIONS", "有条件放行"),
            Self::Incomplete => Message::new("INCOMPLETE", "证据不全"),
            Self::NoGo => Message::new("NO-GO", "不放行"),
        }
    }

    /// 0 GO or conditions, 1 NO-GO, 3 INCOMPLETE; 2 is for usage and internal errors.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Go | Self::GoWithConditions => 0,
            Self::NoGo => 1,
            Self::Incomplete => 3,
        }
    }
}

/// One check that the decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    pub kind: ReasonKind,
    pub check: &'static str,
}

/// What a check does to the decision. Ordered as a report lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// A `never` or `blocker` check that does not hold was overridden by an approver named for that purpose.
    Overridden,
    /// A `never` or `blocker` check does not hold.
    Blocks,
    /// A `required` check that the tier's level asks for does not hold and is not waived.
    BlocksLevel,
    /// A `never` or `blocker` check was not assessed.
    NotAssessed,
    /// A `required` check does not hold and is waived.
    Waived,
    /// A `required` check does not hold; no level that the tier asks for needs it. Fix or waive it before the next review.
    Condition,
    /// A `required` check was not assessed. Settle it before the next review.
    ConditionNotAssessed,
}

/// Decides from what was judged; `needed` is the level that the service's tier asks for.
///
/// Which check causes what is in the reasons, in the order of a report.
pub fn decide(judged: &[Judged], needed: Level) -> (Decision, Vec<Reason>) {
    let mut reasons: Vec<Reason> =
        judged.iter().filter_map(|one| reason(one, needed).map(|kind| Reason { kind, check: one.check.id })).collect();
    reasons.sort_by_key(|reason| reason.kind);
    let decision = reasons.iter().map(|reason| consequence(reason.kind)).max().unwrap_or(Decision::Go);
    (decision, reasons)
}

fn reason(one: &Judged, needed: Level) -> Option<ReasonKind> {
    let strict = one.gate >= Gate::Blocker;
    match (one.outcome(), one.gate) {
        (Outcome::Pass | Outcome::NotApplicable, _) | (_, Gate::Advised) => None,
        _ if one.waiver.is_some() && strict => Some(ReasonKind::Overridden),
        _ if one.waiver.is_some() => Some(ReasonKind::Waived),
        _ if one.in_baseline => Some(ReasonKind::Condition),
        (Outcome::Unknown, _) if strict => Some(ReasonKind::NotAssessed),
        (Outcome::Unknown, _) => Some(ReasonKind::ConditionNotAssessed),
        (Outcome::Fail | Outcome::Partial | Outcome::Stale, _) if strict => Some(ReasonKind::Blocks),
        (Outcome::Fail | Outcome::Partial | Outcome::Stale, _) => match one.check.level {
            Some(level) if level <= needed => Some(ReasonKind::BlocksLevel),
            _ => Some(ReasonKind::Condition),
        },
    }
}

fn consequence(kind: ReasonKind) -> Decision {
    match kind {
        ReasonKind::Blocks | ReasonKind::BlocksLevel => Decision::NoGo,
        ReasonKind::NotAssessed => Decision::Incomplete,
        ReasonKind::Overridden | ReasonKind::Waived | ReasonKind::Condition | ReasonKind::ConditionNotAssessed => {
            Decision::GoWithConditions
        }
    }
}
