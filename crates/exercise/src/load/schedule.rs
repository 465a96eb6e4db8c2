//! When each request is due: fixed before the run.

use std::time::Duration;

/// A stretch of the run in which the rate is constant or changes evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    pub length: Duration,
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
}

impl Stage {
    pub fn constant(rate: f64, length: Duration) -> Self {
        Self { length, from: rate, to: rate }
    }

    /// How many requests are due before its end: the area under the rate.
    fn requests(self) -> f64 {
        self.length.as_secs_f64() * f64::midpoint(self.from.max(0.0), self.to.max(0.0))
    }

    /// The seconds after its start at which this many requests are due: the inverse of `from·t + a·t²/2`.
    fn after(self, requests: f64) -> f64 {
        let length = self.length.as_secs_f64();
        let slope = if length > 0.0 { (self.to - self.from) / length } else { 0.0 };
        if slope.abs() < 1e-9 {
            return if self.from > 0.0 { requests / self.from } else { length };
        }
        let root = (self.from * self.from + 2.0 * slope * requests).max(0.0).sqrt();
        // The other form of the root, which does not cancel where the slope is small.
        2.0 * requests / (self.from + root)
    }
}

/// The stages of a run, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    stages: Vec<Stage>,
    /// How many requests are due before each stage, and its start in seconds.
    starts: Vec<(f64, f64)>,
    length: Duration,
    total: u64,
}

impl Schedule {
    pub fn new(stages: Vec<Stage>) -> Self {
        let mut starts = Vec::with_capacity(stages.len());
        let (mut requests, mut time) = (0.0, Duration::ZERO);
        for stage in &stages {
            starts.push((requests, time.as_secs_f64()));
            requests += stage.requests();
            time += stage.length;
        }
        // A request is due at the start of its share of a second: the last one is due before the end.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, never negative")]
        let total = (requests - 1e-9).ceil().max(0.0) as u64;
        Self { stages, starts, length: time, total }
    }

    pub fn length(&self) -> Duration {
        self.length
    }

    /// How many requests are due in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// When a request is due, counted from the start of the run; none after the last one.
    pub fn at(&self, request: u64) -> Option<Duration> {
        if request >= self.total {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
        let request = request as f64;
        let stage = self.starts.partition_point(|(before, _)| *before <= request).checked_sub(1)?;
        let (before, start) = *self.starts.get(stage)?;
        let after = self.stages.get(stage)?.after(request - before);
        Some(Duration::from_secs_f64((start + after).max(0.0)))
    }

    /// The highest rate that it asks for.
    pub fn peak(&self) -> f64 {
        self.stages.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stages: &[(f64, f64, u64)], total: u64, due: &[(u64, f64)]) {
        let stages = stages.iter().map(|(from, to, seconds)| Stage {
            length: Duration::from_secs(*seconds),
            from: *from,
            to: *to,
        });
        let schedule = Schedule::new(stages.collect());
        assert_eq!(schedule.total(), total);
        for (request, seconds) in due {
            let at = schedule.at(*request).unwrap().as_secs_f64();
            assert!((at - seconds).abs() < 1e-6, "request {request} at {at}, not {seconds}");
        }
        assert_eq!(schedule.at(total), None);
        let times: Vec<Duration> = (0..total).map(|request| schedule.at(request).unwrap()).collect();
        assert!(times.is_sorted() && times.iter().all(|time| *time <= schedule.length()));
    }

    #[test]
    fn a_constant_rate_spaces_requests_evenly() {
        check(&[(100.0, 100.0, 60)], 6000, &[(0, 0.0), (1, 0.01), (5999, 59.99)]);
        check(&[(0.5, 0.5, 10)], 5, &[(1, 2.0), (4, 8.0)]);
    }

    #[test]
    fn a_ramp_sends_the_area_under_its_rate() {
        // From 0 to 100 a second in 10 s: 5·t² requests after t seconds.
        check(&[(0.0, 100.0, 10)], 500, &[(0, 0.0), (5, 1.0), (125, 5.0), (320, 8.0)]);
        check(&[(100.0, 0.0, 10)], 500, &[(0, 0.0), (375, 5.0)]);
    }

    #[test]
    fn stages_follow_each_other() {
        check(&[(10.0, 10.0, 2), (0.0, 0.0, 3), (20.0, 20.0, 1)], 40, &[(19, 1.9), (20, 5.0), (39, 5.95)]);
    }

    #[test]
    fn nothing_is_due_in_no_time() {
        check(&[], 0, &[]);
        check(&[(100.0, 100.0, 0)], 0, &[]);
    }
}
