//! A circuit breaker: stops calling what does not work, and tries carefully whether it works again.
//!
//! | state | calls | leaves it |
//! |---|---|---|
//! | closed | pass, counted in a window that slides | a rate reaches its threshold over enough calls |
//! | open | are refused at once | after [`Settings::open_for`] |
//! | half-open | [`Settings::trial_calls`] pass | when the trial is decided, at [`Settings::trial_limit`] at the latest |
//! | forced | as forced | when told to |
//!
//! A call holds a [`Permit`] while it runs. A permit that is dropped without a result (the caller went away, the call
//! panicked) gives a trial call back, so that no trial can get stuck. A result that arrives after the breaker has moved
//! on counts for nothing: it tells of a state that is over.
//!
//! Where a call that hangs is cut off by a timeout *outside* the breaker, the breaker sees a caller that went away, and
//! counts nothing. Put the timeout inside: [`crate`] shows the order.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use gonogo_resilience::{
//!     Error, Rejection,
//!     breaker::{Breaker, BreakerLayer, Settings, State, Window},
//!     verdict,
//! };
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // One breaker for each dependency; clones and layers made from it share it.
//! let settings = Settings { window: Window::Count(4), minimum_calls: 2, ..Settings::default() };
//! let breaker = Breaker::new("payments", settings);
//! let mut payments = ServiceBuilder::new()
//!     .layer(BreakerLayer::new(breaker.clone(), verdict::errors))
//!     .map_err(Error::Inner)
//!     .service_fn(|_: ()| async { Err::<(), _>("connection refused") });
//!
//! for _ in 0..2 {
//!     assert_eq!(payments.ready().await?.call(()).await, Err(Error::Inner("connection refused")));
//! }
//! assert_eq!(breaker.state(), State::Open);
//! let refused = payments.ready().await?.call(()).await;
//! assert!(matches!(refused, Err(Error::Rejected(Rejection::BreakerOpen { name: "payments", .. }))));
//! # Ok::<(), Error<&str>>(())
//! # }).unwrap();
//! ```
//!
//! A failure that has a remedy of its own (no credit, a withdrawn key) deserves a breaker of its own around the same
//! client, with a classifier that says [`Verdict::Trip`] to it and [`Verdict::Ignore`] to the rest.

mod layer;
mod machine;
mod ring;
mod settings;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use machine::{Machine, Ticket};
use tokio::time::Instant;

pub use self::{
    layer::{BreakerLayer, BreakerService, Observed},
    machine::{Forced, State, Transition},
    ring::Counts,
    settings::{Percent, Settings, Window},
};
use crate::{Rejection, Verdict};

/// What a breaker tells its listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It moved to another state.
    Moved(Transition),
    /// It refused a call.
    Refused,
    /// A call has ended.
    Ended {
        /// What its result said.
        verdict: Verdict,
        /// How long it took.
        duration: Duration,
        /// Whether that is slow.
        slow: bool,
        /// Whether it was counted: not if it was ignored, or begun before the last move.
        counted: bool,
    },
}

type Listener = Box<dyn Fn(Event) + Send + Sync>;

/// A circuit breaker. Clones are the same breaker.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    machine: Mutex<Machine>,
    listener: Option<Listener>,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(name: &'static str, settings: Settings) -> Self {
        Self::build(name, settings, None)
    }

    /// A closed breaker that tells `listener` what happens, on the thread where it happens and outside of the lock.
    pub fn listened(name: &'static str, settings: Settings, listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self::build(name, settings, Some(Box::new(listener)))
    }

    fn build(name: &'static str, settings: Settings, listener: Option<Listener>) -> Self {
        let machine = Mutex::new(Machine::new(settings, Instant::now()));
        Self { shared: Arc::new(Shared { name, machine, listener }) }
    }

    /// The name that it was given.
    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// Where it stands now.
    pub fn state(&self) -> State {
        let now = Instant::now();
        let (transition, state) = {
            let mut machine = self.machine();
            (machine.tick(now), machine.state())
        };
        self.tell_move(transition);
        state
    }

    /// What its next decision rests on.
    pub fn counts(&self) -> Counts {
        self.machine().counts(Instant::now())
    }

    /// Puts it into a state that only another call of this leaves, or back to [`Forced::Closed`].
    pub fn force(&self, forced: Forced) {
        let transition = self.machine().force(forced);
        self.tell(Event::Moved(transition));
    }

    /// The right to make one call. Errors: [`Rejection::BreakerOpen`].
    pub fn acquire(&self) -> Result<Permit, Rejection> {
        let (transition, admitted) = self.machine().admit(Instant::now());
        self.tell_move(transition);
        match admitted {
            Ok(ticket) => Ok(Permit { breaker: self.clone(), ticket: Some(ticket) }),
            Err(retry_after) => {
                self.tell(Event::Refused);
                Err(Rejection::BreakerOpen { name: self.shared.name, retry_after })
            }
        }
    }

    /// Nothing in the machine can panic half-way, so that a poisoned lock still guards a whole one.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.shared.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        if let Some(listener) = &self.shared.listener {
            listener(event);
        }
    }

    fn tell_move(&self, transition: Option<Transition>) {
        if let Some(transition) = transition {
            self.tell(Event::Moved(transition));
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Breaker").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// The right to make one call, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once protects nothing"]
pub struct Permit {
    breaker: Breaker,
    ticket: Option<Ticket>,
}

impl Permit {
    /// Counts how the call ended.
    pub fn settle(mut self, verdict: Verdict) {
        let Some(ticket) = self.ticket.take() else { return };
        let settled = self.breaker.machine().settle(ticket, verdict, Instant::now());
        let machine::Settled { transition, counted, duration, slow } = settled;
        self.breaker.tell(Event::Ended { verdict, duration, slow, counted });
        self.breaker.tell_move(transition);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.machine().release(ticket);
        }
    }
}
