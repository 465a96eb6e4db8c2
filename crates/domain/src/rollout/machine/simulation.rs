//! A played world in which gonogo is killed between any two of its acts: the end is always one of two.

use jiff::{SignedDuration, Timestamp};

use super::{Ask, Asked, Look, done, next};
use crate::rollout::{
    Act, Deadlines, Done, Gate, GateKind, Percent, Phase, Plan, Release, Revision, Side, Sight, State, Step, Trouble,
    TroubleKind, Watch,
    analysis::Limits,
    gate::Reading,
    sequential::{Trials, draw::Random},
};

pub(super) fn revision(name: &str) -> Revision {
    Revision(name.to_owned())
}

pub(super) fn plan() -> Plan {
    let minutes = SignedDuration::from_mins;
    let step = |share: u16, length: i64| Step {
        share: Percent::of_hundredths(share * 100),
        watch: Watch { length: minutes(length), at_most: minutes(length * 3) },
    };
    Plan {
        name: "shop".to_owned(),
        release: Release {
            revision: revision("new"),
            version: None,
            cause: String::new(),
            parts: std::collections::BTreeMap::new(),
        },
        steps: vec![step(10, 10), step(50, 5)],
        after: Watch { length: minutes(10), at_most: minutes(30) },
        every: minutes(1),
        warm_up: SignedDuration::from_secs(30),
        deadlines: Deadlines::default(),
        share_tolerance: Percent::of_hundredths(500),
        restarts: 0,
        gates: vec![Gate {
            name: "errors".to_owned(),
            kind: GateKind::Compare { worse_by: 0.01, at_most: Some(0.05) },
            limits: Limits::default(),
            when: crate::rollout::When::Always,
            dry_run: false,
        }],
        false_alarms: 0.001,
    }
}

/// How a world behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nature {
    /// An act takes effect only so many seconds after it was acknowledged.
    pub late: i64,
    /// Of its first acts this many come back as unreachable; every other one of them took effect all the same.
    pub failing: u32,
    /// Nothing can be seen at the first so many looks after each of these.
    pub blind: u32,
    /// The release goes wrong from this share on, in hundredths of a percent.
    pub bad_from: Option<u16>,
    /// So many of a thousand requests go wrong then; 0: 200.
    pub wrong: u64,
    /// Requests come and go wrong at random, with outages that hit both alike.
    pub noise: Option<u64>,
    /// Stable cannot take the release.
    pub refuses_promotion: bool,
    /// The canary never gets ready.
    pub never_ready: bool,
    /// A person asks for this after so many looks.
    pub asks: Option<(u32, Ask)>,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub nature: Nature,
    pub now: Timestamp,
    pub stable: Revision,
    pub canary: Option<Revision>,
    pub share: Percent,
    /// What a rollout brings and no look shows: a lease, a second Service. It goes with a call that finds no canary.
    pub unseen: bool,
    /// What was acknowledged and is not so yet.
    pending: Vec<(Timestamp, Act)>,
    pub acts: Vec<Act>,
    looks: u32,
    requests: [(u64, u64); 2],
    random: Option<Random>,
    outage: bool,
}

impl World {
    pub(super) fn new(nature: Nature) -> Self {
        Self {
            nature,
            now: Timestamp::UNIX_EPOCH,
            stable: revision("old"),
            canary: None,
            share: Percent::ZERO,
            unseen: false,
            pending: Vec::new(),
            acts: Vec::new(),
            looks: 0,
            requests: [(0, 0); 2],
            random: nature.noise.map(Random),
            outage: false,
        }
    }

    pub(super) fn wait(&mut self, length: SignedDuration) {
        let seconds = u64::try_from(length.as_secs().max(1)).unwrap();
        let wrong = if self.nature.wrong == 0 { 200 } else { self.nature.wrong };
        self.now = self.now.saturating_add(SignedDuration::from_secs(length.as_secs().max(1))).unwrap();
        let due = std::mem::take(&mut self.pending);
        for (at, act) in due {
            if at <= self.now { self.apply(act) } else { self.pending.push((at, act)) }
        }
        // 200 requests a second; of a bad release every fifth goes wrong.
        let canary = seconds * 200 * u64::from(self.share.hundredths()) / 10_000;
        let new_in_stable = self.stable == revision("new");
        let bad = |share: Percent| self.nature.bad_from.is_some_and(|from| share.hundredths() >= from);
        let stable = seconds * 200 - canary;
        let of_thousand =
            [if bad(self.share) { wrong } else { 1 }, if new_in_stable && bad(Percent::WHOLE) { wrong } else { 1 }];
        let mut all = [canary, stable];
        let mut went_wrong = [canary * of_thousand[0] / 1000, stable * of_thousand[1] / 1000];
        if let Some(random) = &mut self.random {
            // Every twentieth stretch of time is an outage for everybody, which is over at the next; the traffic is never
            // the same.
            self.outage = !self.outage && random.next() < 0.05;
            let outage = if self.outage { 0.2 } else { 0.0 };
            let requests = seconds * 100 + random.of(seconds * 200, 0.5);
            let to_canary = random.of(requests, self.share.ratio());
            all = [to_canary, requests - to_canary];
            for ((went_wrong, all), thousandths) in went_wrong.iter_mut().zip(all).zip(of_thousand) {
                let thousandths = f64::from(u32::try_from(thousandths).unwrap());
                *went_wrong = random.of(all, thousandths / 1000.0 + outage);
            }
        }
        for ((counted, all), wrong) in self.requests.iter_mut().zip(all).zip(went_wrong) {
            counted.0 += all;
            counted.1 += wrong;
        }
    }

