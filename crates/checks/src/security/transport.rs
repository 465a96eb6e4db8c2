//! Whoever comes from outside comes over TLS.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{ApiDescription, Meaning, Object, Resource, SettingValue, SourceCode},
    merge,
};

use crate::shared::{
    delivery::is_beside,
    entrances::leads_here,
    program,
    secrets::{loopback, of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "security.transport",
    title: Text { en: "TLS everywhere outside", zh: "对外全部使用 TLS" },
    source: &["B3.4f"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::EXPOSABLE,
    fresh_days: None,
    record: &["version", "expires"],
    remediation: Text {
        en: "Terminate TLS 1.2 or later at every entrance with a certificate that renews itself, and answer plain HTTP with a redirect only.",
        zh: "在每个入口终止 TLS 1.2 及以上版本并使用自动续期的证书，明文 HTTP 只返回重定向。",
    },
    references: &[
        "https://cheatsheetseries.owasp.org/cheatsheets/Transport_Layer_Security_Cheat_Sheet.html",
        "https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
    ],
    page: include_str!("transport.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// What an entrance turned out to be.
enum Entrance {
    Secure(Place),
    Plain(Finding),
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let objects: Vec<&Object> = evidence
        .objects()?
        .iter()
        .filter(|object| object.production && !of_tests(object.place.path()) && !of_examples(object.place.path()))
        .collect();
    for object in objects.iter().filter(|object| leads_here(object, &objects)) {
        for (name, entrance) in of_object(object, &objects) {
            count(
                &mut tally,
                format!("{}/{}/{name}", object.kind, object.name),
                entrance,
                object.environment.as_deref(),
            );
        }
    }
    let resources = evidence.infrastructure()?;
    for resource in resources.iter().filter(|resource| !is_beside(evidence, resource)) {
        if let Some(entrance) = of_resource(resource, resources) {
            count(&mut tally, format!("{}.{}", resource.kind, resource.name), entrance, None);
        }
    }
    for api in evidence.apis()? {
        for address in plain_addresses(api) {
            let finding = Finding::new(
                &api.place,
                format!("the description gives clients an address without TLS: {address}"),
                format!("接口描述给客户端的地址没有 TLS：{address}"),
            );
            tally.miss(format!("{}/{address}", api.place.path()), finding);
        }
    }
    if let Ok(source) = evidence.source() {
        let plain = merge(goes_out_plain(source));
        if !plain.is_empty() {
            for (at, finding) in plain.into_iter().enumerate() {
                tally.miss(format!("source#{at}"), finding);
            }
            return Ok(tally.reading("entrances and calls to the outside use TLS", "处对外入口与对外调用使用 TLS"));
        }
    }
    if !tally.is_empty() {
        return Ok(tally.reading("entrances from outside are served over TLS", "个对外入口使用 TLS"));
    }
    let inside: Vec<&&Object> = objects.iter().filter(|object| object.kind == "Service").collect();
    let routed = objects.iter().any(|object| is_route(object) && leads_here(object, &objects));
    let outside = evidence.service().urls.values().any(|url| url.starts_with("http"));
    if let Some(first) = inside.first()
        && !routed
        && !outside
    {
        return Ok(Reading::not_applicable(
            format!(
                "Service {} is reached from inside the cluster only: no Ingress, Gateway, load balancer or route leads to it",
                first.name
            ),
            format!("Service {} 仅在集群内可达：没有 Ingress、Gateway、负载均衡或路由指向它", first.name),
        ));
    }
    Ok(Reading::elsewhere(
        Message::new(
            "no entrance from outside that leads to it is declared here: no Ingress, Gateway, load balancer or listener",
            "此处未声明通向它的对外入口：没有 Ingress、Gateway、负载均衡或监听器",
        ),
        Message::new(
            "the manifests of the Ingress, Gateway or load balancer in front of it, or its URL",
            "其前端 Ingress、Gateway 或负载均衡的清单，或其 URL",
        ),
    ))
}

/// Calls to somebody outside over plain HTTP, and those that believe any certificate.
fn goes_out_plain(source: &SourceCode) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in program::used(source, Meaning::HttpCall) {
        let address = call.settings.get("address").and_then(|address| address.value.text());
        if let Some(host) = address.and_then(|address| address.strip_prefix("http://")).and_then(public_host) {
            findings.push(Finding::new(
                &call.place,
                format!("{host} is called without TLS"),
                format!("以无 TLS 的方式调用 {host}"),
            ));
        }
    }
    for one in program::used(source, Meaning::Dangerous) {
        let is = |name: &str, value: bool| {
            one.settings.get(name).is_some_and(|setting| setting.value == SettingValue::Flag(value))
        };
        let off = match program::default(one, "only") {
            "tls" => is("skipped", true) && !one.in_branch,
            "unverified" => program::default(one, "risk") == "A02" && is("verified", false) && !one.in_branch,
            _ => false,
        };
        if off {
            findings.push(Finding::new(
                &one.place,
                "whoever answers is believed: certificates are not verified",
                "不校验证书，应答者一律被信任",
            ));
        }
    }
    findings
}

/// The host of the rest of an address, where it is nobody of the same network.
fn public_host(rest: &str) -> Option<&str> {
    let host = rest.split(['/', '?', ':', '#']).next()?;
    let last = host.rsplit('.').next().unwrap_or_default();
    let inside = !host.contains('.')
        || host.contains(['{', '$', '%'])
        || last.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(last, "local" | "localhost" | "internal" | "lan" | "svc" | "test" | "example" | "invalid" | "home");
    (!inside).then_some(host)
}

fn count(tally: &mut Tally, key: String, entrance: Entrance, environment: Option<&str>) {
    match entrance {
        Entrance::Secure(place) => tally.met(key, &place),
        Entrance::Plain(finding) => tally.miss(key, finding.in_environment(environment)),
    }
}

/// A route to it whose gateway is declared elsewhere. One without a gateway is for what is inside of the mesh already.
fn is_route(object: &Object) -> bool {
    match object.kind.as_str() {
        "VirtualService" => {
            let gateways = object.body.list("spec.gateways");
            gateways.iter().any(|gateway| gateway.str() != Some("mesh"))
        }
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" => {
            let parents = object.body.list("spec.parentRefs");
            parents.is_empty() || parents.iter().any(|parent| parent.str_at("kind") != Some("Service"))
        }
        kind => matches!(kind, "IngressRoute" | "HTTPProxy"),
    }
}

fn annotation<'a>(object: &'a Object, name: &str) -> Option<&'a Node> {
    object.body.get("metadata")?.get("annotations")?.get(name)
}

