//! Every outbound call has a timeout.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength, Text,
    evidence::EnvValue,
};

use crate::shared::production_workloads;

pub(crate) static CHECK: Check = Check {
    id: "resilience.timeouts",
    title: Text {
        en: "Every outbound call (HTTP, database, queue) has a timeout",
        zh: "每个出站调用（HTTP、数据库、队列）都有超时",
    },
    source: &["B4.2e"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Set a timeout on every HTTP client, database connection and queue consumer, shorter than that of whoever waits for you.",
        zh: "为每个 HTTP 客户端、数据库连接与队列消费者设置超时，且短于上游等待时间。",
    },
    references: &["https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"],
    page: include_str!("timeouts.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// A connection string that says "wait for ever" is a counterexample without any code.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && let Some(parameter) = waits_for_ever(value)
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{} sets {parameter}: it waits for ever", variable.name),
                            format!("{} 设置了 {parameter}：将无限等待", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    if findings.is_empty() {
        match evidence.source_code()? {}
    }
    Ok(Reading::refuted(findings, "a timeout is switched off", "有超时被关闭"))
}

/// A parameter of a connection string that switches a timeout off.
fn waits_for_ever(value: &str) -> Option<&'static str> {
    let (_, parameters) = value.split_once("://").and_then(|(_, rest)| rest.split_once('?'))?;
    let mut parameters = parameters.split(['&', ';']);
    parameters.find_map(|parameter| match parameter {
        "connect_timeout=0" => Some("connect_timeout=0"),
        "statement_timeout=0" => Some("statement_timeout=0"),
        "socketTimeout=0" => Some("socketTimeout=0"),
        "connectTimeout=0" => Some("connectTimeout=0"),
        "timeout=0" => Some("timeout=0"),
        _ => None,
    })
}
