//! What a step can see at the traffic that there is.

use std::time::Duration;

use super::{Percent, sequential::ALTERNATIVES};

/// A worsening is seen with this probability where it is said to be seen: 90 %.
const QUANTILE_OF_POWER: f64 = 1.2816;

/// How many requests of the whole service it takes until the sequential test sees that the canary's ratio of wrong requests
/// is `canary` instead of `stable`, in 9 of 10 rollouts; none where it never does.
pub fn requests(share: f64, stable: f64, canary: f64, false_alarms: f64) -> Option<f64> {
    let sane = (0.0..1.0).contains(&stable) && canary > stable && canary <= 1.0 && share > 0.0 && share < 1.0;
    if !sane {
        return None;
    }
    // Of all that go wrong, this part is the canary's.
    let wrong = share * canary + (1.0 - share) * stable;
    let part = share * canary / wrong;
    // To be exceeded: the bound, half of the weight for beginning at the first look, and that about three of the
    // alternatives have a word in it.
    let bound =
        (1.0 / false_alarms).ln() + 2.0_f64.ln() + (f64::from(u8::try_from(ALTERNATIVES.len()).ok()?) / 3.0).ln();
    ALTERNATIVES
        .iter()
        .filter_map(|odds| {
            let even = (1.0 - share + share * odds).ln();
            let (hit, miss) = (odds.ln() - even, -even);
            let growth = wrong * (part * hit + (1.0 - part) * miss);
            let spread = wrong * (part * hit * hit + (1.0 - part) * miss * miss);
            // N·growth − z·√(N·spread) = bound, solved for √N.
            (growth > 0.0).then(|| {
                let z = QUANTILE_OF_POWER * spread.sqrt();
                let root = (z + (z * z + 4.0 * growth * bound).sqrt()) / (2.0 * growth);
                root * root
            })
        })
        .min_by(f64::total_cmp)
        // A ratio that is not small has less spread than this counts on; one wrong request is the least there is.
        .map(|requests| requests.max(1.0 / (share * canary)))
}

