//! Distributed tracing.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{CommandForm, EnvValue, InstructionKind, Meaning, SourceCode},
};

use crate::shared::{declared_library, production_workloads, program};

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
    program::readings(declared_library(evidence, Capability::Tracing, "tracing", "追踪"), configured(evidence))
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
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "tracing is switched off", "追踪已关闭"));
    }
    let agents = agents(evidence)?;
    if !agents.is_empty() {
        return Ok(Reading::shown(agents, "an agent traces the program from outside", "由探针代理自外部追踪该程序"));
    }
    Ok(initialised(evidence, evidence.source()?))
}

/// The SDK is set up, and what it records leaves the process.
fn initialised(evidence: &Evidence<'_>, source: &SourceCode) -> Reading {
    let parts = |part: &str| program::used(source, Meaning::Tracing).find(|one| program::default(one, "part") == part);
    if let Some(all) = parts("all") {
        return Reading::shown(
            [all.place.clone()],
            format!("{} sets up the SDK with its exporter", all.symbol),
            format!("{} 初始化了 SDK 与导出器", all.symbol),
        );
    }
    match (parts("sdk"), parts("exporter")) {
        (Some(sdk), Some(exporter)) => Reading::shown(
            [sdk.place.clone(), exporter.place.clone()],
            format!("{} is set up, and {} exports", sdk.symbol, exporter.symbol),
            format!("{} 已初始化，由 {} 导出", sdk.symbol, exporter.symbol),
        ),
        (Some(sdk), None) => Reading::partly(
            [sdk.place.clone()],
            vec![Finding::new(
                &sdk.place,
                format!("{} has no exporter that leaves the process", sdk.symbol),
                format!("{} 没有将数据送出进程的导出器", sdk.symbol),
            )],
            "the SDK is set up, and nothing is exported",
            "SDK 已初始化，但未导出任何数据",
        ),
        (None, _) => match program::used(source, Meaning::Tracing).next() {
            Some(one) => program::trail_ends(
                format!("{} at {} traces; where the SDK is set up was not followed", one.symbol, one.place),
                format!("{} 处 {} 产生追踪；SDK 的初始化位置未能追踪", one.place, one.symbol),
            ),
            None => {
                program::nothing(evidence, source, &[Meaning::Tracing], "nothing sets up tracing", "没有初始化追踪")
            }
        },
    }
}

/// What traces from outside of the program: an annotation of the operator, a preloaded module, a launcher.
fn agents(evidence: &Evidence<'_>) -> Result<Vec<Place>, Missing> {
    let mut places = Vec::new();
    for workload in production_workloads(evidence)? {
        let injected = workload.pod_annotations.iter().filter(|(name, value)| {
            name.starts_with("instrumentation.opentelemetry.io/inject-") && value.value != "false"
        });
        places.extend(injected.map(|(_, value)| value.place.clone()));
        for container in workload.main_containers() {
            for variable in &container.env {
                let EnvValue::Literal(value) = &variable.value else { continue };
                let loads = match variable.name.as_str() {
                    "JAVA_TOOL_OPTIONS" | "JDK_JAVA_OPTIONS" | "JAVA_OPTS" => {
                        value.contains("-javaagent:") && traces(value)
                    }
                    "NODE_OPTIONS" => (value.contains("--require") || value.contains("--import")) && traces(value),
                    "CORECLR_ENABLE_PROFILING" => value == "1",
                    _ => false,
                };
                if loads {
                    places.push(variable.place.clone());
                }
            }
            let words = container.command.iter().chain(&container.args);
            places.extend(words.filter(|words| launches(&words.value)).map(|words| words.place.clone()));
        }
    }
    for image in evidence.images()? {
        for instruction in image.final_instructions() {
            let starts = match &instruction.kind {
                InstructionKind::Entrypoint(form) | InstructionKind::Cmd(form) => match form {
                    CommandForm::Exec(words) => launches(words),
                    CommandForm::Shell(text) => {
                        launches(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                    }
                },
                _ => false,
            };
            if starts {
                places.push(instruction.place.clone());
            }
        }
    }
    Ok(places)
}

fn launches(words: &[String]) -> bool {
    words.iter().any(|word| {
        matches!(word.rsplit('/').next(), Some("opentelemetry-instrument" | "ddtrace-run" | "newrelic-admin"))
            || word.starts_with("-javaagent:") && traces(word)
    })
}

fn traces(text: &str) -> bool {
    ["opentelemetry", "dd-java-agent", "dd-trace", "elastic-apm", "newrelic", "applicationinsights", "skywalking"]
        .iter()
        .any(|name| text.contains(name))
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
