//! The pairs of windows that an alert on a burn rate looks at.
//!
//! A pair fires when the error ratio is above `factor` × (1 − objective) over the long window, unless the short one, a
//! twelfth of it, says that it is over. The factor says how many times too fast the budget burns.

use super::Decimal;
use crate::rules::Span;

/// How an alert reaches people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody is woken.
    Page,
    /// Somebody looks at it on a working day.
    Ticket,
}

impl Severity {
    pub const ALL: [Self; 2] = [Self::Page, Self::Ticket];

    pub fn id(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A long window with its short one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub severity: Severity,
    pub long: Span,
    pub short: Span,
    /// So many times faster than the budget lasts.
    pub factor: Decimal,
}

/// No alert waits for more than this share of all events to fail: one that needs more than all can never fire, and one
/// that needs nearly all comes too late for an outage.
pub const HIGHEST_THRESHOLD: Decimal = Decimal::HALF;

const MINUTE: u64 = 60;

/// A row of the recipe: the pair, the share of a 30-day budget in hundredths of a percent, and the factor for a week.
struct Row {
    severity: Severity,
    long: Span,
    short: Span,
    budget: i128,
    week: i128,
}

/// The recipe of the SRE workbook. The percentages of a month would be useless pages in a week (3.36 ×), so that a week has
/// its own: 8, 12.5, 20 and 42 %.
const RECIPE: [Row; 4] = [
    Row { severity: Severity::Page, long: Span::hours(1), short: Span::minutes(5), budget: 200, week: 1344 },
    Row { severity: Severity::Page, long: Span::hours(6), short: Span::minutes(30), budget: 500, week: 350 },
    Row { severity: Severity::Ticket, long: Span::days(1), short: Span::hours(2), budget: 1000, week: 140 },
    Row { severity: Severity::Ticket, long: Span::days(3), short: Span::hours(6), budget: 1000, week: 98 },
];

const SHORTEST: Span = Span::minutes(2);

/// The pairs for a budget that lasts so long.
///
/// From 28 to 30 days the factor follows from the share of the budget; a longer period keeps the factors of 30 days, since
/// what wakes somebody does not get less bad because the period is a quarter. Between a week and 28 days the factors go
/// evenly from the one to the other. A period below a week has shorter windows; what would be shorter than two minutes
/// is left out.
pub fn pairs(period: Span) -> Vec<Pair> {
    let week = Span::days(7);
    RECIPE
        .iter()
        .filter_map(|row| {
            let pair = |long, short, factor| Pair { severity: row.severity, long, short, factor };
            if period < week {
                let scaled = |window: Span| {
                    let minutes = window.as_seconds() * period.as_seconds() / week.as_seconds() / MINUTE;
                    Span::minutes(minutes)
                };
                let short = scaled(row.short);
                return (short >= SHORTEST).then(|| pair(scaled(row.long), short, Decimal::new(row.week, 2)));
            }
            Some(pair(row.long, row.short, factor(row, period)))
        })
        .collect()
}

fn factor(row: &Row, period: Span) -> Decimal {
    let seconds = |span: Span| Decimal::new(i128::from(span.as_seconds()), 0);
    let of_share = |length: Span| Decimal::new(row.budget, 4).times(seconds(length)).over(seconds(row.long));
    let month = Span::days(28);
    if period >= month {
        return of_share(period.min(Span::days(30)));
    }
    let week = Decimal::new(row.week, 2);
    let way = seconds(period).minus(seconds(Span::days(7))).over(seconds(Span::days(21)));
    week.plus(of_share(month).minus(week).times(way)).rounded(2)
}

impl Pair {
    /// The error ratio above which it fires, for a budget of this ratio.
    pub fn threshold(&self, budget: Decimal) -> Decimal {
        self.factor.times(budget).min(HIGHEST_THRESHOLD)
    }

    /// The factor was lowered: as the recipe has it, the alert could hardly or never fire.
    pub fn is_lowered(&self, budget: Decimal) -> bool {
        self.factor.times(budget) > HIGHEST_THRESHOLD
    }

