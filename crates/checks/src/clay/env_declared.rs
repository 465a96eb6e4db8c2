//! Variables of Clay that are declared where they are read.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
};

use crate::shared::clay::{self, Held};

pub(crate) static CHECK: Check = Check {
    id: "clay.env-declared",
    title: Text {
        en: "Every CLAY_* variable read is declared, and its absence fails fast",
        zh: "读取的每个 CLAY_* 变量都已声明，缺失时立即失败",
    },
    source: &["C1.2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Declare every CLAY_* variable for production, make no credential optional, and stop at start-up, or say \"disabled\" in health and metrics, when one is missing.",
        zh: "为生产环境声明每个 CLAY_* 变量，凭据不得设为可选；缺失时应在启动时失败，或在健康检查和指标中明确显示“已禁用”。",
    },
    references: &["https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/"],
    page: include_str!("env_declared.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
    })
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let variables = clay::variables(evidence)?;
    let mut names: Vec<&str> = variables.iter().filter(|one| one.production).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no production workload here declares a CLAY_* variable",
                "此处没有生产工作负载声明 CLAY_* 变量",
            ),
            Message::new("the manifests that run it in production", "在生产环境运行它的部署清单"),
        ));
    }
    let places: Vec<Place> = variables.iter().filter(|one| one.production).map(|one| one.place.clone()).collect();
    let names = names.join(", ");
    Ok(Reading::shown(places, format!("declared for production: {names}"), format!("已为生产环境声明：{names}")))
}

/// Which variables are read is in the source. What contradicts itself already is not.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let variables = clay::variables(evidence)?;
    let mut findings = Vec::new();
    for variable in variables.iter().filter(|one| one.production) {
        let name = &variable.name;
        let add = |en: String, zh: String| Finding::new(variable.place, en, zh).in_environment(variable.environment);
        match variable.held {
            Held::Secret { name: secret, optional: true, .. } if clay::is_credential(name) => findings.push(add(
                format!("{name} is optional: without the Secret {secret} the container starts, and nobody is told"),
                format!("{name} 为可选：缺少 Secret {secret} 时容器照常启动且无人知晓"),
            )),
            Held::Literal("") => findings.push(add(format!("{name} is declared empty"), format!("{name} 声明为空值"))),
            Held::ConfigMap { name: map, key } if lacks(evidence, map, key)? => findings.push(add(
                format!("{name} is read from the key {key} of the ConfigMap {map}, which has none"),
                format!("{name} 读取 ConfigMap {map} 的键 {key}，但该键不存在"),
            )),
            _ => (),
        }
    }
    let any_in_production = variables.iter().any(|one| one.production);
    for variable in variables.iter().filter(|one| any_in_production && one.container.is_none()) {
        let elsewhere = ["TEST", "STAGING", "DEV", "LOCAL", "SANDBOX"].iter().any(|word| variable.name.contains(word));
        let known = variables.iter().any(|other| other.production && other.name == variable.name);
        if clay::is_credential(&variable.name) && !known && !elsewhere && !opaque(evidence)? {
            findings.push(Finding::new(
                variable.place,
                format!("{} is named here, and no production workload gets it", variable.name),
                format!("此处列出 {}，但没有生产工作负载获取它", variable.name),
            ));
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "what is declared contradicts itself", "声明之间存在矛盾"));
    }
    match evidence.source_code()? {}
}

fn lacks(evidence: &Evidence<'_>, map: &str, key: &str) -> Result<bool, Missing> {
    let maps = evidence.objects_of(&["ConfigMap"])?;
    let mut named = maps.iter().filter(|object| object.name == map).peekable();
    Ok(named.peek().is_some()
        && !named.any(|object| object.body.get("data").is_some_and(|data| data.get(key).is_some())))
}

/// A whole Secret or file is loaded whose names are not here: it may hold the variable.
fn opaque(evidence: &Evidence<'_>) -> Result<bool, Missing> {
    Ok(evidence
        .workloads()?
        .iter()
        .filter(|workload| workload.production)
        .flat_map(|workload| &workload.containers)
        .any(|container| !container.env_from.is_empty()))
}
