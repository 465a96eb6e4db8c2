//! A changed configuration takes effect without a release.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Function, FunctionId, FunctionKind, Meaning, SourceCode, Use, Workload},
};

use super::externalized::built_in;
use crate::shared::{declared_library, production_workloads, program, variables};

pub(crate) static CHECK: Check = Check {
    id: "config.reload",
    title: Text { en: "A configuration change needs no redeploy", zh: "修改配置无需重新部署" },
    source: &["B4.3d"],
    standard: Standard::ProductionReadiness,
    area: Area::Config,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Mount configuration as files and watch them, reload on SIGHUP, or let Reloader roll the pods when a ConfigMap changes.",
        zh: "以文件方式挂载配置并监听变化，或响应 SIGHUP 重新加载，或由 Reloader 在 ConfigMap 变更时滚动重启。",
    },
    references: &[
        "https://kubernetes.io/docs/concepts/configuration/configmap/",
        "https://github.com/stakater/Reloader",
    ],
    page: include_str!("reload.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let declared = declared_library(evidence, Capability::ConfigReload, "watching the configuration", "监听配置变化");
    Readings::of(Strength::Declared, declared).and(Strength::Configured, configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let findings: Vec<Finding> = evidence.images()?.iter().flat_map(built_in).collect();
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "configuration is compiled into the bundle", "配置被编入产物"));
    }
    let places: Vec<Place> = production_workloads(evidence)?.into_iter().flat_map(reloads).collect();
    if places.is_empty() {
        return of_source(evidence);
    }
    Ok(Reading::shown(
        places,
        "something beside the program watches its configuration and makes it take effect",
        "程序之外有组件监听配置并使变更生效",
    ))
}

/// `SIGHUP`, `syscall.SIGHUP`, `SignalKind::hangup()`.
fn is_hangup(signal: &str) -> bool {
    signal.ends_with("SIGHUP") || signal.trim_end_matches("()").ends_with("SignalKind.hangup")
}

/// A function of the program that says by its name, and by where it stands, that it reloads the configuration.
fn own_reload(source: &SourceCode) -> Option<&Function> {
    let says = |text: &str, words: &[&str]| {
        let lower = text.to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let mut product = source.functions.iter().filter(|one| one.role.counts() && one.kind == FunctionKind::Named);
    product.find(|one| {
        let name = one.name.rsplit('.').next().unwrap_or(&one.name);
        let (folders, _) = one.place.path().rsplit_once('.').unwrap_or((one.place.path(), ""));
        says(name, &["reload", "hotswap", "watchconfig"])
            && (says(&one.name, &["config", "setting"]) || says(folders, &["config", "setting"]))
    })
}

/// What the signal runs loads the configuration: it may as well renew certificates, or open the file of logs again. Where
/// the signal comes through a channel, the function that waits for it stands for what it runs. The environment of a
/// process that runs stays as it is.
fn loads(source: &SourceCode, signal: &Use) -> bool {
    let starts: &[FunctionId] = if signal.wraps.is_empty() { &[signal.function] } else { &signal.wraps };
    let loading = [Meaning::ConfigLoad, Meaning::ConfigReload, Meaning::Vault];
    starts.iter().any(|start| source.uses_of(*start).any(|(_, one)| loading.contains(&one.meaning)))
}

/// A watcher, SIGHUP, or a provider that is asked again; variables alone need a new start.
fn of_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let mut places: Vec<Place> = program::used(source, Meaning::ConfigReload)
        .chain(program::used(source, Meaning::FeatureFlag))
        .map(|one| one.place.clone())
        .collect();
    let hangs_up: Vec<&Use> = program::used(source, Meaning::Signal)
        .filter(|one| one.settings.values().flat_map(|setting| setting.value.texts()).any(is_hangup))
        .collect();
    places.extend(hangs_up.iter().filter(|one| loads(source, one)).map(|one| one.place.clone()));
    if !places.is_empty() {
        return Ok(Reading::shown(
            places,
            "the program takes a change of its configuration while it runs",
            "程序在运行中接受配置变更",
        ));
    }
    if let Some(one) = hangs_up.first() {
        return Ok(program::trail_ends(
            format!("SIGHUP is taken at {}; that it reloads the configuration was not followed", one.place),
            format!("{} 处接收 SIGHUP；是否据此重新加载配置未能追踪", one.place),
        ));
    }
    if let Some(own) = own_reload(source) {
        return Ok(program::trail_ends(
            format!(
                "{} at {} is named like a reload of the configuration; what starts it was not followed",
                own.name, own.place
            ),
            format!("{} 处的 {} 名称像是重新加载配置；由什么触发未能追踪", own.place, own.name),
        ));
    }
    let read = variables::read(source);
    if let Some(first) = read.values().flatten().next() {
        let count = read.len();
        return Ok(Reading::partly(
            [first.place.clone()],
            vec![Finding::new(
                &first.place,
                format!("{count} settings are variables of the environment: a change takes a rollout, though no build"),
                format!("{count} 项配置来自环境变量：变更需要滚动发布，但无需重新构建"),
            )],
            "settings change by a rollout only",
            "配置变更只能通过滚动发布生效",
        ));
    }
    Ok(program::nothing(
        evidence,
        source,
        &[Meaning::ConfigReload],
        "nothing takes a change of the configuration while it runs",
        "运行中没有任何机制接受配置变更",
    ))
}

fn reloads(workload: &Workload) -> Vec<Place> {
    let annotations = workload.annotations.iter().chain(&workload.pod_annotations);
    let mut places: Vec<Place> = annotations
        .filter(|(name, value)| match name.as_str() {
            "reloader.stakater.com/auto"
            | "reloader.stakater.com/search"
            | "configmap.reloader.stakater.com/auto"
            | "wave.pusher.com/update-on-config-change" => value.value == "true",
            "configmap.reloader.stakater.com/reload" => !value.value.is_empty(),
            _ => false,
        })
        .map(|(_, value)| value.place.clone())
        .collect();
    for container in &workload.containers {
        let Some(image) = &container.image else { continue };
        let name = image.value.repository.rsplit('/').next().unwrap_or_default();
        if matches!(name, "configmap-reload" | "prometheus-config-reloader" | "config-reloader" | "consul-template") {
            places.push(image.place.clone());
        }
    }
    places
}
