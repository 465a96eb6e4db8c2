//! Alerts and dashboards in Jsonnet.
#![no_main]

use gonogo_collectors_fuzz::gathers;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rules = "groups:\n- rules:\n  - {alert: AErrors, expr: up}\n";
    gathers(&[("mixin/alerts.libsonnet", text), ("alerts.yaml", rules)]);
});
