//! Moves leads on: sends what is due, asks for what is finished or was forgotten, and cleans up.

use std::{sync::Arc, time::Duration};

use gonogo_resilience::{
    health::{Health, Heartbeat},
    retry::Backoff,
    shutdown::{Phase, Stop},
};
use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    clay::{Clay, Progress, answer::Failure},
    config::Config,
    context,
    metrics::Metrics,
    pace::Pace,
    runtime::Runtime,
    store::{Error, Lead, Store},
};

const MOST_ATTEMPTS: i64 = 8;

/// A lead that was in hand for so long belongs to a replica that died.
const LEASE: Duration = Duration::from_mins(5);

/// How long a run may take before somebody should look at it.
const MOST_LOOKS: i64 = 500;

/// A loop looks for work at least this often: another replica may have left some.
const IDLE: Duration = Duration::from_millis(500);

/// Waits between the attempts of one lead, drawn at random below a bound that doubles.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(1) };

/// What the loops share.
#[derive(Clone)]
pub struct Worker {
    pub config: Arc<Config>,
    pub store: Store,
    pub clay: Clay,
    pub pace: Pace,
    pub metrics: Arc<Metrics>,
    pub runtime: watch::Receiver<Runtime>,
    /// Rung when there may be work.
    pub bell: Arc<Notify>,
    pub stop: Stop,
}

impl Worker {
    /// Runs until the signal, and then until the calls that are under way have ended.
    pub async fn run(self, health: &Health) {
        let mut loops = JoinSet::new();
        for _ in 0..self.config.clay.concurrency {
            loops.spawn(self.clone().turn(health.heartbeat("send", self.patience()), Work::Send));
        }
        loops.spawn(self.clone().turn(health.heartbeat("look", self.patience()), Work::Look));
        loops.spawn(self.clone().turn(health.heartbeat("clean", self.patience()), Work::Clean));
        loops.join_all().await;
    }

    /// Longer than any round takes: three attempts at Clay, and waits that Clay asks for.
    fn patience(&self) -> Duration {
        4 * self.config.clay.timeout + Duration::from_mins(1)
    }

    async fn turn(self, heart: Heartbeat, work: Work) {
        while self.stop.phase() == Phase::Serving {
            heart.beat();
            let worked = match work {
                Work::Send => self.send().await,
                Work::Look => self.look().await,
                Work::Clean => self.clean().await,
            };
            match worked {
                Ok(true) => {}
                Ok(false) => self.rest(work.pause()).await,
                Err(error) => {
                    tracing::error!(reason = %error, "a round failed");
                    self.rest(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Until the bell, the signal, or the end of the pause.
    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.clone().announced() => {}
            _ = timeout(pause, self.bell.notified()) => {}
        }
    }

    /// Sends one lead. False: there is none, or calls are stopped.
    async fn send(&self) -> Result<bool, Error> {
        if !self.runtime.borrow().clay_sends || self.clay.open_breaker().is_some() || self.pace.is_blocked().await? {
            return Ok(false);
        }
        let Some(lead) = self.store.claim().await? else { return Ok(false) };
        context::continued(&lead.request_id, lead.traceparent.as_deref(), &lead.id, self.send_lead(&lead)).await?;
        Ok(true)
    }

    async fn send_lead(&self, lead: &Lead) -> Result<(), Error> {
        match self.clay.run(lead).await {
            Ok(run_id) => {
                self.store.started(&lead.id, &run_id, self.config.clay.callback_wait).await?;
                self.metrics.clay_runs_started.inc();
                tracing::info!(run_id, "lead sent");
            }
            // Its turn comes again as often as Clay is busy, or closed to us.
            Err(Failure::Limited(wait)) => {
                self.store.release(&lead.id, wait, false).await?;
                tracing::warn!(wait_seconds = wait.as_secs(), "clay limits the rate");
            }
            Err(failure @ (Failure::Refused(_) | Failure::Credits)) => {
                self.store.release(&lead.id, IDLE, false).await?;
                tracing::error!(reason = %failure, "calls to clay are stopped");
            }
            Err(Failure::Away(
                "circuit_open" | "bulkhead_full" | "bulkhead_waited" | "concurrency_limited" | "deadline_exceeded",
            )) => {
                self.store.release(&lead.id, IDLE, false).await?;
            }
            Err(failure @ Failure::Away(_)) if lead.attempts + 1 < MOST_ATTEMPTS => {
                let wait = BACKOFF.wait(u32::try_from(lead.attempts).unwrap_or(u32::MAX), share());
                self.store.release(&lead.id, wait, true).await?;
                tracing::warn!(reason = %failure, attempt = lead.attempts + 1, "clay is away");
            }
            Err(failure) => self.bury(lead, &failure.to_string()).await?,
        }
        Ok(())
    }

    /// Asks for the results of one run: Clay has reported it, or has not in time. False: there is none.
    async fn look(&self) -> Result<bool, Error> {
        if self.clay.open_breaker().is_some() || self.pace.is_blocked().await? {
            return Ok(false);
        }
        let Some(lead) = self.store.due_run(self.config.clay.callback_wait).await? else { return Ok(false) };
        context::continued(&lead.request_id, lead.traceparent.as_deref(), &lead.id, self.look_at(&lead)).await?;
        Ok(true)
    }

    async fn look_at(&self, lead: &Lead) -> Result<(), Error> {
        let run_id = lead.run_id.as_deref().unwrap_or_default();
        if !self.store.is_delivered(run_id).await? {
            self.metrics.clay_callbacks_late.inc();
            tracing::warn!(run_id, "callback is late");
        }
        match self.clay.results(run_id, &lead.id).await {
            Ok(Progress::Enriched(outputs)) => {
                let found = !outputs.is_empty();
                if self.store.finished(&lead.id, &Value::from(outputs).to_string()).await? {
                    self.metrics.enriched(found);
                    tracing::info!(found, "lead enriched");
                }
            }
            Ok(Progress::Failed(reason)) => self.bury(lead, &reason).await?,
            Ok(Progress::Running) if lead.attempts < MOST_LOOKS => {}
            Ok(Progress::Running) => self.bury(lead, "the run does not end").await?,
            // The run itself is unknown: no further look changes that.
            Err(failure @ Failure::Permanent(_)) => self.bury(lead, &failure.to_string()).await?,
            Err(failure) => tracing::warn!(run_id, reason = %failure, "the results cannot be had yet"),
        }
        Ok(())
    }

    async fn bury(&self, lead: &Lead, reason: &str) -> Result<(), Error> {
        self.store.bury(&lead.id, reason).await?;
        self.metrics.clay_dead_letters.inc();
        tracing::error!(reason, "lead needs a person");
        Ok(())
    }

    async fn clean(&self) -> Result<bool, Error> {
        let recovered = self.store.recover(LEASE).await?;
        if recovered > 0 {
            self.metrics.clay_dead_letters.inc_by(recovered);
            tracing::error!(count = recovered, "leads of a dead replica need a person");
        }
        self.store.purge(self.config.retention).await?;
        self.metrics.leads(&self.store.counts().await?);
        Ok(false)
    }
}

#[derive(Clone, Copy)]
enum Work {
    Send,
    Look,
    Clean,
}

impl Work {
    const fn pause(self) -> Duration {
        match self {
            Self::Send | Self::Look => IDLE,
            Self::Clean => Duration::from_secs(5),
        }
    }
}

/// A random number from 0 to 1.
fn share() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}
