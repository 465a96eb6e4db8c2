//! No host, header, package or command that Clay never had.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength, Text,
    evidence::{Ecosystem, SourceCode, SourceText, SourceTextKind},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.invented-api",
    title: Text {
        en: "Code does not rely on API surface that does not exist", zh: "代码不依赖并不存在的 API"
    },
    source: &["D2"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::ALL,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Use what developers.clay.com documents: https://api.clay.com/public/v0 with the header clay-api-key, and the table webhook with x-clay-webhook-auth; remove the rest.",
        zh: "只使用 developers.clay.com 记载的接口：https://api.clay.com/public/v0 配合 clay-api-key 请求头，表 webhook 配合 x-clay-webhook-auth；其余移除。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("invented_api.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// What is declared, and what the program's texts name.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for package in evidence.packages()? {
        for dependency in &package.dependencies {
            let invented = match package.ecosystem {
                Ecosystem::Npm => matches!(dependency.name.as_str(), "@clay/sdk" | "clay-sdk" | "@clay/client"),
                Ecosystem::Python => matches!(dependency.name.as_str(), "clay" | "clay-sdk"),
                _ => false,
            };
            if invented {
                findings.push(Finding::new(
                    &dependency.place,
                    format!(
                        "{} is no package of Clay, which publishes no SDK: whoever takes the name runs code here",
                        dependency.name
                    ),
                    format!("{} 并非 Clay 的软件包（Clay 未发布 SDK）：抢注该名称者可在此执行代码", dependency.name),
                ));
            }
        }
    }
    clay::each_text(evidence, &mut |text| {
        // Prose may speak of what does not exist, to warn of it.
        if text.origin == clay::Origin::Document && !text.code {
            return;
        }
        let name = text.name.unwrap_or_default();
        for (en, zh) in invented(name, text.value) {
            findings.push(Finding::new(text.place, en, zh));
        }
    });
    let source = evidence.source();
    if let Ok(source) = &source {
        for text in source.texts.iter().filter(|one| one.role.counts()) {
            for (en, zh) in in_code(source, text) {
                findings.push(Finding::new(&text.place, en, zh));
            }
        }
    }
    if !findings.is_empty() {
        let findings = gonogo_domain::merge(findings);
        return Ok(Reading::refuted(
            findings,
            "something is relied on that Clay does not have",
            "依赖了 Clay 并不具备的内容",
        ));
    }
    let clay = source.and_then(|_| clay::integration(evidence))?;
    if clay.calls.is_empty() && clay.receivers.is_empty() {
        return Ok(clay.no_call());
    }
    let places: Vec<Place> = clay.operations.iter().map(|(_, place, ..)| place.clone()).collect();
    let (calls, receivers) = (clay.calls.len(), clay.receivers.len());
    Ok(Reading::shown(
        places,
        format!("{calls} calls to Clay and {receivers} routes for it use what Clay documents"),
        format!("{calls} 个对 Clay 的调用和 {receivers} 个接收路由只使用 Clay 记载的接口"),
    ))
}

/// What a text of the program says that Clay never had; the function that it stands in tells what it is about.
fn in_code(source: &SourceCode, text: &SourceText) -> Vec<(String, String)> {
    let beside = || source.texts.iter().filter(|one| one.function == text.function && one.role.counts());
    let lower = text.text.to_ascii_lowercase();
    let has = |wanted: &str| beside().any(|one| one.text.to_ascii_lowercase().contains(wanted));
    let mut found = match text.kind {
        SourceTextKind::Address | SourceTextKind::Vendor => invented("", &text.text),
        _ => Vec::new(),
    };
    let mut add = |what: &str, instead: &str, instead_zh: &str| {
        found.push((format!("{what} does not exist; {instead}"), format!("{what} 不存在；{instead_zh}")));
    };
    let to_clay = || has(clay::API_HOST) || has("clay-api-key") || has("/routines/") || has(clay::WEBHOOK_PATH);
    match (text.kind, lower.as_str()) {
        (_, "idempotency-key" | "x-idempotency-key") if to_clay() => {
            add("Idempotency-Key at Clay", "repeat a call only when it was not accepted", "仅在请求未被接受时重试");
        }
        (
            SourceTextKind::Vendor,
            "enrichment.completed"
            | "table.row.created"
            | "table.row.updated"
            | "resource.created"
            | "resource.updated"
            | "resource.deleted",
        ) => add(
            &format!("the event {lower}"),
            "Clay only tells that a routine's run is finished",
            "Clay 仅通知例程运行已完成",
        ),
        (SourceTextKind::Vendor, "bearer" | "bearer " | "bearer {}")
            if has(clay::WEBHOOK_PATH) && !has("clay-api-key") && !has("x-clay-webhook-auth") =>
        {
            add(
                "a bearer token at a table's webhook",
                "its header is x-clay-webhook-auth",
                "其请求头为 x-clay-webhook-auth",
            );
        }
        (SourceTextKind::Vendor, text) if text.starts_with("clay_ent_") => {
            add("a key that begins with clay_ent_", "keys of Clay have no prefix", "Clay 密钥没有前缀");
        }
        (SourceTextKind::Vendor, text)
            if !text.contains("://")
                && (text.contains("/people/enrich")
                    || text.contains("/companies/enrich")
                    || text.contains("/v1/webhooks")) =>
        {
            add(text, "run a routine: POST /routines/{id}/run", "请运行例程：POST /routines/{id}/run");
        }
        _ => (),
    }
    found
}