    fn apply(&mut self, act: Act) {
        match act {
            Act::Retire | Act::Abort | Act::Undo => self.unseen &= self.canary.is_some(),
            _ => self.unseen = true,
        }
        match act {
            Act::Prepare => self.canary = Some(revision("new")),
            Act::SetShare(share) if self.canary.is_some() => self.share = share,
            Act::Promote if self.canary.is_some() => (self.stable, self.share) = (revision("new"), Percent::ZERO),
            // Nothing comes of either without a canary.
            Act::SetShare(_) | Act::Promote => {}
            Act::Retire => self.canary = None,
            Act::Abort => (self.canary, self.share) = (None, Percent::ZERO),
            Act::Undo => (self.stable, self.canary, self.share) = (revision("old"), None, Percent::ZERO),
        }
    }

    pub(super) fn act(&mut self, act: Act) -> Result<Done, Trouble> {
        self.acts.push(act);
        if act == Act::Promote && self.nature.refuses_promotion {
            return Err(Trouble::new(TroubleKind::Refused, "world", "admission says no", "ask the admission"));
        }
        let world = |one: &Self| (one.stable.clone(), one.canary.clone(), one.share, one.unseen);
        let before = world(self);
        let failing = self.acts.len() <= usize::try_from(self.nature.failing).unwrap();
        if !failing || self.acts.len().is_multiple_of(2) {
            if self.nature.late > 0 {
                self.pending.push((self.now.saturating_add(SignedDuration::from_secs(self.nature.late)).unwrap(), act));
            } else {
                self.apply(act);
            }
        }
        if failing {
            return Err(Trouble::new(TroubleKind::Unreachable, "world", "no answer", "wait"));
        }
        let is_so = self.pending.is_empty() && before == world(self);
        Ok(if is_so { Done::AlreadySo } else { Done::Changed(act.to_string()) })
    }

    pub(super) fn look(&mut self, state: &State) -> Look {
        self.looks += 1;
        let side = |revision: &Revision, ready| Side {
            revision: revision.clone(),
            wanted: 10,
            ready,
            old: 0,
            restarts: 0,
            out_of_memory: 0,
        };
        let ready = if self.nature.never_ready { 3 } else { 10 };
        let sight = Sight {
            stable: side(&self.stable, 10),
            canary: self.canary.as_ref().map(|canary| side(canary, ready)),
            share: Some(self.share),
            past: vec![],
            holder: None,
            owner: None,
            memo: None,
            notices: vec![],
        };
        let blind = self.looks % 10 < self.nature.blind;
        let trials = |(all, bad)| Some(Trials { all, bad });
        let [canary, stable] = self.requests;
        Look {
            sight: if blind {
                Err(Trouble::new(TroubleKind::Unreachable, "world", "no answer", "wait"))
            } else {
                Ok(sight)
            },
            reachable: state.wanted(),
            readings: vec![Reading::Counts { canary: trials(canary), stable: trials(stable) }],
            requests: None,
            asked: Vec::new(),
        }
    }
}

/// Where gonogo can die in one round of its loop.
const POINTS: u32 = 4;

/// Runs to the end; dies at each of these points, counted over the whole rollout. Says how many points there were.
pub(super) fn run(nature: Nature, kills: &[u32]) -> (World, State, u32) {
    let mut world = World::new(nature);
    let mut stored = State::new("1".to_owned(), plan(), revision("old"), None, world.now);
    let (mut point, mut asked) = (0, false);
    let killed = |point: &mut u32| {
        *point += 1;
        kills.contains(point)
    };
    // What is in memory is lost with a kill: every round begins with what is stored.
    for _ in 0..5_000 {
        if stored.phase.ended() && (asked || nature.asks.is_none_or(|(_, ask)| ask != Ask::Undo)) {
            break;
        }
        let mut look = world.look(&stored);
        if let Some((_, what)) = nature.asks.filter(|(at, _)| !asked && world.looks >= *at) {
            look.asked.push(Asked { what, by: "ann".to_owned(), why: String::new() });
        }
        let next = next(stored.clone(), look, world.now);
        assert_within(&world, &stored);
        if killed(&mut point) {
            world.wait(SignedDuration::from_secs(7));
            continue;
        }
        asked |= nature.asks.is_some_and(|(at, _)| world.looks >= at);
        stored = next.state;
        if killed(&mut point) {
            world.wait(SignedDuration::from_mins(3));
            continue;
        }
        if let Some(act) = next.act {
            assert_eq!(stored.intent.as_ref().map(|intent| intent.act), Some(act), "it is written before it is done");
            let result = world.act(act);
            if killed(&mut point) {
                world.wait(SignedDuration::from_secs(1));
                continue;
            }
            let (state, _) = done(stored.clone(), result, world.now);
            stored = state;
            if killed(&mut point) {
                world.wait(SignedDuration::from_mins(1));
                continue;
            }
        }
        world.wait(next.again);
    }
    // Everything that was asked for late comes true, and changes nothing.
    world.wait(SignedDuration::from_hours(1));
    (world, stored, point)
}

