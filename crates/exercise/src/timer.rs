//! Waits to the tens of microseconds: the runtime's own timers count in milliseconds, which is longer than a fast answer
//! takes.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// A sleeping thread wakes up this much too late at most, on a quiet machine.
const LATE: Duration = Duration::from_micros(80);

/// A clock that rings: a thread that sleeps, which the kernel does more exactly than the runtime.
pub(crate) struct Timer {
    set: mpsc::Sender<Instant>,
    rung: Arc<Notify>,
}

impl Timer {
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn new() -> io::Result<Self> {
        let (set, waits) = mpsc::channel::<Instant>();
        let rung = Arc::new(Notify::new());
        let bell = Arc::clone(&rung);
        // It ends with the timer, whose end of the channel it waits at.
        thread::Builder::new().name("load-clock".to_owned()).spawn(move || {
            for until in waits {
                thread::sleep(until.saturating_duration_since(Instant::now()));
                bell.notify_one();
            }
        })?;
        Ok(Self { set, rung })
    }

    /// Waits until then; what else is ready on this thread runs meanwhile.
    pub(crate) async fn until(&self, due: Instant) {
        let early = due.saturating_duration_since(Instant::now());
        if early > LATE && self.set.send(due.checked_sub(LATE).unwrap_or(due)).is_ok() {
            self.rung.notified().await;
        }
        while Instant::now() < due {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_rings_too_early() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let timer = Timer::new().unwrap();
            for micros in [0, 1, 50, 200, 3_000] {
                let due = Instant::now() + Duration::from_micros(micros);
                timer.until(due).await;
                assert!(Instant::now() >= due, "{micros} µs");
            }
        });
    }
}
