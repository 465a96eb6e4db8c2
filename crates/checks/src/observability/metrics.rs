//! A metrics endpoint gives rate, errors and duration.

use gonogo_domain::{
    Area, Capability, Check, Class, Classes, Evidence, Finding, Gate, Level, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{Meaning, SettingValue, Use},
};

use crate::shared::{declared_library, production_workloads, program};

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
    program::readings(declared(evidence), configured(evidence))
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
    let source = evidence.source()?;
    let metrics: Vec<&Use> = program::used(source, Meaning::Metric).collect();
    let Some(exposed) = program::used(source, Meaning::MetricsEndpoint).next() else {
        // What OpenTelemetry's instrumentation measures goes nowhere without an exporter of metrics.
        return Ok(match metrics.iter().find(|metric| program::default(metric, "needs") != "otel") {
            Some(metric) => program::trail_ends(
                format!("{} at {} measures; what exposes or pushes it was not followed", metric.symbol, metric.place),
                format!("{} 处 {} 产生指标；其暴露或推送方式未能追踪", metric.place, metric.symbol),
            ),
            None => program::nothing(
                evidence,
                source,
                &[Meaning::Metric, Meaning::MetricsEndpoint],
                "nothing measures requests or exposes metrics",
                "没有度量请求或暴露指标",
            ),
        });
    };
    let labels: Vec<Finding> = metrics.iter().filter_map(|metric| id_like(metric)).collect();
    if !labels.is_empty() {
        return Ok(Reading::refuted(
            labels,
            "a label has a value for each user or request",
            "有标签的取值随用户或请求而变",
        ));
    }
    let serves = matches!(evidence.service().class, Class::Server);
    let counter = metrics.iter().find(|metric| counts_requests(metric, serves));
    let histogram = metrics.iter().find(|metric| measures_duration(metric, serves));
    let mut findings = Vec::new();
    if counter.is_none() {
        findings.push(Finding::new(
            &exposed.place,
            "no counter of requests by their status is among the metrics",
            "指标中没有按状态统计的请求计数器",
        ));
    }
    if histogram.is_none() {
        findings.push(Finding::new(
            &exposed.place,
            "no histogram of durations is among the metrics",
            "指标中没有耗时直方图",
        ));
    }
    let places = [Some(&exposed.place), counter.map(|one| &one.place), histogram.map(|one| &one.place)];
    let places = places.into_iter().flatten().cloned();
    Ok(if findings.is_empty() {
        Reading::shown(places, "requests are counted by status, and durations measured", "已按状态统计请求并度量耗时")
    } else {
        Reading::partly(
            places,
            findings,
            "metrics are exposed, and not all of rate, errors and duration",
            "已暴露指标，但未覆盖请求率、错误与耗时的全部",
        )
    })
}

fn counts_requests(metric: &Use, serves: bool) -> bool {
    let kind = program::default(metric, "kind");
    if program::default(metric, "of") == "requests" {
        return matches!(kind, "all" | "counter");
    }
    // A histogram counts too, where it has the status.
    let status = labelled(metric, &["status", "code", "result", "outcome", "success"]);
    let failures = name(metric).is_some_and(|name| name.contains("error") || name.contains("fail"));
    let label_unknown = metric.settings.get("labels").is_some_and(|setting| setting.value == SettingValue::NotFollowed);
    kind != "gauge" && of_requests(metric, serves) && (status || failures || label_unknown)
}

fn measures_duration(metric: &Use, serves: bool) -> bool {
    let kind = program::default(metric, "kind");
    if program::default(metric, "of") == "requests" {
        return matches!(kind, "all" | "histogram");
    }
    let Some(name) = name(metric) else { return kind == "histogram" };
    let timed = ["duration", "latency", "seconds", "millis", "_ms", "time"].iter().any(|word| name.contains(word));
    // `latency_seconds` says nothing else: what it has a value for does, or it is the one of the service.
    let plain = ["duration", "latency", "seconds", "milliseconds", "millis", "ms", "time", "histogram"];
    let unspecific = name.split(['_', '.']).all(|word| plain.contains(&word));
    let by_route = labelled(metric, &["route", "path", "handler", "endpoint", "method", "operation"]);
    let timed = timed || program::default(metric, "measures") == "time";
    kind == "histogram" && timed && (of_requests(metric, serves) || unspecific || by_route && !of_others(metric))
}

/// One of its labels has such a word.
fn labelled(metric: &Use, words: &[&str]) -> bool {
    let labels = metric.settings.get("labels").map(|setting| setting.value.texts()).unwrap_or_default();
    labels.iter().any(|label| words.iter().any(|word| label.to_ascii_lowercase().contains(word)))
}

/// It is of what the service is asked: of requests where it serves them, of what it takes from a queue where not.
fn of_requests(metric: &Use, serves: bool) -> bool {
    let asked: &[&str] = &["request", "http", "grpc", "rpc", "call", "response", "quer", "api"];
    let taken: &[&str] = &["job", "message", "task"];
    let says = |words: &[&str]| name(metric).is_none_or(|name| words.iter().any(|word| name.contains(word)));
    (says(asked) || !serves && says(taken)) && !of_others(metric)
}

/// Its name says that it is of calls to others: `http_client_requests`.
fn of_others(metric: &Use) -> bool {
    const OUT: &[&str] = &[
        "client", "outgoing", "outbound", "upstream", "egress", "external", "scrape", "scraper", "crawler", "fetcher",
    ];
    let parts = ["namespace", "subsystem", "name"].iter().filter_map(|part| metric.settings.get(*part)?.value.text());
    parts.flat_map(|part| part.split(['_', '.', '-'])).any(|word| OUT.contains(&word.to_ascii_lowercase().as_str()))
}

/// In small letters; none where it was not followed.
fn name(metric: &Use) -> Option<String> {
    metric.settings.get("name")?.value.text().map(str::to_ascii_lowercase)
}

/// A label with a value for each user, request or address.
fn id_like(metric: &Use) -> Option<Finding> {
    let setting = metric.settings.get("labels")?;
    let of = ["user", "request", "trace", "session", "order", "customer", "account", "transaction", "message"];
    let found = setting.value.texts().into_iter().map(str::to_owned).find(|label| {
        let plain: String = label.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        matches!(plain.as_str(), "email" | "uuid" | "url" | "ip" | "clientip" | "token" | "phone" | "rawpath")
            || plain.strip_suffix("id").is_some_and(|word| of.contains(&word))
    })?;
    Some(Finding::new(
        &setting.place,
        format!("label {found} has a value for each one: every value is a time series"),
        format!("标签 {found} 的取值随个体而变：每个取值都是一条时间序列"),
    ))
}
