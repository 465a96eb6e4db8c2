//! Overload is shed, not queued without bound.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "resilience.backpressure",
    title: Text { en: "Overload is shed, not queued without bound", zh: "过载时丢弃而非无限排队" },
    source: &["B4.2d"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Bound every queue and the number of requests in flight; answer 503 with Retry-After when the bound is reached.",
        zh: "为每个队列与并发请求数设上限；达到上限时以 503 加 Retry-After 应答。",
    },
    references: &["https://sre.google/sre-book/handling-overload/"],
    page: include_str!("backpressure.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(
        Strength::Declared,
        declared_library(evidence, Capability::Bulkhead, "bounded concurrency", "有界并发"),
    )
    .and(Strength::Configured, configured(evidence))
}

/// Which calls it holds for, and with which bounds, is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
