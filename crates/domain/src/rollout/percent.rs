//! A part of a hundred, exact to a hundredth of a percent.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// From 0 to 100 %, in steps of 0.01 %; a number in files (`10`, `12.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(u16);

/// Why a number is no percentage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no percentage: a number from 0 to 100 with at most two decimals")]
pub struct PercentError(String);

const WHOLE: u16 = 10_000;

impl Percent {
    pub const ZERO: Self = Self(0);
    pub const WHOLE: Self = Self(WHOLE);

    /// So many hundredths of a percent; more than 100 % is 100 %.
    pub const fn of_hundredths(hundredths: u16) -> Self {
        if hundredths > WHOLE { Self::WHOLE } else { Self(hundredths) }
    }

    /// The part that this many of so many are, rounded to the nearest hundredth of a percent; none of nothing.
    pub fn of_parts(part: u64, of: u64) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let hundredths = (u128::from(part.min(of)) * u128::from(WHOLE) + u128::from(of) / 2) / u128::from(of);
        Some(Self::of_hundredths(u16::try_from(hundredths).unwrap_or(WHOLE)))
    }

    /// Hundredths of a percent: 10 % is 1,000.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// 10 % is 0.1.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// How far apart they are.
    #[must_use]
    pub const fn apart(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

impl TryFrom<f64> for Percent {
    type Error = PercentError;

    fn try_from(number: f64) -> Result<Self, PercentError> {
        let hundredths = (number * 100.0).round();
        if !(0.0..=f64::from(WHOLE)).contains(&hundredths) || (number * 100.0 - hundredths).abs() > 1e-6 {
            return Err(PercentError(number.to_string()));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
        let hundredths = hundredths as u16;
        Ok(Self(hundredths))
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 100.0
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    /// `10`, `10%`, `12.5 %`.
    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text.trim().trim_end_matches('%').trim_end();
        number
            .parse::<f64>()
            .ok()
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| PercentError(text.to_owned()))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} %", f64::from(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(text.parse::<Percent>().ok().map(|percent| percent.to_string()).as_deref(), expect);
    }

    #[test]
    fn it_is_a_number_up_to_a_hundred_with_two_decimals() {
        check("10", Some("10 %"));
        check("12.5 %", Some("12.5 %"));
        check("0.01%", Some("0.01 %"));
        check("100", Some("100 %"));
        for wrong in ["100.01", "-1", "0.001", "NaN", "", "ten", "1e9"] {
            check(wrong, None);
        }
    }

    #[test]
    fn parts_are_rounded_to_the_nearest() {
        assert_eq!(Percent::of_parts(1, 3).map(Percent::hundredths), Some(3333));
        assert_eq!(Percent::of_parts(2, 3).map(Percent::hundredths), Some(6667));
        assert_eq!(Percent::of_parts(u64::MAX, u64::MAX), Some(Percent::WHOLE));
        assert_eq!(Percent::of_parts(5, 0), None);
    }
}
