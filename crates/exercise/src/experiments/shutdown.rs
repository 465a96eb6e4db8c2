//! Asks the service to end in the middle of work.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Exit, Observation, Shutdown, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Exchange, Sent, Survey, ask_halved},
    load::Ended,
    process::{Process, Signal},
    proxy::{Delay, Fault, Injected},
};

/// How long users are there, and how long those who send by halves, before the signal.
const BEFORE: Duration = Duration::from_millis(1300);
const HALVED_BEFORE: Duration = Duration::from_millis(200);

/// Requests take this longer while the service is asked to end, so that some are under way; less than anybody's timeout.
const SLOW: Duration = Duration::from_millis(400);

/// Requests that are under way at a time.
const UNDER_WAY: f64 = 8.0;

/// Requests that are sent by halves, and how long after the signal their second halves come.
const HALVED: usize = 8;
const HALVED_AFTER: Duration = Duration::from_millis(400);
const ANSWER: Duration = Duration::from_secs(10);

const LOOK: Duration = Duration::from_millis(5);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    if bench.run().requests.is_empty() {
        return Err(Unmade::Missing(Message::new(
            "no [[service.NAME.run.request]] is configured: nothing would be under way",
            "未配置 [[service.NAME.run.request]]：没有进行中的请求",
        )));
    }
    let begin = Instant::now();
    let names: Vec<String> = bench.dependencies().map(|(name, _)| name.to_owned()).collect();
    let waits = |name: &&String| survey.needing(name).iter().any(|kind| !survey.later(name, *kind));
    let needed: Vec<&String> = names.iter().filter(waits).collect();
    let (slow, took) = slowness(bench, survey, &needed)?;
    let slowed = slow_down(bench, &needed, slow)?;
    // About so many under way: more would measure how the service queues, and not how it ends.
    let rate = bench.run().rate.min(UNDER_WAY / took.as_secs_f64().max(0.001));
    let traffic = bench.traffic(rate)?;
    bench.wait(BEFORE)?;
    // Where requests wait for nobody, none would be under way.
    let halved = if needed.is_empty() { halves(bench, survey) } else { Vec::new() };
    bench.wait(HALVED_BEFORE)?;
    let (grace, readiness) = (bench.run().grace, bench.run().probes.readiness.clone());
    let signal = Instant::now();
    if let Some(process) = bench.process() {
        process.signal(Signal::TERM);
    }
    let (mut not_ready, mut closed) = (None, None);
    let asked = readiness.clone().unwrap_or_else(|| "/".to_owned());
    let mut exit = None;
    while exit.is_none() && signal.elapsed() < grace && !bench.stopped() {
        exit = bench.process().and_then(Process::exit).map(|exit| (exit, Instant::now()));
        let exchange = bench.get(&asked, Duration::from_secs(1))?;
        match exchange.how {
            Ended::Refused => drop(closed.get_or_insert(exchange.ended)),
            Ended::Answered(status) if status >= 400 && closed.is_none() => {
                not_ready.get_or_insert(exchange.ended);
            }
            _ => (),
        }
        thread::sleep(LOOK);
    }
    let (exit, gone) = exit.unwrap_or((Exit::Never, Instant::now()));
    bench.halt();
    let mut sent = traffic.end();
    for (kind, thread) in halved {
        let exchange = thread.join().map_err(|_| io::Error::other("a user broke down"))??;
        sent.push(Sent { kind, exchange });
    }
    drop(slowed);
    if bench.stopped() {
        return Err(BenchError::Stopped.into());
    }
    let shutdown = observed(&sent, signal, Times { not_ready, closed, gone, grace }, readiness, exit);
    let mut timeline =
        bench.timeline(begin, &sent.iter().filter(|one| one.exchange.sent <= gone).cloned().collect::<Vec<_>>());
    let at = |moment: Instant| Bench::since(begin, moment);
    timeline.mark(at(signal), None, Message::new("SIGTERM", "SIGTERM"));
    if let Some(moment) = not_ready {
        timeline.mark(at(moment), None, Message::new("not ready", "未就绪"));
    }
    if let Some(moment) = closed {
        timeline.mark(at(moment), None, Message::new("nobody listens", "停止监听"));
    }
    timeline.mark(at(gone), None, Message::new("gone", "退出"));
    bench.start()?;
    Ok(Trial::new(Observation::Shutdown(shutdown), timeline))
}

