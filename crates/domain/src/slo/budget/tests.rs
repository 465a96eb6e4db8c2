//! Budgets from what was counted.

use super::*;
use crate::{
    Place,
    evidence::{Indicator, ObjectiveFormat},
    slo::{Alerting, Budgeting, Calendar, CalendarUnit, Outcome, Query, Sli, Zone},
};

fn objective(target: &str, period: Period) -> Objective {
    Objective {
        service: "shop".to_owned(),
        name: "availability".to_owned(),
        description: String::new(),
        place: Place::whole("slo.yml"),
        format: ObjectiveFormat::OpenSlo,
        indicator: Indicator::Availability,
        sli: Sli::Ratio { query: Query::fixed("a").unwrap(), of: Outcome::Failure, uses: Vec::new() },
        target: target.parse().unwrap(),
        period,
        budgeting: Budgeting::Occurrences,
        alerting: Alerting::default(),
        labels: crate::rules::Labels::new(),
    }
}

fn month() -> Period {
    Period::Rolling(Span::days(30))
}

const NOW: &str = "2026-11-22T12:00:00Z";

/// Stretches of minutes with bad and all events a minute, up to now.
fn points(stretches: &[(u32, f64, f64)]) -> Points {
    let now = NOW.parse::<Timestamp>().unwrap().as_second();
    let all: u32 = stretches.iter().map(|stretch| stretch.0).sum();
    let counted = stretches.iter().flat_map(|(minutes, bad, total)| (0..*minutes).map(|_| (*bad, *total)));
    let points = counted.enumerate().map(|(index, (bad, total))| {
        let first = i32::try_from(now - 60 * (i64::from(all) - 1)).unwrap();
        let at = f64::from(first) + 60.0 * f64::from(u32::try_from(index).unwrap());
        Point { at, bad, total }
    });
    Points { step: 60.0, points: points.collect() }
}

#[track_caller]
fn check(objective: &Objective, stretches: &[(u32, f64, f64)], expect: (&str, Option<Unknown>, Forecast)) {
    let budget = budget(objective, &points(stretches), NOW.parse().unwrap());
    let remaining = budget.remaining.map_or("-".to_owned(), |remaining| format!("{:.1} %", remaining * 100.0));
    assert_eq!((remaining.as_str(), budget.unknown, budget.forecast), expect, "{budget:?}");
}

#[test]
fn the_period_is_weighted_by_traffic() {
    // An hour of one request a second with 10 % errors, then nine of a hundred without: A of the measured cases.
    check(&objective("0.999", month()), &[(60, 6.0, 60.0), (540, 0.0, 6000.0)], ("88.9 %", None, Forecast::Lasts));
}

#[test]
fn a_quiet_hour_is_no_hole() {
    check(
        &objective("0.999", month()),
        &[(120, 0.0, 600.0), (60, 0.0, 0.0), (120, 0.0, 600.0)],
        ("100.0 %", None, Forecast::Lasts),
    );
}

#[test]
fn what_is_not_measured_is_unknown() {
    let objective = objective("0.999", month());
    check(&objective, &[], ("-", Some(Unknown::Nothing), Forecast::Unknown));
    check(&objective, &[(60, 0.0, 0.0)], ("-", Some(Unknown::NoEvents), Forecast::Unknown));
    check(
        &objective,
        &[(60, 0.0, 1.0), (40, f64::NAN, f64::NAN)],
        ("-", Some(Unknown::Silent { seconds: 2400 }), Forecast::Unknown),
    );
    check(
        &objective,
        &[(10, 0.0, 1.0), (300, f64::NAN, f64::NAN), (10, 0.0, 1.0)],
        ("-", Some(Unknown::Gaps { percent: 93 }), Forecast::Unknown),
    );
}

#[test]
fn the_time_until_it_is_spent() {
    // 20 days clean, then a day at three times the budget: 21 days of events allow 21 units, three are spent.
    let stretches = [(20 * 1440, 0.0, 1000.0), (1440, 3.0, 1000.0)];
    // 6/7 of 30 days, three times as fast.
    let seconds = 864_000 * 6 / 7;
    check(&objective("0.999", month()), &stretches, ("85.7 %", None, Forecast::Within(seconds)));
    check(&objective("0.999", month()), &[(1440, 2.0, 1000.0)], ("-100.0 %", None, Forecast::Spent));
    check(&objective("0.999", month()), &[(1440, 0.5, 1000.0)], ("50.0 %", None, Forecast::Lasts));
    assert_eq!(exhaustion_seconds(0.5, 10.0, Span::days(30)), Some(129_600.0));
    assert_eq!(exhaustion_seconds(0.5, 0.0, Span::days(30)), None);
}

#[test]
fn a_calendar_forgets_at_its_turn() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let calendar = Period::Calendar(Calendar { unit: CalendarUnit::Day, count: 1, begins: None, zone });
    // The day began at 23:00 UTC: 13 hours ago.
    check(&objective("0.99", calendar), &[(60, 60.0, 60.0), (780, 0.3, 60.0)], ("50.0 %", None, Forecast::Lasts));
}

#[test]
fn one_thing_that_spends_a_fifth_is_an_incident() {
    let objective = objective("0.999", month());
    let of = |bad: f64| {
        let measured = points(&[(500, 0.0, 1000.0), (20, bad, 1000.0), (480, 0.0, 1000.0)]);
        budget(&objective, &measured, NOW.parse().unwrap()).incidents
    };
    // A thousand minutes of a thousand events allow a thousand bad ones.
    let found = of(15.0);
    assert_eq!(found.len(), 1);
    assert!((found[0].share - 0.3).abs() < 1e-9 && (found[0].until - found[0].from - 19.0 * 60.0).abs() < 1e-9);
    assert_eq!(of(10.0), [], "a fifth is not more than a fifth");
}

#[test]
fn each_window_burns_by_itself() {
    let measured = points(&[(1000, 0.0, 100.0), (30, 10.0, 100.0)]);
    let budget = budget(&objective("0.99", month()), &measured, NOW.parse().unwrap());
    let burn = |window: Span| budget.burns.iter().find(|one| one.0 == window).unwrap().1.unwrap();
    assert!((burn(Span::minutes(5)) - 10.0).abs() < 1e-9 && (burn(Span::hours(1)) - 5.0).abs() < 1e-9);
    assert_eq!(budget.course.len(), 24);
    assert!(budget.course[0].is_none() && budget.course[23].unwrap() < 1.0);
}
