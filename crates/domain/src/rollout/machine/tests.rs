//! What the machine decides, case by case.

use jiff::SignedDuration;

use super::{
    Ask, Asked, Look, done, next,
    simulation::{Nature, World, plan, revision, run},
};
use crate::rollout::{
    Act, GateKind, Percent, Phase, Requests, State, Trouble, TroubleKind, gate::Reading, sequential::Trials,
};

/// A rollout on whose looks a hand can be laid.
struct Played {
    world: World,
    state: State,
    told: Vec<String>,
}

impl Played {
    fn new(nature: Nature) -> Self {
        let world = World::new(nature);
        let state = State::new("1".to_owned(), plan(), revision("old"), None, world.now);
        Self { world, state, told: Vec::new() }
    }

    fn round(&mut self, change: impl FnOnce(&mut Look)) -> &mut Self {
        let mut look = self.world.look(&self.state);
        change(&mut look);
        let next = next(self.state.clone(), look, self.world.now);
        self.state = next.state;
        self.told.extend(next.told);
        if let Some(act) = next.act {
            let result = self.world.act(act);
            let (state, told) = done(self.state.clone(), result, self.world.now);
            self.state = state;
            self.told.extend(told);
        }
        self.world.now = self.world.now.saturating_add(next.again).unwrap();
        self
    }

    /// A round in which the world goes on by itself.
    fn noisy_round(&mut self) {
        let now = self.world.now;
        self.round(|_| {});
        let length = self.world.now.duration_since(now);
        self.world.now = now;
        self.world.wait(length);
    }

    /// Until this phase, or no more than so many looks.
    #[track_caller]
    fn until(&mut self, phase: Phase, change: impl Fn(&mut Look)) -> &mut Self {
        for _ in 0..500 {
            if self.state.phase == phase {
                return self;
            }
            self.round(&change);
        }
        panic!("{} instead of {phase}: {:#?}", self.state.phase, self.told)
    }
}

/// So many requests of each at every look, with so many errors.
fn requests(looks: &std::cell::Cell<u64>, each: [(u64, u64); 2]) -> impl Fn(&mut Look) {
    move |look| {
        looks.set(looks.get() + 1);
        let [canary, stable] = each.map(|(all, bad)| Some(Trials { all: all * looks.get(), bad: bad * looks.get() }));
        look.readings = vec![Reading::Counts { canary, stable }];
    }
}

#[test]
fn a_release_goes_through_its_steps_with_their_waits() {
    let (world, state, _) = run(Nature::default(), &[]);
    assert_eq!(state.phase, Phase::Promoted);
    let shares: Vec<_> = state.shares.iter().map(|one| (one.asked, one.percent())).collect();
    let percent = |hundredths| Percent::of_hundredths(hundredths);
    assert_eq!(shares, [(percent(1_000), Some(percent(1_000))), (percent(5_000), Some(percent(5_000)))]);
    // 10 + 5 + 10 minutes, three warm-ups, and some looks.
    let took = state.ended.unwrap().duration_since(state.started);
    assert!((26..33).contains(&took.as_mins()), "{took}");
    let shares = [1_000, 5_000].map(|share| Act::SetShare(percent(share)));
    // The canary goes, then what nobody sees, and the third call says that nothing is left.
    let expect = [&[Act::Prepare][..], &shares, &[Act::Promote, Act::Retire, Act::Retire, Act::Retire]].concat();
    assert_eq!(world.acts, expect);
}

#[test]
fn a_bad_release_is_taken_back_at_the_first_look_that_shows_it() {
    let (_, state, _) = run(Nature { bad_from: Some(1_000), ..Nature::default() }, &[]);
    let rollback = state.rollback.unwrap();
    assert!(rollback.why.starts_with("errors: canary 20 %"), "{}", rollback.why);
    assert_eq!(rollback.from, Phase::Step(0));
    let detected = rollback.decided.duration_since(state.started);
    assert!(detected < SignedDuration::from_mins(3), "{detected}");
    assert!(rollback.took().unwrap() < SignedDuration::from_mins(5));
    assert!(rollback.said.contains("errors as before"), "{}", rollback.said);
}

#[test]
fn too_few_requests_extend_the_watch_and_then_wait_for_a_person() {
    let looks = std::cell::Cell::new(0);
    let few = requests(&looks, [(1, 0), (9, 0)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), &few);
    let began = played.world.now;
    while played.state.hold.is_none() {
        played.round(&few);
        assert_eq!(played.state.phase, Phase::Step(0), "{:?}", played.told);
    }
    let waited = played.world.now.duration_since(began);
    assert!(waited >= SignedDuration::from_mins(30), "{waited}");
    assert!(played.state.hold.as_ref().unwrap().why.starts_with("not enough data: errors: "));
    // Nothing moves by itself.
    played.round(&few).round(&few);
    assert_eq!(played.state.phase, Phase::Step(0));
    played.round(|look| look.asked.push(Asked { what: Ask::Resume, by: "ann".to_owned(), why: String::new() }));
    assert_eq!(played.state.phase, Phase::Step(1));
}

