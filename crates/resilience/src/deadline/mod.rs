//! Until when an answer is of use: bounded per call, inherited by every call inside, handed on by a header.
//!
//! The deadline travels in a task-local, so that no request type and no handler has to carry it: a layer that bounds time
//! sets it for everything inside, and retry, bulkhead and timeouts inside keep to it by themselves. A task that is
//! spawned starts without one; [`Deadline::scope`] gives it the one of its parent. When the time is over, the future of
//! the work is dropped, which cancels it.
//!
//! ```
//! use std::time::Duration;
//!
//! use gonogo_resilience::{
//!     Error, Rejection,
//!     deadline::{Deadline, TimeoutLayer},
//! };
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! let second = Duration::from_secs(1);
//! let mut slow = ServiceBuilder::new()
//!     .layer(TimeoutLayer::new(second))
//!     .map_err(Error::Inner)
//!     .service_fn(|_: ()| async {
//!         assert!(Deadline::current().is_some(), "what is inside knows until when");
//!         tokio::time::sleep(Duration::from_secs(5)).await;
//!         Ok::<_, std::convert::Infallible>(())
//!     });
//! let answer = slow.ready().await.unwrap().call(()).await;
//! assert_eq!(answer, Err(Error::Rejected(Rejection::TimedOut { after: second })));
//! # });
//! ```

mod header;
mod timeout;

#[cfg(test)]
mod tests;

use std::{future::Future, time::Duration};

use tokio::{task::futures::TaskLocalFuture, time::Instant};

pub use self::{
    header::{FromHeader, FromHeaderLayer, ToHeader, ToHeaderLayer, Wire},
    timeout::{Bounded, Timeout, TimeoutLayer},
};
use crate::moment::later;

tokio::task_local! {
    static CURRENT: Deadline;
}

/// The moment after which an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline at this moment.
    pub const fn at(moment: Instant) -> Self {
        Self(moment)
    }

    /// The deadline this long from now.
    pub fn after(duration: Duration) -> Self {
        Self(later(Instant::now(), duration))
    }

    /// The deadline of the work that this is called from.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|deadline| *deadline).ok()
    }

    /// When it is.
    pub const fn moment(self) -> Instant {
        self.0
    }

    /// How long it is until then; zero when it is over.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Runs `work` under this deadline: what is inside can ask for it. Cuts nothing off; [`TimeoutLayer`] does.
    pub fn scope<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }

    fn within<R>(self, begin: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self, begin)
    }
}

/// `bound`, or what is left of the current deadline if that is less.
pub(crate) fn at_most(bound: Duration) -> Duration {
    Deadline::current().map_or(bound, |deadline| deadline.remaining().min(bound))
}
