//! The reference of the interface says what the program serves.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::ApiKind,
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
    match evidence.source_code()? {}
}
