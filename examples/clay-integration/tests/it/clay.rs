//! Every answer of Clay, and none.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Bench, eventually, secret, sign, token};

async fn clay_health(bench: &Bench) -> Value {
    bench.get("/health").await.json()["dependencies"]["clay"].clone()
}

#[tokio::test]
async fn forged_deliveries_are_refused_and_a_test_delivery_does_nothing() {
    let bench = Bench::start(json!({}), &[]).await;
    let body = r#"{"data":{"routine_run_id":"run-9"}}"#;
    let good = sign(&secret(), body);
    let forged =
        ["", "sha256=", "sha256=zz", &good[7..], &good[..69], &format!("{good}00"), &sign("another-secret", body)];
    assert_eq!(bench.deliver(body, None).await, 401);
    for signature in forged {
        assert_eq!(bench.deliver(body, Some(signature)).await, 401, "{signature}");
    }
    assert_eq!(bench.deliver(&body.replace(':', ": "), Some(&good)).await, 401, "written anew");
    assert_eq!(bench.deliver(&"x".repeat(70_000), Some(&good)).await, 413);
    assert_eq!(bench.deliver("[", Some(&sign(&secret(), "["))).await, 400);
    assert_eq!(bench.test_delivery().await, "200");
    assert_eq!((bench.deliver(body, Some(&good)).await, bench.deliver(body, Some(&good)).await), (200, 200));
    assert!(bench.seen().await.iter().all(|one| one["path"] == "/public/v0/me"));
}

#[tokio::test]
async fn after_429_everybody_waits_as_long_as_clay_says() {
    let bench = Bench::start(json!({"runs": [{"status": 429, "retry_after": 1}]}), &[]).await;
    let began = Instant::now();
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
    assert!(began.elapsed().as_millis() >= 1000);
    assert_eq!(bench.runs().await.len(), 2);
}

#[tokio::test]
async fn refused_keys_and_empty_accounts_stop_the_calls_and_lose_nothing() {
    for (status, breaker) in [(401, "access"), (402, "credits"), (403, "access")] {
        let bench = Bench::start(json!({"runs": [{"status": status, "resets_in": 3600}]}), &[]).await;
        let id = bench.lead("a@example.com").await;
        eventually("calls are stopped", async || clay_health(&bench).await["openBreaker"] == breaker).await;
        let other = bench.lead("b@example.com").await;
        // Two looks at Clay later the worker has had its chance.
        let before = bench.seen().await.len();
        eventually("Clay was asked how it is", async || bench.seen().await.len() >= before + 2).await;
        assert_eq!(bench.runs().await.len(), 1, "{status} is not tried again");
        assert_eq!((bench.state(&id).await, bench.state(&other).await), (json!("pending"), json!("pending")));
        let health = bench.get("/health").await;
        assert_eq!((health.status, &health.json()["status"]), (200, &json!("degraded")));
    }
}

#[tokio::test]
async fn calls_go_on_when_the_credits_are_reset() {
    let bench = Bench::start(json!({"runs": [{"status": 402, "resets_in": 2}]}), &[]).await;
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
    assert_eq!(bench.runs().await.len(), 2);
}

#[tokio::test]
async fn what_clay_may_have_taken_is_not_sent_twice() {
    for script in [json!({"runs": [{"status": 500, "taken": true}]}), json!({"hangs": true})] {
        let bench = Bench::start(script, &[]).await;
        let id = bench.lead("a@example.com").await;
        bench.reaches(&id, "dead").await;
        assert_eq!(bench.runs().await.len(), 1);
        bench.behave(json!({})).await;
        let replay = format!("/dead-letters/{id}/replay");
        assert_eq!(bench.call(bench.request(Method::POST, &replay).bearer_auth(token())).await.status, 202);
        bench.reaches(&id, "done").await;
        assert_eq!(bench.call(bench.request(Method::POST, &replay).bearer_auth(token())).await.status, 404);
    }
}

