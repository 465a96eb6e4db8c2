//! The states of a breaker and what moves it between them: pure, with the time as a parameter.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ring::{Call, CountRing, Counts, Ring, TimeRing},
    settings::{Settings, Window},
};
use crate::{Verdict, moment::later};

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass and are counted.
    Closed,
    /// No call passes until the wait is over.
    Open,
    /// A few calls pass to see whether the dependency is back.
    HalfOpen,
    /// No call passes until somebody says otherwise.
    ForcedOpen,
    /// Every call passes, and none is counted.
    Disabled,
    /// Every call passes and is counted; the rates can be read, and open nothing.
    MetricsOnly,
}

/// A state that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// Back to normal, with nothing counted yet.
    Closed,
    /// [`State::ForcedOpen`].
    Open,
    /// [`State::Disabled`].
    Disabled,
    /// [`State::MetricsOnly`].
    MetricsOnly,
}

/// One step from a state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Where it stood.
    pub from: State,
    /// Where it stands.
    pub to: State,
    /// How many steps were made up to this one: listeners on several threads may hear them out of order.
    pub generation: u64,
}

/// The right to make one call, and the generation that it was given in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    pub(super) begun: Instant,
}

/// How a call was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) transition: Option<Transition>,
    /// False for an ignored call, and for one begun before the last transition.
    pub(super) counted: bool,
    pub(super) duration: Duration,
    pub(super) slow: bool,
}

#[derive(Debug)]
enum Standing {
    Closed,
    Open { until: Instant },
    HalfOpen { since: Instant, out: u32, counts: Counts },
    ForcedOpen,
    Disabled,
    MetricsOnly,
}

/// The whole of a breaker but its lock and its listener.
#[derive(Debug)]
pub(super) struct Machine {
    settings: Settings,
    standing: Standing,
    generation: u64,
    ring: Ring,
}

