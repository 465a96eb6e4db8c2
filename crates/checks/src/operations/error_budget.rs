//! A spent error budget stops features.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Source, Standard, Strength, Text,
};

pub(crate) static CHECK: Check = Check {
    id: "operations.error-budget",
    title: Text { en: "A spent error budget freezes feature releases", zh: "错误预算耗尽时冻结功能发布" },
    source: &["B6.4"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L4),
    gate: Gate::Never,
    min: Strength::Observed,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Let gonogo read the remaining budget from Prometheus before each release, and release only reliability fixes while it is spent.",
        zh: "每次发布前让 gonogo 从 Prometheus 读取剩余错误预算；预算耗尽期间只发布可靠性修复。",
    },
    references: &["https://sre.google/workbook/error-budget-policy/"],
    page: include_str!("error_budget.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Observed, observed(evidence))
}

fn observed(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if evidence.objectives()?.is_empty() {
        let files = evidence.files_read(Source::Objectives);
        return Ok(Reading::not_applicable(
            format!("no SLO is declared ({files} SLO files read), so there is no budget to spend"),
            format!("未声明 SLO（读取了 {files} 个 SLO 文件），因此没有可消耗的预算"),
        ));
    }
    // How much of the budget is left is a number of Prometheus, never of a file.
    match evidence.telemetry()? {}
}
