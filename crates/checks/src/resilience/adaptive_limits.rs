//! Limits adapt to load.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "resilience.adaptive-limits",
    title: Text { en: "Limits adapt to load", zh: "限流随负载自适应" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Let the concurrency limit follow measured latency (AIMD, gradient), or obey the remaining-quota headers of what you call.",
        zh: "让并发上限随实测延迟调整（AIMD、梯度算法），或遵守上游剩余配额头。",
    },
    references: &["https://netflixtechblog.medium.com/performance-under-load-3e6fa9a60581"],
    page: include_str!("adaptive_limits.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(
        Strength::Declared,
        declared_library(evidence, Capability::AdaptiveLimit, "adaptive limits", "自适应限流"),
    )
    .and(Strength::Configured, configured(evidence))
}

/// Which calls it holds for, and with which bounds, is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
