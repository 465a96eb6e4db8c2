//! Lets each dependency hang and measures how long users wait.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Hang, Observation, Timeouts, Trial},
};

use super::{
    Unmade,
    listen::LATER,
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

/// Calls that begin so long after the first one are looked at; later ones are repeated, or waited for their turn.
const BEGIN: Duration = Duration::from_millis(500);

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
            let (later, now): (Vec<usize>, Vec<usize>) = kinds.iter().partition(|kind| survey.later(name, **kind));
            let (found, sent) = hang(bench, survey, name, &now, trickles)?;
            hangs.extend(found);
            all.extend(sent);
            for kind in later {
                hangs.push(hold(bench, name, kind, trickles)?);
            }
            drop(injected);
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
    Ok(Trial::new(Observation::Timeouts(Timeouts { hangs }), timeline))
}

/// How long the service holds the calls that a request causes after it was answered.
fn hold(bench: &Bench, name: &str, kind: usize, trickles: bool) -> Result<Hang, BenchError> {
    let bound = bench.dependency(name).and_then(|plan| plan.bound).unwrap_or(BOUND);
    let before: BTreeMap<u64, u64> =
        bench.records(name).connections.iter().map(|one| (one.id, one.bytes_from_service)).collect();
    // Where a call is a connection that the service sends something on: when that was seen, and when it ended.
    let calls: RefCell<BTreeMap<u64, (Instant, Option<Duration>)>> = RefCell::default();
    let look = || {
        let now = Instant::now();
        let mut calls = calls.borrow_mut();
        let may_begin = calls.values().next().is_none_or(|(first, _)| now < *first + BEGIN);
        for one in bench.records(name).connections {
            if may_begin && one.bytes_from_service > before.get(&one.id).copied().unwrap_or_default() {
                calls.entry(one.id).or_insert((now, None));
            }
            if let (Some((began, held @ None)), Some(_)) = (calls.get_mut(&one.id), one.ended) {
                *held = Some(now.saturating_duration_since(*began));
            }
        }
        !may_begin && calls.values().all(|(began, held)| held.is_some() || now >= *began + bound + SLACK)
    };
    for _ in 0..ASKED {
        bench.ask(&bench.request(kind), bound)?;
    }
    bench.wait_for(LATER, || look() || !calls.borrow().is_empty())?;
    if !calls.borrow().is_empty() {
        bench.wait_for(BEGIN + bound + SLACK * 2, look)?;
    }
    let calls = calls.into_inner();
    let held = |(began, held): &(Instant, Option<Duration>)| held.unwrap_or_else(|| began.elapsed());
    let in_time = calls.values().filter(|(_, held)| held.is_some_and(|held| held <= bound + SLACK)).count();
    Ok(Hang {
        dependency: name.to_owned(),
        request: bench.run().requests.get(kind).map(gonogo_domain::RunRequest::name).unwrap_or_default(),
        later: true,
        trickles,
        bound_ms: u64::try_from(bound.as_millis()).unwrap_or(u64::MAX),
        asked: u64::try_from(calls.len()).unwrap_or_default(),
        in_time: u64::try_from(in_time).unwrap_or_default(),
        wait_ms: calls.values().map(held).max().map_or(0, |held| u64::try_from(held.as_millis()).unwrap_or(u64::MAX)),
        called: !calls.is_empty(),
    })
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
            later: false,
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
