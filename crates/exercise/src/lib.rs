//! The bench: what a service does under load and under faults, recorded and not judged.

pub mod bench;
pub mod experiments;
pub mod load;
pub mod process;
pub mod proxy;

mod local;
mod timer;
