//! The four rows of the alert table of a Clay integration, with what the table lacks.
//!
//! Source: field-notes C5. Beside the rows stands one on the share of the calls: "5xx > 10/min" can never fire at five calls a
//! minute, nor behind a breaker, which stops the calls after the first few failures and lets one through now and then.

use super::{
    ClaySignals, Count, Draft, Maker, Priority, Proven,
    counts::{bound, growth},
    golden::{Slow, slow},
    signals::statuses,
    stories::{Line, Story},
};
use crate::rules::Span;

const MINUTE: Span = Span::minutes(1);
const FIVE: Span = Span::minutes(5);
const QUARTER: Span = Span::minutes(15);

/// Calls in five minutes below which one of a hundred says nothing.
const LEAST_CALLS: u64 = 20;

pub(super) fn alerts(maker: &Maker<'_>) -> Vec<Proven> {
    let signals = maker.signals;
    let (Some(ClaySignals { requests, duration }), true) = (&signals.clay, signals.selector.is_some()) else {
        return Vec::new();
    };
    let mut alerts = Vec::new();
    if let Some(count) = requests {
        alerts.extend([down(maker, count), mostly_fails(maker, count)]);
    }
    if let Some(timing) = duration {
        let of = Slow {
            name: "ClaySlow",
            seconds: 5.0,
            least: LEAST_CALLS,
            row: Some("p99 > 5000 ms (P2)"),
            summary: "One call to Clay of a hundred takes longer than 5 s".to_owned(),
        };
        alerts.push(slow(maker, timing, &of));
    }
    if let Some(count) = requests {
        alerts.extend([limits_rate(maker, count), refuses_key(maker, count)]);
    }
    alerts
}

fn down(maker: &Maker<'_>, count: &Count) -> Proven {
    let signals = maker.signals;
    let failed = statuses(count, "5..", true);
    let of = |matchers: &str, window| growth(signals, &count.metric, matchers, window);
    let mut proven = maker.alert(Draft {
        name: "ClayDown",
        priority: Priority::P1,
        expr: format!(
            "{} > {}\nand\n{} / {} > 0.05",
            of(&failed, MINUTE),
            bound(signals, 10, MINUTE, MINUTE),
            of(&failed, FIVE),
            of("", FIVE)
        ),
        hold: MINUTE,
        summary: "Clay fails more than ten times a minute, and at more than 5 % of the calls".to_owned(),
        description: told(count),
        row: Some("5xx > 10/min (P1)"),
    });
    let (good, bad) = (status(count, "200"), status(count, "503"));
    let story = |name, good_a_minute, bad_a_minute| {
        Story::new(name, signals)
            .up()
            .with(&count.metric, &good, &[Line::grows(good_a_minute, Span::minutes(60))])
            .with(
                &count.metric,
                &bad,
                &[Line::nothing(Span::minutes(30)), Line::grows(bad_a_minute, Span::minutes(30))],
            )
            .quiet(&proven.alert, Span::minutes(29))
    };
    let fires = story("calls fail thirty times a minute, and the first failure makes the series", 60, 30)
        .fires(&proven.alert, Span::minutes(38));
    let share =
        story("one of a hundred fails, thirty times a minute", 3000, 30).quiet(&proven.alert, Span::minutes(42));
    let few = story("calls fail five times a minute", 60, 5).quiet(&proven.alert, Span::minutes(42));
    let clears = Story::new("calls fail for ten minutes", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(60, Span::minutes(60))])
        .with(
            &count.metric,
            &bad,
            &[Line::nothing(Span::minutes(30)), Line::grows(30, Span::minutes(10)), Line::flat(Span::minutes(20))],
        )
        .fires(&proven.alert, Span::minutes(39))
        .quiet(&proven.alert, Span::minutes(44));
    let begins = old_counters(maker, count, "503").quiet(&proven.alert, Span::minutes(2));
    let begins = begins.quiet(&proven.alert, Span::minutes(11));
    proven.trials = Story::told([fires, share, few, clears, begins]);
    proven
}

