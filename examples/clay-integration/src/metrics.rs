//! What can be measured, in the format of `OpenMetrics`. Label values come from short, closed lists.

use std::{sync::atomic::AtomicU64, time::Duration};

use axum::extract::State;
use http::header::{CONTENT_TYPE, HeaderName};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

use crate::{error::ApiError, server::App, store};

type Label = [(&'static str, String); 1];
type RouteAndStatus = [(&'static str, String); 2];
/// The exemplar of a bucket is the trace of a request that fell into it.
type Histogram = HistogramWithExemplars<Label>;

/// Seconds. A bound at 0.25 and one at 5, because an objective and an alert ask for them.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The series that alerts ask for exist from the start: an increase from nothing is none.
const STATUSES: [&str; 14] =
    ["200", "202", "400", "401", "402", "403", "404", "413", "422", "429", "500", "503", "timeout", "error"];

pub struct Metrics {
    registry: Registry,
    requests: Family<RouteAndStatus, Counter>,
    duration: Family<Label, Histogram, fn() -> Histogram>,
    pub requests_in_flight: Gauge,
    clay_requests: Family<Label, Counter>,
    clay_duration: Histogram,
    pub clay_connected: Gauge,
    clay_breaker_open: Family<Label, Gauge>,
    pub clay_runs_started: Counter,
    clay_enrichments: Family<Label, Counter>,
    pub clay_dead_letters: Counter,
    clay_callbacks: Family<Label, Counter>,
    pub clay_callbacks_late: Counter,
    outbox_leads: Family<Label, Gauge>,
    resident_bytes: Gauge,
    cpu_seconds: Gauge<f64, AtomicU64>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut all = Registry::default();
        let by_route = Family::new_with_constructor(histogram as fn() -> Histogram);
        let metrics = Self {
            requests: add(&mut all, "http_requests", "Requests by route and status", Family::default()),
            duration: add(&mut all, "http_request_duration_seconds", "Seconds until the answer", by_route),
            requests_in_flight: add(&mut all, "http_requests_in_flight", "Requests being answered", Gauge::default()),
            clay_requests: add(&mut all, "clay_requests", "Calls to Clay by status", Family::default()),
            clay_duration: add(&mut all, "clay_request_duration_seconds", "Seconds until Clay answered", histogram()),
            clay_connected: add(&mut all, "clay_connected", "1 while Clay answers as expected", Gauge::default()),
            clay_breaker_open: add(&mut all, "clay_breaker_open", "1 while calls are stopped", Family::default()),
            clay_runs_started: add(&mut all, "clay_runs_started", "Runs that Clay has taken", Counter::default()),
            clay_enrichments: add(&mut all, "clay_enrichments", "Leads that came back", Family::default()),
            clay_dead_letters: add(&mut all, "clay_dead_letters", "Leads that need a person", Counter::default()),
            clay_callbacks: add(&mut all, "clay_callbacks", "Deliveries of Clay by outcome", Family::default()),
            clay_callbacks_late: add(&mut all, "clay_callbacks_late", "Callbacks not in time", Counter::default()),
            outbox_leads: add(&mut all, "outbox_leads", "Leads by state", Family::default()),
            resident_bytes: add(&mut all, "process_resident_memory_bytes", "Memory of the process", Gauge::default()),
            cpu_seconds: add(&mut all, "process_cpu_seconds", "Processor time that was used", Gauge::default()),
            registry: all,
        };
        for status in STATUSES {
            drop(metrics.clay_requests.get_or_create(&[("status", status.to_owned())]));
        }
        metrics
    }

    pub fn answered(&self, route: &str, status: u16, took: Duration, trace_id: String) {
        self.requests.get_or_create(&[("route", route.to_owned()), ("status", status.to_string())]).inc();
        let duration = self.duration.get_or_create(&[("route", route.to_owned())]);
        duration.observe(took.as_secs_f64(), Some([("trace_id", trace_id)]), None);
    }

    pub fn clay_answered(&self, status: &str, took: Duration) {
        let known = if STATUSES.contains(&status) { status } else { "other" };
        self.clay_requests.get_or_create(&[("status", known.to_owned())]).inc();
        self.clay_duration.observe(took.as_secs_f64(), None, None);
    }

    pub fn enriched(&self, found: bool) {
        self.clay_enrichments.get_or_create(&[("found", found.to_string())]).inc();
    }

    pub fn called_back(&self, outcome: &'static str) {
        self.clay_callbacks.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    pub fn leads(&self, counts: &[(store::State, i64)]) {
        for state in ["pending", "sending", "running", "done", "dead"] {
            let count = counts.iter().find(|(known, _)| known.name() == state).map_or(0, |(_, count)| *count);
            self.outbox_leads.get_or_create(&[("state", state.to_owned())]).set(count);
        }
    }
}

fn histogram() -> Histogram {
    HistogramWithExemplars::new(SECONDS.into_iter())
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// `GET /metrics`. What is a state rather than an event is read when it is asked for.
pub async fn expose(State(app): State<App>) -> Result<([(HeaderName, &'static str); 1], String), ApiError> {
    let metrics = &app.metrics;
    let open = app.clay.open_breaker();
    for reason in ["access", "credits", "outage"] {
        let gauge = metrics.clay_breaker_open.get_or_create(&[("reason", reason.to_owned())]);
        gauge.set(i64::from(open == Some(reason)));
    }
    if let Some((bytes, seconds)) = usage().await {
        metrics.resident_bytes.set(bytes);
        metrics.cpu_seconds.set(seconds);
    }
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|_| ApiError::INTERNAL)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// Resident bytes and seconds of the processor, as Linux tells them: pages of 4 KiB, ticks of 10 ms.
async fn usage() -> Option<(i64, f64)> {
    let stat = tokio::fs::read_to_string("/proc/self/stat").await.ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some((i64::from(number(21)?) * 4096, (f64::from(number(11)?) + f64::from(number(12)?)) / 100.0))
}
