//! What SLO files are read as.

use std::fmt::Write as _;

use gonogo_domain::evidence::{InfrastructureTool, Resource};
use gonogo_formats::json;

use super::*;
use crate::Tree;

/// `name (service) @line indicator target window queries`, then `alerts` and `policy` with their lines.
fn show(objective: &Objective) -> String {
    let line = |place: &Place| place.line().unwrap_or(0);
    let mut shown =
        format!("{} ({}) @{}", objective.name, objective.service.as_deref().unwrap_or("-"), line(&objective.place));
    write!(shown, " {:?}", objective.indicator).unwrap();
    if let Some(target) = &objective.target {
        write!(shown, " {} @{}", target.value, line(&target.place)).unwrap();
    }
    if let Some(window) = &objective.window_seconds {
        write!(shown, " {}d @{}", window.value / 86400, line(&window.place)).unwrap();
    }
    write!(shown, " {} queries", objective.queries.len()).unwrap();
    if let Some(place) = &objective.alerting {
        write!(shown, " alerts @{}", line(place)).unwrap();
    }
    if let Some(place) = &objective.budget_policy {
        write!(shown, " policy @{}", line(place)).unwrap();
    }
    shown
}

fn check(text: &str, expect: &[&str]) {
    let tree = Tree::from_memory([("slo/api.yaml".to_owned(), text.as_bytes().to_vec())]);
    let found = gather(&Corpus::read(&tree));
    let mut shown: Vec<String> = found.items.iter().map(show).collect();
    shown.extend(found.gaps.iter().map(|gap| format!("gap {}: {}", gap.place, gap.reason)));
    assert_eq!(shown, expect, "for {text}");
}

/// An SLO resource of Terraform, its body as JSON; other resources after it.
fn check_resources(resources: &[(&str, &str)], expect: &str) {
    let path = "main.tf".into();
    let resources: Vec<Resource> = resources
        .iter()
        .map(|(kind, body)| Resource {
            tool: InfrastructureTool::Terraform,
            kind: (*kind).to_owned(),
            name: "api".to_owned(),
            place: Place::new("main.tf", 1, 1),
            body: json::parse(&path, body).unwrap(),
        })
        .collect();
    let found = from_infrastructure(&resources);
    assert_eq!(found.iter().map(show).collect::<Vec<_>>(), [expect]);
}

#[test]
fn openslo_is_read_and_its_references_resolved() {
    check(
        "apiVersion: openslo/v1
kind: SLO
metadata:
  name: api-availability
  annotations: {error-budget-policy: docs/policy.md}
spec:
  service: api
  indicatorRef: good
  timeWindow:
  - duration: 28d
    isRolling: true
  objectives:
  - target: 0.999
  alertPolicies: [burn]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: good}
spec:
  ratioMetric:
    good: {metricSource: {spec: {query: 'a'}}}
    total: {metricSource: {spec: {query: 'b'}}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: burn}
",
        &["api-availability (api) @1 Availability 0.999 @13 28d @10 2 queries alerts @14 policy @5"],
    );
    check(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {indicatorRef: x, objectives: [{targetPercent: 99.95}], alertPolicies: [y]}\n",
        &[
            "a (-) @1 Other 0.9995 @4 0 queries alerts @4",
            "gap slo/api.yaml:4: the alert policy `y` is not in the repository",
            "gap slo/api.yaml:4: the indicator `x` is not in the repository",
        ],
    );
}

#[test]
fn the_first_openslo_is_read() {
    check(
        "apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: api}
spec:
  service: api
  timeWindows:
  - {unit: Day, count: 30, isRolling: true}
  objectives:
  - displayName: fast
    target: 0.95
    ratioMetrics: {good: {query: 'x_bucket{le=\"1\"}'}, total: {query: x_count}}
  - displayName: up
    target: 0.99
    ratioMetrics: {good: {query: 'x{code!~\"5..\"}'}, total: {query: x_count}}
",
        &[
            "api: fast (api) @9 Latency 0.95 @10 30d @7 2 queries",
            "api: up (api) @12 Availability 0.99 @13 30d @7 2 queries",
        ],
    );
}

