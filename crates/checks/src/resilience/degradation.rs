//! With a dependency down the service answers in a reduced form.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "resilience.degradation",
    title: Text {
        en: "With a dependency down the service answers in a reduced, marked form",
        zh: "依赖不可用时服务以降级且有标记的方式应答",
    },
    source: &["B3.2g", "C3.4"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Serve a fallback, a stale cache entry or a queued acceptance when a dependency is down, and mark the answer as such.",
        zh: "依赖不可用时返回后备值、过期缓存或排队受理，并在应答中标明。",
    },
    references: &["https://sre.google/sre-book/addressing-cascading-failures/"],
    page: include_str!("degradation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Cache, "caches", "缓存"))
        .and(Strength::Configured, configured(evidence))
}

/// Which calls it holds for, and with which bounds, is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
