//! Transient failures are retried, bounded, and never what must not happen twice.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Text,
};

use crate::shared::declared_library;

pub(crate) static CHECK: Check = Check {
    id: "resilience.retry",
    title: Text {
        en: "Transient failures are retried with exponential backoff and jitter, bounded, honouring Retry-After, never a non-idempotent call",
        zh: "瞬时故障以指数退避加抖动有限重试，遵守 Retry-After，且绝不重试非幂等调用",
    },
    source: &["B4.2b"],
    standard: Standard::ProductionReadiness,
    area: Area::Resilience,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Retry only idempotent calls and only 408, 429, 5xx and network errors: base 1 s, factor 2, cap 30 s, 3 tries, full jitter, Retry-After honoured; in the mesh, leave POST out of retryOn.",
        zh: "只重试幂等调用，且仅限 408、429、5xx 与网络错误：起始 1 秒、倍数 2、上限 30 秒、3 次、完全抖动并遵守 Retry-After；网格中的 retryOn 不得包含 POST。",
    },
    references: &["https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"],
    page: include_str!("retry.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared_library(evidence, Capability::Retry, "retries", "重试"))
        .and(Strength::Configured, configured(evidence))
}

/// A mesh that retries everything repeats what must not happen twice, whatever the program does.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for object in evidence.objects_of(&["VirtualService"])?.into_iter().filter(|object| object.production) {
        for route in object.body.list("spec.http") {
            let Some(retries) = route.get("retries") else { continue };
            let attempts = retries.int_at("attempts").unwrap_or(2);
            let on = retries.str_at("retryOn").unwrap_or_default();
            let environment = object.environment.as_deref();
            if attempts > 5 {
                findings.push(
                    Finding::new(
                        &retries.place,
                        format!("retries {attempts} times: an outage is multiplied by {}", attempts + 1),
                        format!("重试 {attempts} 次：故障流量被放大 {} 倍", attempts + 1),
                    )
                    .in_environment(environment),
                );
            }
            let repeats = on.split(',').any(|word| matches!(word.trim(), "5xx" | "gateway-error" | "reset"));
            let any_method = !route.list("match").iter().any(|one| one.get("method").is_some());
            if attempts > 0 && repeats && any_method {
                findings.push(
                    Finding::new(
                        &retries.place,
                        format!("retries on {on} whatever the method: a POST is repeated"),
                        format!("对任何方法都在 {on} 时重试：POST 会被重复"),
                    )
                    .in_environment(environment),
                );
            }
        }
    }
    if findings.is_empty() {
        match evidence.source_code()? {}
    }
    Ok(Reading::refuted(findings, "the mesh repeats what must not be repeated", "网格会重复不可重复的请求"))
}
