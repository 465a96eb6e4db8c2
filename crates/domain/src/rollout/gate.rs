//! What a gate read, kept from look to look, and what it says now.

use serde::{Deserialize, Serialize};

use super::{
    GateKind,
    analysis::{Counts, Measured},
    latency::{Histogram, Slower},
    power::{self, ratio, time},
    sequential::{Evidence, Trials, float},
};

/// What a meter said when it was asked for one gate. Counters are as they stand, not since the last look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// None: that release has no series yet.
    Counts {
        canary: Option<Trials>,
        stable: Option<Trials>,
    },
    Histograms {
        canary: Option<Histogram>,
        stable: Option<Histogram>,
    },
    /// None: no series.
    Value(Option<f64>),
    Passed(String),
    NotPassed(String),
    /// The provider could not be asked, or answered what nobody can read.
    Error(String),
}

/// Which releases a look is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Counters are taken and nothing is judged: warming up, or something is under way.
    Away,
    /// Both take traffic: the canary is compared with stable.
    Beside,
    /// Stable has the release: it is measured against what stable was before. By whichever name it is counted, stable's or
    /// the canary's, both run it.
    Alone,
    /// Stable has what it had: it is measured against what it was before.
    Back,
}

/// One gate over a rollout.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Watched {
    pub counts: Counts,
    /// What it said last, and with which numbers.
    pub measured: Option<Measured>,
    pub said: String,
    /// Requests while both took traffic.
    pub canary: Trials,
    pub stable: Trials,
    /// Requests of the release alone, after the promotion or after a rollback of what it was before.
    pub alone: Trials,
    /// Requests of this step, for the share that is measured.
    pub of_step: (u64, u64),
    worse: Evidence,
    above: Evidence,
    slower: Slower,
    #[serde(default)]
    above_in_a_row: u32,
    slow_alone: (Histogram, Histogram),
    before: Option<Reading>,
}

/// A difference below this part of what a gate is to see does not matter, however surely it is there.
const IGNORED: f64 = 0.1;

/// Alone there is nothing of the same time that would tell an outage for everybody from a fault of the release: it takes as
/// many looks in a row, each of which shows it.
const LOOKS_ALONE: u32 = 3;

impl Watched {
    /// A step begins: its share is measured anew, and what comes before the warm-up is over does not count.
    pub fn begin_step(&mut self) {
        self.of_step = (0, 0);
        self.before = None;
    }

    /// The release is alone now: what was compared is over.
    pub fn begin_alone(&mut self) {
        self.begin_step();
        (self.above, self.above_in_a_row) = (Evidence::default(), 0);
        self.alone = Trials::default();
        self.measured = None;
    }

    /// Takes a reading, and says what it means. Counted and kept, except while away.
    pub fn look(&mut self, kind: &GateKind, reading: Reading, stage: Stage, false_alarms: f64) {
        let (measured, said) = match (kind, reading) {
            (_, Reading::Error(reason)) => (Measured::Error, reason),
            (GateKind::Compare { worse_by, at_most }, Reading::Counts { canary, stable }) => {
                let (was_canary, was_stable) = match self.before.take() {
                    Some(Reading::Counts { canary, stable }) => (canary, stable),
                    _ => (None, None),
                };
                self.before = Some(Reading::Counts { canary, stable });
                let (canary, stable) = (since(canary, was_canary), since(stable, was_stable));
                match stage {
                    Stage::Away => return,
                    Stage::Beside => self.compare(*worse_by, *at_most, canary, stable, false_alarms),
                    Stage::Alone => self.bound(*worse_by, *at_most, either(canary, stable, Trials::plus), false_alarms),
                    Stage::Back => self.bound(*worse_by, *at_most, stable, false_alarms),
                }
            }
            (GateKind::Latency { worse_by, from }, Reading::Histograms { canary, stable }) => {
                let before =
                    self.before.replace(Reading::Histograms { canary: canary.clone(), stable: stable.clone() });
                let (was_canary, was_stable) = match before {
                    Some(Reading::Histograms { canary, stable }) => (canary, stable),
                    _ => (None, None),
                };
                let since = |now: Option<Histogram>, then: Option<Histogram>| Some(now?.since(&then?));
                let (canary, stable) = (since(canary, was_canary), since(stable, was_stable));
                match stage {
                    Stage::Away => return,
                    Stage::Beside => self.compare_latency(*worse_by, *from, canary, stable, false_alarms),
                    Stage::Alone => {
                        let both = either(canary, stable, |one, other| one.plus(&other));
                        self.bound_latency(*worse_by, *from, both)
                    }
                    Stage::Back => self.bound_latency(*worse_by, *from, stable),
                }
            }
            (GateKind::Value { conditions }, Reading::Value(value)) if stage != Stage::Away => {
                let said = value.map_or_else(|| "no series".to_owned(), |value| format!("{value} ({conditions})"));
                (conditions.judge(value), said)
            }
            (GateKind::Check, Reading::Passed(said)) if stage != Stage::Away => (Measured::Successful, said),
            (GateKind::Check, Reading::NotPassed(said)) if stage != Stage::Away => (Measured::Failed, said),
            _ if stage == Stage::Away => return,
            (_, other) => (Measured::Error, format!("the meter answered with {}", name(&other))),
        };
        if stage == Stage::Away {
            return;
        }
        self.counts.count(measured);
        self.measured = Some(measured);
        self.said = said;
    }

