//! Asks the service to end in the middle of work.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Exit, Observation, Shutdown, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Sent, Survey},
    load::Ended,
    process::{Process, Signal},
    proxy::{Delay, Fault, Injected},
};

/// How long users are there before the signal.
const BEFORE: Duration = Duration::from_millis(1500);

/// Requests take this longer while the service is asked to end, so that some are under way; less than anybody's timeout.
const SLOW: Duration = Duration::from_millis(400);

/// Requests that are under way at a time.
const UNDER_WAY: f64 = 8.0;

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
    let needed: Vec<&String> = names.iter().filter(|name| !survey.needing(name).is_empty()).collect();
    let (slow, took) = slowness(bench, survey, &needed)?;
    let slowed = slow_down(bench, &needed, slow)?;
    // About so many under way: more would measure how the service queues, and not how it ends.
    let rate = bench.run().rate.min(UNDER_WAY / took.as_secs_f64().max(0.001));
    let traffic = bench.traffic(rate)?;
    bench.wait(BEFORE)?;
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
        std::thread::sleep(LOOK);
    }
    let (exit, gone) = exit.unwrap_or((Exit::Never, Instant::now()));
    bench.halt();
    let sent = traffic.end();
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
    Ok(Trial { observation: Observation::Shutdown(shutdown), timeline })
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
