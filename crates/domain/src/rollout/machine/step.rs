//! What each phase wants of the world, and what it does when it has it.

use super::{
    Act, GateKind, Machine, Measured, Percent, Phase, ROUNDING, Reading, Requests, Sight, SignedDuration, Stage,
    Timestamp, analysis, shown,
};
use crate::rollout::{Gate, Side, Watch, When, gate::Watched, state};

/// Requests of a step from which on its share can be measured.
const ENOUGH_FOR_A_SHARE: u64 = 100;

/// How often an act that is not needed any more is asked for.
pub(super) const TRIES: u32 = 5;

impl Machine {
    /// Hands the readings to the gates. Once a share was reached all that users meet is judged, whether the canary is whole
    /// at this moment or not: one that falls over does not answer well.
    pub(super) fn read(&mut self, readings: Vec<Reading>, requests: Option<Requests>) {
        let warm = |machine: &Self| {
            machine.state.reached.is_some_and(|reached| machine.since(reached) >= machine.state.plan.warm_up)
        };
        let stage = match self.state.phase {
            Phase::Step(_) if warm(self) => Stage::Beside,
            Phase::Watching if warm(self) => Stage::Alone,
            // A rollback is judged at once: there is nothing to warm up, it served all the time.
            Phase::Verifying => Stage::Back,
            _ => Stage::Away,
        };
        let before = std::mem::replace(&mut self.state.counted, requests);
        if let (Stage::Beside, Some(now), Some(then)) = (stage, requests, before) {
            self.state.of_step.add(now, then);
        }
        let false_alarms = self.state.plan.false_alarms_of_one();
        let gates = self.state.plan.gates.iter().zip(&mut self.state.gates);
        for ((gate, watched), reading) in gates.zip(readings) {
            let stage = if gate.when == When::Steps && stage != Stage::Beside { Stage::Away } else { stage };
            watched.look(&gate.kind, reading, stage, false_alarms);
        }
    }

    pub(super) fn preparing(&mut self, sight: &Sight) {
        let release = self.state.plan.release.revision.clone();
        let so = sight.canary.as_ref().is_some_and(|canary| canary.revision == release && canary.settled());
        if self.brought(so, Act::Prepare).is_some() {
            self.state.restarts = sight.canary.as_ref().map(restarts);
            if self.state.hold.is_none() {
                self.enter(if self.state.plan.steps.is_empty() { Phase::Promoting } else { Phase::Step(0) });
            }
            return;
        }
        let deadline = self.state.plan.deadlines.ready;
        if self.overdue(deadline) {
            self.late(&format!("the canary was not ready within {}", shown(deadline)), sight);
        }
    }

    /// The canary is configured to the share of this step, and all of it is there.
    fn has_share(&self, sight: &Sight, reachable: Option<Percent>) -> bool {
        let ready = sight.canary.as_ref().is_some_and(Side::settled);
        let done = self.state.intent.as_ref().is_some_and(|intent| intent.done);
        ready
            && match (sight.share, reachable.or_else(|| self.state.wanted())) {
                (Some(share), Some(wanted)) => share.apart(wanted) <= ROUNDING.min(wanted),
                // Nobody can say what it is: that it was asked for is all there is.
                _ => done,
            }
    }

    pub(super) fn step(&mut self, step: usize, sight: &Sight, reachable: Option<Percent>) {
        let Some(plan) = self.state.plan.steps.get(step).copied() else { return self.enter(Phase::Promoting) };
        if let Some(why) = self.unhealthy(sight) {
            self.roll_back(why, None);
            return self.going_back(sight);
        }
        let so = self.has_share(sight, reachable);
        let reached = self.brought(so, Act::SetShare(plan.share));
        let deadline = self.state.plan.deadlines.ready;
        if reached.is_none() && self.overdue(deadline) {
            return self.late(&format!("{} was not reached within {}", plan.share, shown(deadline)), sight);
        }
        if self.decided(sight) {
            return;
        }
        let Some(reached) = reached else { return };
        self.measure(step, plan.share, sight);
        if let Some(why) = self.share_is_off(step) {
            self.roll_back(why, None);
            return self.going_back(sight);
        }
        if let Some(waits) = self.watched(reached, plan.watch) {
            match waits {
                Waits::No => self.advance(step),
                Waits::ForAPerson(why) => self.hold(why, None),
            }
        }
    }

    pub(super) fn promoting(&mut self, sight: &Sight) {
        let so = sight.stable.revision == self.state.plan.release.revision && sight.stable.settled();
        // A hold stops what has not begun; half a promotion is worse than a whole one.
        if self.brought(so, Act::Promote).is_some() {
            return self.enter(Phase::Watching);
        }
        let deadline = self.state.plan.deadlines.promotion;
        if self.overdue(deadline) {
            self.late(&format!("stable did not have the release within {}", shown(deadline)), sight);
        }
    }

