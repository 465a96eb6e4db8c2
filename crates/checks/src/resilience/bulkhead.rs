//! Critical paths are isolated from others.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "resilience.bulkhead",
    title: Text {
        en: "Critical paths are isolated from non-critical ones", zh: "关键路径与非关键路径相互隔离"
    },
    source: &["B4.2f"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each dependency its own pool or semaphore, and let what is critical share none with what is not.",
        zh: "为每个依赖配置独立的连接池或信号量，关键路径不与非关键路径共享。",
    },
    references: &["https://learn.microsoft.com/azure/architecture/patterns/bulkhead"],
    page: include_str!("bulkhead.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Bulkhead, "bulkheads", "舱壁隔离"))
        .and(Strength::Configured, configured(evidence))
}

/// Which calls it holds for, and with which bounds, is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
