//! Full jitter: each wait is drawn evenly from zero up to a bound that doubles, up to a cap.

use std::time::Duration;

/// Waits between the attempts of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait.
    pub base: Duration,
    /// The greatest bound.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 500 ms, doubling up to 30 s.
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// `min(cap, base × 2ⁿ)`, with n = 0 before the first repetition.
    pub fn bound(&self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n).unwrap_or(u32::MAX);
        self.base.checked_mul(factor).unwrap_or(self.cap).min(self.cap)
    }

    /// The wait for `share`, a random number from 0 to 1. (Jitter of a part of the wait leaves the herd together: all
    /// clients that failed at once would come back at nearly the same time.)
    pub fn wait(&self, n: u32, share: f64) -> Duration {
        self.bound(n).mul_f64(if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        let backoff = Backoff { base: SECOND, cap: 30 * SECOND };
        let bounds: Vec<u64> = (0..8).map(|n| backoff.bound(n).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.bound(u32::MAX), 30 * SECOND);
    }

    #[test]
    fn the_mean_wait_is_half_the_bound() {
        let backoff = Backoff { base: SECOND, cap: 8 * SECOND };
        let mut random = fastrand::Rng::with_seed(7);
        let rounds = 20_000;
        for (n, bound) in [(0, 1.0), (2, 4.0), (9, 8.0)] {
            let sum: f64 = (0..rounds).map(|_| backoff.wait(n, random.f64()).as_secs_f64()).sum();
            let mean = sum / f64::from(rounds);
            assert!((mean - bound / 2.0).abs() < 0.02 * bound, "n = {n}: {mean}");
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_bound_or_cap(base in 0_u64..100_000, cap in 0_u64..1_000_000, n: u32, share: f64) {
            let backoff = Backoff { base: Duration::from_millis(base), cap: Duration::from_millis(cap) };
            prop_assert!(backoff.wait(n, share) <= backoff.bound(n));
            prop_assert!(backoff.bound(n) <= backoff.cap);
        }
    }
}
