//! What a budget means for a release: open, warning, frozen, or unknown, which is never read as open.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// At or below this share of the budget somebody is warned.
pub const WARNING: f64 = 0.25;
/// Above this share a frozen budget thaws: one that is spent again the next hour would flap.
pub const THAW: f64 = 0.05;

/// What a budget means for a release; the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Open,
    /// Little is left.
    Warning,
    /// Nothing is known: not a reason to release, and not one to blame anybody.
    Unknown,
    /// Spent, or not enough of it back.
    Frozen,
}

impl Standing {
    /// From what remains, and from the last standing that was known.
    pub fn of(remaining: Option<f64>, before: Option<Self>) -> Self {
        match remaining {
            None => Self::Unknown,
            Some(remaining) if remaining.is_nan() => Self::Unknown,
            Some(remaining) if remaining <= 0.0 => Self::Frozen,
            Some(remaining) if before == Some(Self::Frozen) && remaining <= THAW => Self::Frozen,
            Some(remaining) if remaining <= WARNING => Self::Warning,
            Some(_) => Self::Open,
        }
    }

    pub fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Frozen => "frozen",
        }
    }
}

/// Why a release may pass although a budget is spent: what the record of an accepted failure says everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    pub name: String,
    pub reason: String,
    pub risk: String,
    pub ticket: String,
    pub approver: String,
    /// The last day on which it holds.
    pub expires: Date,
}

/// An exemption holds for a month at most: what repairs a service is released sooner.
pub const LONGEST_EXEMPTION_DAYS: i32 = 31;

impl Exemption {
    /// Why it does not hold on a day.
    pub fn problem(&self, today: Date) -> Option<String> {
        let empty = [
            ("name", &self.name),
            ("reason", &self.reason),
            ("risk", &self.risk),
            ("ticket", &self.ticket),
            ("approver", &self.approver),
        ]
        .into_iter()
        .find(|(_, text)| text.trim().is_empty());
        if let Some((field, _)) = empty {
            return Some(format!("the exemption has no {field}"));
        }
        if self.expires < today {
            return Some(format!("the exemption ended on {}", self.expires));
        }
        let days = (self.expires - today).get_days();
        (days > LONGEST_EXEMPTION_DAYS)
            .then(|| format!("the exemption would hold for {days} days; {LONGEST_EXEMPTION_DAYS} at most"))
    }
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A feature may be released.
    Pass,
    /// It passes although a budget is spent or unknown, for a reason that is written down.
    Exempt,
    Frozen,
    Unknown,
}

/// The gate for a release: the worst budget decides.
pub fn gate(standings: &[Standing], exemption: Option<&Exemption>, today: Date) -> Verdict {
    // No budget at all is nothing that could be open.
    let worst = standings.iter().copied().max().unwrap_or(Standing::Unknown);
    let exempt = exemption.is_some_and(|exemption| exemption.problem(today).is_none());
    match worst {
        Standing::Open | Standing::Warning => Verdict::Pass,
        Standing::Frozen | Standing::Unknown if exempt => Verdict::Exempt,
        Standing::Frozen => Verdict::Frozen,
        Standing::Unknown => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(course: &[Option<f64>], expect: &[Standing]) {
        let mut before = None;
        let found: Vec<Standing> = course
            .iter()
            .map(|remaining| {
                let standing = Standing::of(*remaining, before);
                if standing != Standing::Unknown {
                    before = Some(standing);
                }
                standing
            })
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_spent_budget_freezes_and_thaws_above_five_percent() {
        use Standing::{Frozen, Open, Unknown, Warning};
        check(
            &[
                Some(1.0),
                Some(0.26),
                Some(0.25),
                Some(0.01),
                Some(0.0),
                Some(0.03),
                Some(0.05),
                Some(0.051),
                Some(0.03),
            ],
            &[Open, Open, Warning, Warning, Frozen, Frozen, Frozen, Warning, Warning],
        );
        check(&[Some(-9.157), None, Some(0.04), Some(f64::NAN), Some(0.9)], &[Frozen, Unknown, Frozen, Unknown, Open]);
        check(&[None], &[Unknown]);
    }

    fn exemption(expires: &str) -> Exemption {
        Exemption {
            name: "retries".to_owned(),
            reason: "stops the retries".to_owned(),
            risk: "low".to_owned(),
            ticket: "OPS-7".to_owned(),
            approver: "ann".to_owned(),
            expires: expires.parse().unwrap(),
        }
    }

    #[test]
    fn unknown_is_never_read_as_open() {
        let today = "2026-11-22".parse().unwrap();
        let valid = exemption("2026-11-30");
        for (standings, exemption, expect) in [
            (&[][..], None, Verdict::Unknown),
            (&[Standing::Open, Standing::Warning], None, Verdict::Pass),
            (&[Standing::Open, Standing::Unknown], None, Verdict::Unknown),
            (&[Standing::Unknown, Standing::Frozen], None, Verdict::Frozen),
            (&[Standing::Frozen], Some(&valid), Verdict::Exempt),
            (&[Standing::Unknown], Some(&valid), Verdict::Exempt),
            (&[Standing::Open], Some(&valid), Verdict::Pass),
            (&[Standing::Frozen], Some(&exemption("2026-11-21")), Verdict::Frozen),
            (&[Standing::Frozen], Some(&exemption("2027-11-21")), Verdict::Frozen),
            (&[Standing::Frozen], Some(&Exemption { risk: " ".to_owned(), ..valid.clone() }), Verdict::Frozen),
        ] {
            assert_eq!(gate(standings, exemption, today), expect, "{standings:?}");
        }
    }
}
