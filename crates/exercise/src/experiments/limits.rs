//! Lets one client ask too much, and others meanwhile.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Burst, Observation, Probe, RateLimit, Trial, Who},
};

use super::{Unmade, needed::some_good};
use crate::bench::{Ask, Bench, BenchError, Client, Exchange, Sent, Survey, burst};

/// Requests of a burst, where nothing is stated: more than a thousand a minute are let through by few.
const BURST: u32 = 1200;

const LONGEST: Duration = Duration::from_secs(8);

/// Questions of each kind while the client is held back.
const ASKED: u64 = 10;

/// A longer wait is not waited for.
const PATIENCE: u64 = 65;

/// Kinds of requests that are tried: each costs its window.
const KINDS: usize = 4;

const ANSWER: Duration = Duration::from_secs(5);

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let kinds = some_good(survey)?;
    let begin = Instant::now();
    let (mut bursts, mut sent, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    for (number, kind) in (0_u8..).zip(kinds.into_iter().take(KINDS)) {
        let from = Instant::now();
        let pair = Pair::new(bench, number);
        let (mut found, exchanges) = one(bench, kind, &pair)?;
        // One wait tells whether a window ends.
        if bursts.iter().all(|one: &Burst| one.again.is_none()) {
            found.again = again(bench, kind, &pair.client, &found)?;
        }
        marks.push((from, Instant::now(), found.request.clone()));
        bursts.push(found);
        sent.extend(exchanges.into_iter().map(|exchange| Sent { kind, exchange }));
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, name) in marks {
        let what = Message::new(format!("a burst of one client: {name}"), format!("单客户端突发：{name}"));
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::RateLimit(RateLimit { bursts }), timeline))
}

/// Two clients that nobody takes for one.
struct Pair {
    client: Client,
    other: Client,
}

impl Pair {
    fn new(bench: &Bench, number: u8) -> Self {
        let limits = &bench.run().limits;
        let header = |place: usize| Some((limits.client.clone()?, bench.expand(limits.clients.get(place)?)));
        Self { client: Client::new(number * 2 + 1, header(0)), other: Client::new(number * 2 + 2, header(1)) }
    }
}

fn one(bench: &Bench, kind: usize, pair: &Pair) -> Result<(Burst, Vec<Exchange>), BenchError> {
    let count = u64::from(bench.run().limits.burst.unwrap_or(BURST));
    let begin = Instant::now();
    let (make, client) = (bench.make_of(&[kind]), pair.client.clone());
    let number = RefCell::new(0_u64);
    let make: Rc<dyn Fn() -> Ask> = Rc::new(move || {
        let mut number = number.borrow_mut();
        *number += 1;
        client.sends(make(*number).1, None)
    });
    let exchanges = burst(&pair.client, bench.address(), count, LONGEST, make)?;
    let took_ms = Bench::since(begin, Instant::now());
    let counted = |status: u16| -> u64 {
        let of = exchanges.iter().filter(|one| one.status() == Some(status)).count();
        u64::try_from(of).unwrap_or(u64::MAX)
    };
    let first = exchanges.iter().find(|one| one.status() == Some(429));
    let reply = first.and_then(|one| one.reply.as_ref());
    let admitted = exchanges.iter().take_while(|one| one.status() != Some(429)).filter(|one| one.how.good()).count();
    let mut found = Burst {
        request: bench.run().requests.get(kind).map(gonogo_domain::RunRequest::name).unwrap_or_default(),
        sent: u64::try_from(exchanges.len()).unwrap_or(u64::MAX),
        took_ms,
        admitted: u64::try_from(admitted).unwrap_or(u64::MAX),
        limited: counted(429),
        shed: counted(503),
        retry_after: reply.and_then(|reply| reply.header("retry-after")).map(str::to_owned),
        told: told(&exchanges),
        probes: Vec::new(),
        again: None,
    };
    if found.limited > 0 {
        found.probes = probes(bench, kind, pair, found.admitted)?;
    }
    Ok((found, exchanges))
}