/// The least ratio of wrong requests of the canary that is seen with so many requests of the whole service; none where
/// even a canary with nothing but errors is not.
pub fn sees(all: f64, share: f64, stable: f64, false_alarms: f64) -> Option<f64> {
    let enough = |canary: f64| requests(share, stable, canary, false_alarms).is_some_and(|needed| needed <= all);
    if !enough(1.0) {
        return None;
    }
    let (mut low, mut high) = (stable.max(1e-9), 1.0);
    for _ in 0..60 {
        let middle = f64::sqrt(low * high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// What a step sees, and what would let it see what it is asked to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// Requests a second of the whole service.
    pub rate: f64,
    /// The least ratio of wrong requests that is seen.
    pub sees: Option<f64>,
    /// The ratio that it should see.
    pub asked: f64,
    /// How long it would have to be to see that.
    pub length: Option<Duration>,
    /// The share that would see it in the same time.
    pub share: Option<Percent>,
}

impl Power {
    pub fn of(rate: f64, length: Duration, share: Percent, stable: f64, asked: f64, false_alarms: f64) -> Self {
        let all = rate * length.as_secs_f64();
        let needed = |share: f64| requests(share, stable, asked, false_alarms);
        let time = needed(share.ratio()).filter(|_| rate > 0.0).map(|needed| needed / rate);
        let wider = (1..=50u16)
            .map(|percent| Percent::of_hundredths(percent * 100))
            .filter(|wider| *wider > share)
            .find(|wider| needed(wider.ratio()).is_some_and(|needed| needed <= all));
        Self {
            rate,
            sees: sees(all, share.ratio(), stable, false_alarms),
            asked,
            length: time.and_then(|seconds| Duration::try_from_secs_f64(seconds.ceil()).ok()),
            share: wider,
        }
    }

    /// It sees what it is asked to see.
    pub fn enough(&self) -> bool {
        self.sees.is_some_and(|sees| sees <= self.asked)
    }

    /// "at 12 req/s this step sees errors above 4 %; to see 1 %, extend it to 47 min or raise it to 50 %".
    pub fn sentence(&self) -> String {
        let rate = if self.rate >= 10.0 { format!("{:.0}", self.rate) } else { format!("{:.1}", self.rate) };
        let sees = match self.sees {
            Some(sees) => format!("at {rate} req/s this step sees errors above {}", ratio(sees)),
            None => format!("at {rate} req/s this step sees nothing: there are too few requests"),
        };
        if self.enough() {
            return sees;
        }
        let length = self.length.map(|length| format!("extend it to {}", time(length)));
        let share = self.share.map(|share| format!("raise it to {share}"));
        match (length, share) {
            (Some(length), Some(share)) => format!("{sees}; to see {}, {length} or {share}", ratio(self.asked)),
            (Some(one), None) | (None, Some(one)) => format!("{sees}; to see {}, {one}", ratio(self.asked)),
            (None, None) => sees,
        }
    }
}

/// Two digits.
pub fn ratio(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let digits = match percent {
        _ if percent >= 9.95 => 0,
        _ if percent >= 0.995 => 1,
        _ if percent >= 0.0995 => 2,
        _ => 3,
    };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// In the unit that a person would use: `45 s`, `47 min`, `3 h 20 min`.
pub fn time(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        _ if seconds < 1 && !length.is_zero() => format!("{} ms", length.as_millis()),
        _ if seconds < 120 => format!("{seconds} s"),
        _ if seconds < 7200 => format!("{} min", seconds.div_ceil(60)),
        _ if seconds < 48 * 3600 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

/// The ratio that no wrong request among so many rules out, with 95 % confidence (the rule of three).
pub fn ruled_out(requests: u64) -> Option<f64> {
    (requests > 0).then(|| 1.0 - 0.05_f64.powf(1.0 / super::sequential::float(requests)))
}

/// How many requests without a wrong one rule out this ratio, with 95 % confidence.
pub fn to_rule_out(ratio: f64) -> Option<f64> {
    (ratio > 0.0 && ratio < 1.0).then(|| (0.05_f64.ln() / (1.0 - ratio).ln()).ceil())
}

/// How many canary requests one look at a fixed number of requests would take (one-sided 5 %, power 90 %), where stable has
/// `times` as many. The yardstick for what the freedom to look costs.
pub fn fixed(stable: f64, canary: f64, times: f64) -> f64 {
    let spread = |ratio: f64| ratio * (1.0 - ratio);
    let pooled = (canary + times * stable) / (1.0 + times);
    let alike = 1.6449 * (spread(pooled) * (1.0 + 1.0 / times)).sqrt();
    let apart = QUANTILE_OF_POWER * (spread(canary) + spread(stable) / times).sqrt();
    ((alike + apart) / (canary - stable)).powi(2)
}

#[cfg(test)]
mod tests {
    use super::{
        super::sequential::{Evidence, Trials, draw::Random},
        *,
    };

    #[test]
    fn the_rule_of_three() {
        let needed = [(0.01, 299.0), (0.001, 2_995.0), (0.0001, 29_956.0)];
        for (ratio, expect) in needed {
            assert_eq!(to_rule_out(ratio), Some(expect));
        }
        assert!(ruled_out(2_995).is_some_and(|ratio| ratio <= 0.001));
        assert!(ruled_out(2_994).is_some_and(|ratio| ratio > 0.001));
        assert_eq!((ruled_out(0), to_rule_out(0.0)), (None, None));
    }

    /// The rate of the whole service is this many canary requests at 10 % in 10 minutes.
    #[test]
    fn sizes_of_a_single_look() {
        let sizes = [
            (0.001, 0.01, 512.0),
            (0.001, 0.005, 1_525.0),
            (0.001, 0.002, 13_525.0),
            (0.01, 0.02, 1_334.0),
            (0.01, 0.05, 148.0),
        ];
        for (stable, canary, expect) in sizes {
            let found = fixed(stable, canary, 9.0);
            assert!((found - expect).abs() / expect < 0.005, "{stable} to {canary}: {found}, not {expect}");
        }
    }

    /// How many of a hundred rollouts see it, with as many requests as were said to be needed, in ten looks.
    #[track_caller]
    fn check_power(share: f64, stable: f64, canary: f64) {
        let needed = requests(share, stable, canary, 0.01).unwrap();
        let mut random = Random(42);
        let mut seen = 0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let look = (needed / 10.0).ceil() as u64;
        for _ in 0..200 {
            let mut evidence = Evidence::default();
            seen += u32::from((0..10).any(|_| {
                let to_canary = random.of(look, share);
                let one = Trials { all: to_canary, bad: random.of(to_canary, canary) };
                let to_stable = look - to_canary;
                evidence.look(one, Trials { all: to_stable, bad: random.of(to_stable, stable) });
                evidence.shows(0.01)
            }));
        }
        assert!((160..=200).contains(&seen), "{share}, {stable} to {canary}: {seen} of 200 with {needed:.0}");
        // Looking whenever one likes costs some requests, not many times as many.
        let single = fixed(stable.max(1e-6), canary, (1.0 - share) / share) / share;
        assert!(needed < single * 4.0, "{share}, {stable} to {canary}: {needed:.0} where one look takes {single:.0}");
    }

    #[test]
    fn what_is_said_to_be_seen_is_seen_in_nine_of_ten_rollouts() {
        for share in [0.1, 0.5] {
            check_power(share, 0.001, 0.01);
            check_power(share, 0.001, 0.005);
            check_power(share, 0.01, 0.02);
            check_power(share, 0.01, 0.05);
            check_power(share, 0.05, 0.1);
        }
    }

    #[test]
    fn sees_and_requests_are_each_other_s_inverse() {
        for (share, stable) in [(0.1, 0.001), (0.5, 0.01), (0.1, 0.0)] {
            for all in [1_000.0, 7_200.0, 100_000.0] {
                let Some(ratio) = sees(all, share, stable, 0.01) else { continue };
                let needed = requests(share, stable, ratio, 0.01).unwrap();
                assert!((needed - all).abs() / all < 0.01, "{share} {stable} {all}: {ratio} needs {needed}");
            }
        }
        assert_eq!(sees(3.0, 0.1, 0.001, 0.01), None);
        assert_eq!(requests(0.0, 0.001, 0.01, 0.01), None);
        assert_eq!(requests(0.1, 0.01, 0.01, 0.01), None);
    }

    #[test]
    fn a_step_says_what_it_sees_and_what_would_help() {
        let of = |rate, minutes, share: f64| {
            let share = Percent::try_from(share).unwrap();
            Power::of(rate, Duration::from_mins(minutes), share, 0.001, 0.01, 0.01).sentence()
        };
        assert_eq!(of(500.0, 10, 10.0), "at 500 req/s this step sees errors above 0.21 %");
        let low = of(10.0, 10, 10.0);
        assert!(
            low.starts_with("at 10 req/s this step sees errors above ") && low.contains("to see 1 %, extend it to "),
            "{low}"
        );
        assert!(low.contains(" min or raise it to "), "{low}");
        assert_eq!(of(0.0, 10, 10.0), "at 0.0 req/s this step sees nothing: there are too few requests");
    }

    /// The example of docs/rollout.md: two tests share a false alarm in a thousand.
    #[test]
    fn the_example_of_the_guide() {
        let share = Percent::of_hundredths(1_000);
        let power = Power::of(12.0, Duration::from_mins(10), share, 0.001, 0.011, 0.0005);
        assert_eq!(
            power.sentence(),
            "at 12 req/s this step sees errors above 1.8 %; to see 1.1 %, extend it to 20 min or raise it to 27 %"
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([ratio(0.041), ratio(0.5), ratio(0.00123), ratio(0.01)], ["4.1 %", "50 %", "0.12 %", "1 %"]);
        let shown = |seconds| time(Duration::from_secs(seconds));
        assert_eq!([shown(45), shown(2820), shown(12_000), shown(300_000)], ["45 s", "47 min", "3 h 20 min", "4 days"]);
    }
}
