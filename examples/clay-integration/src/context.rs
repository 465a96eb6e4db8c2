//! Around every request: its id, its span, its numbers, its line in the log, and the headers that every answer has.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use opentelemetry::{Context, global, propagation::Extractor, trace::TraceContextExt as _};
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::server::App;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// The id of the request that this is done for.
pub fn request_id() -> String {
    CURRENT.try_with(ToString::to_string).unwrap_or_default()
}

/// Does the work of a request that was accepted earlier under its id, in its trace.
pub async fn continued<F: Future>(request_id: &str, traceparent: Option<&str>, lead: &str, work: F) -> F::Output {
    let span = info_span!("lead", request_id, lead, trace_id = Empty);
    let mut headers = HeaderMap::new();
    if let Some(value) = traceparent.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert("traceparent", value);
    }
    join(&span, &headers);
    CURRENT.scope(request_id.into(), work.instrument(span)).await
}

/// The client as the limits know it: its address. A header says so only where as many proxies of ours as configured stand
/// before this service: whoever calls can write the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Client(pub Option<IpAddr>);

fn client(request: &Request, hops: u32) -> Client {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let Some(back) = hops.checked_sub(1) else { return Client(peer) };
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or("");
    let hop = forwarded.rsplit(',').nth(back as usize).and_then(|text| text.trim().parse().ok());
    Client(hop.or(peer))
}

/// The outermost layer.
pub async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = accepted(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let route = format!("{} {path}", method(request.method()));
    let known = client(&request, app.config.trusted_hops);
    request.extensions_mut().insert(known);

    let span = info_span!("request", request_id = id, route, trace_id = Empty);
    join(&span, request.headers());
    let trace = span.context().span().span_context().trace_id();
    app.metrics.requests_in_flight.inc();
    let work = async {
        let response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), began.elapsed());
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if matches!(path.as_str(), "/live" | "/ready" | "/health" | "/metrics") {
            tracing::debug!(status, milliseconds, "answered");
        } else {
            tracing::info!(status, milliseconds, "answered");
        }
        app.metrics.answered(&route, status, took, trace.to_string());
        response
    };
    let mut response = CURRENT.scope(id.as_str().into(), work.instrument(span)).await;
    app.metrics.requests_in_flight.dec();

    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A label has few values: callers can make up methods.
fn method(method: &Method) -> &str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "OTHER" }
}

/// The caller's own id, if it is one that can stand in a log.
fn accepted(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fine =
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    fine.then(|| id.to_owned())
}

/// Continues the trace that the headers name, and notes its id for the log.
fn join(span: &Span, headers: &HeaderMap) {
    struct Headers<'a>(&'a HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, name: &str) -> Option<&str> {
            self.0.get(name)?.to_str().ok()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(HeaderName::as_str).collect()
        }
    }
    let parent: Context = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
    // Without a tracing layer there is nothing to join.
    drop(span.set_parent(parent));
    let trace = span.context().span().span_context().trace_id();
    span.record("trace_id", trace.to_string());
}

/// `traceparent` of the current span, for work that goes on later.
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    let flags = span.trace_flags().to_u8();
    span.is_valid().then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
}
