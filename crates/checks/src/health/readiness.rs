//! A readiness probe that can say "starting", not only "alive".

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Container, Healthcheck, InstructionKind, Probe, ProbeAction, Workload, WorkloadKind},
};

use crate::shared::{
    container_key, health,
    pod::{behind_service, unknown_port},
    production_workloads,
};

pub(crate) static CHECK: Check = Check {
    id: "health.readiness",
    title: Text {
        en: "Readiness tells \"starting\" from \"ready to serve\"", zh: "就绪探针能区分“启动中”与“可服务”"
    },
    source: &["B4.1b"],
    standard: Standard::ProductionReadiness,
    area: Area::Health,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each serving container a readinessProbe on an endpoint of its own, e.g. /ready, that is red until warm-up is over.",
        zh: "为每个提供服务的容器配置独立端点（例如 /ready）的 readinessProbe，预热完成前保持未就绪。",
    },
    references: &["https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"],
    page: include_str!("readiness.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    for (workload, container) in serving(evidence)? {
        let key = container_key(workload, container);
        let environment = workload.environment.as_deref();
        if container.readiness.is_none()
            && let Some(probe) = of_image(evidence, workload)?
        {
            tally.met(key, &probe.place);
            continue;
        }
        match (&container.readiness, &container.liveness) {
            (None, _) => tally.miss(
                key,
                Finding::new(
                    &container.place,
                    format!("container {} has no readiness probe", container.name),
                    format!("容器 {} 没有就绪探针", container.name),
                )
                .in_environment(environment),
            ),
            // One endpoint for both restarts a slow starter instead of waiting for it.
            (Some(ready), Some(live)) if ready.action == live.action => tally.miss(
                key,
                Finding::new(&ready.place, "asks the same endpoint as liveness", "与存活探针使用同一端点")
                    .also(&live.place, "liveness probe", "存活探针")
                    .in_environment(environment),
            ),
            (Some(ready), live) => {
                let same = live.as_ref().and_then(|live| same_handler(evidence, ready, live));
                match unknown_port(workload, container, ready).or(same) {
                    Some(finding) => tally.miss(key, finding.in_environment(environment)),
                    None => tally.met(key, &ready.place),
                }
            }
        }
    }
    if tally.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no production workload that serves a port is declared here",
                "此处未声明对外提供端口的生产工作负载",
            ),
            Message::new("the manifests that run it in production", "生产环境的部署清单"),
        ));
    }
    Ok(tally.reading("serving containers have a readiness probe of their own", "个提供服务的容器拥有独立的就绪探针"))
}

/// What compose and platforms run keeps the health check of its image, unless they give it another or switch it off.
fn of_image<'a>(evidence: &Evidence<'a>, workload: &Workload) -> Result<Option<&'a Probe>, Missing> {
    if workload.kind != WorkloadKind::ComposeService || workload.body.get("healthcheck").is_some() {
        return Ok(None);
    }
    Ok(evidence.images()?.iter().find_map(|image| {
        let last = image.final_chain().into_iter().rev().find_map(|stage| {
            stage.instructions.iter().rev().find_map(|one| match &one.kind {
                InstructionKind::Healthcheck(check) => Some(check),
                _ => None,
            })
        });
        match last {
            Some(Healthcheck::Probe(probe)) => Some(probe),
            _ => None,
        }
    }))
}

/// Two paths that one function answers are one endpoint.
fn same_handler(evidence: &Evidence<'_>, ready: &Probe, live: &Probe) -> Option<Finding> {
    let (ProbeAction::Http { path: ready_path, .. }, ProbeAction::Http { path: live_path, .. }) =
        (&ready.action, &live.action)
    else {
        return None;
    };
    let source = evidence.source().ok()?;
    let ready_route = health::routes_at(source, ready_path).into_iter().find(|route| route.handler.is_some())?;
    let live_route = health::routes_at(source, live_path).into_iter().find(|route| route.handler.is_some())?;
    (ready_route.handler == live_route.handler).then(|| {
        Finding::new(
            &ready.place,
            format!("{ready_path} has the same handler as {live_path}: it cannot say \"starting\""),
            format!("{ready_path} 与 {live_path} 使用同一处理函数：无法表示“启动中”"),
        )
        .also(&ready_route.place, "readiness answers here", "就绪探针在此应答")
        .also(&live_route.place, "liveness answers here", "存活探针在此应答")
    })
}

/// The containers that serve. A port need not be declared to be served: the only program of a workload behind a Service
/// serves too, and where no container of a server declares anything, each workload's only program is what serves.
fn serving<'a>(evidence: &Evidence<'a>) -> Result<Vec<(&'a Workload, &'a Container)>, Missing> {
    let mut certain = Vec::new();
    let mut alone = Vec::new();
    // A Procfile names commands, and has no word for a probe.
    let asks = |workload: &&Workload| workload.kind != WorkloadKind::Platform("procfile".to_owned());
    let running = production_workloads(evidence)?.into_iter().filter(|workload| workload.kind.long_running());
    for workload in running.filter(asks) {
        let programs: Vec<&Container> = workload.main_containers().collect();
        let mut shown: Vec<&Container> =
            programs.iter().copied().filter(|container| says_so(workload, container)).collect();
        if let ([program], []) = (programs.as_slice(), shown.as_slice()) {
            alone.push((workload, *program));
            if behind_service(evidence, workload)? {
                shown.push(program);
            }
        }
        certain.extend(shown.into_iter().map(|container| (workload, container)));
    }
    Ok(if certain.is_empty() { alone } else { certain })
}

/// Ports need no declaration on platforms and in compose files.
fn says_so(workload: &Workload, container: &Container) -> bool {
    !workload.kind.kubernetes()
        || !container.ports.is_empty()
        || container.readiness.is_some()
        || container.liveness.is_some()
}
