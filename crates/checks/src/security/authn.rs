//! Whatever is not public asks who calls.

use gonogo_domain::{
    Area, Capability, Check, Class, Classes, Conclusion, Evidence, Finding, Gate, Missing, Place, Policy, Reading,
    Readings, Standard, Strength, Tally, Text,
    evidence::{ApiDescription, ApiKind, Meaning, Object, Operation, ServedRoute},
    merge,
};

use super::open_doors;
use crate::shared::{
    declared_library,
    entrances::leads_here,
    guards::{self, Asks},
    health, program,
    secrets::{of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "security.authn",
    title: Text { en: "Non-public routes need authentication", zh: "非公开路由需要身份认证" },
    source: &["B3.4a"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::SERVING,
    fresh_days: None,
    record: &["environment", "routes"],
    remediation: Text {
        en: "Deny by default: put authentication in front of every route and list the public ones under public_routes in gonogo.toml.",
        zh: "默认拒绝：为所有路由加上身份认证，并在 gonogo.toml 的 public_routes 中列出公开路由。",
    },
    references: &["https://owasp.org/Top10/A01_2021-Broken_Access_Control/", "https://owasp.org/API-Security/"],
    page: include_str!("authn.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    if evidence.service().class == Class::Store {
        return Readings::configured(configured(evidence));
    }
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

/// The description's own word about each operation, else a library that could ask.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let public = public_routes(evidence);
    let mut tally = Tally::new();
    for api in described(evidence)? {
        for operation in &api.operations {
            let key = format!("{} {}", operation.method, operation.path);
            if !operation.security.is_empty() {
                tally.met(key, &operation.place);
            } else if !is_public(&operation.method, &operation.path, &public) {
                tally.miss(key, open(operation));
            }
        }
    }
    if tally.is_empty() {
        return declared_library(evidence, Capability::Authentication, "authentication", "身份认证");
    }
    Ok(tally.reading(
        "described operations that are not public name a security scheme",
        "项接口描述中的非公开操作声明了安全方案",
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let public = public_routes(evidence);
    let mut findings: Vec<Finding> = Vec::new();
    for api in described(evidence)? {
        let unsafe_and_open = api.operations.iter().filter(|operation| {
            matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
                && operation.security.is_empty()
                && !is_public(&operation.method, &operation.path, &public)
        });
        findings.extend(unsafe_and_open.map(open));
    }
    for resource in evidence.infrastructure()? {
        let (method, kind) = match resource.kind.as_str() {
            "aws_api_gateway_method" => (resource.body.str_at("http_method"), resource.body.get("authorization")),
            "AWS::ApiGateway::Method" => (resource.body.str_at("HttpMethod"), resource.body.get("AuthorizationType")),
            _ => continue,
        };
        let key = resource.body.bool_at("api_key_required") == Some(true)
            || resource.body.bool_at("ApiKeyRequired") == Some(true);
        let changes = method.is_some_and(|method| matches!(method, "POST" | "PUT" | "PATCH" | "DELETE" | "ANY"));
        if let Some(kind) = kind
            && kind.str() == Some("NONE")
            && changes
            && !key
            && !of_tests(resource.place.path())
            && !of_examples(resource.place.path())
        {
            findings.push(Finding::new(
                &kind.place,
                format!("the gateway lets anyone call {}", resource.name),
                format!("网关允许任何人调用 {}", resource.name),
            ));
        }
    }
    let unguarded = open_doors::unguarded(evidence)?;
    if !unguarded.is_empty() {
        return Ok(Reading::refuted(
            merge(unguarded),
            "a variable lets in whoever gives no password",
            "有环境变量允许无密码访问",
        ));
    }
    if evidence.service().class == Class::Store {
        return Ok(Reading::not_applicable(
            "a data store has no routes, and no variable here opens it without a password",
            "数据存储没有路由，此处也没有允许无密码访问的环境变量",
        ));
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            merge(findings),
            "operations that change something are open to anyone and are not stated as public",
            "会产生变更的操作对任何人开放，且未被声明为公开",
        ));
    }
    if let Some(places) = guarded(evidence)? {
        return Ok(Reading::shown(
            places,
            "every entrance from outside asks for authentication before it lets a request through",
            "所有对外入口在放行请求前都要求身份认证",
        ));
    }
    routes(evidence, &public)
}

/// The routes of the source against what stands before each.
fn routes(evidence: &Evidence<'_>, public: &[&str]) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let asked = health::asked(evidence)?;
    // Whoever probes has no credentials.
    let probed = |route: &ServedRoute| {
        health::looks_like_health(&route.path) || asked.iter().any(|(_, path)| health::same(path, &route.path))
    };
    let mut tally = Tally::new();
    let mut open = 0_usize;
    let mut lost = None;
    let mut unseen = None;
    let can_ask = program::used(source, Meaning::Authentication).next().is_some()
        || declared_library(evidence, Capability::Authentication, "authentication", "身份认证")?.conclusion
            == Conclusion::Met;
    let all = program::used(source, Meaning::Authentication).find(|one| program::default(one, "scope") == "all");
    for route in source.routes.iter().filter(|route| route.role.counts()) {
        let method = route.method.as_deref().unwrap_or("ANY");
        if matches!(method, "HEAD" | "OPTIONS") {
            continue;
        }
        if is_public(method, &route.path, public) || is_asset(&route.path) || reads(method) && probed(route) {
            open += 1;
            continue;
        }
        let path = if route.path.is_empty() { "/" } else { &route.path };
        let key = format!("{method} {path}");
        let asks = match (guards::asks(source, route), &all) {
            // A rule of the program that nobody gets by without being known.
            (Asks::No, Some(rule)) => Asks::Yes(rule.place.clone()),
            (asks, _) => asks,
        };
        // Whether a path that was not followed is public cannot be said.
        if !route.followed() && !matches!(asks, Asks::Yes(_)) {
            lost.get_or_insert(&route.place);
            continue;
        }
        match asks {
            Asks::Yes(place) => tally.met(key, &place),
            Asks::Hollow(guard) => tally.miss(
                key.clone(),
                Finding::new(
                    &route.place,
                    format!("{key} stands behind {guard}, which turns nobody away"),
                    format!("{key} 位于 {guard} 之后，但它不会拒绝任何人"),
                ),
            ),
            // Who answers may ask for itself.
            Asks::No if can_ask && route.handler.is_none() => {
                unseen.get_or_insert(&route.place);
            }
            Asks::No => {
                tally.miss(
                    key.clone(),
                    Finding::new(
                        &route.place,
                        format!("{key} asks for no authentication and is not stated as public"),
                        format!("{key} 不要求身份认证，也未声明为公开"),
                    ),
                );
            }
        }
    }
    let whole = program::used(source, Meaning::Authentication).find(|one| program::default(one, "scope") == "program");
    if let Some(whole) = whole {
        return Ok(program::trail_ends(
            format!("{} asks for authentication by rules of its own, which were not followed", whole.place),
            format!("{} 以自身的规则要求身份认证，未能追踪", whole.place),
        ));
    }
    if let Some(place) = lost.filter(|_| tally.count().met == tally.count().of) {
        return Ok(program::trail_ends(
            format!("the path of the route at {place} was not followed, and nothing asks who calls it"),
            format!("{place} 处路由的路径未能追踪，且未见身份认证"),
        ));
    }
    // Where no route is seen to ask, the program's way to ask was not followed.
    if let Some(place) = unseen.filter(|_| tally.count().met == 0 || tally.count().met == tally.count().of) {
        return Ok(program::trail_ends(
            format!("who answers the route at {place} was not followed, and nothing before it asks who calls"),
            format!("{place} 处路由的处理函数未能追踪，其之前也未见身份认证"),
        ));
    }
    if tally.is_empty() && open > 0 {
        return Ok(Reading::not_applicable(
            format!("each of the {open} routes found is public by what it is, or stated so"),
            format!("找到的 {open} 条路由均为公开路由或已声明为公开"),
        ));
    }
    if tally.is_empty() {
        let files = program::files(source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no route was found in {sources}"),
            format!("在 {files} 个源文件中未找到路由"),
        ));
    }
    Ok(tally.reading("routes that are not public ask who calls", "条非公开路由要求身份认证"))
}

/// Files for browsers are the same for everybody.
fn is_asset(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let ends = last.rsplit_once('.').is_some_and(|(_, end)| {
        matches!(end, "js" | "css" | "ico" | "txt" | "png" | "svg" | "jpg" | "xml" | "webmanifest" | "woff2" | "map")
    });
    let named = ["static", "assets", "favicon.ico", "public", "manifest.json"];
    ends || path.split('/').any(|part| named.contains(&part))
}

fn public_routes<'a>(evidence: &Evidence<'a>) -> Vec<&'a str> {
    evidence.statements().public_routes.iter().map(|route| route.value.as_str()).collect()
}

