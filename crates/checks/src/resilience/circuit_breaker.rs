//! Circuit breakers on all external calls.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Gate, Level, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
};

use crate::shared::declared_library;

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
    Readings::of(Strength::Declared, declared_library(evidence, Capability::CircuitBreaker, "circuit breakers", "熔断"))
        .and(Strength::Configured, configured(evidence))
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
        return Ok(tally.reading("called hosts have outlier detection in the mesh", "被调用主机在网格中配置了异常检测"));
    }
    match evidence.source_code()? {}
}

/// A mesh sees HTTP and gRPC; a database's own protocol it does not break.
fn in_process_http(kind: &str) -> bool {
    matches!(kind, "http" | "grpc" | "service")
}

/// `payments.shop.svc.cluster.local`, `payments` and `*.shop.svc.cluster.local` name the service `payments`.
fn names(host: &str, service: &str) -> bool {
    host.split('.').next().is_some_and(|first| first == service || first == "*")
}
