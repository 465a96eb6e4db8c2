//! A health endpoint that reports each dependency.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Healthcheck, InstructionKind, Probe, ProbeAction},
};

use crate::shared::production_workloads;

pub(crate) static CHECK: Check = Check {
    id: "health.endpoint",
    title: Text {
        en: "Every deployable unit exposes a health endpoint that reports each dependency's status",
        zh: "每个可部署单元都提供健康端点，并报告各依赖的状态",
    },
    source: &["B4.1a", "B6.1"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L1),
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Serve a health endpoint that names every dependency with its status, and let a probe or HEALTHCHECK ask it.",
        zh: "提供逐一列出各依赖状态的健康端点，并由探针或 HEALTHCHECK 访问它。",
    },
    references: &["https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check"],
    page: include_str!("endpoint.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

/// What already says that somebody asks for health, and where.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut asked: Vec<(Place, String)> = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for probe in [&container.readiness, &container.liveness, &container.startup].into_iter().flatten() {
                asked.extend(path(probe).map(|path| (probe.place.clone(), path)));
            }
        }
    }
    for image in evidence.images()? {
        let probe = image.effective(|instruction| match &instruction.kind {
            InstructionKind::Healthcheck(Healthcheck::Probe(probe)) => Some(probe.clone()),
            _ => None,
        });
        if let Some(probe) = probe {
            asked.push((probe.place.clone(), path(&probe).unwrap_or_else(|| "HEALTHCHECK".to_owned())));
        }
    }
    for api in evidence.apis()? {
        for operation in api.operations.iter().filter(|operation| looks_like_health(&operation.path)) {
            asked.push((operation.place.clone(), operation.path.clone()));
        }
    }
    let mut paths: Vec<&str> = asked.iter().map(|(_, path)| path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        let place = evidence.service().place();
        return Ok(Reading::absent(Finding::new(
            &place,
            "no probe, HEALTHCHECK or API description names a health endpoint",
            "没有探针、HEALTHCHECK 或 API 描述提到健康端点",
        )));
    }
    let list = paths.join(", ");
    Ok(Reading::shown(
        asked.iter().map(|(place, _)| place.clone()),
        format!("health is asked at {list}; what it reports is in the source"),
        format!("健康检查访问 {list}；其报告内容需看源代码"),
    ))
}

/// A health check that cannot fail is refuted here; what a real one reports is in its handler.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for image in evidence.images()? {
        for instruction in image.final_instructions() {
            if let InstructionKind::Healthcheck(Healthcheck::Probe(probe)) = &instruction.kind
                && let ProbeAction::Exec { command } = &probe.action
                && always_succeeds(command)
            {
                findings.push(Finding::new(
                    &instruction.place,
                    "HEALTHCHECK runs a command that cannot fail",
                    "HEALTHCHECK 执行的命令不可能失败",
                ));
            }
        }
    }
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for probe in [&container.readiness, &container.liveness].into_iter().flatten() {
                if let ProbeAction::Exec { command } = &probe.action
                    && always_succeeds(command)
                {
                    findings.push(
                        Finding::new(
                            &probe.place,
                            "the probe runs a command that cannot fail",
                            "探针执行的命令不可能失败",
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
    let summary = Message::new("a health check that always says yes reports nothing", "永远成功的健康检查毫无意义");
    Ok(Reading::refuted(findings, summary.en, summary.zh))
}

fn path(probe: &Probe) -> Option<String> {
    match &probe.action {
        ProbeAction::Http { path, .. } => Some(path.clone()),
        ProbeAction::Grpc { .. } => Some("grpc.health.v1.Health".to_owned()),
        ProbeAction::Exec { command } => {
            Some(command.join(" ")).filter(|text| text.contains("grpc_health_probe") || text.contains("http"))
        }
        ProbeAction::Tcp { .. } => None,
    }
}

fn looks_like_health(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["health", "/live", "/ready", "/status"].iter().any(|word| path.contains(word))
}

/// `true`, `exit 0`, `echo …`: the answer is yes before anything was asked.
fn always_succeeds(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().flat_map(|part| part.split_whitespace()).collect();
    let words = match words.as_slice() {
        ["sh" | "/bin/sh" | "bash" | "/bin/bash", "-c", rest @ ..] => rest,
        all => all,
    };
    matches!(words, ["true" | "/bin/true" | ":"] | ["exit", "0"])
        || matches!(words, ["echo", rest @ ..] if !rest.iter().any(|word| matches!(*word, "|" | "&&" | "||" | ";")))
        || matches!(words, [.., "||", "exit", "0"] | [.., "||", "true"])
}
