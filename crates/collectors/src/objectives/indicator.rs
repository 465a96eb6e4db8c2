//! What an objective measures, by its name and its queries.

use gonogo_domain::evidence::Indicator;

/// The name decides; where it says nothing, the queries do.
pub(super) fn indicator(names: &[&str], queries: &[String]) -> Indicator {
    let told = names.iter().find_map(|name| by_name(name));
    told.or_else(|| by_queries(queries)).unwrap_or(Indicator::Other)
}

fn by_name(name: &str) -> Option<Indicator> {
    let lower = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["latency", "duration", "response time", "response-time", "response_time", "p99", "p95", "p90", "延迟"])
    {
        return Some(Indicator::Latency);
    }
    if says(&["freshness", "throughput", "durability", "correctness", "saturation", "coverage", "staleness"]) {
        return Some(Indicator::Other);
    }
    if says(&["availab", "uptime", "success", "可用"]) {
        return Some(Indicator::Availability);
    }
    says(&["error", "5xx", "failure", "错误"]).then_some(Indicator::ErrorRate)
}

fn by_queries(queries: &[String]) -> Option<Indicator> {
    let any = |words: &[&str]| queries.iter().any(|query| words.iter().any(|word| query.contains(word)));
    let bucket = queries.iter().any(|query| query.contains("_bucket") && query.contains("le="));
    if bucket || any(&["histogram_quantile", "histogram_fraction", "latency", "duration_seconds{quantile"]) {
        return Some(Indicator::Latency);
    }
    if any(&["probe_success", "up{", "up=="]) {
        return Some(Indicator::Availability);
    }
    // Good requests are counted as what does not fail, bad ones as what does.
    if any(&[
        "!~\"5",
        "!~\"(5",
        "!~\"5..\"",
        "code=~\"2",
        "code=~\"(2",
        "status=~\"2",
        "!=\"error\"",
        "result=\"success\"",
    ]) {
        return Some(Indicator::Availability);
    }
    any(&["=~\"5", "=~\"(5", "=~\"^5", "error", "fail"]).then_some(Indicator::ErrorRate)
}
