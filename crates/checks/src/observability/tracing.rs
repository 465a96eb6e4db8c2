//! Distributed tracing.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::EnvValue,
};

use crate::shared::{declared_library, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "observability.tracing",
    title: Text { en: "Distributed tracing", zh: "分布式追踪" },
    source: &["B3.1e"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Initialise the OpenTelemetry SDK before everything else, set OTEL_EXPORTER_OTLP_ENDPOINT, and propagate W3C traceparent on every call.",
        zh: "最先初始化 OpenTelemetry SDK，设置 OTEL_EXPORTER_OTLP_ENDPOINT，并在每次调用中传播 W3C traceparent。",
    },
    references: &["https://opentelemetry.io/docs/"],
    page: include_str!("tracing.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Tracing, "tracing", "追踪"))
        .and(Strength::Configured, configured(evidence))
}

/// Tracing that production switches off is a counterexample without any code.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && switched_off(&variable.name, value)
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value}: tracing is switched off in production", variable.name),
                            format!("{}={value}：生产环境关闭了追踪", variable.name),
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
    Ok(Reading::refuted(findings, "tracing is switched off", "追踪已关闭"))
}

fn switched_off(name: &str, value: &str) -> bool {
    match name {
        "OTEL_SDK_DISABLED" | "DISABLE_TRACING" | "TRACING_DISABLED" => matches!(value, "1" | "true" | "TRUE"),
        "ENABLE_TRACING" | "TRACING_ENABLED" => matches!(value, "0" | "false" | "FALSE"),
        "OTEL_TRACES_EXPORTER" => value == "none",
        "OTEL_TRACES_SAMPLER" => value == "always_off",
        _ => false,
    }
}
