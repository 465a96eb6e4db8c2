//! Files of objectives, from what their owners write to what Prometheus runs.

use super::{objective, promtool, slo};
use crate::support::Repository;

const OPEN_SLO: &str = r#"apiVersion: openslo/v1
kind: SLI
metadata: {name: requests}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: 'd_seconds_bucket{job="shop",le="0.4"}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'sum(d_seconds_count{job="shop"})'}}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: burn}
spec:
  alertWhenNoData: true
  alertWhenBreaching: true
  conditions: [{kind: AlertCondition, spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: latency, labels: {team: checkout}}
spec:
  service: shop
  indicatorRef: requests
  budgetingMethod: METHOD
  timeWindow: [WINDOW]
  objectives: [{targetPercent: 99.5, timeSliceTarget: 0.95, timeSliceWindow: 1m}]
  alertPolicies: [{alertPolicyRef: burn}]
"#;

/// Rules and tests are made of a file, and promtool is content with both. Gives the rules.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let repository = Repository::of(&[("slo.yml", text)]);
    let made = slo(&repository, &["rules", "slo.yml", "--output", "rules.yml", "--tests", "test.yml"]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    let valid = promtool(repository.path(), "check", "rules.yml");
    assert_eq!(valid.code, 0, "{}{}", valid.out, valid.err);
    let held = promtool(repository.path(), "test", "test.yml");
    assert_eq!(held.code, 0, "{}{}\n{}", held.out, held.err, repository.read("test.yml"));
    let rules = repository.read("rules.yml");
    for line in expect {
        assert!(rules.contains(line), "`{line}` is not in:\n{rules}");
    }
}

fn open_slo(method: &str, window: &str) -> String {
    OPEN_SLO.replace("METHOD", method).replace("WINDOW", window)
}

#[test]
fn openslo_with_counters_and_a_rolling_window() {
    check(
        &open_slo("Occurrences", "{duration: 28d, isRolling: true}"),
        &[
            "expr: \"sum(rate(d_seconds_bucket{job=\\\"shop\\\",le=\\\"0.4\\\"}[5m]))\"",
            "(13.44 * 0.005)",
            "team: checkout",
            "expr: \"vector(0.995)\"",
            "alert: ShopLatencyBudgetBurnNoData",
        ],
    );
}

#[test]
fn slices_of_time() {
    check(
        &open_slo("Timeslices", "{duration: 1w, isRolling: true}"),
        &["interval: 1m", "> bool 0.05", "(3.5 * 0.005)"],
    );
    check(
        &open_slo("RatioTimeslices", "{duration: 1w, isRolling: true}"),
        &["avg_over_time(slo:sli_slice_bad:ratio1m"],
    );
}

#[test]
fn a_month_of_the_calendar() {
    check(
        &open_slo(
            "Occurrences",
            "{duration: 1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}",
        ),
        &["count_values by", "record: slo:time_period_start:timestamp_seconds"],
    );
}

#[test]
fn a_budget_of_the_calendar_is_whole_again_after_its_turn() {
    let text = open_slo("Occurrences", "{duration: 1M, calendar: {timeZone: UTC}}");
    let repository = Repository::of(&[("slo.yml", &text)]);
    assert_eq!(slo(&repository, &["rules", "slo.yml", "--output", "rules.yml"]).code, 0);
    // The time of promtool begins in 1970: there, a month lasts two hours.
    let mut rules = repository.read("rules.yml");
    let turns: std::collections::BTreeSet<u64> =
        rules.split("(vector(").skip(1).filter_map(|rest| rest.split_once(") <= time()")?.0.parse().ok()).collect();
    assert_eq!(turns.len(), 60);
    for (index, turn) in turns.iter().enumerate() {
        rules = rules.replace(&format!("(vector({turn}) <="), &format!("(vector({}) <=", 7200 * index));
    }
    repository.write("rules.yml", &rules);
    repository.write(
        "test.yml",
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n  \
         - {series: 'd_seconds_bucket{job=\"shop\",le=\"0.4\"}', values: '0+594x100 60000+600x200'}\n  \
         - {series: 'd_seconds_count{job=\"shop\"}', values: '0+600x300'}\n  promql_expr_test:\n  \
         - {eval_time: 110m, expr: 'round(sum(slo:period_error_budget_remaining:ratio))', exp_samples: [{labels: '{}', value: -1}]}\n  \
         - {eval_time: 200m, expr: 'sum(slo:period_error_budget_remaining:ratio)', exp_samples: [{labels: '{}', value: 1}]}\n",
    );
    let held = promtool(repository.path(), "test", "test.yml");
    assert_eq!(held.code, 0, "{}{}", held.out, held.err);
}

#[test]
fn pyrra() {
    check(
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: probes, namespace: shop}\nspec:\n  \
         target: '99'\n  window: 7d\n  indicator: {bool_gauge: {metric: probe_success, grouping: [target]}}\n",
        &["sum by (target)(sum_over_time(probe_success[5m]))", "sloth_id: shop-probes"],
    );
}

