//! What is left of an error budget, how fast it burns, and when it is spent.

use jiff::Timestamp;

use super::{Objective, Period, Standing, pairs};
use crate::rules::Span;

/// What was counted up to a moment since the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds since 1970.
    pub at: f64,
    /// Events, events a second, or slices: as long as both are the same.
    pub bad: f64,
    pub total: f64,
}

/// What was counted over a period, evenly spaced, without the moments at which nothing was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Seconds between two.
    pub step: f64,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// An error budget at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// 1: all of it; 0: spent; below: overdrawn. None: nothing says so.
    pub remaining: Option<f64>,
    /// Bad events among all of the period.
    pub error_ratio: Option<f64>,
    /// For each window, how many times too fast it burns; none where nothing happened or was measured.
    pub burns: Vec<(Span, Option<f64>)>,
    pub forecast: Forecast,
    /// Days of the period that there is data for.
    pub known_days: f64,
    /// Stretches of time in which one thing spent much of the budget.
    pub incidents: Vec<Incident>,
    /// What was left after each part of the period, from its beginning; none before there was data.
    pub course: Vec<Option<f64>>,
    /// Why nothing can be said.
    pub unknown: Option<Unknown>,
}

/// Why a budget is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing measures it.
    Nothing,
    /// It was measured until so many seconds ago.
    Silent { seconds: u64 },
    /// Much of the time is missing since it was first measured.
    Gaps { percent: u8 },
    /// It was measured, and not one event happened.
    NoEvents,
}

/// When the budget is spent if it goes on as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    Spent,
    /// In so many seconds.
    Within(u64),
    /// It lasts: to the end of the calendar's turn, or for as long as the window rolls.
    Lasts,
    Unknown,
}

/// A stretch of time in which it burned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    /// Seconds since 1970.
    pub from: f64,
    pub until: f64,
    /// Of the budget of the whole period.
    pub share: f64,
}

impl Incident {
    /// More than a fifth of the budget: the workbook asks for a postmortem with an action that is done first.
    pub fn needs_postmortem(&self) -> bool {
        // Sums of measurements are off by their last digit.
        self.share > POSTMORTEM + 1e-9
    }
}

const POSTMORTEM: f64 = 0.2;

/// Silence that an ordinary restart does not explain.
const SILENCE: f64 = 900.0;

/// So much of the time since the first measurement may be missing.
const MOST_GAPS: f64 = 0.5;

/// Parts of the course.
const PARTS: usize = 24;

/// The window that a forecast looks at.
const FORECAST: Span = Span::days(1);

/// The budget of an objective at a moment.
pub fn budget(objective: &Objective, measured: &Points, now: Timestamp) -> Budget {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let now_seconds = now.as_millisecond() as f64 / 1e3;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let start = objective.period.start(now).map_or(f64::NEG_INFINITY, |start| start.as_millisecond() as f64 / 1e3);
    let points: Vec<Point> = measured
        .points
        .iter()
        .copied()
        .filter(|point| point.at > start && point.at <= now_seconds && point.bad.is_finite() && point.total.is_finite())
        .collect();
    let allowed = objective.budget().to_f64();
    let (bad, total) = sums(&points);
    let unknown = unknown(&points, measured.step, now_seconds);
    let error_ratio = (total > 0.0).then(|| bad / total);
    let remaining = error_ratio.map(|ratio| 1.0 - ratio / allowed).filter(|_| unknown.is_none());
    let windows: std::collections::BTreeSet<Span> =
        pairs(objective.period.length()).iter().flat_map(|pair| [pair.short, pair.long]).collect();
    let burn = |window: Span| burn(&points, window, now_seconds, allowed);
    let burns = windows.into_iter().map(|window| (window, burn(window))).collect();
    let forecast = forecast(objective, remaining, burn(FORECAST), now);
    #[expect(clippy::cast_precision_loss, reason = "fewer points than a year has minutes")]
    let known_days = points.len() as f64 * measured.step / 86_400.0;
    let begin = if start.is_finite() { start } else { points.first().map_or(now_seconds, |first| first.at) };
    Budget {
        remaining,
        error_ratio,
        burns,
        forecast,
        known_days,
        incidents: incidents(&points, allowed, total),
        course: course(&points, allowed, total, begin, now_seconds),
        unknown,
    }
}

