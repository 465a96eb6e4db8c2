//! Lets calls fail in different ways and counts how often, and when, they come again.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Call, Observation, Retries, RetryCase, RetryFault, Trial},
};

use super::{
    Unmade,
    calls::{self, BETWEEN, Calls, RETRY_AFTER},
    needed,
};
use crate::{
    bench::{Bench, BenchError, Sent, Survey},
    proxy::{Break, Fault, RetryAfter, Which},
};

/// Requests that are sent while the dependency fails.
const ASKED: usize = 16;

/// Where the way of failing is asked about by yes or no, so many are enough.
const FEW: usize = 3;

/// Calls that come later than this are not waited for.
const LONGEST: Duration = Duration::from_secs(12);

/// After this long without a call no other one is expected, or after three times the last gap.
const QUIET: Duration = Duration::from_millis(800);

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::http_dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut cases, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for needed in &needed {
        let name = &needed.name;
        let (reading, changing) = Calls::chosen(survey, needed);
        let Some(reading) = reading.as_ref().or(changing.as_ref()) else { continue };
        let changing = changing.as_ref().unwrap_or(reading);
        for (fault, wanted, count) in [
            (RetryFault::Unavailable, reading, ASKED),
            (RetryFault::RetryAfter(RETRY_AFTER), reading, FEW),
            (RetryFault::BrokenOff, changing, FEW),
        ] {
            let from = Instant::now();
            let calls = case(bench, wanted, fault, count, &mut sent)?;
            marks.push((from, Instant::now(), told(name, fault)));
            cases.push(RetryCase { dependency: name.clone(), request: wanted.request(bench), fault, calls });
        }
    }
    if cases.is_empty() {
        return Err(calls::none_before_the_answer());
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Retries(Retries { cases }), timeline))
}

fn told(name: &str, fault: RetryFault) -> Message {
    match fault {
        RetryFault::Unavailable => Message::new(format!("{name} answers 503"), format!("{name} 返回 503")),
        RetryFault::RetryAfter(seconds) => Message::new(
            format!("{name} answers 429, Retry-After: {seconds}"),
            format!("{name} 返回 429，Retry-After: {seconds}"),
        ),
        RetryFault::BrokenOff => Message::new(format!("answers of {name} break off"), format!("{name} 的响应中断")),
    }
}

fn case(
    bench: &Bench,
    wanted: &Calls<'_>,
    fault: RetryFault,
    count: usize,
    sent: &mut Vec<Sent>,
) -> Result<Vec<Vec<Call>>, BenchError> {
    let mut all = Vec::new();
    for _ in 0..count {
        let answer = match fault {
            RetryFault::Unavailable => Break::Status { code: 503, retry_after: None },
            RetryFault::RetryAfter(seconds) => {
                Break::Status { code: 429, retry_after: Some(RetryAfter::Seconds(seconds)) }
            }
            RetryFault::BrokenOff => Break::TruncatedBody { after_bytes: 0 },
        };
        let injected = bench.inject(wanted.name, Fault::Http { which: Which::All, answer })?;
        let (calls, one) = once(bench, wanted, fault)?;
        drop(injected);
        sent.push(one);
        // Nothing of it came where a breaker or a cache stood before the dependency.
        if !calls.is_empty() {
            all.push(calls);
        }
        for _ in 0..BETWEEN {
            let exchange = bench.ask(&bench.request(wanted.kind), LONGEST)?;
            sent.push(Sent { kind: wanted.kind, exchange });
        }
    }
    Ok(all)
}

fn once(bench: &Bench, wanted: &Calls<'_>, fault: RetryFault) -> Result<(Vec<Call>, Sent), BenchError> {
    let exchange = bench.ask(&bench.request(wanted.kind), LONGEST)?;
    let begin = exchange.sent.saturating_duration_since(bench.clock().zero);
    let calls =
        || -> Vec<Call> { wanted.since(bench, exchange.sent).iter().map(|call| calls::kept(call, begin)).collect() };
    // Where the user is answered before the calls are over, they go on behind.
    let asked_to_wait = match fault {
        RetryFault::RetryAfter(seconds) => Duration::from_secs(u64::from(seconds)) + QUIET,
        _ => QUIET,
    };
    bench.wait_for(LONGEST, || {
        let found = calls();
        let now = Bench::since(exchange.sent, Instant::now());
        let last = found.last().map_or(0, |call| call.at_ms);
        let before = found.iter().rev().nth(1).map_or(last, |call| call.at_ms);
        let quiet = u64::try_from(asked_to_wait.as_millis()).unwrap_or(u64::MAX).max((last - before.min(last)) * 3);
        now.saturating_sub(last) >= quiet
    })?;
    Ok((calls(), Sent { kind: wanted.kind, exchange }))
}
