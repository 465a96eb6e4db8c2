//! A limit of concurrent calls that finds itself, instead of a number that somebody guessed last year.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use gonogo_resilience::{
//!     Error,
//!     adaptive::{AdaptiveLayer, AdaptiveLimit, Strategy},
//!     verdict,
//! };
//! use http::Response;
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! let limit = AdaptiveLimit::new("api", Strategy::default());
//! let mut server = ServiceBuilder::new()
//!     .layer(AdaptiveLayer::new(limit.clone(), verdict::overload))
//!     .map_err(|never: Infallible| -> Error<Infallible> { match never {} })
//!     .service_fn(|_: ()| async {
//!         tokio::time::sleep(Duration::from_millis(10)).await;
//!         Ok(Response::new(()))
//!     });
//! assert_eq!(limit.limit(), 3, "at first it measures, with few calls at once, how quick a call can be");
//! for _ in 0..200 {
//!     server.ready().await?.call(()).await?;
//! }
//! assert!(limit.limit() > 3, "then it grows while calls stay quick");
//! # Ok::<(), Error<Infallible>>(())
//! # }).unwrap();
//! ```

mod aimd;
mod gradient;
mod layer;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aimd::Aimd;
use gradient::Gradient;
use tokio::time::Instant;

pub use self::{
    aimd::AimdSettings,
    gradient::GradientSettings,
    layer::{AdaptiveLayer, AdaptiveService, Measured},
};
use crate::{Rejection, Verdict};

/// How the limit is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strategy {
    /// By the failures that too many calls bring about. For calls *to* something that refuses what is too much.
    Aimd(AimdSettings),
    /// By how slow calls become. For a server's own calls, whose queue is what makes them slow.
    Gradient(GradientSettings),
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Gradient(GradientSettings::default())
    }
}

/// What one call says about the limit.
#[derive(Debug, Clone, Copy)]
struct Sample {
    begun: Instant,
    took: Duration,
    /// How many calls were under way when this one began, itself included.
    under_way: u32,
    dropped: bool,
}

enum Algorithm {
    Aimd(Aimd),
    Gradient(Box<Gradient>),
}

impl Algorithm {
    fn new(strategy: Strategy, random: fn() -> f64, now: Instant) -> Self {
        match strategy {
            Strategy::Aimd(settings) => Self::Aimd(Aimd::new(settings)),
            Strategy::Gradient(settings) => Gradient::new(settings, random, now)
                .map_or_else(|| Self::Aimd(Aimd::new(AimdSettings::default())), |it| Self::Gradient(Box::new(it))),
        }
    }

    fn limit(&self) -> u32 {
        match self {
            Self::Aimd(aimd) => aimd.limit(),
            Self::Gradient(gradient) => gradient.limit(),
        }
    }

    fn add(&mut self, sample: &Sample, now: Instant) {
        match self {
            Self::Aimd(aimd) => aimd.add(sample),
            Self::Gradient(gradient) => gradient.add(sample, now),
        }
    }
}

/// A limit of concurrent calls. Clones are the same limit.
#[derive(Clone)]
pub struct AdaptiveLimit {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    under_way: AtomicU32,
    /// What the algorithm says, where admission can read it without its lock.
    limit: AtomicU32,
    algorithm: Mutex<Algorithm>,
}

impl AdaptiveLimit {
    /// A limit with nothing under way.
    pub fn new(name: &'static str, strategy: Strategy) -> Self {
        Self::with_random(name, strategy, fastrand::f64)
    }

    /// As [`Self::new`], with another source of random numbers from 0 to 1.
    pub fn with_random(name: &'static str, strategy: Strategy, random: fn() -> f64) -> Self {
        let algorithm = Algorithm::new(strategy, random, Instant::now());
        let limit = AtomicU32::new(algorithm.limit());
        let algorithm = Mutex::new(algorithm);
        Self { shared: Arc::new(Shared { name, under_way: AtomicU32::new(0), limit, algorithm }) }
    }

    /// How many calls may be under way now.
    pub fn limit(&self) -> u32 {
        self.shared.limit.load(Ordering::Relaxed)
    }

    /// How many are.
    pub fn under_way(&self) -> u32 {
        self.shared.under_way.load(Ordering::Relaxed)
    }

    /// A place for one call. Errors: [`Rejection::ConcurrencyLimited`].
    pub fn acquire(&self) -> Result<Place, Rejection> {
        let Shared { name, under_way, limit, .. } = &*self.shared;
        let most = limit.load(Ordering::Relaxed);
        under_way
            .try_update(Ordering::AcqRel, Ordering::Relaxed, |count| (count < most).then_some(count + 1))
            .map(|before| Place { limit: self.clone(), begun: Instant::now(), under_way: before + 1 })
            .map_err(|_| Rejection::ConcurrencyLimited { name })
    }

    fn add(&self, sample: &Sample, now: Instant) {
        let mut algorithm = self.shared.algorithm.lock().unwrap_or_else(PoisonError::into_inner);
        algorithm.add(sample, now);
        self.shared.limit.store(algorithm.limit(), Ordering::Relaxed);
    }
}

impl fmt::Debug for AdaptiveLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AdaptiveLimit").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// A place for one call, given back when it is dropped. A call that its caller gave up says nothing about the limit.
#[derive(Debug)]
#[must_use = "a place that is dropped at once limits nothing"]
pub struct Place {
    limit: AdaptiveLimit,
    begun: Instant,
    under_way: u32,
}

impl Place {
    /// The call has ended: a success is a measurement, a failure one that was dropped for being too much.
    pub fn settle(self, verdict: Verdict) {
        if verdict == Verdict::Ignore {
            return;
        }
        let now = Instant::now();
        let took = now.saturating_duration_since(self.begun);
        let dropped = verdict != Verdict::Success;
        self.limit.add(&Sample { begun: self.begun, took, under_way: self.under_way, dropped }, now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.limit.shared.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
