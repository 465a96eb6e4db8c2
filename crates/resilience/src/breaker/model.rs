//! The breaker against a model that keeps every call and counts anew each time: too slow to use, too simple to be wrong.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    Counts, Percent, Settings, State, Window,
    machine::{Forced, Machine, Ticket},
};
use crate::Verdict;

/// What may happen to a breaker, in milliseconds.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Begin,
    End(prop::sample::Index, Verdict),
    GiveUp(prop::sample::Index),
    Force(Forced),
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    at: u64,
    failed: bool,
    slow: bool,
}

struct Model {
    settings: Settings,
    state: State,
    generation: u64,
    /// When the state began; in half-open, when the trial did.
    since: u64,
    open_until: u64,
    /// Every call that ended in this state.
    ended: Vec<Ended>,
    /// Calls under way that began in this state.
    out: u32,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

impl Model {
    fn enter(&mut self, state: State, now: u64) {
        *self = Self {
            settings: self.settings,
            state,
            generation: self.generation + 1,
            since: now,
            open_until: now,
            ended: Vec::new(),
            out: 0,
        };
    }

    fn open(&mut self, now: u64, wait: Duration) {
        self.enter(State::Open, now);
        self.open_until = now + millis(wait);
    }

    fn counts(&self, now: u64) -> Counts {
        let window: Vec<&Ended> = match self.settings.window {
            _ if self.state == State::HalfOpen => self.ended.iter().collect(),
            Window::Count(size) => self.ended.iter().rev().take(size as usize).collect(),
            Window::Time { span, buckets } => {
                let length = millis(span) / u64::from(buckets);
                let first = (now / length + 1).saturating_sub(u64::from(buckets));
                self.ended.iter().filter(|call| call.at / length >= first).collect()
            }
        };
        let count = |of: fn(&Ended) -> bool| u32::try_from(window.iter().filter(|call| of(call)).count()).unwrap();
        Counts { calls: count(|_| true), failures: count(|call| call.failed), slow: count(|call| call.slow) }
    }

    fn too_many(&self, failures: u32, slow: u32, calls: u32) -> bool {
        let share = |part: u32| f64::from(part) / f64::from(calls.max(1)) * 100.0;
        let reached = |part: u32, percent: Percent| {
            (1..=100).any(|whole| percent == Percent::new(whole) && calls > 0 && share(part) > f64::from(whole) - 1e-9)
        };
        reached(failures, self.settings.failure_rate) || reached(slow, self.settings.slow_rate)
    }

    fn pass_time(&mut self, now: u64) {
        if self.state == State::Open && now >= self.open_until {
            self.enter(State::HalfOpen, now);
        } else if self.state == State::HalfOpen && now - self.since >= millis(self.settings.trial_limit) {
            let Counts { calls, failures, slow } = self.counts(now);
            if calls + self.out == 0 {
                return;
            }
            if self.too_many(failures + self.out, slow + self.out, calls + self.out) {
                self.open(now, self.settings.open_for);
            } else {
                self.enter(State::Closed, now);
            }
        }
    }

    fn begin(&mut self, now: u64) -> bool {
        self.pass_time(now);
        match self.state {
            State::Open | State::ForcedOpen => return false,
            State::HalfOpen => {
                let taken = self.out + u32::try_from(self.ended.len()).unwrap();
                if taken >= self.settings.trial_calls {
                    return false;
                }
                if taken == 0 {
                    self.since = now;
                }
            }
            State::Closed | State::Disabled | State::MetricsOnly => {}
        }
        self.out += 1;
        true
    }

