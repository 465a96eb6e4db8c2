//! A test that may be looked at any time: is the canary worse than the stable release of the same time?
//!
//! Of the requests between two looks, so many went to each release and so many went wrong. If both are equally good, the
//! wrong ones are spread over the two like a draw without replacement, whatever went on in the world in that stretch: an
//! outage that hits both says nothing against either. How much better the draw is explained by a canary whose odds are ψ
//! times as bad is a likelihood ratio whose expectation is 1 while both are equal; the product over all stretches, and the
//! mean over several ψ, keep that. So (Ville) it ever reaches 1/α with a probability of at most α, however often one looks
//! and whenever one stops. A share that changes between looks changes nothing: each stretch is weighed by its own draw.
//!
//! A canary may be good for half an hour and then leak. So the product is not only taken from the first look on, but from
//! every one, look t with the weight 1/(t·(t+1)): all weights together are 1, and a mean of such products is one too. What
//! begins at look 60 costs as much more evidence as three wrong answers of a canary with a tenth of the traffic.

use serde::{Deserialize, Serialize};

/// Requests of one release in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trials {
    pub all: u64,
    /// Those that went wrong, or were too slow.
    pub bad: u64,
}

impl Trials {
    pub fn ratio(self) -> Option<f64> {
        (self.all > 0).then(|| float(self.bad) / float(self.all))
    }

    pub fn add(&mut self, other: Self) {
        self.all = self.all.saturating_add(other.all);
        self.bad = self.bad.saturating_add(other.bad);
    }

    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// What an answer of a server may look like that counts in two places at once.
    fn sound(self) -> Self {
        Self { all: self.all, bad: self.bad.min(self.all) }
    }
}

/// How many times as bad the odds of the canary are under the alternatives that are weighed, all alike.
pub const ALTERNATIVES: [f64; 8] = [1.3, 1.7, 2.5, 4.0, 8.0, 20.0, 60.0, 200.0];

/// The evidence so far that the canary is worse.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    looks: u32,
    /// For each alternative the natural logarithm of the weighted products that began so far; none before the first look.
    begun: Option<[f64; ALTERNATIVES.len()]>,
}

impl Evidence {
    /// Adds a stretch of time.
    pub fn look(&mut self, canary: Trials, stable: Trials) {
        let (canary, stable) = (canary.sound(), stable.sound());
        let bad = canary.bad.saturating_add(stable.bad);
        // Nothing wrong, all wrong, or only one release: the draw could not have come out otherwise.
        if canary.all == 0 || stable.all == 0 || bad == 0 || bad == canary.all.saturating_add(stable.all) {
            return self.add([0.0; ALTERNATIVES.len()]);
        }
        let even = ln_draws(canary.all, stable.all, bad, 1.0);
        self.add(
            ALTERNATIVES
                .map(|odds| float(canary.bad) * odds.ln() - (ln_draws(canary.all, stable.all, bad, odds) - even)),
        );
    }

    /// Adds a stretch of time against a bound: is the ratio of wrong ones above it? Each alternative is that many times
    /// the odds of the bound.
    pub fn look_against(&mut self, trials: Trials, bound: f64) {
        let trials = trials.sound();
        if trials.all == 0 || !(bound > 0.0 && bound < 1.0) {
            return;
        }
        let good = float(trials.all - trials.bad);
        self.add(ALTERNATIVES.map(|odds| {
            let worse = bound * odds / (1.0 - bound + bound * odds);
            float(trials.bad) * (worse / bound).ln() + good * ((1.0 - worse) / (1.0 - bound)).ln()
        }));
    }

    /// Multiplies the products by what this stretch says, and begins one with it.
    fn add(&mut self, said: [f64; ALTERNATIVES.len()]) {
        self.looks = self.looks.saturating_add(1);
        let look = f64::from(self.looks);
        let weight = -(look.ln() + (look + 1.0).ln());
        let mut begun = self.begun.unwrap_or([f64::NEG_INFINITY; ALTERNATIVES.len()]);
        for (begun, said) in begun.iter_mut().zip(said) {
            *begun = ln_sum(*begun, weight) + said;
        }
        self.begun = Some(begun);
    }

    /// How many times better "worse" explains what was seen than "alike", as a natural logarithm.
    pub fn ln(&self) -> f64 {
        let mean = self.begun.map_or(f64::NEG_INFINITY, |begun| {
            begun.into_iter().fold(f64::NEG_INFINITY, ln_sum) - float(ALTERNATIVES.len() as u64).ln()
        });
        // What has not begun is 1 still.
        ln_sum(mean, -(f64::from(self.looks) + 1.0).ln())
    }

    /// It was shown, with at most this probability of a false alarm over all looks together.
    pub fn shows(&self, false_alarms: f64) -> bool {
        self.ln() >= (1.0 / false_alarms).ln()
    }
}

