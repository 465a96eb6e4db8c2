//! Finds the highest rate that a service carries: doubles it until it fails, then halves the distance.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use gonogo_domain::exercise::{Capacity, Limit, Step};

use super::{Outcome, Plan, Schedule, Stage, Stop, Target, run};

/// A step is no shorter: an overloaded service has to be seen to fall behind.
const SHORTEST: Duration = Duration::from_millis(1500);

/// Near the limit, steps are longer, so that the percentile is one.
const LONGER: Duration = Duration::from_millis(3500);

/// So many answers say what the 99th percentile is.
const ENOUGH: f64 = 1000.0;

/// No answer is too late before this.
const LEAST_BOUND: Duration = Duration::from_millis(100);

/// How many of a hundred requests may fail.
const ERRORS: f64 = 0.01;

/// The limit is known well enough when it lies between two rates of this ratio.
const NEAR: f64 = 1.2;

/// A service that fell behind may take so long to catch up between steps.
const DRAIN: Duration = Duration::from_secs(5);

/// What is looked for, and within what.
#[derive(Clone, Debug)]
pub struct Search {
    pub target: Target,
    /// The first rate.
    pub from: f64,
    /// No higher rate is tried.
    pub most: f64,
    /// What the 99th percentile may be; none: three times that of the first step.
    pub bound: Option<Duration>,
    /// No step begins later.
    pub longest: Duration,
    pub in_flight: usize,
    pub threads: usize,
    pub clients: u8,
}

/// Looks for the capacity. `watch` is told of each step.
///
/// # Errors
/// Where nothing can be sent at all.
pub fn find(search: &Search, stop: &Stop, watch: &mut dyn FnMut(&Step)) -> io::Result<Capacity> {
    let begin = Instant::now();
    let mut hunt = Hunt::new(search.from, search.most);
    let mut bound = search.bound;
    let mut steps: Vec<Step> = Vec::new();
    let (mut limit, mut p99_us) = (Limit::Time, 0);
    while let Some(rate) = hunt.next() {
        if begin.elapsed() >= search.longest || stop.is_asked() {
            break;
        }
        let least = if hunt.is_near() { LONGER.min(Duration::from_secs_f64(ENOUGH / rate)) } else { SHORTEST };
        let length = least.max(SHORTEST).max(bound.unwrap_or_default() * 3);
        let known = bound.unwrap_or(Duration::from_secs(2));
        let outcome = send(search, rate, length, known, stop)?;
        let p99 = Duration::from_micros(outcome.latency.percentile(0.99).map_or(0, |one| one.value));
        let known = *bound.get_or_insert_with(|| (p99 * 3).max(LEAST_BOUND));
        let (made, why) = judged(&outcome, rate, known, search.in_flight);
        watch(&made);
        steps.push(made);
        match why {
            None => p99_us = made.p99_us,
            Some(found) => limit = found,
        }
        hunt.note(rate, why.is_none());
        if why.is_some() {
            caught_up(search, known, stop)?;
        }
    }
    let over = hunt.next().is_some();
    let limit = match hunt.low {
        _ if over && hunt.high.is_none() => Limit::Time,
        Some(low) if hunt.high.is_none() && low >= search.most => Limit::Most,
        _ => limit,
    };
    let bound_ms = u64::try_from(bound.unwrap_or(LEAST_BOUND).as_millis()).unwrap_or(u64::MAX);
    Ok(Capacity { rate: hunt.low, p99_us, bound_ms, limit, clients: search.clients, steps })
}

fn send(search: &Search, rate: f64, length: Duration, bound: Duration, stop: &Stop) -> io::Result<Outcome> {
    let plan = Plan {
        target: search.target.clone(),
        schedule: Schedule::new(vec![Stage::constant(rate, length)]),
        in_flight: search.in_flight,
        threads: search.threads,
        // What is later than this is too late in any case.
        timeout: (bound * 2).max(Duration::from_secs(1)),
        clients: search.clients,
    };
    run(&plan, stop, &|_| ())
}

/// Whether a step held, and if not, why.
fn judged(outcome: &Outcome, rate: f64, bound: Duration, in_flight: usize) -> (Step, Option<Limit>) {
    let value = |latency: &super::Latency| latency.percentile(0.99).map_or(0, |one| one.value);
    #[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
    let limited_ratio = outcome.ended.get("429").copied().unwrap_or_default() as f64 / outcome.due.max(1) as f64;
    let (p99, late) = (value(&outcome.latency), value(&outcome.send_delay));
    let bound = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
    let held = outcome.error_ratio <= ERRORS && p99 <= bound && outcome.due > 0;
    let step = Step {
        rate,
        due: outcome.due,
        p99_us: p99,
        error_ratio: outcome.error_ratio,
        limited_ratio,
        late_us: late,
        held,
    };
    if held {
        return (step, None);
    }
    // Whoever waits for a free connection waits for the service, by Little's law.
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let full = outcome.service_time.mean / 1e6 * rate >= in_flight as f64 * 0.5;
    let why = if limited_ratio > ERRORS && limited_ratio * 2.0 > outcome.error_ratio {
        Limit::Limiter
    } else if late * 2 > bound && value(&outcome.service_time) < bound && !full {
        Limit::Generator
    } else {
        Limit::Service
    };
    (step, Some(why))
}

