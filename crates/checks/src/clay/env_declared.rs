//! Variables of Clay that are declared where they are read.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{EnvironmentRead, SettingValue, SourceCode},
};

use crate::shared::{
    clay::{self, Held},
    program, variables,
};

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
    clay::asked(evidence, CHECK.min, || program::readings(declared(evidence), configured(evidence)))
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

/// What contradicts itself is wrong whatever the program reads.
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
    in_source(evidence)
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

/// Every variable of Clay that the program reads is declared, and a credential that is not set is noticed.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let declared = variables::declared(evidence)?;
    let read: Vec<(&str, Vec<&EnvironmentRead>)> =
        variables::read(source).into_iter().filter(|(name, _)| clay::ours(name).as_deref() == Some(*name)).collect();
    let mut tally = Tally::new();
    let mut open = Vec::new();
    for (name, reads) in &read {
        let Some(first) = reads.first() else { continue };
        let credential = clay::is_credential(name);
        if let Some(silent) = reads.iter().find(|one| credential && goes_on(source, one)) {
            tally.miss(
                *name,
                Finding::new(
                    &silent.place,
                    format!("without {name} the program goes on, and nobody is told"),
                    format!("缺少 {name} 时程序照常运行且无人知晓"),
                ),
            );
        }
        let has_default =
            reads.iter().any(|one| matches!(&one.default, Some(value) if *value != SettingValue::NotFollowed));
        if declared.has(name) || has_default && !credential {
            tally.met(*name, &first.place);
        } else if declared.elsewhere.is_empty() {
            tally.miss(
                *name,
                Finding::new(
                    &first.place,
                    format!("{name} is read here and declared nowhere"),
                    format!("此处读取 {name}，但没有任何地方声明它"),
                ),
            );
        } else {
            open.push(*name);
        }
    }
    if let (Some(place), count) = (declared.elsewhere.first(), tally.count())
        && !open.is_empty()
        && count.met == count.of
    {
        let list = open.join(", ");
        return Ok(program::trail_ends(
            format!("{list} may come from what is loaded whole at {place}, which is not here"),
            format!("{list} 可能来自 {place} 处整体加载的内容，而该内容不在此处"),
        ));
    }
    if tally.is_empty() {
        let files = program::files(source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no read of a CLAY_* variable was recognised in {sources}"),
            format!("在 {files} 个源文件中未识别出对 CLAY_* 变量的读取"),
        ));
    }
    Ok(tally.reading(
        "variables of Clay that are read are declared and missed when they are not set",
        "个 Clay 变量已声明且缺失时能被发现",
    ))
}

/// An empty text stands in, or a branch goes on without it, and no branch refuses to.
fn goes_on(source: &SourceCode, read: &EnvironmentRead) -> bool {
    let refuses = source
        .decisions
        .secrets
        .iter()
        .any(|one| !one.set && one.refuses && clay::ours(&one.name).as_deref() == Some(read.name.as_str()));
    let empty = match &read.default {
        Some(SettingValue::Text(text)) => text.is_empty(),
        Some(SettingValue::NotFollowed) => true,
        _ => false,
    };
    empty && !refuses
}