    fn compare(
        &mut self,
        worse_by: f64,
        at_most: Option<f64>,
        canary: Option<Trials>,
        stable: Option<Trials>,
        false_alarms: f64,
    ) -> (Measured, String) {
        let (Some(canary), Some(stable)) = (canary, stable) else {
            return (Measured::NoData, "no series of both releases yet".to_owned());
        };
        self.canary.add(canary);
        self.stable.add(stable);
        self.of_step = (self.of_step.0.saturating_add(canary.all), self.of_step.1.saturating_add(stable.all));
        self.worse.look(canary, stable);
        if let Some(bound) = at_most {
            self.above.look_against(canary, bound);
        }
        let (Some(of_canary), Some(of_stable)) = (self.canary.ratio(), self.stable.ratio()) else {
            return (Measured::NoData, "no requests to both releases yet".to_owned());
        };
        let numbers = format!(
            "canary {} of {}, stable {} of {}",
            ratio(of_canary),
            self.canary.all,
            ratio(of_stable),
            self.stable.all
        );
        if self.worse.shows(false_alarms) && of_canary - of_stable >= worse_by * IGNORED {
            return (Measured::Failed, format!("{numbers}: worse"));
        }
        if let Some(bound) = at_most.filter(|_| self.above.shows(false_alarms)) {
            return (Measured::Failed, format!("{numbers}: above {}", ratio(bound)));
        }
        let needed = needed(self.canary, self.stable, of_stable, of_stable + worse_by, false_alarms);
        if float(self.canary.all) >= needed {
            return (Measured::Successful, format!("{numbers}: not worse by {}", ratio(worse_by)));
        }
        (Measured::NoData, format!("{numbers}: {needed:.0} of the canary would show {}", ratio(of_stable + worse_by)))
    }

    fn bound(
        &mut self,
        worse_by: f64,
        at_most: Option<f64>,
        now: Option<Trials>,
        false_alarms: f64,
    ) -> (Measured, String) {
        let Some(now) = now else { return (Measured::NoData, "no series yet".to_owned()) };
        self.alone.add(now);
        // As good as stable was, give or take what the gate asks for, is good enough; the bound of the file still holds.
        let before = self.stable.ratio().unwrap_or(0.0) + worse_by;
        let bound = at_most.map_or(before, |at_most| at_most.min(before)).clamp(1e-6, 0.999);
        let mut above = Evidence::default();
        above.look_against(now, bound);
        self.above_in_a_row = if above.shows(false_alarms) { self.above_in_a_row + 1 } else { 0 };
        let Some(of_all) = self.alone.ratio() else { return (Measured::NoData, "no requests yet".to_owned()) };
        let numbers = format!("{} of {}", ratio(of_all), self.alone.all);
        if self.above_in_a_row >= LOOKS_ALONE {
            return (Measured::Failed, format!("{numbers}: above {} at {LOOKS_ALONE} looks in a row", ratio(bound)));
        }
        if self.above_in_a_row > 0 {
            return (
                Measured::NoData,
                format!("{} of {} now: above {}", ratio(now.ratio().unwrap_or(0.0)), now.all, ratio(bound)),
            );
        }
        (Measured::Successful, format!("{numbers}: not shown to be above {}", ratio(bound)))
    }

