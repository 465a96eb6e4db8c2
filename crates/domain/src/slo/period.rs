//! The time that an objective holds for: the last so many days, or a month of the calendar.

use jiff::{
    Timestamp, ToSpan as _, Unit, Zoned,
    civil::{DateTime, Weekday},
    tz::TimeZone,
};

use crate::rules::Span;

/// A window of time in which a budget is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// The last so long.
    Rolling(Span),
    /// From one turn of the calendar to the next.
    Calendar(Calendar),
}

/// Turns of a calendar in a place of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub unit: CalendarUnit,
    /// So many units long.
    pub count: u32,
    /// A turn of the calendar, in the time of the place; none: the beginning of the unit.
    pub begins: Option<DateTime>,
    pub zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// A name of the time-zone database that was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    pub const UTC: Self = Self(TimeZone::UTC);

    /// `Europe/Berlin`; none: there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Period {
    /// Its length; of a calendar's month thirty days, as everywhere where windows are compared.
    pub fn length(&self) -> Span {
        match self {
            Self::Rolling(length) => *length,
            Self::Calendar(calendar) => {
                let days = match calendar.unit {
                    CalendarUnit::Day => 1,
                    CalendarUnit::Week => 7,
                    CalendarUnit::Month => 30,
                    CalendarUnit::Quarter => 91,
                    CalendarUnit::Year => 365,
                };
                Span::days(days * u64::from(calendar.count))
            }
        }
    }

    /// When the period began that `now` lies in. None: the calendar does not reach there.
    pub fn start(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rolling(length) => {
                let seconds = i64::try_from(length.as_seconds()).ok()?;
                now.checked_sub(seconds.seconds()).ok()
            }
            Self::Calendar(calendar) => calendar.start(now),
        }
    }

    /// When it ends: for a rolling one, never.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rolling(_) => None,
            Self::Calendar(calendar) => calendar.turn_after(calendar.start(now)?),
        }
    }
}

impl Calendar {
    /// The last turn at or before `now`.
    pub fn start(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(self.zone.0.clone());
        let anchor = self.anchor(&now)?;
        // Turns are counted from the anchor in the time of the place, so that a month after 31 January is the end of
        // February and two months after it the end of March.
        let mut turns = self.turns_between(&anchor, &now)?;
        let mut turn = self.turn(&anchor, turns)?;
        while turn > now {
            turns -= 1;
            turn = self.turn(&anchor, turns)?;
        }
        loop {
            let next = self.turn(&anchor, turns + 1)?;
            if next > now {
                return Some(turn.timestamp());
            }
            (turn, turns) = (next, turns + 1);
        }
    }

    /// The next turn after a turn.
    pub fn turn_after(&self, turn: Timestamp) -> Option<Timestamp> {
        let at = turn.to_zoned(self.zone.0.clone());
        let anchor = self.anchor(&at)?;
        let turns = self.turns_between(&anchor, &at)?;
        (-1..=2).find_map(|more| {
            let next = self.turn(&anchor, turns + more)?.timestamp();
            (next > turn).then_some(next)
        })
    }

    fn anchor(&self, now: &Zoned) -> Option<Zoned> {
        let begins = if let Some(begins) = self.begins {
            begins
        } else {
            let day = now.date();
            let first = match self.unit {
                CalendarUnit::Day => day,
                CalendarUnit::Week if day.weekday() == Weekday::Monday => day,
                CalendarUnit::Week => day.nth_weekday(-1, Weekday::Monday).ok()?,
                CalendarUnit::Month => day.first_of_month(),
                CalendarUnit::Quarter => day.with().month((day.month() - 1) / 3 * 3 + 1).day(1).build().ok()?,
                CalendarUnit::Year => day.first_of_year(),
            };
            first.at(0, 0, 0, 0)
        };
        begins.to_zoned(self.zone.0.clone()).ok()
    }