fn sums(points: &[Point]) -> (f64, f64) {
    points.iter().fold((0.0, 0.0), |(bad, total), point| (bad + point.bad, total + point.total))
}

fn unknown(points: &[Point], step: f64, now: f64) -> Option<Unknown> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Some(Unknown::Nothing) };
    let silence = now - last.at;
    if silence > SILENCE.max(2.0 * step) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a year")]
        return Some(Unknown::Silent { seconds: silence as u64 });
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer points than a year has minutes")]
    let known = points.len() as f64 / ((now - first.at) / step.max(1e-9) + 1.0).max(1.0);
    if known < 1.0 - MOST_GAPS {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to a hundred")]
        return Some(Unknown::Gaps { percent: ((1.0 - known) * 100.0) as u8 });
    }
    (sums(points).1 <= 0.0).then_some(Unknown::NoEvents)
}

/// How many times too fast it burned over a window that ends now.
fn burn(points: &[Point], window: Span, now: f64, allowed: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
    let from = now - window.as_seconds() as f64;
    let first = points.partition_point(|point| point.at <= from);
    let (bad, total) = sums(points.get(first..).unwrap_or_default());
    (total > 0.0).then(|| bad / total / allowed)
}

/// Seconds until what remains is spent at this burn rate: remaining × period / burn.
pub fn exhaustion_seconds(remaining: f64, burn: f64, period: Span) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
    let period = period.as_seconds() as f64;
    (burn > 0.0 && remaining.is_finite()).then(|| (remaining * period / burn).max(0.0))
}

fn forecast(objective: &Objective, remaining: Option<f64>, burn: Option<f64>, now: Timestamp) -> Forecast {
    let Some(remaining) = remaining else { return Forecast::Unknown };
    if remaining <= 0.0 {
        return Forecast::Spent;
    }
    let Some(seconds) = exhaustion_seconds(remaining, burn.unwrap_or_default(), objective.period.length()) else {
        return Forecast::Lasts;
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
    let lasts = match &objective.period {
        // What burns no faster than it comes back is never spent.
        Period::Rolling(_) => burn.is_none_or(|burn| burn <= 1.0),
        Period::Calendar(_) => {
            objective.period.end(now).is_some_and(|end| seconds >= (end.as_second() - now.as_second()) as f64)
        }
    };
    if lasts {
        return Forecast::Lasts;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and bounded")]
    Forecast::Within(seconds.min(1e12) as u64)
}

/// Stretches in which it burned faster than it lasts, with what they spent, the worst first.
fn incidents(points: &[Point], allowed: f64, total: f64) -> Vec<Incident> {
    let mut found: Vec<Incident> = Vec::new();
    if total <= 0.0 || allowed <= 0.0 {
        return found;
    }
    let mut current: Option<Incident> = None;
    for point in points {
        let burns = point.total > 0.0 && point.bad / point.total > allowed;
        let share = point.bad / (total * allowed);
        match &mut current {
            Some(incident) if burns => {
                incident.until = point.at;
                incident.share += share;
            }
            // A moment without an event ends nothing.
            Some(_) if point.total <= 0.0 => (),
            Some(_) => found.extend(current.take()),
            None if burns => current = Some(Incident { from: point.at, until: point.at, share }),
            None => (),
        }
    }
    found.extend(current);
    found.retain(Incident::needs_postmortem);
    found.sort_by(|one, other| other.share.total_cmp(&one.share));
    found
}

fn course(points: &[Point], allowed: f64, total: f64, begin: f64, now: f64) -> Vec<Option<f64>> {
    if total <= 0.0 || now <= begin {
        return vec![None; PARTS];
    }
    let (mut spent, mut next) = (0.0, 0);
    (1..=PARTS)
        .map(|part| {
            #[expect(clippy::cast_precision_loss, reason = "two dozen")]
            let until = begin + (now - begin) * part as f64 / PARTS as f64;
            while let Some(point) = points.get(next).filter(|point| point.at <= until) {
                spent += point.bad;
                next += 1;
            }
            (next > 0).then(|| 1.0 - spent / (total * allowed))
        })
        .collect()
}

impl Budget {
    /// What it means for a release, after what it meant before.
    pub fn standing(&self, before: Option<Standing>) -> Standing {
        Standing::of(self.remaining, before)
    }
}

#[cfg(test)]
mod tests;