/// Nobody meets more of the canary than what is stored allows.
#[track_caller]
fn assert_within(world: &World, stored: &State) {
    let most = match stored.phase {
        Phase::Preparing => Percent::ZERO,
        Phase::Step(step) => stored.plan.steps.get(step).map_or(Percent::ZERO, |step| step.share),
        _ => Percent::WHOLE,
    };
    // Acts that come late belong to the step before, which had less.
    assert!(world.share <= most, "{} in {}", world.share, stored.phase);
}

#[track_caller]
fn assert_ended(world: &World, state: &State, about: &str) {
    match state.phase {
        Phase::Promoted => assert_eq!(world.stable, revision("new"), "{about}"),
        Phase::RolledBack => assert_eq!(world.stable, revision("old"), "{about}"),
        phase => panic!("{about}: it did not end but is {phase}: {state:#?}"),
    }
    assert_eq!((world.share, &world.canary), (Percent::ZERO, &None), "{about}: {:?}", state.rollback);
    // The last acts of a world that is as late as it can be come too late for anybody.
    assert!(!world.unseen || world.nature.late > 0 || world.nature.failing > 0, "{about}: {:?}", world.acts);
}

/// Kills once at every point that there is, and twice at pairs of them.
#[track_caller]
fn check(nature: Nature, expect: Phase) {
    let (world, state, points) = run(nature, &[]);
    assert_ended(&world, &state, "without a kill");
    assert_eq!(state.phase, expect, "{:?}", state.rollback);
    for first in 1..=points {
        let (world, state, _) = run(nature, &[first]);
        assert_ended(&world, &state, &format!("killed at {first}"));
        assert_eq!(state.phase, expect, "killed at {first}: {:?}", state.rollback);
        let second = first + 1 + first % (POINTS * 3);
        let (world, state, _) = run(nature, &[first, second, second + 1]);
        assert_ended(&world, &state, &format!("killed at {first}, {second} and after"));
    }
}

#[test]
fn a_good_release_is_promoted_wherever_gonogo_is_killed() {
    check(Nature::default(), Phase::Promoted);
}

#[test]
fn acts_that_take_effect_late_or_look_as_if_they_failed_do_not_matter() {
    check(Nature { late: 20, ..Nature::default() }, Phase::Promoted);
    check(Nature { failing: 7, ..Nature::default() }, Phase::Promoted);
    check(Nature { blind: 3, ..Nature::default() }, Phase::Promoted);
    check(Nature { late: 9, failing: 5, blind: 2, bad_from: Some(1_000), ..Nature::default() }, Phase::RolledBack);
}

#[test]
fn a_bad_release_is_rolled_back_wherever_gonogo_is_killed() {
    for bad_from in [1_000, 5_000, 10_000] {
        check(Nature { bad_from: Some(bad_from), ..Nature::default() }, Phase::RolledBack);
    }
}

#[test]
fn what_cannot_be_done_is_taken_back() {
    check(Nature { refuses_promotion: true, ..Nature::default() }, Phase::RolledBack);
    check(Nature { never_ready: true, ..Nature::default() }, Phase::RolledBack);
}

#[test]
fn a_person_takes_it_back_at_any_time() {
    for at in 1..60 {
        let nature = Nature { asks: Some((at, Ask::Abort)), ..Nature::default() };
        let (world, state, points) = run(nature, &[]);
        assert_ended(&world, &state, &format!("asked at look {at}"));
        for kill in (1..=points).step_by(3) {
            let (world, state, _) = run(nature, &[kill]);
            assert_ended(&world, &state, &format!("asked at look {at}, killed at {kill}"));
        }
        let nature = Nature { asks: Some((at, Ask::Undo)), ..Nature::default() };
        let (world, state, _) = run(nature, &[]);
        assert_ended(&world, &state, &format!("undone at look {at}"));
        assert_eq!(state.phase, Phase::RolledBack, "undone at look {at}");
    }
}