    pub(super) fn watching(&mut self, sight: &Sight) {
        // Nothing is to be brought about; a replica that is gone for a moment comes back by itself.
        if sight.stable.settled() {
            self.state.unreached = None;
        } else {
            self.state.unreached.get_or_insert(self.now);
        }
        let reached = *self.state.reached.get_or_insert(self.now);
        let deadline = self.state.plan.deadlines.ready;
        if self.overdue(deadline) {
            return self.late(&format!("stable was not ready for {}", shown(deadline)), sight);
        }
        if self.decided(sight) {
            return;
        }
        if let Some(waits) = self.watched(reached, self.state.plan.after) {
            match waits {
                Waits::No => self.enter(Phase::Retiring),
                Waits::ForAPerson(why) => self.hold(why, None),
            }
        }
    }

    pub(super) fn retiring(&mut self, sight: &Sight) {
        // It is asked for where there is no canary too: what else the rollout brought (a lease, a second Service, a held
        // autoscaler) is not seen, and a kill may have come between the two.
        if self.brought(sight.canary.is_none() && self.cleared(Act::Retire), Act::Retire).is_some() {
            return self.enter(Phase::Promoted);
        }
        if self.overdue(self.state.plan.deadlines.ready) {
            // Stable has the release: a canary that stays is no reason to take it back.
            self.tell("the canary could not be retired: remove it by hand");
            self.act = None;
            self.enter(Phase::Promoted);
        }
    }

    pub(super) fn going_back(&mut self, sight: &Sight) {
        let stable = &sight.stable;
        let (so, act) = match self.state.phase {
            Phase::Undoing => (stable.revision == self.state.from && stable.settled(), Act::Undo),
            _ => (true, Act::Abort),
        };
        // It is asked for even if it is so: an act from before may still be on its way, and a canary without traffic is a
        // leftover. Where that is refused over and over and there is no traffic, nothing is left to win.
        let intent = self.state.intent.as_ref().filter(|intent| intent.act == act);
        let asked = intent.is_some_and(|intent| intent.done || intent.tries >= TRIES);
        if self.brought(so && asked && no_traffic(sight), act).is_some() {
            if let Some(rollback) = &mut self.state.rollback {
                rollback.restored = Some(self.now);
            }
            self.enter(Phase::Verifying);
            self.state.reached = Some(self.now);
        }
    }

    /// Version, health and error ratio of what serves now.
    pub(super) fn verifying(&mut self, sight: &Sight) {
        if !no_traffic(sight) {
            self.tell("the canary has traffic again");
            self.enter(if self.state.promoted { Phase::Undoing } else { Phase::Aborting });
            return self.going_back(sight);
        }
        let stable = &sight.stable;
        let mut missing = Vec::new();
        if self.state.rollback.as_ref().is_some_and(|one| matches!(one.from, Phase::Promoting | Phase::Watching))
            && stable.revision != self.state.from
        {
            missing.push(format!("stable is {} and not {}", stable.revision, self.state.from));
        }
        if !stable.settled() {
            missing.push(format!("{} of {} are ready", stable.ready, stable.wanted));
        }
        let mut asked = false;
        for (gate, watched) in self.deciding() {
            match gate.kind {
                GateKind::Check if watched.measured != Some(Measured::Successful) => {
                    missing.push(format!("{}: {}", gate.name, watched.said));
                }
                GateKind::Compare { .. } => match watched.as_before(&gate.kind) {
                    Some(true) => asked = true,
                    Some(false) => missing.push(format!("{}: {}", gate.name, watched.said)),
                    None => missing.push(format!("{}: no requests yet", gate.name)),
                },
                _ => {}
            }
        }
        let over = self.since(self.state.since) > self.state.plan.deadlines.rollback;
        // What the rollout brought beside its traffic is cleared away meanwhile.
        let act = if self.state.promoted { Act::Undo } else { Act::Abort };
        let cleared = self.cleared(act);
        let Some(rollback) = &mut self.state.rollback else { return self.enter(Phase::RolledBack) };
        let mut told = None;
        if rollback.verified.is_none() {
            rollback.said = missing.join("; ");
            if missing.is_empty() {
                rollback.verified = Some(self.now);
                let errors = if asked { ", errors as before" } else { "" };
                rollback.said = format!("{}, {} of {} ready{errors}", stable.revision, stable.ready, stable.wanted);
                let took = rollback.took().map(shown).unwrap_or_default();
                told = Some(format!("verified {took} after the decision: {}", rollback.said));
            }
        }
        let (is_verified, said) = (rollback.verified.is_some(), rollback.said.clone());
        self.told.extend(told);
        if !cleared {
            return self.ask(act);
        }
        if !is_verified && over {
            self.tell(format!("not verified: {said}"));
        }
        if is_verified || over {
            self.enter(Phase::RolledBack);
        }
    }