fn annotated(object: &Object, name: &str, value: &str) -> bool {
    annotation(object, name).and_then(Node::str).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

fn of_object(object: &Object, all: &[&Object]) -> Vec<(String, Entrance)> {
    match object.kind.as_str() {
        "Ingress" => ingress(object).into_iter().collect(),
        "Service" => load_balancer(object).into_iter().collect(),
        "Gateway" if object.api_version.starts_with("gateway.networking.k8s.io") => gateway(object, all),
        "Gateway" => istio_gateway(object),
        "Route" if object.api_version.starts_with("route.openshift.io") => vec![(String::new(), open_shift(object))],
        "IngressRoute" => {
            let secure = object.body.at("spec.tls").is_some();
            let web_only = object.body.list("spec.entryPoints").iter().all(|point| point.str() == Some("web"));
            match (secure, web_only) {
                (true, _) => vec![(String::new(), Entrance::Secure(object.place.clone()))],
                (false, true) => vec![(String::new(), plain(&object.place, "the route has no tls", "路由没有 tls"))],
                (false, false) => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

fn plain(place: &Place, en: &str, zh: &str) -> Entrance {
    Entrance::Plain(Finding::new(place, en, zh))
}

fn ingress(object: &Object) -> Option<(String, Entrance)> {
    let class = object
        .body
        .str_at("spec.ingressClassName")
        .or_else(|| annotation(object, "kubernetes.io/ingress.class").and_then(Node::str));
    // An entrance for the company's own network is none from outside.
    if annotated(object, "alb.ingress.kubernetes.io/scheme", "internal")
        || class.is_some_and(|class| class.contains("internal") || class.contains("private"))
    {
        return None;
    }
    for name in [
        "nginx.ingress.kubernetes.io/ssl-redirect",
        "nginx.ingress.kubernetes.io/force-ssl-redirect",
        "ingress.kubernetes.io/ssl-redirect",
    ] {
        if let Some(off) = annotation(object, name).filter(|node| node.str() == Some("false")) {
            // The force applies without a certificate too; to switch it off is its default.
            if !name.contains("force") {
                return Some((
                    String::new(),
                    plain(&off.place, "plain HTTP is served, not redirected", "提供明文 HTTP 且不重定向"),
                ));
            }
        }
    }
    let listens = annotation(object, "alb.ingress.kubernetes.io/listen-ports");
    let secure_listener = listens.and_then(Node::str).is_some_and(|ports| ports.contains("HTTPS"));
    if let Some(ports) = listens
        && ports.str().is_some_and(|text| text.contains("\"HTTP\"") && text.contains("HTTPS"))
        && annotation(object, "alb.ingress.kubernetes.io/ssl-redirect").is_none()
    {
        return Some((
            String::new(),
            plain(&ports.place, "plain HTTP is served, not redirected", "提供明文 HTTP 且不重定向"),
        ));
    }
    let by_annotation = [
        "networking.gke.io/managed-certificates",
        "ingress.gcp.kubernetes.io/pre-shared-cert",
        "networking.gke.io/certmap",
        "alb.ingress.kubernetes.io/certificate-arn",
        "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
        "traefik.ingress.kubernetes.io/router.tls",
    ]
    .iter()
    .find_map(|name| annotation(object, name));
    let forced =
        annotation(object, "nginx.ingress.kubernetes.io/force-ssl-redirect").filter(|node| node.str() == Some("true"));
    let certificates = object.body.list("spec.tls");
    if let Some(place) = by_annotation.or(forced).or(listens.filter(|_| secure_listener)).or(certificates.first()) {
        // A host that no certificate names is served with the controller's own, which no client trusts.
        let named: Vec<&str> = certificates.iter().flat_map(|one| one.list("hosts")).filter_map(Node::str).collect();
        let bare = object.body.list("spec.rules").iter().filter_map(|rule| rule.get("host")).find(|host| {
            let host = host.str().unwrap_or_default();
            !host.is_empty() && !named.iter().any(|name| covers(name, host))
        });
        return Some(match bare {
            Some(host) if by_annotation.is_none() && forced.is_none() && !secure_listener && !named.is_empty() => {
                let name = host.str().unwrap_or_default();
                (
                    String::new(),
                    Entrance::Plain(Finding::new(
                        &host.place,
                        format!("host {name} is in no certificate of the Ingress"),
                        format!("主机 {name} 不在该 Ingress 的任何证书中"),
                    )),
                )
            }
            _ => (String::new(), Entrance::Secure(place.place.clone())),
        });
    }
    // Cloudflare's tunnel and Tailscale terminate TLS before the cluster.
    if class.is_some_and(|class| class.contains("cloudflare") || class.contains("tailscale")) {
        return Some((String::new(), Entrance::Secure(object.place.clone())));
    }
    Some((
        String::new(),
        plain(&object.place, "the Ingress has no tls: it serves plain HTTP", "Ingress 没有 tls：以明文 HTTP 提供服务"),
    ))
}

/// `*.example.com` covers one label more.
fn covers(name: &str, host: &str) -> bool {
    name == host
        || name.strip_prefix("*.").is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest == domain))
}

/// Annotations that keep a load balancer inside of the company's network.
const INTERNAL: &[(&str, &str)] = &[
    ("networking.gke.io/load-balancer-type", "internal"),
    ("cloud.google.com/load-balancer-type", "internal"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "0.0.0.0/0"),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
];

fn load_balancer(object: &Object) -> Option<(String, Entrance)> {
    if object.body.str_at("spec.type") != Some("LoadBalancer") {
        return None;
    }
    if INTERNAL.iter().any(|(name, value)| annotated(object, name, value)) {
        return None;
    }
    if let Some(certificate) = annotation(object, "service.beta.kubernetes.io/aws-load-balancer-ssl-cert") {
        return Some((String::new(), Entrance::Secure(certificate.place.clone())));
    }
    let ports = object.body.list("spec.ports");
    let secure = ports.iter().find(|port| {
        matches!(port.int_at("port"), Some(443 | 8443))
            || port.str_at("name").is_some_and(|name| name.starts_with("https"))
    });
    if let Some(secure) = secure {
        return Some((String::new(), Entrance::Secure(secure.place.clone())));
    }
    let http = ports.iter().find(|port| {
        matches!(port.int_at("port"), Some(80 | 8080 | 8000 | 3000))
            || port.str_at("name").is_some_and(|name| name.starts_with("http"))
    })?;
    let number = http.int_at("port").unwrap_or_default();
    Some((
        String::new(),
        Entrance::Plain(Finding::new(
            &http.place,
            format!("the load balancer serves port {number} as plain HTTP and no port with TLS"),
            format!("负载均衡以明文 HTTP 提供端口 {number}，没有 TLS 端口"),
        )),
    ))
}

fn gateway(object: &Object, all: &[&Object]) -> Vec<(String, Entrance)> {
    let redirects = |listener: &str| {
        all.iter().filter(|route| route.kind == "HTTPRoute").any(|route| {
            let here = route.body.list("spec.parentRefs").iter().any(|parent| {
                parent.str_at("name") == Some(object.name.as_str())
                    && parent.str_at("sectionName").is_none_or(|section| section == listener)
            });
            let filters = route.body.list("spec.rules").iter().flat_map(|rule| rule.list("filters"));
            here && filters.into_iter().any(|filter| filter.str_at("requestRedirect.scheme") == Some("https"))
        })
    };
    object
        .body
        .list("spec.listeners")
        .iter()
        .filter_map(|listener| {
            let name = listener.str_at("name").unwrap_or_default();
            let entrance = match listener.str_at("protocol")? {
                "HTTPS" | "TLS" => Entrance::Secure(listener.place.clone()),
                "HTTP" if redirects(name) => Entrance::Secure(listener.place.clone()),
                "HTTP" => Entrance::Plain(Finding::new(
                    &listener.place,
                    format!("listener {name} serves plain HTTP and no route redirects it"),
                    format!("监听器 {name} 提供明文 HTTP，且没有路由将其重定向"),
                )),
                _ => return None,
            };
            Some((name.to_owned(), entrance))
        })
        .collect()
}

fn istio_gateway(object: &Object) -> Vec<(String, Entrance)> {
    object
        .body
        .list("spec.servers")
        .iter()
        .filter_map(|server| {
            let name = server.str_at("port.name").unwrap_or_default();
            let mode = server.str_at("tls.mode");
            let entrance = match server.str_at("port.protocol")? {
                "HTTPS" | "TLS" | "GRPC" | "HTTP2" if mode.is_some() => Entrance::Secure(server.place.clone()),
                "HTTP" if server.bool_at("tls.httpsRedirect") == Some(true) => Entrance::Secure(server.place.clone()),
                "HTTP" | "HTTP2" => plain(
                    &server.place,
                    "the gateway serves plain HTTP without httpsRedirect",
                    "网关提供明文 HTTP 且未设置 httpsRedirect",
                ),
                _ => return None,
            };
            Some((name.to_owned(), entrance))
        })
        .collect()
}

fn open_shift(object: &Object) -> Entrance {
    match object.body.at("spec.tls") {
        Some(tls) if tls.str_at("insecureEdgeTerminationPolicy") == Some("Allow") => {
            plain(&tls.place, "the Route allows plain HTTP as well", "Route 同时允许明文 HTTP")
        }
        Some(tls) => Entrance::Secure(tls.place.clone()),
        None => plain(&object.place, "the Route has no tls", "Route 没有 tls"),
    }
}

fn of_resource(resource: &Resource, all: &[Resource]) -> Option<Entrance> {
    let body = &resource.body;
    match resource.kind.as_str() {
        "aws_lb_listener" | "aws_alb_listener" => {
            let balancer = body.str_at("load_balancer_arn").unwrap_or_default();
            let internal = all.iter().any(|other| {
                matches!(other.kind.as_str(), "aws_lb" | "aws_alb")
                    && balancer.contains(&format!(".{}.", other.name))
                    && other.body.bool_at("internal") == Some(true)
            });
            let actions = body.list("default_action");
            let redirect = actions.iter().any(|action| action.str_at("type") == Some("redirect"));
            match body.str_at("protocol") {
                _ if internal => None,
                Some("HTTPS" | "TLS") => Some(Entrance::Secure(resource.place.clone())),
                Some("HTTP") if redirect => Some(Entrance::Secure(resource.place.clone())),
                Some("HTTP") => Some(plain(&resource.place, "the listener forwards plain HTTP", "监听器转发明文 HTTP")),
                _ => None,
            }
        }
        "AWS::ElasticLoadBalancingV2::Listener" => match body.str_at("Protocol")? {
            "HTTPS" | "TLS" => Some(Entrance::Secure(resource.place.clone())),
            "HTTP" => {
                let redirect =
                    body.list("DefaultActions").iter().any(|action| action.str_at("Type") == Some("redirect"));
                Some(if redirect {
                    Entrance::Secure(resource.place.clone())
                } else {
                    plain(&resource.place, "the listener forwards plain HTTP", "监听器转发明文 HTTP")
                })
            }
            _ => None,
        },
        "aws_cloudfront_distribution" => {
            let mut policy: Option<(String, Place)> = None;
            body.walk(&mut |node| {
                if let Some(found) =
                    node.get("viewer_protocol_policy").filter(|one| policy.is_none() || one.str() == Some("allow-all"))
                {
                    policy = found.str().map(|text| (text.to_owned(), found.place.clone()));
                }
            });
            let (text, place) = policy?;
            Some(if text == "allow-all" {
                plain(&place, "plain HTTP is served, not redirected", "提供明文 HTTP 且不重定向")
            } else {
                Entrance::Secure(place)
            })
        }
        "fly" => {
            let service = body.get("http_service")?;
            Some(match service.get("force_https") {
                Some(force) if force.bool() == Some(true) => Entrance::Secure(force.place.clone()),
                other => plain(
                    &other.unwrap_or(service).place,
                    "force_https is not set: plain HTTP is served, not redirected",
                    "未设置 force_https：提供明文 HTTP 且不重定向",
                ),
            })
        }
        // These platforms answer plain HTTP with a redirect, whatever their file says; the proxy speaks nothing else.
        "render" | "vercel" | "netlify" | "google_compute_target_https_proxy" => {
            Some(Entrance::Secure(resource.place.clone()))
        }
        _ => None,
    }
}

/// Addresses of a public API without TLS; names without a dot, loopback and variables are nobody's from outside.
fn plain_addresses(api: &ApiDescription) -> Vec<&str> {
    let path = api.place.path();
    if of_tests(path) || of_examples(path) && !path.starts_with("docs/") {
        return Vec::new();
    }
    api.servers
        .iter()
        .filter(|server| {
            let Some(rest) = server.strip_prefix("http://") else { return false };
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            let lower = name.to_ascii_lowercase();
            let reserved = ["example", "localhost", "test", "local", "internal", "svc", "invalid"];
            !loopback(host)
                && lower.contains('.')
                && !host.contains(['{', '$', '<'])
                && !lower.split('.').any(|label| reserved.contains(&label) || label == "dev" || label == "staging")
                && !lower.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
        .map(String::as_str)
        .collect()
}
