//! Alerts and dashboards in Jsonnet.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, gathers};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rules = "groups:\n- rules:\n  - {alert: AErrors, expr: up}\n";
    gathers(Scanned::AlertRules, &[("mixin/alerts.libsonnet", text), ("alerts.yaml", rules)]);
});
