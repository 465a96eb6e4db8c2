//! Rate limits per endpoint and per client.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Node, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
};

use crate::shared::declared_library;

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
    Readings::of(Strength::Declared, declared_library(evidence, Capability::RateLimit, "rate limits", "限流"))
        .and(Strength::Configured, configured(evidence))
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
        match evidence.source_code()? {}
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
