//! A service with known faults: axum in front, reqwest behind, each fault one word of the variable `FAULTS`.
//!
//! Without faults it does everything right that the experiments ask for; with one it differs in that thing only. `PORT` is
//! where it listens, `BACKEND` what it calls.

mod backend;
mod breaker;
mod ending;
mod faults;
mod health;
mod work;

use std::{env, net::Ipv4Addr, sync::Arc};

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use backend::Backend;
use ending::Ending;
use faults::Faults;
use health::Health;
use work::Work;

/// What handlers share.
#[derive(Clone)]
struct Service {
    backend: Arc<Backend>,
    health: Arc<Health>,
    work: Arc<Work>,
    ending: Ending,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let faults = Faults::read(&env::var("FAULTS").unwrap_or_default());
    let port: u16 = env::var("PORT").context("PORT")?.parse().context("PORT")?;
    let work = Arc::new(Work::new(&env::var("BACKEND").context("BACKEND")?, &faults)?);
    let backend = Arc::new(Backend::new(&env::var("BACKEND").context("BACKEND")?, &faults)?);
    if faults.has("start-waits-once") && !backend.answers().await {
        // It waits for what will not be said twice.
        std::future::pending::<()>().await;
    }
    let health = Health::watch(Arc::clone(&backend), &faults);
    let ending = Ending::new(&faults);
    let service = Service { backend, health, work, ending: ending.clone() };
    let router = Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/health", get(tell))
        .route("/items", get(items).post(create))
        .route("/orders", post(create))
        .route("/work", get(|State(service): State<Service>| async move { service.work.job().await }))
        .route("/calls", get(|State(service): State<Service>| async move { service.work.call().await }))
        .route("/local", get(local))
        .fallback(|| async { wrong(StatusCode::NOT_FOUND, "there is nothing here") })
        .with_state(service);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    ending.serve(listener, router).await
}

async fn local(State(service): State<Service>) -> Json<Value> {
    service.work.alone().await;
    Json(json!({ "ok": true }))
}

async fn live(State(service): State<Service>) -> Response {
    if service.health.live(&service.backend).await {
        Json(json!({})).into_response()
    } else {
        wrong(StatusCode::SERVICE_UNAVAILABLE, "not alive")
    }
}

async fn ready(State(service): State<Service>) -> Response {
    if service.ending.is_ready() && service.health.has_begun() {
        Json(json!({})).into_response()
    } else {
        wrong(StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}

async fn tell(State(service): State<Service>) -> Json<Value> {
    Json(service.health.tell())
}

async fn items(State(service): State<Service>) -> Response {
    if !service.health.has_warmed_up() {
        return wrong(StatusCode::INTERNAL_SERVER_ERROR, "not warmed up");
    }
    answered(service.backend.get("/items").await)
}

async fn create(State(service): State<Service>, body: String) -> Response {
    answered(service.backend.post("/orders", body).await)
}

fn answered(result: anyhow::Result<String>) -> Response {
    match result {
        Ok(body) => Json(json!({ "from": "backend", "bytes": body.len() })).into_response(),
        Err(error) if error.to_string().starts_with("unknown") => {
            wrong(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong")
        }
        Err(_) => wrong(StatusCode::SERVICE_UNAVAILABLE, "the backend does not answer"),
    }
}

fn wrong(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": status.as_u16(), "message": message } }))).into_response()
}