    fn end(&mut self, generation: u64, begun: u64, verdict: Verdict, now: u64) {
        if generation != self.generation {
            return;
        }
        self.out -= 1;
        if verdict == Verdict::Ignore || self.state == State::Disabled {
            return;
        }
        let slow = now - begun > millis(self.settings.slow_after);
        self.ended.push(Ended { at: now, failed: verdict != Verdict::Success, slow });
        if self.state == State::MetricsOnly {
            return;
        }
        if let Verdict::Trip { open_for } = verdict {
            return self.open(now, open_for.unwrap_or(self.settings.open_for));
        }
        let Counts { calls, failures, slow } = self.counts(now);
        if self.state == State::Closed {
            if calls >= self.settings.minimum() && self.too_many(failures, slow, calls) {
                self.open(now, self.settings.open_for);
            }
            return;
        }
        // Whatever the calls still to come bring: all good, or all bad.
        let trials = self.settings.trial_calls;
        let left = trials - calls;
        if self.too_many(failures, slow, trials) {
            self.open(now, self.settings.open_for);
        } else if !self.too_many(failures + left, slow + left, trials) {
            self.enter(State::Closed, now);
        }
    }
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Success),
        4 => Just(Verdict::Failure),
        1 => Just(Verdict::Ignore),
        1 => proptest::option::of(0_u64..500)
            .prop_map(|wait| Verdict::Trip { open_for: wait.map(Duration::from_millis) }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..150).prop_map(Step::Pass),
        8 => Just(Step::Begin),
        7 => (any::<prop::sample::Index>(), verdicts()).prop_map(|(index, verdict)| Step::End(index, verdict)),
        2 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        1 => prop_oneof![
            6 => Just(Forced::Closed),
            1 => Just(Forced::Open),
            1 => Just(Forced::Disabled),
            1 => Just(Forced::MetricsOnly),
        ].prop_map(Step::Force),
    ];
    prop::collection::vec(step, 1..300)
}

fn settings() -> impl Strategy<Value = Settings> {
    let window = prop_oneof![
        (1_u32..12).prop_map(Window::Count),
        (1_u32..6).prop_map(|buckets| Window::Time { span: Duration::from_millis(u64::from(buckets) * 60), buckets }),
    ];
    (window, 1_u32..8, 1_u8..=100, 1_u8..=100, 1_u32..6, 0_u64..300, 1_u64..300).prop_map(
        |(window, minimum_calls, failed, slow, trial_calls, open_for, trial_limit)| Settings {
            failure_rate: Percent::new(failed),
            slow_rate: Percent::new(slow),
            slow_after: Duration::from_millis(100),
            minimum_calls,
            window,
            open_for: Duration::from_millis(open_for),
            trial_calls,
            trial_limit: Duration::from_millis(trial_limit),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_breaker_does_what_the_model_does(settings in settings(), steps in steps()) {
        let start = Instant::now();
        let mut machine = Machine::new(settings, start);
        let mut model =
            Model { settings, state: State::Closed, generation: 0, since: 0, open_until: 0, ended: Vec::new(), out: 0 };
        let mut calls: Vec<(Ticket, u64, u64)> = Vec::new();
        let mut passed = 0;
        for step in steps {
            let now = start + Duration::from_millis(passed);
            match step {
                Step::Pass(wait) => passed += wait,
                Step::Begin => {
                    let admitted = machine.admit(now).1;
                    prop_assert_eq!(admitted.is_ok(), model.begin(passed));
                    if let Ok(ticket) = admitted {
                        calls.push((ticket, model.generation, passed));
                    }
                }
                Step::End(index, verdict) if !calls.is_empty() => {
                    let (ticket, generation, begun) = calls.swap_remove(index.index(calls.len()));
                    machine.settle(ticket, verdict, now);
                    model.end(generation, begun, verdict, passed);
                }
                Step::GiveUp(index) if !calls.is_empty() => {
                    let (ticket, generation, begun) = calls.swap_remove(index.index(calls.len()));
                    machine.release(ticket);
                    model.end(generation, begun, Verdict::Ignore, passed);
                }
                Step::End(..) | Step::GiveUp(_) => {}
                Step::Force(forced) => {
                    let to = machine.force(forced).to;
                    model.enter(to, passed);
                }
            }
            let now = start + Duration::from_millis(passed);
            prop_assert_eq!(machine.state(), model.state);
            prop_assert_eq!(machine.counts(now), model.counts(passed));
        }
    }
}