    fn compare_latency(
        &mut self,
        worse_by: f64,
        from: f64,
        canary: Option<Histogram>,
        stable: Option<Histogram>,
        false_alarms: f64,
    ) -> (Measured, String) {
        let (Some(canary), Some(stable)) = (canary, stable) else {
            return (Measured::NoData, "no histograms of both releases yet".to_owned());
        };
        self.slower.look(&canary, &stable, from);
        self.canary.add(Trials { all: canary.all, bad: 0 });
        self.stable.add(Trials { all: stable.all, bad: 0 });
        self.of_step = (self.of_step.0.saturating_add(canary.all), self.of_step.1.saturating_add(stable.all));
        self.slow_alone.1 = self.slow_alone.1.plus(&stable);
        self.slow_alone.0 = self.slow_alone.0.plus(&canary);
        let Some(worst) = self.slower.worst() else {
            return (Measured::NoData, format!("no common bound from {} on yet", seconds(from)));
        };
        let (Some(of_canary), Some(of_stable)) = (worst.canary.ratio(), worst.stable.ratio()) else {
            return (Measured::NoData, "no requests to both releases yet".to_owned());
        };
        let numbers = format!(
            "slower than {}: canary {} of {}, stable {} of {}",
            seconds(worst.bound),
            ratio(of_canary),
            worst.canary.all,
            ratio(of_stable),
            worst.stable.all
        );
        if self.slower.shows(false_alarms) && of_canary - of_stable >= worse_by * IGNORED * 2.0 {
            return (Measured::Failed, format!("{numbers}: worse"));
        }
        // The mean over the bounds costs as much as that many times fewer false alarms at the one that matters.
        let needed = needed(self.canary, self.stable, 0.01, 0.01 + worse_by, false_alarms / 10.0);
        if float(self.canary.all) >= needed {
            return (Measured::Successful, format!("{numbers}: not worse"));
        }
        (Measured::NoData, format!("{numbers}: {needed:.0} of the canary would show {} more", ratio(worse_by)))
    }

    /// Alone there is nothing of the same time that would tell a slow release from a slow time: what is slower than it was
    /// is not over, and in the end a person decides.
    fn bound_latency(&mut self, worse_by: f64, from: f64, now: Option<Histogram>) -> (Measured, String) {
        let Some(now) = now else { return (Measured::NoData, "no histogram yet".to_owned()) };
        if self.alone.all == 0 {
            self.slow_alone.0 = Histogram::default();
        }
        self.alone.add(Trials { all: now.all, bad: 0 });
        self.slow_alone.0 = self.slow_alone.0.plus(&now);
        let (after, before) = &self.slow_alone;
        if after.all == 0 {
            return (Measured::NoData, "no requests yet".to_owned());
        }
        let worst = after
            .up_to
            .iter()
            .filter(|(bound, _)| *bound >= from)
            .filter_map(|(bound, _)| {
                let (after, before) = (after.slower(*bound)?.ratio()?, before.slower(*bound)?.ratio()?);
                Some((after - before, *bound, after, before))
            })
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let Some((more, bound, after_ratio, before_ratio)) = worst else {
            return (Measured::Successful, format!("{} requests, nothing to compare with", after.all));
        };
        let numbers = format!(
            "slower than {}: {} of {}, before {}",
            seconds(bound),
            ratio(after_ratio),
            after.all,
            ratio(before_ratio)
        );
        // Four standard deviations besides, so that few requests do not decide.
        let doubt = 4.0 * (after_ratio * (1.0 - after_ratio) / float(after.all)).sqrt();
        // All looks together show it, and this one does not say that it is over.
        let still = now.slower(bound).and_then(Trials::ratio).is_some_and(|now| now - before_ratio > worse_by);
        if still && more - doubt > worse_by {
            return (Measured::NoData, format!("{numbers}: slower than it was, which may be the time or the release"));
        }
        (Measured::Successful, numbers)
    }

    /// Whether what serves alone now is as good as stable was: for a rollback to be verified. None: no request yet.
    pub fn as_before(&self, kind: &GateKind) -> Option<bool> {
        let GateKind::Compare { worse_by, .. } = kind else { return Some(true) };
        let now = self.alone.ratio()?;
        Some(now <= self.stable.ratio().unwrap_or(0.0) + worse_by)
    }
}

/// The requests of the canary that it takes, at the share that was measured.
fn needed(canary: Trials, stable: Trials, of_stable: f64, of_canary: f64, false_alarms: f64) -> f64 {
    let all = float(canary.all) + float(stable.all);
    let share = if all > 0.0 { float(canary.all) / all } else { 0.5 };
    power::requests(share, of_stable.min(0.99), of_canary.min(1.0), false_alarms)
        .map_or(f64::INFINITY, |all| all * share)
}

