//! The reference of the interface says what the program serves.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{ApiDescription, ApiKind, FileEntry, Meaning, Operation, ServedRoute, Use},
};

use crate::shared::{
    program,
    secrets::{of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "documentation.api",
    title: Text { en: "API reference matches the routes", zh: "API 文档与路由一致" },
    source: &["B3.7a"],
    standard: Standard::ProductionReadiness,
    area: Area::Documentation,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Describe every route in an OpenAPI document (or every RPC in comments), and let a test compare it with the router.",
        zh: "在 OpenAPI 文档中描述每条路由（或为每个 RPC 写注释），并用测试与路由表比对。",
    },
    references: &["https://spec.openapis.org/oas/latest.html"],
    page: include_str!("api.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

/// What is listed. That an operation has no words about it is no mismatch.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let listed: Vec<&Place> =
        evidence.apis()?.iter().flat_map(|api| &api.operations).map(|operation| &operation.place).collect();
    if listed.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("no description of its interface is in the repository", "仓库中没有接口描述"),
            Message::new("an OpenAPI document, or the place where it is published", "OpenAPI 文档或其发布位置"),
        ));
    }
    let count = listed.len();
    let (en, zh) = if count == 1 { ("operation is", "个操作") } else { ("operations are", "个操作") };
    Ok(Reading::shown(
        listed.into_iter().cloned(),
        format!("{count} {en} listed; whether they are the routes is in the source"),
        format!("列出了 {count} {zh}；是否与路由一致需看源代码"),
    ))
}

/// A reference that lists nothing cannot match; else the source has the routes.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let apis = evidence.apis()?;
    let empty: Vec<Finding> = apis
        .iter()
        .filter(|api| api.kind == ApiKind::OpenApi && api.operations.is_empty())
        .map(|api| Finding::new(&api.place, "describes no operation", "没有描述任何操作"))
        .collect();
    if !empty.is_empty() && apis.iter().all(|api| api.operations.is_empty()) {
        return Ok(Reading::refuted(empty, "the reference is empty", "API 文档为空"));
    }
    routes(evidence, apis)
}

/// The routes of the source against the operations of the description, both ways.
fn routes(evidence: &Evidence<'_>, apis: &[ApiDescription]) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let files = program::files(source);
    let sources = program::counted(files);
    let mut served: BTreeMap<(String, String), &ServedRoute> = BTreeMap::new();
    let mut wild = Vec::new();
    for route in source.routes.iter().filter(|route| route.role.counts() && !is_operational(&route.path)) {
        let path = plain(&route.path);
        if let Some((before, _)) = path.split_once('*').or_else(|| path.split_once(ServedRoute::UNFOLLOWED)) {
            wild.push(before.trim_end_matches('/').to_owned());
        } else {
            let method = route.method.clone().unwrap_or_else(|| "*".to_owned());
            served.entry((method, path)).or_insert(route);
        }
    }
    let own = |api: &&ApiDescription| {
        let path = api.place.path();
        // A folder of documents is where a description of the real interface stands.
        let documents = path.split('/').any(|part| matches!(part, "docs" | "doc" | "documentation"));
        api.kind == ApiKind::OpenApi && !of_tests(path) && (documents || !of_examples(path))
    };
    let described: Vec<(&ApiDescription, &Operation)> =
        apis.iter().filter(own).flat_map(|api| api.operations.iter().map(move |one| (api, one))).collect();
    // A document that is kept may have grown old; one that is made of the routes cannot.
    let made = |one: &&Use| !one.settings.contains_key("off") && !one.settings.contains_key("handed");
    if described.is_empty()
        && let Some(publisher) = program::used(source, Meaning::ApiDocument).find(made)
    {
        return Ok(Reading::shown(
            [publisher.place.clone()],
            format!("{} makes the description of the routes themselves", publisher.symbol),
            format!("{} 由路由本身生成接口描述", publisher.symbol),
        ));
    }
    if served.is_empty() {
        return Ok(program::trail_ends(
            format!("no route was followed in {sources}"),
            format!("在 {files} 个源文件中未能追踪到路由"),
        ));
    }
    if described.is_empty() {
        let for_programs = served.keys().any(|(_, path)| is_for_programs(path));
        if let Some(page) = evidence.files()?.iter().find(|file| is_page(file)).filter(|_| !for_programs) {
            return Ok(Reading::not_applicable(
                format!("its {} routes answer people with pages ({}): no program calls them", served.len(), page.path),
                format!("其 {} 条路由以页面（{}）应答用户：没有程序调用它们", served.len(), page.path),
            ));
        }
        let first = served.values().next().map_or_else(|| evidence.service().place(), |route| route.place.clone());
        return Ok(Reading::absent(Finding::new(
            &first,
            match served.len() {
                1 => "1 route is served, and no OpenAPI document describes it".to_owned(),
                count => format!("{count} routes are served, and no OpenAPI document describes them"),
            },
            format!("提供 {} 条路由，但没有 OpenAPI 文档描述它们", served.len()),
        )));
    }
    let answers = |method: &str, path: &str| {
        served.keys().any(|(one, at)| at == path && (one == "*" || one == method))
            || wild.iter().any(|before| path.starts_with(before.as_str()) && !before.is_empty())
    };
    // The document may leave out what its servers' addresses begin with, and a gateway may add to it.
    let mut prefixes: BTreeSet<String> = apis.iter().flat_map(|api| &api.servers).map(|server| base(server)).collect();
    prefixes.insert(String::new());
    let matching = |prefix: &String| {
        described.iter().filter(|(_, one)| answers(&one.method, &plain(&format!("{prefix}{}", one.path)))).count()
    };
    let prefix =
        prefixes.iter().max_by_key(|prefix| (matching(prefix), prefix.is_empty())).cloned().unwrap_or_default();
    if matching(&prefix) == 0 {
        return Ok(program::trail_ends(
            format!(
                "none of the {} routes found in the source is among the {} operations: their paths were not followed to their end",
                served.len(),
                described.len()
            ),
            format!("源代码中找到的 {} 条路由与 {} 个操作无一对应：其路径未能完整追踪", served.len(), described.len()),
        ));
    }
    let mut tally = Tally::new();
    let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, one) in &described {
        let path = plain(&format!("{prefix}{}", one.path));
        let key = format!("{} {path}", one.method);
        if answers(&one.method, &path) || is_operational(&one.path) {
            tally.met(key, &one.place);
        } else {
            tally.miss(
                key,
                Finding::new(
                    &one.place,
                    format!("{} {} is described and not served", one.method, one.path),
                    format!("{} {} 有描述但未提供", one.method, one.path),
                ),
            );
        }
        listed.insert((one.method.clone(), path));
    }
    for ((method, path), route) in &served {
        let described = listed.iter().any(|(one, at)| at == path && (method == "*" || one == method));
        if !described && !matches!(method.as_str(), "HEAD" | "OPTIONS") {
            let method = if method == "*" { "ANY" } else { method };
            tally.miss(
                format!("{method} {path}"),
                Finding::new(
                    &route.place,
                    format!("{method} {} is served and not described", route.path),
                    format!("{method} {} 已提供但没有描述", route.path),
                ),
            );
        }
    }
    Ok(tally.reading("operations are both served and described", "个操作既有实现也有描述"))
}

