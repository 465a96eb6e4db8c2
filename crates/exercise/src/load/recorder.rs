//! Counts what happens, cheaply.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::outcome::{Ended, Latency, Outcome, Percentile, Second};

/// The percentiles that are told.
const QUANTILES: &[f64] = &[0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// Longer runs keep their last seconds together in one.
const SECONDS: usize = 24 * 3600;

/// One request as it went, each time counted from the start of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Went {
    pub due: Duration,
    pub sent: Duration,
    pub ended: Duration,
    pub how: Ended,
    pub bytes: u64,
}

/// The counts of one thread; those of several are added up.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    latency: Histogram<u64>,
    good: Histogram<u64>,
    refused: Histogram<u64>,
    service: Histogram<u64>,
    delay: Histogram<u64>,
    ended: BTreeMap<Ended, u64>,
    series: Vec<Second>,
    bytes: u64,
    pub connections: u64,
}

impl Recorder {
    /// None where no histogram can be made, which does not happen for these bounds.
    pub(super) fn new() -> Option<Self> {
        // A microsecond to an hour, three digits.
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000, 3).ok();
        Some(Self {
            latency: histogram()?,
            good: histogram()?,
            refused: histogram()?,
            service: histogram()?,
            delay: histogram()?,
            ended: BTreeMap::new(),
            series: Vec::new(),
            bytes: 0,
            connections: 0,
        })
    }

    pub(super) fn record(&mut self, went: Went) {
        let latency = micros(went.ended.saturating_sub(went.due));
        self.latency.saturating_record(latency);
        self.delay.saturating_record(micros(went.sent.saturating_sub(went.due)));
        if went.how.good() {
            self.good.saturating_record(latency);
        }
        if went.how.refused() {
            self.refused.saturating_record(latency);
        }
        if went.how.status().is_some() {
            self.service.saturating_record(micros(went.ended.saturating_sub(went.sent)));
        }
        *self.ended.entry(went.how).or_default() += 1;
        self.bytes += went.bytes;
        let second = usize::try_from(went.due.as_secs()).unwrap_or(SECONDS).min(SECONDS);
        if self.series.len() <= second {
            self.series.resize(second + 1, Second::default());
        }
        if let Some(second) = self.series.get_mut(second) {
            second.due += 1;
            second.max = second.max.max(latency);
            *(if went.how.good() { &mut second.good } else { &mut second.bad }) += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        // Equal bounds always add.
        for (all, more) in [
            (&mut self.latency, &other.latency),
            (&mut self.good, &other.good),
            (&mut self.refused, &other.refused),
            (&mut self.service, &other.service),
            (&mut self.delay, &other.delay),
        ] {
            let _ = all.add(more);
        }
        for (how, count) in &other.ended {
            *self.ended.entry(*how).or_default() += count;
        }
        if self.series.len() < other.series.len() {
            self.series.resize(other.series.len(), Second::default());
        }
        for (all, more) in self.series.iter_mut().zip(&other.series) {
            all.due += more.due;
            all.good += more.good;
            all.bad += more.bad;
            all.max = all.max.max(more.max);
        }
        self.bytes += other.bytes;
        self.connections += other.connections;
    }

    /// How many requests ended, and how many of them well.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.latency.len(), self.good.len())
    }

    pub(super) fn latency(&self) -> Latency {
        told(&self.latency)
    }

    /// The latency of what ended since the recorder was as this one.
    pub(super) fn latency_since(&self, earlier: &Histogram<u64>) -> Latency {
        let mut since = self.latency.clone();
        // What is there now holds all that was there before.
        if since.subtract(earlier).is_err() {
            return self.latency();
        }
        told(&since)
    }

    pub(super) fn latencies(&self) -> &Histogram<u64> {
        &self.latency
    }

    pub(super) fn ended(&self) -> BTreeMap<String, u64> {
        self.ended.iter().map(|(how, count)| (how.word(), *count)).collect()
    }

    pub(super) fn series(&self) -> &[Second] {
        &self.series
    }

    /// The outcome of a run of this length in which so many requests were due.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
    pub(super) fn outcome(&self, due: u64, asked_rate: f64, length: Duration, stopped: bool) -> Outcome {
        let (sent, good) = self.counts();
        let seconds = length.as_secs_f64();
        let answered = self.service.len();
        Outcome {
            due,
            sent,
            dropped: due.saturating_sub(sent),
            seconds,
            asked_rate,
            answered_rate: if seconds > 0.0 { answered as f64 / seconds } else { 0.0 },
            connections: self.connections,
            bytes_received: self.bytes,
            ended: self.ended(),
            error_ratio: if due > 0 { 1.0 - good as f64 / due as f64 } else { 0.0 },
            latency: told(&self.latency),
            good_latency: told(&self.good),
            refused_latency: told(&self.refused),
            service_time: told(&self.service),
            send_delay: told(&self.delay),
            series: self.series.clone(),
            stopped,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn told(histogram: &Histogram<u64>) -> Latency {
    let count = histogram.len();
    let percentiles = QUANTILES.iter().map(|quantile| {
        let value = histogram.value_at_quantile(*quantile);
        #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
        let enough = count as f64 * (1.0 - quantile) >= 10.0 - 1e-6;
        let beyond = count.saturating_sub(histogram.count_between(0, value));
        #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
        let spread = 1.96 * (quantile * (1.0 - quantile) / (count as f64).max(1.0)).sqrt();
        let low = histogram.value_at_quantile((quantile - spread).max(0.0));
        let high = histogram.value_at_quantile((quantile + spread).min(1.0));
        Percentile { quantile: *quantile, value, low, high, beyond, enough }
    });
    Latency {
        count,
        mean: if count == 0 { 0.0 } else { histogram.mean() },
        max: if count == 0 { 0 } else { histogram.max() },
        percentiles: if count == 0 { Vec::new() } else { percentiles.collect() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(latencies: impl Iterator<Item = (f64, f64, Ended)>) -> Outcome {
        let mut recorder = Recorder::new().unwrap();
        let mut due = 0;
        for (at, latency, how) in latencies {
            due += 1;
            let at = Duration::from_secs_f64(at);
            let ended = at + Duration::from_secs_f64(latency);
            recorder.record(Went { due: at, sent: at, ended, how, bytes: 1 });
        }
        recorder.outcome(due, 100.0, Duration::from_mins(1), false)
    }

    /// A constant rate, answers in no time, and one stall: the quantile q is max(0, S − (1 − q)·D).
    #[track_caller]
    fn check_stall(length: f64, stall: f64, expect: &[(f64, f64)]) {
        let rate = 100.0;
        let begin = 20.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
        let requests = (length * rate) as u32;
        let outcome = recorded((0..requests).map(|request| {
            let at = f64::from(request) / rate;
            let waits = if (begin..begin + stall).contains(&at) { begin + stall - at } else { 0.0 };
            (at, waits, Ended::Answered(200))
        }));
        for (quantile, seconds) in expect {
            let found = outcome.latency.percentiles.iter().find(|one| (one.quantile - quantile).abs() < 1e-9);
            #[expect(clippy::cast_precision_loss, reason = "microseconds of seconds")]
            let found = found.unwrap().value as f64 / 1e6;
            assert!((found - seconds).abs() < 0.015, "q {quantile}: {found} s, not {seconds} s");
        }
    }

    #[test]
    fn a_stall_is_counted_against_every_request_that_was_due_in_it() {
        check_stall(60.0, 5.0, &[(0.5, 0.0), (0.95, 2.0), (0.99, 4.4), (0.999, 4.94)]);
        check_stall(50.0, 5.0, &[(0.95, 2.5), (0.99, 4.5), (0.999, 4.95)]);
    }

    #[test]
    fn the_99th_percentile_of_a_hundred_is_the_99th_value_and_says_that_it_is_too_few() {
        let outcome = recorded((1..=100_u32).map(|place| (0.0, f64::from(place) / 1e3, Ended::Answered(200))));
        let percentile = |quantile: f64| {
            outcome.latency.percentiles.iter().find(|one| (one.quantile - quantile).abs() < 1e-9).unwrap().clone()
        };
        let p99 = percentile(0.99);
        assert!((98_900..=99_099).contains(&p99.value), "{p99:?}");
        assert_eq!((p99.beyond, p99.enough, percentile(0.9).enough), (1, false, true));
        assert_eq!(outcome.latency.at(0.99), None);
    }

    #[test]
    fn what_did_not_end_well_is_in_the_percentiles_and_apart() {
        let good = (0..990).map(|_| (0.0, 0.001, Ended::Answered(200)));
        let bad = (0..10).map(|_| (0.0, 10.0, Ended::TimedOut));
        let outcome = recorded(good.chain(bad));
        assert!(outcome.latency.max >= 10_000_000 && outcome.good_latency.max < 2_000);
        assert!((outcome.error_ratio - 0.01).abs() < 1e-9);
        assert_eq!(outcome.ended, BTreeMap::from([("200".to_owned(), 990), ("timed-out".to_owned(), 10)]));
        assert_eq!(outcome.service_time.count, 990);
    }

    #[test]
    fn counts_of_threads_add_up() {
        let mut one = Recorder::new().unwrap();
        let mut other = one.clone();
        let went = |second: u64| Went {
            due: Duration::from_secs(second),
            sent: Duration::from_secs(second),
            ended: Duration::from_secs(second + 1),
            how: Ended::Answered(503),
            bytes: 10,
        };
        one.record(went(0));
        other.record(went(2));
        one.add(&other);
        let outcome = one.outcome(3, 1.0, Duration::from_secs(3), true);
        assert_eq!((outcome.sent, outcome.dropped, outcome.bytes_received), (2, 1, 20));
        assert_eq!(outcome.series.iter().map(|second| second.bad).collect::<Vec<_>>(), [1, 0, 1]);
    }
}
