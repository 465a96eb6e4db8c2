//! What operators rely on: start, stop, logs, metrics, traces, reload.

use std::{fs, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, routing::post};
use reqwest::Method;
use serde_json::json;
use tokio::sync::Notify;

use crate::harness::{Bench, eventually, key, secret, token};

#[tokio::test]
async fn without_a_key_it_says_so_with_every_wrong_variable_and_shows_none() {
    let mut bench = Bench::start(json!({}), &[]).await;
    bench.unset("CLAY_API_KEY");
    bench.unset("CLAY_WORKSPACE");
    bench.set("PORT", "x");
    bench.set("CLAY_WEBHOOK_SECRET", "shrt");
    bench.set("CLAY_API_URL", "https://api.clay.com.evil.example");
    let output = bench.command(&[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "PORT is no whole number",
        "CLAY_API_KEY is not set",
        "CLAY_WORKSPACE is not set",
        "CLAY_WEBHOOK_SECRET is too short",
        "CLAY_API_URL is not",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("shrt") && !text.contains("evil"));
}

#[tokio::test]
async fn the_end_begins_with_readiness_and_loses_no_request() {
    let mut bench = Bench::start(json!({"latency_ms": 300, "run_ms": 60_000}), &[("ANNOUNCE_SECONDS", "1")]).await;
    eventually("it is ready", async || bench.get("/ready").await.status == 200).await;
    let id = bench.lead("a@example.com").await;
    eventually("a call is under way", async || bench.state(&id).await == "sending").await;
    bench.service.signal("TERM");
    eventually("it is not ready", async || bench.get("/ready").await.status == 503).await;
    let late = bench.post(&json!({"email": "late@example.com"})).await;
    assert_eq!((late.status, late.header("connection")), (202, "close"), "the door is still open");
    assert_eq!(bench.service.exit_code(), Some(0));
    // The call that was under way has ended, and was written down.
    bench.restart().await;
    assert_eq!(bench.state(&id).await, "running");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut bench = Bench::start(json!({}), &[("ANNOUNCE_SECONDS", "30")]).await;
    bench.service.signal("TERM");
    eventually("it is ending", async || bench.get("/ready").await.status == 503).await;
    bench.service.signal("TERM");
    assert_eq!(bench.service.exit_code(), Some(143));
}

#[tokio::test]
async fn log_lines_are_json_with_ids_and_tell_of_nobody() {
    let bench = Bench::start(json!({}), &[("LOG_LEVEL", "trace")]).await;
    let id = bench.lead("canary-person@example.com").await;
    bench.reaches(&id, "done").await;
    bench.deliver("canary-body", Some("sha256=00")).await;
    let lines = bench.service.lines();
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
        let text = line.to_string();
        for private in ["canary", "Countess", &token(), &secret(), &key()] {
            assert!(!text.contains(private), "{text}");
        }
    }
    let accepted = lines.iter().find(|line| line["span"]["route"] == "POST /leads").unwrap();
    let sent = lines.iter().find(|line| line["message"] == "lead sent").unwrap();
    for field in ["request_id", "trace_id"] {
        assert_eq!(accepted["span"][field], sent["span"][field]);
        assert!(accepted["span"][field].as_str().unwrap().len() >= 32);
    }
}

#[tokio::test]
async fn the_level_and_the_flags_change_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runtime.flagd.json");
    let flag =
        |value: serde_json::Value| json!({"state": "ENABLED", "variants": {"now": value}, "defaultVariant": "now"});
    let write = |sends: bool, level: &str| {
        let flags = json!({"flags": {"clay-sends": flag(json!(sends)), "log-level": flag(json!(level))}});
        fs::write(&file, flags.to_string()).unwrap();
    };
    write(false, "info");
    let bench = Bench::start(json!({}), &[("RUNTIME_FILE", file.to_str().unwrap())]).await;
    let sends = async || bench.get("/health").await.json()["dependencies"]["clay"]["sends"].clone();
    eventually("the file was read", async || sends().await == false).await;
    let id = bench.lead("a@example.com").await;
    let quiet = bench.service.lines().len();
    assert_eq!((bench.state(&id).await, bench.runs().await.len()), (json!("pending"), 0));
    write(true, "error");
    bench.service.signal("HUP");
    bench.reaches(&id, "done").await;
    assert!(bench.service.lines().len() <= quiet + 3, "only errors are written");
    let level = bench.request(Method::PUT, "/log-level").bearer_auth(token()).json(&json!({"level": "debug"}));
    assert_eq!(bench.call(level).await.status, 200);
    bench.get("/health").await;
    eventually("debug lines are written", async || bench.service.lines().iter().any(|line| line["level"] == "DEBUG"))
        .await;
    fs::write(&file, "{").unwrap();
    bench.service.signal("HUP");
    eventually("the broken file is reported", async || {
        bench.service.lines().iter().any(|line| line["message"].as_str().unwrap().contains("nothing changed"))
    })
    .await;
    assert_eq!(sends().await, true);
}

#[tokio::test]
async fn metrics_count_by_route_and_status_and_hold_no_ids() {
    let bench = Bench::start(json!({}), &[]).await;
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
    let answer = bench.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for series in [
        r#"http_requests_total{route="POST /leads",status="202"} 1"#,
        r#"http_request_duration_seconds_bucket{le="0.25",route="POST /leads"} 1"#,
        r#"clay_requests_total{status="402"} 0"#,
        r#"clay_requests_total{status="202"} 1"#,
        "clay_connected 1",
        r#"clay_enrichments_total{found="true"} 1"#,
        r#"clay_callbacks_total{outcome="run"} 1"#,
        r#"clay_breaker_open{reason="outage"} 0"#,
    ] {
        assert!(answer.text.contains(series), "{series}\n{}", answer.text);
    }
    assert!(!answer.text.contains(&id));
    assert!(answer.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn spans_reach_the_collector() {
    let arrived = Arc::new(Notify::new());
    let bell = Arc::clone(&arrived);
    let collector = Router::new().route("/v1/traces", post(async move |_: Bytes| bell.notify_one()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, collector).await });
    let mut bench = Bench::start(json!({}), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    bench.lead("a@example.com").await;
    bench.service.signal("TERM");
    tokio::time::timeout(Duration::from_secs(20), arrived.notified()).await.expect("a span");
    assert_eq!(bench.service.exit_code(), Some(0));
}
