//! Takes dependencies away, silences them, and stops the process, while liveness is asked.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Liveness, LivenessFault, Observation, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Traffic},
    process::Signal,
    proxy::Fault,
};

/// How long each fault lasts: a few rounds of a probe.
const LENGTH: Duration = Duration::from_secs(3);

/// How long an answer is waited for: more than a probe of Kubernetes waits, so that slow is told from dead.
const ANSWER: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn trial(bench: &mut Bench) -> Result<Trial, Unmade> {
    let path = bench.run().probes.liveness.clone().ok_or_else(|| Unmade::no_path("liveness"))?;
    let begin = Instant::now();
    let names: Vec<String> = bench.dependencies().map(|(name, _)| name.to_owned()).collect();
    let (mut faults, mut marks) = (Vec::new(), Vec::new());
    // Users go on meanwhile: what waits for the dependency may take the threads that liveness needs.
    let traffic = (!bench.run().requests.is_empty()).then(|| bench.traffic(bench.run().rate)).transpose()?;
    for name in &names {
        for silent in [false, true] {
            let from = Instant::now();
            let injected = bench.inject(name, if silent { Fault::BlackHole } else { Fault::Refuse })?;
            faults.push(asked(bench, &path, name, silent)?);
            drop(injected);
            let (en, zh) = if silent { ("is silent", "无响应") } else { ("refuses connections", "拒绝连接") };
            marks.push((from, Instant::now(), Message::new(format!("{name} {en}"), format!("{name} {zh}"))));
        }
    }
    let sent = traffic.map(Traffic::end).unwrap_or_default();
    let fails_when_stopped = stopped(bench, &path)?;
    let recovered = bench
        .wait_for(Duration::from_secs(10), || bench.get(&path, ANSWER).is_ok_and(|exchange| exchange.how.good()))?;
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    let liveness = Liveness { path, faults, fails_when_stopped, recovered };
    Ok(Trial::new(Observation::Liveness(liveness), timeline))
}

fn asked(bench: &Bench, path: &str, name: &str, silent: bool) -> Result<LivenessFault, BenchError> {
    let mut fault = LivenessFault { dependency: name.to_owned(), silent, asked: 0, good: 0, wait_ms: 0 };
    let from = Instant::now();
    while from.elapsed() < LENGTH {
        let exchange = bench.get(path, ANSWER)?;
        fault.asked += 1;
        fault.good += u64::from(exchange.how.good());
        fault.wait_ms = fault.wait_ms.max(Bench::since(exchange.sent, exchange.ended));
        bench.wait(PAUSE)?;
    }
    Ok(fault)
}

/// Whether liveness fails while the process does nothing; none where there is no process to stop.
fn stopped(bench: &mut Bench, path: &str) -> Result<Option<bool>, BenchError> {
    let Some(process) = bench.process() else { return Ok(None) };
    process.signal_all(Signal::STOP);
    let exchange = bench.get(path, Duration::from_secs(1));
    if let Some(process) = bench.process() {
        process.signal_all(Signal::CONT);
    }
    Ok(Some(!exchange?.how.good()))
}
