//! A breaker over the last calls.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::faults::Faults;

/// Of so many calls, half must fail.
const WINDOW: usize = 30;
const OPEN: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Bad,
}

/// The state in which a call was let through.
pub(crate) struct Permit(u64);

pub(crate) struct Breaker {
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    last: VecDeque<Verdict>,
    /// Open since then; calls are let through again after a while.
    open: Option<Instant>,
    /// A trial call is under way.
    trial: bool,
    /// Grows with every change, so that late results of an earlier state do not count.
    generation: u64,
}

impl Breaker {
    pub(crate) fn new(faults: &Faults) -> Self {
        Self { state: Mutex::default(), faults: faults.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn admit(&self) -> Option<Permit> {
        if self.faults.has("no-breaker") {
            return Some(Permit(0));
        }
        let mut state = self.state();
        if let Some(open) = state.open {
            if self.faults.has("breaker-never-closes") || open.elapsed() < OPEN {
                return None;
            }
            if state.trial && !self.faults.has("half-open-lets-all-through") {
                return None;
            }
            state.trial = true;
        }
        Some(Permit(state.generation))
    }

    pub(crate) fn settle(&self, permit: &Permit, verdict: Verdict) {
        let mut state = self.state();
        if permit.0 != state.generation || self.faults.has("no-breaker") {
            return;
        }
        if state.open.is_some() {
            let stays_open = verdict == Verdict::Bad;
            // Half open for ever: each failure lets the next calls through at once.
            let since = if self.faults.has("half-open-lets-all-through") { state.open } else { Some(Instant::now()) };
            state.open = if stays_open { since } else { None };
            state.trial = false;
            state.last.clear();
            state.generation += u64::from(!stays_open);
            return;
        }
        state.last.push_back(verdict);
        if state.last.len() > WINDOW {
            state.last.pop_front();
        }
        let bad = state.last.iter().filter(|one| **one == Verdict::Bad).count();
        if state.last.len() == WINDOW && bad * 2 >= WINDOW {
            state.open = Some(Instant::now());
            state.last.clear();
            state.generation += 1;
        }
    }
}
