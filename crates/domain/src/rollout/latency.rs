//! Latency compared by the buckets of histograms: at every bound, how many requests were slower.
//!
//! A mean of percentiles hides bursts and a percentile says nothing without its number of requests. Each bound that both
//! histograms have makes two kinds of requests, and they are compared as errors are. The mean of the evidence of all bounds
//! is evidence of the same strength, so that no bound has to be chosen beforehand.
//!
//! Requests are not slow one by one, though: a pause of one process is a clump of them, and the release with one process
//! among ten has its clump in other looks than the rest. So the ratios also have to differ by far more than they are spread from look to
//! look, whatever hangs together within one.

use serde::{Deserialize, Serialize};

use super::sequential::{Evidence, Trials, float};

/// How many requests took at most so long, as a cumulative histogram of Prometheus says.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// Upper bounds in seconds with the number of requests up to each, rising; without the last one (+Inf).
    pub up_to: Vec<(f64, u64)>,
    pub all: u64,
}

/// By so many standard deviations of the looks the ratios have to differ. What is so all the time shows it after five.
const APART: f64 = 4.0;

/// More bounds than anybody reads.
const MOST_BOUNDS: usize = 200;

impl Histogram {
    /// Sorts, leaves out bounds that are no numbers, and lets counts rise as they must.
    pub fn new(mut up_to: Vec<(f64, u64)>, all: u64) -> Self {
        up_to.retain(|(bound, _)| bound.is_finite());
        up_to.sort_by(|one, other| one.0.total_cmp(&other.0));
        up_to.dedup_by(|one, other| one.0.total_cmp(&other.0).is_eq());
        up_to.truncate(MOST_BOUNDS);
        let mut before = 0;
        for (_, count) in &mut up_to {
            *count = (*count).max(before).min(all);
            before = *count;
        }
        Self { up_to, all }
    }

    /// What came since an earlier look; all of it, where the counters began anew.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let same = self
            .up_to
            .iter()
            .map(|(bound, _)| bound.to_bits())
            .eq(before.up_to.iter().map(|(bound, _)| bound.to_bits()));
        if !same || self.all < before.all {
            return self.clone();
        }
        let pairs = self.up_to.iter().zip(&before.up_to);
        Self::new(
            pairs.map(|((bound, now), (_, then))| (*bound, now.saturating_sub(*then))).collect(),
            self.all - before.all,
        )
    }

    /// Both together, at the bounds that both have.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        if self.all == 0 && self.up_to.is_empty() {
            return other.clone();
        }
        let both = self.up_to.iter().filter_map(|(bound, count)| Some((*bound, count + other.count(*bound)?)));
        Self::new(both.collect(), self.all + other.all)
    }

    fn count(&self, bound: f64) -> Option<u64> {
        self.up_to.iter().find(|(other, _)| other.total_cmp(&bound).is_eq()).map(|(_, count)| *count)
    }

    /// The requests, and those that took longer than this bound; none where it is no bound.
    pub fn slower(&self, bound: f64) -> Option<Trials> {
        self.count(bound).map(|count| Trials { all: self.all, bad: self.all.saturating_sub(count) })
    }

    /// Between which bounds this part of the requests ends, at the upper one; none where it is beyond the last or there is
    /// no request.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        if self.all == 0 {
            return None;
        }
        self.up_to.iter().find(|(_, count)| float(*count) >= part * float(self.all)).map(|(bound, _)| *bound)
    }
}

/// The evidence so far that the canary is slower, at each bound.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Slower {
    bounds: Vec<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct At {
    bound: f64,
    evidence: Evidence,
    canary: Trials,
    stable: Trials,
    /// Of the canary, and of stable.
    #[serde(default)]
    looks: (Looks, Looks),
}

/// Sums over looks, from which follows how widely a ratio is spread over them.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Looks {
    count: u32,
    all_squared: f64,
    all_and_bad: f64,
    bad_squared: f64,
}

impl Looks {
    fn add(&mut self, trials: Trials) {
        let (all, bad) = (float(trials.all), float(trials.bad));
        self.count = self.count.saturating_add(1);
        self.all_squared += all * all;
        self.all_and_bad += all * bad;
        self.bad_squared += bad * bad;
    }

