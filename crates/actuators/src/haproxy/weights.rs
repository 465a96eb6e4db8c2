//! Weights of servers that come nearest to a share.

use gonogo_domain::rollout::Percent;

/// What every server of a group gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    pub canary: u16,
    pub stable: u16,
}

/// The largest weight that HAProxy knows.
const MOST: u16 = 256;

/// The weights, from 0 to 256, of so many servers in each group; of equally good ones the largest, so that the next step
/// changes least of them.
pub(super) fn for_share(canary: u32, stable: u32, percent: Percent) -> Weights {
    if percent == Percent::ZERO {
        return Weights { canary: 0, stable: MOST };
    }
    if percent == Percent::WHOLE {
        return Weights { canary: MOST, stable: 0 };
    }
    let (canary, stable) = (f64::from(canary.max(1)), f64::from(stable.max(1)));
    let wanted = percent.ratio();
    let off = |weights: Weights| {
        let part = canary * f64::from(weights.canary);
        (part / (part + stable * f64::from(weights.stable)) - wanted).abs()
    };
    let mut best = Weights { canary: 1, stable: MOST };
    for of_canary in 1..=MOST {
        // The other weight that this one asks for, and its neighbours.
        let exact = canary * f64::from(of_canary) * (1.0 - wanted) / (wanted * stable);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a weight can be")]
        let near = exact.clamp(1.0, f64::from(MOST)) as u16;
        for of_stable in [near, (near + 1).min(MOST)] {
            let weights = Weights { canary: of_canary, stable: of_stable };
            if off(weights) <= off(best) {
                best = weights;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(canary: u32, stable: u32, asked: f64, within: f64) {
        let percent = Percent::try_from(asked).unwrap();
        let weights = for_share(canary, stable, percent);
        let part = canary * u32::from(weights.canary);
        let share = f64::from(part) / f64::from(part + stable * u32::from(weights.stable)) * 100.0;
        assert!((share - asked).abs() <= within, "{asked} % is {share} % with {weights:?}");
        assert!(weights.canary <= 256 && weights.stable <= 256 && weights.canary > 0 && weights.stable > 0);
    }

    #[test]
    fn any_share_is_reached_to_a_hundredth_where_the_groups_allow() {
        for (canary, stable) in [(1, 1), (1, 9), (3, 3), (2, 5), (10, 1)] {
            for asked in [10.0, 50.0, 33.33, 5.0, 90.0] {
                check(canary, stable, asked, 0.06);
            }
        }
        check(1, 1, 1.0, 0.01);
        check(1, 1, 0.5, 0.02);
        // One of 256 parts is the least there is.
        check(1, 1, 0.1, 0.3);
    }

    #[test]
    fn none_and_all_are_exact() {
        assert_eq!(for_share(1, 1, Percent::ZERO), Weights { canary: 0, stable: 256 });
        assert_eq!(for_share(1, 1, Percent::WHOLE), Weights { canary: 256, stable: 0 });
    }
}
