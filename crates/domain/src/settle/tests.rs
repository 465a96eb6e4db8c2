//! How readings settle into an outcome.

use jiff::civil::date;

use super::*;
use crate::{
    Area, Classes, Finding, Gate, Message, Missing, Place, Source, Standard,
    Strength::{Configured, Declared, Exercised, Observed},
    Text,
};

const TODAY: Date = date(2026, 11, 22);

fn wants(min: Strength, fresh_days: Option<u16>) -> Check {
    Check {
        id: "health.example",
        title: Text { en: "It holds", zh: "成立" },
        source: &[],
        standard: Standard::ProductionReadiness,
        area: Area::Health,
        level: None,
        gate: Gate::Required,
        min,
        classes: Classes::ALL,
        fresh_days,
        record: &[],
        remediation: Text { en: "Make it hold.", zh: "使其成立。" },
        references: &[],
        page: "",
        judge: |_, _| Readings::default(),
    }
}

type Given = Result<Reading, Missing>;

fn shown() -> Reading {
    Reading::shown([Place::whole("a")], "it does", "成立")
}

#[expect(clippy::unnecessary_wraps, reason = "reads beside what was not gathered")]
fn met() -> Given {
    Ok(shown())
}

#[expect(clippy::unnecessary_wraps, reason = "reads beside what was not gathered")]
fn not_met() -> Given {
    Ok(Reading::refuted(vec![Finding::new(&Place::whole("a"), "it does not", "不成立")], "it does not", "不成立"))
}

fn missing() -> Given {
    let words = Message::new("not read", "未读取");
    Err(Missing { source: Source::SourceCode, reason: words.clone(), settle: words })
}

#[expect(clippy::unnecessary_wraps, reason = "reads beside what was not gathered")]
fn elsewhere() -> Given {
    let words = Message::new("not here", "此处没有");
    Ok(Reading::elsewhere(words.clone(), words))
}

fn check(min: Strength, readings: &Readings, expect: Outcome) {
    assert_eq!(settle(&wants(min, None), readings, TODAY).outcome, expect, "for {readings:?}");
}

#[test]
fn the_strongest_conclusive_reading_decides() {
    check(Configured, &Readings::of(Declared, met()).and(Configured, not_met()), Outcome::Fail);
    check(Configured, &Readings::of(Configured, not_met()).and(Exercised, met()), Outcome::Pass);
    check(Configured, &Readings::of(Configured, met()).and(Observed, missing()), Outcome::Pass);
}

#[test]
fn weaker_than_the_minimum_is_partial() {
    check(Configured, &Readings::of(Declared, met()), Outcome::Partial);
    check(Exercised, &Readings::of(Configured, met()), Outcome::Partial);
    check(Configured, &Readings::of(Declared, met()).and(Configured, elsewhere()), Outcome::Partial);
}

#[test]
fn what_was_not_gathered_may_still_turn_it() {
    check(Configured, &Readings::of(Declared, met()).and(Configured, missing()), Outcome::Unknown);
    check(Configured, &Readings::of(Declared, not_met()).and(Configured, missing()), Outcome::Unknown);
    check(Configured, &Readings::of(Configured, missing()), Outcome::Unknown);
}

#[test]
fn nothing_found_is_unknown_and_no_reading_is_too() {
    check(Configured, &Readings::of(Configured, elsewhere()), Outcome::Unknown);
    check(Configured, &Readings::default(), Outcome::Unknown);
}

#[test]
fn part_of_the_title_is_partial() {
    let part = Ok(Reading::partly([Place::whole("a")], Vec::new(), "half of it", "一半"));
    check(Configured, &Readings::of(Configured, part), Outcome::Partial);
}

#[test]
fn a_pass_goes_stale_the_day_after_its_last_fresh_day() {
    let on = |day| Readings::of(Exercised, Ok(shown().dated(Some(day))));
    let outcome = |readings| settle(&wants(Exercised, Some(90)), &readings, TODAY).outcome;
    assert_eq!(outcome(on(date(2026, 8, 24))), Outcome::Pass);
    assert_eq!(outcome(on(date(2026, 8, 23))), Outcome::Stale);
}

#[test]
fn readings_that_contradict_each_other_are_named() {
    let readings = Readings::of(Configured, met()).and(Exercised, not_met());
    let settled = settle(&wants(Configured, None), &readings, TODAY);
    assert_eq!((settled.outcome, settled.contradicted), (Outcome::Fail, vec![Configured]));
}
