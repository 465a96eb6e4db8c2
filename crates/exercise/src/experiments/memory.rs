//! Watches the memory of the process under steady load.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Memory, Observation, Sample, Trial},
};

use super::{Unmade, needed::some_good};
use crate::bench::{Bench, BenchError, Sent, Survey, Traffic};

/// Pools fill, code is compiled, heaps grow.
const WARM_UP: Duration = Duration::from_secs(8);

const WATCHED: Duration = Duration::from_secs(30);

/// While it rises, it is watched so many times as long: the heap of a runtime that collects its garbage late looks like
/// a leak for half a minute, and more so where others take the processor.
const TIMES_AS_LONG: u32 = 4;

/// Where there is less load, it takes longer to see as much.
const WATCHED_CALMLY: Duration = Duration::from_mins(1);

const EVERY: Duration = Duration::from_millis(250);

/// More load than usual shows small leaks sooner.
const TIMES: f64 = 5.0;

/// No more than so many requests a second for that.
const MOST: f64 = 150.0;

/// Who cannot keep up holds requests in memory: that is no leak.
const GOOD_PERCENT: usize = 98;

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    let kinds = some_good(survey)?;
    let usual = bench.run().rate;
    let begin = Instant::now();
    let (memory, from, sent) = match watched(bench, &kinds, (usual * TIMES).min(MOST).max(usual), WATCHED)? {
        Watched::Level(memory, from, sent) => (memory, from, sent),
        Watched::Overloaded => match watched(bench, &kinds, usual, WATCHED_CALMLY)? {
            Watched::Level(memory, from, sent) => (memory, from, sent),
            Watched::Overloaded => {
                return Err(Unmade::Missing(Message::new(
                    "users were not answered well under steady load, and what waits takes memory",
                    "稳定负载下请求未能正常响应，排队的请求会占用内存",
                )));
            }
        },
    };
    let mut timeline = bench.timeline(begin, &sent);
    let what = Message::new("memory is watched", "观察内存");
    timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, Instant::now())), what);
    Ok(Trial::new(Observation::Memory(memory), timeline))
}

enum Watched {
    Level(Memory, Instant, Vec<Sent>),
    Overloaded,
}

/// Watches a process that is young: in a heap that others left large, what is gained hides.
fn watched(bench: &mut Bench, kinds: &[usize], rate: f64, length: Duration) -> Result<Watched, BenchError> {
    bench.start()?;
    let traffic = Traffic::start(bench.address(), rate, Duration::from_secs(10), bench.make_of(kinds))?;
    bench.wait(WARM_UP)?;
    if is_overloaded(&traffic.so_far()) {
        return Ok(Watched::Overloaded);
    }
    let from = Instant::now();
    let mut memory = Memory { samples: Vec::new(), requests: 0 };
    for _ in 0..TIMES_AS_LONG {
        let begin = Instant::now();
        while begin.elapsed() < length {
            if let Some(bytes) = bench.process().and_then(|process| process.memory()) {
                memory.samples.push(Sample { at_ms: Bench::since(from, Instant::now()), bytes });
            }
            bench.wait(EVERY)?;
        }
        if !memory.rises() {
            break;
        }
    }
    let sent = traffic.end();
    let watched: Vec<Sent> = sent.iter().filter(|one| one.exchange.sent >= from).cloned().collect();
    if is_overloaded(&watched) {
        return Ok(Watched::Overloaded);
    }
    memory.requests = u64::try_from(watched.len()).unwrap_or_default();
    Ok(Watched::Level(memory, from, sent))
}

fn is_overloaded(sent: &[Sent]) -> bool {
    let good = sent.iter().filter(|one| one.good()).count();
    good * 100 < sent.len() * GOOD_PERCENT
}
