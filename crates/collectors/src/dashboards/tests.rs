//! Dashboards of every form, and what is none.

use super::*;
use crate::Tree;

/// `title @line: panel @line [source] metrics`, and the gaps.
fn check(path: &str, text: &str, expect: &[&str]) {
    let tree = Tree::from_memory([(path.to_owned(), text.as_bytes().to_vec())]);
    let found = gather(&Corpus::read(&tree));
    let line = |place: &Place| place.line().unwrap_or(0);
    let mut shown = Vec::new();
    for dashboard in &found.items {
        shown.push(format!("{} @{}", dashboard.title, line(&dashboard.place)));
        for panel in &dashboard.panels {
            let metrics: Vec<String> = panel
                .queries
                .iter()
                .map(|(text, query)| {
                    query.as_ref().map_or_else(|_| format!("?{text}"), |query| query.metrics.join(" "))
                })
                .collect();
            let source = panel.datasource.as_deref().unwrap_or("-");
            shown.push(format!("{} @{} [{source}] {}", panel.title, line(&panel.place), metrics.join(", ")));
        }
    }
    shown.extend(found.gaps.iter().map(|gap| format!("gap @{}", line(&gap.place))));
    assert_eq!(shown, expect, "for {text}");
}

const PANELS: &str = r#"{
  "title": "Service", "schemaVersion": 39,
  "__inputs": [{"name": "DS", "pluginId": "prometheus"}],
  "panels": [
    {"type": "row", "panels": [
      {"datasource": "${DS}", "targets": [{"expr": "rate(a_total[$__rate_interval])"}, {"expr": "b", "hide": true}],
       "title": "Traffic"}
    ]},
    {"title": "Logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{a=\"b\"} |= \"x\""}]},
    {"title": "Cloud", "datasource": {"type": "cloudwatch"}, "targets": [{"metricName": "Latency"}]},
    {"title": "Words", "type": "text"}
  ]
}"#;

#[test]
fn panels_are_read_wherever_they_lie() {
    let expect = [
        "Service @1",
        "Traffic @7 [prometheus] a_total",
        "Logs @9 [loki] ",
        "Cloud @10 [cloudwatch] ?Latency",
        "Words @11 [-] ",
    ];
    check("grafana/service.json", PANELS, &expect);
    check(
        "old.json",
        "{\"rows\": [{\"panels\": [{\"title\": \"A\", \"targets\": [{\"expr\": \"up\"}]}]}], \"refresh\": \"1m\"}",
        &["old @1", "A @1 [-] up"],
    );
}

#[test]
fn dashboards_in_objects_have_lines_of_the_file() {
    let block = PANELS.replace('\n', "\n    ");
    let text = format!("kind: ConfigMap\ndata:\n  service.json: |\n    {block}\n");
    check(
        "deploy/dashboard.yaml",
        &text,
        &[
            "Service @4",
            "Traffic @10 [prometheus] a_total",
            "Logs @12 [loki] ",
            "Cloud @13 [cloudwatch] ?Latency",
            "Words @14 [-] ",
        ],
    );
    check("a.yaml", "kind: GrafanaDashboard\nspec:\n  json: |\n    {\"panels\": [\n", &["gap @4"]);
}

#[test]
fn the_second_schema_is_read() {
    check(
        "v2.json",
        r#"{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": {"title": "Two", "elements": {"panel-1": {"kind": "Panel",
            "spec": {"title": "P", "data": {"spec": {"queries": [{"spec": {"query": {"kind": "prometheus", "spec": {"expr": "up"}}}}]}}}}}}}"#,
        &["Two @1", "P @2 [prometheus] up"],
    );
}

#[test]
fn other_json_is_no_dashboard() {
    check("a.json", "{\"panels\": [{\"title\": \"x\"}]}", &[]);
    check("tests/a.json", PANELS, &[]);
}

#[test]
fn dashboards_in_jsonnet_are_a_gap_until_their_compiled_form_is_there() {
    const SOURCE: &str = "{\n  grafanaDashboards+:: {\n    [if $._config.on then 'overview.json']: {},\n  },\n}\n";
    let found = |files: &[(&str, &str)]| {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let found = gather(&Corpus::read(&tree));
        let compiled: Vec<String> =
            found.items.iter().filter_map(|one| one.compiled_from.as_ref()).map(ToString::to_string).collect();
        let gaps: Vec<String> = found.gaps.iter().map(|gap| gap.place.to_string()).collect();
        (compiled, gaps)
    };
    let line = || "mixin/overview.libsonnet:3".to_owned();
    let source = ("mixin/overview.libsonnet", SOURCE);
    assert_eq!(found(&[source]), (vec![], vec![line()]));
    assert_eq!(found(&[source, ("examples/dashboards/overview.json", PANELS)]), (vec![line()], vec![]));
    // Another dashboard is not what this one becomes, and an example of a mixin stays an example.
    assert_eq!(found(&[source, ("examples/other.json", PANELS)]), (vec![], vec![line()]));
    let example = ("examples/mixin/overview.libsonnet", SOURCE);
    assert_eq!(found(&[example, ("examples/overview.json", PANELS)]), (vec![], vec![]));
    // Who only imports, and who only uses, declares nothing.
    assert_eq!(found(&[("mixin.libsonnet", "{ grafanaDashboards+:: (import 'a.libsonnet') }\n")]), (vec![], vec![]));
    assert_eq!(found(&[("dashboards.jsonnet", "(import 'm.libsonnet').grafanaDashboards\n")]), (vec![], vec![]));
    // A library of Grafana's: the title tells.
    let made = ("a.jsonnet", "local g = import 'g.libsonnet';\ng.dashboard.new('Service')\n");
    assert_eq!(found(&[made]), (vec![], vec!["a.jsonnet:2".to_owned()]));
    assert_eq!(found(&[made, ("out/a.json", PANELS)]), (vec!["a.jsonnet:2".to_owned()], vec![]));
}
