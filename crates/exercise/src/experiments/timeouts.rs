//! Lets each dependency hang and measures how long users wait.

use std::{
    thread,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Hang, Observation, Timeouts, Trial},
};

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Exchange, Sent, Survey, ask, shape},
    proxy::{Break, Fault, Which},
};

/// An answer may take as long as this where nothing is stated: what most proxies before a service grant it is longer.
const BOUND: Duration = Duration::from_secs(10);

/// What an answer may take beyond the bound: the service's own work.
const SLACK: Duration = Duration::from_millis(500);

/// How long a breaker may be open, and how often it is looked at.
const RECOVERY: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(250);

/// Requests of each kind, at once.
const ASKED: usize = 3;

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut hangs, mut marks, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, http, kinds } in &needed {
        let mut ways = vec![(false, Fault::BlackHole)];
        if let (true, Some(piece)) = (*http, std::num::NonZeroU32::new(1)) {
            // Every byte comes before a limit between two of them ends.
            let answer = Break::SlowBody { piece, every: Duration::from_millis(900) };
            ways.push((true, Fault::Http { which: Which::All, answer }));
        }
        for (trickles, fault) in ways {
            let from = Instant::now();
            let injected = bench.inject(name, fault)?;
            let (found, sent) = hang(bench, survey, name, kinds, trickles)?;
            drop(injected);
            hangs.extend(found);
            all.extend(sent);
            let (en, zh) =
                if trickles { ("lets its answers trickle", "缓慢返回响应") } else { ("is silent", "无响应") };
            marks.push((from, Instant::now(), Message::new(format!("{name} {en}"), format!("{name} {zh}"))));
            // A breaker that opened would hide the next hang.
            bench.wait_for(RECOVERY, || {
                let good =
                    |kind: &usize| bench.ask(&bench.request(*kind), BOUND).is_ok_and(|exchange| exchange.how.good());
                thread::sleep(PAUSE);
                kinds.iter().all(good)
            })?;
        }
    }
    let mut timeline = bench.timeline(begin, &all);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial { observation: Observation::Timeouts(Timeouts { hangs }), timeline })
}

fn hang(
    bench: &Bench,
    survey: &Survey,
    name: &str,
    kinds: &[usize],
    trickles: bool,
) -> Result<(Vec<Hang>, Vec<Sent>), BenchError> {
    let bound = bench.dependency(name).and_then(|plan| plan.bound).unwrap_or(BOUND);
    let longest = bound + SLACK;
    let begin = Instant::now();
    let bytes = || -> u64 { bench.records(name).connections.iter().map(|one| one.bytes_from_service).sum() };
    let bytes_before = bytes();
    let address = bench.address();
    let waiting: Vec<(usize, thread::JoinHandle<std::io::Result<Exchange>>)> = kinds
        .iter()
        .flat_map(|kind| std::iter::repeat_n(*kind, ASKED))
        .map(|kind| {
            let request = bench.request(kind);
            (kind, thread::spawn(move || ask(address, &request, longest)))
        })
        .collect();
    let mut sent = Vec::new();
    for (kind, thread) in waiting {
        let exchange = thread.join().map_err(|_| std::io::Error::other("a user broke down"))??;
        sent.push(Sent { kind, exchange });
    }
    if bench.stopped() {
        return Err(BenchError::Stopped);
    }
    let http = bench.dependency(name).is_some_and(|plan| plan.http);
    let calls = bench.calls_since(name, begin);
    let hangs = kinds.iter().map(|kind| {
        let of_kind: Vec<&Sent> = sent.iter().filter(|one| one.kind == *kind).collect();
        let in_time = of_kind.iter().filter(|one| one.exchange.status().is_some()).count();
        let wait = of_kind.iter().map(|one| one.exchange.took()).max().unwrap_or_default();
        // The service calls on its own account too.
        let shapes = survey.shapes(name, &[*kind]);
        let seen = calls.iter().any(|call| shapes.contains(&shape(call)));
        // Of a connection that hangs in its handshake no request is seen.
        let called = seen || ((!http || bench.has_tls(name)) && bytes() > bytes_before);
        Hang {
            dependency: name.to_owned(),
            request: bench.run().requests.get(*kind).map(gonogo_domain::RunRequest::name).unwrap_or_default(),
            trickles,
            bound_ms: u64::try_from(bound.as_millis()).unwrap_or(u64::MAX),
            asked: u64::try_from(of_kind.len()).unwrap_or_default(),
            in_time: u64::try_from(in_time).unwrap_or_default(),
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            called,
        }
    });
    Ok((hangs.collect(), sent))
}
