//! Health, liveness, readiness and startup, told apart the way a platform acts on them.
//!
//! | probe | fails when | and then |
//! |---|---|---|
//! | startup | [`Health::started`] was not called yet | the others wait |
//! | liveness | a [`Heartbeat`] is silent for too long | the replica is restarted; so it never looks at dependencies |
//! | readiness | starting, stopping, or a dependency of this replica's own is down | the replica gets no new requests |
//!
//! A probe is answered from what was reported last, at once: a dependency that hangs cannot make its probe hang (the
//! platform gives it 1 s). What was reported too long ago counts as down, so that a watcher that died is no good news.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use gonogo_resilience::health::{Health, HealthLayer, Impact, Watch};
//! use http::{Request, Response};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! let health = Health::new();
//! let database = health.dependency("database", Impact::Shared, Duration::from_secs(30));
//! tokio::spawn(database.watch(Watch::default(), || async { Err::<(), _>("no route to host") }));
//! let mut server = ServiceBuilder::new()
//!     .layer(HealthLayer::new(health.clone()))
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(String::from("hello"))) });
//! let mut probe = async || {
//!     let request = Request::get("/readyz").body(()).unwrap();
//!     let (parts, body) = server.ready().await.unwrap().call(request).await.unwrap().into_parts();
//!     (parts.status.as_u16(), body)
//! };
//! assert_eq!(probe().await.0, 503); // still starting
//! health.started();
//! tokio::time::sleep(Duration::from_secs(1)).await;
//! let (status, body) = probe().await;
//! assert_eq!(status, 200); // degraded, but this replica is no worse than any other
//! assert!(body.contains(r#""database":[{"status":"warn"}]"#));
//! # });
//! ```

mod layer;
mod report;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use report::{Dependency, Facts, Heart};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub use self::{
    layer::{HealthFuture, HealthLayer, HealthService},
    report::{Impact, Report, Status},
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Is it up yet?
    Startup,
    /// Must it be restarted?
    Liveness,
    /// May it get requests?
    Readiness,
}

/// The health of a process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    facts: Arc<Mutex<Facts>>,
}

impl Health {
    /// Starting, with nothing to watch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Migrations, warm-up and first connections are done.
    pub fn started(&self) {
        self.facts().started = true;
    }

    /// The process is going to end. [`crate::shutdown`] calls it.
    pub fn stopping(&self) {
        self.facts().stopping = true;
    }

    /// Adds a dependency, down until it is reported up. A report older than `fresh_for` counts as down.
    pub fn dependency(&self, name: &'static str, impact: Impact, fresh_for: Duration) -> Reporter {
        let mut facts = self.facts();
        facts.dependencies.push(Dependency { name, impact, fresh_for, last: None });
        Reporter { health: self.clone(), index: facts.dependencies.len() - 1 }
    }

    /// Adds a loop that promises to beat more often than every `silent_for`, from now on.
    pub fn heartbeat(&self, name: &'static str, silent_for: Duration) -> Heartbeat {
        let mut facts = self.facts();
        facts.hearts.push(Heart { name, silent_for, last: Instant::now() });
        Heartbeat { health: self.clone(), index: facts.hearts.len() - 1 }
    }

    /// What the probe is told now.
    pub fn report(&self, probe: Probe) -> Report {
        let (facts, now) = (self.facts(), Instant::now());
        match probe {
            Probe::Startup => facts.startup(),
            Probe::Liveness => facts.liveness(now),
            Probe::Readiness => facts.readiness(now),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether one dependency is up.
#[derive(Debug)]
pub struct Reporter {
    health: Health,
    index: usize,
}

/// How a dependency is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// How often. 10 s, as the platform's probes.
    pub every: Duration,
    /// How long it may take; longer is down. 1 s, as the platform's probes.
    pub within: Duration,
    /// Down only after so many failures in a row: one lost packet is no outage. 3.
    pub failures: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), within: Duration::from_secs(1), failures: 3 }
    }
}

impl Reporter {
    /// The dependency was seen up, or down, just now.
    pub fn report(&self, up: bool) {
        if let Some(dependency) = self.health.facts().dependencies.get_mut(self.index) {
            dependency.last = Some((Instant::now(), up));
        }
    }

    /// Asks for ever, at once and then regularly. Until it was up for the first time, one failure is enough.
    pub async fn watch<F, R, E>(self, watch: Watch, mut check: impl FnMut() -> F + Send)
    where
        F: Future<Output = Result<R, E>> + Send,
        R: Send,
        E: Send,
    {
        let mut ticks = interval(watch.every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = watch.failures;
        loop {
            ticks.tick().await;
            if matches!(timeout(watch.within, check()).await, Ok(Ok(_))) {
                failures = 0;
            } else {
                failures = failures.saturating_add(1);
            }
            self.report(failures == 0 || failures < watch.failures);
        }
    }
}

/// Says that a loop still turns: beat it where the work is done, not in a task of its own.
#[derive(Debug)]
pub struct Heartbeat {
    health: Health,
    index: usize,
}

impl Heartbeat {
    /// It still turns.
    pub fn beat(&self) {
        if let Some(heart) = self.health.facts().hearts.get_mut(self.index) {
            heart.last = Instant::now();
        }
    }
}