#[test]
fn nobody_answers_a_question_for_a_day() {
    let looks = std::cell::Cell::new(0);
    let mut played = Played::new(Nature::default());
    played.state.plan.deadlines.hold = SignedDuration::from_mins(20);
    played.until(Phase::RolledBack, requests(&looks, [(1, 0), (9, 0)]));
    assert!(played.state.rollback.as_ref().unwrap().why.starts_with("nobody said for 21 min"), "{:?}", played.told);
}

#[test]
fn a_pause_stops_the_steps_and_not_the_gates() {
    let looks = std::cell::Cell::new(0);
    let well = requests(&looks, [(1_000, 1), (9_000, 9)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), &well);
    played.round(|look| look.asked.push(Asked { what: Ask::Pause, by: "ann".to_owned(), why: "lunch".to_owned() }));
    for _ in 0..60 {
        played.round(&well);
    }
    assert_eq!(played.state.phase, Phase::Step(0));
    let bad = std::cell::Cell::new(looks.get() * 2);
    played.round(requests(&bad, [(1_000, 300), (9_000, 9)]));
    assert_eq!(played.state.rollback.as_ref().map(|one| one.from), Some(Phase::Step(0)));
}

#[test]
fn a_pause_does_not_stand_for_data() {
    let looks = std::cell::Cell::new(0);
    let few = requests(&looks, [(1, 0), (9, 0)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), &few);
    let ask = |what| move |look: &mut Look| look.asked.push(Asked { what, by: "ann".to_owned(), why: String::new() });
    played.round(ask(Ask::Pause));
    for _ in 0..15 {
        played.round(&few);
    }
    played.round(ask(Ask::Resume));
    assert_eq!((played.state.phase, &played.state.hold), (Phase::Step(0), &None));
}

#[test]
fn errors_of_the_provider_are_borne_four_times() {
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), |_| {});
    let broken = |look: &mut Look| look.readings = vec![Reading::Error("no answer".to_owned())];
    // The warm-up passes first.
    played.round(|_| {}).round(|_| {});
    while played.state.gates.first().unwrap().counts.error < 4 {
        played.round(broken);
        assert_eq!(played.state.phase, Phase::Step(0));
    }
    played.round(broken);
    assert_eq!(played.state.rollback.as_ref().map(|one| one.why.as_str()), Some("errors: no answer"));
}

#[test]
fn more_traffic_than_was_signed_for_is_taken_back() {
    let looks = std::cell::Cell::new(0);
    let skewed = requests(&looks, [(380, 0), (620, 0)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::RolledBack, skewed);
    let why = &played.state.rollback.as_ref().unwrap().why;
    assert!(why.starts_with("the canary got 38 % of "), "{why}");
}

/// Probes are counted by the service and not by the proxy: a canary with few users would look as if it had many.
#[test]
fn the_share_is_what_the_driver_counts_where_it_counts() {
    let looks = std::cell::Cell::new(0);
    let with_probes = requests(&looks, [(380, 0), (620, 0)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(1), |look| {
        with_probes(look);
        look.requests = Some(Requests { canary: 100 * looks.get(), stable: 900 * looks.get() });
    });
    let shares: Vec<_> = played.state.shares.iter().map(super::super::state::Measured::percent).collect();
    assert_eq!(shares, [Some(Percent::of_hundredths(1_000))], "{:?}", played.told);
}

#[test]
fn a_canary_that_says_nothing_for_a_moment_is_no_other_one_and_is_judged_on() {
    let looks = std::cell::Cell::new(0);
    let well = requests(&looks, [(1_000, 1), (9_000, 9)]);
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), &well);
    played.round(&well).round(&well).round(&well);
    let silent = |look: &mut Look| {
        let canary = look.sight.as_mut().unwrap().canary.as_mut().unwrap();
        (canary.revision, canary.ready) = (revision(""), 0);
    };
    for _ in 0..3 {
        played.round(|look| {
            well(look);
            silent(look);
        });
    }
    assert_eq!((played.state.phase, &played.state.rollback), (Phase::Step(0), &None), "{:?}", played.told);
    let bad = std::cell::Cell::new(looks.get() * 2);
    let errors = requests(&bad, [(1_000, 300), (9_000, 9)]);
    played.round(|look| {
        errors(look);
        silent(look);
    });
    let why = &played.state.rollback.as_ref().unwrap().why;
    assert!(why.starts_with("errors: canary "), "{why}");
}

#[test]
fn what_somebody_else_put_there_is_not_watched_on() {
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), |_| {});
    played.round(|look| look.sight.as_mut().unwrap().stable.revision = revision("third"));
    let why = &played.state.rollback.as_ref().unwrap().why;
    assert_eq!(why, "stable was old and became third by somebody else");
}

