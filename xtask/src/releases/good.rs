//! Good releases, one after the other on stages that are full of noise: none may be taken back.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use gonogo_exercise::proxy::{Break, Delay, Fault, Which};

use super::{
    Built, VERSIONS, at_once,
    cases::all_are_counted,
    stage::{Setting, Stage},
};

/// Seconds where a release of production has minutes.
const TIMES: &str = "every = \"500ms\"\nwarm_up = \"500ms\"\nshare_tolerance = 5\n[[step]]\nshare = 25\nwatch = \"3s\"\nat_most = \"30s\"\n\
     [[step]]\nshare = 50\nwatch = \"2s\"\nat_most = \"30s\"\n[after]\nwatch = \"2s\"\nat_most = \"30s\"\n\
     [deadlines]\nready = \"20s\"\nhold = \"1s\"\nrollback = \"20s\"\n";

/// Stages at the same time.
const AT_ONCE: usize = 3;

/// Requests a second on each.
const RATE: f64 = 40.0;

/// What it has to bear, in the words of the page.
pub(super) const NOISE: &str = "each answer 0 to 20 ms later, one of a hundred answers a 503 (probes and `/metrics` too, stable and \
    release alike), a core taken away for 100 to 500 ms again and again";

/// What became of so many good releases.
#[derive(Default)]
pub(super) struct Told {
    pub promoted: usize,
    /// Why each was taken back.
    pub back: Vec<String>,
    /// What some waited for a person for.
    pub held: Vec<String>,
    /// Answers to users, and those that went wrong.
    pub answers: u64,
    pub wrong: u64,
    pub took: Duration,
}

pub(super) fn many(built: &Built, count: usize) -> anyhow::Result<Told> {
    let began = Instant::now();
    let noise = Noise::start();
    let stages: Vec<usize> = (0..AT_ONCE).map(|at| count / AT_ONCE + usize::from(at < count % AT_ONCE)).collect();
    let told = at_once(&stages, AT_ONCE, |count| some(built, *count));
    drop(noise);
    let mut all = Told::default();
    for told in told {
        let told = told?;
        all.promoted += told.promoted;
        all.back.extend(told.back);
        all.held.extend(told.held);
        all.answers += told.answers;
        all.wrong += told.wrong;
    }
    all.took = began.elapsed();
    Ok(all)
}

/// One stage on which releases go back and forth: after a promotion the groups have changed their roles.
fn some(built: &Built, count: usize) -> anyhow::Result<Told> {
    let mut told = Told::default();
    if count == 0 {
        return Ok(told);
    }
    let jitter = Duration::from_millis(10);
    let between = [
        Fault::Latency { to_dependency: Delay::default(), to_service: Delay { base: jitter, jitter } },
        Fault::Http {
            which: Which::Every(NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN)),
            answer: Break::Status { code: 503, retry_after: None },
        },
    ];
    let setting = Setting {
        built,
        environment: &[],
        clay_later: Duration::ZERO,
        between: &between,
        replicas: 1,
        rate: RATE,
        times: TIMES,
        worse_by: 20,
    };
    let stage = Stage::set(&setting)?;
    let mut runs = VERSIONS;
    for _ in 0..count {
        let rolled = stage.roll_out(runs[1])?;
        let why = rolled.state["rollback"]["why"].as_str();
        match why {
            None => {
                told.promoted += 1;
                runs.swap(0, 1);
            }
            Some(why) if why.starts_with("nobody said for ") => told.held.push(why.to_owned()),
            Some(why) => told.back.push(why.to_owned()),
        }
    }
    let (outcome, journal) = stage.end()?;
    all_are_counted(&outcome, &journal)?;
    told.answers = journal.statuses().values().sum();
    told.wrong = journal.statuses().iter().filter(|(status, _)| **status >= 500).map(|(_, count)| count).sum();
    Ok(told)
}

/// Takes a core away for a while, again and again, until it is dropped.
struct Noise {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Noise {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut state = 7_u64;
            let mut draw = |from: u64, to: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                Duration::from_millis(from + (state >> 33) % (to - from))
            };
            while !stopped.load(Ordering::Relaxed) {
                let until = Instant::now() + draw(100, 500);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                thread::sleep(draw(200, 1500));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