#[test]
fn objectives_that_share_the_name_of_their_alerts() {
    let second = "- {name: second, objective: 99, sli: {events: {error_query: 'sum(rate(r_total{code=~\"5..\"}[{{.window}}]))', \
                  total_query: 'sum(rate(r_total[{{.window}}]))'}}, alerting: {name: ShopBurns}}\n";
    check(&format!("{}{second}", objective("99.9")), &["sloth_id: shop-second"]);
}

#[test]
fn what_cannot_be_made_into_rules_says_why() {
    for (text, reason) in [
        (
            open_slo("Occurrences", "{duration: 1m, isRolling: false, calendar: {timeZone: UTC}}"),
            "`1m` is no turn of a calendar",
        ),
        (
            open_slo("Occurrences", "{duration: 1M, calendar: {timeZone: Europe/Atlantis}}"),
            "not in the time-zone database",
        ),
        (open_slo("Sometimes", "{duration: 28d, isRolling: true}"), "budgetingMethod `Sometimes`"),
        (objective("100"), "leaves no budget"),
        (
            objective("99.9").replace("sum(rate(r_total[", "sum by (path) (rate(r_total["),
            "grouped by different labels (no label and path)",
        ),
        (objective("99.9").replace("r_total[{{.window}}]", "r_total[{{.filter}}]"), "template"),
    ] {
        let repository = Repository::of(&[("slo.yml", &text)]);
        slo(&repository, &["rules", "slo.yml"]).fails_with(1, &[reason]);
    }
    slo(&Repository::of(&[("a.txt", "")]), &["rules"]).fails_with(2, &["no SLO is declared"]);
}

#[test]
fn a_folder_gets_a_file_for_each_objective() {
    let repository = Repository::of(&[("slo.yml", &objective("99.9")), ("rules/.keep", "")]);
    assert_eq!(slo(&repository, &["rules", "--output", "rules", "--tests", "rules"]).code, 0);
    let held = promtool(&repository.at("rules"), "test", "shop-availability.test.yml");
    assert_eq!(held.code, 0, "{}{}", held.out, held.err);
}

#[track_caller]
fn lints(files: &[(&str, &str)], arguments: &[&str], code: i32, expect: &[&str]) {
    let run = slo(&Repository::of(files), &[&["check"], arguments].concat());
    assert_eq!(run.code, code, "{}{}", run.out, run.err);
    for words in expect {
        assert!(run.out.contains(words), "`{words}` is not in:\n{}", run.out);
    }
}

#[test]
fn the_linter_finds_what_cannot_work() {
    lints(&[("slo.yml", &objective("90"))], &[], 0, &["cannot-fire", "14.4 × over 1h", "1 to know"]);
    lints(&[("slo.yml", &objective("99.99"))], &["--events-per-day", "100"], 1, &["unreachable", "allow 0.3 bad ones"]);
    lints(&[("slo.yml", &objective("99.9"))], &["--events-per-day", "144"], 0, &["single-error", "wait for 3"]);
    lints(&[("slo.yml", &objective("99.9"))], &["--events-per-day", "10000000"], 0, &["0 that cannot work, 0 to know"]);
    let both = format!("{}---\n{}", objective("99.9"), objective("99").replace("service: shop", "service: db"));
    let configuration =
        "[service.shop]\nclass = \"server\"\n[[service.shop.dependency]]\nname = \"db\"\nkind = \"postgres\"\n";
    lints(
        &[("slo.yml", &both), ("gonogo.toml", configuration)],
        &[],
        1,
        &["promises 99.9 %", "db, which it waits for, promises 99 %"],
    );
}
