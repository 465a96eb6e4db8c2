//! A length of time as Prometheus writes it: `5m`, `1d`, `1h30m`.

use std::{fmt, str::FromStr};

/// A length of time in milliseconds. It prints as the shortest text that Prometheus reads as the same: `30d`, `1h30m`, `0s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const YEAR: u64 = 365 * DAY;

/// From the longest, as Prometheus wants them ordered.
const UNITS: [(&str, u64); 7] =
    [("y", YEAR), ("w", WEEK), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)];

/// What is wrong with a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time as Prometheus writes them (5m, 1h30m, 30d)")]
pub struct SpanError(String);

impl Span {
    pub const fn milliseconds(count: u64) -> Self {
        Self(count)
    }

    pub const fn seconds(count: u64) -> Self {
        Self(count.saturating_mul(SECOND))
    }

    pub const fn minutes(count: u64) -> Self {
        Self(count.saturating_mul(MINUTE))
    }

    pub const fn hours(count: u64) -> Self {
        Self(count.saturating_mul(HOUR))
    }

    pub const fn days(count: u64) -> Self {
        Self(count.saturating_mul(DAY))
    }

    /// Whole seconds; what is left is cut off.
    pub const fn as_seconds(self) -> u64 {
        self.0 / SECOND
    }

    pub const fn as_milliseconds(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Span {
    /// Weeks and years are written in days, as people write the windows of SLOs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, length) in UNITS.into_iter().filter(|(unit, _)| !matches!(*unit, "y" | "w")) {
            let count = rest / length;
            if count > 0 {
                write!(out, "{count}{unit}")?;
                rest -= count * length;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError(text.chars().take(40).collect());
        if text == "0" {
            return Ok(Self(0));
        }
        let (mut rest, mut total, mut units) = (text, 0_u64, UNITS.as_slice());
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, behind) = rest.split_at(end);
            let letters = behind.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(behind.len());
            let (unit, behind) = behind.split_at(letters);
            let index = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let (_, length) = units.get(index).ok_or_else(wrong)?;
            units = units.get(index + 1..).unwrap_or_default();
            let count: u64 = number.parse().map_err(|_| wrong())?;
            total = count.checked_mul(*length).and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
            rest = behind;
        }
        Ok(Self(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(u64, &str)>) {
        let read = text.parse::<Span>().ok().map(|span| (span.as_milliseconds(), span.to_string()));
        assert_eq!(read, expect.map(|(length, shown)| (length, shown.to_owned())), "{text}");
    }

    #[test]
    fn lengths_are_read_as_prometheus_reads_them() {
        check("5m", Some((300_000, "5m")));
        check("1h30m", Some((5_400_000, "1h30m")));
        check("4w", Some((2_419_200_000, "28d")));
        check("1y", Some((31_536_000_000, "365d")));
        check("90s", Some((90_000, "1m30s")));
        check("1d6h500ms", Some((108_000_500, "1d6h500ms")));
        check("0", Some((0, "0s")));
        check("0s", Some((0, "0s")));
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for text in ["", "5", "m", "5 m", "1m1h", "1h1h", "-5m", "1.5h", "5min", "99999999999999999999d", "5m "] {
            check(text, None);
        }
    }
}
