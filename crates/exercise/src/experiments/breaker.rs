//! Lets a dependency fail for long under steady load, counts the calls that it still gets, and heals it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Breaker, Failing, Observation, Trial},
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

/// A dependency whose calls nobody can count fails for so long, so often.
const ROUND: Duration = Duration::from_secs(8);
const ROUNDS: usize = 3;

/// A first call that comes later than this was held back: no more rounds are needed.
const HELD_BACK: u64 = 300;

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::http_dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut breakers, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, kinds, .. } in &needed {
        let counted = Counted { bench, name, shapes: survey.shapes(name, kinds) };
        let traffic = users(bench, kinds)?;
        for failing in [Failing::Unavailable, Failing::Silent, Failing::Refused] {
            bench.wait(USUAL)?;
            let usual = counted.per(Instant::now(), USUAL, TAIL);
            let mut breaker = Breaker {
                dependency: name.clone(),
                failing,
                usual,
                until_open: None,
                open_ms: None,
                while_failing: 0,
                failing_ms: 0,
                recovered_ms: None,
                watched_ms: 0,
                first_ms: Vec::new(),
            };
            if failing == Failing::Refused {
                counted.refused(&mut breaker, &mut marks)?;
            } else {
                counted.failed(&mut breaker, &mut marks)?;
            }
            let well = breaker.recovered_ms.is_some();
            breakers.push(breaker);
            if !well {
                // What does not come back hides whatever follows.
                break;
            }
        }
        sent.extend(traffic.end());
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), until.map(|until| Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Breaker(breakers), timeline))
}

type Marks = Vec<(Instant, Option<Instant>, Message)>;

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
    /// Lets it fail in a way in which calls still come, and counts them.
    fn failed(&self, breaker: &mut Breaker, marks: &mut Marks) -> Result<(), BenchError> {
        let fault = match breaker.failing {
            Failing::Silent => Fault::BlackHole,
            _ => Fault::Http { which: Which::All, answer: Break::Status { code: 503, retry_after: None } },
        };
        let (from, usual) = (Instant::now(), breaker.usual);
        let injected = self.bench.inject(self.name, fault)?;
        self.bench.wait(FAILING)?;
        let until = Instant::now();
        drop(injected);
        breaker.while_failing = self.between(until.checked_sub(TAIL).unwrap_or(from), until);
        let open = self.opened(from, until, usual);
        let goes_on = breaker.failing == Failing::Unavailable && breaker.while_failing * 2 > usual;
        let recovered = if goes_on { Some(until) } else { self.came_back(until, usual)? };
        self.mark(breaker.failing, from, until, marks);
        if let Some(at) = open {
            marks.push((at, None, Message::new("few calls from here on", "此后调用很少")));
        }
        breaker.until_open = open.map(|at| self.between(from, at));
        breaker.open_ms = open.map(|at| Bench::since(from, at));
        breaker.failing_ms = Bench::since(from, until);
        breaker.recovered_ms = recovered.map(|at| Bench::since(until, at));
        breaker.watched_ms = Bench::since(until, Instant::now());
        Ok(())
    }

    /// Lets it refuse connections, which nobody but the service sees, and looks how soon it is called afterwards.
    fn refused(&self, breaker: &mut Breaker, marks: &mut Marks) -> Result<(), BenchError> {
        for _ in 0..ROUNDS {
            let from = Instant::now();
            let injected = self.bench.inject(self.name, Fault::Refuse)?;
            self.bench.wait(ROUND)?;
            drop(injected);
            let until = Instant::now();
            let recovered = self.came_back(until, breaker.usual)?;
            self.mark(breaker.failing, from, until, marks);
            breaker.failing_ms = Bench::since(from, until);
            breaker.recovered_ms = recovered.map(|at| Bench::since(until, at));
            breaker.watched_ms = Bench::since(until, Instant::now());
            let first = self.first(until).unwrap_or(breaker.watched_ms);
            breaker.first_ms.push(first);
            if first >= HELD_BACK || recovered.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn mark(&self, failing: Failing, from: Instant, until: Instant, marks: &mut Marks) {
        let (Message { en, zh }, name) = (failing.words(), self.name);
        marks.push((from, Some(until), Message::new(format!("{name} {en}"), format!("{name} {zh}"))));
    }

    /// How long after this moment the first call came.
    fn first(&self, from: Instant) -> Option<u64> {
        let begin = from.saturating_duration_since(self.bench.clock().zero);
        let calls = self.bench.calls_since(self.name, from);
        let first = calls.iter().find(|one| self.shapes.contains(&shape(one)))?;
        u64::try_from(first.came.saturating_sub(begin).as_millis()).ok()
    }

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
