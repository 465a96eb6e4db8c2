//! What happens next: a pure function of what is stored, what is seen, and the time.
//!
//! A phase says how the world has to be. Where it is not, the one act that brings it there is asked for, again at every
//! look until it is seen to be so: that an act was done is never taken from memory. So it does not matter when gonogo is
//! killed, whether an act took effect late, or whether it was done twice.

mod step;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Act, Done, GateKind, Hold, Intent, Percent, Phase, Requests, Rollback, Sight, State, Trouble, TroubleKind,
    analysis::{self, Measured},
    gate::{Reading, Stage},
};

/// All that is seen at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub sight: Result<Sight, Trouble>,
    /// The share that the driver can give when it is asked for [`State::wanted`]; none where it cannot promise one.
    pub reachable: Option<Percent>,
    /// One for each gate of the plan, in its order.
    pub readings: Vec<Reading>,
    /// What the driver itself has counted, where it counts; it knows best who met what.
    pub requests: Option<Requests>,
    /// What persons asked for since the last look.
    pub asked: Vec<Asked>,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub what: Ask,
    pub by: String,
    #[serde(default)]
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Stay where it is; gates still fail.
    Pause,
    /// Go on, whatever was inconclusive.
    Resume,
    /// Leave out the steps that are left.
    Promote,
    /// The canary to 0, or stable back where it was promoted.
    Abort,
    /// Stable back to what it was, also after the end.
    Undo,
}

/// What to do, and what to remember before it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    pub state: State,
    pub act: Option<Act>,
    /// For the record and for whoever watches.
    pub told: Vec<String>,
    /// When to look again at the latest.
    pub again: SignedDuration,
}

/// Looks come so often while something is under way.
const SOON: SignedDuration = SignedDuration::from_secs(2);

/// How often something else may be in the way of an act before it goes back.
const CONFLICTS: u32 = 5;

/// A configured share may be so far off the one that can be reached: rounding.
const ROUNDING: Percent = Percent::of_hundredths(100);

/// What follows from a look.
pub fn next(state: State, look: Look, now: Timestamp) -> Next {
    let mut machine = Machine { state, now, told: Vec::new(), act: None };
    machine.asked(&look.asked);
    if machine.state.phase.ended() {
        return machine.end();
    }
    match look.sight {
        Ok(sight) => machine.seen(&sight, look.reachable, look.readings, look.requests),
        Err(trouble) => machine.blind(&trouble),
    }
    machine.end()
}

/// What the driver said of the act that [`next`] asked for.
pub fn done(mut state: State, result: Result<Done, Trouble>, now: Timestamp) -> (State, Vec<String>) {
    let mut machine = Machine { state: state.clone(), now, told: Vec::new(), act: None };
    let Some(intent) = state.intent.as_mut() else { return (state, Vec::new()) };
    match result {
        Ok(done) => {
            (intent.done, intent.trouble, intent.conflicts) = (true, None, 0);
            intent.nothing_left = done == Done::AlreadySo;
            machine.state.intent = Some(intent.clone());
            if let Done::Changed(what) = done {
                machine.tell(what);
            }
        }
        Err(trouble) => {
            let conflicts = if trouble.kind == TroubleKind::Conflict { intent.conflicts + 1 } else { intent.conflicts };
            (intent.trouble, intent.conflicts) = (Some(trouble.to_string()), conflicts);
            let act = intent.act;
            machine.state.intent = Some(intent.clone());
            machine.tell(format!("could not {act}: {trouble}; {}", trouble.next));
            let never = match trouble.kind {
                TroubleKind::Refused | TroubleKind::Unsupported => true,
                TroubleKind::Conflict => conflicts >= CONFLICTS,
                TroubleKind::Unreachable => false,
            };
            if never && machine.state.phase.forward() {
                machine.roll_back(format!("could not {act}: {trouble}"), None);
            }
        }
    }
    (machine.state, machine.told)
}

struct Machine {
    state: State,
    now: Timestamp,
    told: Vec<String>,
    act: Option<Act>,
}

impl Machine {
    fn end(self) -> Next {
        let Self { state, told, act, .. } = self;
        let under_way = state.reached.is_none() || state.blind.is_some() || act.is_some();
        let again = if under_way { SOON.min(state.plan.every) } else { state.plan.every };
        Next { state, act, told, again }
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.told.push(what.into());
    }

    fn since(&self, then: Timestamp) -> SignedDuration {
        self.now.duration_since(then)
    }

