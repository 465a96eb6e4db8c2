//! More than one replica, kept up during maintenance, and not all in one place.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Object, Workload, WorkloadKind},
};

use crate::shared::{
    pod::pod_spec,
    production_workloads,
    scaling::{is_store, least_replicas, same_environment},
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.availability",
    title: Text {
        en: "More than one replica, disruption budget, spread", zh: "多副本、中断预算与分散部署"
    },
    source: &["B3.5c", "G7"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Run at least two replicas, spread them over zones or nodes, and give them a PodDisruptionBudget with maxUnavailable: 1.",
        zh: "至少运行两个副本，分散到不同可用区或节点，并配置 maxUnavailable: 1 的 PodDisruptionBudget。",
    },
    references: &["https://kubernetes.io/docs/tasks/run-application/configure-pdb/"],
    page: include_str!("availability.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let budgets = evidence.objects_of(&["PodDisruptionBudget"])?;
    let mut tally = Tally::new();
    let mut single_store = None;
    for workload in production_workloads(evidence)?.into_iter().filter(|one| one.kind.long_running()) {
        let (replicas, place) = least_replicas(evidence, workload)?;
        // One replica that keeps data cannot be doubled by a number: how it is made available is another matter.
        if replicas <= 1 && is_store(evidence, workload) {
            single_store = Some(workload.place.clone());
            continue;
        }
        let findings = match &workload.kind {
            // A platform's file is not an answer to this yet, its own machines are.
            WorkloadKind::Platform(_) => continue,
            WorkloadKind::DaemonSet => Vec::new(),
            WorkloadKind::Pod => vec![Finding::new(
                &workload.place,
                format!("Pod {} is replaced by nobody when its node goes", workload.name),
                format!("Pod {} 在节点失效后不会被重建", workload.name),
            )],
            WorkloadKind::KnativeService | WorkloadKind::ComposeService => {
                if replicas < 2 {
                    vec![too_few(workload, replicas, &place)]
                } else {
                    Vec::new()
                }
            }
            _ => kubernetes(workload, replicas, &place, &budgets),
        };
        if findings.is_empty() {
            tally.met(workload.key.clone(), &workload.place);
        }
        let environment = workload.environment.as_deref();
        for finding in findings {
            tally.miss(workload.key.clone(), finding.in_environment(environment));
        }
    }
    if !tally.is_empty() {
        return Ok(tally.reading("workloads survive the loss of a node", "个工作负载可承受一个节点的丢失"));
    }
    Ok(match single_store {
        Some(place) => Reading::not_applicable(
            format!(
                "its only workload keeps data in one replica ({place}): recovery, not replicas, makes it available"
            ),
            format!("其唯一的工作负载以单副本保存数据（{place}）：可用性取决于恢复而非副本"),
        ),
        None => Reading::elsewhere(
            Message::new(
                "no manifest here says how many replicas run in production",
                "此处没有清单声明生产环境的副本数",
            ),
            Message::new("the manifests or the platform's setting that run it", "运行它的部署清单或平台设置"),
        ),
    })
}

fn too_few(workload: &Workload, replicas: u32, place: &Place) -> Finding {
    Finding::new(
        place,
        format!("{} runs with {replicas} replica{}", workload.key, if replicas == 1 { "" } else { "s" }),
        format!("{} 仅运行 {replicas} 个副本", workload.key),
    )
}

fn kubernetes(workload: &Workload, replicas: u32, place: &Place, budgets: &[&Object]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own: Vec<&&Object> = budgets.iter().filter(|budget| protects(budget, workload)).collect();
    findings.extend(own.iter().filter_map(|budget| useless(budget, replicas)));
    if replicas < 2 {
        // A budget and a spread of one replica would help nobody.
        findings.push(too_few(workload, replicas, place));
        return findings;
    }
    if own.is_empty() {
        findings.push(no_budget(workload, budgets));
    }
    let constraints = misdirected(workload);
    let apart = workload.spread.iter().any(|spread| !constraints.iter().any(|finding| finding.place == spread.place));
    if workload.spread.is_empty() {
        findings.push(Finding::new(
            &workload.place,
            format!("{} is kept on different nodes by nothing: no topology spread, no anti-affinity", workload.key),
            format!("{} 没有拓扑分布约束或反亲和性，副本可能在同一节点", workload.key),
        ));
    } else if !apart {
        findings.extend(constraints);
    }
    findings
}

/// The budget's selector is fulfilled by the pods' labels.
fn protects(budget: &Object, workload: &Workload) -> bool {
    same_environment(budget, workload)
        && budget.body.at("spec.selector").is_some_and(|selector| selects(selector, workload))
}

/// A label selector of the Kubernetes API; an empty one selects everything.
fn selects(selector: &Node, workload: &Workload) -> bool {
    let labels = &workload.pod_labels;
    let pairs = selector.get("matchLabels").map_or(&[][..], Node::entries);
    let equal = pairs.iter().all(|pair| labels.get(&pair.key).map(String::as_str) == pair.node.str());
    equal
        && selector.list("matchExpressions").iter().all(|expression| {
            let value = expression.str_at("key").and_then(|key| labels.get(key));
            let among = expression.list("values").iter().any(|one| one.str() == value.map(String::as_str));
            match expression.str_at("operator") {
                Some("In") => value.is_some() && among,
                Some("NotIn") => !among,
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        })
}

/// No budget selects the workload; one that was clearly meant for it is named.
fn no_budget(workload: &Workload, budgets: &[&Object]) -> Finding {
    let finding = Finding::new(
        &workload.place,
        format!("no PodDisruptionBudget selects {}", workload.key),
        format!("没有 PodDisruptionBudget 选中 {}", workload.key),
    );
    match budgets.iter().find(|budget| budget.name.contains(&workload.name) && same_environment(budget, workload)) {
        Some(meant) => finding.also(&meant.place, "its selector matches other labels", "其选择器匹配的是其他标签"),
        None => finding,
    }
}

/// A budget that forbids every eviction, or allows all of them at once.
fn useless(budget: &Object, replicas: u32) -> Option<Finding> {
    let spec = budget.body.get("spec")?;
    if spec.get("minAvailable").is_none() && spec.get("maxUnavailable").is_none() {
        return Some(Finding::new(
            &budget.place,
            "sets neither minAvailable nor maxUnavailable: what it allows stands nowhere",
            "既未设置 minAvailable 也未设置 maxUnavailable：无从得知允许多少中断",
        ));
    }
    let amount = |key: &str, up: bool| {
        let node = spec.get(key)?;
        let text = node.str()?.trim();
        let number = match text.strip_suffix('%') {
            Some(percent) => {
                let part = replicas.saturating_mul(percent.trim().parse().ok()?);
                if up { part.div_ceil(100) } else { part / 100 }
            }
            None => text.parse().ok()?,
        };
        Some((number, text.to_owned(), node.place.clone()))
    };
    // The disruption controller rounds both up.
    let (down, key, text, place) = if let Some((number, text, place)) = amount("maxUnavailable", true) {
        (number, "maxUnavailable", text, place)
    } else {
        let (number, text, place) = amount("minAvailable", true)?;
        (replicas.saturating_sub(number), "minAvailable", text, place)
    };
    let (en, zh) = if down == 0 {
        (
            format!("{key}: {text} of {replicas} forbids every eviction: nodes cannot be drained"),
            format!("{key}: {text}（共 {replicas} 个副本）禁止一切驱逐，节点无法排空"),
        )
    } else if down >= replicas && replicas > 1 {
        (
            format!("{key}: {text} of {replicas} lets all replicas be evicted at once"),
            format!("{key}: {text}（共 {replicas} 个副本）允许同时驱逐全部副本"),
        )
    } else {
        return None;
    };
    Some(Finding::new(&place, en, zh))
}

/// Constraints whose selector does not match the workload's own pods: they spread something else, or nothing.
fn misdirected(workload: &Workload) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ask = |place: &Place, selector: Option<&Node>| {
        if selector.is_none_or(|selector| !selects(selector, workload)) {
            findings.push(Finding::new(
                place,
                "its labelSelector does not match the workload's own pods",
                "其 labelSelector 与该工作负载的 Pod 不匹配",
            ));
        }
    };
    let Some(pod) = pod_spec(workload) else { return findings };
    for constraint in pod.list("topologySpreadConstraints") {
        ask(&constraint.place, constraint.get("labelSelector"));
    }
    for term in pod.list("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution") {
        ask(&term.place, own_namespace(term, workload).then(|| term.get("labelSelector")).flatten());
    }
    for weighted in pod.list("affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution") {
        let term = weighted.get("podAffinityTerm").filter(|term| own_namespace(term, workload));
        ask(&weighted.place, term.and_then(|term| term.get("labelSelector")));
    }
    findings
}

/// The term looks where the workload's own pods are: a term that lists namespaces looks nowhere else.
fn own_namespace(term: &Node, workload: &Workload) -> bool {
    let listed = term.list("namespaces");
    listed.is_empty()
        || term.get("namespaceSelector").is_some()
        || workload.namespace.as_deref().is_none_or(|own| listed.iter().any(|one| one.str() == Some(own)))
}
