//! Watches how the processors are shared between the service and the rest of the machine.
//!
//! Linux counts for each thread how long it ran and how long it stood in line (`/proc/PID/task/TID/schedstat`), and for all
//! processors what they were used for (`/proc/stat`, proc(5)). Elsewhere nothing is known.

use std::{
    collections::HashMap,
    fs,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use gonogo_domain::exercise::Contention;

use super::mark::{self, Mark};

/// Threads that live for less than this are not seen; to look for them takes milliseconds where many programs run.
const EVERY: Duration = Duration::from_millis(500);

/// Counts from its start to its end.
#[derive(Debug)]
pub(crate) struct Watch {
    end: mpsc::Sender<()>,
    counted: JoinHandle<Option<Contention>>,
}

impl Watch {
    /// Everything that carries the mark is the service. None where no thread can be started.
    pub(crate) fn start(mark: &Mark) -> Option<Self> {
        let (end, ended) = mpsc::channel();
        let mark = mark.clone();
        let watch = move || {
            let mut count = Count::new(&mark)?;
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                count.look(&mark);
            }
            count.look(&mark);
            count.end()
        };
        let counted = thread::Builder::new().name("contention".to_owned()).spawn(watch).ok()?;
        Some(Self { end, counted })
    }

    /// None where the system does not tell, or nothing ran that could be seen.
    pub(crate) fn end(self) -> Option<Contention> {
        drop(self.end);
        self.counted.join().ok().flatten()
    }
}

/// What a thread had when it was last looked at, in nanoseconds.
#[derive(Clone, Copy, Default)]
struct Shares {
    ran: u64,
    waited: u64,
}

struct Count {
    threads: HashMap<u32, Shares>,
    own: Shares,
    /// Time of all processors, and what of it was used, in ticks.
    begin: (u64, u64),
    /// What gonogo had used of it.
    mine: u64,
}

impl Count {
    fn new(mark: &Mark) -> Option<Self> {
        let mut count =
            Self { threads: HashMap::new(), own: Shares::default(), begin: processors()?, mine: mark::ticks("self")? };
        // What was used before is not counted.
        count.look(mark);
        count.own = Shares::default();
        Some(count)
    }

    fn look(&mut self, mark: &Mark) {
        let mut threads = HashMap::new();
        for pid in mark::carriers(mark) {
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            for thread in tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse::<u32>().ok()) {
                let Some(now) = shares(pid, thread) else { continue };
                let before = self.threads.get(&thread).copied().unwrap_or_default();
                self.own.ran += now.ran.saturating_sub(before.ran);
                self.own.waited += now.waited.saturating_sub(before.waited);
                threads.insert(thread, now);
            }
        }
        self.threads = threads;
    }

    fn end(self) -> Option<Contention> {
        let (all, used) = processors()?;
        let (all, used) = (all.saturating_sub(self.begin.0), used.saturating_sub(self.begin.1));
        let mine = mark::ticks("self")?.saturating_sub(self.mine);
        let milliseconds = |nanoseconds: u64| nanoseconds / 1_000_000;
        let (ran_ms, waited_ms) = (milliseconds(self.own.ran), milliseconds(self.own.waited));
        let of_the_service = ran_ms * rustix::param::clock_ticks_per_second() / 1000;
        let others = used.saturating_sub(mine + of_the_service);
        (self.own.ran > 0).then(|| Contention { ran_ms, waited_ms, others_percent: others * 100 / all.max(1) })
    }
}

fn shares(pid: u32, thread: u32) -> Option<Shares> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat")).ok()?;
    let mut fields = text.split_whitespace().map_while(|field| field.parse().ok());
    Some(Shares { ran: fields.next()?, waited: fields.next()? })
}

/// The time of all processors and what of it was used, in ticks: the first line of `/proc/stat`.
fn processors() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of the first two.
    let fields: Vec<u64> =
        text.lines().next()?.split_whitespace().skip(1).take(8).map_while(|field| field.parse().ok()).collect();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    let all: u64 = fields.iter().sum();
    (fields.len() >= 5).then(|| (all, all - idle))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{collections::BTreeMap, time::Instant};

    use super::*;
    use crate::process::{Process, Program};

    #[test]
    fn a_program_that_never_sleeps_is_counted() {
        let mark = Mark::own();
        let command = ["sh", "-c", "while :; do :; done"].map(str::to_owned).to_vec();
        let program = Program { command, directory: std::env::temp_dir(), environment: BTreeMap::new() };
        let process = Process::start(&program, &mark).unwrap();
        let watch = Watch::start(&mark).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(600) {
            thread::sleep(Duration::from_millis(20));
        }
        let seen = watch.end().unwrap();
        let length = u64::try_from(begin.elapsed().as_millis()).unwrap();
        drop(process);
        // It ran or stood in line all the while, but for the ends that were not looked at.
        let busy = seen.ran_ms + seen.waited_ms;
        assert!(seen.ran_ms > 0 && busy * 2 > length && seen.others_percent <= 100, "{seen:?} in {length} ms");
    }
}
