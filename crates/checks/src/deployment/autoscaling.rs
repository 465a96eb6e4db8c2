//! Load scales the service, and the database can bear what it scales to.

use gonogo_domain::{
    Area, Check, Class, Classes, Evidence, Finding, Gate, Level, Message, Missing, Node, Policy, Reading, Readings,
    Standard, Strength, Tally, Text,
    evidence::{Workload, WorkloadKind},
};

use crate::shared::{
    container_place, production_workloads,
    scaling::{Autoscaler, annotated, autoscalers, is_store, same_environment},
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.autoscaling",
    title: Text {
        en: "Load scales the service, within the database's limits",
        zh: "服务随负载伸缩，且不超过数据库上限",
    },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each workload an autoscaler with at least two replicas and requests to measure against, and keep replicas × pool below the database's connections.",
        zh: "为每个工作负载配置最少两副本的自动伸缩器及资源请求，并使副本数 × 连接池小于数据库连接上限。",
    },
    references: &["https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"],
    page: include_str!("autoscaling.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let mut most: u32 = 0;
    let mut every_node = None;
    let mut store = None;
    for workload in production_workloads(evidence)?.into_iter().filter(|one| one.kind.long_running()) {
        let scalers = autoscalers(evidence, workload)?;
        if scalers.is_empty() && is_store(evidence, workload) {
            store = Some(workload.place.clone());
            continue;
        }
        let findings = match &workload.kind {
            WorkloadKind::DaemonSet => {
                every_node = Some(workload.place.clone());
                continue;
            }
            WorkloadKind::Platform(_) => continue,
            WorkloadKind::KnativeService => by_platform(workload),
            _ if scalers.is_empty() => vec![unscaled(evidence, workload)?],
            _ => scalers.iter().flat_map(|scaler| scaler_findings(evidence, workload, scaler)).collect(),
        };
        most = most.max(scalers.iter().filter_map(|scaler| Some(scaler.most.as_ref()?.value)).max().unwrap_or(0));
        if findings.is_empty() {
            tally.met(workload.key.clone(), scalers.first().map_or(&workload.place, |scaler| &scaler.object.place));
        }
        let environment = workload.environment.as_deref();
        for finding in findings {
            tally.miss(workload.key.clone(), finding.in_environment(environment));
        }
    }
    if tally.is_empty() {
        if let Some(place) = every_node {
            return Ok(Reading::not_applicable(
                format!("it runs once on every node ({place}): nodes scale it, not load"),
                format!("它在每个节点运行一份（{place}），随节点数伸缩"),
            ));
        }
        if let Some(place) = store {
            return Ok(Reading::not_applicable(
                format!("it keeps data ({place}): load does not add replicas to a store"),
                format!("它保存数据（{place}），不随负载增减副本"),
            ));
        }
        return Ok(Reading::elsewhere(
            Message::new("nothing here says how many replicas run in production", "此处未声明生产环境的副本数"),
            Message::new("the manifests or the platform's setting that scale it", "伸缩它的部署清单或平台设置"),
        ));
    }
    let within = database(evidence, most);
    if tally.count().met < tally.count().of {
        return Ok(tally.reading("workloads are scaled by load", "个工作负载随负载伸缩"));
    }
    Ok(match within {
        Limits::Within => tally.reading("workloads are scaled by load", "个工作负载随负载伸缩"),
        Limits::Beyond(finding) => Reading::refuted(
            vec![finding],
            "the database cannot bear what load scales it to",
            "数据库无法承受伸缩后的连接数",
        ),
        Limits::Unknown(name) => Reading::elsewhere(
            Message::new(
                format!("load scales it to {most} replicas; how many connections {name} allows is not stated"),
                format!("随负载伸缩至 {most} 个副本；未声明 {name} 的连接上限"),
            ),
            Message::new(
                "database_connections and pool_size of the service in gonogo.toml",
                "gonogo.toml 中该服务的 database_connections 与 pool_size",
            ),
        ),
    })
}

/// Nothing scales the workload; an autoscaler beside it whose target is not here is named: it was meant for something.
fn unscaled(evidence: &Evidence<'_>, workload: &Workload) -> Result<Finding, Missing> {
    let place = workload.replicas.as_ref().map_or(&workload.place, |replicas| &replicas.place);
    let finding = Finding::new(
        place,
        format!("nothing scales {} with load", workload.key),
        format!("{} 不随负载伸缩", workload.key),
    );
    let workloads = evidence.workloads()?;
    let astray = evidence.objects_of(&["HorizontalPodAutoscaler", "ScaledObject"])?.into_iter().find_map(|scaler| {
        let target = scaler.body.str_at("spec.scaleTargetRef.name")?;
        let beside = scaler.place.path() == workload.place.path() || scaler.name.contains(&workload.name);
        let there = workloads.iter().any(|one| one.name == target);
        (beside && !there && same_environment(scaler, workload)).then_some((scaler, target))
    });
    Ok(match astray {
        Some((scaler, target)) => finding.also(
            &scaler.place,
            format!("scales {target}, which is not here"),
            format!("其目标 {target} 不在此处"),
        ),
        None => finding,
    })
}