#[test]
fn restarts_of_the_canary_are_no_gate_that_has_to_be_written() {
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), |_| {});
    played.round(|look| look.sight.as_mut().unwrap().canary.as_mut().unwrap().out_of_memory = 1);
    let why = &played.state.rollback.as_ref().unwrap().why;
    assert_eq!(why, "the canary restarted 1 times; 0 are tolerated");
}

#[test]
fn blindness_is_borne_for_five_minutes() {
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), |_| {});
    let blind = |look: &mut Look| {
        look.sight = Err(Trouble::new(TroubleKind::Unreachable, "the API", "no answer", "look after it"));
    };
    let began = played.world.now;
    while played.state.phase == Phase::Step(0) {
        played.round(blind);
    }
    let borne = played.world.now.duration_since(began);
    assert!((300..=305).contains(&borne.as_secs()), "{borne}");
    // It is asked for blindly, and ends as soon as something is seen.
    assert_eq!(played.world.share, Percent::ZERO);
    played.until(Phase::RolledBack, |_| {});
}

#[test]
fn a_person_leaves_out_steps() {
    let mut played = Played::new(Nature::default());
    played.until(Phase::Step(0), |_| {});
    played.round(|look| look.asked.push(Asked { what: Ask::Promote, by: "ann".to_owned(), why: "urgent".to_owned() }));
    assert_eq!(played.state.phase, Phase::Promoting);
    assert!(played.state.promoted);
}

#[test]
fn a_rollback_that_cannot_be_verified_says_what_is_missing() {
    let mut played = Played::new(Nature { bad_from: Some(1_000), ..Nature::default() });
    let unwell = |look: &mut Look| {
        if let Ok(sight) = &mut look.sight {
            sight.stable.ready = 7;
        }
    };
    played.until(Phase::Step(0), |_| {});
    played.round(|look| look.asked.push(Asked { what: Ask::Abort, by: "ann".to_owned(), why: String::new() }));
    played.until(Phase::RolledBack, unwell);
    let rollback = played.state.rollback.as_ref().unwrap();
    assert_eq!(rollback.verified, None);
    assert!(rollback.said.starts_with("7 of 10 are ready"), "{}", rollback.said);
}

#[test]
fn a_promotion_asked_for_early_waits_for_the_canary() {
    let mut played = Played::new(Nature::default());
    played.round(|look| look.asked.push(Asked { what: Ask::Promote, by: "ann".to_owned(), why: String::new() }));
    assert_eq!(played.state.phase, Phase::Preparing);
    played.until(Phase::Promoting, |_| {});
    assert_eq!(played.world.canary, Some(revision("new")));
}

/// The bound of the gate stands aside: an outage for everybody is no fault of the release, and 5 % is exceeded by it.
fn noisy(nature: Nature, every: i64) -> State {
    let mut played = Played::new(nature);
    played.state.plan.every = SignedDuration::from_secs(every);
    for gate in &mut played.state.plan.gates {
        gate.kind = GateKind::Compare { worse_by: 0.01, at_most: None };
    }
    for _ in 0..2_000 {
        if played.state.phase.ended() {
            break;
        }
        played.noisy_round();
    }
    played.state
}

#[test]
fn of_a_hundred_good_releases_under_noise_none_is_taken_back() {
    let ended: Vec<State> = (0..100).map(|seed| noisy(Nature { noise: Some(seed), ..Nature::default() }, 60)).collect();
    let back: Vec<_> = ended.iter().filter_map(|state| state.rollback.as_ref().map(|one| &one.why)).collect();
    assert!(back.is_empty(), "{back:?}");
    assert!(ended.iter().all(|state| state.phase == Phase::Promoted));
}

/// At 200 requests a second, of which 0.1 % go wrong, with 10 % to the canary and a look every ten seconds: the numbers of
/// docs/rollout.md.
#[test]
fn the_worse_a_release_the_sooner_it_is_seen() {
    // Seconds after the warm-up: of 30 releases how many were seen, and the median.
    let mut table = Vec::new();
    for wrong in [500, 100, 50, 20, 10, 5, 3, 2] {
        let mut seconds = Vec::new();
        for seed in 0..30 {
            let nature = Nature { noise: Some(seed), bad_from: Some(1_000), wrong, ..Nature::default() };
            let state = noisy(nature, 10);
            let Some(rollback) = state.rollback else { continue };
            seconds.push(rollback.decided.duration_since(state.started).as_secs() - 32);
        }
        seconds.sort_unstable();
        table.push((wrong, seconds.len(), seconds.get(seconds.len() / 2).copied()));
    }
    let expect =
        [(500, 30, 4), (100, 30, 4), (50, 30, 4), (20, 30, 14), (10, 30, 54), (5, 29, 204), (3, 12, 564), (2, 0, 0)];
    for ((wrong, seen, median), (_, expect_seen, expect_median)) in table.into_iter().zip(expect) {
        let median = median.unwrap_or(0);
        assert!(seen.abs_diff(expect_seen) <= 2, "{wrong} of 1000: seen {seen} times");
        assert!((median - expect_median).abs() <= 10 + expect_median / 5, "{wrong} of 1000: after {median} s");
    }
}