#[test]
fn sloth_is_read_in_both_spellings() {
    check(
        "version: prometheus/v1
service: api
slos:
- name: requests-availability
  objective: 99.9
  sli: {events: {error_query: 'a{code=~\"5..\"}', total_query: a}}
  alerting: {name: A, page_alert: {labels: {}}, ticket_alert: {disable: true}}
- name: quiet
  objective: 99
  sli: {raw: {error_ratio_query: 'x{code=~\"5..\"}'}}
  alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
",
        &[
            "requests-availability (api) @4 Availability 0.999 @5 30d @4 2 queries alerts @7",
            "quiet (api) @8 ErrorRate 0.99 @9 30d @8 1 queries",
        ],
    );
    check(
        "apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
spec:
  service: api
  slos:
  - name: latency
    objective: 99.99
    sli: {events: {errorQuery: a, totalQuery: b}}
    alerting: {name: A}
",
        &["latency (api) @6 Latency 0.9999 @7 30d @6 2 queries alerts @9"],
    );
}

#[test]
fn pyrra_is_read() {
    check(
        "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api}
spec:
  target: '99.5'
  window: 2w
  description: See the error budget policy.
  indicator:
    ratio: {errors: {metric: 'x{code=~\"5..\"}'}, total: {metric: x}}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: fast}
spec:
  target: '99'
  window: 4w
  indicator:
    latency: {success: {metric: a}, total: {metric: b}}
  alerting: {disabled: true}
",
        &[
            "api (-) @1 ErrorRate 0.995 @5 14d @6 2 queries alerts @5 policy @7",
            "fast (-) @11 Latency 0.99 @15 28d @16 2 queries",
        ],
    );
}

#[test]
fn terraform_is_read() {
    check_resources(
        &[
            (
                "datadog_service_level_objective",
                r#"{"name": "Uptime", "thresholds": [{"timeframe": "30d", "target": 99.9}],
                "query": {"numerator": "a", "denominator": "b"}}"#,
            ),
            ("datadog_monitor", r#"{"query": "burn_rate(\"${datadog_service_level_objective.api.id}\")"}"#),
        ],
        "Uptime (-) @1 Availability 0.999 @1 30d @1 2 queries alerts @1",
    );
    check_resources(
        &[(
            "google_monitoring_slo",
            r#"{"goal": 0.99, "rolling_period_days": 28, "basic_sli": {"latency": {"threshold": "1s"}}}"#,
        )],
        "api (-) @1 Latency 0.99 @1 28d @1 0 queries",
    );
    check_resources(
        &[(
            "nobl9_slo",
            r#"{"name": "errors", "objective": {"target": 0.95}, "time_window": {"unit": "Day", "count": 7}, "alert_policies": ["a"]}"#,
        )],
        "errors (-) @1 ErrorRate 0.95 @1 7d @1 0 queries alerts @1",
    );
}

#[test]
fn percents_have_no_binary_noise() {
    for (text, expect) in [
        ("99.9", 0.999),
        ("99.95%", 0.9995),
        ("100", 1.0),
        ("5", 0.05),
        ("0.5", 0.005),
        ("99.999", 0.99999),
        ("5e1", 0.5),
    ] {
        let found = figures::percent(&Node::text(Place::whole("a"), text)).map(|found| found.value);
        assert_eq!(found, Some(expect), "for {text}");
    }
    assert!(figures::percent(&Node::text(Place::whole("a"), "high")).is_none());
}

#[test]
fn what_is_no_slo_is_left_alone() {
    check("groups:\n- rules:\n  - record: slo:availability:ratio\n    expr: a\n", &[]);
    check("kind: SLO\nspec: {objectives: [{target: 0.9}]}\n", &[]);
    check("apiVersion: openslo/v1\nkind: SLO\nspec:\n  a: [\n", &["gap slo/api.yaml:4: unclosed bracket '['"]);
}
