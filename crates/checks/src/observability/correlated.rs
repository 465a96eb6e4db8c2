//! The three signals are joined.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "observability.correlated",
    title: Text { en: "The three signals are joined", zh: "日志、指标与追踪相互关联" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Put the trace id into every log line and exemplars into the duration histograms.",
        zh: "在每行日志中写入 trace id，并为耗时直方图附加 exemplar。",
    },
    references: &["https://grafana.com/docs/grafana/latest/fundamentals/exemplars/"],
    page: include_str!("correlated.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Tracing, "tracing", "追踪"))
        .and(Strength::Configured, configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
