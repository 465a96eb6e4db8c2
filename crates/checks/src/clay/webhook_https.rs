//! Webhooks over TLS, to the host that is meant.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Object, SourceCode, SourceTextKind},
};

use crate::shared::clay::{self, Url};

pub(crate) static CHECK: Check = Check {
    id: "clay.webhook-https",
    title: Text {
        en: "Webhook endpoints only over HTTPS, hosts parsed not matched",
        zh: "Webhook 端点仅使用 HTTPS，主机名经解析而非匹配",
    },
    source: &["C1.4"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Terminate TLS for every host of the ingress, redirect nothing but refuse http, write every URL with https, and compare the parsed host with api.clay.com.",
        zh: "为入口的每个主机启用 TLS，拒绝而非重定向 http，所有 URL 使用 https，并将解析后的主机与 api.clay.com 比较。",
    },
    references: &["https://kubernetes.io/docs/concepts/services-networking/ingress/#tls"],
    page: include_str!("webhook_https.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    for variable in clay::variables(evidence)?.iter().filter(|one| one.production) {
        let Some((value, place)) = clay::literal(evidence, variable) else { continue };
        for url in clay::urls(value) {
            of_url(&variable.name, url, place, variable.environment, &mut tally);
        }
    }
    let entrances = evidence.objects_of(&["Ingress", "Gateway"])?;
    for object in entrances.into_iter().filter(|object| object.production) {
        of_entrance(object, &mut tally);
    }
    for (environment, url) in evidence.service().urls.iter().filter(|(name, _)| name.starts_with("prod")) {
        let place = evidence
            .service()
            .sources
            .first()
            .map_or_else(|| Place::whole("gonogo.toml"), |source| source.place.clone());
        for url in clay::urls(url) {
            of_url(&format!("the URL of {environment}"), url, &place, None, &mut tally);
        }
    }
    if let Ok(source) = evidence.source() {
        of_source(source, &mut tally);
    }
    if tally.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no ingress, gateway or URL of a webhook is declared here",
                "此处未声明入口、网关或 webhook URL",
            ),
            Message::new("the ingress or gateway that webhooks come in by", "接收 webhook 的入口或网关"),
        ));
    }
    Ok(tally.reading(
        "webhook entrances and URLs use TLS and the host that is meant",
        "个 webhook 入口和 URL 使用 TLS 且主机正确",
    ))
}

/// Addresses that the program writes down, and hosts that it looks for in the middle of a text.
fn of_source(source: &SourceCode, tally: &mut Tally) {
    for text in source.texts.iter().filter(|one| one.role.counts()) {
        match text.kind {
            SourceTextKind::Address => {
                for url in clay::urls(&text.text) {
                    let about = url.of_clay() || url.host.to_ascii_lowercase().contains(clay::API_HOST);
                    if about || url.tunnel() {
                        of_url(&format!("the address at {}", text.place), url, &text.place, None, tally);
                    }
                }
            }
            SourceTextKind::Vendor if text.text.eq_ignore_ascii_case(clay::API_HOST) => {
                let sought = text.given_to.as_deref().is_some_and(|method| SEEKING.contains(&method));
                if sought {
                    tally.miss(
                        format!("the host at {}", text.place),
                        Finding::new(
                            &text.place,
                            "Clay's host is looked for in the middle of an address: api.clay.com.evil.example has it too",
                            "在地址中查找 Clay 主机名：api.clay.com.evil.example 同样包含它",
                        ),
                    );
                }
            }
            _ => (),
        }
    }
}

/// Methods that find a text inside of another.
const SEEKING: &[&str] = &[
    "includes",
    "include?",
    "contains",
    "Contains",
    "indexOf",
    "startsWith",
    "startswith",
    "endsWith",
    "endswith",
    "find",
    "search",
    "match",
    "HasPrefix",
    "HasSuffix",
    "StartsWith",
    "EndsWith",
    "str_contains",
    "strpos",
];

