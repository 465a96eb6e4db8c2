//! Takes dependencies away, silences them, and stops the process, while liveness is asked.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Liveness, LivenessFault, Observation, PROBE_FAILURES, PROBE_MS, Trial},
};

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Traffic},
    load::Ended,
    process::Signal,
    proxy::Fault,
};

/// How long each fault lasts: a few rounds of a probe.
const LENGTH: Duration = Duration::from_secs(3);

/// How long an answer is waited for: more than a probe of Kubernetes waits, so that slow is told from dead.
const ANSWER: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(100);

/// How long a process may go on after it was told to stop. Its first thread must run to tell the others, and waits for a
/// processor like any other.
const STOPPED_BY: Duration = Duration::from_secs(2);

pub(super) fn trial(bench: &mut Bench) -> Result<Trial, Unmade> {
    let path = bench.run().probes.liveness.clone().ok_or_else(|| Unmade::no_path("liveness"))?;
    let begin = Instant::now();
    let names: Vec<String> = bench.dependencies().map(|(name, _)| name.to_owned()).collect();
    let (mut faults, mut marks) = (Vec::new(), Vec::new());
    // Users go on meanwhile: what waits for the dependency may take the threads that liveness needs.
    let traffic = (!bench.run().requests.is_empty()).then(|| bench.traffic(bench.run().rate)).transpose()?;
    let before_ms = if names.is_empty() { None } else { Some(asked(bench, &path)?.wait_ms) };
    for name in &names {
        for silent in [false, true] {
            let from = Instant::now();
            let injected = bench.inject(name, if silent { Fault::BlackHole } else { Fault::Refuse })?;
            faults.push(LivenessFault { dependency: name.clone(), silent, ..asked(bench, &path)? });
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
    let liveness = Liveness { path, before_ms, faults, fails_when_stopped, recovered };
    Ok(Trial::new(Observation::Liveness(liveness), timeline))
}

/// Asks for a while; and on while answers are late, until it is certain that a probe would give up.
fn asked(bench: &Bench, path: &str) -> Result<LivenessFault, BenchError> {
    let mut found = LivenessFault {
        dependency: String::new(),
        silent: false,
        asked: 0,
        good: 0,
        late: 0,
        wait_ms: 0,
        slow_in_a_row: None,
    };
    let (from, mut row, mut longest) = (Instant::now(), 0, 0);
    while from.elapsed() < LENGTH || (1..PROBE_FAILURES).contains(&row) {
        let exchange = bench.get(path, ANSWER)?;
        let wait = Bench::since(exchange.sent, exchange.ended);
        found.asked += 1;
        found.good += u64::from(exchange.how.good());
        found.late += u64::from(exchange.how == Ended::TimedOut);
        found.wait_ms = found.wait_ms.max(wait);
        row = if wait > PROBE_MS { row + 1 } else { 0 };
        longest = longest.max(row);
        bench.wait(PAUSE)?;
    }
    found.slow_in_a_row = Some(longest);
    Ok(found)
}

/// Whether liveness fails while the process does nothing; none where there is no process to stop.
fn stopped(bench: &mut Bench, path: &str) -> Result<Option<bool>, BenchError> {
    let Some(process) = bench.process() else { return Ok(None) };
    process.signal_all(Signal::STOP);
    let answers = still_answers(bench, path);
    if let Some(process) = bench.process() {
        process.signal_all(Signal::CONT);
    }
    Ok(Some(!answers?))
}

/// Whether good answers go on when what was told to stop has stopped for certain.
fn still_answers(bench: &Bench, path: &str) -> Result<bool, BenchError> {
    let told = Instant::now();
    while bench.get(path, Duration::from_secs(1))?.how.good() {
        if told.elapsed() > STOPPED_BY {
            return Ok(true);
        }
        bench.wait(PAUSE)?;
    }
    Ok(false)
}
