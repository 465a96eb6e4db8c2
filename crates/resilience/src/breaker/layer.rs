//! The breaker as a tower layer.

use std::task::{Context, Poll};

use tower::{Layer, Service};

use super::{Breaker, Permit};
use crate::{Guard, Guarded, Rejection, Verdict};

/// Puts a [`Breaker`] around a service.
///
/// `classify: Fn(Result<&Response, &Error>) -> Verdict`; [`crate::verdict`] has the usual ones.
#[derive(Debug, Clone)]
pub struct BreakerLayer<C> {
    breaker: Breaker,
    classify: C,
}

impl<C> BreakerLayer<C> {
    /// A layer whose services share this breaker.
    pub const fn new(breaker: Breaker, classify: C) -> Self {
        Self { breaker, classify }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService { inner, breaker: self.breaker.clone(), classify: self.classify.clone() }
    }
}

/// A service behind a breaker.
#[derive(Debug, Clone)]
pub struct BreakerService<S, C> {
    inner: S,
    breaker: Breaker,
    classify: C,
}

impl<S, C, Request> Service<Request> for BreakerService<S, C>
where
    S: Service<Request>,
    S::Error: From<Rejection>,
    C: Fn(Result<&S::Response, &S::Error>) -> Verdict + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Guarded<S::Future, Observed<C>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.breaker.acquire() {
            Ok(permit) => {
                let guard = Observed { permit, classify: self.classify.clone() };
                Guarded::running(self.inner.call(request), guard)
            }
            Err(rejection) => Guarded::refused(rejection),
        }
    }
}

/// A permit, with what turns the result of its call into a verdict.
#[derive(Debug)]
pub struct Observed<C> {
    permit: Permit,
    classify: C,
}

impl<R, E, C> Guard<R, E> for Observed<C>
where
    C: Fn(Result<&R, &E>) -> Verdict,
{
    fn settle(self, result: &Result<R, E>) {
        let verdict = (self.classify)(result.as_ref());
        self.permit.settle(verdict);
    }
}
