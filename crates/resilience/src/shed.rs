//! Load shedding: when more is under way than may be, the least important goes first, and health answers always.
//!
//! ```
//! use std::{convert::Infallible, future::pending};
//!
//! use gonogo_resilience::{Error, Rejection, shed::{Priority, Shedder, ShedLayer}};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let mut server = ServiceBuilder::new()
//!     .layer(ShedLayer::new(Shedder::new("api", 2), |path: &&str| match *path {
//!         "/healthz" => Priority::Exempt,
//!         "/export" => Priority::Low,
//!         _ => Priority::Normal,
//!     }))
//!     .map_err(|never: Infallible| -> Error<Infallible> { match never {} })
//!     .service_fn(|path| async move { if path == "/slow" { pending().await } else { Ok(path) } });
//! let _slow = server.ready().await?.call("/slow");
//! assert_eq!(server.ready().await?.call("/export").await, Err(Rejection::Shed { name: "api" }.into()));
//! assert_eq!(server.ready().await?.call("/healthz").await, Ok("/healthz"));
//! # Ok::<(), Error<Infallible>>(())
//! # }).unwrap();
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use tower::{Layer, Service};

use crate::{Guard, Guarded, Rejection};

/// How much a request matters when not all can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Work that can be done later: batches, prefetching. Has half of the limit.
    Low,
    /// What users wait for. Has nine tenths of the limit.
    Normal,
    /// What must not fail while anything works. Has the whole limit.
    High,
    /// Never shed and never counted: health endpoints. An overloaded service that looks dead is restarted, and what was
    /// too much for three replicas meets two.
    Exempt,
}

impl Priority {
    /// Up to how many calls under way this priority gets in; at least one, or a small limit would shut it out for good.
    fn share(self, limit: u32) -> u32 {
        let percent = match self {
            Self::Low => 50,
            Self::Normal => 90,
            Self::High => 100,
            Self::Exempt => return u32::MAX,
        };
        let share = u64::from(limit) * percent / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }
}

/// Counts what is under way. Clones share the count.
#[derive(Debug, Clone)]
pub struct Shedder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    limit: u32,
    under_way: AtomicU32,
}

impl Shedder {
    /// Sheds from `limit` calls under way, from fewer for those that matter less.
    pub fn new(name: &'static str, limit: u32) -> Self {
        Self { shared: Arc::new(Shared { name, limit, under_way: AtomicU32::new(0) }) }
    }

    /// How many calls are under way, without the exempt ones.
    pub fn under_way(&self) -> u32 {
        self.shared.under_way.load(Ordering::Relaxed)
    }

    /// A place for one call. Errors: [`Rejection::Shed`].
    pub fn admit(&self, priority: Priority) -> Result<Admission, Rejection> {
        let Shared { name, limit, under_way } = &*self.shared;
        if priority == Priority::Exempt {
            return Ok(Admission { counted: None });
        }
        let most = priority.share(*limit);
        under_way
            .try_update(Ordering::AcqRel, Ordering::Relaxed, |count| (count < most).then_some(count + 1))
            .map(|_| Admission { counted: Some(Arc::clone(&self.shared)) })
            .map_err(|_| Rejection::Shed { name })
    }
}

/// A place for one call, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a place that is dropped at once counts nothing"]
pub struct Admission {
    counted: Option<Arc<Shared>>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(shared) = &self.counted {
            shared.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<R, E> Guard<R, E> for Admission {
    fn settle(self, _: &Result<R, E>) {}
}

/// Puts a [`Shedder`] around a service.
#[derive(Debug, Clone)]
pub struct ShedLayer<P> {
    shedder: Shedder,
    priority: P,
}

impl<P> ShedLayer<P> {
    /// `priority` says how much a request matters.
    pub const fn new<Request>(shedder: Shedder, priority: P) -> Self
    where
        P: Fn(&Request) -> Priority,
    {
        Self { shedder, priority }
    }
}

impl<S, P: Clone> Layer<S> for ShedLayer<P> {
    type Service = Shed<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Shed { inner, shedder: self.shedder.clone(), priority: self.priority.clone() }
    }
}

/// A service that sheds load.
#[derive(Debug, Clone)]
pub struct Shed<S, P> {
    inner: S,
    shedder: Shedder,
    priority: P,
}

impl<S, P, Request> Service<Request> for Shed<S, P>
where
    S: Service<Request>,
    S::Error: From<Rejection>,
    P: Fn(&Request) -> Priority,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Guarded<S::Future, Admission>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.shedder.admit((self.priority)(&request)) {
            Ok(place) => Guarded::running(self.inner.call(request), place),
            Err(rejection) => Guarded::refused(rejection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_first() {
        let shedder = Shedder::new("api", 10);
        let mut held = Vec::new();
        let mut fill = |priority| {
            while let Ok(place) = shedder.admit(priority) {
                held.push(place);
            }
            shedder.under_way()
        };
        assert_eq!(fill(Priority::Low), 5);
        assert_eq!(fill(Priority::Normal), 9);
        assert_eq!(fill(Priority::High), 10);
        assert!(shedder.admit(Priority::Exempt).is_ok());
        drop(held);
        assert_eq!(shedder.under_way(), 0);
    }

    #[test]
    fn a_limit_of_one_lets_everybody_in_once() {
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            assert!(Shedder::new("api", 1).admit(priority).is_ok());
        }
    }
}