/// Descriptions that speak of security at all: one without any scheme leaves it to somebody else.
fn described<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a ApiDescription>, Missing> {
    let own = |api: &&ApiDescription| {
        let path = api.place.path();
        api.kind == ApiKind::OpenApi && !api.security_schemes.is_empty() && !of_tests(path) && !of_examples(path)
    };
    // A folder of documents may hold the description of the real interface.
    let documented = |api: &&ApiDescription| {
        api.kind == ApiKind::OpenApi
            && !api.security_schemes.is_empty()
            && api.place.path().split('/').any(|part| matches!(part, "docs" | "doc"))
            && !of_tests(api.place.path())
    };
    Ok(evidence.apis()?.iter().filter(|api| own(api) || documented(api)).collect())
}

fn open(operation: &Operation) -> Finding {
    Finding::new(
        &operation.place,
        format!("{} {} asks for no authentication and is not stated as public", operation.method, operation.path),
        format!("{} {} 不要求身份认证，也未声明为公开", operation.method, operation.path),
    )
}

/// Stated as public, or public by what it is: signing in, health, the description itself, callbacks that are signed.
fn is_public(method: &str, path: &str, stated: &[&str]) -> bool {
    if reads(method) && is_operational(path) {
        return true;
    }
    if stated.iter().any(|route| covers(route, path)) {
        return true;
    }
    let lower = path.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    // `/password/email` asks for a new one: whoever forgot theirs cannot sign in.
    let forgotten = |pair: &[&str]| matches!(pair, ["password", "reset" | "email" | "forgot" | "forgotten"]);
    parts.windows(2).any(forgotten)
        || parts.into_iter().any(|part| {
            matches!(
                part,
                "login"
                    | "signin"
                    | "sign-in"
                    | "signup"
                    | "sign-up"
                    | "register"
                    | "logout"
                    | "token"
                    | "tokens"
                    | "oauth"
                    | "oauth2"
                    | "oidc"
                    | "sso"
                    | "saml"
                    | "saml2"
                    | "callback"
                    | "refresh"
                    | "forgot-password"
                    | "reset-password"
                    | "password-reset"
                    | "openapi.json"
                    | "openapi.yaml"
                    | "swagger.json"
                    | "swagger.yaml"
                    | "swagger"
                    | "docs"
                    | ".well-known"
                    | "webhook"
                    | "webhooks"
                    | "authenticate"
                    | "session"
                    | "sessions"
                    | "verify-email"
            )
        })
}

