//! No error is silently swallowed.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

pub(crate) static CHECK: Check = Check {
    id: "errors.swallowed",
    title: Text { en: "No error is silently swallowed", zh: "没有被悄悄吞掉的错误" },
    source: &["B3.2f"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Handle the error, hand it on, or log it once; delete empty catch blocks and ignored results.",
        zh: "处理、上抛或记录错误一次；移除空的 catch 与被忽略的结果。",
    },
    references: &["https://go.dev/blog/errors-are-values"],
    page: include_str!("swallowed.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