/// Every thing in a text that Clay never had, in English and Simplified Chinese.
fn invented(name: &str, text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut add = |what: &str, instead: &str, instead_zh: &str| {
        found.push((format!("{what} does not exist; {instead}"), format!("{what} 不存在；{instead_zh}")));
    };
    let urls = clay::urls(text);
    for url in &urls {
        let host = url.host.to_ascii_lowercase();
        match host.as_str() {
            "api-sandbox.clay.com" | "api-staging.clay.com" | "sandbox.api.clay.com" | "staging.api.clay.com" => {
                add(
                    &host,
                    "staging is a second workspace with a key of its own",
                    "预发布环境应为使用独立密钥的第二个工作区",
                );
            }
            "docs.clay.com" | "support.clay.com" | "dashboard.clay.com" => {
                add(&host, "the documentation is at developers.clay.com", "文档位于 developers.clay.com");
            }
            clay::API_HOST if url.path == "/health" || url.path == "/ping" => {
                add(&format!("{host}{}", url.path), "ask GET /public/v0/me", "请使用 GET /public/v0/me");
            }
            clay::API_HOST if url.path == "/v1" || url.path.starts_with("/v1/") => {
                add(&format!("{host}/v1"), "the API is /public/v0", "API 路径为 /public/v0");
            }
            "app.clay.com" if url.path.starts_with("/api/") => {
                add(
                    "app.clay.com/api",
                    "rows go to api.clay.com/v3/sources/webhook",
                    "写入行应使用 api.clay.com/v3/sources/webhook",
                );
            }
            _ => (),
        }
    }
    let lower = text.to_ascii_lowercase();
    let to_clay = urls.iter().any(clay::Url::of_clay);
    if lower.contains("x-clay-timestamp") || name.eq_ignore_ascii_case("x-clay-timestamp") {
        add("the header X-Clay-Timestamp", "deduplicate by routine_run_id", "请按 routine_run_id 去重");
    }
    if to_clay && lower.contains("idempotency-key") {
        add("Idempotency-Key at Clay", "repeat a call only when it was not accepted", "仅在请求未被接受时重试");
    }
    if to_clay && lower.contains(clay::WEBHOOK_PATH) && lower.contains("authorization: bearer") {
        add(
            "a bearer token at a table's webhook",
            "its header is x-clay-webhook-auth",
            "其请求头为 x-clay-webhook-auth",
        );
    }
    if lower.contains("clay webhooks trigger") {
        add("`clay webhooks trigger`", "the command is `clay webhooks test`", "命令为 `clay webhooks test`");
    }
    if name.starts_with("CLAY_") && (name.ends_with("_SCOPES") || name.ends_with("_SCOPE")) && !text.trim().is_empty() {
        add("a scope of a Clay key", "keep the key to the part that needs it", "请将密钥限制在需要它的组件");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expect: usize) {
        assert_eq!(invented(name, text).len(), expect, "{name} {text}");
    }

    #[test]
    fn what_clay_never_had_is_known() {
        check("", "curl -f https://api.clay.com/health", 1);
        check("", "https://api.clay.com/v1/people/enrich", 1);
        check("CLAY_API_BASE_URL", "https://api-sandbox.clay.com", 1);
        check("CLAY_SCOPES", "read:*", 1);
        check("", "clay webhooks trigger --id 1", 1);
    }

    #[test]
    fn what_clay_has_is_left_alone() {
        check("", "curl -H \"clay-api-key: $CLAY_API_KEY\" https://api.clay.com/public/v0/me", 0);
        check("", "https://api.clay.com/v3/sources/webhook/$ID", 0);
        check("", "curl -H 'Idempotency-Key: 1' https://api.example.com/pay", 0);
        check("", "https://status.clay.com", 0);
    }
}