fn reads(method: &str) -> bool {
    matches!(method, "GET" | "ANY")
}

/// Asked by who runs the service: how it is, which version, what it measures.
fn is_operational(path: &str) -> bool {
    path.to_ascii_lowercase().split('/').any(|part| {
        matches!(
            part,
            "health"
                | "healthz"
                | "healthy"
                | "health-check"
                | "livez"
                | "readyz"
                | "live"
                | "ready"
                | "ping"
                | "version"
                | "status"
                | "metrics"
        )
    })
}

/// `/public/*` covers what lies below; `POST /x` names a method too.
fn covers(route: &str, path: &str) -> bool {
    let route = route.rsplit(' ').next().unwrap_or(route);
    match route.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix.trim_end_matches('*')),
        None => path.trim_end_matches('/') == route.trim_end_matches('/'),
    }
}

/// The places where something in front asks everybody; none: there is no entrance, or one that asks nobody.
fn guarded(evidence: &Evidence<'_>) -> Result<Option<Vec<Place>>, Missing> {
    let objects: Vec<&Object> = evidence.objects()?.iter().filter(|object| object.production).collect();
    let ingresses = objects.iter().filter(|object| object.kind == "Ingress" && leads_here(object, &objects));
    let mut places = Vec::new();
    for ingress in ingresses {
        let annotations = ingress.body.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let asks = annotations.and_then(|all| {
            all.entries().iter().find(|entry| match entry.key.as_str() {
                "nginx.ingress.kubernetes.io/auth-url" | "nginx.ingress.kubernetes.io/auth-tls-secret" => true,
                "nginx.ingress.kubernetes.io/auth-type" | "alb.ingress.kubernetes.io/auth-type" => {
                    entry.node.str() != Some("none")
                }
                _ => false,
            })
        });
        match asks {
            Some(entry) => places.push(entry.node.place.clone()),
            None => return Ok(None),
        }
    }
    if places.is_empty() {
        let token = objects.iter().find(|object| object.kind == "RequestAuthentication");
        let denies = objects.iter().find(|object| {
            object.kind == "AuthorizationPolicy"
                && object.body.list("spec.rules").iter().flat_map(|rule| rule.list("from")).any(|from| {
                    from.at("source.requestPrincipals").is_some() || from.at("source.notRequestPrincipals").is_some()
                })
        });
        if let (Some(token), Some(denies)) = (token, denies) {
            places.extend([token.place.clone(), denies.place.clone()]);
        }
    }
    Ok((!places.is_empty()).then_some(places))
}
