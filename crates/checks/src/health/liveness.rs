//! Liveness detects deadlock and does not depend on dependencies.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Probe, ProbeAction},
};

use crate::shared::{container_key, no_production_workload, pod::unknown_port, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "health.liveness",
    title: Text {
        en: "Liveness detects deadlock and does not depend on dependencies",
        zh: "存活探针能发现死锁，且不依赖外部依赖",
    },
    source: &["B4.1c"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each container a livenessProbe on an endpoint that answers from the process alone, without asking any dependency.",
        zh: "为每个容器配置 livenessProbe，其端点只反映进程自身状态，不访问任何依赖。",
    },
    references: &["https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"],
    page: include_str!("liveness.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let mut needs_source = false;
    for workload in
        production_workloads(evidence)?.into_iter().filter(|one| one.kind.kubernetes() && one.kind.long_running())
    {
        for container in workload.main_containers() {
            let key = container_key(workload, container);
            let environment = workload.environment.as_deref();
            match &container.liveness {
                None => tally.miss(
                    key,
                    Finding::new(
                        &container.place,
                        format!(
                            "container {} has no liveness probe: a deadlock lasts until somebody notices",
                            container.name
                        ),
                        format!("容器 {} 没有存活探针：死锁会一直持续到有人发现", container.name),
                    )
                    .in_environment(environment),
                ),
                Some(probe) => {
                    if let Some(why) = asks_dependency(probe) {
                        let finding = Finding::new(
                            &probe.place,
                            format!("liveness asks {why}: an outage of what stands behind that restarts every replica"),
                            format!("存活探针访问 {why}：其背后的依赖故障会导致所有副本重启"),
                        );
                        tally.miss(key, finding.in_environment(environment));
                    } else if let Some(finding) = unknown_port(workload, container, probe) {
                        tally.miss(key, finding.in_environment(environment));
                    } else {
                        needs_source |= matches!(probe.action, ProbeAction::Http { .. } | ProbeAction::Grpc { .. });
                        tally.met(key, &probe.place);
                    }
                }
            }
        }
    }
    if tally.is_empty() {
        return Ok(no_production_workload());
    }
    // An endpoint may ask anything behind its path; a socket or a heartbeat file cannot.
    if tally.count().met == tally.count().of && needs_source {
        match evidence.source_code()? {}
    }
    Ok(tally.reading("containers have a liveness probe that asks no dependency", "容器拥有不访问依赖的存活探针"))
}

/// What of a probe says that it asks more than the process.
fn asks_dependency(probe: &Probe) -> Option<String> {
    match &probe.action {
        ProbeAction::Http { path, .. } => {
            let lower = path.to_ascii_lowercase();
            let readiness = ["ready", "dependencies", "deps", "deep"].into_iter().find(|word| lower.contains(word));
            readiness.map(|_| path.clone())
        }
        ProbeAction::Exec { command } => {
            let text = command.join(" ");
            ["pg_isready", "redis-cli", "mysqladmin", "mongosh", "mongo "]
                .into_iter()
                .find(|program| {
                    text.contains(program)
                        && text.contains("-h")
                        && !text.contains("localhost")
                        && !text.contains("127.0.0.1")
                })
                .map(str::to_owned)
        }
        ProbeAction::Tcp { .. } | ProbeAction::Grpc { .. } => None,
    }
}
