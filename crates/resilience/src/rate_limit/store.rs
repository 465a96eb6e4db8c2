//! Where the limiter keeps a number for each client, and for no more clients than it may.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    clock::Clock,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use tokio::time::Instant;

/// Tokio's clock for the limiter, so that tests can pause it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

/// How often the store looks for clients it may forget, when it is full.
const SWEEP: Duration = Duration::from_secs(1);

/// A number for each client, bounded: when all places are taken by clients whose quota is in use, the strangers share one
/// quota. Made-up client names can then neither grow the store nor push a known client out.
#[derive(Debug)]
pub(super) struct Bounded<C> {
    most: usize,
    start: Instant,
    kept: Mutex<Kept<C>>,
}

#[derive(Debug)]
struct Kept<C> {
    clients: HashMap<C, Nanos>,
    strangers: Option<Nanos>,
    swept: Option<Instant>,
}

impl<C> Bounded<C> {
    pub(super) fn new(most: usize) -> Self {
        let kept = Kept { clients: HashMap::new(), strangers: None, swept: None };
        Self { most, start: Instant::now(), kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<C>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Hash + Eq> Kept<C> {
    /// Forgets the clients whose quota is whole again: not knowing them comes to the same.
    fn sweep(&mut self, start: Instant) {
        let now = Instant::now();
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        let passed = Nanos::from(now.saturating_duration_since(start));
        self.clients.retain(|_, arrival| *arrival > passed);
    }
}

impl<C: Hash + Eq + Clone> StateStore for Bounded<C> {
    type Key = C;

    fn measure_and_replace<T, F, E>(&self, client: &C, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut kept = self.kept();
        if let Some(arrival) = kept.clients.get_mut(client) {
            let (outcome, next) = measure(Some(*arrival))?;
            *arrival = next;
            return Ok(outcome);
        }
        if kept.clients.len() >= self.most {
            kept.sweep(self.start);
        }
        if kept.clients.len() >= self.most {
            let (outcome, next) = measure(kept.strangers)?;
            kept.strangers = Some(next);
            return Ok(outcome);
        }
        let (outcome, next) = measure(None)?;
        kept.clients.insert(client.clone(), next);
        Ok(outcome)
    }
}

impl<C: Hash + Eq + Clone> ShrinkableKeyedStateStore<C> for Bounded<C> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.kept().clients.retain(|_, arrival| *arrival > drop_below);
    }

    fn len(&self) -> usize {
        self.kept().clients.len()
    }

    fn is_empty(&self) -> bool {
        self.kept().clients.is_empty()
    }
}