#[tokio::test]
async fn what_cannot_succeed_needs_a_person_and_is_replayed_by_command() {
    for status in [400, 404, 413, 422] {
        let bench = Bench::start(json!({"runs": [{"status": status}]}), &[]).await;
        let id = bench.lead("a@example.com").await;
        bench.reaches(&id, "dead").await;
        assert_eq!(bench.runs().await.len(), 1);
        assert!(bench.command(&["replay", &id]).status.success());
        bench.reaches(&id, "done").await;
    }
}

#[tokio::test]
async fn a_run_that_is_complete_can_hold_what_is_not() {
    for (behaviour, state) in [
        (json!({"items": "failed"}), "dead"),
        (json!({"items": "unknown"}), "dead"),
        (json!({"credits": 0}), "dead"),
        (json!({"items": "empty"}), "done"),
    ] {
        let bench = Bench::start(behaviour, &[]).await;
        let id = bench.lead("a@example.com").await;
        bench.reaches(&id, state).await;
        assert_eq!(bench.runs().await.len(), 1);
    }
}

#[tokio::test]
async fn a_callback_that_never_comes_is_made_up_for_by_asking() {
    let bench = Bench::start(json!({"callback": "lost", "run_ms": 1500}), &[("CLAY_CALLBACK_WAIT_SECONDS", "1")]).await;
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
    assert!(bench.get("/metrics").await.text.contains("clay_callbacks_late_total "));
}

#[tokio::test]
async fn reading_results_is_tried_again_and_starting_a_run_is_not() {
    let bench = Bench::start(json!({}), &[("CLAY_HEALTH_SECONDS", "3600")]).await;
    eventually("health was asked", async || clay_health(&bench).await["connected"] == true).await;
    bench.behave(json!({"reads": [{"status": 500}, {"status": 502}]})).await;
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
    let reads = bench.seen().await.iter().filter(|one| one["path"].as_str().unwrap().ends_with("/results")).count();
    assert_eq!((reads, bench.runs().await.len()), (3, 1));
}

#[tokio::test]
async fn an_outage_opens_the_breaker_and_its_end_is_noticed() {
    let bench =
        Bench::start(json!({"runs": vec![json!({"status": 503}); 200], "reads": vec![json!({"status": 503}); 9]}), &[])
            .await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.lead(&format!("lead{number}@example.com")).await);
    }
    eventually("it is open", async || clay_health(&bench).await["openBreaker"] == "outage").await;
    let calls = bench.seen().await.len();
    assert_eq!(bench.post(&json!({"email": "late@example.com"})).await.json()["enrichment"], "delayed");
    assert!(bench.seen().await.len() <= calls + 2, "an open breaker lets nothing through");
    bench.behave(json!({})).await;
    for id in ids {
        bench.reaches(&id, "done").await;
    }
}

#[tokio::test]
async fn health_is_quick_and_stays_200_whatever_clay_does() {
    let bench = Bench::start(json!({}), &[]).await;
    let reason = async |expected: Value| {
        eventually("health says so", async || clay_health(&bench).await["reason"] == expected).await;
        let began = Instant::now();
        let health = bench.get("/health").await;
        assert!(began.elapsed().as_millis() < 500, "nobody waits for Clay");
        assert_eq!((health.status, bench.get("/ready").await.status, bench.get("/live").await.status), (200, 200, 200));
        health.json()
    };
    let healthy = reason(Value::Null).await;
    eventually("all is well", async || bench.get("/health").await.json()["status"] == "healthy").await;
    assert!(healthy["dependencies"]["clay"]["latencyMs"].is_number());
    bench.behave(json!({"workspace": "ws-of-staging"})).await;
    assert_eq!(reason(json!("wrong_workspace")).await["status"], "degraded");
    bench.behave(json!({"hangs": true})).await;
    assert_eq!(reason(json!("no_answer")).await["status"], "degraded");
}
