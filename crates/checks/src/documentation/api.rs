//! The reference of the interface says what the program serves.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
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

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let apis = evidence.apis()?;
    let operations: usize = apis.iter().map(|api| api.operations.len()).sum();
    if operations == 0 {
        return Ok(Reading::elsewhere(
            Message::new("no description of its interface is in the repository", "仓库中没有接口描述"),
            Message::new("an OpenAPI document, or the place where it is published", "OpenAPI 文档或其发布位置"),
        ));
    }
    Ok(Reading::shown(
        apis.iter().map(|api| api.place.clone()),
        format!("{operations} operations are described; the routes are in the source"),
        format!("描述了 {operations} 个操作；路由需看源代码"),
    ))
}

/// A description that describes nothing is wrong whatever the routes are; else the source has them.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    for operation in evidence.apis()?.iter().flat_map(|api| &api.operations) {
        let key = format!("{} {}", operation.method, operation.path);
        if operation.described {
            tally.met(key, &operation.place);
        } else {
            let finding = Finding::new(
                &operation.place,
                format!("{key} is listed without a word about it"),
                format!("{key} 没有任何说明"),
            );
            tally.miss(key, finding);
        }
    }
    let count = tally.count();
    if count.met < count.of {
        return Ok(tally.reading("operations are described", "操作有说明"));
    }
    match evidence.source_code()? {}
}
