//! Load tests and experiments: `gonogo load`, k6, Locust, Vegeta, oha, autocannon, Artillery, wrk, hey, Chaos Toolkit.

use gonogo_domain::{Node, evidence::ResultKind};

use super::{Run, date};

fn run(tool: &str) -> Run {
    Run::new(ResultKind::Load, tool)
}

pub(super) fn of_data(document: &Node) -> Vec<Run> {
    let matchers = [own, k6, vegeta, oha, autocannon, artillery, chaos];
    matchers.into_iter().find_map(|matcher| matcher(document)).into_iter().collect()
}

/// What `gonogo load --json` prints; times are microseconds from when requests were due.
fn own(document: &Node) -> Option<Run> {
    let outcome = document.get("outcome")?;
    let percentiles = outcome.get("latency")?.get("percentiles")?;
    outcome.get("send_delay")?;
    let mut run = run("gonogo").on(document.str_at("at").and_then(date));
    for one in percentiles.items() {
        let (Some(quantile), Some(value)) = (one.float_at("quantile"), one.float_at("value")) else { continue };
        // Too few requests say nothing of it.
        if one.bool_at("enough") != Some(true) {
            continue;
        }
        let known = [(0.5, "p50_ms"), (0.9, "p90_ms"), (0.95, "p95_ms"), (0.99, "p99_ms")];
        let name = known.into_iter().find(|(known, _)| (known - quantile).abs() < 1e-9).map(|(_, name)| name);
        if let Some(name) = name {
            run.measure(name, Some(value / 1000.0));
        }
    }
    run.measure("mean_ms", outcome.float_at("latency.mean").map(|micros| micros / 1000.0));
    run.measure("max_ms", outcome.float_at("latency.max").map(|micros| micros / 1000.0));
    run.measure("requests", outcome.float_at("due"));
    run.measure("requests_per_second", outcome.float_at("answered_rate"));
    run.measure("error_percent", outcome.float_at("error_ratio").map(|ratio| ratio * 100.0));
    run.measure("seconds", outcome.float_at("seconds"));
    for bound in document.get("bounds").map(Node::items).unwrap_or_default() {
        if let (Some(bound), Some(held)) = (bound.str_at("bound"), bound.bool_at("held")) {
            run.thresholds.push((bound.to_owned(), held));
        }
    }
    Some(run)
}

/// `metrics`, as `--summary-export` and as `handleSummary` write them: the second has `values` in between.
fn k6(document: &Node) -> Option<Run> {
    let metrics = document.get("metrics")?;
    if !["http_req_duration", "iterations", "iteration_duration"].iter().any(|name| metrics.get(name).is_some()) {
        return None;
    }
    let value = |metric: &str, key: &str| {
        let metric = metrics.get(metric)?;
        metric.get("values").unwrap_or(metric).get(key)?.float()
    };
    let mut run = run("k6");
    for (key, name) in [
        ("med", "p50_ms"),
        ("p(90)", "p90_ms"),
        ("p(95)", "p95_ms"),
        ("p(99)", "p99_ms"),
        ("avg", "mean_ms"),
        ("max", "max_ms"),
    ] {
        run.measure(name, value("http_req_duration", key));
    }
    run.measure("requests_per_second", value("http_reqs", "rate"));
    run.measure("requests", value("http_reqs", "count"));
    let failed = value("http_req_failed", "rate").or_else(|| value("http_req_failed", "value"));
    run.measure("error_percent", failed.map(|rate| rate * 100.0));
    run.measure("users", value("vus_max", "max").or_else(|| value("vus_max", "value")));
    run.measure("seconds", document.float_at("state.testRunDurationMs").map(|milliseconds| milliseconds / 1000.0));
    for metric in metrics.entries() {
        for threshold in metric.node.get("thresholds").map(Node::entries).unwrap_or_default() {
            // The export writes whether it failed, the summary whether it held.
            let held = match threshold.node.bool_at("ok") {
                Some(ok) => Some(ok),
                None => threshold.node.bool().map(|failed| !failed),
            };
            if let Some(held) = held {
                run.thresholds.push((format!("{} {}", metric.key, threshold.key), held));
            }
        }
    }
    Some(run)
}

