//! Errors are classified.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

pub(crate) static CHECK: Check = Check {
    id: "errors.classification",
    title: Text {
        en: "Errors are classified, retryable told from permanent",
        zh: "错误已分类，并区分可重试与永久错误",
    },
    source: &["B3.2d"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give errors a type that says whether a retry can help, and map each type to one status.",
        zh: "为错误定义能表明是否可重试的类型，并将每种类型映射到唯一状态码。",
    },
    references: &["https://grpc.io/docs/guides/status-codes/"],
    page: include_str!("classification.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
