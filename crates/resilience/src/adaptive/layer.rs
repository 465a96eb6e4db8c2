//! The adaptive limit as a tower layer.

use std::task::{Context, Poll};

use tower::{Layer, Service};

use super::{AdaptiveLimit, Place};
use crate::{Guard, Guarded, Rejection, Verdict};

/// Puts an [`AdaptiveLimit`] around a service.
///
/// `classify: Fn(Result<&Response, &Error>) -> Verdict`; [`crate::verdict::overload`] is the usual one.
#[derive(Debug, Clone)]
pub struct AdaptiveLayer<C> {
    limit: AdaptiveLimit,
    classify: C,
}

impl<C> AdaptiveLayer<C> {
    /// A layer whose services share this limit.
    pub const fn new(limit: AdaptiveLimit, classify: C) -> Self {
        Self { limit, classify }
    }
}

impl<S, C: Clone> Layer<S> for AdaptiveLayer<C> {
    type Service = AdaptiveService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        AdaptiveService { inner, limit: self.limit.clone(), classify: self.classify.clone() }
    }
}

/// A service behind an adaptive limit.
#[derive(Debug, Clone)]
pub struct AdaptiveService<S, C> {
    inner: S,
    limit: AdaptiveLimit,
    classify: C,
}

impl<S, C, Request> Service<Request> for AdaptiveService<S, C>
where
    S: Service<Request>,
    S::Error: From<Rejection>,
    C: Fn(Result<&S::Response, &S::Error>) -> Verdict + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Guarded<S::Future, Measured<C>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.limit.acquire() {
            Ok(place) => {
                let guard = Measured { place, classify: self.classify.clone() };
                Guarded::running(self.inner.call(request), guard)
            }
            Err(rejection) => Guarded::refused(rejection),
        }
    }
}

/// A place, with what turns the result of its call into a verdict.
#[derive(Debug)]
pub struct Measured<C> {
    place: Place,
    classify: C,
}

impl<R, E, C> Guard<R, E> for Measured<C>
where
    C: Fn(Result<&R, &E>) -> Verdict,
{
    fn settle(self, result: &Result<R, E>) {
        let verdict = (self.classify)(result.as_ref());
        self.place.settle(verdict);
    }
}
