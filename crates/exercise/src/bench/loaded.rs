//! A service under more load than users send on a usual day.

use std::{
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use gonogo_domain::exercise::{Capacity, Limit, Timeline};
use hyper::{HeaderMap, header::HeaderName, header::HeaderValue};

use super::{Bench, BenchError};
use crate::load::{self, Endpoint, Outcome, Plan, Schedule, Search, Stage, Stop, Target};

/// How long the capacity is looked for.
const LONGEST: Duration = Duration::from_secs(40);

/// No more requests a second are sent to find it, where nothing is stated.
const MOST: f64 = 5000.0;

/// Requests under way at the same time.
const IN_FLIGHT: usize = 4000;

/// As how many clients a service is asked that holds back each of them.
pub const CLIENTS: u8 = 200;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A load at a constant rate.
#[derive(Clone, Debug)]
pub struct Phase {
    pub rate: f64,
    pub length: Duration,
    pub clients: u8,
    /// How long users wait.
    pub timeout: Duration,
}

impl Bench {
    /// These kinds of requests as a target of load, with their shares.
    ///
    /// # Errors
    /// Where a request is none.
    pub fn target(&self, kinds: &[usize]) -> Result<Target, BenchError> {
        if self.is_foreign() {
            return Err(BenchError::Foreign("another machine is not loaded".to_owned()));
        }
        let asks = self.asks();
        let mut endpoints = Vec::new();
        for (weight, ask) in kinds.iter().filter_map(|kind| asks.get(*kind)) {
            let wrong = || BenchError::Configuration(format!("{} {} is no request", ask.method, ask.path));
            let mut headers = HeaderMap::new();
            for (name, value) in &ask.headers {
                let name: HeaderName = name.parse().map_err(|_| wrong())?;
                headers.append(name, value.parse::<HeaderValue>().map_err(|_| wrong())?);
            }
            endpoints.push(Endpoint {
                method: ask.method.parse().map_err(|_| wrong())?,
                path: ask.path.clone(),
                headers,
                body: ask.body.clone(),
                weight: (*weight).max(1),
            });
        }
        let mut target = Target::new(&format!("http://{}/", self.address()), "GET", &[], Bytes::new())
            .map_err(|error| BenchError::Configuration(error.to_string()))?;
        target.endpoints = endpoints;
        target.ids = Some(self.new_id());
        Ok(target)
    }

    /// The capacity for these kinds of requests, found once: as one client first, and as many where a limiter holds the one
    /// back. With it comes what one client was let do, where that is less.
    ///
    /// # Errors
    /// Where nothing can be sent.
    pub fn capacity(&mut self, kinds: &[usize]) -> Result<(Capacity, Option<f64>), BenchError> {
        let one = match &self.capacity {
            Some(known) => known.clone(),
            None => self.search(kinds, 1)?,
        };
        if one.limit != Limit::Limiter {
            self.capacity = Some(one.clone());
            return Ok((one, None));
        }
        let many = self.search(kinds, CLIENTS)?;
        // Where many are held back as well, the limit is not one of each client.
        let more = many.rate.unwrap_or_default() > one.rate.unwrap_or_default() * 1.5;
        if more { Ok((many, one.rate)) } else { Ok((one, None)) }
    }

    fn search(&self, kinds: &[usize], clients: u8) -> Result<Capacity, BenchError> {
        let limits = &self.run().limits;
        let search = Search {
            target: self.target(kinds)?,
            from: self.run().rate,
            most: limits.most.unwrap_or(MOST),
            bound: limits.p99,
            longest: LONGEST,
            in_flight: IN_FLIGHT,
            threads: 1,
            clients,
        };
        let capacity = load::find(&search, &Stop::from(self.asked_to_stop()), &mut |_| ())?;
        if self.stopped() { Err(BenchError::Stopped) } else { Ok(capacity) }
    }

    /// Sends a load and watches the memory of the process, in bytes, all the while.
    ///
    /// # Errors
    /// Where nothing can be sent, or the user wants it to end.
    pub fn load(&mut self, kinds: &[usize], phase: &Phase) -> Result<(Outcome, Vec<u64>), BenchError> {
        let plan = Plan {
            target: self.target(kinds)?,
            schedule: Schedule::new(vec![Stage::constant(phase.rate, phase.length)]),
            in_flight: IN_FLIGHT,
            threads: 1,
            timeout: phase.timeout,
            clients: phase.clients,
        };
        let stop = Stop::from(self.asked_to_stop());
        let mut memory = Vec::new();
        let outcome = thread::scope(|scope| {
            let load = scope.spawn(|| load::run(&plan, &stop, &|_| ()));
            let begin = Instant::now();
            while !load.is_finished() {
                // What comes after the last request belongs to another phase.
                if begin.elapsed() < phase.length {
                    memory.extend(self.process().and_then(|process| process.memory()));
                }
                thread::sleep(LOOK.min(phase.length / 4));
            }
            load.join().unwrap_or_else(|_| Err(std::io::Error::other("the load broke down")))
        })?;
        if self.stopped() { Err(BenchError::Stopped) } else { Ok((outcome, memory)) }
    }

    /// A picture of loads, each with the moment in which it began.
    pub fn timeline_of(&self, from: Instant, loads: &[(Instant, &Outcome)]) -> Timeline {
        let mut timeline = self.timeline(from, &[]);
        for (begin, outcome) in loads {
            for (second, counts) in (0_u64..).zip(&outcome.series) {
                let at = Self::since(from, *begin) + second * 1000;
                timeline.requests(at, counts.good, counts.bad, counts.max / 1000);
            }
        }
        timeline
    }
}
