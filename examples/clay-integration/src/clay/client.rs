//! What stands between the service and Clay. One place where a call leaves the process.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use gonogo_resilience::{
    Error,
    adaptive::{AdaptiveLayer, AdaptiveLimit, AimdSettings, Strategy},
    breaker::{Breaker, BreakerLayer, Percent, Settings, State, Window},
    bulkhead::{self, Bulkhead, BulkheadLayer},
    deadline::TimeoutLayer,
    retry::{self, Backoff, RetryPolicy},
    verdict,
};
use http::{Method, Request, StatusCode};
use opentelemetry::{global, propagation::Injector};
use serde::de::DeserializeOwned;
use tower::{ServiceBuilder, ServiceExt as _, util::BoxCloneSyncService};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::answer::{Answer, Failure, Fault, access, credits, outage, pause, read};
use crate::{config::ClayConfig, context, metrics::Metrics, pace::Pace};

type Stack = BoxCloneSyncService<Request<Bytes>, Answer, Fault>;

/// One breaker for each kind of failure that has a remedy of its own.
#[derive(Clone)]
struct Breakers {
    outage: Breaker,
    access: Breaker,
    credits: Breaker,
}

impl Breakers {
    fn new(open_for: Duration) -> Self {
        let outage = Settings {
            failure_rate: Percent::new(50),
            window: Window::Count(10),
            minimum_calls: 5,
            open_for,
            trial_calls: 1,
            ..Settings::default()
        };
        // These open by their verdict alone, and one call tells whether it is mended.
        let patient = |open_for| Settings { open_for, trial_calls: 1, ..Settings::default() };
        Self {
            outage: Breaker::new("outage", outage),
            access: Breaker::new("access", patient(Duration::from_mins(5))),
            credits: Breaker::new("credits", patient(Duration::from_hours(1))),
        }
    }
}

/// Clones share breakers, slots and pace.
#[derive(Clone)]
pub struct Client {
    breakers: Breakers,
    pace: Pace,
    calls: Stack,
    probes: Stack,
}

impl Client {
    pub fn new(config: &ClayConfig, pace: Pace, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        let breakers = Breakers::new(config.breaker_open);
        let wire = Wire::new(config, metrics)?;
        let calls = calls(wire.clone(), &breakers, pace.clone(), config);
        let probes = probes(wire, &breakers);
        Ok(Self { breakers, pace, calls, probes })
    }

    /// Which breaker is open; none: calls may be made.
    pub fn open_breaker(&self) -> Option<&'static str> {
        let Breakers { outage, access, credits } = &self.breakers;
        let open = |breaker: &&Breaker| breaker.state() == State::Open;
        [access, credits, outage].into_iter().find(open).map(Breaker::name)
    }

    /// A call that costs something.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, T), Failure> {
        let result = self.calls.clone().oneshot(request(method, path, body)).await;
        // 429: every replica waits as long as Clay says.
        if let Ok(answer) = &result
            && answer.status() == StatusCode::TOO_MANY_REQUESTS
            && let Err(error) = self.pace.block(pause(answer)).await
        {
            tracing::error!(reason = %error, "the pace cannot be kept");
        }
        read(&result)
    }

    /// A question that is free.
    pub async fn probe<T: DeserializeOwned>(&self, path: &str) -> Result<(StatusCode, T), Failure> {
        read(&self.probes.clone().oneshot(request(Method::GET, path, Bytes::new())).await)
    }
}

/// What costs something. Retries outside of the breakers, so that an open one ends them; only what may be done twice is done
/// twice, so that no run is ever started again from here.
fn calls(wire: Wire, breakers: &Breakers, pace: Pace, config: &ClayConfig) -> Stack {
    let total = 3 * config.timeout;
    let backoff = Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(10) };
    let retries = retry::Settings { attempts: 3, backoff, overall: total, ..retry::Settings::default() };
    let slots = bulkhead::Settings {
        slots: config.concurrency,
        queue: 2 * config.concurrency,
        wait: config.timeout,
        ..bulkhead::Settings::default()
    };
    let fewer = AimdSettings {
        initial: config.concurrency,
        least: 1,
        most: config.concurrency,
        timeout: config.timeout,
        ..AimdSettings::default()
    };
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(total))
        .retry(RetryPolicy::http(retries, retry::budget()))
        .layer(BreakerLayer::new(breakers.access.clone(), access))
        .layer(BreakerLayer::new(breakers.credits.clone(), credits))
        .layer(BreakerLayer::new(breakers.outage.clone(), outage))
        .layer(BulkheadLayer::new(Bulkhead::new("clay", slots)))
        .layer(AdaptiveLayer::new(AdaptiveLimit::new("clay", Strategy::Aimd(fewer)), verdict::overload))
        .service_fn(move |request: Request<Bytes>| {
            let (wire, pace) = (wire.clone(), pace.clone());
            async move {
                pace.turn().await?;
                wire.send(request).await.map_err(Error::Inner)
            }
        });
    BoxCloneSyncService::new(service)
}

/// Questions about health: free, so that they wait for no slot and no turn, and are asked when the credits are used up too.
fn probes(wire: Wire, breakers: &Breakers) -> Stack {
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(2)))
        .layer(BreakerLayer::new(breakers.outage.clone(), outage))
        .service_fn(move |request: Request<Bytes>| {
            let wire = wire.clone();
            async move { wire.send(request).await.map_err(Error::Inner) }
        });
    BoxCloneSyncService::new(service)
}

/// A request below the base address.
fn request(method: Method, path: &str, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // Paths are made of constants and ids that were checked.
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

/// The connection to Clay itself.
#[derive(Clone)]
struct Wire {
    http: reqwest::Client,
    url: String,
    key: String,
    metrics: Arc<Metrics>,
}

impl Wire {
    fn new(config: &ClayConfig, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, url: config.url.clone(), key: config.key.expose().to_owned(), metrics })
    }

    /// Sends, and reads the whole answer, so that timeouts and slots hold for its body as well.
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, reqwest::Error> {
        let began = tokio::time::Instant::now();
        let (parts, body) = request.into_parts();
        let mut call = self
            .http
            .request(parts.method.clone(), format!("{}{}", self.url, parts.uri))
            .header("clay-api-key", &self.key)
            .header("content-type", "application/json")
            .header("x-request-id", context::request_id());
        for (name, value) in trace_headers() {
            call = call.header(name, value);
        }
        let result = whole(call.body(body)).await;
        let status = match &result {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) if error.is_timeout() => "timeout".to_owned(),
            Err(_) => "error".to_owned(),
        };
        let took = began.elapsed();
        self.metrics.clay_answered(&status, took);
        let clay_request_id = result.as_ref().ok().and_then(|answer| answer.headers().get("request-id")?.to_str().ok());
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method = %parts.method, status, milliseconds, clay_request_id, "clay answered");
        result
    }
}

async fn whole(call: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = call.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = Answer::new(response.bytes().await?);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// `traceparent` of the current span, so that Clay's side and ours are one trace.
fn trace_headers() -> Vec<(String, String)> {
    struct Headers(Vec<(String, String)>);
    impl Injector for Headers {
        fn set(&mut self, name: &str, value: String) {
            self.0.push((name.to_owned(), value));
        }
    }
    let mut headers = Headers(Vec::new());
    let context = tracing::Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut headers));
    headers.0
}