type User = (usize, thread::JoinHandle<io::Result<Exchange>>);

/// Users who are in the middle of sending at the signal; none where no kind of request has a body.
fn halves(bench: &Bench, survey: &Survey) -> Vec<User> {
    let (address, rest) = (bench.address(), Instant::now() + HALVED_BEFORE + HALVED_AFTER);
    let with_body = survey.good().into_iter().filter(|kind| bench.asks_of(*kind).body.len() > 1);
    let kinds: Vec<usize> = with_body.collect();
    let users = kinds.iter().cycle().take(if kinds.is_empty() { 0 } else { HALVED });
    let users = users.map(|kind| {
        let request = bench.request(*kind);
        (*kind, thread::spawn(move || ask_halved(address, &request, rest, ANSWER)))
    });
    users.collect()
}

fn slow_down(bench: &Bench, names: &[&String], base: Duration) -> Result<Vec<Injected>, BenchError> {
    let late = Delay { base, jitter: Duration::ZERO };
    let fault = Fault::Latency { to_dependency: Delay::default(), to_service: late };
    names.iter().map(|name| bench.inject(name, fault.clone())).collect()
}

/// How late answers of dependencies must be for a request to take about [`SLOW`], and how long it takes then: a request may
/// wait for several of them, one after the other.
fn slowness(bench: &Bench, survey: &Survey, names: &[&String]) -> Result<(Duration, Duration), BenchError> {
    let longest = || -> Result<Duration, BenchError> {
        let mut longest = Duration::ZERO;
        for kind in survey.good() {
            longest = longest.max(bench.ask(&bench.request(kind), Duration::from_secs(10))?.took());
        }
        Ok(longest)
    };
    let fast = longest()?;
    let probe = SLOW / 8;
    let slowed = slow_down(bench, names, probe)?;
    let slow = longest()?;
    drop(slowed);
    let rounds = (slow.saturating_sub(fast).as_secs_f64() / probe.as_secs_f64()).clamp(1.0, 100.0);
    Ok((SLOW.div_f64(rounds), fast + SLOW))
}

#[derive(Clone, Copy)]
struct Times {
    not_ready: Option<Instant>,
    closed: Option<Instant>,
    gone: Instant,
    grace: Duration,
}

fn observed(sent: &[Sent], signal: Instant, times: Times, readiness: Option<String>, exit: Exit) -> Shutdown {
    let count =
        |which: &dyn Fn(&Sent) -> bool| u64::try_from(sent.iter().filter(|one| which(one)).count()).unwrap_or(u64::MAX);
    let under_way = |one: &Sent| one.exchange.sent < signal && one.exchange.ended >= signal;
    // Who finds nobody listening goes elsewhere; who is taken is to be answered.
    let taken = |one: &Sent| one.exchange.sent >= signal && one.exchange.how != Ended::Refused;
    let answered = |one: &Sent| one.exchange.status().is_some();
    let since = |moment: Instant| Bench::since(signal, moment);
    Shutdown {
        in_flight: count(&under_way),
        finished: count(&|one| under_way(one) && one.exchange.status().is_some_and(|status| status < 500)),
        taken_after: count(&taken),
        answered_after: count(&|one| taken(one) && answered(one)),
        readiness,
        not_ready_ms: times.not_ready.map(since),
        closed_ms: times.closed.map(since),
        exit,
        gone_ms: since(times.gone),
        grace_ms: u64::try_from(times.grace.as_millis()).unwrap_or(u64::MAX),
    }
}