fn scaler_findings(evidence: &Evidence<'_>, workload: &Workload, scaler: &Autoscaler<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What takes its work from a queue may rest while the queue is empty.
    let may_rest = evidence.service().class == Class::Worker && scaler.object.kind == "ScaledObject";
    if scaler.least < 2 && !may_rest {
        findings.push(Finding::new(
            &scaler.least_place,
            format!("scales down to {}: at least 2 replicas must be left", scaler.least),
            format!("会缩减到 {} 个副本，至少应保留 2 个", scaler.least),
        ));
    }
    if let Some(replicas) = &workload.replicas {
        let number = replicas.value;
        findings.push(
            Finding::new(
                &replicas.place,
                format!("replicas: {number} beside an autoscaler: every deployment resets what load has set"),
                format!("自动伸缩之外又写明 replicas: {number}：每次部署都会重置伸缩结果"),
            )
            .also(&scaler.object.place, "the autoscaler", "自动伸缩器"),
        );
    }
    if let Some(most) = scaler.most.as_ref().filter(|most| most.value <= scaler.least) {
        findings.push(Finding::new(
            &most.place,
            format!("between {} and {} replicas there is no room to scale", scaler.least, most.value),
            format!("在 {} 与 {} 个副本之间没有伸缩空间", scaler.least, most.value),
        ));
    }
    for resource in measured(&scaler.object.body) {
        for container in workload.main_containers() {
            let (requested, limited) = match resource.as_str() {
                "cpu" => (&container.requests.cpu, &container.limits.cpu),
                "memory" => (&container.requests.memory, &container.limits.memory),
                _ => continue,
            };
            // Kubernetes takes the limit for the request where only that is written.
            if requested.is_none() && limited.is_none() {
                findings.push(
                    Finding::new(
                        container_place(workload, container),
                        format!(
                            "container {} requests no {resource}: its utilisation cannot be measured",
                            container.name
                        ),
                        format!("容器 {} 未请求 {resource}，无法计算利用率", container.name),
                    )
                    .also(&scaler.object.place, "the autoscaler", "自动伸缩器"),
                );
            }
        }
    }
    findings
}

/// The resources whose utilisation an autoscaler measures: of these, pods must request some.
fn measured(body: &Node) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for metric in body.list("spec.metrics") {
        let utilisation = metric.at("resource.target.averageUtilization").is_some()
            || metric.at("resource.targetAverageUtilization").is_some()
            || metric.str_at("resource.target.type") == Some("Utilization");
        if utilisation && let Some(name) = metric.str_at("resource.name") {
            found.push(name.to_owned());
        }
    }
    if body.at("spec.targetCPUUtilizationPercentage").is_some() {
        found.push("cpu".to_owned());
    }
    for trigger in body.list("spec.triggers") {
        let utilisation =
            trigger.str_at("metricType").or_else(|| trigger.str_at("metadata.type")) != Some("AverageValue");
        if let Some(kind @ ("cpu" | "memory")) = trigger.str_at("type").filter(|_| utilisation) {
            found.push(kind.to_owned());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Knative and Cloud Run scale by requests; what is left at rest is written in an annotation.
fn by_platform(workload: &Workload) -> Vec<Finding> {
    let keys = ["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"];
    match annotated(workload, &keys) {
        Some((least, _)) if least >= 2 => Vec::new(),
        Some((least, place)) => vec![Finding::new(
            &place,
            format!("scales down to {least}: at least 2 replicas must be left"),
            format!("会缩减到 {least} 个副本，至少应保留 2 个"),
        )],
        None => vec![Finding::new(
            &workload.place,
            "scales down to 0: at least 2 replicas must be left",
            "会缩减到 0 个副本，至少应保留 2 个",
        )],
    }
}

enum Limits {
    Within,
    Beyond(Finding),
    /// The database whose limits are not stated.
    Unknown(String),
}

/// Replicas × pool against the connections that the database allows.
fn database(evidence: &Evidence<'_>, most: u32) -> Limits {
    let statements = evidence.statements();
    if let (Some(limit), Some(pool)) = (&statements.database_connections, &statements.pool_size) {
        let needed = most.saturating_mul(pool.value);
        if needed <= limit.value {
            return Limits::Within;
        }
        return Limits::Beyond(
            Finding::new(
                &limit.place,
                format!(
                    "{most} replicas with {} connections each need {needed}, the database allows {}",
                    pool.value, limit.value
                ),
                format!("{most} 个副本各 {} 个连接共需 {needed} 个，数据库仅允许 {} 个", pool.value, limit.value),
            )
            .also(&pool.place, "the pool of one replica", "单个副本的连接池"),
        );
    }
    let relational = ["postgresql", "mysql", "mariadb", "sqlserver", "oracle", "database"];
    match evidence.service().dependencies.iter().find(|one| relational.contains(&one.kind.as_str())) {
        Some(dependency) => Limits::Unknown(dependency.name.clone()),
        None => Limits::Within,
    }
}
