//! Numbers that print as a person would write them: 99.9 % is 0.999, and what is left of it is 0.001.

use std::{cmp::Ordering, fmt, str::FromStr};

/// An exact decimal number: `units` / 10^`places`, without zeros at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: i128,
    places: u32,
}

/// Digits of a number that is read. The product of two has a place in an `i128`.
const MOST_DIGITS: usize = 18;

/// Places after the point of a quotient that does not end: 14/15 is 0.933333.
const PLACES: u32 = 6;

/// Why a text is no decimal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no decimal number of at most 18 digits")]
pub struct DecimalError(String);

impl Decimal {
    pub const ZERO: Self = Self { units: 0, places: 0 };
    pub const ONE: Self = Self { units: 1, places: 0 };
    pub const HALF: Self = Self { units: 5, places: 1 };

    pub fn whole(number: u32) -> Self {
        Self::new(i128::from(number), 0)
    }

    /// `units` / 10^`places`: `new(144, 1)` is 14.4.
    pub fn new(units: i128, places: u32) -> Self {
        let (mut units, mut places) = (units, places);
        while places > 0 && units % 10 == 0 {
            units /= 10;
            places -= 1;
        }
        Self { units, places }
    }

    /// The hundredth: from percent to a ratio.
    #[must_use]
    pub fn hundredth(self) -> Self {
        Self::new(self.units, self.places + 2)
    }

    /// One hundred times: from a ratio to percent.
    #[must_use]
    pub fn percent(self) -> Self {
        self.times(Self::whole(100))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (one, another, places) = aligned(self, other);
        Self::new(one.saturating_add(another), places)
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self { units: other.units.saturating_neg(), ..other })
    }

    #[must_use]
    pub fn times(self, other: Self) -> Self {
        match self.units.checked_mul(other.units) {
            Some(units) => Self::new(units, self.places + other.places),
            // Only what was multiplied several times is so long; its last places say nothing.
            None => self.rounded(PLACES).times_rounded(other.rounded(PLACES)),
        }
    }

    fn times_rounded(self, other: Self) -> Self {
        Self::new(self.units.saturating_mul(other.units), self.places + other.places).rounded(PLACES)
    }

    /// Exactly where it ends within six places, else rounded to six; zero where nothing can be divided.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let (one, another, _) = aligned(self, other);
        if another == 0 {
            return Self::ZERO;
        }
        // Twice as many places, to be rounded once.
        let shifted = one.saturating_mul(10_i128.pow(2 * PLACES));
        Self::new(shifted / another, 2 * PLACES).rounded(PLACES)
    }

    /// With at most so many places, half away from zero.
    #[must_use]
    pub fn rounded(self, places: u32) -> Self {
        if self.places <= places {
            return self;
        }
        let step = 10_i128.saturating_pow(self.places - places);
        let half = step / 2;
        let moved = if self.units < 0 { self.units.saturating_sub(half) } else { self.units.saturating_add(half) };
        Self::new(moved / step, places)
    }

    /// The nearest floating-point number: for comparing with what was measured, never for printing.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The decimal that a floating-point number prints as, with at most so many places; none for what is no number.
    pub fn of(number: f64, places: u32) -> Option<Self> {
        if !number.is_finite() || number.abs() >= 1e15 {
            return None;
        }
        format!("{number:.*}", usize::try_from(places.min(PLACES * 2)).unwrap_or(6)).parse_long()
    }
}

/// Both as numbers of the same unit.
fn aligned(one: Decimal, other: Decimal) -> (i128, i128, u32) {
    let places = one.places.max(other.places);
    let scaled = |number: Decimal| number.units.saturating_mul(10_i128.saturating_pow(places - number.places));
    (scaled(one), scaled(other), places)
}

trait ParseLong {
    fn parse_long(&self) -> Option<Decimal>;
}

impl ParseLong for String {
    fn parse_long(&self) -> Option<Decimal> {
        read(self, 36)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, another, _) = aligned(*self, *other);
        one.cmp(&another)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let places = usize::try_from(self.places).unwrap_or(usize::MAX);
        let sign = if self.units < 0 { "-" } else { "" };
        if places == 0 {
            return write!(out, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        write!(out, "{sign}{whole}.{fraction}")
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        read(text.trim(), MOST_DIGITS).ok_or_else(|| DecimalError(text.chars().take(40).collect()))
    }
}

fn read(text: &str, most: usize) -> Option<Decimal> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    // `1e-3` is written by programs.
    let (rest, exponent) = match rest.split_once(['e', 'E']) {
        Some((rest, exponent)) => (rest, exponent.parse::<i32>().ok().filter(|size| size.abs() <= 12)?),
        None => (rest, 0),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if digits.is_empty()
        || significant.len() > most
        || digits.len() > 2 * most
        || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let units: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    let units = if negative { -units } else { units };
    let places = i32::try_from(fraction.len()).ok()? - exponent;
    match u32::try_from(places) {
        Ok(places) => Some(Decimal::new(units, places)),
        Err(_) => Some(Decimal::new(units.checked_mul(10_i128.checked_pow(places.unsigned_abs())?)?, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(number: Decimal, expect: &str) {
        assert_eq!(number.to_string(), expect);
    }

    #[test]
    fn what_is_left_of_an_objective_is_exact() {
        for (percent, ratio, left) in [
            ("99.9", "0.999", "0.001"),
            ("99.95", "0.9995", "0.0005"),
            ("99.99", "0.9999", "0.0001"),
            ("99.999", "0.99999", "0.00001"),
            ("90", "0.9", "0.1"),
            ("99.90", "0.999", "0.001"),
            ("33.3333333333", "0.333333333333", "0.666666666667"),
        ] {
            let target = read(percent).hundredth();
            check(target, ratio);
            check(Decimal::ONE.minus(target), left);
            check(target.percent(), &read(percent).to_string());
        }
    }

    #[test]
    fn products_and_quotients() {
        check(read("14.4").times(read("0.001")), "0.0144");
        check(read("2.8").over(read("3")), "0.933333");
        check(read("2").over(read("3")), "0.666667");
        check(read("-2").over(read("3")), "-0.666667");
        check(read("1").over(read("8")), "0.125");
        check(read("1").over(Decimal::ZERO), "0");
        check(read("0.05").plus(read("-0.05")), "0");
        check(read("1e-3"), "0.001");
        check(read("1.5e3"), "1500");
        check(read(".5"), "0.5");
        check(Decimal::of(0.1 + 0.2, 6).unwrap(), "0.3");
        let long = read("0.123456789012345678");
        assert!(long.times(long).times(long).to_f64() < 0.002);
    }

    #[test]
    fn they_compare_by_their_value() {
        assert!(read("0.9") > read("0.899999999999999999"));
        assert_eq!(read("1.10"), read("1.1"));
        assert!(read("-1") < Decimal::ZERO);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "1.2.3", "1,5", "abc", "NaN", "inf", "1234567890123456789", "1e99", "0x10", "--1", "１"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!(Decimal::of(f64::NAN, 3), None);
        assert_eq!(Decimal::of(f64::INFINITY, 3), None);
    }
}
