//! Takes leads, has Clay enrich them, loses none. This file puts the parts together.

mod auth;
mod backup;
mod clay;
mod config;
mod context;
mod error;
mod health;
mod leads;
mod metrics;
mod pace;
mod runtime;
mod server;
mod store;
mod telemetry;
mod webhook;
mod worker;

use std::{env, io::Write as _, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use gonogo_resilience::{
    health::Health,
    shutdown::{self, Exit, Plan, Shutdown},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};

use crate::{
    clay::Clay, config::Config, health::ClayStatus, metrics::Metrics, pace::Pace, runtime::Runtime, server::App,
    store::Store, telemetry::Telemetry, worker::Worker,
};

const USAGE: &str = "clay-integration [serve | backup FILE | restore FILE | replay [ID] | migrate [VERSION] | probe]";

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let arguments: Vec<String> = env::args().skip(1).collect();
    let code = runtime.block_on(run(&arguments)).unwrap_or_else(|error| failed(&error));
    // A second signal waits for nothing.
    runtime.shutdown_background();
    code
}

async fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let config = Config::from_environment()?;
    let report = match arguments.as_slice() {
        [] | ["serve"] => return serve(config).await.map(ExitCode::from),
        ["backup", path] => backup::backup(&config, Path::new(path)).await?,
        ["restore", path] => backup::restore(&config, Path::new(path)).await?,
        ["replay"] => json!({"replayed": open(&config).await?.replay(None).await.map_err(text)?}),
        ["replay", id] => json!({"replayed": open(&config).await?.replay(Some(id)).await.map_err(text)?}),
        ["migrate"] => {
            open(&config).await?.migrate().await.map_err(text)?;
            json!({"migrated": "up"})
        }
        ["migrate", version] => {
            let version = version.parse().map_err(|_| USAGE)?;
            open(&config).await?.migrate_down(version).await.map_err(text)?;
            json!({"migrated": version})
        }
        ["probe"] => probe(config.port).await?,
        _ => return Err(USAGE.to_owned()),
    };
    line(&report);
    Ok(ExitCode::SUCCESS)
}

async fn open(config: &Config) -> Result<Store, String> {
    Store::open(&config.database, config.database_shared).await.map_err(text)
}

/// The service: everything is made, started, and stopped in the right order.
async fn serve(config: Config) -> Result<Exit, String> {
    let signals = shutdown::from_os().map_err(text)?;
    // Where the TLS of the calls to Clay comes from.
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = Arc::new(config);
    let telemetry = Telemetry::start(&config)?;
    let levels = telemetry.levels.clone();
    let metrics = Arc::new(Metrics::new());
    let vitals = Health::new();
    let store = open(&config).await?;
    store.migrate().await.map_err(text)?;
    let pace = Pace::new(store.clone(), config.clay.workspace.clone(), config.clay.requests_per_second);
    let clay = Clay::new(&config.clay, pace.clone(), metrics.clone()).map_err(text)?;
    let (values_sender, values) = watch::channel(Runtime::new(&config));
    let (status_sender, clay_status) = watch::channel(ClayStatus::unknown());
    let bell = Arc::new(Notify::new());

    // Readiness first, then the requests and the calls under way, then the spans.
    let grace = config.announce + config.drain + Duration::from_secs(10);
    let plan = Plan { grace, announce: config.announce, drain: config.drain, ..Plan::default() };
    let (sequence, stop) = Shutdown::new(plan, vitals.clone()).map_err(text)?;

    tokio::spawn(health::watch(
        config.clone(),
        vitals.clone(),
        store.clone(),
        clay.clone(),
        metrics.clone(),
        status_sender,
    ));
    if let Some(path) = config.runtime_file.clone() {
        let (pace, levels) = (pace.clone(), levels.clone());
        tokio::spawn(async move { runtime::follow(&path, &values_sender, &pace, &levels).await });
    }
    let worker = Worker {
        config: config.clone(),
        store: store.clone(),
        clay: clay.clone(),
        pace,
        metrics: metrics.clone(),
        runtime: values.clone(),
        bell: bell.clone(),
        stop: stop.clone(),
    };
    let app = App {
        config: config.clone(),
        store: store.clone(),
        clay,
        clay_status,
        runtime: values,
        health: vitals.clone(),
        metrics,
        levels,
        bell,
    };
    let router = server::router(app, stop.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind((config.host.as_str(), config.port)).await.map_err(text)?;
    let port = listener.local_addr().map_err(text)?.port();
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.draining());
    vitals.started();
    tracing::info!(port, version = telemetry::VERSION, "ready");

    let work = async { tokio::join!(server, worker.run(&vitals)) };
    let flush = async {
        store.close().await;
        telemetry.flush().await;
    };
    let exit = sequence.run(signals, work, flush).await;
    tracing::info!(code = exit.code(), "stopped");
    Ok(exit)
}

/// Asks the service in the same container whether it is alive: the image has no other program that could.
async fn probe(port: u16) -> Result<Value, String> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().map_err(text)?;
    let answer = client.get(format!("http://127.0.0.1:{port}/live")).send().await.map_err(text)?;
    answer.error_for_status().map(|answer| json!({"status": answer.status().as_u16()})).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What the operator is told when there is no log yet: a line in the form of one.
fn failed(message: &str) -> ExitCode {
    line(&json!({"level": "ERROR", "message": message}));
    ExitCode::FAILURE
}

fn line(value: &Value) {
    // A closed pipe is nothing that this could report.
    drop(writeln!(std::io::stdout(), "{value}"));
}
