//! The one clock of this crate is tokio's, which tests pause; decisions take the time as a parameter.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// As far ahead as anything is ever planned. Instants have an end, and settings may say *never* by a huge duration.
const FAR: Duration = Duration::from_hours(10 * 365 * 24);

/// `now` and `wait` added, without an overflow.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    now + wait.min(FAR)
}

/// The time of day, for dates in headers.
pub(crate) fn time_of_day() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the only place that asks; callers take it as a parameter")]
    SystemTime::now()
}

/// Whole seconds, rounded up: who comes back a moment too early comes in vain.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
