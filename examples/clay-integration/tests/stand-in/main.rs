//! A Clay on loopback, as far as it is known: what it documents and what was seen of it. For tests, laptops and exercises.
//!
//! `PORT`, `STAND_IN_CALLBACK_URL`, `STAND_IN_WEBHOOK_SECRET` and `STAND_IN_BEHAVIOUR` (JSON, see `behaviour.rs`) set it up.

mod api;
mod behaviour;
mod callback;

use std::{
    collections::HashMap,
    env,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    behaviour::{Behaviour, Scripted},
    callback::Webhook,
};

/// What the stand-in knows. Clones are the same.
#[derive(Clone)]
pub struct Clay {
    memory: Arc<Mutex<Memory>>,
    webhook: Arc<Webhook>,
}

#[derive(Default)]
pub struct Memory {
    behaviour: Behaviour,
    /// Every request, in order.
    seen: Vec<Value>,
    runs: HashMap<String, Run>,
    submissions: u64,
    /// For the limit of the rate: calls that may be made now, and when that was worked out.
    allowance: Option<(f64, Instant)>,
}

struct Run {
    items: Vec<Value>,
    ends: Instant,
}

impl Clay {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    drop(rustls::crypto::ring::default_provider().install_default());
    let behaviour = match variable("STAND_IN_BEHAVIOUR").as_str() {
        "" => Behaviour::default(),
        text => serde_json::from_str(text)?,
    };
    let memory = Arc::new(Mutex::new(Memory { behaviour, ..Memory::default() }));
    let webhook = Webhook::new(variable("STAND_IN_CALLBACK_URL"), variable("STAND_IN_WEBHOOK_SECRET"))?;
    let clay = Clay { memory, webhook: Arc::new(webhook) };

    let public = Router::new()
        .route("/public/v0/me", get(api::me))
        .route("/public/v0/routines/{routine}/run", post(api::run))
        .route("/public/v0/routines/run/{run}/results", get(api::results))
        .route("/v3/sources/webhook/{source}", post(api::submit))
        .fallback(async || message(StatusCode::NOT_FOUND, "deprecated API endpoint"))
        .layer(from_fn_with_state(clay.clone(), front));
    let admin = Router::new()
        .route("/admin/behaviour", put(set_behaviour))
        .route("/admin/callback-url", put(set_callback_url))
        .route("/admin/seen", get(seen))
        .route("/admin/test-delivery", post(test_delivery));
    let listener = TcpListener::bind(("127.0.0.1", variable("PORT").parse().unwrap_or(0))).await?;
    writeln!(std::io::stdout(), "{}", json!({"message": "ready", "port": listener.local_addr()?.port()}))?;
    Ok(axum::serve(listener, public.merge(admin).with_state(clay)).await?)
}

/// Before every answer of the API: remembers the request, and is slow, silent, strict or broken as it was told to be.
async fn front(State(clay): State<Clay>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1_000_000).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "payload too large");
    };
    let (behaviour, limited, scripted, number) = {
        let mut memory = clay.memory();
        memory.seen.push(json!({
            "method": parts.method.as_str(),
            "path": parts.uri.to_string(),
            "headers": readable(&parts.headers),
            "body": serde_json::from_slice::<Value>(&body).unwrap_or_default(),
        }));
        let is_run = parts.uri.path().ends_with("/run");
        let limited = memory.limited();
        let script = if is_run { &mut memory.behaviour.runs } else { &mut memory.behaviour.reads };
        let scripted = (!script.is_empty() && !limited).then(|| script.remove(0));
        (memory.behaviour.clone(), limited, scripted, memory.seen.len())
    };
    tokio::time::sleep(Duration::from_millis(behaviour.latency_ms)).await;
    if behaviour.hangs {
        std::future::pending::<()>().await;
    }
    let known = behaviour.key.is_empty() || parts.headers.get("clay-api-key").is_some_and(|key| *key == *behaviour.key);
    let is_public = parts.uri.path().starts_with("/public/");
    let mut response = if is_public && !known {
        message(StatusCode::UNAUTHORIZED, "missing or invalid API key")
    } else if limited {
        told(&Scripted { status: 429, retry_after: Some(1), resets_in: None, taken: false })
    } else {
        match scripted {
            Some(script) if !script.taken => told(&script),
            script => {
                let right = next.run(Request::from_parts(parts, Body::from(body))).await;
                script.map_or(right, |script| told(&script))
            }
        }
    };
    if let Ok(id) = HeaderValue::from_str(&format!("req-{number}")) {
        response.headers_mut().insert(HeaderName::from_static("request-id"), id);
    }
    response
}

impl Memory {
    fn limited(&mut self) -> bool {
        let Some(rate) = self.behaviour.requests_per_second.map(f64::from) else { return false };
        let (left, at) = self.allowance.unwrap_or((rate, Instant::now()));
        let left = (left + rate * at.elapsed().as_secs_f64()).min(rate);
        let limited = left < 1.0;
        self.allowance = Some((if limited { left } else { left - 1.0 }, Instant::now()));
        limited
    }
}

fn told(script: &Scripted) -> Response {
    let status = StatusCode::from_u16(script.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({"message": status.canonical_reason().unwrap_or("error")});
    if let Some(seconds) = script.resets_in {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        body["quota"] = json!({"limit": 1000, "used": 1000, "remaining": 0, "resets_at": at.to_string()});
    }
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = script.retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Clay's errors have a message and nothing else.
pub fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"message": text}))).into_response()
}

fn readable(headers: &HeaderMap) -> Value {
    headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default()))).collect()
}

async fn set_behaviour(State(clay): State<Clay>, Json(behaviour): Json<Behaviour>) {
    clay.memory().behaviour = behaviour;
}

async fn set_callback_url(State(clay): State<Clay>, url: String) {
    clay.webhook.set_url(url);
}

async fn seen(State(clay): State<Clay>) -> Json<Vec<Value>> {
    Json(clay.memory().seen.clone())
}

async fn test_delivery(State(clay): State<Clay>) -> String {
    clay.webhook.deliver(&json!({})).await.map_or_else(|error| error.to_string(), |status| status.to_string())
}
