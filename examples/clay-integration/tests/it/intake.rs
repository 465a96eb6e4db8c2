//! What senders see: acceptance, refusals, limits.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Bench, eventually, token};

#[tokio::test]
async fn a_lead_is_sent_once_with_the_exact_payload_and_comes_back_enriched() {
    let bench = Bench::start(json!({"run_ms": 100, "callback": "twice"}), &[]).await;
    let lead = json!({"email": " ada@example.com", "domain": "example.com", "company": "", "fullName": null});
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = bench.request(Method::POST, "/leads").bearer_auth(token()).header("x-request-id", "req-a");
    let accepted =
        bench.call(request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01")).json(&lead)).await;
    assert_eq!((accepted.status, accepted.header("x-request-id")), (202, "req-a"));
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(accepted.header("location"), format!("/leads/{id}"));
    bench.reaches(&id, "done").await;
    assert_eq!(bench.get(&format!("/leads/{id}")).await.json()["result"]["title"], "Countess");

    let runs = bench.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["path"], "/public/v0/routines/routine-1/run");
    // Empty fields are left out, so that they erase nothing.
    let inputs = json!({"email": "ada@example.com", "domain": "example.com"});
    assert_eq!(runs[0]["body"], json!({"items": [{"id": id, "inputs": inputs}]}));
    assert_eq!(runs[0]["headers"]["x-request-id"], "req-a");
    assert_eq!(runs[0]["headers"]["traceparent"].as_str().unwrap().split('-').nth(1), Some(trace));

    // The same lead is the same work.
    let again = bench.post(&lead).await.json();
    assert_eq!((&again["id"], &again["state"]), (&json!(id), &json!("done")));
    assert_eq!(bench.runs().await.len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_lead() {
    let bench = Bench::start(json!({}), &[]).await;
    let post = async |key: &str, email: &str| {
        let request = bench.request(Method::POST, "/leads").bearer_auth(token()).header("idempotency-key", key);
        bench.call(request.json(&json!({"email": email}))).await
    };
    let first = post("k-1", "a@example.com").await.json()["id"].clone();
    assert_eq!(post("k-1", "a@example.com").await.json()["id"], first);
    assert_ne!(post("k-2", "a@example.com").await.json()["id"], first);
    assert_eq!(post("k-1", "b@example.com").await.status, 422);
    assert_eq!(post("", "a@example.com").await.status, 422);
}

#[tokio::test]
async fn every_refusal_has_the_same_envelope_and_the_headers_of_every_answer() {
    let bench = Bench::start(json!({}), &[]).await;
    let check = async |method: Method, path: &str, token: &str, media: &str, body: &str, status: u16| {
        let request = bench.request(method, path).bearer_auth(token).header("content-type", media);
        let answer = bench.call(request.body(body.to_owned())).await;
        assert_eq!(answer.status, status, "{path} {body:.40}");
        let error = &answer.json()["error"];
        assert!(error["code"].is_string() && error["message"].is_string(), "{}", answer.text);
        assert_eq!(error["requestId"], answer.header("x-request-id"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    };
    let (token, media, lead) = (&token(), "application/json", r#"{"email":"a@example.com"}"#);
    check(Method::POST, "/leads", "wrong", media, lead, 401).await;
    check(Method::POST, "/leads", token, media, "{", 400).await;
    check(Method::POST, "/leads", token, media, "[]", 422).await;
    check(Method::POST, "/leads", token, media, r#"{"company":"x"}"#, 422).await;
    check(Method::POST, "/leads", token, media, r#"{"email":7}"#, 422).await;
    check(Method::POST, "/leads", token, media, r#"{"email":"a@example.com","x":1}"#, 422).await;
    check(Method::POST, "/leads", token, media, &format!(r#"{{"email":"{}@x.com"}}"#, "a".repeat(320)), 422).await;
    check(Method::POST, "/leads", token, media, &"x".repeat(70_000), 413).await;
    check(Method::POST, "/leads", token, "text/plain", lead, 415).await;
    check(Method::DELETE, "/leads", token, media, "", 405).await;
    check(Method::DELETE, "/health", token, media, "", 405).await;
    check(Method::GET, "/nothing", token, media, "", 404).await;
    check(Method::GET, "/leads/..%2f..%2fetc", token, media, "", 404).await;
    check(Method::POST, "/dead-letters/x/replay", token, media, "", 404).await;
    check(Method::PUT, "/log-level", token, media, r#"{"level":"loud"}"#, 422).await;
}

#[tokio::test]
async fn a_loud_client_is_told_to_wait_and_others_are_not() {
    let bench = Bench::start(json!({}), &[("REQUESTS_PER_MINUTE", "2"), ("TRUSTED_HOPS", "1")]).await;
    let get = async |client: &str, path: &str| {
        let request = bench.request(Method::GET, path).bearer_auth(token());
        // What stands before the last hop was written by the caller.
        bench.call(request.header("x-forwarded-for", format!("9.9.9.9, {client}"))).await
    };
    for _ in 0..2 {
        assert_eq!(get("10.0.0.1", "/leads/x").await.status, 404);
    }
    let refused = get("10.0.0.1", "/leads/x").await;
    assert_eq!((refused.status, refused.header("ratelimit-remaining")), (429, "0"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
    assert_eq!(get("10.0.0.2", "/leads/x").await.status, 404, "another client");
    assert_eq!(get("10.0.0.1", "/health").await.status, 200, "a probe");
}

#[tokio::test]
async fn a_full_outbox_refuses_and_keeps_what_it_has() {
    let bench = Bench::start(json!({"runs": [{"status": 402}]}), &[("OUTBOX_MAX", "2")]).await;
    bench.lead("a@example.com").await;
    eventually("calls are stopped", async || {
        bench.get("/health").await.json()["dependencies"]["clay"]["openBreaker"] == "credits"
    })
    .await;
    bench.lead("b@example.com").await;
    let refused = bench.post(&json!({"email": "c@example.com"})).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "60"));
    assert_eq!(refused.json()["error"]["code"], "outbox_full");
}
