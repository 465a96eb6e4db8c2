//! The service end to end, as a process of its own, against the stand-in for Clay on loopback.

mod clay;
mod harness;
mod intake;
mod operations;
mod recovery;
