//! `Connection: close` while the process is ending, so that clients with a kept connection go elsewhere by themselves.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response, Version, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Phase, Stop};

/// Asks the clients of HTTP/1 to close their connections from the signal on. HTTP/2 has GOAWAY for it, which servers send
/// themselves when they drain.
#[derive(Debug, Clone)]
pub struct CloseLayer {
    stop: Stop,
}

impl CloseLayer {
    /// A layer that follows this.
    pub const fn new(stop: Stop) -> Self {
        Self { stop }
    }
}

impl<S> Layer<S> for CloseLayer {
    type Service = CloseService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CloseService { inner, stop: self.stop.clone() }
    }
}

/// A service that sends its clients elsewhere when it ends.
#[derive(Debug, Clone)]
pub struct CloseService<S> {
    inner: S,
    stop: Stop,
}

impl<S, B, A> Service<Request<B>> for CloseService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CloseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let stop = (request.version() < Version::HTTP_2).then(|| self.stop.clone());
        CloseFuture { call: self.inner.call(request), stop }
    }
}

pin_project! {
    /// A call whose answer may close its connection.
    #[derive(Debug)]
    pub struct CloseFuture<F> {
        #[pin]
        call: F,
        stop: Option<Stop>,
    }
}

impl<F, A, E> Future for CloseFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<A>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = ready!(this.call.poll(cx));
        // When it is answered counts, not when it began: a slow request is answered last.
        if let (Ok(answer), Some(stop)) = (&mut result, this.stop)
            && stop.phase() > Phase::Serving
        {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(result)
    }
}