/// Times are nanoseconds.
fn vegeta(document: &Node) -> Option<Run> {
    let latencies = document.get("latencies")?;
    latencies.get("99th")?;
    let mut run = run("vegeta").on(document.str_at("earliest").and_then(date));
    for (key, name) in [
        ("50th", "p50_ms"),
        ("90th", "p90_ms"),
        ("95th", "p95_ms"),
        ("99th", "p99_ms"),
        ("mean", "mean_ms"),
        ("max", "max_ms"),
    ] {
        run.measure(name, latencies.float_at(key).map(|nanoseconds| nanoseconds / 1e6));
    }
    run.measure("requests", document.float_at("requests"));
    run.measure("requests_per_second", document.float_at("throughput").or_else(|| document.float_at("rate")));
    run.measure("error_percent", document.float_at("success").map(|success| (1.0 - success) * 100.0));
    run.measure("seconds", document.float_at("duration").map(|nanoseconds| nanoseconds / 1e9));
    Some(run)
}

/// Times are seconds.
fn oha(document: &Node) -> Option<Run> {
    let percentiles = document.get("latencyPercentiles")?;
    let summary = document.get("summary")?;
    let mut run = run("oha");
    for (key, name) in [("p50", "p50_ms"), ("p90", "p90_ms"), ("p95", "p95_ms"), ("p99", "p99_ms")] {
        run.measure(name, percentiles.float_at(key).map(|seconds| seconds * 1000.0));
    }
    run.measure("mean_ms", summary.float_at("average").map(|seconds| seconds * 1000.0));
    run.measure("max_ms", summary.float_at("slowest").map(|seconds| seconds * 1000.0));
    run.measure("requests_per_second", summary.float_at("requestsPerSec"));
    run.measure("error_percent", summary.float_at("successRate").map(|success| (1.0 - success) * 100.0));
    run.measure("seconds", summary.float_at("total"));
    Some(run)
}

fn autocannon(document: &Node) -> Option<Run> {
    let latency = document.get("latency")?;
    let requests = document.get("requests")?;
    latency.get("p97_5")?;
    let mut run = run("autocannon").on(document.str_at("start").and_then(date));
    for (key, name) in [
        ("p50", "p50_ms"),
        ("p90", "p90_ms"),
        ("p97_5", "p97_5_ms"),
        ("p99", "p99_ms"),
        ("mean", "mean_ms"),
        ("max", "max_ms"),
    ] {
        run.measure(name, latency.float_at(key));
    }
    let total = requests.float_at("total");
    run.measure("requests", total);
    run.measure("requests_per_second", requests.float_at("average"));
    let failed = document.float_at("errors").unwrap_or(0.0) + document.float_at("non2xx").unwrap_or(0.0);
    run.measure("error_percent", total.and_then(|total| super::percent(failed, total)));
    run.measure("seconds", document.float_at("duration"));
    run.measure("users", document.float_at("connections"));
    Some(run)
}

fn artillery(document: &Node) -> Option<Run> {
    let aggregate = document.get("aggregate")?;
    let times = aggregate.get("summaries")?.get("http.response_time")?;
    let started = aggregate.float_at("firstMetricAt").and_then(super::day);
    let mut run = run("artillery").on(started);
    for (key, name) in [
        ("p50", "p50_ms"),
        ("p90", "p90_ms"),
        ("p95", "p95_ms"),
        ("p99", "p99_ms"),
        ("mean", "mean_ms"),
        ("max", "max_ms"),
    ] {
        run.measure(name, times.float_at(key));
    }
    let counter = |name: &str| aggregate.get("counters")?.get(name)?.float();
    let requests = counter("http.requests");
    run.measure("requests", requests);
    run.measure(
        "requests_per_second",
        aggregate.get("rates").and_then(|rates| rates.get("http.request_rate")?.float()),
    );
    let answers: f64 = aggregate
        .get("counters")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter(|entry| entry.key.starts_with("http.codes.5") || entry.key.starts_with("errors."))
        .filter_map(|entry| entry.node.float())
        .sum();
    run.measure("error_percent", requests.and_then(|requests| super::percent(answers, requests)));
    Some(run)
}

