//! A global boundary turns any failure into a well-formed answer.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "errors.boundary",
    title: Text {
        en: "A global boundary turns any failure into a well-formed answer",
        zh: "全局错误边界将任何失败转为规范应答",
    },
    source: &["B3.2a"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Register the framework's last-resort handler (error middleware, exception handler, recover) so that every failure becomes one JSON error.",
        zh: "注册框架的兜底处理器（错误中间件、异常处理器、recover），使任何失败都返回统一的 JSON 错误。",
    },
    references: &["https://www.rfc-editor.org/rfc/rfc9457"],
    page: include_str!("boundary.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(
        Strength::Declared,
        declared_library(evidence, Capability::ErrorHandling, "error handling", "错误处理"),
    )
    .and(Strength::Configured, configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