impl Machine {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        let ring = match settings.window {
            Window::Count(size) => Ring::Count(CountRing::new(size)),
            Window::Time { span, buckets } => Ring::Time(TimeRing::new(span, buckets, now)),
        };
        Self { settings, standing: Standing::Closed, generation: 0, ring }
    }

    pub(super) fn state(&self) -> State {
        match self.standing {
            Standing::Closed => State::Closed,
            Standing::Open { .. } => State::Open,
            Standing::HalfOpen { .. } => State::HalfOpen,
            Standing::ForcedOpen => State::ForcedOpen,
            Standing::Disabled => State::Disabled,
            Standing::MetricsOnly => State::MetricsOnly,
        }
    }

    /// The sums that the next decision rests on: of the trial while it lasts, else of the window.
    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        match self.standing {
            Standing::HalfOpen { counts, .. } => counts,
            _ => self.ring.counts(now),
        }
    }

    /// Moves on what only time moves, then lets the call through or says how long to wait.
    pub(super) fn admit(&mut self, now: Instant) -> (Option<Transition>, Result<Ticket, Duration>) {
        let transition = self.tick(now);
        let ticket = Ticket { generation: self.generation, begun: now };
        let refused = match &mut self.standing {
            Standing::Closed | Standing::Disabled | Standing::MetricsOnly => None,
            Standing::Open { until } => Some(until.saturating_duration_since(now)),
            Standing::ForcedOpen => Some(self.settings.open_for),
            Standing::HalfOpen { since, out, counts } => {
                if counts.calls.saturating_add(*out) < self.settings.trial_calls.max(1) {
                    if *out == 0 && counts.calls == 0 {
                        // The limit bounds the trial, not the wait for somebody to call.
                        *since = now;
                    }
                    *out += 1;
                    None
                } else {
                    let left = later(*since, self.settings.trial_limit).saturating_duration_since(now);
                    Some(left.min(Duration::from_secs(1)))
                }
            }
        };
        (transition, refused.map_or(Ok(ticket), Err))
    }

    /// Counts how a call ended.
    pub(super) fn settle(&mut self, ticket: Ticket, verdict: Verdict, now: Instant) -> Settled {
        let duration = now.saturating_duration_since(ticket.begun);
        let slow = duration > self.settings.slow_after;
        let mut settled = Settled { transition: None, counted: false, duration, slow };
        if ticket.generation != self.generation {
            return settled;
        }
        if verdict == Verdict::Ignore {
            self.release(ticket);
            return settled;
        }
        let call = Call { failed: verdict != Verdict::Success, slow };
        match &mut self.standing {
            Standing::Closed | Standing::MetricsOnly => self.ring.add(call, now),
            Standing::HalfOpen { out, counts, .. } => {
                *out = out.saturating_sub(1);
                counts.add(call);
            }
            Standing::Open { .. } | Standing::ForcedOpen | Standing::Disabled => return settled,
        }
        settled.counted = true;
        settled.transition = self.decide(verdict, now);
        settled
    }

    /// Takes back the right to a call that came to nothing.
    pub(super) fn release(&mut self, ticket: Ticket) {
        if ticket.generation == self.generation
            && let Standing::HalfOpen { out, .. } = &mut self.standing
        {
            *out = out.saturating_sub(1);
        }
    }

    pub(super) fn force(&mut self, forced: Forced) -> Transition {
        self.step(match forced {
            Forced::Closed => Standing::Closed,
            Forced::Open => Standing::ForcedOpen,
            Forced::Disabled => Standing::Disabled,
            Forced::MetricsOnly => Standing::MetricsOnly,
        })
    }

    /// What time alone decides: the wait of an open breaker, and the limit of a trial.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Transition> {
        match self.standing {
            Standing::Open { until } if now >= until => {
                Some(self.step(Standing::HalfOpen { since: now, out: 0, counts: Counts::default() }))
            }
            Standing::HalfOpen { since, out, counts }
                if out + counts.calls > 0 && now.saturating_duration_since(since) >= self.settings.trial_limit =>
            {
                // A trial call that is still out after the whole limit hangs, and hanging is failing.
                let known =
                    Counts { calls: counts.calls + out, failures: counts.failures + out, slow: counts.slow + out };
                let next = if self.too_many(known) { self.open(now) } else { Standing::Closed };
                Some(self.step(next))
            }
            _ => None,
        }
    }

    /// Whether a result that was just counted moves the breaker.
    fn decide(&mut self, verdict: Verdict, now: Instant) -> Option<Transition> {
        if matches!(self.standing, Standing::MetricsOnly) {
            return None;
        }
        if let Verdict::Trip { open_for } = verdict {
            let until = later(now, open_for.unwrap_or(self.settings.open_for));
            return Some(self.step(Standing::Open { until }));
        }
        let next = match self.standing {
            Standing::Closed => {
                let counts = self.ring.counts(now);
                let judged = counts.calls >= self.settings.minimum() && self.too_many(counts);
                judged.then(|| self.open(now))
            }
            Standing::HalfOpen { counts, .. } => self.trial(counts, now),
            _ => None,
        };
        next.map(|standing| self.step(standing))
    }

    /// Decides a trial as soon as no result that is still to come can change the decision.
    fn trial(&self, counts: Counts, now: Instant) -> Option<Standing> {
        let trials = self.settings.trial_calls.max(1);
        let left = trials.saturating_sub(counts.calls);
        if self.too_many(Counts { calls: trials, ..counts }) {
            return Some(self.open(now));
        }
        let worst = Counts { calls: trials, failures: counts.failures + left, slow: counts.slow + left };
        (!self.too_many(worst)).then_some(Standing::Closed)
    }

    fn too_many(&self, counts: Counts) -> bool {
        self.settings.failure_rate.reached(counts.failures, counts.calls)
            || self.settings.slow_rate.reached(counts.slow, counts.calls)
    }

    fn open(&self, now: Instant) -> Standing {
        Standing::Open { until: later(now, self.settings.open_for) }
    }

    /// Every step begins with nothing counted, and makes the calls of before late.
    fn step(&mut self, to: Standing) -> Transition {
        let from = self.state();
        self.standing = to;
        self.generation += 1;
        self.ring.clear();
        Transition { from, to: self.state(), generation: self.generation }
    }
}