    /// About how many turns lie between: never more than one too many or too few.
    fn turns_between(&self, anchor: &Zoned, now: &Zoned) -> Option<i64> {
        let count = i64::from(self.count.max(1));
        let whole = |unit: Unit| anchor.until((unit, now)).ok();
        Some(match self.unit {
            CalendarUnit::Day => i64::from(whole(Unit::Day)?.get_days()) / count,
            CalendarUnit::Week => i64::from(whole(Unit::Day)?.get_days()) / 7 / count,
            CalendarUnit::Month => i64::from(whole(Unit::Month)?.get_months()) / count,
            CalendarUnit::Quarter => i64::from(whole(Unit::Month)?.get_months()) / 3 / count,
            CalendarUnit::Year => i64::from(whole(Unit::Year)?.get_years()) / count,
        })
    }

    fn turn(&self, anchor: &Zoned, turns: i64) -> Option<Zoned> {
        let count = turns.checked_mul(i64::from(self.count.max(1)))?;
        let span = match self.unit {
            CalendarUnit::Day => jiff::Span::new().try_days(count),
            CalendarUnit::Week => jiff::Span::new().try_weeks(count),
            CalendarUnit::Month => jiff::Span::new().try_months(count),
            CalendarUnit::Quarter => jiff::Span::new().try_months(count.checked_mul(3)?),
            CalendarUnit::Year => jiff::Span::new().try_years(count),
        };
        anchor.checked_add(span.ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(unit: CalendarUnit, count: u32, begins: &str, zone: &str) -> Period {
        let begins = (!begins.is_empty()).then(|| begins.parse().unwrap());
        Period::Calendar(Calendar { unit, count, begins, zone: Zone::named(zone).unwrap() })
    }

    #[track_caller]
    fn check(period: &Period, now: &str, expect: (&str, &str)) {
        let now: Timestamp = now.parse().unwrap();
        let shown = |moment: Option<Timestamp>| moment.map_or(String::new(), |moment| moment.to_string());
        assert_eq!((shown(period.start(now)).as_str(), shown(period.end(now)).as_str()), expect);
    }

    #[test]
    fn a_rolling_window_ends_now() {
        let month = Period::Rolling(Span::days(30));
        check(&month, "2026-03-31T12:00:00Z", ("2026-03-01T12:00:00Z", ""));
    }

    #[test]
    fn a_month_begins_at_midnight_of_the_place() {
        let month = calendar(CalendarUnit::Month, 1, "", "Europe/Berlin");
        // Summer time begins on 29 March.
        check(&month, "2026-03-31T21:59:59Z", ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
        check(&month, "2026-03-31T22:00:00Z", ("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"));
        let utc = calendar(CalendarUnit::Month, 1, "", "UTC");
        check(&utc, "2024-02-29T23:59:59Z", ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"));
    }

    #[test]
    fn weeks_quarters_and_years() {
        let week = calendar(CalendarUnit::Week, 1, "", "America/New_York");
        check(&week, "2026-11-02T04:59:00Z", ("2026-10-26T04:00:00Z", "2026-11-02T05:00:00Z"));
        let quarter = calendar(CalendarUnit::Quarter, 1, "", "UTC");
        check(&quarter, "2026-05-17T00:00:00Z", ("2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"));
        let year = calendar(CalendarUnit::Year, 1, "2020-04-01T00:00:00", "Asia/Tokyo");
        check(&year, "2026-03-31T14:59:59Z", ("2025-03-31T15:00:00Z", "2026-03-31T15:00:00Z"));
    }

    #[test]
    fn a_calendar_that_begins_somewhere_turns_from_there() {
        let fortnight = calendar(CalendarUnit::Week, 2, "2026-01-05T09:00:00", "UTC");
        check(&fortnight, "2026-01-25T00:00:00Z", ("2026-01-19T09:00:00Z", "2026-02-02T09:00:00Z"));
        check(&fortnight, "2026-01-01T00:00:00Z", ("2025-12-22T09:00:00Z", "2026-01-05T09:00:00Z"));
        let end = calendar(CalendarUnit::Month, 1, "2026-01-31T00:00:00", "UTC");
        check(&end, "2026-03-01T00:00:00Z", ("2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"));
    }

    #[test]
    fn zones_that_are_none() {
        assert!(Zone::named("Europe/Atlantis").is_none());
        assert_eq!(Zone::named("Europe/Berlin").unwrap().name(), "Europe/Berlin");
    }
}
