//! Starts the service and asks from the first moment whether it is ready.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Boot, Change, Observation, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Survey},
    load::Ended,
};

/// Requests that are sent as soon as it says that it is ready.
const ASKED: usize = 10;

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.run().attach.is_some() {
        return Err(Unmade::no_process());
    }
    bench.launch()?;
    let begin = bench.process().map_or_else(Instant::now, |process| process.started);
    let (budget, path) = (bench.run().startup, bench.run().probes.readiness.clone());
    let asked = path.clone().unwrap_or_else(|| "/".to_owned());
    let (mut changes, mut ready): (Vec<Change>, Option<Instant>) = (Vec::new(), None);
    let mut ended = None;
    while ready.is_none() && begin.elapsed() < budget {
        if bench.stopped() {
            return Err(BenchError::Stopped.into());
        }
        if bench.process().is_none_or(|process| process.exit().is_some()) {
            ended = Some(Bench::since(begin, Instant::now()));
            break;
        }
        let exchange = bench.get(&asked, Duration::from_secs(1))?;
        let status = exchange.status();
        if changes.last().is_none_or(|last| last.status != status) {
            changes.push(Change { at_ms: Bench::since(begin, exchange.ended), status });
        }
        // Without a path of its own, whoever answers at all is ready.
        let is_ready = if path.is_some() { exchange.how.good() } else { exchange.how != Ended::Refused };
        if is_ready {
            ready = Some(exchange.ended);
        } else {
            bench.wait(Duration::from_millis(5))?;
        }
    }
    let mut good = 0;
    // Those that are answered well at other times.
    let kinds = survey.good();
    let make = bench.make_of(&kinds);
    let count = if ready.is_some() && !kinds.is_empty() { ASKED } else { 0 };
    for number in 0..count {
        let (_, ask) = make(u64::try_from(number).unwrap_or_default());
        good += u64::from(bench.ask(&ask, Duration::from_secs(10))?.how.good());
    }
    let mut timeline = bench.timeline(begin, &[]);
    if let Some(ready) = ready {
        timeline.mark(Bench::since(begin, ready), None, Message::new("ready", "就绪"));
    }
    let boot = Boot {
        path,
        changes,
        ready_ms: ready.map(|ready| Bench::since(begin, ready)),
        ended_ms: ended,
        budget_ms: u64::try_from(budget.as_millis()).unwrap_or(u64::MAX),
        sent: u64::try_from(count).unwrap_or_default(),
        good,
    };
    Ok(Trial::new(Observation::Boot(boot), timeline))
}
