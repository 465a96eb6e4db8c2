//! What it says of itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{backend::Backend, faults::Faults};

/// How long it needs before it can answer.
const WARM_UP: Duration = Duration::from_millis(400);

pub(crate) struct Health {
    backend: AtomicBool,
    /// The backend was there once: what comes later is no matter of the start.
    met: AtomicBool,
    began: Instant,
    faults: Faults,
}

impl Health {
    /// Asks the backend again and again, so that nobody waits for it who asks how we are.
    pub(crate) fn watch(backend: Arc<Backend>, faults: &Faults) -> Arc<Self> {
        let health = Arc::new(Self {
            backend: AtomicBool::new(true),
            met: AtomicBool::new(faults.has("start-ready-without")),
            began: Instant::now(),
            faults: faults.clone(),
        });
        let watched = Arc::clone(&health);
        let every = Duration::from_secs(if faults.has("health-cached") { 60 } else { 1 });
        tokio::spawn(async move {
            loop {
                let well = backend.answers().await;
                watched.backend.store(well, Ordering::Relaxed);
                watched.met.fetch_or(well, Ordering::Relaxed);
                sleep(every).await;
            }
        });
        health
    }

    pub(crate) fn tell(&self) -> Value {
        let well = self.backend.load(Ordering::Relaxed);
        let word = if well { "ok" } else { "degraded" };
        match () {
            () if self.faults.has("health-constant") => json!({ "status": "ok", "dependencies": { "backend": "ok" } }),
            () if self.faults.has("health-vague") => json!({ "status": word }),
            () => {
                json!({ "status": word, "dependencies": { "backend": { "status": if well { "up" } else { "down" } } } })
            }
        }
    }

    pub(crate) async fn live(&self, backend: &Backend) -> bool {
        !self.faults.has("liveness-asks-backend") || backend.answers().await
    }

    /// Whether it says that it is ready.
    pub(crate) fn has_begun(&self) -> bool {
        !self.faults.has("never-ready")
            && (self.faults.has("ready-too-early") || self.has_warmed_up() && self.met.load(Ordering::Relaxed))
    }

    pub(crate) fn has_warmed_up(&self) -> bool {
        self.began.elapsed() > WARM_UP
    }
}
