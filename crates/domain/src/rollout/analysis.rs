//! What measurements come to, in the words of Argo Rollouts: successful, failed, inconclusive, error.
//!
//! The limits are Argo's and are exceeded when there are *more* than that many: a failure limit of 0 means that the first
//! failed measurement fails. Where Argo's reading surprises people, ours is another, and is said:
//!
//! | case | Argo Rollouts | here |
//! |---|---|---|
//! | no condition at all | successful (its docs say inconclusive) | the file is refused |
//! | not a number, or no series | failed; error | no data: waits, and holds at the end of the wait |
//! | provider error | error; more than 4 in a row end it | the same |
//! | only a success condition, not met | failed | the same |
//! | only a failure condition, not met | successful | the same |
//! | both, neither met | inconclusive | the same |
//! | both met | failed | the same |

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What one look at one gate said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    Successful,
    Failed,
    Inconclusive,
    /// The provider could not be asked, or answered nonsense.
    Error,
    /// The provider answered that there is nothing yet, or too little to say.
    NoData,
}

/// Where an analysis stands. Ordered from best to worst, as Argo orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Successful,
    Running,
    Inconclusive,
    Error,
    Failed,
}

/// How much is tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// More failed measurements than this: failed. Counted over the whole rollout, in a row or not.
    pub failed: u32,
    /// More inconclusive measurements than this: inconclusive.
    pub inconclusive: u32,
    /// More errors in a row than this: error.
    pub errors_in_a_row: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failed: 0, inconclusive: 0, errors_in_a_row: 4 }
    }
}

/// The measurements of one gate, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub successful: u32,
    pub failed: u32,
    pub inconclusive: u32,
    pub error: u32,
    pub no_data: u32,
    pub errors_in_a_row: u32,
}

impl Counts {
    pub fn count(&mut self, measured: Measured) {
        let counter = match measured {
            Measured::Successful => &mut self.successful,
            Measured::Failed => &mut self.failed,
            Measured::Inconclusive => &mut self.inconclusive,
            Measured::Error => &mut self.error,
            Measured::NoData => &mut self.no_data,
        };
        *counter = counter.saturating_add(1);
        self.errors_in_a_row = if measured == Measured::Error { self.errors_in_a_row.saturating_add(1) } else { 0 };
    }

    /// A person said to go on: what led to the hold is not held against the rest.
    pub fn forgive(&mut self) {
        self.inconclusive = 0;
        self.errors_in_a_row = 0;
    }

    /// Running unless a limit is exceeded; failed before inconclusive before error.
    pub fn phase(&self, limits: &Limits) -> Phase {
        if self.failed > limits.failed {
            return Phase::Failed;
        }
        if self.inconclusive > limits.inconclusive {
            return Phase::Inconclusive;
        }
        if self.errors_in_a_row > limits.errors_in_a_row {
            return Phase::Error;
        }
        Phase::Running
    }
}