    fn enter(&mut self, phase: Phase) {
        let state = &mut self.state;
        (state.phase, state.since, state.reached, state.unreached) = (phase, self.now, None, Some(self.now));
        state.intent = None;
        match phase {
            Phase::Step(_) => {
                (state.counted, state.of_step) = (None, Requests::default());
                state.gates.iter_mut().for_each(super::gate::Watched::begin_step);
            }
            // Before the act: whatever it does, the way back is another one now.
            Phase::Promoting => state.promoted = true,
            Phase::Watching | Phase::Verifying => state.gates.iter_mut().for_each(super::gate::Watched::begin_alone),
            Phase::Promoted | Phase::RolledBack => state.ended = Some(self.now),
            _ => {}
        }
        if !phase.forward() {
            state.hold = None;
        }
        let steps = self.state.plan.steps.len();
        match self.state.wanted().filter(|_| matches!(phase, Phase::Step(_))) {
            Some(share) => self.tell(format!("{phase} of {steps}: {share}")),
            None => self.tell(phase.to_string()),
        }
    }

    /// Decides to go back; the clock of the rollback begins.
    fn roll_back(&mut self, why: String, by: Option<&str>) {
        let who = by.map(|by| format!(" by {by}")).unwrap_or_default();
        self.tell(format!("rolled back{who}: {why}"));
        self.state.ended = None;
        self.state.rollback = Some(Rollback {
            why,
            by: by.map(str::to_owned),
            from: self.state.phase,
            decided: self.now,
            restored: None,
            verified: None,
            said: String::new(),
        });
        self.enter(if self.state.promoted { Phase::Undoing } else { Phase::Aborting });
    }

    fn hold(&mut self, why: String, by: Option<&str>) {
        if self.state.hold.is_none() {
            self.tell(format!("waits for a person: {why}"));
            self.state.hold = Some(Hold { since: self.now, why, by: by.map(str::to_owned) });
        }
    }

    fn asked(&mut self, asked: &[Asked]) {
        for Asked { what, by, why } in asked {
            let phase = self.state.phase;
            let reason = if why.is_empty() { "asked for".to_owned() } else { why.clone() };
            match what {
                Ask::Abort if phase.forward() => self.roll_back(reason, Some(by)),
                Ask::Undo if phase.forward() || matches!(phase, Phase::Retiring | Phase::Promoted) => {
                    self.roll_back(reason, Some(by));
                }
                Ask::Abort if phase == Phase::Retiring => self.roll_back(reason, Some(by)),
                Ask::Pause if phase.forward() => self.hold(format!("{reason}, by {by}"), Some(by)),
                Ask::Resume if phase.forward() => self.resume(by),
                Ask::Promote if phase == Phase::Preparing => {
                    // The canary has to be there before stable can take its place.
                    self.state.hold = None;
                    self.state.plan.steps.clear();
                    self.tell(format!("{by} leaves out the steps: {reason}"));
                }
                Ask::Promote if matches!(phase, Phase::Step(_)) => {
                    self.state.hold = None;
                    self.tell(format!("promoted by {by}, whatever steps were left: {reason}"));
                    self.enter(Phase::Promoting);
                }
                _ => self.tell(format!("nothing came of what {by} asked for: it is {phase}")),
            }
        }
    }

    fn resume(&mut self, by: &str) {
        let Some(hold) = self.state.hold.take() else {
            return self.tell(format!("{by} said to go on, and it was not waiting"));
        };
        self.tell(format!("{by} said to go on"));
        for gate in &mut self.state.gates {
            gate.counts.forgive();
        }
        // A pause that a person asked for says nothing of the gates: they still have to be content. Where they could not
        // be, the person has seen the numbers and answers for them.
        let Some(reached) = self.state.reached.filter(|_| hold.by.is_none()) else { return };
        let over = |length: SignedDuration| self.since(reached) >= self.state.plan.warm_up.saturating_add(length);
        match self.state.phase {
            Phase::Step(step) if self.state.plan.steps.get(step).is_none_or(|step| over(step.watch.length)) => {
                self.advance(step);
            }
            Phase::Watching if over(self.state.plan.after.length) => self.enter(Phase::Retiring),
            _ => {}
        }
    }

    /// After a step comes the next one, or the promotion.
    fn advance(&mut self, step: usize) {
        let next = step + 1;
        self.enter(if next < self.state.plan.steps.len() { Phase::Step(next) } else { Phase::Promoting });
    }