/// The journal of an experiment.
fn chaos(document: &Node) -> Option<Run> {
    document.get("chaoslib-version")?;
    let status = document.str_at("status")?;
    let mut run = Run::new(ResultKind::Chaos, "chaostoolkit").on(document.str_at("start").and_then(date));
    let deviated = document.bool_at("deviated") == Some(true);
    run.measure("failures", Some(f64::from(u8::from(deviated || status != "completed"))));
    run.measure("seconds", document.float_at("duration"));
    let title = document.str_at("experiment.title").unwrap_or("experiment");
    run.thresholds.push((title.to_owned(), status == "completed" && !deviated));
    Some(run)
}

/// `…_stats.csv`: the row of all requests together.
pub(super) fn locust(text: &str) -> Option<Run> {
    let mut lines = text.lines();
    let header = cells(lines.next()?);
    if !header.contains(&"Request Count") || !header.contains(&"Failure Count") {
        return None;
    }
    let row = lines.map(cells).find(|row| row.contains(&"Aggregated") || row.contains(&"Total"))?;
    let value = |name: &str| {
        let index = header.iter().position(|column| *column == name)?;
        row.get(index)?.parse::<f64>().ok()
    };
    let mut run = run("locust");
    for (column, name) in [
        ("50%", "p50_ms"),
        ("90%", "p90_ms"),
        ("95%", "p95_ms"),
        ("99%", "p99_ms"),
        ("Average Response Time", "mean_ms"),
        ("Max Response Time", "max_ms"),
        ("Request Count", "requests"),
        ("Requests/s", "requests_per_second"),
    ] {
        run.measure(name, value(column));
    }
    run.measure("error_percent", super::percent(value("Failure Count")?, value("Request Count")?));
    Some(run)
}

/// Names of requests may hold commas in quotes; numbers do not.
fn cells(line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                cells.push(line.get(start..at).unwrap_or_default().trim().trim_matches('"'));
                start = at + 1;
            }
            _ => (),
        }
    }
    cells.push(line.get(start..).unwrap_or_default().trim().trim_matches('"'));
    cells
}

/// What wrk and hey print.
pub(super) fn text(text: &str) -> Option<Run> {
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?.trim().parse::<f64>().ok()?;
    let is_wrk = text.contains("Thread Stats");
    if !is_wrk && !text.contains("Latency distribution:") {
        return None;
    }
    let mut run = run(if is_wrk { "wrk" } else { "hey" }).on(date(text.lines().next().unwrap_or_default()));
    run.measure("requests_per_second", Some(rate));
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(first), Some(second)) = (words.first(), words.get(1)) else { continue };
        let percentile = match first.trim_end_matches('%').trim_end_matches("%%") {
            "50" | "50.000" => "p50_ms",
            "90" | "90.000" => "p90_ms",
            "95" => "p95_ms",
            "99" | "99.000" => "p99_ms",
            _ => continue,
        };
        if !first.ends_with('%') {
            continue;
        }
        let value = match words.as_slice() {
            [_, "in", seconds, "secs"] => seconds.parse::<f64>().ok().map(|seconds| seconds * 1000.0),
            _ => milliseconds(second),
        };
        run.measure(percentile, value);
    }
    Some(run)
}

/// `12.3ms`, `1.2s`, `800us`.
fn milliseconds(text: &str) -> Option<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * factor);
        }
    }
    None
}
