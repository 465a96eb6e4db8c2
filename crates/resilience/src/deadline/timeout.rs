//! A bound on the time of a call, never later than the deadline it runs under.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::futures::TaskLocalFuture,
    time::{Instant, Sleep, sleep_until},
};
use tower::{Layer, Service};

use super::Deadline;
use crate::{Admitted, Rejection, moment::later};

/// Bounds the time of each call.
#[derive(Debug, Clone, Copy)]
pub struct TimeoutLayer {
    after: Duration,
}

impl TimeoutLayer {
    /// Cuts a call off after this long.
    pub const fn new(after: Duration) -> Self {
        Self { after }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Timeout { inner, after: self.after }
    }
}

/// A service whose calls are bounded.
#[derive(Debug, Clone)]
pub struct Timeout<S> {
    inner: S,
    after: Duration,
}

impl<S, Request> Service<Request> for Timeout<S>
where
    S: Service<Request>,
    S::Error: From<Rejection>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Bounded<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Bounded::begin(self.after, || self.inner.call(request))
    }
}

pin_project! {
    /// A call with an end.
    #[derive(Debug)]
    pub struct Bounded<F> {
        #[pin]
        call: Admitted<TaskLocalFuture<Deadline, F>>,
        #[pin]
        end: Option<Sleep>,
        rejection: Rejection,
    }
}

impl<F: Future> Bounded<F> {
    /// Begins a call that may take `after`, or until the current deadline if that is earlier. Its work begins under the
    /// new deadline too, since services may do some in `call` itself.
    pub(super) fn begin(after: Duration, call: impl FnOnce() -> F) -> Self {
        let now = Instant::now();
        let own = Deadline::at(later(now, after));
        let (deadline, rejection) = match Deadline::current() {
            Some(inherited) if inherited < own => (inherited, Rejection::DeadlineExceeded),
            _ => (own, Rejection::TimedOut { after }),
        };
        if deadline.moment() <= now {
            let rejection = Rejection::DeadlineExceeded;
            return Self { call: Admitted::refused(rejection), end: None, rejection };
        }
        let call = Admitted::running(deadline.scope(deadline.within(call)));
        Self { call, end: Some(sleep_until(deadline.moment())), rejection }
    }
}

impl<F, R, E> Future for Bounded<F>
where
    F: Future<Output = Result<R, E>>,
    E: From<Rejection>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The call first: an answer that is there is never thrown away.
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(result);
        }
        match this.end.as_pin_mut() {
            Some(end) => end.poll(cx).map(|()| Err((*this.rejection).into())),
            None => Poll::Pending,
        }
    }
}