fn mostly_fails(maker: &Maker<'_>, count: &Count) -> Proven {
    let signals = maker.signals;
    let failed = |window| growth(signals, &count.metric, &statuses(count, "5..", true), window);
    let all = |window| growth(signals, &count.metric, "", window);
    // The last minute tells at once what a breaker lets through; the quarter of an hour what is rarer than that.
    let mostly = |least: Span, share: Span| {
        let (some, bound) = (failed(least), bound(signals, 3, least, least));
        format!("(\n  {some} >= {bound}\n  and\n  {} / {} > 0.5\n)", failed(share), all(share))
    };
    let mut proven = maker.alert(Draft {
        name: "ClayMostlyFails",
        priority: Priority::P1,
        expr: format!("{}\nor\n{}", mostly(FIVE, MINUTE), mostly(QUARTER, QUARTER)),
        hold: MINUTE,
        summary: "More than half of the calls to Clay fail, however few they are".to_owned(),
        description: format!(
            "{} Ten failures a minute cannot be where there are fewer calls, or where a breaker has stopped them.",
            told(count)
        ),
        row: None,
    });
    let (good, bad) = (status(count, "200"), status(count, "503"));
    let ok = [Line::stays(40, Span::minutes(90))];
    let each = |level| Line::stays(level, Span::minutes(3));
    let rare = Story::new("one call every three minutes, and each fails", signals)
        .not_stretched()
        .up()
        .with(&count.metric, &good, &ok)
        .with(&count.metric, &bad, &[Line::nothing(Span::minutes(45)), each(1), each(2), each(3), each(4), each(5)])
        .quiet(&proven.alert, Span::minutes(44))
        .fires(&proven.alert, Span::minutes(58));
    let breaker = Story::new("a breaker stops the calls after five failures, and tries four times a minute", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(300, Span::minutes(20)), Line::flat(Span::minutes(20))])
        .with(
            &count.metric,
            &bad,
            &[Line::nothing(Span::minutes(20)), Line::stays(5, Span::seconds(15)), Line::grows(4, Span::minutes(20))],
        )
        .quiet(&proven.alert, Span::minutes(19))
        .fires(&proven.alert, Span::minutes(24));
    let third = Story::new("a third of the calls fails", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(60, Span::minutes(40))])
        .with(&count.metric, &bad, &[Line::nothing(Span::minutes(20)), Line::grows(30, Span::minutes(20))])
        .quiet(&proven.alert, Span::minutes(36));
    let single = Story::new("a single call fails", signals)
        .at_full_pace()
        .not_stretched()
        .up()
        .with(&count.metric, &good, &ok)
        .with(&count.metric, &bad, &[Line::nothing(Span::minutes(45)), Line::stays(1, Span::minutes(45))])
        .quiet(&proven.alert, Span::minutes(47))
        .quiet(&proven.alert, Span::minutes(62));
    proven.trials = Story::told([rare, breaker, third, single]);
    proven
}

fn limits_rate(maker: &Maker<'_>, count: &Count) -> Proven {
    let signals = maker.signals;
    let limited = growth(signals, &count.metric, &statuses(count, "429", false), MINUTE);
    let mut proven = maker.alert(Draft {
        name: "ClayLimitsRate",
        priority: Priority::P2,
        expr: format!("{limited} > {}", bound(signals, 5, MINUTE, MINUTE)),
        hold: FIVE,
        summary: "Clay limits the rate, for minutes on end".to_owned(),
        description: format!("{} A bulk job meets the limit by design: only what goes on is an alert.", told(count)),
        row: Some("429 > 5/min (P2)"),
    });
    let (good, limited) = (status(count, "200"), status(count, "429"));
    let story = |name, lines: &[Line]| {
        let before = [Line::nothing(Span::minutes(20))];
        Story::new(name, signals)
            .up()
            .with(&count.metric, &good, &[Line::grows(60, Span::minutes(60))])
            .with(&count.metric, &limited, &[before.as_slice(), lines].concat())
            .quiet(&proven.alert, Span::minutes(19))
    };
    let fires = story("the limit is met twenty times a minute", &[Line::grows(20, Span::minutes(40))])
        .fires(&proven.alert, Span::minutes(36));
    let burst = [Line::burst(60, MINUTE), Line::flat(Span::minutes(38))];
    let burst = story("a bulk job meets the limit for a minute", &burst)
        .quiet(&proven.alert, Span::seconds(21 * 60 + 15))
        .quiet(&proven.alert, Span::minutes(26))
        .quiet(&proven.alert, Span::minutes(30));
    let few = story("the limit is met twice a minute", &[Line::grows(2, Span::minutes(40))])
        .quiet(&proven.alert, Span::minutes(36));
    proven.trials = Story::told([fires, burst, few]);
    proven
}

