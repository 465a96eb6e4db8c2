//! A changed configuration takes effect without a release.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Workload,
};

use super::externalized::built_in;
use crate::shared::{declared_library, production_workloads};

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
        match evidence.source_code()? {}
    }
    Ok(Reading::shown(
        places,
        "something beside the program watches its configuration and makes it take effect",
        "程序之外有组件监听配置并使变更生效",
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
