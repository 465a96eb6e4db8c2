//! Envoy's gradient: the limit follows how much slower calls have become than they are when almost nobody calls.
//!
//! `gradient = (minRTT + buffer) / sampleRTT`, kept within 0.5 and 2; then `limit = gradient × limit`, plus its square
//! root as headroom for bursts. The minimum is measured anew from time to time, while only a few calls get in.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::Sample;
use crate::moment::later;

/// The numbers of the gradient, with Envoy's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientSettings {
    /// The least limit, and the one under which the minimum is measured. 3.
    pub least: u32,
    /// The greatest limit. 1000.
    pub most: u32,
    /// How often the limit is worked out anew. 100 ms.
    pub every: Duration,
    /// How often the minimum is measured anew. 60 s.
    pub measure_every: Duration,
    /// By up to which share of itself that is put off at random, so that replicas do not measure together. 0.15.
    pub measure_jitter: f64,
    /// Over how many calls the minimum is measured. 50.
    pub measure_calls: u32,
    /// How much slower than the minimum is still as good as the minimum. 0.25 of it.
    pub buffer: f64,
    /// Which percentile of the calls stands for them. 50.
    pub percentile: f64,
}

impl Default for GradientSettings {
    fn default() -> Self {
        Self {
            least: 3,
            most: 1000,
            every: Duration::from_millis(100),
            measure_every: Duration::from_mins(1),
            measure_jitter: 0.15,
            measure_calls: 50,
            buffer: 0.25,
            percentile: 50.0,
        }
    }
}

/// After so many windows at the least limit the minimum is not believed any more.
const PINNED: u32 = 5;

/// From a microsecond to an hour; what takes longer counts as an hour.
const LONGEST: u64 = 3_600_000_000;

pub(super) struct Gradient {
    settings: GradientSettings,
    phase: Phase,
    limit: u32,
    least_took: f64,
    histogram: Histogram<u32>,
    pinned: u32,
    random: fn() -> f64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Only calls begun since then count; afterwards the limit is what it was.
    Measuring {
        since: Instant,
        before: u32,
    },
    Sampling {
        until: Instant,
        measure_at: Instant,
    },
}

impl Gradient {
    /// Nothing if no histogram could be made, which no bounds of ours bring about.
    pub(super) fn new(settings: GradientSettings, random: fn() -> f64, now: Instant) -> Option<Self> {
        let least = settings.least.max(1);
        let settings = GradientSettings { least, most: settings.most.max(least), ..settings };
        Some(Self {
            settings,
            phase: Phase::Measuring { since: now, before: least },
            limit: least,
            least_took: 0.0,
            histogram: Histogram::new_with_bounds(1, LONGEST, 2).ok()?,
            pinned: 0,
            random,
        })
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn add(&mut self, sample: &Sample, now: Instant) {
        match self.phase {
            Phase::Measuring { since, before } => {
                if sample.begun < since {
                    return;
                }
                self.record(sample.took);
                if self.histogram.len() >= u64::from(self.settings.measure_calls.max(1)) {
                    self.least_took = self.typical();
                    self.limit = before;
                    self.sample_until(now);
                }
            }
            Phase::Sampling { until, measure_at } => {
                self.record(sample.took);
                if now >= until {
                    self.update();
                    let next = later(now, self.settings.every);
                    self.phase = Phase::Sampling { until: next, measure_at };
                }
                if now >= measure_at || self.pinned >= PINNED {
                    self.measure(now);
                }
            }
        }
    }

    fn measure(&mut self, now: Instant) {
        self.phase = Phase::Measuring { since: now, before: self.limit };
        self.limit = self.settings.least;
        self.histogram.reset();
        self.pinned = 0;
    }

    fn sample_until(&mut self, now: Instant) {
        let jitter = (self.random)().clamp(0.0, 1.0) * self.settings.measure_jitter.clamp(0.0, 1.0);
        let measure_in = self.settings.measure_every.mul_f64(1.0 + jitter);
        self.phase = Phase::Sampling { until: later(now, self.settings.every), measure_at: later(now, measure_in) };
    }

    fn update(&mut self) {
        let gradient = gradient(self.least_took, self.settings.buffer, self.typical());
        self.limit = next_limit(gradient, self.limit).clamp(self.settings.least, self.settings.most);
        self.pinned = if self.limit == self.settings.least { self.pinned + 1 } else { 0 };
    }

    fn record(&mut self, took: Duration) {
        self.histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(1, LONGEST));
    }

    /// The percentile of the calls recorded, in microseconds, which are then forgotten.
    fn typical(&mut self) -> f64 {
        let micros = self.histogram.value_at_percentile(self.settings.percentile);
        self.histogram.reset();
        #[expect(clippy::cast_precision_loss, reason = "at most an hour of microseconds")]
        {
            micros as f64
        }
    }
}

fn gradient(least: f64, buffer: f64, sample: f64) -> f64 {
    (least * (1.0 + buffer) / sample).clamp(0.5, 2.0)
}

fn next_limit(gradient: f64, limit: u32) -> u32 {
    let limit = f64::from(limit) * gradient;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive; it rounds down and saturates"
    )]
    {
        (limit + limit.sqrt()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_begun_before_the_measurement_tell_nothing_of_the_minimum() {
        let begun = Instant::now();
        let mut gradient =
            Gradient::new(GradientSettings::default(), || 0.0, later(begun, Duration::from_secs(1))).unwrap();
        let mut add = |begun| {
            let sample = Sample { begun, took: Duration::from_secs(1), under_way: 1, dropped: false };
            gradient.add(&sample, later(begun, sample.took));
            gradient.histogram.len()
        };
        assert_eq!(add(begun), 0);
        assert_eq!(add(later(begun, Duration::from_secs(1))), 1);
    }

    #[test]
    fn the_arithmetic_is_envoys() {
        let check = |least: f64, sample, limit, expected| {
            assert_eq!(next_limit(gradient(least, 0.25, sample), limit), expected, "{least} {sample} {limit}");
        };
        // As quick as ever: 1.25 × 100 + √125. Envoy's sample of four calls: 1.25 × 3 + √3.75.
        check(10.0, 10.0, 100, 136);
        check(5.0, 5.0, 3, 5);
        // Within the buffer: 100 + √100.
        check(10.0, 12.5, 100, 110);
        // Twice as slow: 62.5 + √62.5. Ten times: not less than half, 50 + √50.
        check(10.0, 20.0, 100, 70);
        check(10.0, 100.0, 100, 57);
        // Quicker than the minimum: not more than twice, 200 + √200.
        check(10.0, 1.0, 100, 214);
    }
}
