//! How long each step of a shutdown may take, and that all together is less than the platform waits.

use std::time::Duration;

/// The steps of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// After this the platform kills the process. 30 s, as Kubernetes' `terminationGracePeriodSeconds`.
    pub grace: Duration,
    /// How long a `preStop` hook sleeps before the signal comes. It is inside the grace. 0 s.
    pub pre_stop: Duration,
    /// How long new requests are still served after readiness has gone: load balancers hear of it late. 10 s, or 0 with a
    /// `preStop` hook that sleeps as long.
    pub announce: Duration,
    /// How long the requests under way may take to end. 15 s.
    pub drain: Duration,
    /// How long telemetry and buffers may take to be written. 3 s.
    pub flush: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { grace: seconds(30), pre_stop: seconds(0), announce: seconds(10), drain: seconds(15), flush: seconds(3) }
    }
}

/// The steps would not end before the kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the steps of the shutdown take up to {} ms of a grace of {} ms", total.as_millis(), grace.as_millis())]
pub struct TooLong {
    /// What they take together.
    pub total: Duration,
    /// What there is.
    pub grace: Duration,
}

impl Plan {
    /// What the steps take at most, the hook included.
    pub fn total(&self) -> Duration {
        [self.announce, self.drain, self.flush].into_iter().fold(self.pre_stop, Duration::saturating_add)
    }

    pub(super) fn checked(self) -> Result<Self, TooLong> {
        let (total, grace) = (self.total(), self.grace);
        if total < grace { Ok(self) } else { Err(TooLong { total, grace }) }
    }
}
