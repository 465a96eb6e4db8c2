//! Levels are used and can be changed at run time.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::EnvValue,
};

use crate::shared::{declared_library, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "observability.log-levels",
    title: Text {
        en: "Levels are used and can be changed at run time", zh: "使用日志级别且可在运行时调整"
    },
    source: &["B3.1b"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Log with levels, default to INFO in production, and let the level be changed without a redeploy.",
        zh: "按级别记录日志，生产默认 INFO，并可在不重新部署的情况下调整级别。",
    },
    references: &["https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"],
    page: include_str!("log_levels.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(
        Strength::Declared,
        declared_library(evidence, Capability::StructuredLog, "levelled logging", "分级日志"),
    )
    .and(Strength::Configured, configured(evidence))
}

/// Debug in production is a counterexample without any code.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && level_variable(&variable.name)
                    && matches!(value.to_ascii_lowercase().as_str(), "debug" | "trace" | "all" | "silly" | "verbose")
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value} in production", variable.name),
                            format!("生产环境设置了 {}={value}", variable.name),
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
    Ok(Reading::refuted(findings, "production logs at a level for debugging", "生产环境以调试级别记录日志"))
}

fn level_variable(name: &str) -> bool {
    name == "RUST_LOG" || name == "LOGLEVEL" || name.ends_with("LOG_LEVEL") || name.ends_with("LOGGING_LEVEL")
}
