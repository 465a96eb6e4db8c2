//! Users get one stable error envelope without internals.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

pub(crate) static CHECK: Check = Check {
    id: "errors.messages",
    title: Text {
        en: "Users get one stable error envelope without internals",
        zh: "用户收到统一、稳定且不泄露内部信息的错误格式",
    },
    source: &["B3.2e"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Answer every error with one JSON envelope (code, message, request id, or problem+json) and leave stack traces to the log.",
        zh: "所有错误使用统一的 JSON 结构（代码、消息、请求 ID，或 problem+json），堆栈只写入日志。",
    },
    references: &["https://www.rfc-editor.org/rfc/rfc9457"],
    page: include_str!("messages.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// How the program does it is in the source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