/// Names of headers that tell a limit: `RateLimit`, `RateLimit-Limit`, `X-RateLimit-Remaining`, `X-Rate-Limit-Reset` …
fn told(exchanges: &[Exchange]) -> Vec<String> {
    let replies = exchanges.iter().filter_map(|one| one.reply.as_ref());
    let mut names: Vec<String> = replies
        .flat_map(|reply| reply.headers.keys())
        .map(|name| name.as_str().to_owned())
        .filter(|name| {
            let bare = name.strip_prefix("x-").unwrap_or(name).replace('-', "");
            bare.starts_with("ratelimit")
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn probes(bench: &Bench, kind: usize, pair: &Pair, most: u64) -> Result<Vec<Probe>, BenchError> {
    let Pair { client, other } = pair;
    let plain = || client.sends(bench.request(kind), None);
    let refused = |from: &Client, request: &Ask| -> Result<bool, BenchError> {
        Ok(from.ask(bench.address(), request, ANSWER)?.status() == Some(429))
    };
    // A budget grows again while others are asked: each question is asked right after the client was refused.
    let held_back = || -> Result<bool, BenchError> {
        for _ in 0..most + ASKED {
            if refused(client, &plain())? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let counted = |who: Who, is_in: &dyn Fn(u64) -> Result<bool, BenchError>| -> Result<Probe, BenchError> {
        let mut probe = Probe { who, asked: 0, admitted: 0 };
        for number in 1..=ASKED {
            if held_back()? {
                probe.asked += 1;
                probe.admitted += u64::from(is_in(number)?);
            }
        }
        Ok(probe)
    };
    let mut all = vec![
        counted(Who::Same, &|_| Ok(!refused(client, &plain())?))?,
        counted(Who::ForgedAddress, &|number| {
            let forged = format!("192.0.2.{number}");
            Ok(!refused(client, &client.sends(bench.request(kind), Some(&forged)))?)
        })?,
        counted(Who::Other, &|_| Ok(!refused(other, &other.sends(bench.request(kind), None))?))?,
    ];
    if let Some(header) = &bench.run().limits.client {
        all.push(counted(Who::ForgedName(header.clone()), &|_| {
            let forged = client.called(header, &bench.new_id());
            let exchange = forged.ask(bench.address(), &forged.sends(bench.request(kind), None), ANSWER)?;
            // Whoever is not known is refused in another way.
            Ok(exchange.how.good())
        })?);
    }
    let probes = &bench.run().probes;
    let mut paths: Vec<&String> = [&probes.readiness, &probes.liveness, &probes.health].into_iter().flatten().collect();
    paths.dedup();
    for path in paths {
        all.push(counted(Who::Probe(path.clone()), &|_| Ok(!refused(client, &client.sends(Ask::get(path), None))?))?);
    }
    Ok(all)
}

/// Waits as long as it is told and asks again.
fn again(bench: &Bench, kind: usize, client: &Client, found: &Burst) -> Result<Option<(bool, u64)>, BenchError> {
    let told = found.retry_after.as_ref().and_then(|value| value.trim().parse::<u64>().ok());
    let Some(seconds) = told.filter(|seconds| *seconds <= PATIENCE) else { return Ok(None) };
    let begin = Instant::now();
    bench.wait(Duration::from_secs(seconds) + Duration::from_millis(500))?;
    // What was asked meanwhile may have moved the end of the wait: once more, then.
    for _ in 0..2 {
        let request = client.sends(bench.request(kind), None);
        let exchange = client.ask(bench.address(), &request, ANSWER)?;
        if exchange.status() != Some(429) {
            return Ok(Some((true, Bench::since(begin, Instant::now()))));
        }
        let more = exchange.reply.as_ref().and_then(|reply| reply.header("retry-after")?.trim().parse::<u64>().ok());
        bench.wait(Duration::from_secs(more.unwrap_or(1).min(PATIENCE)) + Duration::from_millis(500))?;
    }
    Ok(Some((false, Bench::since(begin, Instant::now()))))
}
