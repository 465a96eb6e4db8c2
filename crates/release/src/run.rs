//! The loop: look, decide, store, act.

use std::path::PathBuf;

use gonogo_actuators::Driver as _;
use gonogo_domain::rollout::{
    Act, Phase, Sight, State, Trouble,
    machine::{self, Ask, Asked, Look},
};
use jiff::{SignedDuration, Timestamp};

use crate::{Actuator, Line, Meters, Read, Store, StoreError, Stored};

/// Where the time comes from.
pub trait Clock {
    fn now(&self) -> Timestamp;
    /// Waits for so long.
    fn wait(&self, length: SignedDuration) -> impl Future<Output = ()>;
    /// A person at this terminal wants to stop looking on; the rollout stays as it is.
    fn stopped(&self) -> bool;
}

/// What is shown of a look.
#[derive(Debug)]
pub struct Shown<'a> {
    pub state: &'a State,
    pub sight: Result<&'a Sight, &'a Trouble>,
    /// What was told in this look.
    pub told: &'a [Line],
    /// When the next look is due.
    pub next: Timestamp,
}

/// How a run of the loop came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The rollout is over.
    Ended,
    /// It was left as it is.
    Left,
}

/// What persons ask for is looked after so often while nothing else is to be done.
const PROMPT: SignedDuration = SignedDuration::from_millis(250);

/// A rollout that is driven by this process.
#[derive(Debug)]
pub struct Rollout<C> {
    pub store: Store,
    pub stored: Stored,
    pub actuator: Actuator,
    pub meters: Meters,
    pub clock: C,
    /// What is asked for as soon as a step (or the promotion) is reached and warm: a rehearsal.
    pub rehearse: Option<Asked>,
}

impl<C: Clock> Rollout<C> {
    /// Drives it to its end.
    pub async fn run(&mut self, show: &mut dyn FnMut(&Shown<'_>)) -> Result<Stopped, StoreError> {
        loop {
            if self.clock.stopped() {
                return Ok(Stopped::Left);
            }
            let again = self.round(show).await?;
            if self.stored.state.phase.ended() {
                self.store.keep(&self.stored)?;
                return Ok(Stopped::Ended);
            }
            self.wait(again).await;
        }
    }

    async fn round(&mut self, show: &mut dyn FnMut(&Shown<'_>)) -> Result<SignedDuration, StoreError> {
        let (files, mut asked): (Vec<PathBuf>, Vec<Asked>) = self.store.asked().into_iter().unzip();
        let sight = self.actuator.observe().await;
        let state = &self.stored.state;
        let reachable = match (&sight, state.wanted()) {
            (Ok(sight), Some(wanted)) => self.actuator.reachable(wanted, sight).percent(),
            _ => None,
        };
        let Read { gates: readings, requests } = self.meters.read(&mut self.actuator).await;
        asked.extend(self.rehearsed());
        let now = self.clock.now();
        let seen = sight.clone();
        let state = self.stored.state.clone();
        let mut next = machine::next(state, Look { sight, reachable, readings, requests, asked }, now);
        self.stored.state = next.state;
        if let Ok(sight) = &seen {
            self.stored.sight = Some(sight.clone());
        }
        // Before the act: whatever is done from here on is known to whoever comes after us.
        self.store.save(&self.stored)?;
        self.store.answered(&files);
        if let Some(act) = next.act {
            let result = self.act(act).await;
            let (state, told) = machine::done(self.stored.state.clone(), result, self.clock.now());
            self.stored.state = state;
            self.store.save(&self.stored)?;
            next.told.extend(told);
        }
        let id = self.stored.state.id.clone();
        let told: Vec<Line> = next.told.into_iter().map(|said| Line { at: now, id: id.clone(), said }).collect();
        self.store.tell(&told)?;
        let due = now.saturating_add(next.again).unwrap_or(now);
        show(&Shown { state: &self.stored.state, sight: seen.as_ref(), told: &told, next: due });
        Ok(next.again)
    }

    async fn act(&mut self, act: Act) -> Result<gonogo_domain::rollout::Done, Trouble> {
        let state = &self.stored.state;
        let (release, from) = (state.plan.release.clone(), state.from.clone());
        match act {
            Act::Prepare => self.actuator.prepare(&release).await,
            Act::SetShare(share) => self.actuator.set_share(share).await,
            Act::Promote => self.actuator.promote().await,
            Act::Retire => self.actuator.retire().await,
            Act::Abort => self.actuator.abort().await,
            Act::Undo => self.actuator.undo(&from).await,
        }
    }

    /// In a rehearsal the way back is asked for once the place to go back from is reached.
    fn rehearsed(&mut self) -> Option<Asked> {
        let state = &self.stored.state;
        let asked = self.rehearse.as_ref()?;
        let reached = state.reached.is_some_and(|reached| {
            self.clock.now().duration_since(reached) >= state.plan.warm_up.saturating_add(state.plan.every)
        });
        match (asked.what, state.phase) {
            (Ask::Abort, Phase::Step(_)) | (Ask::Undo, Phase::Watching) if reached => self.rehearse.take(),
            _ => None,
        }
    }

    /// Until the next look is due, or a person asks for something.
    async fn wait(&self, length: SignedDuration) {
        let until = self.clock.now().saturating_add(length).unwrap_or(self.clock.now());
        loop {
            let left = until.duration_since(self.clock.now());
            if !left.is_positive() || self.clock.stopped() || !self.store.asked().is_empty() {
                return;
            }
            self.clock.wait(left.min(PROMPT)).await;
        }
    }
}
