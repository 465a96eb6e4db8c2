//! Logs are structured.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::EnvValue,
};

use crate::shared::{declared_library, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "observability.structured-logs",
    title: Text { en: "Logs are structured", zh: "日志是结构化的" },
    source: &["B3.1a", "B6.5"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L2),
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Configure one JSON logger in the entry point, with time, level, message and trace id on every line, and print nothing beside it.",
        zh: "在入口处配置统一的 JSON 日志器，每行包含时间、级别、消息与 trace id，且不再直接打印。",
    },
    references: &["https://opentelemetry.io/docs/specs/otel/logs/data-model/"],
    page: include_str!("structured_logs.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(
        Strength::Declared,
        declared_library(evidence, Capability::StructuredLog, "structured logging", "结构化日志"),
    )
    .and(Strength::Configured, configured(evidence))
}

/// A variable that switches the format to text in production is a counterexample; that it says JSON proves nothing yet.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && matches!(
                        variable.name.as_str(),
                        "LOG_FORMAT" | "LOGGING_FORMAT" | "LOG_ENCODING" | "LOG_OUTPUT_FORMAT"
                    )
                    && matches!(
                        value.to_ascii_lowercase().as_str(),
                        "text" | "console" | "pretty" | "plain" | "logfmt-color"
                    )
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value}: production logs are text", variable.name),
                            format!("{}={value}：生产日志为纯文本", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    if findings.is_empty() {
        match evidence.source_code()? {}
    }
    Ok(Reading::refuted(findings, "production logs are not structured", "生产日志不是结构化的"))
}
