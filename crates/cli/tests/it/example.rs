//! The example of `examples/clay-integration`: it passes as far as its files can say, and each safeguard that is taken away
//! turns its check.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::Repository;

fn example() -> Repository {
    Repository::copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/clay-integration")))
}

fn outcome<'r>(report: &'r Value, id: &str) -> &'r str {
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let check = checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id} is no check"));
    check["outcome"].as_str().expect("it has an outcome")
}

/// What is taken away.
enum Change<'c> {
    /// Every line of the file with this in it.
    Lines(&'c str, &'c str),
    /// This text, for that.
    Text(&'c str, &'c str, &'c str),
    File(&'c str),
}
use Change::{File, Lines, Text};

/// The check passes with the safeguard, and does not without it.
#[track_caller]
fn check(id: &str, expect: &str, changes: &[Change<'_>]) {
    let repository = example();
    for change in changes {
        match change {
            Lines(path, with) => {
                let text = repository.read(path);
                let kept: String = text.split_inclusive('\n').filter(|line| !line.contains(with)).collect();
                assert_ne!(kept, text, "{path} has no line with {with}");
                repository.write(path, kept);
            }
            Text(path, from, to) => {
                let text = repository.read(path);
                assert!(text.contains(from), "{path} has no {from}");
                repository.write(path, text.replace(from, to));
            }
            File(path) => fs::remove_file(repository.at(path)).expect("the file is there"),
        }
    }
    assert_eq!(outcome(&repository.report(&["--history=none"]), id), expect, "{id}");
}

const CLIENT: &str = "src/clay/client.rs";
const SERVER: &str = "src/server.rs";
const ROLLOUT: &str = "deploy/rollout.yaml";

/// What files cannot say: exercises, telemetry, records of people; and what the example leaves out on purpose.
const OPEN: &[(&str, &str)] = &[
    ("config.reload", "unknown"),
    ("operations.error-budget", "unknown"),
    ("errors.messages", "unknown"),
    ("performance.load-test", "unknown"),
    ("performance.baseline", "partial"),
    ("performance.profiling", "unknown"),
    ("performance.database", "unknown"),
    ("testing.e2e", "unknown"),
    ("testing.coverage", "partial"),
    ("clay.staging-verified", "unknown"),
    ("clay.vendor-limits", "unknown"),
];

#[test]
fn it_passes_all_but_what_only_time_and_an_exercise_show() {
    let report = example().report(&["--history=none"]);
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let open: Vec<(&str, &str)> = checks
        .iter()
        .filter_map(|check| Some((check["id"].as_str()?, check["outcome"].as_str()?)))
        .filter(|(_, outcome)| !matches!(*outcome, "pass" | "not-applicable"))
        .collect();
    assert_eq!(open, OPEN);
}

#[test]
fn breakers_retries_and_timeouts() {
    check("resilience.circuit-breaker", "fail", &[Lines(CLIENT, ".layer(BreakerLayer")]);
    // What is left is called a breaker, and stands around nothing.
    check("clay.circuit-breaker", "unknown", &[Lines(CLIENT, ".layer(BreakerLayer")]);
    check("resilience.retry", "fail", &[Lines(CLIENT, ".retry(RetryPolicy")]);
    // The client that holds the call was not followed to where it is made.
    check("resilience.timeouts", "unknown", &[Lines(CLIENT, ".layer(TimeoutLayer")]);
    let bound = "timeout(STATEMENT, statement).await.map_err(|_| Error::Slow)?";
    check("resilience.timeouts", "fail", &[Text("src/store.rs", bound, "statement.await")]);
}

#[test]
fn limits() {
    let bounds = [".layer(ShedLayer", ".layer(AdaptiveLayer", ".layer(BulkheadLayer"];
    let [shed, adaptive, bulkhead] = bounds;
    check(
        "resilience.backpressure",
        "unknown",
        &[Lines(SERVER, shed), Lines(SERVER, adaptive), Lines(CLIENT, adaptive), Lines(CLIENT, bulkhead)],
    );
    check("resilience.adaptive-limits", "unknown", &[Lines(SERVER, adaptive), Lines(CLIENT, adaptive)]);
    check(
        "resilience.rate-limit",
        "unknown",
        &[Lines("deploy/services.yaml", "limit-rps"), Lines(SERVER, ".layer(RateLimitLayer")],
    );
    check(
        "clay.rate-limit",
        "fail",
        &[Lines(CLIENT, "pace.turn()"), Lines(CLIENT, ".layer(BulkheadLayer"), File("src/pace.rs")],
    );
}

#[test]
fn health_and_shutdown() {
    check("health.endpoint", "fail", &[Text("src/health.rs", "\"clay\": clay, ", "")]);
    check("health.graceful-shutdown", "fail", &[Text("src/main.rs", ".with_graceful_shutdown(stop.draining())", "")]);
    check("health.readiness", "fail", &[Text(ROLLOUT, "path: /ready", "path: /live")]);
    check(
        "clay.health",
        "fail",
        &[Text("src/clay/mod.rs", "if me.workspace.id == self.workspace { Ok(()) }", "if true { Ok(()) }")],
    );
}

#[test]
fn who_comes_in_and_with_what() {
    check("security.authn", "fail", &[Lines(SERVER, "auth::require_token")]);
    check(
        "security.input-validation",
        "fail",
        &[Lines("src/leads.rs", ".validate()"), Text("src/leads.rs", ", Validate)", ")")],
    );
    check("clay.webhook-secrets", "fail", &[Text("src/webhook.rs", "fits(secret, body, &given)", "!given.is_empty()")]);
    check("clay.error-types", "fail", &[Text("src/clay/answer.rs", "402", "409")]);
    check(
        "config.no-secrets",
        "fail",
        &[Text(
            ROLLOUT,
            "valueFrom: {secretKeyRef: {name: clay-integration, key: intake-token}}",
            "value: \"x7Kq9Zp2Lw4Vn8Rt6Yb3\"",
        )],
    );
}

#[test]
fn what_operators_see() {
    check("observability.structured-logs", "fail", &[Text("src/telemetry.rs", ".json()", "")]);
    check("observability.metrics", "unknown", &[Lines("src/metrics.rs", "encode(&mut text")]);
    check(
        "observability.tracing",
        "fail",
        &[Lines("src/telemetry.rs", "SpanExporter"), Lines("src/telemetry.rs", "BatchSpanProcessor")],
    );
    check("config.reload", "partial", &[Text("src/runtime.rs", "signal(SignalKind::hangup())", "nothing()")]);
}

#[test]
fn data_and_tests() {
    check("data.migrations", "fail", &[File("migrations/0001_leads.down.sql")]);
    check(
        "data.retention",
        "unknown",
        &[Text("src/store.rs", "DELETE FROM leads WHERE state IN ('done', 'dead') AND changed_at < $1", "SELECT 1")],
    );
    check("data.backup", "fail", &[Text("deploy/storage.yaml", "\"*/30 * * * *\"", "\"0 3 * * *\"")]);
    check(
        "testing.unit",
        "fail",
        &[Lines(".github/workflows/ci.yml", "cargo test"), Lines(".github/workflows/ci.yml", "llvm-cov")],
    );
}
