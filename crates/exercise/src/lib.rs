//! The bench: what a service does under load and under faults, recorded and not judged.

pub mod load;
pub mod proxy;

mod local;
mod timer;
