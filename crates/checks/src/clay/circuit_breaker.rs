//! A breaker that knows an outage from an empty account.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
};

use crate::shared::{clay, declared_library};

pub(crate) static CHECK: Check = Check {
    id: "clay.circuit-breaker",
    title: Text {
        en: "Circuit breaker around Clay; 402, 401/403 and 429 treated apart",
        zh: "对 Clay 设有熔断器；402、401/403 与 429 分别处理",
    },
    source: &["C3.3"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Open on 5xx, timeouts and lost connections; on 402 stay open until the reset, on 401/403 until the configuration changes, and let 429 slow the limiter instead.",
        zh: "遇到 5xx、超时和断连时熔断；402 熔断至额度重置，401/403 熔断至配置变更，429 则交由限流器处理。",
    },
    references: &["https://martinfowler.com/bliki/CircuitBreaker.html"],
    page: include_str!("circuit_breaker.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
    })
}

/// A mesh ejects a host that fails; it knows nothing of credits and keys.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    for rule in evidence.objects_of(&["DestinationRule"])?.into_iter().filter(|rule| rule.production) {
        let ejects = rule.body.at("spec.trafficPolicy.outlierDetection").is_some();
        if ejects && rule.body.str_at("spec.host") == Some(clay::API_HOST) {
            return Ok(Reading::shown(
                [rule.place.clone()],
                "the mesh stops calls to Clay after repeated 5xx; 402, 401/403 and 429 are not told apart there",
                "网格会在连续 5xx 后停止调用 Clay；但无法区分 402、401/403 与 429",
            ));
        }
    }
    declared_library(evidence, Capability::CircuitBreaker, "circuit breakers", "熔断")
}

/// The breaker is in the source. One that is switched off is declared.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let off = clay::settings(evidence)?.into_iter().find(|setting| {
        (setting.says("BREAKER") || setting.says("CIRCUIT"))
            && (setting.says("ENABLED") || setting.name.ends_with("BREAKER"))
            && setting.off()
    });
    if let Some(setting) = off {
        let finding = Finding::new(
            setting.place,
            format!("{} switches the breaker off in production", setting.name),
            format!("{} 在生产环境关闭了熔断器", setting.name),
        );
        let finding = finding.in_environment(setting.environment);
        return Ok(Reading::refuted(
            vec![finding],
            "calls to Clay go on whatever it answers",
            "无论 Clay 如何应答都会继续调用",
        ));
    }
    match evidence.source_code()? {}
}
