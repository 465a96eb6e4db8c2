//! What the last calls, or the calls of the last seconds, came to. Both rings slide: what leaves the window is taken away.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::bounded;

/// Sums over the calls of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that ended.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that were slow, whether they failed or not.
    pub slow: u32,
}

impl Counts {
    pub(super) fn add(&mut self, call: Call) {
        self.calls = self.calls.saturating_add(1);
        self.failures = self.failures.saturating_add(u32::from(call.failed));
        self.slow = self.slow.saturating_add(u32::from(call.slow));
    }

    fn take(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failures = self.failures.saturating_sub(other.failures);
        self.slow = self.slow.saturating_sub(other.slow);
    }
}

/// How one call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// The calls that the rates are worked out over.
#[derive(Debug)]
pub(super) enum Ring {
    Count(CountRing),
    Time(TimeRing),
}

impl Ring {
    pub(super) fn add(&mut self, call: Call, now: Instant) {
        match self {
            Self::Count(ring) => ring.add(call),
            Self::Time(ring) => ring.add(call, now),
        }
    }

    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        match self {
            Self::Count(ring) => ring.counts,
            Self::Time(ring) => {
                ring.slide(now);
                ring.counts
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Count(ring) => ring.clear(),
            Self::Time(ring) => ring.clear(),
        }
    }
}

/// The last n calls.
#[derive(Debug)]
pub(super) struct CountRing {
    calls: Box<[Call]>,
    next: usize,
    counts: Counts,
}

impl CountRing {
    pub(super) fn new(size: u32) -> Self {
        let size = bounded(size) as usize;
        Self { calls: vec![Call::default(); size].into(), next: 0, counts: Counts::default() }
    }

    fn add(&mut self, call: Call) {
        let full = self.counts.calls as usize == self.calls.len();
        if let Some(place) = self.calls.get_mut(self.next) {
            if full {
                let mut oldest = Counts::default();
                oldest.add(*place);
                self.counts.take(oldest);
            }
            *place = call;
        }
        self.counts.add(call);
        self.next += 1;
        if self.next == self.calls.len() {
            self.next = 0;
        }
    }

    fn clear(&mut self) {
        self.next = 0;
        self.counts = Counts::default();
    }
}

/// The calls of the last span of time, in buckets: the window covers the current bucket and those before it.
#[derive(Debug)]
pub(super) struct TimeRing {
    buckets: Box<[Counts]>,
    /// How many nanoseconds a bucket covers.
    length: u64,
    start: Instant,
    /// The number of the current bucket since the start.
    current: u64,
    counts: Counts,
}

impl TimeRing {
    pub(super) fn new(span: Duration, buckets: u32, start: Instant) -> Self {
        let count = bounded(buckets);
        let length = nanos(span / count).max(1);
        Self {
            buckets: vec![Counts::default(); count as usize].into(),
            length,
            start,
            current: 0,
            counts: Counts::default(),
        }
    }

    fn add(&mut self, call: Call, now: Instant) {
        self.slide(now);
        self.counts.add(call);
        if let Some(bucket) = place(&mut self.buckets, self.current) {
            bucket.add(call);
        }
    }

    /// Forgets the buckets that `now` has left behind.
    fn slide(&mut self, now: Instant) {
        let current = nanos(now.saturating_duration_since(self.start)) / self.length;
        if current <= self.current {
            return;
        }
        if current - self.current >= self.buckets.len() as u64 {
            self.clear();
        } else {
            for number in self.current + 1..=current {
                if let Some(bucket) = place(&mut self.buckets, number) {
                    self.counts.take(std::mem::take(bucket));
                }
            }
        }
        self.current = current;
    }

    fn clear(&mut self) {
        self.buckets.fill(Counts::default());
        self.counts = Counts::default();
    }
}

/// Nanoseconds, up to five centuries of them.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn place(buckets: &mut [Counts], number: u64) -> Option<&mut Counts> {
    let size = buckets.len() as u64;
    usize::try_from(number % size).ok().and_then(|index| buckets.get_mut(index))
}