    /// How far the looks are off a ratio: the squares, added up.
    fn off(&self, ratio: f64) -> f64 {
        (self.bad_squared - 2.0 * ratio * self.all_and_bad + ratio * ratio * self.all_squared).max(0.0)
    }
}

impl At {
    /// The ratios differ by far more than the looks do. To what was seen of the canary a look is added that shows nothing: a
    /// few that happen to agree do not make it certain.
    fn is_apart(&self) -> bool {
        let Some(of_stable) = self.stable.ratio().filter(|_| self.canary.all > 0) else { return false };
        let (canary, stable) = (&self.looks.0, &self.looks.1);
        let mean = float(self.canary.all) / f64::from(canary.count.max(1));
        let all = float(self.canary.all) + mean;
        let ratio = (float(self.canary.bad) + mean * of_stable) / all;
        let nothing = (mean * (of_stable - ratio)).powi(2);
        let variance =
            (canary.off(ratio) + nothing) / all.powi(2) + stable.off(of_stable) / float(self.stable.all).powi(2);
        ratio - of_stable > APART * variance.sqrt()
    }
}

/// The bound at which most speaks against the canary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// In seconds.
    pub bound: f64,
    /// The requests that took longer.
    pub canary: Trials,
    pub stable: Trials,
}

impl Slower {
    /// Adds a stretch of time; bounds below `from` (in seconds) do not matter to anybody.
    pub fn look(&mut self, canary: &Histogram, stable: &Histogram, from: f64) {
        for (bound, _) in canary.up_to.iter().filter(|(bound, _)| *bound >= from) {
            let (Some(canary), Some(stable)) = (canary.slower(*bound), stable.slower(*bound)) else { continue };
            let place = self.bounds.iter().position(|at| at.bound.total_cmp(bound).is_eq()).unwrap_or_else(|| {
                let (none, looks) = (Trials::default(), <(Looks, Looks)>::default());
                self.bounds.push(At {
                    bound: *bound,
                    evidence: Evidence::default(),
                    canary: none,
                    stable: none,
                    looks,
                });
                self.bounds.len() - 1
            });
            if let Some(at) = self.bounds.get_mut(place) {
                at.evidence.look(canary, stable);
                at.looks.0.add(canary);
                at.looks.1.add(stable);
                at.canary.add(canary);
                at.stable.add(stable);
            }
        }
    }

    /// Whether there was any bound to compare at.
    pub fn compared(&self) -> bool {
        !self.bounds.is_empty()
    }

    /// The mean of the evidence at all bounds, as a natural logarithm.
    pub fn ln(&self) -> f64 {
        let most = self.bounds.iter().map(|at| at.evidence.ln()).fold(f64::NEG_INFINITY, f64::max);
        if !most.is_finite() {
            return 0.0;
        }
        let sum: f64 = self.bounds.iter().map(|at| (at.evidence.ln() - most).exp()).sum();
        most + (sum / float(self.bounds.len() as u64)).ln()
    }

    /// Where it was shown to be slower, with at most this probability of a false alarm over all looks and bounds together.
    pub fn shows(&self, false_alarms: f64) -> bool {
        self.compared() && self.ln() >= (1.0 / false_alarms).ln() && self.most().is_some_and(At::is_apart)
    }

    fn most(&self) -> Option<&At> {
        self.bounds.iter().max_by(|one, other| one.evidence.ln().total_cmp(&other.evidence.ln()))
    }

    pub fn worst(&self) -> Option<Worst> {
        let at = self.most()?;
        Some(Worst { bound: at.bound, canary: at.canary, stable: at.stable })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sequential::draw::Random, *};

    const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

    /// Latencies that are spread like real ones: many quick, few slow. `times` is how much slower, `tail` how many of them
    /// take two seconds more.
    fn drawn(random: &mut Random, all: u64, times: f64, tail: f64) -> Histogram {
        let mut counts = [0; BOUNDS.len()];
        for _ in 0..all {
            let mut took = 0.02 * (-(1.0 - random.next()).ln()).exp().powf(0.7) * times;
            if random.next() < tail {
                took += 2.0;
            }
            for (count, bound) in counts.iter_mut().zip(BOUNDS) {
                *count += u64::from(took <= bound);
            }
        }
        Histogram::new(BOUNDS.into_iter().zip(counts).collect(), all)
    }

