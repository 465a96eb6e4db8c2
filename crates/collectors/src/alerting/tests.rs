//! What alert rules and routes are read as.

use std::fmt::Write as _;

use gonogo_domain::{Gap, Node, Place};

use super::*;
use crate::{Corpus, Tree};

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())))
}

fn line(place: &Place) -> u32 {
    place.line().unwrap_or(0)
}

fn gap(gap: &Gap) -> String {
    format!("gap {}: {}", gap.place, gap.reason)
}

/// Rules as `name @line for severity metrics thresholds environment`, then the gaps.
fn check(files: &[(&str, &str)], expect: &[&str]) {
    let tree = tree(files);
    let found = gather(&Corpus::read(&tree));
    let mut shown = Vec::new();
    for rule in &found.items {
        let mut one = format!("{} @{}", rule.name, line(&rule.place));
        if let Some(duration) = &rule.for_seconds {
            write!(one, " for {}s", duration.value).unwrap();
        }
        if let Some(severity) = rule.labels.get("severity") {
            write!(one, " {} @{}", severity.value, line(&severity.place)).unwrap();
        }
        match &rule.query {
            Ok(query) => write!(one, " {} {:?}", query.metrics.join(","), query.thresholds).unwrap(),
            Err(_) => one.push_str(" broken"),
        }
        if let Some(environment) = &rule.environment {
            write!(one, " in {environment} {}", rule.production).unwrap();
        }
        shown.push(one);
    }
    shown.extend(found.gaps.iter().map(gap));
    assert_eq!(shown, expect);
}

/// Receivers as `name: channels`, routes as `-> receiver [matchers] @line`.
fn check_routing(text: &str, expect: &[&str]) {
    let tree = tree(&[("monitoring/alertmanager.yaml", text)]);
    let found = routing(&Corpus::read(&tree));
    let mut shown = Vec::new();
    for one in &found.items {
        shown
            .extend(one.receivers.iter().map(|receiver| format!("{}: {}", receiver.name, receiver.channels.join(" "))));
        for route in &one.routes {
            let root = if route.root { " root" } else { "" };
            let receiver = route.receiver.as_deref().unwrap_or("-");
            shown.push(format!("-> {receiver} [{}] @{}{root}", route.matchers.join(" "), line(&route.place)));
        }
    }
    shown.extend(found.gaps.iter().map(gap));
    assert_eq!(shown, expect, "for {text}");
}

const RULES: &str = "groups:
- name: api
  rules:
  - alert: Errors
    expr: rate(errors_total[5m]) > 0.1
    for: 1m30s
    labels: {severity: critical}
    annotations:
      summary: '{{ $labels.x }} fails'
  - record: a:b
    expr: sum(up)
";

#[test]
fn rules_are_read_from_files_with_their_environment() {
    check(
        &[("monitoring/prod/rules.yml", RULES)],
        &["Errors @4 for 90s critical @7 errors_total [0.1] in prod true", "a:b @10 up [] in prod true"],
    );
    check(&[("monitoring/rules.yml", "groups:\n- rules:\n  - alert: A\n    expr: up ==\n")], &["A @3 broken"]);
    check(&[("tests/rules.yml", RULES)], &[]);
}

#[test]
fn rules_are_read_from_objects_values_and_config_maps() {
    let nested = RULES.replace('\n', "\n    ");
    let expect = |first: u32| {
        [
            format!("Errors @{first} for 90s critical @{} errors_total [0.1]", first + 3),
            format!("a:b @{} up []", first + 6),
        ]
    };
    let check = |text: &str, first: u32| {
        let expect = expect(first);
        check(&[("a/b.yaml", text)], &[expect[0].as_str(), expect[1].as_str()]);
    };
    check(&format!("kind: PrometheusRule\nspec:\n    {nested}"), 6);
    check(&format!("prometheus:\n  serverFiles:\n    {nested}"), 6);
    check(&format!("kind: ConfigMap\ndata:\n  rules.yml: |\n    {nested}"), 7);
    check(&format!("kind: List\nitems:\n- kind: PrometheusRule\n  spec:\n    {nested}"), 8);
}

#[test]
fn rules_of_loki_are_no_broken_promql() {
    check(
        &[("loki/rules.yml", "groups:\n- rules:\n  - alert: A\n    expr: 'sum(rate({a=\"b\"} |= \"x\" [5m])) > 3'\n")],
        &["A @3  [3.0]"],
    );
}

#[test]
fn rules_that_grafana_evaluates_are_read() {
    check(
        &[(
            "provisioning/alerting/a.yaml",
            "apiVersion: 1
groups:
- name: g
  folder: f
  rules:
  - uid: u
    title: High latency
    for: 5m
    labels: {severity: page}
    data:
    - refId: A
      datasourceUid: prom
      model: {expr: 'up{job=\"api\"}'}
    - refId: B
      datasourceUid: __expr__
      model:
        type: threshold
        conditions: [{evaluator: {type: gt, params: [0.5]}}]
  - uid: v
    title: Reckoned
    data:
    - refId: A
      datasourceUid: prom
      model: {expr: 'up{job=\"api\"}'}
    - refId: B
      datasourceUid: __expr__
      model: {type: math, expression: '$A < 0.25'}
",
        )],
        &["High latency @6 for 300s page @9 up [0.5]", "Reckoned @19 up [0.25]"],
    );
}

