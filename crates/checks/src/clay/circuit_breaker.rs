//! A breaker that knows an outage from an empty account.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text, evidence::Meaning,
};

use crate::shared::{clay, declared_library, outbound::Coverage, program};

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
    clay::asked(evidence, CHECK.min, || program::readings(declared(evidence), configured(evidence)))
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

/// One that is switched off by a setting protects nothing, whatever the source does.
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
    in_source(evidence)
}

/// Each call is run by a breaker, and the answers that say nothing of an outage have branches of their own.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() {
        return Ok(clay.no_call());
    }
    let coverage = Coverage::of(clay.source, &[Meaning::CircuitBreaker]);
    let mut tally = Tally::new();
    let by_hand = clay.by_hand(&["breaker", "circuit"]);
    let mut unseen = None;
    for call in &clay.calls {
        let near = clay.near(call.used.function);
        let around = near.iter().flat_map(|at| coverage.around(*at)).find_map(|at| clay.source.uses.get(*at));
        match (around, by_hand) {
            (Some(breaker), _) => tally.met(call.used.place.to_string(), &breaker.place),
            (None, Some(place)) => unseen = Some(place),
            (None, None) => tally.miss(
                call.used.place.to_string(),
                Finding::new(
                    &call.used.place,
                    "this call to Clay goes out without a circuit breaker",
                    "此处对 Clay 的调用未经熔断器",
                ),
            ),
        }
    }
    for (statuses, en, zh) in APART {
        match statuses.iter().find_map(|status| clay.branch(*status)) {
            Some(place) => tally.met(*en, place),
            None => tally.miss(*en, clay.missing(evidence, en, zh)),
        }
    }
    let count = tally.count();
    if let Some(place) = unseen.filter(|_| count.met == count.of) {
        return Ok(program::trail_ends(
            format!("a breaker that is written by hand stands at {place}; when it opens was not followed"),
            format!("{place} 处有自行编写的熔断器；其断开条件未能追踪"),
        ));
    }
    Ok(tally
        .reading("calls and answers of Clay are treated as a breaker needs it", "项 Clay 调用与应答的处理符合熔断要求"))
}

/// Answers that are no outage, and what goes wrong where they count as one.
const APART: &[(&[u16], &str, &str)] = &[
    (
        &[402],
        "402 is not told apart: the breaker does not stay open until the credits are reset",
        "未区分 402：熔断器不会保持到额度重置",
    ),
    (
        &[401, 403],
        "401 and 403 are not told apart: the breaker closes again on a key that stays wrong",
        "未区分 401/403：密钥仍错误时熔断器会再次闭合",
    ),
    (&[429], "429 is not told apart: Clay's limit counts as an outage", "未区分 429：Clay 的限流被当作故障"),
];