fn refuses_key(maker: &Maker<'_>, count: &Count) -> Proven {
    let signals = maker.signals;
    let mut proven = maker.alert(Draft {
        name: "ClayRefusesKey",
        priority: Priority::P1,
        expr: format!("{} > 0", growth(signals, &count.metric, &statuses(count, "401|403", false), FIVE)),
        hold: Span::seconds(0),
        summary: "Clay refuses the key".to_owned(),
        description: format!(
            "{} 401: the key is wrong or revoked; 403: it may not do this, or the plan does not have it.",
            told(count)
        ),
        row: Some("401/403 > 0 (P1)"),
    });
    let (good, refused) = (status(count, "200"), status(count, "401"));
    let fires = Story::new("the first refusal makes the series, and none comes after it", signals)
        .up()
        .with(&count.metric, &good, &[Line::grows(60, Span::minutes(60))])
        .with(&count.metric, &refused, &[Line::nothing(Span::minutes(30)), Line::stays(1, Span::minutes(30))])
        .quiet(&proven.alert, Span::minutes(29))
        .fires(&proven.alert, Span::minutes(31))
        .quiet(&proven.alert, Span::minutes(40));
    let known = Story::new("a series that was there grows by one", signals)
        .up()
        .with(&count.metric, &refused, &[Line::stays(0, Span::minutes(30)), Line::stays(1, Span::minutes(30))])
        .quiet(&proven.alert, Span::minutes(29))
        .fires(&proven.alert, Span::minutes(31));
    let begins = old_counters(maker, count, "401")
        .quiet(&proven.alert, Span::minutes(1))
        .quiet(&proven.alert, Span::minutes(6))
        .quiet(&proven.alert, Span::minutes(12));
    let gap = Story::new("scrapes fail for ten minutes, long after a refusal", signals)
        .up()
        .with(
            &count.metric,
            &refused,
            &[Line::stays(1, Span::minutes(30)), Line::nothing(Span::minutes(10)), Line::stays(1, Span::minutes(20))],
        )
        .quiet(&proven.alert, Span::minutes(41))
        .quiet(&proven.alert, Span::minutes(47));
    proven.trials = Story::told([fires, known, begins, gap]);
    proven
}

/// Counters that had counted before Prometheus came: nothing happens now.
fn old_counters<'a>(maker: &Maker<'a>, count: &Count, bad: &str) -> Story<'a> {
    Story::new("Prometheus is new, the counters are old", maker.signals)
        .up()
        .with(&count.metric, &status(count, "200"), &[Line::stays(500, Span::minutes(60))])
        .with(&count.metric, &status(count, bad), &[Line::stays(500, Span::minutes(60))])
}

fn status<'a>(count: &'a Count, value: &'a str) -> [(&'a str, &'a str); 1] {
    [(count.label.as_str(), value)]
}

/// What is counted, and what cannot be.
fn told(count: &Count) -> String {
    if count.failures.is_empty() {
        return format!(
            "Counted by {}; calls that end without an answer have no status there and are not counted.",
            count.metric
        );
    }
    format!("Counted by {}, calls that end without an answer ({}) too.", count.metric, count.failures.join(", "))
}