/// Waits until a single request is answered in time again.
fn caught_up(search: &Search, bound: Duration, stop: &Stop) -> io::Result<()> {
    let until = Instant::now() + DRAIN;
    while Instant::now() < until && !stop.is_asked() {
        let outcome = send(search, 10.0, Duration::from_millis(300), bound, stop)?;
        if outcome.latency.max <= u64::try_from(bound.as_micros()).unwrap_or(u64::MAX) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Which rate is tried next.
#[derive(Clone, Copy, Debug)]
struct Hunt {
    from: f64,
    most: f64,
    /// The highest rate that held.
    low: Option<f64>,
    /// The lowest rate that failed twice.
    high: Option<f64>,
    /// The rate that failed once: a machine stutters now and then.
    doubted: Option<f64>,
}

/// A rate below this is not looked for.
const LEAST_RATE: f64 = 1.0;

impl Hunt {
    fn new(from: f64, most: f64) -> Self {
        let most = most.max(LEAST_RATE);
        Self { from: from.clamp(LEAST_RATE, most), most, low: None, high: None, doubted: None }
    }

    fn next(&self) -> Option<f64> {
        if self.doubted.is_some() {
            return self.doubted;
        }
        match (self.low, self.high) {
            (None, None) => Some(self.from),
            (None, Some(high)) => (high / 2.0 >= LEAST_RATE).then_some(high / 2.0),
            (Some(low), None) => (low < self.most).then(|| (low * 2.0).min(self.most)),
            (Some(low), Some(high)) => (high / low > NEAR).then(|| (low * high).sqrt()),
        }
    }

    /// The limit lies between two known rates.
    fn is_near(&self) -> bool {
        self.low.is_some() && self.high.is_some()
    }

    fn note(&mut self, rate: f64, held: bool) {
        if held {
            self.doubted = None;
            self.low = Some(rate);
            return;
        }
        if self.doubted.take().is_none() {
            self.doubted = Some(rate);
            return;
        }
        self.high = Some(rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates that are tried with a service that carries so many; `stutters` names tries that fail for no reason.
    #[track_caller]
    fn check(capacity: f64, most: f64, stutters: &[usize], low: Option<f64>, steps: usize) {
        let mut hunt = Hunt::new(20.0, most);
        let mut tried = 0;
        while let Some(rate) = hunt.next() {
            hunt.note(rate, rate <= capacity && !stutters.contains(&tried));
            tried += 1;
            assert!(tried < 100, "{hunt:?}");
        }
        let rounded = hunt.low.map(f64::round);
        assert_eq!((rounded, tried), (low, steps));
    }

    #[test]
    fn a_limit_is_found_within_a_fifth_below_it() {
        check(300.0, 5000.0, &[], Some(269.0), 8);
        check(20.0, 5000.0, &[], Some(20.0), 7);
        check(1e6, 5000.0, &[], Some(5000.0), 9);
    }

    #[test]
    fn what_cannot_carry_the_first_rate_is_asked_less() {
        check(6.0, 5000.0, &[], Some(6.0), 8);
        check(0.1, 5000.0, &[], None, 10);
    }

    #[test]
    fn one_stutter_ends_nothing() {
        check(300.0, 5000.0, &[2], Some(269.0), 9);
    }

    fn outcome(errors: f64, p99: u64, late: u64, service: u64, limited: u64) -> Outcome {
        let of = |value| super::super::Latency {
            count: 1000,
            #[expect(clippy::cast_precision_loss, reason = "a small time")]
            mean: value as f64,
            max: value,
            percentiles: vec![super::super::Percentile {
                quantile: 0.99,
                value,
                low: value,
                high: value,
                beyond: 0,
                enough: true,
            }],
        };
        Outcome {
            due: 1000,
            sent: 1000,
            dropped: 0,
            seconds: 1.0,
            asked_rate: 1000.0,
            answered_rate: 1000.0,
            connections: 1,
            bytes_received: 0,
            ended: [("429".to_owned(), limited)].into(),
            error_ratio: errors,
            latency: of(p99),
            good_latency: of(p99),
            refused_latency: of(p99),
            service_time: of(service),
            send_delay: of(late),
            series: Vec::new(),
            stopped: false,
        }
    }

    #[track_caller]
    fn check_why(outcome: &Outcome, expect: Option<Limit>) {
        let (made, why) = judged(outcome, 1000.0, Duration::from_millis(100), 4000);
        assert_eq!((why, made.held), (expect, expect.is_none()));
    }

    #[test]
    fn who_is_too_slow_is_told_apart() {
        check_why(&outcome(0.0, 90_000, 0, 90_000, 0), None);
        check_why(&outcome(0.01, 100_000, 0, 90_000, 0), None);
        check_why(&outcome(0.0, 150_000, 100, 149_000, 0), Some(Limit::Service));
        check_why(&outcome(0.3, 10_000, 100, 9_000, 300), Some(Limit::Limiter));
        check_why(&outcome(0.3, 10_000, 100, 9_000, 10), Some(Limit::Service));
        check_why(&outcome(0.0, 150_000, 140_000, 9_000, 0), Some(Limit::Generator));
        // All connections wait for a slow service.
        check_why(&outcome(0.0, 9_000_000, 5_000_000, 4_000_000, 0), Some(Limit::Service));
    }
}