    /// A deadline is over.
    fn late(&mut self, why: &str, sight: &Sight) {
        let trouble = self.state.intent.as_ref().and_then(|intent| intent.trouble.clone());
        let why = trouble.map_or_else(|| why.to_owned(), |trouble| format!("{why}: {trouble}"));
        self.act = None;
        self.roll_back(why, None);
        self.going_back(sight);
    }

    /// What no gate has to be written for.
    fn unhealthy(&self, sight: &Sight) -> Option<String> {
        let canary = sight.canary.as_ref()?;
        let more = restarts(canary).saturating_sub(self.state.restarts.unwrap_or(0));
        (more > self.state.plan.restarts)
            .then(|| format!("the canary restarted {more} times; {} are tolerated", self.state.plan.restarts))
    }

    /// The gates that have a word now.
    fn deciding(&self) -> impl Iterator<Item = (&Gate, &Watched)> {
        let beside = matches!(self.state.phase, Phase::Step(_));
        let gates = self.state.plan.gates.iter().zip(&self.state.gates);
        gates.filter(move |(gate, _)| !gate.dry_run && (beside || gate.when == When::Always))
    }

    /// A gate decided: back at once, or a person has to.
    fn decided(&mut self, sight: &Sight) -> bool {
        let worst = self
            .deciding()
            .map(|(gate, watched)| (watched.counts.phase(&gate.limits), gate, watched))
            .max_by_key(|(phase, ..)| *phase);
        let Some((phase, gate, watched)) = worst else { return false };
        let why = format!("{}: {}", gate.name, watched.said);
        match phase {
            analysis::Phase::Failed | analysis::Phase::Error => {
                self.roll_back(why, None);
                self.going_back(sight);
                true
            }
            analysis::Phase::Inconclusive => {
                self.hold(format!("inconclusive: {why}"), None);
                true
            }
            analysis::Phase::Running | analysis::Phase::Successful => false,
        }
    }

    /// Whether the watch is over, and what it came to; none: it goes on.
    fn watched(&self, reached: Timestamp, watch: Watch) -> Option<Waits> {
        let watched = self.since(reached).checked_sub(self.state.plan.warm_up).unwrap_or(SignedDuration::ZERO);
        if watched < watch.length || self.state.hold.is_some() {
            return None;
        }
        let open: Vec<String> = self
            .deciding()
            .filter(|(_, watched)| {
                !matches!(watched.measured, Some(Measured::Successful | Measured::Failed | Measured::Inconclusive))
            })
            .map(|(gate, watched)| {
                let said = if watched.said.is_empty() { "nothing measured" } else { &watched.said };
                format!("{}: {said}", gate.name)
            })
            .collect();
        if open.is_empty() {
            return Some(Waits::No);
        }
        (watched >= watch.at_most.max(watch.length))
            .then(|| Waits::ForAPerson(format!("not enough data: {}", open.join("; "))))
    }

    /// Keeps what was counted of the share of this step.
    fn measure(&mut self, step: usize, asked: Percent, sight: &Sight) {
        let by_gates = || {
            let counted = self.state.gates.iter().map(|gate| gate.of_step);
            counted.max_by_key(|(canary, stable)| canary.saturating_add(*stable)).unwrap_or((0, 0))
        };
        let Requests { canary, stable } = self.state.of_step;
        let (canary, stable) = if canary.saturating_add(stable) > 0 { (canary, stable) } else { by_gates() };
        let measured = state::Measured { asked, configured: sight.share, canary, stable };
        self.state.shares.truncate(step + 1);
        match self.state.shares.get_mut(step) {
            Some(place) => *place = measured,
            None => self.state.shares.push(measured),
        }
    }

    /// More people meet the canary than was signed for. That fewer do shows in how long the gates take.
    fn share_is_off(&self, step: usize) -> Option<String> {
        let measured = self.state.shares.get(step)?;
        let configured = measured.configured?;
        let all = measured.canary.saturating_add(measured.stable);
        if all < ENOUGH_FOR_A_SHARE {
            return None;
        }
        let percent = measured.percent()?;
        // Four standard deviations, because it is looked at often and connections come in groups.
        let of_all = crate::rollout::sequential::float(all);
        let doubt = 4.0 * (percent.ratio() * (1.0 - percent.ratio()) / of_all).sqrt();
        let most = configured.ratio() + self.state.plan.share_tolerance.ratio();
        (percent.ratio() - doubt > most).then(|| {
            format!("the canary got {percent} of {all} requests, where {configured} is configured and {} more are tolerated", self.state.plan.share_tolerance)
        })
    }
}

/// Nobody meets the canary.
fn no_traffic(sight: &Sight) -> bool {
    sight.share.map_or(sight.canary.is_none(), |share| share == Percent::ZERO)
}

/// How a watch ended.
enum Waits {
    No,
    ForAPerson(String),
}

fn restarts(side: &Side) -> u32 {
    side.restarts.saturating_add(side.out_of_memory)
}