#[test]
fn what_is_not_rules_is_left_alone() {
    check(
        &[(
            "rules_unit.yml",
            "rule_files: [a.yml]\ntests:\n- groups: x\ngroups:\n- rules:\n  - {alert: A, expr: up}\n",
        )],
        &[],
    );
    check(
        &[("a.yaml", "groups: [admins, users]\n"), ("b.yaml", "spec:\n  groups:\n  - name: x\n    rules: [get]\n")],
        &[],
    );
}

#[test]
fn broken_rules_are_gaps() {
    check(
        &[("rules.yml", "groups:\n- rules:\n  - alert: A\n    expr: up\n    for: 5 minutes\n")],
        &["A @3 up []", "gap rules.yml:5: `5 minutes` is no duration of Prometheus"],
    );
    let tree = tree(&[("rules.yml", "groups:\n- rules:\n  - alert: A\n    expr: up\n   x: [\n")]);
    let found = gather(&Corpus::read(&tree));
    assert!(!found.gaps.is_empty() && found.files == 1, "{found:?}");
}

#[test]
fn jsonnet_is_a_gap_unless_its_rules_are_compiled_beside_it() {
    let mixin = "{\n  alerts: [\n    {\n      alert: 'Errors',\n      expr: 'up',\n    },\n  ],\n}\n";
    check(
        &[("mixin/alerts.libsonnet", mixin)],
        &["gap mixin/alerts.libsonnet:4: its alerts are written in Jsonnet, which is not evaluated"],
    );
    let rules = "groups:\n- rules:\n  - {alert: Errors, expr: up}\n";
    check(&[("mixin/alerts.libsonnet", mixin), ("compiled/alerts.yaml", rules)], &["Errors @3 up []"]);
    let format = "alert: '%sors' % name, expr: 'up',";
    check(&[("mixin/alerts.libsonnet", format), ("compiled/alerts.yaml", rules)], &["Errors @3 up []"]);
    // The folder says nothing; an alert without an expression is something else of that name.
    check(&[("mixin/lib.libsonnet", &mixin.replace("expr", "text"))], &[]);
    let compiled = |source: &str, file: &str| {
        let tree = tree(&[(source, mixin), (file, rules)]);
        let found = gather(&Corpus::read(&tree));
        found.items.first().and_then(|rule| rule.compiled_from.as_ref()).map(ToString::to_string)
    };
    let line = Some("mixin/alerts.libsonnet:4".to_owned());
    assert_eq!(compiled("mixin/alerts.libsonnet", "examples/alerts.yaml"), line);
    assert_eq!(compiled("examples/mixin/alerts.libsonnet", "examples/alerts.yaml"), None);
}

#[test]
fn rendered_objects_replace_the_plain_lines() {
    let text = "kind: PrometheusRule\nspec:\n  groups:\n  - rules:\n    - {alert: A, expr: up}\n";
    let tree = tree(&[("base/rules.yaml", text)]);
    let corpus = Corpus::read(&tree);
    let body: Node = corpus.file("base/rules.yaml").unwrap().documents[0].clone();
    let object = |environment: &str| gonogo_domain::evidence::Object {
        api_version: String::new(),
        kind: "PrometheusRule".to_owned(),
        name: String::new(),
        namespace: None,
        labels: std::collections::BTreeMap::default(),
        environment: Some(environment.to_owned()),
        production: environment == "prod",
        place: body.place.clone(),
        body: body.clone().into(),
    };
    let found = with_objects(gather(&corpus), &[object("prod"), object("dev")]);
    let environments: Vec<_> = found.items.iter().map(|rule| (rule.environment.as_deref(), rule.production)).collect();
    assert_eq!(environments, [(Some("dev"), false), (Some("prod"), true)]);
}

#[test]
fn routes_inherit_and_receivers_have_channels() {
    check_routing(
        "route:
  receiver: team
  routes:
  - matchers: ['severity=\"critical\"', team=~a|b]
    routes:
    - match: {service: api}
      receiver: page
receivers:
- name: team
  slack_configs: [{channel: a}]
- name: page
  pagerduty_configs: [{service_key: x}]
  email_configs: []
- name: 'null'
",
        &[
            "team: slack",
            "page: pagerduty",
            "null: ",
            "-> team [] @2 root",
            "-> team [severity=\"critical\" team=~\"a|b\"] @4",
            "-> page [severity=\"critical\" team=~\"a|b\" service=\"api\"] @6",
        ],
    );
}

#[test]
fn routing_is_read_from_objects_and_from_grafana() {
    check_routing(
        "kind: AlertmanagerConfig
spec:
  route:
    receiver: a
    matchers: [{name: severity, value: critical, matchType: '='}]
  receivers:
  - name: a
    opsgenieConfigs: [{}]
",
        &["a: opsgenie", "-> a [severity=\"critical\"] @4 root"],
    );
    check_routing(
        "apiVersion: 1
contactPoints:
- name: team
  receivers: [{type: slack}]
policies:
- receiver: team
  routes:
  - receiver: team
    object_matchers: [[severity, '=', critical]]
",
        &["team: slack", "-> team [] @6 root", "-> team [severity=\"critical\"] @8"],
    );
    // A collector of telemetry has receivers, and nobody to wake.
    check_routing("receivers:\n  otlp: {}\nservice:\n  pipelines: {}\n", &[]);
}

#[test]
fn durations_are_those_of_prometheus() {
    for (text, expect) in [
        ("5m", Some(300)),
        ("1h30m", Some(5400)),
        ("0", Some(0)),
        ("1d", Some(86400)),
        ("5 m", None),
        ("", None),
        ("99999999999999999999d", None),
    ] {
        assert_eq!(seconds(text), expect, "for {text}");
    }
}
