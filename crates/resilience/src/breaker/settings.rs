//! The numbers of a breaker, with resilience4j's defaults where those are sound.

use std::time::Duration;

/// A share in whole percent, from 1 to 100. Whole numbers make *exactly at the threshold* exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// The nearest share that is one: 0 counts as 1, more than 100 as 100.
    pub const fn new(percent: u8) -> Self {
        Self(if percent < 1 {
            1
        } else if percent > 100 {
            100
        } else {
            percent
        })
    }

    /// Whether `part` of `whole` is at least this share.
    pub(crate) fn reached(self, part: u32, whole: u32) -> bool {
        whole > 0 && u64::from(part) * 100 >= u64::from(self.0) * u64::from(whole)
    }
}

/// Which calls the rates are worked out over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last calls, this many; from 1 to a million.
    Count(u32),
    /// The calls of the last `span`, forgotten a bucket at a time.
    Time {
        /// How far back the window reaches.
        span: Duration,
        /// In how many steps it slides; from 1 to a million.
        buckets: u32,
    },
}

/// The numbers of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Opens when at least this share of the calls in the window failed. 50 %.
    pub failure_rate: Percent,
    /// Opens when at least this share of the calls in the window was slow. 100 %.
    pub slow_rate: Percent,
    /// A call is slow when it takes longer than this, strictly. 60 s.
    pub slow_after: Duration,
    /// No rate is judged over fewer calls. 100; a window of fewer calls lowers it.
    pub minimum_calls: u32,
    /// Which calls are counted. The last 100.
    pub window: Window,
    /// How long it stays open before it tries again. 60 s.
    pub open_for: Duration,
    /// How many calls try whether the dependency is back. 10.
    pub trial_calls: u32,
    /// How long the trial may take; then it is decided on what is known. 60 s. (resilience4j waits for ever by default,
    /// and that is the trouble its users report most.)
    pub trial_limit: Duration,
}

/// A number of places that a ring may have: memory is taken when it is made.
pub(super) fn bounded(places: u32) -> u32 {
    places.clamp(1, 1_000_000)
}

impl Default for Settings {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            failure_rate: Percent::new(50),
            slow_rate: Percent::new(100),
            slow_after: minute,
            minimum_calls: 100,
            window: Window::Count(100),
            open_for: minute,
            trial_calls: 10,
            trial_limit: minute,
        }
    }
}

impl Settings {
    /// The minimum that can be reached.
    pub(super) fn minimum(&self) -> u32 {
        match self.window {
            Window::Count(size) => self.minimum_calls.min(bounded(size)),
            Window::Time { .. } => self.minimum_calls,
        }
        .max(1)
    }
}