    /// In how many of so many rollouts of 20 looks it was said to be slower.
    fn alarms(runs: u32, requests: (u64, u64), times: f64, tail: f64) -> u32 {
        let mut random = Random(99);
        let mut alarms = 0;
        for _ in 0..runs {
            let mut slower = Slower::default();
            alarms += u32::from((0..20).any(|_| {
                let canary = drawn(&mut random, requests.0, times, tail);
                let stable = drawn(&mut random, requests.1, 1.0, 0.0);
                slower.look(&canary, &stable, 0.025);
                slower.shows(0.05)
            }));
        }
        alarms
    }

    #[test]
    fn the_same_latency_is_rarely_called_slower() {
        let found = alarms(200, (30, 270), 1.0, 0.0);
        assert!(found <= 10, "{found} of 200");
    }

    /// So many slow of so many, where every pause of one of these servers makes all slow that come in it.
    fn paused(random: &mut Random, servers: u64, each: u64, pause: u64) -> Histogram {
        let slow = (0..servers).map(|_| if random.next() < 0.4 { pause.min(each) } else { 0 }).sum::<u64>();
        Histogram::new(vec![(0.1, servers * each - slow)], servers * each)
    }

    /// Each server pauses in two of five looks, all alike, and requests that wait are slow together. Taken one by one they
    /// called 150 to 400 of 400 slower.
    #[test]
    fn pauses_that_both_have_are_rarely_called_slower() {
        for (each, pause) in [(10, 6), (50, 10), (1_000, 200), (30, 3)] {
            let mut random = Random(17);
            let alarms = (0..400)
                .filter(|_| {
                    let mut slower = Slower::default();
                    (0..40).any(|_| {
                        let canary = paused(&mut random, 1, each, pause);
                        slower.look(&canary, &paused(&mut random, 9, each, pause), 0.0);
                        slower.shows(0.001)
                    })
                })
                .count();
            assert!(alarms <= 12, "{alarms} of 400 with {pause} of {each}");
        }
    }

    #[test]
    fn twice_as_slow_and_a_slow_tail_are_both_seen() {
        assert!(alarms(20, (30, 270), 2.0, 0.0) >= 19);
        assert!(alarms(20, (30, 270), 1.0, 0.05) >= 19);
    }

    /// kayenta#780: seven of ten points a hundred times worse still passed a test on percentiles.
    #[test]
    fn bursts_are_seen_although_most_of_the_time_is_well() {
        let mut random = Random(5);
        let mut slower = Slower::default();
        for look in 0..20 {
            let times = if look % 3 == 0 { 1.0 } else { 100.0 };
            slower.look(&drawn(&mut random, 20, times, 0.0), &drawn(&mut random, 180, 1.0, 0.0), 0.0);
        }
        assert!(slower.shows(0.001));
        assert!(slower.worst().is_some_and(|worst| worst.canary.ratio() > worst.stable.ratio()));
    }

    #[test]
    fn histograms_without_a_common_bound_are_not_compared() {
        let mut slower = Slower::default();
        slower.look(&Histogram::new(vec![(0.1, 5)], 9), &Histogram::new(vec![(0.2, 5)], 9), 0.0);
        assert!(!slower.compared() && !slower.shows(0.05) && slower.worst().is_none());
    }

    #[test]
    fn counters_that_began_anew_are_taken_whole() {
        let then = Histogram::new(vec![(0.1, 50), (1.0, 90)], 100);
        let later = Histogram::new(vec![(0.1, 60), (1.0, 105)], 120);
        assert_eq!(later.since(&then), Histogram::new(vec![(0.1, 10), (1.0, 15)], 20));
        let again = Histogram::new(vec![(0.1, 3), (1.0, 4)], 4);
        assert_eq!(again.since(&then), again);
        assert_eq!(then.plus(&again), Histogram::new(vec![(0.1, 53), (1.0, 94)], 104));
    }

    #[test]
    fn quantiles_are_bounds_and_counts_that_cannot_be_are_mended() {
        let odd = Histogram::new(vec![(1.0, 10), (f64::INFINITY, 99), (0.5, 70), (f64::NAN, 1)], 100);
        assert_eq!(odd.up_to, [(0.5, 70), (1.0, 70)]);
        assert_eq!((odd.quantile(0.5), odd.quantile(0.99)), (Some(0.5), None));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
