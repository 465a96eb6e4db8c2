//! The health endpoints as the outermost layer of a server, so that no limit, queue or login stands before them.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Health, Probe, Status};

/// Answers `GET` and `HEAD` of `/livez`, `/readyz`, `/startupz` and, with the report of `/readyz`, `/healthz`; other
/// requests go on to the service.
#[derive(Debug, Clone)]
pub struct HealthLayer {
    health: Health,
}

impl HealthLayer {
    /// A layer that answers from this.
    pub const fn new(health: Health) -> Self {
        Self { health }
    }
}

impl<S> Layer<S> for HealthLayer {
    type Service = HealthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HealthService { inner, health: self.health.clone() }
    }
}

/// A service with health endpoints.
#[derive(Debug, Clone)]
pub struct HealthService<S> {
    inner: S,
    health: Health,
}

fn probe(path: &str) -> Option<Probe> {
    match path {
        "/livez" => Some(Probe::Liveness),
        "/readyz" | "/healthz" => Some(Probe::Readiness),
        "/startupz" => Some(Probe::Startup),
        _ => None,
    }
}

impl<S, B, A> Service<Request<B>> for HealthService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    A: From<String>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HealthFuture<S::Future, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let probed = matches!(*request.method(), Method::GET | Method::HEAD);
        match probe(request.uri().path()).filter(|_| probed) {
            Some(probe) => HealthFuture { answer: Some(self.health.answer(probe)), call: None },
            None => HealthFuture { answer: None, call: Some(self.inner.call(request)) },
        }
    }
}

impl Health {
    /// The HTTP answer to a probe: 200 unless the report is a failure, else 503; never to be cached.
    pub fn answer<A: From<String>>(&self, probe: Probe) -> Response<A> {
        let report = self.report(probe);
        let mut answer = Response::new(A::from(report.json()));
        if report.status == Status::Fail {
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/health+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

pin_project! {
    /// The answer to a probe, or the call of the service.
    #[derive(Debug)]
    pub struct HealthFuture<F, A> {
        answer: Option<Response<A>>,
        #[pin]
        call: Option<F>,
    }
}

impl<F, A, E> Future for HealthFuture<F, A>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<A>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match (this.answer.take(), this.call.as_pin_mut()) {
            (Some(answer), _) => Poll::Ready(Ok(answer)),
            (None, Some(call)) => call.poll(cx),
            // Polled again after its end, which futures need not bear; it stays silent.
            (None, None) => Poll::Pending,
        }
    }
}
