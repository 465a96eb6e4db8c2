//! The futures of the blocks: a call that was let through or refused, and one under a guard.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::Rejection;

pin_project! {
    /// A call that a block let through, or its refusal.
    #[derive(Debug)]
    pub struct Admitted<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum State<F> {
        Refused { rejection: Rejection },
        Running { #[pin] call: F },
    }
}

impl<F> Admitted<F> {
    pub(crate) const fn refused(rejection: Rejection) -> Self {
        Self { state: State::Refused { rejection } }
    }

    pub(crate) const fn running(call: F) -> Self {
        Self { state: State::Running { call } }
    }
}

impl<F, R, E> Future for Admitted<F>
where
    F: Future<Output = Result<R, E>>,
    E: From<Rejection>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Refused { rejection } => Poll::Ready(Err((*rejection).into())),
            Projected::Running { call } => call.poll(cx),
        }
    }
}

/// What is held while a call runs and learns its result. A guard that is dropped instead (the caller went away, or the call
/// panicked) gives back what it holds and counts nothing.
pub trait Guard<R, E> {
    /// The call has ended with this result.
    fn settle(self, result: &Result<R, E>);
}

pin_project! {
    /// A call under a guard `G`, or its refusal.
    #[derive(Debug)]
    pub struct Guarded<F, G> {
        #[pin]
        call: Admitted<F>,
        guard: Option<G>,
    }
}

impl<F, G> Guarded<F, G> {
    pub(crate) const fn refused(rejection: Rejection) -> Self {
        Self { call: Admitted::refused(rejection), guard: None }
    }

    pub(crate) const fn running(call: F, guard: G) -> Self {
        Self { call: Admitted::running(call), guard: Some(guard) }
    }
}

impl<F, G, R, E> Future for Guarded<F, G>
where
    F: Future<Output = Result<R, E>>,
    G: Guard<R, E>,
    E: From<Rejection>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(cx));
        if let Some(guard) = this.guard.take() {
            guard.settle(&result);
        }
        Poll::Ready(result)
    }
}
