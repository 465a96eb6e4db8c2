//! Liveness detects deadlock and does not depend on dependencies.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Meaning, Probe, ProbeAction, ServedRoute, Use},
};

use crate::shared::{container_key, health, no_production_workload, pod::unknown_port, production_workloads, program};

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
    let mut open = None;
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
                        tally.miss(key, asks(probe, why).in_environment(environment));
                    } else if let Some(finding) = unknown_port(workload, container, probe) {
                        tally.miss(key, finding.in_environment(environment));
                    } else {
                        match behind(evidence, probe) {
                            Behind::Process => tally.met(key, &probe.place),
                            Behind::Dependency(route, used) => {
                                let finding = Finding::new(
                                    &probe.place,
                                    format!("{route} asks {}: its outage restarts every replica", used.symbol),
                                    format!("{route} 访问 {}：其故障会导致所有副本重启", used.symbol),
                                );
                                let finding = finding.also(&used.place, "it is asked here", "在此处访问");
                                tally.miss(key, finding.in_environment(environment));
                            }
                            Behind::Unknown(why) => {
                                if let Some(path) = says_readiness(probe) {
                                    tally.miss(key, asks(probe, path).in_environment(environment));
                                } else {
                                    open.get_or_insert(why);
                                    tally.met(key, &probe.place);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    if tally.is_empty() {
        return Ok(no_production_workload());
    }
    // An endpoint may ask anything behind its path; a socket or a heartbeat file cannot.
    if tally.count().met == tally.count().of
        && let Some(open) = open
    {
        return open;
    }
    Ok(tally.reading("containers have a liveness probe that asks no dependency", "个容器拥有不访问依赖的存活探针"))
}

/// What stands behind a probe.
enum Behind<'a> {
    /// It asks the process alone.
    Process,
    /// The route, and what it asks of others.
    Dependency(String, &'a Use),
    Unknown(Result<Reading, Missing>),
}

fn behind<'a>(evidence: &Evidence<'a>, probe: &Probe) -> Behind<'a> {
    let path = match &probe.action {
        ProbeAction::Http { path, .. } => path.as_str(),
        ProbeAction::Grpc { .. } => health::GRPC,
        ProbeAction::Tcp { .. } | ProbeAction::Exec { .. } => return Behind::Process,
    };
    let source = match evidence.source() {
        Ok(source) => source,
        Err(missing) => return Behind::Unknown(Err(missing)),
    };
    let own = !health::grpc_routes(source).is_empty();
    if let ProbeAction::Grpc { .. } = &probe.action
        && !own
        && let Some(server) =
            program::used(source, Meaning::HealthCheck).find(|one| program::default(one, "serves") == path)
    {
        return Behind::Unknown(Ok(program::trail_ends(
            format!("what {path}, registered at {}, answers was not followed", server.place),
            format!("{path}（注册于 {}）的应答未能追踪", server.place),
        )));
    }
    let routes: Vec<ServedRoute> = match probe.action {
        ProbeAction::Grpc { .. } => health::grpc_routes(source),
        _ => health::routes_at(source, path),
    };
    if routes.is_empty() {
        return Behind::Unknown(Ok(program::trail_ends(
            format!("no route for {path} was recognised in {}", program::counted(program::files(source))),
            format!("{} 个源文件中未识别出 {path} 的路由", program::files(source)),
        )));
    }
    for route in &routes {
        if let Some(used) = health::asks_of(source, route).into_iter().next() {
            return Behind::Dependency(health::title(route), used);
        }
    }
    for route in &routes {
        let Some((place, what)) = health::end_of(source, route) else { continue };
        let title = health::title(route);
        return Behind::Unknown(Ok(program::trail_ends(
            format!("the trail of {title} ends at {place} ({what})"),
            format!("{title} 的线索止于 {place}（{what}）"),
        )));
    }
    Behind::Process
}

fn asks(probe: &Probe, what: &str) -> Finding {
    Finding::new(
        &probe.place,
        format!("liveness asks {what}: an outage of what stands behind that restarts every replica"),
        format!("存活探针访问 {what}：其背后的依赖故障会导致所有副本重启"),
    )
}

/// The path of a probe whose name says that more than the process is asked, for where its route cannot be followed.
fn says_readiness(probe: &Probe) -> Option<&str> {
    let ProbeAction::Http { path, .. } = &probe.action else { return None };
    let lower = path.to_ascii_lowercase();
    ["ready", "dependencies", "deps", "deep"].iter().any(|word| lower.contains(word)).then_some(path)
}

/// The program of a probe that asks another host.
fn asks_dependency(probe: &Probe) -> Option<&'static str> {
    let ProbeAction::Exec { command } = &probe.action else { return None };
    let text = command.join(" ");
    let elsewhere = text.contains("-h") && !text.contains("localhost") && !text.contains("127.0.0.1");
    let asked = ["pg_isready", "redis-cli", "mysqladmin", "mongosh", "mongo "].into_iter();
    asked.filter(|_| elsewhere).find(|program| text.contains(program))
}
