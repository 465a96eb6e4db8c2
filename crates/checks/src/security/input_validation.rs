//! Input is checked where it comes in.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Node, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Object, merge,
};

use crate::shared::{
    declared_library,
    entrances::leads_here,
    secrets::{of_examples, of_tests},
};

pub(crate) static CHECK: Check = Check {
    id: "security.input-validation",
    title: Text {
        en: "Input is validated at the edge, bodies are bounded", zh: "在边界校验输入，请求体大小有上限"
    },
    source: &["B3.4b"],
    standard: Standard::ProductionReadiness,
    area: Area::Security,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &["environment", "routes"],
    remediation: Text {
        en: "Parse every body into a typed schema with lengths and ranges, refuse unknown content, and answer 413 above a size that the service can bear.",
        zh: "将每个请求体解析为带长度与范围约束的类型化模式，拒绝未知内容，超过可承受大小时返回 413。",
    },
    references: &["https://cheatsheetseries.owasp.org/cheatsheets/Input_Validation_Cheat_Sheet.html"],
    page: include_str!("input_validation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let declared = declared_library(evidence, Capability::Validation, "validating input", "输入校验");
    Readings::of(Strength::Declared, declared).and(Strength::Configured, configured(evidence))
}

/// A bound that is switched off needs no code to be seen.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    let objects: Vec<&Object> = evidence.objects()?.iter().filter(|object| object.production).collect();
    for object in objects.iter().filter(|object| object.kind == "Ingress" && leads_here(object, &objects)) {
        if of_tests(object.place.path()) || of_examples(object.place.path()) {
            continue;
        }
        let annotations = object.body.get("metadata").and_then(|metadata| metadata.get("annotations"));
        for entry in annotations.map(Node::entries).unwrap_or_default() {
            let unbounded = matches!(
                entry.key.as_str(),
                "nginx.ingress.kubernetes.io/proxy-body-size" | "nginx.org/client-max-body-size"
            ) && entry.node.str().is_some_and(|size| size.trim_end_matches(char::is_alphabetic) == "0");
            if unbounded {
                findings.push(
                    Finding::new(
                        &entry.node.place,
                        "the entrance lets bodies of any size through",
                        "入口允许任意大小的请求体通过",
                    )
                    .in_environment(object.environment.as_deref()),
                );
            }
        }
    }
    if findings.is_empty() {
        match evidence.source_code()? {}
    }
    Ok(Reading::refuted(merge(findings), "bodies are unbounded at the edge", "边界处请求体大小无上限"))
}
