//! Overload is shed, not queued without bound.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{Meaning, SettingValue, SourceCode, Use},
};

use crate::shared::{declared_library, outbound};

pub(crate) static CHECK: Check = Check {
    id: "resilience.backpressure",
    title: Text { en: "Overload is shed, not queued without bound", zh: "过载时丢弃而非无限排队" },
    source: &["B4.2d"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Bound every queue and the number of requests in flight; answer 503 with Retry-After when the bound is reached.",
        zh: "为每个队列与并发请求数设上限；达到上限时以 503 加 Retry-After 应答。",
    },
    references: &["https://sre.google/sre-book/handling-overload/"],
    page: include_str!("backpressure.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || {
        declared_library(evidence, Capability::Bulkhead, "bounded concurrency", "有界并发")
    })
}

/// The bound of what is in flight, at the gateway or in the program, and queues that grow as they like.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut bounds = at_the_gateway(evidence)?;
    let source = evidence.source()?;
    let findings = unbounded(source);
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            gonogo_domain::merge(findings),
            "work is taken in without bound on the way of a request",
            "请求路径上的任务接收没有上限",
        ));
    }
    // A group that starts so many at once bounds what one piece of work does, not how many requests come in.
    let lets_in = |one: &Use| is_bound(one) && !outbound::says(one, "of", "one piece of work");
    let inside = source.uses_for(&[Meaning::ConcurrencyLimit, Meaning::AdaptiveLimit]).filter(|(_, one)| lets_in(one));
    bounds.extend(inside.map(|(_, one)| one.place.clone()));
    let prefetch = source.uses_for(&[Meaning::Queue]).filter(|(_, one)| one.settings.contains_key("bound"));
    let prefetch: Vec<Place> = prefetch.filter(|(_, one)| is_bound(one)).map(|(_, one)| one.place.clone()).collect();
    // A service that only consumes takes in as much as it fetches ahead.
    if source.routes.is_empty() {
        bounds.extend(prefetch);
    }
    if !bounds.is_empty() {
        return Ok(Reading::shown(
            bounds,
            "what is in flight at once is bounded, and no queue on the way of a request grows without end",
            "并发处理数有上限，请求路径上没有无界队列",
        ));
    }
    let files = outbound::files(source);
    let sources = crate::shared::program::counted(files);
    Ok(Reading::elsewhere(
        Message::new(
            format!("no unbounded queue and no bound of what is in flight is in {sources}"),
            format!("{files} 个源文件中既没有无界队列，也没有并发上限"),
        ),
        Message::new(
            "a limit of concurrent requests, in the program or at its gateway, or a load test beyond its capacity",
            "程序或网关中的并发请求上限，或超出容量的压力测试",
        ),
    ))
}

fn is_bound(one: &Use) -> bool {
    let set = one.settings.get("bound").map(|setting| &setting.value);
    match set {
        Some(value) => value.number().is_none_or(|number| number > 0.0),
        None => one.defaults.get("bound").is_none_or(|bound| bound != "none"),
    }
}

/// Queues without an end, and workers that are started for each of who knows how many things, where requests come.
fn unbounded(source: &SourceCode) -> Vec<Finding> {
    let path = outbound::on_request_path(source);
    let mut findings = Vec::new();
    for (_, one) in source.uses_for(&[Meaning::Queue]) {
        let none = outbound::says(one, "bound", "none") && !is_set(one);
        if none && let Some(route) = path.get(&one.function) {
            findings.push(Finding::new(
                &one.place,
                format!("{} takes in whatever comes from {route}: it has no bound", one.symbol),
                format!("{} 接收来自 {route} 的一切任务，没有上限", one.symbol),
            ));
        }
    }
    // Queues that are made once, and stand in for the pool of workers of the whole program.
    for (_, one) in source.uses_for(&[Meaning::ConcurrencyLimit, Meaning::Bulkhead]) {
        if outbound::says(one, "queue", "unbounded") && !one.settings.contains_key("queue") {
            findings.push(Finding::new(
                &one.place,
                format!("{} queues without bound behind its workers", one.symbol),
                format!("{} 的工作线程之后排队无上限", one.symbol),
            ));
        }
    }
    for (_, spawn) in source.uses_for(&[Meaning::Spawn]) {
        let Some(route) = path.get(&spawn.function) else { continue };
        if spawn.in_loop && !limited(source, spawn) && goes_out(source, spawn) {
            findings.push(Finding::new(
                &spawn.place,
                format!("{} starts one call to another service for each item of a request to {route}", spawn.symbol),
                format!("{} 为 {route} 请求中的每个条目各启动一个对外调用", spawn.symbol),
            ));
        }
    }
    findings
}

/// A bound that is set, and is more than nothing.
fn is_set(one: &Use) -> bool {
    one.settings.get("bound").is_some_and(|setting| match &setting.value {
        SettingValue::Number(number) => *number > 0.0,
        _ => true,
    })
}

/// Something in the same function bounds how many run at once.
fn limited(source: &SourceCode, spawn: &Use) -> bool {
    let limits = [Meaning::ConcurrencyLimit, Meaning::Bulkhead, Meaning::OutboundLimit, Meaning::AdaptiveLimit];
    source.uses.iter().any(|one| limits.contains(&one.meaning) && one.function == spawn.function)
        || spawn.wraps.iter().any(|inner| source.uses_of(*inner).any(|(_, one)| limits.contains(&one.meaning)))
}

fn goes_out(source: &SourceCode, spawn: &Use) -> bool {
    spawn.wraps.iter().any(|inner| source.uses_of(*inner).any(|(_, one)| one.meaning.is_outbound()))
}

/// What lets only so many requests in: annotations of an Ingress, a mesh's pool of connections, a platform's concurrency.
fn at_the_gateway(evidence: &Evidence<'_>) -> Result<Vec<Place>, Missing> {
    let mut places = Vec::new();
    let kinds = ["Ingress", "DestinationRule", "BackendTrafficPolicy", "Middleware", "Service"];
    for object in evidence.objects_of(&kinds)?.into_iter().filter(|object| object.production) {
        let body = &object.body;
        let found = match object.kind.as_str() {
            "Ingress" => {
                body.at("metadata.annotations").and_then(|all| all.get("nginx.ingress.kubernetes.io/limit-connections"))
            }
            "DestinationRule" => body
                .at("spec.trafficPolicy.connectionPool.http.http1MaxPendingRequests")
                .or_else(|| body.at("spec.trafficPolicy.connectionPool.http.http2MaxRequests")),
            "BackendTrafficPolicy" => body
                .at("spec.circuitBreaker.maxPendingRequests")
                .or_else(|| body.at("spec.circuitBreaker.maxParallelRequests")),
            "Middleware" => body.at("spec.inFlightReq.amount"),
            // Knative and Cloud Run bound each instance.
            _ => body.at("spec.template.spec.containerConcurrency").filter(|node| node.int() != Some(0)),
        };
        places.extend(found.map(|node| node.place.clone()));
    }
    Ok(places)
}