/// What came since then; all of it where the counter began anew; none where there is no earlier one.
fn since(now: Option<Trials>, then: Option<Trials>) -> Option<Trials> {
    let (now, then) = (now?, then?);
    if now.all < then.all || now.bad < then.bad {
        return Some(now);
    }
    Some(Trials { all: now.all - then.all, bad: now.bad - then.bad })
}

/// Both together, or the one that there is.
fn either<T>(one: Option<T>, other: Option<T>, plus: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(plus(one, other)),
        (one, other) => one.or(other),
    }
}

fn seconds(bound: f64) -> String {
    if bound < 1.0 {
        format!("{:.0} ms", bound * 1000.0)
    } else {
        time(std::time::Duration::from_secs_f64(bound.min(1e6)))
    }
}

fn name(reading: &Reading) -> &'static str {
    match reading {
        Reading::Counts { .. } => "counters",
        Reading::Histograms { .. } => "histograms",
        Reading::Value(_) => "a number",
        Reading::Passed(_) | Reading::NotPassed(_) => "passed or not",
        Reading::Error(_) => "an error",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::analysis::Conditions, *};

    const ERRORS: GateKind = GateKind::Compare { worse_by: 0.01, at_most: Some(0.05) };

    fn counts(canary: (u64, u64), stable: (u64, u64)) -> Reading {
        let trials = |(all, bad)| Some(Trials { all, bad });
        Reading::Counts { canary: trials(canary), stable: trials(stable) }
    }

    /// What a gate says after each of these readings.
    #[track_caller]
    fn check(kind: GateKind, stage: Stage, readings: Vec<Reading>, expect: &[Option<Measured>]) -> Watched {
        let mut watched = Watched::default();
        let said: Vec<_> = readings
            .into_iter()
            .map(|reading| {
                watched.look(&kind, reading, stage, 0.01);
                watched.measured
            })
            .collect();
        assert_eq!(said, expect, "{}", watched.said);
        watched
    }

    #[test]
    fn enough_good_requests_succeed_and_too_few_say_nothing() {
        let readings = vec![counts((5, 0), (50, 0)), counts((55, 0), (500, 0)), counts((5_005, 5), (45_050, 45))];
        let (no_data, well) = (Some(Measured::NoData), Some(Measured::Successful));
        let watched = check(ERRORS, Stage::Beside, readings, &[no_data, no_data, well]);
        assert_eq!(watched.said, "canary 0.1 % of 5000, stable 0.1 % of 45000: not worse by 1 %");
        assert_eq!(watched.of_step, (5_000, 45_000));
    }

    #[test]
    fn errors_of_the_canary_fail_and_errors_of_both_do_not() {
        let (no_data, failed) = (Some(Measured::NoData), Some(Measured::Failed));
        check(ERRORS, Stage::Beside, vec![counts((0, 0), (0, 0)), counts((100, 10), (900, 1))], &[no_data, failed]);
        let compare_only = GateKind::Compare { worse_by: 0.01, at_most: None };
        let both = vec![counts((0, 0), (0, 0)), counts((100, 30), (900, 270))];
        check(compare_only, Stage::Beside, both, &[no_data, no_data]);
    }

    #[test]
    fn the_bound_holds_whatever_stable_does() {
        let both = vec![counts((0, 0), (0, 0)), counts((200, 60), (1800, 540))];
        let watched = check(ERRORS, Stage::Beside, both, &[Some(Measured::NoData), Some(Measured::Failed)]);
        assert!(watched.said.ends_with("above 5 %"), "{}", watched.said);
    }

    #[test]
    fn what_happens_while_warming_up_does_not_count() {
        let mut watched = Watched::default();
        watched.look(&ERRORS, counts((0, 0), (0, 0)), Stage::Away, 0.01);
        watched.look(&ERRORS, counts((100, 100), (900, 0)), Stage::Away, 0.01);
        assert_eq!((watched.measured, watched.canary.all), (None, 0));
        watched.look(&ERRORS, counts((200, 100), (1800, 0)), Stage::Beside, 0.01);
        assert_eq!(watched.canary, Trials { all: 100, bad: 0 });
    }

    #[test]
    fn counters_that_began_anew_are_not_negative() {
        let readings = vec![counts((100, 9), (900, 9)), counts((30, 0), (1_000, 9))];
        let watched = check(ERRORS, Stage::Beside, readings, &[Some(Measured::NoData); 2]);
        assert_eq!((watched.canary.all, watched.stable.all), (30, 100));
    }

    #[test]
    fn an_error_of_the_provider_is_one_and_an_answer_of_another_kind_too() {
        let readings = vec![Reading::Error("no answer".to_owned()), Reading::Value(Some(1.0))];
        check(ERRORS, Stage::Beside, readings, &[Some(Measured::Error); 2]);
        let value = GateKind::Value { conditions: Conditions::Success("< 1".parse().unwrap()) };
        let readings = vec![Reading::Value(None), Reading::Value(Some(f64::NAN)), Reading::Value(Some(2.0))];
        let (no_data, failed) = (Some(Measured::NoData), Some(Measured::Failed));
        check(value, Stage::Beside, readings, &[no_data, no_data, failed]);
    }

    #[test]
    fn alone_it_is_measured_against_what_stable_was() {
        let mut watched = Watched::default();
        for reading in [counts((0, 0), (0, 0)), counts((1_000, 0), (9_000, 0))] {
            watched.look(&ERRORS, reading, Stage::Beside, 0.01);
        }
        watched.begin_alone();
        watched.look(&ERRORS, counts((0, 0), (100, 0)), Stage::Away, 0.01);
        watched.look(&ERRORS, counts((0, 0), (300, 2)), Stage::Alone, 0.01);
        assert_eq!((watched.measured, watched.as_before(&ERRORS)), (Some(Measured::Successful), Some(true)));
        // Once and twice it may be an outage for everybody.
        for (look, expect) in [(1, Measured::NoData), (2, Measured::NoData), (3, Measured::Failed)] {
            watched.look(&ERRORS, counts((0, 0), (300 + 200 * look, 2 + 30 * look)), Stage::Alone, 0.01);
            assert_eq!((watched.measured, watched.as_before(&ERRORS)), (Some(expect), Some(false)));
        }
    }

    #[test]
    fn a_release_that_is_alone_may_be_counted_as_either_of_the_two() {
        let mut watched = Watched::default();
        for reading in [counts((0, 0), (0, 0)), counts((1_000, 0), (9_000, 0))] {
            watched.look(&ERRORS, reading, Stage::Beside, 0.01);
        }
        watched.begin_alone();
        // Told by its version, nothing is counted as the stable one any more.
        let only_canary = |all, bad| Reading::Counts { canary: Some(Trials { all, bad }), stable: None };
        watched.look(&ERRORS, only_canary(1_000, 0), Stage::Away, 0.01);
        watched.look(&ERRORS, only_canary(1_300, 2), Stage::Alone, 0.01);
        assert_eq!((watched.measured, watched.alone.all), (Some(Measured::Successful), 300));
        // Back at what it was, the tail of the release says nothing of it.
        watched.begin_alone();
        watched.look(&ERRORS, counts((1_400, 90), (9_000, 0)), Stage::Away, 0.01);
        watched.look(&ERRORS, counts((1_500, 190), (9_300, 0)), Stage::Back, 0.01);
        assert_eq!((watched.alone, watched.as_before(&ERRORS)), (Trials { all: 300, bad: 0 }, Some(true)));
    }

    #[test]
    fn latency_alone_is_waited_for_as_long_as_it_is_worse_than_it_was() {
        const LATENCY: GateKind = GateKind::Latency { worse_by: 0.05, from: 0.0 };
        let mut watched = Watched::default();
        let (mut all, mut slow) = (0, 0);
        let mut look = |watched: &mut Watched, slower: u64, stage| {
            (all, slow) = (all + 200, slow + slower);
            let histogram = Some(Histogram::new(vec![(0.1, all - slow)], all));
            watched.look(&LATENCY, Reading::Histograms { canary: histogram.clone(), stable: histogram }, stage, 0.01);
            watched.measured
        };
        for _ in 0..10 {
            look(&mut watched, 2, Stage::Beside);
        }
        watched.begin_alone();
        look(&mut watched, 2, Stage::Away);
        let (well, open) = (Some(Measured::Successful), Some(Measured::NoData));
        // A slow time is over some day; what stays is for a person.
        for (slower, expect) in [(2, well), (120, open), (120, open), (2, well), (120, open), (120, open), (120, open)]
        {
            assert_eq!(look(&mut watched, slower, Stage::Alone), expect, "{}", watched.said);
        }
    }

    #[test]
    fn it_survives_being_stored() {
        let mut watched = Watched::default();
        for reading in [counts((0, 0), (0, 0)), counts((100, 1), (900, 1))] {
            watched.look(&ERRORS, reading, Stage::Beside, 0.01);
        }
        // As a value of any format that tells numbers apart from nothing.
        let stored = toml::to_string(&watched).unwrap();
        assert_eq!(toml::from_str::<Watched>(&stored).unwrap(), watched);
    }
}
