//! The limits as a tower layer around an HTTP service.

use std::{
    future::Future,
    hash::Hash,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{
    headers::Standing,
    limiter::{Caller, Limits},
};
use crate::{Admitted, Rejection};

/// Limits the calls of each client to each endpoint, and tells every caller where it stands.
#[derive(Debug)]
pub struct RateLimitLayer<C: Hash + Eq + Clone, F> {
    limits: Limits<C>,
    identify: F,
}

impl<C: Hash + Eq + Clone, F> RateLimitLayer<C, F> {
    /// `identify` says who calls what. Nothing means that the request is not limited: the probes of the platform.
    pub const fn new<B>(limits: Limits<C>, identify: F) -> Self
    where
        F: for<'a> Fn(&'a Request<B>) -> Option<Caller<'a, C>>,
    {
        Self { limits, identify }
    }
}

impl<C: Hash + Eq + Clone, F: Clone> Clone for RateLimitLayer<C, F> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), identify: self.identify.clone() }
    }
}

impl<S, C: Hash + Eq + Clone, F: Clone> Layer<S> for RateLimitLayer<C, F> {
    type Service = RateLimit<S, C, F>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit { inner, layer: self.clone() }
    }
}

/// A service behind a rate limit.
#[derive(Debug)]
pub struct RateLimit<S, C: Hash + Eq + Clone, F> {
    inner: S,
    layer: RateLimitLayer<C, F>,
}

impl<S: Clone, C: Hash + Eq + Clone, F: Clone> Clone for RateLimit<S, C, F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, C, F, B, A> Service<Request<B>> for RateLimit<S, C, F>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Error: From<Rejection>,
    C: Hash + Eq + Clone,
    F: for<'a> Fn(&'a Request<B>) -> Option<Caller<'a, C>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Limited<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let caller = (self.layer.identify)(&request);
        match caller.map(|caller| self.layer.limits.check(&caller)).transpose() {
            Ok(standing) => Limited { call: Admitted::running(self.inner.call(request)), standing },
            Err(rejection) => Limited { call: Admitted::refused(rejection), standing: None },
        }
    }
}

pin_project! {
    /// A call within its quota, or its refusal.
    #[derive(Debug)]
    pub struct Limited<F> {
        #[pin]
        call: Admitted<F>,
        standing: Option<Standing>,
    }
}

impl<F, A, E> Future for Limited<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    E: From<Rejection>,
{
    type Output = Result<Response<A>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = ready!(this.call.poll(cx));
        if let (Ok(answer), Some(standing)) = (&mut result, this.standing) {
            standing.write(answer.headers_mut());
        }
        Poll::Ready(result)
    }
}
