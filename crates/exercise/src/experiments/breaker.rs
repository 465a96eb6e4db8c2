//! Lets a dependency fail for long under steady load, counts the calls that it still gets, and heals it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Breaker, Observation, Trial},
};

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Shape, Survey, Traffic, shape},
    proxy::{Break, Fault, Which},
};

/// How long the dependency fails.
const FAILING: Duration = Duration::from_secs(20);

/// What is counted at the end of it.
const TAIL: Duration = Duration::from_secs(10);

/// How long calls are counted while all is well.
const USUAL: Duration = Duration::from_secs(4);

/// A breaker that is open for a minute, the longest default there is, is waited for.
const PATIENCE: Duration = Duration::from_secs(75);

/// Calls are few, or as usual again, in a stretch of this length.
const STRETCH: Duration = Duration::from_secs(2);

/// A rate at which a breaker has something to count.
const LEAST_RATE: f64 = 10.0;

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::http_dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut breakers, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, kinds, .. } in &needed {
        let counted = Counted { bench, name, shapes: survey.shapes(name, kinds) };
        let traffic = users(bench, kinds)?;
        bench.wait(USUAL)?;
        let usual = counted.per(Instant::now(), USUAL, TAIL);
        let from = Instant::now();
        let answer = Break::Status { code: 503, retry_after: None };
        let injected = bench.inject(name, Fault::Http { which: Which::All, answer })?;
        bench.wait(FAILING)?;
        let until = Instant::now();
        drop(injected);
        let while_failing = counted.between(until.checked_sub(TAIL).unwrap_or(from), until);
        let open = counted.opened(from, until, usual);
        let recovered = if while_failing * 2 > usual { Some(until) } else { counted.came_back(until, usual)? };
        sent.extend(traffic.end());
        let what = Message::new(format!("{name} answers 503"), format!("{name} 返回 503"));
        marks.push((from, Some(until), what));
        if let Some(at) = open {
            marks.push((at, None, Message::new("few calls from here on", "此后调用很少")));
        }
        breakers.push(Breaker {
            dependency: name.clone(),
            usual,
            until_open: open.map(|at| counted.between(from, at)),
            open_ms: open.map(|at| Bench::since(from, at)),
            while_failing,
            failing_ms: Bench::since(from, until),
            recovered_ms: recovered.map(|at| Bench::since(until, at)),
            watched_ms: Bench::since(until, Instant::now()),
        });
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), until.map(|until| Bench::since(begin, until)), what);
    }
    Ok(Trial { observation: Observation::Breaker(breakers), timeline })
}

/// Users who send only what needs the dependency.
fn users(bench: &Bench, kinds: &[usize]) -> Result<Traffic, BenchError> {
    let templates: Vec<usize> = kinds.to_vec();
    let make = bench.make_of(&templates);
    Ok(Traffic::start(bench.address(), bench.run().rate.max(LEAST_RATE), Duration::from_secs(10), make)?)
}

/// The calls of users' requests to one dependency; the service calls on its own account too.
struct Counted<'a> {
    bench: &'a Bench,
    name: &'a str,
    shapes: BTreeSet<Shape>,
}

impl Counted<'_> {
    /// Those that came from a moment to another.
    fn between(&self, from: Instant, until: Instant) -> u64 {
        let end = until.saturating_duration_since(self.bench.clock().zero);
        let calls = self.bench.calls_since(self.name, from);
        let counted = calls.iter().filter(|one| one.came < end && self.shapes.contains(&shape(one)));
        u64::try_from(counted.count()).unwrap_or(u64::MAX)
    }

    /// Those of the last stretch, as many as they would be in another length of time.
    fn per(&self, now: Instant, stretch: Duration, length: Duration) -> u64 {
        let found = self.between(now.checked_sub(stretch).unwrap_or(now), now);
        let (length, stretch) = (length.as_millis(), stretch.as_millis().max(1));
        u64::try_from(u128::from(found) * length / stretch).unwrap_or(u64::MAX)
    }

    /// When they became few, and stayed so for a stretch.
    fn opened(&self, from: Instant, until: Instant, usual: u64) -> Option<Instant> {
        let mut at = from;
        while at + STRETCH <= until {
            let as_usual = usual * u64::try_from(STRETCH.as_millis()).ok()? / u64::try_from(TAIL.as_millis()).ok()?;
            if self.between(at, at + STRETCH) * 4 <= as_usual {
                return Some(at);
            }
            at += Duration::from_millis(100);
        }
        None
    }

    /// When they were as usual again.
    fn came_back(&self, healed: Instant, usual: u64) -> Result<Option<Instant>, BenchError> {
        while healed.elapsed() < PATIENCE {
            self.bench.wait(Duration::from_millis(100))?;
            let now = Instant::now();
            if healed.elapsed() >= STRETCH && self.per(now, STRETCH, TAIL) * 10 >= usual * 6 {
                return Ok(now.checked_sub(STRETCH));
            }
        }
        Ok(None)
    }
}
