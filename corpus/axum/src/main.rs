//! Shortens addresses.

mod links;

use std::{env, time::Duration};

use axum::{
    extract::DefaultBodyLimit,
    routing::{delete, get, post},
    Router,
};
use axum_prometheus::PrometheusMetricLayer;
use sqlx::postgres::PgPoolOptions;
use tokio::{net::TcpListener, signal};
use tower_http::catch_panic::CatchPanicLayer;
use tracing_subscriber::EnvFilter;

#[derive(Clone)]
pub struct App {
    pub db: sqlx::PgPool,
    pub http: reqwest::Client,
    pub scanner: String,
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();

    let url = env::var("DATABASE_URL").expect("DATABASE_URL is set");
    let db = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(Duration::from_secs(3))
        .connect(&url)
        .await
        .expect("the database answers");
    let app = App {
        db,
        http: reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("a client"),
        scanner: env::var("SCANNER_URL").expect("SCANNER_URL is set"),
    };
    let (measured, metrics) = PrometheusMetricLayer::pair();
    let router = Router::new()
        .route("/healthz", get(links::health))
        .route("/livez", get(|| async { "ok" }))
        .route("/metrics", get(|| async move { metrics.render() }))
        .route("/links", post(links::add))
        .route("/links/{id}", get(links::find))
        .route("/links/{id}", delete(links::remove))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(CatchPanicLayer::new())
        .layer(measured)
        .with_state(app);
    let listener = TcpListener::bind("0.0.0.0:8080").await.expect("the port is free");
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await.expect("it serves");
}

async fn stopped() {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).expect("a handler");
    terminate.recv().await;
}