/// The logarithm of a sum, from the logarithms of its terms.
fn ln_sum(one: f64, other: f64) -> f64 {
    let (most, least) = if one >= other { (one, other) } else { (other, one) };
    if least == f64::NEG_INFINITY { most } else { most + (least - most).exp().ln_1p() }
}

/// The logarithm of Σ C(n, k)·C(m, bad − k)·ψᵏ over all k that can be.
///
/// The terms rise to one peak and fall from it, so that they are summed from there until they no longer count.
fn ln_draws(canary: u64, stable: u64, bad: u64, odds: f64) -> f64 {
    let low = bad.saturating_sub(stable);
    let high = bad.min(canary);
    // The next term by the one before: where it becomes 1 is the peak.
    let ratio = |k: u64| {
        let (canary_left, bad_left) = (float(canary - k), float(bad - k));
        odds * canary_left * bad_left / ((float(k) + 1.0) * (float(stable) - bad_left + 1.0))
    };
    let (mut from, mut to) = (low, high);
    while from < to {
        let middle = from + (to - from) / 2;
        if ratio(middle) >= 1.0 {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    let peak = from;
    let mut sum = 1.0;
    let mut term = 1.0;
    for k in peak..high {
        term *= ratio(k);
        sum += term;
        if term < 1e-17 {
            break;
        }
    }
    term = 1.0;
    for k in (low..peak).rev() {
        term /= ratio(k);
        sum += term;
        if term < 1e-17 {
            break;
        }
    }
    ln_choose(canary, peak) + ln_choose(stable, bad - peak) + float(peak) * odds.ln() + sum.ln()
}

fn ln_choose(of: u64, some: u64) -> f64 {
    ln_factorial(of) - ln_factorial(some) - ln_factorial(of - some)
}

/// Stirling's series; exact to the last digits from 10 on, and by multiplication below.
fn ln_factorial(number: u64) -> f64 {
    if number < 10 {
        return (2..=number).map(|factor| float(factor).ln()).sum();
    }
    let x = float(number) + 1.0;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5)) - 1.0 / (1680.0 * x.powi(7));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
pub(super) mod draw {
    //! Random numbers that are the same on every machine.

    #[derive(Clone, Debug)]
    pub(in crate::rollout) struct Random(pub(in crate::rollout) u64);

    impl Random {
        /// `SplitMix64`.
        pub(in crate::rollout) fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bits = (mixed ^ (mixed >> 31)) >> 11;
            super::float(bits) / super::float(1 << 53)
        }

        /// How many of so many come true.
        pub(in crate::rollout) fn of(&mut self, trials: u64, probability: f64) -> u64 {
            // Jumps from one that comes true to the next: as many draws as hits.
            if probability <= 0.0 {
                return 0;
            }
            if probability >= 1.0 {
                return trials;
            }
            let (mut at, mut hits) = (0.0, 0);
            loop {
                at += ((1.0 - self.next()).ln() / (1.0 - probability).ln()).floor() + 1.0;
                if at > super::float(trials) {
                    return hits;
                }
                hits += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{draw::Random, *};

    #[test]
    fn sums_of_draws_are_the_binomial_coefficients() {
        for (canary, stable, bad) in [(5, 7, 3), (1, 1, 1), (100, 900, 50), (3, 2, 4), (40, 2, 20)] {
            let sum = ln_draws(canary, stable, bad, 1.0);
            assert!((sum - ln_choose(canary + stable, bad)).abs() < 1e-9, "{canary} {stable} {bad}");
        }
        // C(2,0)C(1,1) + 3·C(2,1)C(1,0) = 7.
        assert!((ln_draws(2, 1, 1, 3.0) - 7.0_f64.ln()).abs() < 1e-12);
        assert!((ln_factorial(20) - 2_432_902_008_176_640_000_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn millions_of_requests_are_one_look() {
        let mut evidence = Evidence::default();
        evidence.look(Trials { all: 5_000_000, bad: 2_500_000 }, Trials { all: 45_000_000, bad: 22_500_000 });
        assert!(evidence.ln().is_finite() && !evidence.shows(0.05));
        evidence.look(Trials { all: 5_000_000, bad: 3_000_000 }, Trials { all: 45_000_000, bad: 22_500_000 });
        assert!(evidence.shows(1e-9));
    }

    /// How often of so many rollouts with a look a minute, and after how many looks on average where it was seen.
    fn alarms(runs: u64, looks: u32, share: f64, rate: u64, ratios: (f64, f64), false_alarms: f64) -> (f64, f64) {
        let mut random = Random(20_261_122);
        let (mut seen, mut after) = (0_u64, 0_u64);
        for _ in 0..runs {
            let mut evidence = Evidence::default();
            for look in 1..=looks {
                let canary = random.of(rate, share);
                let trials = |all, bad| Trials { all, bad };
                evidence.look(
                    trials(canary, random.of(canary, ratios.0)),
                    trials(rate - canary, random.of(rate - canary, ratios.1)),
                );
                if evidence.shows(false_alarms) {
                    seen += 1;
                    after += u64::from(look);
                    break;
                }
            }
        }
        (float(seen) / float(runs), float(after) / float(seen.max(1)))
    }

    #[test]
    fn sixty_looks_raise_no_more_false_alarms_than_were_asked_for() {
        // Requests a minute, share of the canary, ratio of wrong ones in both.
        for (rate, share, ratio) in
            [(600, 0.1, 0.01), (600, 0.5, 0.01), (6000, 0.1, 0.001), (60, 0.1, 0.05), (600, 0.1, 0.5), (3000, 0.5, 0.2)]
        {
            let (alarms, _) = alarms(400, 60, share, rate, (ratio, ratio), 0.05);
            assert!(alarms <= 0.05, "{alarms} with {rate}/min, {share}, {ratio}");
        }
    }

    #[test]
    fn an_outage_that_hits_both_alike_is_no_evidence() {
        let mut random = Random(7);
        let mut alarms = 0;
        for _ in 0..400 {
            let mut evidence = Evidence::default();
            for look in 0..60 {
                // Every third minute is a bad one.
                let ratio = if look % 3 == 0 { 0.3 } else { 0.001 };
                let canary = Trials { all: 100, bad: random.of(100, ratio) };
                let stable = Trials { all: 900, bad: random.of(900, ratio) };
                evidence.look(canary, stable);
            }
            alarms += u32::from(evidence.shows(0.05));
        }
        assert!(alarms <= 20, "{alarms} of 400");
    }

    #[test]
    fn what_is_worse_is_seen_and_the_sooner_the_worse_it_is() {
        // At 100 requests a second, 10 % of them to the canary, where 0.1 % go wrong with stable; α = 1 %.
        let mut before = f64::INFINITY;
        for (worse, most) in [(0.005, 6.0), (0.01, 2.5), (0.02, 1.5), (0.05, 1.0), (0.5, 1.0)] {
            let (seen, looks) = alarms(100, 60, 0.1, 6000, (worse, 0.001), 0.01);
            assert!(seen >= 0.99 && looks <= most && looks <= before, "{worse}: {seen}, after {looks}");
            before = looks;
        }
    }

    #[test]
    fn what_begins_late_is_seen_too() {
        let mut random = Random(11);
        let mut evidence = Evidence::default();
        for _ in 0..60 {
            let trials = |all, bad| Trials { all, bad };
            evidence.look(trials(600, random.of(600, 0.001)), trials(5400, random.of(5400, 0.001)));
        }
        assert!(!evidence.shows(0.01));
        let looks = (1..=30).find(|_| {
            let trials = |all, bad| Trials { all, bad };
            evidence.look(trials(600, random.of(600, 0.02)), trials(5400, random.of(5400, 0.001)));
            evidence.shows(0.01)
        });
        assert!(looks.is_some_and(|looks| looks <= 3), "{looks:?}");
    }

    #[test]
    fn a_better_canary_never_alarms() {
        let (seen, _) = alarms(200, 60, 0.5, 600, (0.005, 0.02), 0.05);
        assert!(seen <= 0.01, "{seen}");
    }

    #[test]
    fn a_bound_is_exceeded_by_many_and_not_by_one() {
        let mut evidence = Evidence::default();
        evidence.look_against(Trials { all: 1, bad: 1 }, 0.05);
        evidence.look_against(Trials { all: 20, bad: 1 }, 0.05);
        assert!(!evidence.shows(0.05));
        evidence.look_against(Trials { all: 30, bad: 12 }, 0.05);
        assert!(evidence.shows(0.01));
        let mut random = Random(3);
        let mut alarms = 0;
        for _ in 0..1000 {
            let mut evidence = Evidence::default();
            alarms += u32::from((0..60).any(|_| {
                evidence.look_against(Trials { all: 60, bad: random.of(60, 0.05) }, 0.05);
                evidence.shows(0.05)
            }));
        }
        assert!(alarms <= 50, "{alarms} of 1000");
    }

    #[test]
    fn counts_that_cannot_be_are_no_panic() {
        let mut evidence = Evidence::default();
        for (a, b, c, d) in
            [(0, 5, 0, 0), (1, 9, 1, 9), (u64::MAX, u64::MAX, 1, 1), (5, 0, 0, 3), (1 << 50, 3, 1 << 50, 4)]
        {
            evidence.look(Trials { all: a, bad: b }, Trials { all: c, bad: d });
            evidence.look_against(Trials { all: a, bad: b }, 0.0);
        }
        assert!(!evidence.ln().is_nan());
    }
}
