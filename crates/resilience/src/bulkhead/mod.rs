//! A bulkhead: so many calls at once, so many waiting, and none waits for long. One dependency that hangs then takes its
//! own slots and nobody else's.
//!
//! Waiting counts against the deadline. When the queue has not been empty for a while, those who come wait only for a
//! moment (the rule of `CoDel`): a queue that stands only makes everybody late.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use gonogo_resilience::{Error, Rejection, bulkhead::{Bulkhead, BulkheadLayer, Settings}};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! // One bulkhead for each dependency; clones and layers made from it share its slots.
//! let bulkhead = Bulkhead::new("inventory", Settings { slots: 1, ..Settings::default() });
//! let mut inventory = ServiceBuilder::new()
//!     .layer(BulkheadLayer::new(bulkhead))
//!     .map_err(Error::Inner)
//!     .service_fn(|_: ()| async { Ok::<_, Infallible>(tokio::time::sleep(Duration::from_secs(1)).await) });
//! let first = inventory.ready().await?.call(());
//! let second = inventory.ready().await?.call(());
//! assert_eq!(second.await, Err(Error::Rejected(Rejection::BulkheadFull { name: "inventory" })));
//! assert_eq!(first.await, Ok(()));
//! # Ok::<(), Error<Infallible>>(())
//! # }).unwrap();
//! ```

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tower::{Layer, Service};

use crate::{Guard, Guarded, Rejection, deadline::at_most};

/// The numbers of a bulkhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Calls at once. 25.
    pub slots: u32,
    /// Calls that may wait for a slot. 0.
    pub queue: u32,
    /// How long each may wait; the deadline bounds it further. 100 ms.
    pub wait: Duration,
    /// When the queue has not been empty for longer than this, it stands. 100 ms.
    pub stands_after: Duration,
    /// How long each may wait in a queue that stands. 5 ms.
    pub standing_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let tenth = Duration::from_millis(100);
        Self { slots: 25, queue: 0, wait: tenth, stands_after: tenth, standing_wait: Duration::from_millis(5) }
    }
}

/// A number of slots with a queue. Clones share them.
#[derive(Debug, Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    settings: Settings,
    slots: Arc<Semaphore>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: u32,
    /// Since when somebody has been waiting without a break.
    since: Option<Instant>,
}

impl Bulkhead {
    /// An empty one.
    pub fn new(name: &'static str, settings: Settings) -> Self {
        let slots = usize::try_from(settings.slots).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(slots));
        Self { shared: Arc::new(Shared { name, settings, slots, queue: Mutex::default() }) }
    }

    /// How many slots are free.
    pub fn free(&self) -> usize {
        self.shared.slots.available_permits()
    }

    /// How many calls wait.
    pub fn waiting(&self) -> u32 {
        self.queue().waiting
    }

    /// A slot, if one is free.
    pub fn try_acquire(&self) -> Option<Slot> {
        Arc::clone(&self.shared.slots).try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
    }

    /// A slot, waited for in the queue. Errors: [`Rejection::BulkheadFull`], [`Rejection::BulkheadWaited`].
    pub async fn acquire(&self) -> Result<Slot, Rejection> {
        if let Some(slot) = self.try_acquire() {
            return Ok(slot);
        }
        self.enter()?.wait().await
    }

    /// A place in the queue, if one is free.
    fn enter(&self) -> Result<Place, Rejection> {
        let Settings { queue: places, wait, stands_after, standing_wait, .. } = self.shared.settings;
        let now = Instant::now();
        let mut queue = self.queue();
        if queue.waiting >= places {
            return Err(Rejection::BulkheadFull { name: self.shared.name });
        }
        queue.waiting += 1;
        let stands = now.saturating_duration_since(*queue.since.get_or_insert(now)) > stands_after;
        drop(queue);
        let wait = if stands { wait.min(standing_wait) } else { wait };
        Ok(Place { bulkhead: self.clone(), wait: at_most(wait) })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a slot that is dropped at once protects nothing"]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl<R, E> Guard<R, E> for Slot {
    fn settle(self, _: &Result<R, E>) {}
}

/// A place in the queue, given back when it is dropped.
struct Place {
    bulkhead: Bulkhead,
    wait: Duration,
}

impl Place {
    async fn wait(self) -> Result<Slot, Rejection> {
        let Shared { name, slots, .. } = &*self.bulkhead.shared;
        match timeout(self.wait, Arc::clone(slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Slot { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Rejection::BulkheadWaited { name }),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.bulkhead.queue();
        queue.waiting = queue.waiting.saturating_sub(1);
        if queue.waiting == 0 {
            queue.since = None;
        }
    }
}

/// Puts a [`Bulkhead`] around a service.
#[derive(Debug, Clone)]
pub struct BulkheadLayer {
    bulkhead: Bulkhead,
}

impl BulkheadLayer {
    /// A layer whose services share these slots.
    pub const fn new(bulkhead: Bulkhead) -> Self {
        Self { bulkhead }
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = BulkheadService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadService { inner, bulkhead: self.bulkhead.clone() }
    }
}

/// A service behind a bulkhead.
#[derive(Debug, Clone)]
pub struct BulkheadService<S> {
    inner: S,
    bulkhead: Bulkhead,
}

impl<S, Request> Service<Request> for BulkheadService<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Error: From<Rejection>,
    S::Future: Send,
    Request: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BulkheadFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Some(slot) = self.bulkhead.try_acquire() {
            let call = Guarded::running(self.inner.call(request), slot);
            return BulkheadFuture { state: State::Direct { call } };
        }
        let state = match self.bulkhead.enter() {
            Err(rejection) => State::Direct { call: Guarded::refused(rejection) },
            Ok(place) => {
                // A clone of its own: the readiness of `self` may be taken by another call meanwhile. Only those who wait
                // pay for the box.
                let mut inner = self.inner.clone();
                let call = async move {
                    let _slot = place.wait().await?;
                    poll_fn(|cx| inner.poll_ready(cx)).await?;
                    inner.call(request).await
                };
                State::Queued { call: Box::pin(call) }
            }
        };
        BulkheadFuture { state }
    }
}

pin_project! {
    /// A call with a slot, on its way to one, or refused.
    pub struct BulkheadFuture<F, R, E> {
        #[pin]
        state: State<F, R, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, R, E> {
        Direct { #[pin] call: Guarded<F, Slot> },
        Queued { call: Pin<Box<dyn Future<Output = Result<R, E>> + Send>> },
    }
}

impl<F, R, E> Future for BulkheadFuture<F, R, E>
where
    F: Future<Output = Result<R, E>>,
    E: From<Rejection>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Direct { call } => call.poll(cx),
            Projected::Queued { call } => call.as_mut().poll(cx),
        }
    }
}

impl<F, R, E> fmt::Debug for BulkheadFuture<F, R, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BulkheadFuture").finish_non_exhaustive()
    }
}