/// A template from which a server makes pages.
fn is_page(file: &FileEntry) -> bool {
    let name = file.name();
    let ends = [
        ".html",
        ".htm",
        ".gohtml",
        ".tmpl.html",
        ".jinja",
        ".jinja2",
        ".j2.html",
        ".erb",
        ".haml",
        ".slim",
        ".ejs",
        ".pug",
        ".hbs",
        ".njk",
        ".blade.php",
        ".twig",
        ".phtml",
        ".cshtml",
        ".razor",
        ".tera",
        ".ftl",
        ".ftlh",
        ".mustache",
    ];
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let made = |part: &str| matches!(part, "templates" | "views" | "pages" | "layouts" | "Views" | "Pages" | "view");
    file.role.counts() && ends.iter().any(|end| name.ends_with(end)) && folder.split('/').any(made)
}

/// `/api/v1/orders`: for programs, whatever else the service shows to people.
fn is_for_programs(path: &str) -> bool {
    path.split('/').any(|part| {
        let version =
            part.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_digit()));
        matches!(part, "api" | "graphql" | "rest" | "rpc")
            || part.rsplit_once('.').is_some_and(|(_, end)| end == "json")
            || version
    })
}

/// The path of a server's address: `https://example.com/api/v1`.
fn base(server: &str) -> String {
    let path = match server.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default(),
        None => server,
    };
    path.trim_end_matches('/').to_owned()
}

/// A path in one form whatever the framework: parameters are `{}`, `*` stands for any rest.
fn plain(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let whole = part.starts_with('*') || part.contains(":path") || part.contains("path:") || part.contains("...}");
        let parameter = part.starts_with([':', '{', '<', '[']) || part.contains('{');
        parts.push(match (whole, parameter) {
            (true, _) => "*",
            (_, true) => "{}",
            _ => part,
        });
    }
    format!("/{}", parts.join("/"))
}

/// For machines beside the callers: no part of the interface.
fn is_operational(path: &str) -> bool {
    let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default().to_ascii_lowercase();
    first.starts_with("health")
        || first.starts_with("openapi")
        || first.starts_with("swagger")
        || matches!(
            first.as_str(),
            "" | "livez"
                | "readyz"
                | "live"
                | "ready"
                | "ping"
                | "metrics"
                | "version"
                | "docs"
                | "redoc"
                | "debug"
                | "static"
                | "assets"
                | "favicon.ico"
                | "robots.txt"
                | "actuator"
                | "_healthz"
                | "status"
        )
}
