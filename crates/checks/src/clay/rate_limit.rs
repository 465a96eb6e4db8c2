//! One budget of calls for the whole workspace.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::{clay, declared_library};

pub(crate) static CHECK: Check = Check {
    id: "clay.rate-limit",
    title: Text {
        en: "Outbound limiter per workspace, Retry-After honoured",
        zh: "按工作区限制出站速率，并遵守 Retry-After",
    },
    source: &["C2.4", "D1.5"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Limit calls and their concurrency per workspace over all replicas, make the figure a setting, and wait as long as Retry-After says.",
        zh: "在所有副本间按工作区限制调用速率和并发，将数值设为可配置，并按 Retry-After 等待。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("rate_limit.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        Readings::of(Strength::Declared, declared_library(evidence, Capability::RateLimit, "limiting rates", "限流"))
            .and(Strength::Configured, configured(evidence))
    })
}

/// The limiter is in the source. One that is switched off is declared.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for setting in clay::settings(evidence)? {
        let limiter =
            setting.says("RATE") || setting.says("LIMITER") || setting.says("RPS") || setting.says("THROTTLE");
        let window = setting.says("WINDOW") || setting.says("REMAINING");
        if limiter && !window && setting.off() {
            findings.push(
                Finding::new(
                    setting.place,
                    format!("{} switches the limiter off in production", setting.name),
                    format!("{} 在生产环境关闭了限流", setting.name),
                )
                .in_environment(setting.environment),
            );
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "nothing limits the calls to Clay in production",
            "生产环境中对 Clay 的调用不受限制",
        ));
    }
    match evidence.source_code()? {}
}
