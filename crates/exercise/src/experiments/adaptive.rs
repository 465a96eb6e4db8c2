//! Makes a dependency slow under a load that a limit would mind, and counts the calls that are under way.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Adaptive, Observation, Trial},
};

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Sent, Survey, Traffic},
    load::Ended,
    proxy::{Break, Fault, Which},
};

/// Answers of the dependency are so much later; less where the service may wait for less than twice of it.
const SLOWED: Duration = Duration::from_millis(600);

const SLOW: Duration = Duration::from_secs(15);

/// Nothing is slow for as long before: who refuses users then has another limit than one that follows the dependency.
const BEFORE: Duration = SLOW;

/// The calls of the first seconds, and of the last ones.
const FIRST: Duration = Duration::from_secs(3);
const LAST: Duration = Duration::from_secs(3);

const PATIENCE: Duration = Duration::from_secs(15);

/// The highest of these at which all is well is sent.
const RATES: [f64; 4] = [300.0, 150.0, 75.0, 30.0];

/// Dependencies that are tried.
const MOST: usize = 2;

const ANSWER: Duration = Duration::from_secs(10);

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let mut needed = needed::http_dependencies(bench, survey)?;
    for Needed { name, kinds, .. } in &mut needed {
        kinds.retain(|kind| !survey.later(name, *kind));
    }
    needed.retain(|one| !one.kinds.is_empty());
    if needed.is_empty() {
        return Err(Unmade::Missing(Message::new(
            "calls come after the answers: no user waits for a dependency, and none is refused because it is slow",
            "调用发生在响应之后：没有用户等待依赖，也不会因其变慢而被拒绝",
        )));
    }
    let begin = Instant::now();
    let (mut found, mut marks, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, kinds, .. } in needed.iter().take(MOST) {
        let rate = bearable(bench, kinds)?;
        let bound = bench.dependency(name).and_then(|plan| plan.bound).unwrap_or(ANSWER);
        let slowed = SLOWED.min(bound / 2);
        let traffic = Traffic::start(bench.address(), rate, ANSWER, bench.make_of(kinds))?;
        let refused_before = refused_before(bench, &traffic)?;
        if refused_before > 0 {
            found.push(Adaptive::held_back(name.clone(), rate, refused_before));
            all.extend(traffic.end());
            continue;
        }
        let from = Instant::now();
        // A request is under way until its late answer was given.
        let answer = Break::SlowHeaders { delay: slowed };
        let injected = bench.inject(name, Fault::Http { which: Which::All, answer })?;
        bench.wait(SLOW)?;
        let until = Instant::now();
        drop(injected);
        let back = came_back(bench, &traffic, until)?;
        let watched = Instant::now();
        let sent = traffic.end();
        let (first, last) = (
            under_way(bench, name, from, from + FIRST),
            under_way(bench, name, until.checked_sub(LAST).unwrap_or(from), until),
        );
        let during: Vec<&Sent> =
            sent.iter().filter(|one| one.exchange.sent >= from && one.exchange.sent < until).collect();
        let count = |which: fn(&Ended) -> bool| {
            u64::try_from(during.iter().filter(|one| which(&one.exchange.how)).count()).unwrap_or(u64::MAX)
        };
        found.push(Adaptive {
            dependency: name.clone(),
            rate,
            refused_before,
            slowed_ms: u64::try_from(slowed.as_millis()).unwrap_or(u64::MAX),
            first,
            last,
            refused: count(|how| how.refused()),
            sent: count(|_| true),
            failed: count(|how| how.status().is_some() && !how.good() && !how.refused()),
            unanswered: count(|how| how.status().is_none()),
            back_ms: back,
            watched_ms: Bench::since(until, watched),
        });
        let what = Message::new(
            format!("{name} is {} ms slower", slowed.as_millis()),
            format!("{name} 变慢 {} 毫秒", slowed.as_millis()),
        );
        marks.push((from, until, what));
        all.extend(sent);
        bench.wait(Duration::from_secs(1))?;
    }
    let mut timeline = bench.timeline(begin, &all);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Adaptive(found), timeline))
}

/// How many were refused while nothing was slow; a few that came at once are none.
fn refused_before(bench: &Bench, traffic: &Traffic) -> Result<u64, BenchError> {
    let begun = Instant::now();
    while begun.elapsed() < BEFORE {
        bench.wait(Duration::from_secs(1))?;
        let sent = traffic.so_far();
        let refused = sent.iter().filter(|one| one.exchange.how.refused()).count();
        if refused * 50 > sent.len() {
            return Ok(u64::try_from(refused).unwrap_or(u64::MAX));
        }
    }
    Ok(0)
}

fn bearable(bench: &Bench, kinds: &[usize]) -> Result<f64, BenchError> {
    for rate in RATES {
        let traffic = Traffic::start(bench.address(), rate, ANSWER, bench.make_of(kinds))?;
        bench.wait(Duration::from_millis(1500))?;
        let sent = traffic.end();
        let good = sent.iter().filter(|one| one.good() && one.exchange.took() < Duration::from_secs(1)).count();
        if good * 100 >= sent.len() * 98 {
            return Ok(rate);
        }
        bench.wait(Duration::from_secs(1))?;
    }
    Ok(bench.run().rate)
}

/// When users were answered well again and stayed so for a second, in milliseconds.
fn came_back(bench: &Bench, traffic: &Traffic, healed: Instant) -> Result<Option<u64>, BenchError> {
    const STRETCH: Duration = Duration::from_secs(1);
    while healed.elapsed() < PATIENCE {
        bench.wait(Duration::from_millis(250))?;
        let from = Instant::now().checked_sub(STRETCH).unwrap_or(healed);
        if from < healed {
            continue;
        }
        let (mut of, mut good) = (0_usize, 0_usize);
        for one in traffic.so_far().iter().filter(|one| one.exchange.sent >= from) {
            of += 1;
            good += usize::from(one.good());
        }
        if of > 0 && good * 100 >= of * 95 {
            return Ok(Some(Bench::since(healed, from)));
        }
    }
    Ok(None)
}

/// The most calls that were under way at the same time.
fn under_way(bench: &Bench, name: &str, from: Instant, until: Instant) -> u32 {
    let zero = bench.clock().zero;
    let (from, until) = (from.saturating_duration_since(zero), until.saturating_duration_since(zero));
    let mut changes: Vec<(Duration, i32)> = Vec::new();
    for request in bench.records(name).requests {
        let ended = request.ended.map_or(until, |(ended, _)| ended);
        if request.came < until && ended > from {
            changes.push((request.came.max(from), 1));
            changes.push((ended, -1));
        }
    }
    changes.sort_unstable();
    let (mut now, mut most) = (0_i32, 0_i32);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    u32::try_from(most).unwrap_or_default()
}
