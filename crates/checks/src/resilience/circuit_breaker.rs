//! Circuit breakers on all external calls.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Meaning, Use},
};

use crate::shared::{
    declared_library,
    outbound::{self, Coverage},
};

pub(crate) static CHECK: Check = Check {
    id: "resilience.circuit-breaker",
    title: Text { en: "Circuit breakers on all external calls", zh: "所有外部调用都有熔断器" },
    source: &["B4.2a"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Wrap every outbound client in a circuit breaker (open after 5 failures, one trial call after 30 s), or set outlierDetection in the mesh for every host that it calls.",
        zh: "为每个出站客户端加熔断器（5 次失败后打开，30 秒后放行一次试探），或在网格中为其调用的每个主机设置 outlierDetection。",
    },
    references: &["https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection"],
    page: include_str!("circuit_breaker.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    outbound::readings(configured(evidence), || {
        declared_library(evidence, Capability::CircuitBreaker, "circuit breakers", "熔断")
    })
}

/// A mesh breaks circuits for every call to a host, whatever the program does. Which hosts those are is counted against
/// the dependencies that are declared.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules: Vec<_> = evidence
        .objects_of(&["DestinationRule"])?
        .into_iter()
        .filter(|rule| rule.production && rule.body.at("spec.trafficPolicy.outlierDetection").is_some())
        .collect();
    let dependencies: Vec<_> =
        evidence.service().dependencies.iter().filter(|one| in_process_http(&one.kind)).collect();
    let mut tally = Tally::new();
    for dependency in &dependencies {
        let rule =
            rules.iter().find(|rule| rule.body.str_at("spec.host").is_some_and(|host| names(host, &dependency.name)));
        if let Some(rule) = rule {
            tally.met(dependency.name.clone(), &rule.place);
        }
    }
    let covered = tally.count().of;
    if covered > 0 && covered == dependencies.len() {
        return Ok(
            tally.reading("called hosts have outlier detection in the mesh", "个被调用主机在网格中配置了异常检测")
        );
    }
    around_calls(evidence)
}

/// Each client of the program, with the calls that go through it: it is protected when all of them are run by a breaker.
fn around_calls(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let all = outbound::calls(evidence)?;
    if all.is_empty() {
        return outbound::nothing_leaves(evidence, source);
    }
    let calls = outbound::to_services(&all);
    if calls.is_empty() {
        return Ok(Reading::not_applicable(
            format!("{} calls leave the process, all of them to a database or a cache of its own", all.len()),
            format!("{} 个离开进程的调用都只访问自己的数据库或缓存", all.len()),
        ));
    }
    if source.uses_for(&[Meaning::CircuitBreaker]).next().is_none()
        && let Some(library) = outbound::unread_library(evidence, source, Capability::CircuitBreaker)
    {
        return Ok(outbound::not_read(&library, source));
    }
    let coverage = Coverage::on_every_way(source, &[Meaning::CircuitBreaker]);
    let whole: Vec<&Use> = source.uses_for(&[Meaning::CircuitBreaker]).map(|(_, one)| one).collect();
    let covers = |one: &&&Use, call: &Use| {
        one.defaults.get("covers").is_some_and(|client| call.symbol.starts_with(client.as_str()))
    };
    let mut tally = Tally::new();
    for (_, call) in calls {
        let client = call.client.and_then(|at| source.uses.get(at)).map_or(&call.place, |client| &client.place);
        let breaker = coverage.around(call.function).iter().find_map(|at| source.uses.get(*at));
        let breaker = breaker.or_else(|| whole.iter().find(|one| covers(one, call)).copied());
        match breaker {
            Some(breaker) => tally.met(client.to_string(), &breaker.place),
            None => tally.miss(
                client.to_string(),
                Finding::new(
                    &call.place,
                    format!("{} goes out without a circuit breaker", call.symbol),
                    format!("{} 未经熔断器发出", call.symbol),
                ),
            ),
        }
    }
    Ok(tally.reading("outbound clients are behind a circuit breaker", "个出站客户端有熔断器保护"))
}

/// A mesh sees HTTP and gRPC; a database's own protocol it does not break.
fn in_process_http(kind: &str) -> bool {
    matches!(kind, "http" | "grpc" | "service")
}

/// `payments.shop.svc.cluster.local`, `payments` and `*.shop.svc.cluster.local` name the service `payments`.
fn names(host: &str, service: &str) -> bool {
    host.split('.').next().is_some_and(|first| first == service || first == "*")
}
