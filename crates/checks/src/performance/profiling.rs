//! Where the processor and the memory go can be seen.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{EnvValue, InstructionKind, Meaning, SourceCode, Use, Workload},
};

use crate::shared::{declared_library, production_workloads, program};

pub(crate) static CHECK: Check = Check {
    id: "performance.profiling",
    title: Text { en: "CPU and memory can be profiled", zh: "可对 CPU 与内存进行性能剖析" },
    source: &["B3.3c"],
    standard: Standard::ProductionReadiness,
    area: Area::Performance,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &["environment", "tool"],
    remediation: Text {
        en: "Expose pprof or its like on a port of its own that is not public, or attach a continuous profiler (Pyroscope, Parca, the vendor's).",
        zh: "在独立且不对外的端口暴露 pprof 或同类接口，或接入持续剖析（Pyroscope、Parca 或厂商方案）。",
    },
    references: &["https://grafana.com/docs/pyroscope/latest/", "https://pkg.go.dev/net/http/pprof"],
    page: include_str!("profiling.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let declared = declared_library(evidence, Capability::Profiling, "profiling", "性能剖析");
    program::readings(declared, configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let places: Vec<Place> = production_workloads(evidence)?.into_iter().flat_map(profiled).collect();
    if places.is_empty() {
        return in_program(evidence, evidence.source()?);
    }
    Ok(Reading::shown(places, "production is profiled continuously", "生产环境启用了持续剖析"))
}

/// What the program itself offers, or its runtime.
fn in_program(evidence: &Evidence<'_>, source: &SourceCode) -> Result<Reading, Missing> {
    let offered: Vec<&Use> = program::used(source, Meaning::Profiler).collect();
    if let Some(first) = offered.first() {
        let symbol = first.symbol.clone();
        return Ok(Reading::shown(
            offered.iter().map(|one| one.place.clone()),
            format!("{symbol} profiles it while it runs"),
            format!("{symbol} 可在运行时进行剖析"),
        ));
    }
    // Flight Recorder is attached with jcmd, dotnet-trace through the diagnostic port: both are on by default.
    let runtime =
        source.files.iter().find(|file| file.role.counts() && matches!(file.language, "java" | "kotlin" | "csharp"));
    let off = match runtime {
        Some(_) => switched_off(evidence)?,
        None => Vec::new(),
    };
    if !off.is_empty() {
        return Ok(Reading::refuted(
            off,
            "its runtime could be profiled while it runs, and that is switched off",
            "其运行时支持在线剖析，但已被关闭",
        ));
    }
    Ok(match runtime {
        Some(file) => Reading::shown(
            [Place::whole(std::sync::Arc::clone(&file.path))],
            "its runtime can be profiled while it runs (jcmd JFR.start, dotnet-trace)",
            "其运行时支持在线剖析（jcmd JFR.start、dotnet-trace）",
        ),
        None => program::nothing(
            evidence,
            source,
            &[Meaning::Profiler],
            "nothing offers a profile of the processor or the memory",
            "没有提供 CPU 或内存剖析",
        ),
    })
}

/// Where an image or a manifest closes the way by which a profiler is attached to the runtime; the manifest has the last
/// word.
fn switched_off(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let mut set: Vec<(&str, &str, &Place)> = Vec::new();
    for workload in production_workloads(evidence)? {
        for variable in workload.main_containers().flat_map(|container| &container.env) {
            if let EnvValue::Literal(value) = &variable.value {
                set.push((&variable.name, value, &variable.place));
            }
        }
    }
    for image in evidence.images()? {
        let mut own: Vec<(&str, &str, &Place)> = Vec::new();
        for one in image.final_instructions() {
            if let InstructionKind::Env { name, value } = &one.kind {
                own.retain(|(known, ..)| known != name);
                own.push((name, value, &one.place));
            }
        }
        own.retain(|(name, ..)| !set.iter().any(|(known, ..)| known == name));
        set.extend(own);
    }
    let closes = |name: &str, value: &str| match name {
        "DOTNET_EnableDiagnostics"
        | "DOTNET_EnableDiagnostics_IPC"
        | "DOTNET_EnableDiagnostics_Profiler"
        | "COMPlus_EnableDiagnostics"
        | "CORECLR_EnableDiagnostics" => value == "0",
        "JAVA_TOOL_OPTIONS" | "JAVA_OPTS" | "JDK_JAVA_OPTIONS" => value.contains("-XX:+DisableAttachMechanism"),
        _ => false,
    };
    let shut = set.into_iter().filter(|(name, value, _)| closes(name, value));
    Ok(shut
        .map(|(name, value, place)| {
            Finding::new(
                place,
                format!("{name}={value}: no profiler can be attached to the runtime"),
                format!("{name}={value}：无法向运行时附加剖析器"),
            )
        })
        .collect())
}

/// What switches a continuous profiler on from outside of the program.
fn profiled(workload: &Workload) -> Vec<Place> {
    let annotations = workload.pod_annotations.iter().filter(|(name, value)| {
        value.value == "true"
            && matches!(
                name.as_str(),
                "profiles.grafana.com/cpu.scrape"
                    | "profiles.grafana.com/memory.scrape"
                    | "pyroscope.io/scrape"
                    | "parca.dev/scrape"
            )
    });
    let mut places: Vec<Place> = annotations.map(|(_, value)| value.place.clone()).collect();
    for container in workload.main_containers() {
        for variable in &container.env {
            let EnvValue::Literal(value) = &variable.value else { continue };
            let on = match variable.name.as_str() {
                "DD_PROFILING_ENABLED" => matches!(value.as_str(), "true" | "1" | "auto"),
                "SPLUNK_PROFILER_ENABLED" | "ELASTIC_APM_UNIVERSAL_PROFILING_INTEGRATION_ENABLED" => value == "true",
                "JAVA_TOOL_OPTIONS" | "JAVA_OPTS" | "JDK_JAVA_OPTIONS" => {
                    value.contains("pyroscope")
                        || value.contains("StartFlightRecording")
                        || value.contains("profiler_java_agent")
                }
                _ => false,
            };
            if on {
                places.push(variable.place.clone());
            }
        }
    }
    places
}
