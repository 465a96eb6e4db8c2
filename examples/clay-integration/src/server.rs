//! The routes, and what stands before them. Outermost first: probes stand behind nothing but their id.

use std::{convert::Infallible, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    middleware::from_fn_with_state,
    routing::{get, post, put},
};
use gonogo_resilience::{
    Rejection,
    adaptive::{AdaptiveLayer, AdaptiveLimit, GradientSettings, Strategy},
    deadline::{FromHeaderLayer, Wire},
    health::Health,
    rate_limit::{Caller, Limits, Policy, RateLimitLayer},
    shed::{Priority, ShedLayer, Shedder},
    shutdown::{CloseLayer, Stop},
    verdict,
};
use tokio::sync::{Notify, watch};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth, clay::Clay, config::Config, context, error, health, health::ClayStatus, leads, metrics, metrics::Metrics,
    runtime::Runtime, store::Store, telemetry::Levels, webhook,
};

/// What handlers share.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub clay: Clay,
    pub clay_status: watch::Receiver<ClayStatus>,
    pub runtime: watch::Receiver<Runtime>,
    pub health: Health,
    pub metrics: Arc<Metrics>,
    pub levels: Levels,
    pub bell: Arc<Notify>,
}

/// No body is larger.
const MOST_BYTES: usize = 64 * 1024;

/// So many requests are under way. Two cores that refuse most of twice their capacity write some 300 leads a second down:
/// whoever is let in waits for less than a second.
const MOST_UNDER_WAY: u32 = 192;

pub fn router(app: App, stop: Stop) -> Router {
    let probes = Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .route("/health", get(health::report))
        .route("/metrics", get(metrics::expose))
        .method_not_allowed_fallback(error::method_not_allowed);

    let intake = Router::new()
        .route("/leads", post(leads::accept))
        .route("/leads/{id}", get(leads::show))
        .route("/dead-letters/{id}/replay", post(leads::replay))
        .route("/log-level", put(leads::set_level))
        .route_layer(from_fn_with_state(app.clone(), auth::require_token));

    let gradient = GradientSettings { least: 32, ..GradientSettings::default() };
    let limits = ServiceBuilder::new()
        .layer(CloseLayer::new(stop))
        .layer(HandleErrorLayer::new(error::limited))
        .layer(RateLimitLayer::new(quotas(app.config.requests_per_minute), caller))
        .layer(ShedLayer::new(Shedder::new("server", MOST_UNDER_WAY), priority))
        .layer(AdaptiveLayer::new(AdaptiveLimit::new("server", Strategy::Gradient(gradient)), verdict::overload))
        .layer(FromHeaderLayer::new(Wire::default(), Duration::from_secs(5), Duration::from_secs(10)))
        .map_err(|never: Infallible| -> Rejection { match never {} });

    intake
        .route("/clay/callback", post(webhook::receive))
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(error::not_found)
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(limits)
        .merge(probes)
        .layer(from_fn_with_state(app.clone(), context::around))
        .with_state(app)
}

/// Each client has a quota of each endpoint. Clay has a larger one for its deliveries than a sender has for its leads.
fn quotas(per_minute: u32) -> Limits<context::Client> {
    let policy = |name, calls: u32| {
        let calls = NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN);
        Policy { name, calls, per: Duration::from_mins(1) }
    };
    let callback = policy("callback", per_minute.saturating_mul(5));
    Limits::new(policy("usual", per_minute), [("/leads", policy("leads", per_minute)), ("/clay/callback", callback)])
}

fn caller(request: &Request) -> Option<Caller<'_, context::Client>> {
    let endpoint = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    Some(Caller { endpoint, client: *request.extensions().get::<context::Client>()? })
}

/// Under load, questions go first, leads next; what Clay delivers was paid for.
fn priority(request: &Request) -> Priority {
    match request.uri().path() {
        "/clay/callback" => Priority::High,
        "/leads" => Priority::Normal,
        _ => Priority::Low,
    }
}
