//! A metrics endpoint gives rate, errors and duration.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
};

use crate::shared::{declared_library, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "observability.metrics",
    title: Text {
        en: "A metrics endpoint gives rate, errors, duration", zh: "指标端点提供请求率、错误与耗时"
    },
    source: &["B3.1d"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Count requests by route and status, measure durations in a histogram, serve them on /metrics and let Prometheus scrape it (or push them over OTLP).",
        zh: "按路由与状态计数请求，用直方图记录耗时，在 /metrics 暴露并由 Prometheus 抓取（或通过 OTLP 推送）。",
    },
    references: &["https://prometheus.io/docs/practices/instrumentation/"],
    page: include_str!("metrics.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

/// Something is scraped, or a metrics library is named: what it measures is in the source.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut places: Vec<Place> = Vec::new();
    for workload in production_workloads(evidence)? {
        let annotation = workload.pod_annotations.get("prometheus.io/scrape").filter(|value| value.value == "true");
        places.extend(annotation.map(|value| value.place.clone()));
        for monitor in evidence.objects_of(&["ServiceMonitor", "PodMonitor"])? {
            let selects = monitor.body.at("spec.selector.matchLabels").is_some_and(|labels| {
                labels.entries().iter().any(|label| {
                    let wanted = label.node.str();
                    workload.labels.get(&label.key).map(String::as_str) == wanted
                        || workload.pod_labels.get(&label.key).map(String::as_str) == wanted
                })
            });
            if selects {
                places.push(monitor.place.clone());
            }
        }
    }
    if places.is_empty() {
        return declared_library(evidence, Capability::Metrics, "metrics", "指标");
    }
    places.sort();
    places.dedup();
    Ok(Reading::shown(
        places,
        "Prometheus is told to scrape it; what it measures is in the source",
        "已配置 Prometheus 抓取；具体指标需看源代码",
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    match evidence.source_code()? {}
}
