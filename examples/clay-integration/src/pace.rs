//! The pace of the calls to Clay. Clay limits per workspace, so that all replicas draw on one budget: the next free turn
//! stands in the database that they share. Clay publishes no number; the figure gives way to what Clay says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use gonogo_resilience::{Deadline, Rejection};
use tokio::time::sleep;

use crate::store::{Error, Store};

/// Clones are the same pace.
#[derive(Debug, Clone)]
pub struct Pace {
    store: Store,
    workspace: String,
    per_second: Arc<AtomicU32>,
}

impl Pace {
    pub fn new(store: Store, workspace: String, per_second: u32) -> Self {
        Self { store, workspace, per_second: Arc::new(AtomicU32::new(per_second)) }
    }

    pub fn set(&self, per_second: u32) {
        self.per_second.store(per_second.max(1), Ordering::Relaxed);
    }

    /// Waits for the next turn. Errors: it comes after the deadline of the call, or cannot be known.
    pub async fn turn(&self) -> Result<(), Rejection> {
        let interval = Duration::from_secs(1) / self.per_second.load(Ordering::Relaxed);
        let patience = Deadline::current().map_or(Duration::from_mins(1), Deadline::remaining);
        match self.store.take_turn(&self.workspace, interval, patience).await {
            Ok(Some(wait)) => {
                sleep(wait).await;
                Ok(())
            }
            Ok(None) | Err(_) => Err(Rejection::DeadlineExceeded),
        }
    }

    /// Clay said how long: no replica calls before.
    pub async fn block(&self, wait: Duration) -> Result<(), Error> {
        self.store.no_turn_for(&self.workspace, wait).await
    }

    /// Whether the next turn is further away than any call would wait.
    pub async fn is_blocked(&self) -> Result<bool, Error> {
        Ok(self.store.next_turn(&self.workspace).await? > Duration::from_secs(1))
    }
}
