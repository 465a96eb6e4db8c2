//! Logs for production: no debug output, nobody's data.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Text, evidence::EnvValue,
};

use crate::shared::{clay, declared_library, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "clay.logging",
    title: Text {
        en: "Production logging, no personal data, no keys", zh: "生产级日志，不含个人数据和密钥"
    },
    source: &["C2.5"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: Some(90),
    record: &["environment", "canaries"],
    remediation: Text {
        en: "Log at info in production, as JSON, with request id, run id, status and latency; redact keys, the webhook URL, names, e-mails and phones before a line is written.",
        zh: "生产环境使用 info 级 JSON 日志，包含请求 ID、运行 ID、状态和耗时；写入前脱敏密钥、webhook URL、姓名、邮箱和电话。",
    },
    references: &["https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html"],
    page: include_str!("logging.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        Readings::of(
            Strength::Declared,
            declared_library(evidence, Capability::StructuredLog, "structured logs", "结构化日志"),
        )
        .and(Strength::Configured, configured(evidence))
    })
}

/// What a line holds is in the source. A level that writes bodies and headers is declared.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for variable in workload.main_containers().flat_map(|container| &container.env) {
            let EnvValue::Literal(value) = &variable.value else { continue };
            let level = matches!(variable.name.as_str(), "LOG_LEVEL" | "LOGLEVEL" | "LOG_VERBOSITY" | "CLAY_LOG_LEVEL");
            let verbose =
                level && matches!(value.to_ascii_lowercase().as_str(), "debug" | "trace" | "silly" | "verbose" | "all");
            let on = matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes" | "*");
            let bodies = on
                && variable.name.starts_with("CLAY_")
                && ["DEBUG", "LOG_BODY", "LOG_BODIES", "LOG_PAYLOAD", "LOG_PAYLOADS", "LOG_HEADERS"]
                    .iter()
                    .any(|end| variable.name.ends_with(end));
            if verbose || bodies {
                findings.push(
                    Finding::new(
                        &variable.place,
                        format!("{}={value} in production writes what Clay answers, persons included", variable.name),
                        format!("生产环境 {}={value} 会写出 Clay 的应答，包括个人数据", variable.name),
                    )
                    .in_environment(workload.environment.as_deref()),
                );
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "production logs at a level that is for debugging",
            "生产环境使用调试级别日志",
        ));
    }
    match evidence.source_code()? {}
}