    /// Seconds from the beginning of an outage with this error ratio until it fires, after a time without errors.
    /// None: it does not.
    pub fn detection_seconds(&self, budget: Decimal, error_ratio: Decimal) -> Option<Decimal> {
        let threshold = self.threshold(budget);
        (error_ratio > threshold)
            .then(|| threshold.times(Decimal::new(i128::from(self.long.as_seconds()), 0)).over(error_ratio))
    }
}

/// How near the budget is to waking somebody, as part of what would: 1 is there. `ratio` is the error ratio over a window.
///
/// As with the alerts the long window of a pair says that it burns, unless the short one says that it is over. None: of no
/// long window anything is known.
pub fn urgency(pairs: &[Pair], budget: Decimal, ratio: &dyn Fn(Span) -> Option<f64>) -> Option<f64> {
    let pages = pairs.iter().filter(|pair| pair.severity == Severity::Page);
    pages
        .filter_map(|pair| {
            let long = ratio(pair.long)?;
            // A short window in which nothing happened says nothing, and ends nothing.
            let burning = ratio(pair.short).map_or(long, |short| short.min(long));
            Some(burning / pair.threshold(budget).to_f64())
        })
        .reduce(f64::max)
}

/// As the recipe is written, without lowering: no error ratio is above 1.
pub fn can_fire(factor: Decimal, budget: Decimal) -> bool {
    factor.times(budget) < Decimal::ONE
}

/// The seconds of a total outage that a budget of this ratio lasts.
pub fn budget_seconds(period: Span, budget: Decimal) -> Decimal {
    budget.times(Decimal::new(i128::from(period.as_seconds()), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(days: u64, expect: &str) {
        let pairs = pairs(Span::days(days));
        let shown: Vec<String> = pairs
            .iter()
            .map(|pair| format!("{} {}/{} {}", pair.severity.id(), pair.long, pair.short, pair.factor))
            .collect();
        assert_eq!(shown.join(", "), expect);
    }

    #[test]
    fn the_recipe_for_each_period() {
        check(30, "page 1h/5m 14.4, page 6h/30m 6, ticket 1d/2h 3, ticket 3d/6h 1");
        check(28, "page 1h/5m 13.44, page 6h/30m 5.6, ticket 1d/2h 2.8, ticket 3d/6h 0.933333");
        check(7, "page 1h/5m 13.44, page 6h/30m 3.5, ticket 1d/2h 1.4, ticket 3d/6h 0.98");
        check(14, "page 1h/5m 13.44, page 6h/30m 4.2, ticket 1d/2h 1.87, ticket 3d/6h 0.96");
        check(90, "page 1h/5m 14.4, page 6h/30m 6, ticket 1d/2h 3, ticket 3d/6h 1");
        check(1, "page 51m/4m 3.5, ticket 3h25m/17m 1.4, ticket 10h17m/51m 0.98");
    }

    #[test]
    fn the_shares_of_a_week_are_its_own() {
        let shares: Vec<String> = pairs(Span::days(7))
            .iter()
            .map(|pair| {
                let long = Decimal::new(i128::from(pair.long.as_seconds()), 0);
                let period = Decimal::new(i128::from(Span::days(7).as_seconds()), 0);
                pair.factor.times(long).over(period).percent().to_string()
            })
            .collect();
        assert_eq!(shares, ["8", "12.5", "20", "42"]);
    }

    #[test]
    fn time_until_a_total_outage_is_noticed() {
        // Minutes; the recipe as it is written, and never where it says never.
        for (objective, expect) in [
            ("0.999", ["0.864", "2.16", "4.32", "4.32"]),
            ("0.99", ["8.64", "21.6", "43.2", "43.2"]),
            // 43.2 and 108 as written: the first is lowered from 0.72 to a half.
            ("0.95", ["30", "108", "216", "216"]),
            // Never, 216, 432 and 432 as written.
            ("0.9", ["30", "180", "432", "432"]),
        ] {
            let budget = Decimal::ONE.minus(read(objective));
            let minutes: Vec<String> = pairs(Span::days(30))
                .iter()
                .map(|pair| pair.detection_seconds(budget, Decimal::ONE).unwrap().over(Decimal::whole(60)).to_string())
                .collect();
            assert_eq!(minutes, expect, "{objective}");
        }
    }

    #[test]
    fn what_would_wake_somebody_is_one() {
        let budget = read("0.001");
        let check = |one_hour: Option<f64>, five_minutes: Option<f64>, six_hours: Option<f64>| {
            urgency(&pairs(Span::days(30)), budget, &|window| match window {
                _ if window == Span::hours(1) => one_hour,
                _ if window == Span::minutes(5) => five_minutes,
                _ if window == Span::hours(6) => six_hours,
                _ => None,
            })
            .map(|urgency| (urgency * 100.0).round() / 100.0)
        };
        assert_eq!(check(Some(0.0144), Some(0.5), None), Some(1.0));
        // The short window says that it is over.
        assert_eq!(check(Some(0.0288), Some(0.0), None), Some(0.0));
        assert_eq!(check(Some(0.0288), None, Some(0.003)), Some(2.0));
        assert_eq!(check(None, Some(0.9), None), None);
    }

    #[test]
    fn where_the_recipe_can_never_fire() {
        for (factor, highest) in [("14.4", "0.9305"), ("6", "0.8333"), ("3", "0.6666")] {
            let factor = read(factor);
            assert!(!can_fire(factor, Decimal::ONE.minus(read(highest))), "{highest}");
            assert!(can_fire(factor, Decimal::ONE.minus(read(highest).plus(read("0.0002")))), "{highest}");
        }
    }

    #[test]
    fn minutes_of_a_month() {
        for (objective, minutes) in
            [("0.99", "432"), ("0.995", "216"), ("0.999", "43.2"), ("0.9995", "21.6"), ("0.9999", "4.32")]
        {
            let budget = Decimal::ONE.minus(read(objective));
            assert_eq!(budget_seconds(Span::days(30), budget).over(Decimal::whole(60)).to_string(), minutes);
        }
        // A week of one-minute slices at 99.95 %: 5 min 2.4 s.
        assert_eq!(budget_seconds(Span::days(7), read("0.0005")).to_string(), "302.4");
    }
}
