//! How the service is: alive, ready, and in detail. Clay is asked in the background, for nothing, and never waited for.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, response::Response};
use gonogo_resilience::health::{Health, Impact, Probe, Reporter, Watch};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{clay::Clay, config::Config, metrics::Metrics, server::App, store::Store, telemetry::VERSION};

/// What was seen of Clay last.
#[derive(Debug, Clone, Copy)]
pub struct ClayStatus {
    pub connected: bool,
    reason: Option<&'static str>,
    latency: Duration,
    checked: Instant,
    last_success: Option<Instant>,
}

impl ClayStatus {
    pub fn unknown() -> Self {
        let reason = Some("not_asked_yet");
        Self { connected: false, reason, latency: Duration::ZERO, checked: Instant::now(), last_success: None }
    }
}

/// Asks the two dependencies regularly, for ever: the database is this replica's own, Clay is shared by all.
pub async fn watch(
    config: Arc<Config>,
    health: Health,
    store: Store,
    clay: Clay,
    metrics: Arc<Metrics>,
    status: watch::Sender<ClayStatus>,
) {
    let database = health.dependency("database", Impact::Own, Duration::from_secs(30));
    let often = Watch { every: Duration::from_secs(2), within: Duration::from_secs(1), failures: 2 };
    let shared = health.dependency("clay", Impact::Shared, 3 * config.clay.health_every);
    tokio::join!(
        database.watch(often, || store.ping()),
        ask(config.clay.health_every, &clay, &metrics, &shared, &status)
    );
}

async fn ask(every: Duration, clay: &Clay, metrics: &Metrics, reporter: &Reporter, status: &watch::Sender<ClayStatus>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let reason = clay.check().await.err();
        let connected = reason.is_none();
        reporter.report(connected);
        metrics.clay_connected.set(i64::from(connected));
        if let Some(reason) = reason {
            tracing::warn!(reason, "clay is not healthy");
        }
        status.send_modify(|known| {
            let last_success = if connected { Some(began) } else { known.last_success };
            *known = ClayStatus { connected, reason, latency: began.elapsed(), checked: Instant::now(), last_success };
        });
    }
}

/// `GET /live`: whether the loops still turn. It looks at no dependency: a restart mends none.
pub async fn live(State(app): State<App>) -> Response {
    app.health.answer(Probe::Liveness)
}

/// `GET /ready`: started, not stopping, and the database can be reached.
pub async fn ready(State(app): State<App>) -> Response {
    app.health.answer(Probe::Readiness)
}

/// `GET /health`: each dependency with its state and latency. Clay down is a reduced service, not a broken one: it stays 200.
pub async fn report(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let began = Instant::now();
    let usable = app.store.ping().await.is_ok();
    let database = json!({"connected": usable, "latencyMs": milliseconds(began.elapsed())});
    let ClayStatus { connected, reason, latency, checked, last_success } = *app.clay_status.borrow();
    let breaker = app.clay.open_breaker();
    let clay = json!({
        "connected": connected,
        "reason": reason,
        "latencyMs": milliseconds(latency),
        "checkedSecondsAgo": checked.elapsed().as_secs(),
        "lastSuccessSecondsAgo": last_success.map(|at| at.elapsed().as_secs()),
        "openBreaker": breaker,
        "sends": app.runtime.borrow().clay_sends,
    });
    let (code, status) = match (usable, connected && breaker.is_none()) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        (true, false) => (StatusCode::OK, "degraded"),
        (true, true) => (StatusCode::OK, "healthy"),
    };
    (code, Json(json!({"status": status, "version": VERSION, "dependencies": {"clay": clay, "database": database}})))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
