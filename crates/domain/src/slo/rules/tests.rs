//! What the rules say, line by line; what they do is tried with promtool in `crates/cli/tests/it/slo`.

use super::*;
use crate::{
    Place,
    evidence::{Indicator, ObjectiveFormat},
    rules::Rule,
    slo::{Alerting, Budgeting, Counted, Period, Query, Severity, Unit},
};

fn objective(target: &str) -> Objective {
    let query = |text: &str| Query::read(text).unwrap();
    Objective {
        service: "shop".to_owned(),
        name: "availability".to_owned(),
        description: String::new(),
        place: Place::whole("slo.yml"),
        format: ObjectiveFormat::Sloth,
        indicator: Indicator::Availability,
        sli: Sli::Events {
            counted: Counted::Bad(query("sum(rate(r{code=~\"5..\"}[{{.window}}]))")),
            total: query("sum(rate(r[{{.window}}]))"),
            unit: Unit::PerSecond,
            uses: Vec::new(),
        },
        target: target.parse().unwrap(),
        period: Period::Rolling(Span::days(30)),
        budgeting: Budgeting::Occurrences,
        alerting: Alerting { no_data: Some(Severity::Ticket), ..Alerting::default() },
        labels: [("team.name".to_owned(), "a".to_owned())].into(),
    }
}

fn made(objective: &Objective) -> Vec<Rule> {
    let making = Making {
        version: "1".to_owned(),
        least_bad_events: Making::LEAST_BAD_EVENTS,
        now: "2026-11-22T00:00:00Z".parse().unwrap(),
    };
    groups(objective, &making).into_iter().flat_map(|group| group.rules).collect()
}

/// The expression of the rule with this name; an alert is named with its severity.
#[track_caller]
fn check(objective: &Objective, name: &str, expect: &str) {
    let rules = made(objective);
    let named = |rule: &&Rule| match rule {
        Rule::Record(record) => record.name == name,
        Rule::Alert(alert) => format!("{} {}", alert.name, alert.labels["sloth_severity"]) == name,
    };
    let found = rules.iter().find(named).unwrap_or_else(|| panic!("there is no rule {name}"));
    let id = r#"{sloth_id="shop-availability", sloth_service="shop", sloth_slo="availability"}"#;
    assert_eq!(found.expr().replace(id, ""), expect);
}

#[test]
fn a_missing_error_series_is_no_error_and_a_quiet_time_is_no_number() {
    check(
        &objective("0.999"),
        "slo:sli_error:ratio_rate1h",
        "slo:sli_bad:rate1h\n/\n(slo:sli_total:rate1h > 0)\nor\n(slo:sli_total:rate1h > 0) * 0",
    );
    check(&objective("0.999"), "slo:sli_total:rate1h", "sum(rate(r[1h]))");
}

#[test]
fn numbers_are_written_as_people_write_them() {
    check(&objective("0.9990"), "slo:objective:ratio", "vector(0.999)");
    check(&objective("0.9995"), "slo:error_budget:ratio", "vector(0.0005)");
    check(&objective("0.999"), "slo:time_period:days", "vector(30)");
}

#[test]
fn the_period_adds_up_events() {
    check(
        &objective("0.999"),
        "slo:sli_error:ratio_rate30d",
        "(\nsum_over_time(slo:sli_bad:rate5m[30d])\n/\n(sum_over_time(slo:sli_total:rate5m[30d]) > 0)\nor\n\
         (sum_over_time(slo:sli_total:rate5m[30d]) > 0) * 0\n)\nand\nslo:sli_total:rate5m",
    );
}

#[test]
fn an_alert_asks_for_enough_events_and_for_no_sign_that_it_is_over() {
    let rules = made(&objective("0.999"));
    let page = rules.iter().find(|rule| rule.labels().get("sloth_severity").is_some_and(|it| it == "page")).unwrap();
    let id = r#"{sloth_id="shop-availability", sloth_service="shop", sloth_slo="availability"}"#;
    let expect = "(\n    max(slo:sli_error:ratio_rate1h > (14.4 * 0.001)) without (sloth_window)\n    and\n    \
                  max(slo:sli_bad:rate1h * 3600 > 2.5) without (sloth_window)\n    unless\n    \
                  max(slo:sli_error:ratio_rate5m <= (14.4 * 0.001)) without (sloth_window)\n)\nor\n(";
    assert!(page.expr().replace(id, "").starts_with(expect), "{}", page.expr());
}

#[test]
fn an_alert_that_could_never_fire_is_lowered() {
    let rules = made(&objective("0.9"));
    let page = rules.iter().find(|rule| rule.labels().get("sloth_severity").is_some_and(|it| it == "page")).unwrap();
    assert!(page.expr().contains("> 0.5)") && !page.expr().contains("14.4"), "{}", page.expr());
}

#[test]
fn labels_that_prometheus_does_not_take_are_changed() {
    let rules = made(&objective("0.999"));
    assert!(rules.iter().all(|rule| !rule.labels().contains_key("team.name")));
    assert_eq!(rules[0].labels()["team_name"], "a");
    assert_eq!(label_name("9"), "_9");
    assert_eq!(label_name(""), "_");
}
