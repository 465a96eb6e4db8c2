//! The cases in which the rules that people use are wrong, and what ours do: tried with promtool.
//!
//! What Sloth's published rules do in each of them stands in `docs/slo.md`.

use std::fmt::Write as _;

use super::{objective, promtool, slo};
use crate::support::Repository;

/// An alert is evaluated after what it looks at, as far as the order can be chosen.
const GROUPS: &str = "group_eval_order: [sloth-slo-sli-recordings-shop-availability, \
                      sloth-slo-meta-recordings-shop-availability, sloth-slo-alerts-shop-availability]\n";

const ID: &str = r#"{sloth_id="shop-availability"}"#;

/// What is seen at a minute.
enum Seen {
    /// An expression gives this number.
    Gives(u32, &'static str, &'static str),
    /// An expression gives nothing.
    Nothing(u32, &'static str),
    /// Alerts with these severities fire, and no others.
    Alerts(u32, &'static [&'static str]),
}

/// A story: what `r_total` counts with status 200 and 500, a sample a minute, and what the rules make of it.
#[track_caller]
fn check(target: &str, every: &str, good: &str, bad: &str, seen: &[Seen]) {
    let repository = Repository::of(&[("slo.yml", &objective(target))]);
    assert_eq!(slo(&repository, &["rules", "slo.yml", "--output", "rules.yml"]).code, 0);
    let mut text = format!(
        "rule_files: [rules.yml]\nevaluation_interval: {every}\n{GROUPS}tests:\n- interval: 1m\n  input_series:\n"
    );
    for (code, values) in [("200", good), ("500", bad)] {
        if !values.is_empty() {
            writeln!(text, "  - series: r_total{{code=\"{code}\"}}\n    values: {values}")
                .expect("a text takes what is written");
        }
    }
    text.push_str("  promql_expr_test:\n");
    for one in seen {
        let (minute, expr, value) = match one {
            Seen::Gives(minute, expr, value) => (minute, (*expr).replace("ID", ID), Some((*value).to_owned())),
            Seen::Nothing(minute, expr) => (minute, (*expr).replace("ID", ID), None),
            Seen::Alerts(..) => continue,
        };
        writeln!(text, "  - eval_time: {minute}m\n    expr: '{expr}'").expect("a text takes what is written");
        match value {
            Some(value) => writeln!(text, "    exp_samples: [{{labels: '{{}}', value: {value}}}]")
                .expect("a text takes what is written"),
            None => text.push_str("    exp_samples: []\n"),
        }
    }
    text.push_str("  alert_rule_test:\n");
    for one in seen {
        let Seen::Alerts(minute, severities) = one else { continue };
        writeln!(text, "  - {{eval_time: {minute}m, alertname: ShopBurns, exp_alerts: [")
            .expect("a text takes what is written");
        for severity in *severities {
            writeln!(
                text,
                "      {{exp_labels: {{sloth_id: shop-availability, sloth_service: shop, sloth_slo: availability, \
                 sloth_severity: {severity}}}, exp_annotations: {{summary: 'shop availability: the error budget of 30d burns \
                 too fast.', title: '({severity}) shop availability: the error budget burns too fast'}}}},"
            )
            .expect("a text takes what is written");
        }
        text.push_str("    ]}\n");
    }
    repository.write("test.yml", &text);
    let run = promtool(repository.path(), "test", "test.yml");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

const REMAINING: &str = "sum(slo:period_error_budget_remaining:ratio ID)";
const SLI: &str = "sum(slo:sli_error:ratio_rate5m ID)";

#[test]
fn a_little_traffic_with_errors_and_much_without_is_weighted() {
    // 1 h at 1 req/s with 10 % errors, then 9 h at 100 req/s: 0.011 % of all failed.
    check(
        "99.9",
        "1m",
        "0+54x60 3240+6000x540",
        "0+6x60 360+0x540",
        &[Seen::Gives(601, "round(100 * sum(slo:period_error_budget_remaining:ratio ID))", "89")],
    );
}

#[test]
fn a_quiet_hour_is_no_number_for_no_longer_than_itself() {
    check(
        "99.9",
        "1m",
        "0+600x120 72000+0x60 72000+600x120",
        "0+0x300",
        &[
            Seen::Gives(110, REMAINING, "1"),
            Seen::Gives(150, REMAINING, "1"),
            Seen::Nothing(150, SLI),
            Seen::Gives(290, REMAINING, "1"),
            Seen::Gives(290, SLI, "0"),
        ],
    );
}

#[test]
fn a_total_outage_pages_at_the_second_evaluation() {
    check(
        "99.9",
        "1m",
        "0+6000x420 2520000+0x60",
        "0+0x420 0+6000x60",
        &[Seen::Alerts(420, &[]), Seen::Alerts(422, &["page", "ticket"])],
    );
}

#[test]
fn a_total_outage_pages_where_the_recipe_never_could() {
    // 75 h without an error, then none but errors. The recipe needs an error ratio of 1.44.
    check(
        "90",
        "5m",
        "0+6000x4500 27000000+0x600",
        "0+0x4500 0+6000x600",
        &[Seen::Alerts(4525, &[]), Seen::Alerts(4535, &["page"]), Seen::Alerts(4940, &["page", "ticket"])],
    );
}

#[test]
fn a_single_error_wakes_nobody() {
    check(
        "99.9",
        "1m",
        "0+0.1x400",
        "0x299 1x100",
        &[Seen::Alerts(299, &[]), Seen::Alerts(300, &[]), Seen::Alerts(302, &[]), Seen::Alerts(360, &[])],
    );
}

#[test]
fn an_outage_of_little_traffic_pages_and_does_not_flap() {
    // One request in ten minutes, and from the second hour on they all fail: between two of them the short window is empty.
    let bad = (0..20).map(|count| format!("{count}x9")).collect::<Vec<_>>().join(" ");
    let good = (0..12).map(|count| format!("{count}x9")).collect::<Vec<_>>().join(" ");
    let firing: Vec<Seen> = (156..170).map(|minute| Seen::Alerts(minute, &["page", "ticket"])).collect();
    check("99.9", "1m", &format!("{good} 11x200"), &format!("0x119 {bad}"), &firing);
}

#[test]
fn no_error_series_is_no_error() {
    check("99.9", "1m", "0+600x240", "", &[Seen::Gives(200, REMAINING, "1"), Seen::Gives(200, SLI, "0")]);
}

#[test]
fn no_series_at_all_is_unknown() {
    check(
        "99.9",
        "1m",
        "0+600x60",
        "",
        &[Seen::Gives(59, REMAINING, "1"), Seen::Nothing(90, REMAINING), Seen::Nothing(90, SLI), Seen::Alerts(90, &[])],
    );
}

#[test]
fn the_long_windows_of_a_young_service_are_as_long_as_its_life() {
    // Three times the budget for two hours: with three days of history no ticket would come of it.
    check(
        "99",
        "1m",
        "0+582x120",
        "0+18x120",
        &[Seen::Alerts(110, &["ticket"]), Seen::Gives(110, "round(sum(slo:current_burn_rate:ratio ID))", "3")],
    );
}
