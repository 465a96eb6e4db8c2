//! The signals that end a process.

use std::io;

use tokio::sync::mpsc::{self, Receiver};

/// A signal that asks to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: the platform.
    Terminate,
    /// SIGINT, Ctrl-C: a person.
    Interrupt,
}

impl Signal {
    /// The exit code of a process that ends by the signal: 128 and its number.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
        }
    }
}

/// The signals that this process gets from now on. To be called in a runtime. Errors: the handlers could not be set up.
#[cfg(unix)]
pub fn from_os() -> io::Result<Receiver<Signal>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = terminate.recv() => Signal::Terminate,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                else => return,
            };
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The signals that this process gets from now on. To be called in a runtime. Errors: none before the first one is awaited.
#[cfg(not(unix))]
pub fn from_os() -> io::Result<Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(Signal::Interrupt).await.is_ok() {}
    });
    Ok(receiver)
}
