//! A new version gets a part of the traffic first, and is judged by itself.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Node, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{Object, SettingsKind, Workload, WorkloadKind},
};

use crate::shared::{
    cloud_deploy::{self, Verified},
    production_workloads,
    scaling::is_store,
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.progressive",
    title: Text {
        en: "Canary or blue-green with automatic analysis", zh: "金丝雀或蓝绿发布，并自动分析"
    },
    source: &["B3.5c"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: Some(Level::L4),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Release in steps that an analysis of error ratio and latency ends by itself, e.g. with gonogo rollout, Argo Rollouts or Flagger.",
        zh: "分步发布，并由错误率和延迟分析自动终止，例如使用 gonogo rollout、Argo Rollouts 或 Flagger。",
    },
    references: &["https://argo-rollouts.readthedocs.io/en/stable/features/analysis/"],
    page: include_str!("progressive.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let workloads = production_workloads(evidence)?;
    let mut analysed: Vec<Place> = Vec::new();
    let mut stepped: Vec<Finding> = Vec::new();
    for workload in workloads.iter().filter(|one| one.kind == WorkloadKind::Rollout) {
        match of_rollout(workload) {
            Ok(place) => analysed.push(place),
            Err(finding) => stepped.push((*finding).in_environment(workload.environment.as_deref())),
        }
    }
    for canary in
        evidence.objects_of(&["Canary"])?.into_iter().filter(|one| one.api_version.starts_with("flagger.app/"))
    {
        let analysis = canary.body.at("spec.analysis").or_else(|| canary.body.at("spec.canaryAnalysis"));
        let metrics = analysis.map_or(0, |analysis| analysis.list("metrics").len() + analysis.list("webhooks").len());
        if canary.body.bool_at("spec.skipAnalysis") == Some(true) || metrics == 0 {
            stepped.push(Finding::new(
                &canary.place,
                format!("Canary {} promotes without an analysis", canary.name),
                format!("Canary {} 未经分析即推进", canary.name),
            ));
        } else {
            analysed.push(canary.place.clone());
        }
    }
    for file in evidence.settings()?.iter().filter(|file| file.kind == SettingsKind::Rollout) {
        match find_key(&file.body, &["analysis", "gates", "gate", "abort"]) {
            Some(place) => analysed.push(place),
            None => stepped.push(Finding::new(&file.place, "the rollout's steps name no analysis", "发布步骤没有分析")),
        }
    }
    for resource in evidence.infrastructure()? {
        let lower = resource.kind.to_ascii_lowercase();
        let gradual_by_kind =
            (lower.contains("codedeploy") && lower.contains("group")) || lower.contains("::serverless::function");
        if !gradual_by_kind {
            continue;
        }
        let alarms = find_key(&resource.body, &["alarm_configuration", "AlarmConfiguration", "Alarms"]);
        let gradual = format!("{:?}", resource.body);
        if let Some(place) = alarms
            .filter(|_| gradual.contains("Canary") || gradual.contains("Linear") || gradual.contains("BLUE_GREEN"))
        {
            analysed.push(place);
        }
    }
    for stage in cloud_deploy::stages(evidence)? {
        match (stage.canary, stage.verified) {
            (Some(place), Verified::Yes(_) | Verified::OnlyProduction(_)) => analysed.push(place),
            (Some(place), Verified::No) => stepped.push(Finding::new(
                &place,
                "the canary of Cloud Deploy advances without a verification",
                "Cloud Deploy 的金丝雀发布未经验证即推进",
            )),
            (None, _) => (),
        }
    }
    if !analysed.is_empty() && stepped.is_empty() {
        return Ok(Reading::shown(
            analysed,
            "new versions are released in steps that an analysis can end",
            "新版本分步发布，分析可自动终止",
        ));
    }
    if !stepped.is_empty() {
        let places: Vec<Place> =
            analysed.into_iter().chain(stepped.iter().map(|finding| finding.place.clone())).collect();
        return Ok(Reading::partly(
            places,
            stepped,
            "new versions are released in steps; a person has to see what is wrong with them",
            "新版本分步发布，但需要人工发现问题",
        ));
    }
    if let Some((place, en, zh)) = split_by_hand(evidence)? {
        return Ok(Reading::partly(
            [place.clone()],
            vec![Finding::new(&place, en, zh)],
            "traffic is split; no analysis decides about the split",
            "已拆分流量，但没有自动分析",
        ));
    }
    let asked = |one: &&&Workload| one.kind.long_running() && one.kind.kubernetes() && !is_store(evidence, one);
    let first = workloads.iter().find(asked);
    if let (None, Some(store)) = (first, workloads.iter().find(|one| is_store(evidence, one))) {
        return Ok(Reading::not_applicable(
            format!("it keeps data ({}): no second version can run beside it", store.place),
            format!("它保存数据（{}），新旧版本无法并行", store.place),
        ));
    }
    Ok(match first {
        Some(workload) => Reading::absent(
            Finding::new(
                workload.body.at("spec.strategy").map_or(&workload.place, |strategy| &strategy.place),
                format!("{} replaces all of its pods without an analysis of the new version", workload.key),
                format!("{} 在未分析新版本的情况下替换全部 Pod", workload.key),
            )
            .in_environment(workload.environment.as_deref()),
        ),
        None => Reading::elsewhere(
            Message::new("nothing here says how a new version gets its traffic", "此处未说明新版本如何获得流量"),
            Message::new("the rollout's definition, or the platform's setting", "发布策略定义或平台设置"),
        ),
    })
}

/// Argo Rollouts: an analysis in the background, in a step, or around a blue-green switch.
fn of_rollout(workload: &Workload) -> Result<Place, Box<Finding>> {
    let strategy = workload.body.at("spec.strategy");
    let found = strategy.and_then(|strategy| {
        let canary = strategy.get("canary");
        let background = canary.and_then(|canary| canary.get("analysis"));
        let step = canary.into_iter().flat_map(|canary| canary.list("steps")).find_map(|step| {
            step.get("analysis").or_else(|| step.get("experiment").and_then(|inner| inner.get("analyses")))
        });
        let switch =
            strategy.at("blueGreen.prePromotionAnalysis").or_else(|| strategy.at("blueGreen.postPromotionAnalysis"));
        background.or(step).or(switch).map(|node| node.place.clone())
    });
    found.ok_or_else(|| {
        Box::new(Finding::new(
            strategy.map_or(&workload.place, |strategy| &strategy.place),
            format!("Rollout {} has no analysis", workload.name),
            format!("Rollout {} 没有分析", workload.name),
        ))
    })
}

/// Weights of a mesh, a gateway or an ingress that somebody sets by hand.
fn split_by_hand(evidence: &Evidence<'_>) -> Result<Option<(Place, String, String)>, Missing> {
    for object in evidence.objects_of(&["HTTPRoute", "GRPCRoute", "VirtualService", "TrafficSplit", "Ingress"])? {
        let weighted = |list: &[Node]| list.iter().filter(|one| one.get("weight").is_some()).count() >= 2;
        let rules = object.body.list("spec.rules").iter().any(|rule| weighted(rule.list("backendRefs")));
        let mesh = object.body.list("spec.http").iter().any(|rule| weighted(rule.list("route")));
        let split = weighted(object.body.list("spec.backends"));
        let canary = object
            .body
            .at("metadata.annotations")
            .and_then(|annotations| annotations.get("nginx.ingress.kubernetes.io/canary"))
            .is_some_and(|flag| flag.str() == Some("true"));
        if (rules || mesh || split || canary) && receives(evidence, object)? {
            return Ok(Some((
                object.place.clone(),
                format!("{} {} splits traffic by weights that nothing moves by itself", object.kind, object.name),
                format!("{} {} 的流量权重不会自动调整", object.kind, object.name),
            )));
        }
    }
    Ok(None)
}

/// The traffic that an object splits goes to this service, not to another of the repository.
fn receives(evidence: &Evidence<'_>, object: &Object) -> Result<bool, Missing> {
    let mut backends: Vec<&str> = Vec::new();
    for rule in object.body.list("spec.rules") {
        backends.extend(rule.list("backendRefs").iter().filter_map(|one| one.str_at("name")));
        let paths = rule.list("http.paths");
        backends.extend(
            paths
                .iter()
                .filter_map(|path| path.str_at("backend.service.name").or_else(|| path.str_at("backend.serviceName"))),
        );
    }
    for rule in object.body.list("spec.http") {
        backends.extend(rule.list("route").iter().filter_map(|one| one.str_at("destination.host")));
    }
    backends.extend(object.body.list("spec.backends").iter().filter_map(|one| one.str_at("service")));
    let mut own = vec![evidence.service().name.as_str()];
    own.extend(evidence.workloads()?.iter().map(|workload| workload.name.as_str()));
    own.extend(evidence.objects_of(&["Service"])?.into_iter().map(|service| service.name.as_str()));
    let is_own = |backend: &&str| backend.contains("{{") || own.contains(&backend.split('.').next().unwrap_or(backend));
    Ok(backends.is_empty() || backends.iter().any(is_own))
}

/// The place of the first key of one of these names, anywhere in a tree.
fn find_key(node: &Node, names: &[&str]) -> Option<Place> {
    let mut found = None;
    node.walk(&mut |inner| {
        for entry in inner.entries() {
            if found.is_none() && names.contains(&entry.key.as_str()) && !entry.node.is_null() {
                found = Some(entry.key_place.clone());
            }
        }
    });
    found
}
