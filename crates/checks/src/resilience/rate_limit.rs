//! Rate limits per endpoint and per client.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading,
    Readings, Standard, Strength, Text,
    evidence::{Meaning, SourceCode, Use, UseId},
};

use crate::shared::{declared_library, outbound, scaling};

pub(crate) static CHECK: Check = Check {
    id: "resilience.rate-limit",
    title: Text { en: "Rate limits per endpoint and per client", zh: "按端点且按客户端限流" },
    source: &["B4.2c", "B3.8"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Limit by client and by endpoint, answer 429 with Retry-After, keep the counters in a shared store when there is more than one replica, and leave the health endpoint out.",
        zh: "同时按客户端和端点限流，以 429 加 Retry-After 应答，多副本时使用共享存储计数，并排除健康端点。",
    },
    references: &["https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"],
    page: include_str!("rate_limit.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || {
        declared_library(evidence, Capability::RateLimit, "rate limits", "限流")
    })
}

/// A gateway that limits each client on each route decides without the program.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut by_client = Vec::new();
    let mut entrances = 0;
    for object in evidence.objects_of(&["Ingress", "KongPlugin", "BackendTrafficPolicy", "Middleware"])? {
        if !object.production {
            continue;
        }
        let body = &object.body;
        let entrance = object.kind == "Ingress";
        entrances += usize::from(entrance && !whole_site(body));
        let nginx = ["limit-rps", "limit-rpm"]
            .into_iter()
            .find_map(|key| body.at("metadata.annotations")?.get(&format!("nginx.ingress.kubernetes.io/{key}")));
        let kong =
            body.str_at("plugin").filter(|plugin| plugin.starts_with("rate-limiting")).and_then(|_| body.get("plugin"));
        let envoy = body.at("spec.rateLimit");
        let traefik = body.at("spec.rateLimit.average");
        by_client.extend([nginx, kong, envoy, traefik].into_iter().flatten().map(|node| node.place.clone()));
    }
    if by_client.is_empty() {
        return in_source(evidence);
    }
    by_client.sort();
    by_client.dedup();
    if let Some(reading) = each_endpoint(evidence, &by_client, entrances)? {
        return Ok(reading);
    }
    let place = by_client.first().cloned().unwrap_or_else(|| Place::whole("."));
    let finding = Finding::new(
        &place,
        "the gateway limits each client over all endpoints alike; no endpoint has a limit of its own here",
        "网关对每个客户端在所有端点统一限流；此处没有端点级限流",
    );
    Ok(Reading::partly(
        by_client,
        vec![finding],
        "limited per client at the gateway; per endpoint nothing is configured here",
        "网关按客户端限流；未见按端点的限流配置",
    ))
}

/// What the program limits itself: by whom, for which addresses, and where it counts.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let limits: Vec<(UseId, &Use)> = source.uses_for(&[Meaning::RateLimit]).collect();
    if limits.is_empty() {
        let files = outbound::files(source);
        let sources = crate::shared::program::counted(files);
        return Ok(Reading::elsewhere(
            Message::new(
                format!("no rate limit is in {sources}, nor in a gateway of this repository"),
                format!("{files} 个源文件与此仓库的网关配置中均无限流"),
            ),
            Message::new(
                "the configuration of the gateway that limits, or a limiter that gonogo knows",
                "执行限流的网关配置，或可识别的限流组件",
            ),
        ));
    }
    let findings = counted_apart(evidence, &limits)?;
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "each replica counts for itself: a client gets the limit as often as there are replicas",
            "每个副本独立计数：客户端实际额度随副本数倍增",
        ));
    }
    let places: Vec<Place> = limits.iter().map(|(_, one)| one.place.clone()).collect();
    let by_client =
        limits.iter().any(|(_, one)| outbound::says(one, "key", "client") || one.settings.contains_key("key"));
    let by_endpoint = limits.len() > 1 || for_some_routes(source, &limits);
    let place = places.first().cloned().unwrap_or_else(|| Place::whole("."));
    Ok(match (by_client, by_endpoint) {
        (true, true) => Reading::shown(
            places,
            "clients are limited by themselves, and endpoints have limits of their own",
            "按客户端限流，且端点有各自的限额",
        ),
        (true, false) => Reading::partly(
            places,
            vec![Finding::new(
                &place,
                "each client has one limit for all endpoints alike",
                "每个客户端在所有端点上共用同一限额",
            )],
            "limited per client; per endpoint nothing is set",
            "按客户端限流；没有端点级限额",
        ),
        (false, _) => Reading::partly(
            places,
            vec![Finding::new(
                &place,
                "one counter for everybody: a single client uses up the limit of all",
                "所有人共用一个计数器：单个客户端可耗尽全部额度",
            )],
            "limited, but not per client",
            "有限流，但未按客户端区分",
        ),
    })
}

/// Counters in memory, with several replicas.
fn counted_apart(evidence: &Evidence<'_>, limits: &[(UseId, &Use)]) -> Result<Vec<Finding>, Missing> {
    let Some((replicas, place)) = scaling::most_in_production(evidence)? else { return Ok(Vec::new()) };
    let in_memory =
        limits.iter().filter(|(_, one)| outbound::says(one, "store", "memory") && !one.settings.contains_key("store"));
    Ok(in_memory
        .map(|(_, one)| {
            Finding::new(
                &one.place,
                format!("{} counts in its own memory, and {replicas} replicas may run", one.symbol),
                format!("{} 在自身内存中计数，而可能运行 {replicas} 个副本", one.symbol),
            )
            .also(&place, "replicas", "副本数")
        })
        .collect())
}

/// A limiter stands before some of the routes and not before all.
fn for_some_routes(source: &SourceCode, limits: &[(UseId, &Use)]) -> bool {
    let routes: Vec<_> = source.routes.iter().filter(|route| route.role.counts()).collect();
    let limited = routes
        .iter()
        .filter(|route| route.guards.iter().any(|guard| limits.iter().any(|(id, _)| guard.used == Some(*id))))
        .count();
    limited > 0 && limited < routes.len()
}

/// Several Ingresses of single paths, each with a limit of its own: a client is limited on each endpoint.
fn each_endpoint(evidence: &Evidence<'_>, limits: &[Place], entrances: usize) -> Result<Option<Reading>, Missing> {
    let all = evidence.objects_of(&["Ingress"])?.into_iter().filter(|object| object.production).count();
    Ok((entrances >= 2 && entrances == all && limits.len() == all).then(|| {
        Reading::shown(
            limits.to_vec(),
            "the gateway limits each client on each endpoint by itself",
            "网关对每个客户端按端点分别限流",
        )
    }))
}

/// It takes everything below the root, so that its limit is one for all endpoints.
fn whole_site(ingress: &Node) -> bool {
    let paths: Vec<&Node> = ingress.list("spec.rules").iter().flat_map(|rule| rule.list("http.paths")).collect();
    paths.len() != 1 || paths.iter().any(|path| path.str_at("path").is_none_or(|path| path == "/"))
}
