//! Settling: from the readings of a check to its outcome. One pure function.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Check, Conclusion, Reading, Readings, Strength};

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Pass,
    /// It holds, but the evidence is weaker than the check asks for, or only part of it holds.
    Partial,
    /// It held once; the evidence is older than the check allows.
    Stale,
    Fail,
    NotApplicable,
    /// Not assessed. Never a pass.
    Unknown,
}

/// The outcome of a check and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub outcome: Outcome,
    /// The strength of the reading that decided; none: no reading did.
    pub strength: Option<Strength>,
    /// Weaker readings that say the opposite of the one that decided.
    pub contradicted: Vec<Strength>,
}

/// Settles the readings of a check: the strongest conclusive reading decides; one that is weaker than the check's
/// minimum makes a partial; one that is older than its freshness makes a stale.
///
/// Where nothing conclusive is as strong as the minimum and evidence of that strength was not gathered, the outcome is
/// unknown: what was not looked at may still turn it.
pub fn settle(check: &Check, readings: &Readings, today: Date) -> Settled {
    let decided = readings.iter().rev().find(|(_, reading)| conclusive(reading));
    let Some((strength, reading)) = decided else {
        return Settled { outcome: Outcome::Unknown, strength: None, contradicted: Vec::new() };
    };
    let not_gathered = readings
        .iter()
        .any(|(other, reading)| other >= check.min && other > strength && reading.conclusion == Conclusion::Unknown);
    let outcome = match reading.conclusion {
        Conclusion::NotApplicable => Outcome::NotApplicable,
        Conclusion::Met | Conclusion::NotMet | Conclusion::Partly if strength < check.min && not_gathered => {
            Outcome::Unknown
        }
        Conclusion::NotMet => Outcome::Fail,
        Conclusion::Met | Conclusion::Partly if too_old(check, reading, today) => Outcome::Stale,
        Conclusion::Met if strength >= check.min => Outcome::Pass,
        Conclusion::Met | Conclusion::Partly => Outcome::Partial,
        Conclusion::NotFound | Conclusion::Unknown => Outcome::Unknown,
    };
    let contradicted = readings
        .iter()
        .filter(|(weaker, other)| *weaker < strength && opposite(other.conclusion, reading.conclusion))
        .map(|(weaker, _)| weaker)
        .collect();
    Settled { outcome, strength: Some(strength), contradicted }
}

fn conclusive(reading: &Reading) -> bool {
    !matches!(reading.conclusion, Conclusion::Unknown | Conclusion::NotFound)
}

fn opposite(one: Conclusion, other: Conclusion) -> bool {
    matches!((one, other), (Conclusion::Met, Conclusion::NotMet) | (Conclusion::NotMet, Conclusion::Met))
}

fn too_old(check: &Check, reading: &Reading, today: Date) -> bool {
    match (check.fresh_days, reading.on) {
        (Some(days), Some(on)) => age_in_days(on, today) > i64::from(days),
        _ => false,
    }
}

fn age_in_days(on: Date, today: Date) -> i64 {
    i64::from(today.since(on).map_or(0, |span| span.get_days()))
}

#[cfg(test)]
mod tests;
