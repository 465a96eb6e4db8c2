//! A correlation id goes through everything.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "observability.correlation",
    title: Text {
        en: "A correlation id is accepted, echoed, logged and passed on",
        zh: "关联 ID 被接收、回显、记录并向下传递",
    },
    source: &["B3.1c"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Read traceparent or x-request-id (or make one), put it in the request context, and from there into logs, the answer, every outbound call and every queue message.",
        zh: "读取 traceparent 或 x-request-id（没有则生成），放入请求上下文，并写入日志、响应、每个出站调用与队列消息。",
    },
    references: &["https://www.w3.org/TR/trace-context/"],
    page: include_str!("correlation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Tracing, "correlation", "关联 ID"))
        .and(Strength::Configured, configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
