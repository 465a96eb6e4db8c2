//! What is found about an objective, and what is not.

use super::*;
use crate::{
    Place,
    evidence::{Indicator, ObjectiveFormat},
    rules::{Labels, Span},
    slo::{Alerting, Counted, Outcome, Query, Role, Unit},
};

fn objective(target: &str) -> Objective {
    let query = |text: &str| Query::read(text).unwrap();
    let matchers = vec![("le".to_owned(), "=", "0.4".to_owned())];
    Objective {
        service: "shop".to_owned(),
        name: "latency".to_owned(),
        description: String::new(),
        place: Place::whole("slo.yml"),
        format: ObjectiveFormat::OpenSlo,
        indicator: Indicator::Latency,
        sli: Sli::Events {
            counted: Counted::Good(query("sum(rate(d_bucket{le=\"0.4\"}[5m]))")),
            total: query("sum(rate(d_count[5m]))"),
            unit: Unit::PerSecond,
            uses: vec![Selector { metric: "d_bucket".to_owned(), matchers, role: Role::Good }],
        },
        target: target.parse().unwrap(),
        period: Period::Rolling(Span::days(30)),
        budgeting: Budgeting::Occurrences,
        alerting: Alerting::default(),
        labels: Labels::new(),
    }
}

#[track_caller]
fn check(objective: &Objective, known: &Known, expect: &[(&str, Weight)]) {
    let found: Vec<(&str, Weight)> =
        lint(objective, &[objective], known).iter().map(|defect| (defect.kind, defect.weight)).collect();
    assert_eq!(found, expect);
}

fn with_volume(events: f64) -> Known {
    Known { events_per_day: [("shop-latency".to_owned(), events)].into(), ..Known::nothing() }
}

fn with_bounds(bounds: &[&str]) -> Known {
    let bounds = bounds.iter().map(|bound| (*bound).to_owned()).collect();
    Known { bounds: [("d_bucket".to_owned(), bounds)].into(), ..Known::nothing() }
}

#[test]
fn alerts_that_can_never_fire() {
    check(&objective("0.93"), &Known::nothing(), &[("cannot-fire", Weight::Advice)]);
    check(&objective("0.931"), &Known::nothing(), &[]);
    let silent = Objective { alerting: Alerting::none(), ..objective("0.9") };
    check(&silent, &Known::nothing(), &[]);
}

#[test]
fn what_the_volume_cannot_meet() {
    // 144 a day, 4,320 in thirty: 0.1 % of it is 4.3.
    check(&objective("0.999"), &with_volume(144.0), &[("noisy", Weight::Advice), ("single-error", Weight::Advice)]);
    check(&objective("0.9999"), &with_volume(144.0), &[("unreachable", Weight::Error)]);
    check(&objective("0.999"), &with_volume(1_000_000.0), &[]);
    let ratio = Sli::Ratio { query: Query::fixed("a").unwrap(), of: Outcome::Failure, uses: Vec::new() };
    let ratio = Objective { sli: ratio, ..objective("0.99") };
    check(&ratio, &with_volume(144.0), &[("single-error", Weight::Error), ("unweighted", Weight::Advice)]);
}

#[test]
fn a_latency_that_is_no_bound_of_a_bucket() {
    check(&objective("0.99"), &with_bounds(&["0.1", "0.5", "+Inf"]), &[("bucket", Weight::Error)]);
    check(&objective("0.99"), &with_bounds(&["0.1", "0.4", "+Inf"]), &[]);
    // Nobody scraped it: nothing is known.
    check(&objective("0.99"), &with_bounds(&[]), &[]);
    assert!(same_bound("1", "1.0") && !same_bound("0.5", "0.50"));
}

#[test]
fn no_service_is_better_than_what_it_waits_for() {
    let mine = objective("0.999");
    let theirs = |target: &str| Objective { service: "db".to_owned(), ..objective(target) };
    let known = Known { dependencies: [("shop".to_owned(), vec!["db".to_owned()])].into(), ..Known::nothing() };
    for (other, expect) in [(theirs("0.99"), 1), (theirs("0.999"), 0), (theirs("0.9999"), 0)] {
        assert_eq!(lint(&mine, &[&mine, &other], &known).len(), expect, "{}", other.target);
    }
    assert_eq!(lint(&mine, &[&mine, &theirs("0.9")], &Known::nothing()), []);
}

#[test]
fn slices_that_allow_none_to_be_bad() {
    let slices = |slice| Objective {
        budgeting: Budgeting::Timeslices { slice, target: "0.9".parse().unwrap() },
        period: Period::Rolling(Span::days(7)),
        ..objective("0.9995")
    };
    check(&slices(Span::minutes(1)), &Known::nothing(), &[]);
    check(&slices(Span::hours(1)), &Known::nothing(), &[("unreachable", Weight::Error)]);
}

#[test]
fn the_thresholds_of_rules_that_others_made() {
    let shown = |expr: &str| {
        let found = burn_thresholds(expr);
        found.iter().map(|(factor, budget)| format!("{factor}*{budget}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("max(a > (14.4 * 0.1)) without (w)\nand\nmax(b > (6 * 0.1)) without (w)"), "14.4*0.1 6*0.1");
    assert_eq!(shown("a:burnrate5m{x=\"y\"} > (14 * (1-0.99)) and b > (7 * (1 - 0.99))"), "14*0.01 7*0.01");
    assert_eq!(shown("a > 5"), "");
    assert_eq!(shown("a > b * c"), "");
    assert_eq!(shown(">"), "");
}