    /// The driver gives no answer: what is under way stays as it is, for a while.
    fn blind(&mut self, trouble: &Trouble) {
        let since = *self.state.blind.get_or_insert(self.now);
        if since == self.now {
            self.tell(format!("cannot see: {trouble}; {}", trouble.next));
        }
        if self.state.phase.forward() && self.since(since) > self.state.plan.deadlines.blind {
            self.roll_back(format!("nothing could be seen for {}", shown(self.since(since))), None);
        }
        // What takes traffic away is asked for even blindly: it cannot do harm, and the eyes may be what is broken.
        match self.state.phase {
            Phase::Aborting => self.ask(Act::Abort),
            Phase::Undoing => self.ask(Act::Undo),
            _ => {}
        }
    }

    fn seen(&mut self, sight: &Sight, reachable: Option<Percent>, readings: Vec<Reading>, requests: Option<Requests>) {
        if self.state.blind.take().is_some() {
            self.tell("can see again");
        }
        if self.state.phase.forward() {
            if let Some(holder) = &sight.holder {
                self.hold(format!("{holder} drives this service too"), None);
            }
            if let Some(why) = self.replaced(sight) {
                self.roll_back(why, None);
            }
        }
        self.read(readings, requests);
        match self.state.phase {
            Phase::Preparing => self.preparing(sight),
            Phase::Step(step) => self.step(step, sight, reachable),
            Phase::Promoting => self.promoting(sight),
            Phase::Watching => self.watching(sight),
            Phase::Retiring => self.retiring(sight),
            Phase::Aborting | Phase::Undoing => self.going_back(sight),
            Phase::Verifying => self.verifying(sight),
            Phase::Promoted | Phase::RolledBack => {}
        }
        if self.state.phase.forward()
            && let Some(hold) = &self.state.hold
            && self.since(hold.since) > self.state.plan.deadlines.hold
        {
            let why = format!("nobody said for {} how it goes on: {}", shown(self.since(hold.since)), hold.why);
            if self.state.phase == Phase::Watching {
                // Everybody has the release by now; that nobody answered is no reason to take it from them.
                self.tell(why);
                self.enter(Phase::Retiring);
            } else {
                self.roll_back(why, None);
                self.going_back(sight);
            }
        }
    }

    /// Whether somebody else put something else in the place of one of the two.
    fn replaced(&self, sight: &Sight) -> Option<String> {
        let release = &self.state.plan.release.revision;
        let (from, stable) = (&self.state.from, &sight.stable.revision);
        match self.state.phase {
            Phase::Preparing | Phase::Step(_) if stable != from => {
                Some(format!("stable was {from} and became {stable} by somebody else"))
            }
            Phase::Watching if stable != release => {
                Some(format!("stable was {release} and became {stable} by somebody else"))
            }
            Phase::Step(_) => {
                // One that says nothing at this look is not another one.
                let canary = sight.canary.as_ref().filter(|canary| !canary.revision.0.is_empty())?;
                (canary.revision != *release)
                    .then(|| format!("the canary was {release} and became {} by somebody else", canary.revision))
            }
            _ => None,
        }
    }

    /// Asks for an act, and counts how often.
    fn ask(&mut self, act: Act) {
        let before = self.state.intent.take().filter(|intent| intent.act == act);
        let (tries, conflicts) = before.as_ref().map_or((0, 0), |intent| (intent.tries, intent.conflicts));
        self.state.intent = Some(Intent {
            act,
            at: self.now,
            tries: tries.saturating_add(1),
            done: before.as_ref().is_some_and(|intent| intent.done),
            // What was so before this call is asked again by it.
            nothing_left: false,
            trouble: before.and_then(|intent| intent.trouble),
            conflicts,
        });
        self.act = Some(act);
    }

    /// The world is as the phase wants it, or the act that brings it there is asked for. Says since when it is.
    fn brought(&mut self, so: bool, act: Act) -> Option<Timestamp> {
        if so {
            self.state.unreached = None;
            return Some(*self.state.reached.get_or_insert(self.now));
        }
        self.state.unreached.get_or_insert(self.now);
        self.ask(act);
        None
    }

    /// The driver said of this act that nothing is left to do, or was asked often enough.
    fn cleared(&self, act: Act) -> bool {
        let intent = self.state.intent.as_ref().filter(|intent| intent.act == act);
        intent.is_some_and(|intent| intent.nothing_left || intent.tries >= step::TRIES)
    }

    /// It took longer than it may.
    fn overdue(&self, deadline: SignedDuration) -> bool {
        self.state.unreached.is_some_and(|unreached| self.since(unreached) > deadline)
    }
}

/// `45 s`, `47 min`.
fn shown(length: SignedDuration) -> String {
    super::power::time(std::time::Duration::try_from(length).unwrap_or_default())
}
