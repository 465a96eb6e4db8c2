//! Lets one dependency hang under traffic of all kinds, and looks at those who do not need it.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Apart, Bulkhead, Observation, Trial, Waits},
};

use super::{Unmade, needed};
use crate::{
    bench::{Bench, Sent, Survey, Traffic},
    process::Watch,
    proxy::Fault,
};

const BEFORE: Duration = Duration::from_secs(5);
const HUNG: Duration = Duration::from_secs(12);

/// Requests wait for the dependency from here on.
const SETTLED: Duration = Duration::from_secs(2);

/// So many requests a second fill pools that are too small; less where the service is slower than that.
const RATE: f64 = 80.0;
const LEAST_RATE: f64 = 10.0;

/// A busy machine is waited for so often.
const CROWDED: usize = 3;

/// A limiter lets a client in again after so long, most of the time.
const WINDOW: Duration = Duration::from_secs(12);

const ANSWER: Duration = Duration::from_secs(10);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::dependencies(bench, survey)?;
    let good = survey.good();
    let split: Vec<(String, Vec<usize>)> = needed
        .into_iter()
        .map(|one| (one.name, good.iter().copied().filter(|kind| !one.kinds.contains(kind)).collect()))
        .filter(|(_, apart): &(String, Vec<usize>)| !apart.is_empty())
        .collect();
    if split.is_empty() {
        return Err(Unmade::NotApplicable(Message::new(
            "every kind of request needs every dependency: there is nothing to keep apart",
            "所有请求都需要全部依赖：没有可隔离的部分",
        )));
    }
    let begin = Instant::now();
    let (mut apart, mut marks, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (name, kinds) in &split {
        let started = Instant::now();
        let traffic = bearable(bench, &good)?;
        let from = Instant::now();
        let injected = bench.inject(name, Fault::BlackHole)?;
        let mut waiting = 0;
        while from.elapsed() < HUNG {
            waiting = waiting.max(traffic.in_flight());
            bench.wait(Duration::from_millis(50))?;
        }
        let until = Instant::now();
        drop(injected);
        let sent = traffic.end();
        for kind in kinds {
            apart.push(Apart {
                dependency: name.clone(),
                request: bench.run().requests.get(*kind).map(gonogo_domain::RunRequest::name).unwrap_or_default(),
                before: waits(&sent, *kind, started, from),
                during: waits(&sent, *kind, from + SETTLED, until),
                waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
            });
        }
        marks.push((from, until, Message::new(format!("{name} is silent"), format!("{name} 无响应"))));
        all.extend(sent);
        // What hung is let go before the next one hangs.
        bench.wait(Duration::from_secs(1))?;
    }
    let mut timeline = bench.timeline(begin, &all);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Bulkhead(Bulkhead { apart }), timeline))
}

/// Users at the highest of a few rates at which they are answered well: a slow service, or a limiter of each client, bears
/// no more. A rate that other programs' work made too high is kept: at a lower one no pool fills, and everything holds.
fn bearable(bench: &Bench, kinds: &[usize]) -> Result<Traffic, Unmade> {
    let (mut rate, mut crowded) = (RATE.max(bench.run().rate), 0);
    while rate >= LEAST_RATE {
        let watch = bench.contention();
        let traffic = Traffic::start(bench.address(), rate, ANSWER, bench.make_of(kinds))?;
        bench.wait(BEFORE)?;
        let sent = traffic.so_far();
        let good = sent.iter().filter(|one| one.good() && one.exchange.took() < Duration::from_secs(1)).count();
        if good * 100 >= sent.len() * 98 && !sent.is_empty() {
            return Ok(traffic);
        }
        drop(traffic.end());
        if watch.and_then(Watch::end).is_some_and(|contention| contention.hides()) {
            crowded += 1;
            if crowded == CROWDED {
                return Err(Unmade::Missing(Message::new(
                    format!(
                        "the machine was too busy to tell what the service bears: other programs held the processors while {rate:.0} requests a second were sent"
                    ),
                    format!("机器过于繁忙，无法判断服务的承受能力：每秒发送 {rate:.0} 个请求时，其他程序占用了处理器"),
                )));
            }
        } else {
            rate /= 2.0;
        }
        // What holds a client back ends with its window.
        let is_well =
            || kinds.iter().all(|kind| bench.ask(&bench.request(*kind), ANSWER).is_ok_and(|one| one.how.good()));
        bench.wait_for(WINDOW, || {
            std::thread::sleep(Duration::from_millis(500));
            is_well()
        })?;
    }
    Err(Unmade::Missing(Message::new(
        format!("not even {LEAST_RATE:.0} requests a second of one client are answered well"),
        format!("单个客户端每秒 {LEAST_RATE:.0} 个请求也无法正常响应"),
    )))
}

fn waits(sent: &[Sent], kind: usize, from: Instant, until: Instant) -> Waits {
    let of = sent.iter().filter(|one| one.kind == kind && one.exchange.sent >= from && one.exchange.sent < until);
    let all: Vec<(bool, u64)> =
        of.map(|one| (one.good(), Bench::since(one.exchange.sent, one.exchange.ended))).collect();
    Waits::of(&all)
}
