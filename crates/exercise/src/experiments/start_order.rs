//! Starts the service while a dependency is gone, and lets it come late.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Observation, Start, StartOrder, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Survey},
    process::Process,
    proxy::Fault,
};

/// How long the dependency is gone at least, and how long it stays so after the service was heard first.
const GONE: Duration = Duration::from_secs(2);

/// A start that is not heard at all is not waited for longer, unless it takes its time when all is well.
const UNHEARD: Duration = Duration::from_secs(15);

/// How long a breaker may be open after the dependency came.
const RECOVERY: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

const ANSWER: Duration = Duration::from_secs(1);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.run().attach.is_some() {
        return Err(Unmade::no_process());
    }
    let names: Vec<String> = bench.dependencies().map(|(name, _)| name.to_owned()).collect();
    if names.is_empty() {
        return Err(Unmade::no_dependency());
    }
    let begin = Instant::now();
    let (mut starts, mut marks) = (Vec::new(), Vec::new());
    for name in &names {
        for silent in [false, true] {
            let from = Instant::now();
            let injected = bench.inject(name, if silent { Fault::BlackHole } else { Fault::Refuse })?;
            let mut start = alone(bench, name, silent)?;
            drop(injected);
            let came = Instant::now();
            late(bench, survey, &mut start)?;
            let (en, zh) = if silent { ("is silent", "无响应") } else { ("refuses connections", "拒绝连接") };
            marks.push((from, came, Message::new(format!("started, {name} {en}"), format!("启动，{name} {zh}"))));
            starts.push(start);
        }
    }
    let mut timeline = bench.timeline(begin, &[]);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::StartOrder(StartOrder { starts }), timeline))
}

/// From the start of the process until the dependency comes.
fn alone(bench: &mut Bench, name: &str, silent: bool) -> Result<Start, BenchError> {
    bench.launch()?;
    let begin = bench.process().map_or_else(Instant::now, |process| process.started);
    let probes = bench.run().probes.clone();
    let path = probes.liveness.or_else(|| probes.readiness.clone()).unwrap_or_else(|| "/".to_owned());
    let mut start = Start {
        dependency: name.to_owned(),
        silent,
        hard: bench.dependency(name).is_some_and(|plan| plan.hard),
        exit: None,
        words: String::new(),
        ready_ms: None,
        came_ms: 0,
        well_ms: None,
        watched_ms: 0,
        asked: 0,
        good: 0,
    };
    let mut heard: Option<Instant> = None;
    let longest = UNHEARD.max(bench.slowest_start() * 2).min(bench.run().startup);
    while begin.elapsed() < heard.map_or(longest, |heard| heard.saturating_duration_since(begin) + GONE) {
        bench.wait(PAUSE)?;
        if let Some(exit) = bench.process().and_then(Process::exit) {
            start.exit = Some((exit, Bench::since(begin, Instant::now())));
            start.words = bench.process().map(|process| process.output().last_words(3)).unwrap_or_default();
            start.words = start.words.trim().to_owned();
            break;
        }
        if heard.is_none() && bench.get(&path, ANSWER)?.status().is_some() {
            heard = Some(Instant::now());
        }
        if let (Some(readiness), None) = (&probes.readiness, start.ready_ms) {
            let exchange = bench.get(readiness, ANSWER)?;
            start.ready_ms = exchange.how.good().then(|| Bench::since(begin, exchange.ended));
        }
    }
    start.came_ms = Bench::since(begin, Instant::now());
    Ok(start)
}

/// When the dependency is there.
fn late(bench: &mut Bench, survey: &Survey, start: &mut Start) -> Result<(), BenchError> {
    let came = Instant::now();
    let ready = if start.exit.is_some() || bench.process().is_none_or(|process| process.exit().is_some()) {
        // Whoever ended is started anew, as an orchestrator does.
        match bench.start() {
            Err(BenchError::NotUp(_)) => false,
            other => other.map(|()| true)?,
        }
    } else {
        let longest = bench.run().startup;
        let readiness = bench.run().probes.readiness.clone();
        let path = readiness.clone().unwrap_or_else(|| "/".to_owned());
        bench.wait_for(longest, || {
            std::thread::sleep(PAUSE);
            let exchange = bench.get(&path, ANSWER);
            exchange.is_ok_and(|one| if readiness.is_some() { one.how.good() } else { one.status().is_some() })
        })?
    };
    start.watched_ms = Bench::since(came, Instant::now());
    if !ready {
        return Ok(());
    }
    start.well_ms = Some(start.watched_ms);
    let mut kinds = survey.needing(&start.dependency);
    if kinds.is_empty() {
        kinds = survey.good();
    }
    start.asked = u64::try_from(kinds.len()).unwrap_or_default();
    let mut good = 0;
    let until = Instant::now() + RECOVERY;
    while good < start.asked && Instant::now() < until {
        good = 0;
        for kind in &kinds {
            good += u64::from(bench.ask(&bench.request(*kind), RECOVERY)?.how.good());
        }
        bench.wait(PAUSE)?;
    }
    start.good = good;
    start.watched_ms = Bench::since(came, Instant::now());
    Ok(())
}