/// A comparison with a number: `< 0.05`, `>= 2`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    pub than: Than,
    pub bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Than {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

impl Than {
    /// The longer ones first: `<` begins `<=`.
    const ALL: [(&'static str, Self); 6] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Less),
        (">", Self::More),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no condition: <, <=, >, >=, == or != and a number")]
pub struct ConditionError(String);

impl Condition {
    pub fn met(&self, value: f64) -> bool {
        match self.than {
            Than::Less => value < self.bound,
            Than::AtMost => value <= self.bound,
            Than::More => value > self.bound,
            Than::AtLeast => value >= self.bound,
            #[expect(clippy::float_cmp, reason = "the file asks for exactly that number")]
            Than::Equal => value == self.bound,
            #[expect(clippy::float_cmp, reason = "the file asks for another than exactly that number")]
            Than::Unequal => value != self.bound,
        }
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let wrong = || ConditionError(text.to_owned());
        let (than, rest) = Than::ALL
            .iter()
            .find_map(|(sign, than)| text.trim().strip_prefix(sign).map(|rest| (*than, rest)))
            .ok_or_else(wrong)?;
        let bound: f64 = rest.trim().parse().map_err(|_| wrong())?;
        if bound.is_finite() { Ok(Self { than, bound }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, ConditionError> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Than::ALL.iter().find(|(_, than)| *than == self.than).map_or("", |(sign, _)| *sign);
        write!(formatter, "{sign} {}", self.bound)
    }
}

/// When a value is good and when it is bad. At least one of them is there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditions {
    Success(Condition),
    Failure(Condition),
    Both { success: Condition, failure: Condition },
}

impl Conditions {
    /// None where neither is given: nobody said what is good.
    pub fn new(success: Option<Condition>, failure: Option<Condition>) -> Option<Self> {
        match (success, failure) {
            (None, None) => None,
            (Some(success), None) => Some(Self::Success(success)),
            (None, Some(failure)) => Some(Self::Failure(failure)),
            (Some(success), Some(failure)) => Some(Self::Both { success, failure }),
        }
    }

    /// What a value comes to; none: no series.
    pub fn judge(&self, value: Option<f64>) -> Measured {
        let Some(value) = value.filter(|value| !value.is_nan()) else { return Measured::NoData };
        match self {
            Self::Success(success) if success.met(value) => Measured::Successful,
            Self::Success(_) => Measured::Failed,
            Self::Failure(failure) if failure.met(value) => Measured::Failed,
            Self::Failure(_) => Measured::Successful,
            Self::Both { failure, .. } if failure.met(value) => Measured::Failed,
            Self::Both { success, .. } if success.met(value) => Measured::Successful,
            Self::Both { .. } => Measured::Inconclusive,
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success(success) => write!(formatter, "{success}"),
            Self::Failure(failure) => write!(formatter, "not {failure}"),
            Self::Both { success, failure } => write!(formatter, "{success}, fails {failure}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_value(success: &str, failure: &str, value: Option<f64>, expect: Measured) {
        let parse = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        assert_eq!(Conditions::new(parse(success), parse(failure)).unwrap().judge(value), expect);
    }

    #[test]
    fn one_condition_says_the_opposite_where_it_is_not_met_and_two_leave_a_gap() {
        check_value("< 0.05", "", Some(0.01), Measured::Successful);
        check_value("< 0.05", "", Some(0.05), Measured::Failed);
        check_value("", "> 0.05", Some(0.05), Measured::Successful);
        check_value("", "> 0.05", Some(0.06), Measured::Failed);
        check_value("< 1", "> 2", Some(1.5), Measured::Inconclusive);
        check_value("< 3", "> 2", Some(2.5), Measured::Failed);
        check_value("<= 1", ">= 2", Some(1.0), Measured::Successful);
    }

    #[test]
    fn nothing_and_not_a_number_are_no_data_and_never_a_success() {
        for (success, failure) in [("< 0.05", ""), ("", "> 0.05"), ("< 1", "> 2"), ("!= 7", "")] {
            check_value(success, failure, None, Measured::NoData);
            check_value(success, failure, Some(f64::NAN), Measured::NoData);
        }
        check_value("< 1", "", Some(f64::INFINITY), Measured::Failed);
    }

    #[test]
    fn without_any_condition_there_is_nothing_to_judge_by() {
        assert_eq!(Conditions::new(None, None), None);
        for wrong in ["", "0.05", "< ", "< NaN", "=> 1", "< inf"] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }

    #[track_caller]
    fn check_phase(limits: (u32, u32, u32), measured: &str, expect: Phase) {
        let (failed, inconclusive, errors_in_a_row) = limits;
        let mut counts = Counts::default();
        for letter in measured.chars() {
            counts.count(match letter {
                's' => Measured::Successful,
                'f' => Measured::Failed,
                'i' => Measured::Inconclusive,
                'e' => Measured::Error,
                _ => Measured::NoData,
            });
        }
        assert_eq!(counts.phase(&Limits { failed, inconclusive, errors_in_a_row }), expect, "{measured}");
    }

    #[test]
    fn a_limit_is_exceeded_by_more_not_by_as_many() {
        check_phase((0, 0, 4), "sss", Phase::Running);
        check_phase((0, 0, 4), "ssf", Phase::Failed);
        check_phase((2, 0, 4), "fsf", Phase::Running);
        check_phase((2, 0, 4), "fsfsf", Phase::Failed);
        check_phase((0, 1, 4), "i", Phase::Running);
        check_phase((0, 1, 4), "isi", Phase::Inconclusive);
        check_phase((0, 0, 4), "eeee", Phase::Running);
        check_phase((0, 0, 4), "eeeee", Phase::Error);
    }

    #[test]
    fn only_errors_in_a_row_count_and_failures_whenever_they_were() {
        check_phase((0, 0, 4), "eeeeseeee", Phase::Running);
        check_phase((0, 0, 4), "eeee-eeee", Phase::Running);
        check_phase((1, 0, 4), "fssssssssf", Phase::Failed);
    }

    #[test]
    fn failed_comes_before_inconclusive_before_error() {
        check_phase((0, 0, 0), "eif", Phase::Failed);
        check_phase((0, 0, 0), "ie", Phase::Inconclusive);
        check_phase((0, 0, 0), "e", Phase::Error);
        assert!(Phase::Failed > Phase::Error && Phase::Error > Phase::Inconclusive);
        assert!(Phase::Inconclusive > Phase::Running && Phase::Running > Phase::Successful);
    }
}