fn of_url(name: &str, url: Url<'_>, place: &Place, environment: Option<&str>, tally: &mut Tally) {
    let key = format!("{name} {}", url.host);
    let lower = url.host.to_ascii_lowercase();
    let mut miss =
        |en: String, zh: String| tally.miss(key.clone(), Finding::new(place, en, zh).in_environment(environment));
    if url.tunnel() {
        miss(format!("{name} points at a tunnel ({})", url.host), format!("{name} 指向隧道（{}）", url.host));
    } else if lower != clay::API_HOST
        && (lower.contains(clay::API_HOST) || url.path.starts_with(clay::WEBHOOK_PATH))
        && !url.internal()
    {
        miss(
            format!("{name} points at {}, which is not Clay's host", url.host),
            format!("{name} 指向 {}，并非 Clay 的主机", url.host),
        );
    } else if url.internal() {
        // A stand-in or a proxy of one's own.
    } else if url.scheme.eq_ignore_ascii_case("https") {
        tally.met(key, place);
    } else if url.scheme.eq_ignore_ascii_case("http") {
        miss(format!("{name} uses http"), format!("{name} 使用 http"));
    }
}

fn of_entrance(object: &Object, tally: &mut Tally) {
    let key = format!("{}/{}", object.kind, object.name);
    let mut miss = |place: &Place, en: String, zh: String| {
        tally.miss(key.clone(), Finding::new(place, en, zh).in_environment(object.environment.as_deref()));
    };
    let name = &object.name;
    if object.kind == "Gateway" {
        let listeners = object
            .body
            .list("spec.listeners")
            .iter()
            .map(|one| (one, one.str_at("protocol").unwrap_or_default(), one.at("tls")));
        let servers = object
            .body
            .list("spec.servers")
            .iter()
            .map(|one| (one, one.str_at("port.protocol").unwrap_or_default(), one.at("tls")));
        let open: Vec<&Node> = listeners
            .chain(servers)
            .filter(|(_, protocol, tls)| {
                protocol.eq_ignore_ascii_case("HTTP")
                    && !tls.is_some_and(|tls| tls.bool_at("httpsRedirect") == Some(true))
            })
            .map(|(one, ..)| one)
            .collect();
        for one in &open {
            miss(&one.place, format!("Gateway {name} listens on plain HTTP"), format!("Gateway {name} 监听明文 HTTP"));
        }
        if open.is_empty() {
            tally.met(key, &object.place);
        }
        return;
    }
    let covered: Vec<&str> =
        object.body.list("spec.tls").iter().flat_map(|tls| tls.list("hosts")).filter_map(Node::str).collect();
    let any_host = object.body.list("spec.tls").iter().any(|tls| tls.list("hosts").is_empty());
    let annotations = object.body.at("metadata.annotations");
    let annotation = |key: &str| annotations.and_then(|all| all.get(key));
    // Load balancers of the clouds take their certificate from an annotation.
    let by_annotation = [
        "alb.ingress.kubernetes.io/certificate-arn",
        "networking.gke.io/managed-certificates",
        "ingress.gcp.kubernetes.io/pre-shared-cert",
    ]
    .iter()
    .any(|key| annotation(key).is_some());
    let mut bad = false;
    for rule in object.body.list("spec.rules") {
        let host = rule.str_at("host").unwrap_or("*");
        if !any_host && !by_annotation && !covered.iter().any(|own| matches(own, host)) {
            miss(
                &rule.place,
                format!("Ingress {name} serves {host} without TLS"),
                format!("Ingress {name} 未对 {host} 启用 TLS"),
            );
            bad = true;
        }
    }
    for key in ["nginx.ingress.kubernetes.io/ssl-redirect", "nginx.ingress.kubernetes.io/force-ssl-redirect"] {
        if let Some(node) = annotation(key).filter(|node| node.str() == Some("false")) {
            miss(
                &node.place,
                format!("Ingress {name} answers plain http too"),
                format!("Ingress {name} 也响应明文 http"),
            );
            bad = true;
        }
    }
    if !bad {
        tally.met(key, &object.place);
    }
}

/// `*.example.com` covers one label.
fn matches(pattern: &str, host: &str) -> bool {
    pattern == host
        || pattern.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
}
