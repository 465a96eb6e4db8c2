//! The end of a process that loses nothing: readiness goes first, the door stays open for a while, what is under way
//! ends, what is buffered is written, and the exit code tells how it went.
//!
//! ```text
//!  signal ── announcing ──────── draining ──────── flushing ── exit
//!            readiness is false  no new requests   telemetry   0: all ended
//!            all is served       those under way   outbox      1: something was cut off
//!            Connection: close   end, bounded      bounded
//! ```
//! A second signal ends it at once, with 128 and its number. The steps together must take less than the platform waits
//! before it kills; a [`Plan`] that does not fit is refused when the process starts, not found out when it ends.
//!
//! ```
//! use std::time::Duration;
//!
//! use gonogo_resilience::{health::Health, shutdown::{Exit, Plan, Shutdown, Signal}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! let health = Health::new();
//! let (shutdown, stop) = Shutdown::new(Plan::default(), health.clone())?;
//! // With axum: `axum::serve(listener, app).with_graceful_shutdown(stop.draining())`.
//! let server = async move {
//!     stop.draining().await;
//!     tokio::time::sleep(Duration::from_secs(2)).await; // a request under way
//! };
//! // In a program: `gonogo_resilience::shutdown::from_os()?`.
//! let (send, signals) = tokio::sync::mpsc::channel(2);
//! send.send(Signal::Terminate).await.unwrap();
//! let exit = shutdown.run(signals, server, async { /* flush telemetry */ }).await;
//! assert_eq!((exit, exit.code()), (Exit::Clean, 0));
//! # Ok::<(), gonogo_resilience::shutdown::TooLong>(())
//! # }).unwrap();
//! ```

mod close;
mod plan;
mod signal;

#[cfg(test)]
mod tests;

use std::{
    future::{Future, pending},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use tokio::{
    sync::{mpsc::Receiver, watch},
    time::sleep,
};

pub use self::{
    close::{CloseFuture, CloseLayer, CloseService},
    plan::{Plan, TooLong},
    signal::{Signal, from_os},
};
use crate::health::Health;

/// How far the shutdown is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No signal came yet.
    Serving,
    /// Readiness is false, and everything is still served.
    Announcing,
    /// No new connection is taken; what is under way ends.
    Draining,
    /// What is buffered is written.
    Flushing,
    /// All is done.
    Ended,
}

/// How the process ended: to be turned into the [`ExitCode`] of `main`. A runtime that is dropped waits for blocking tasks;
/// `Runtime::shutdown_background` does not, which a forced exit wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All requests ended, all was written.
    Clean,
    /// A bound was reached.
    Cut {
        /// Whether the requests under way ended in time.
        drained: bool,
        /// Whether what was buffered was written in time.
        flushed: bool,
    },
    /// The server ended without being asked.
    Unasked,
    /// A second signal came.
    Forced(Signal),
}

impl Exit {
    /// The code for the platform: 0 only if nothing was lost.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Cut { .. } | Self::Unasked => 1,
            Self::Forced(signal) => signal.exit_code(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The sequence, to be run once.
#[derive(Debug)]
pub struct Shutdown {
    plan: Plan,
    health: Health,
    phase: watch::Sender<Phase>,
}

/// Tells the parts of a process how far the shutdown is.
#[derive(Debug, Clone)]
pub struct Stop {
    phase: watch::Receiver<Phase>,
}

impl Stop {
    /// How far it is.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Ends when workers should take no new work on, at the signal.
    pub async fn announced(mut self) {
        self.reached(Phase::Announcing).await;
    }

    /// Ends when servers should take no new connection on.
    pub async fn draining(mut self) {
        self.reached(Phase::Draining).await;
    }

    async fn reached(&mut self, phase: Phase) {
        // Without a sequence there is no end to wait for; ending here would stop a server that nobody asked to stop.
        if self.phase.wait_for(|now| *now >= phase).await.is_err() {
            pending::<()>().await;
        }
    }
}

/// What ended a step.
enum Step {
    Over,
    Late,
    Forced(Signal),
}

impl Shutdown {
    /// A sequence by this plan. Errors: [`TooLong`] unless the plan ends before the grace does.
    pub fn new(plan: Plan, health: Health) -> Result<(Self, Stop), TooLong> {
        let plan = plan.checked()?;
        let (phase, receiver) = watch::channel(Phase::Serving);
        Ok((Self { plan, health, phase }, Stop { phase: receiver }))
    }

    /// Runs the server until a signal comes, then the sequence. The server must end by itself at [`Stop::draining`] once
    /// its requests have ended; if it does not in time, it is dropped.
    pub async fn run(
        self,
        mut signals: Receiver<Signal>,
        server: impl Future,
        flush: impl Future<Output = ()>,
    ) -> Exit {
        let mut server = pin!(server);
        let asked = tokio::select! {
            () = next(&mut signals) => true,
            _ = &mut server => false,
        };
        self.health.stopping();
        let mut drained = true;
        if asked {
            self.phase.send_replace(Phase::Announcing);
            let mut ended = false;
            // The server goes on meanwhile. One that ends early leaves nothing to announce.
            match step(self.plan.announce, &mut signals, &mut server).await {
                Step::Over => ended = true,
                Step::Late => {}
                Step::Forced(signal) => return Exit::Forced(signal),
            }
            self.phase.send_replace(Phase::Draining);
            if !ended {
                match step(self.plan.drain, &mut signals, &mut server).await {
                    Step::Over => {}
                    Step::Late => drained = false,
                    Step::Forced(signal) => return Exit::Forced(signal),
                }
            }
        }
        self.phase.send_replace(Phase::Flushing);
        let flushed = match step(self.plan.flush, &mut signals, flush).await {
            Step::Over => true,
            Step::Late => false,
            Step::Forced(signal) => return Exit::Forced(signal),
        };
        self.phase.send_replace(Phase::Ended);
        match (asked, drained && flushed) {
            (false, _) => Exit::Unasked,
            (true, true) => Exit::Clean,
            (true, false) => Exit::Cut { drained, flushed },
        }
    }
}

/// The next signal; never, if none can come any more.
async fn next_signal(signals: &mut Receiver<Signal>) -> Signal {
    match signals.recv().await {
        Some(signal) => signal,
        None => pending().await,
    }
}

async fn next(signals: &mut Receiver<Signal>) {
    next_signal(signals).await;
}

/// Runs `work` for no longer than `bound`, and not past a signal.
async fn step(bound: Duration, signals: &mut Receiver<Signal>, work: impl Future) -> Step {
    tokio::select! {
        biased;
        signal = next_signal(signals) => Step::Forced(signal),
        _ = work => Step::Over,
        () = sleep(bound) => Step::Late,
    }
}
