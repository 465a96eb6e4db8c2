//! Load from outside, sent when the plan says and never later because an answer was slow.
//!
//! The plan is open loop: the time of every request is fixed before the run ([`Schedule`]), and its latency counts from
//! that time. A service that stalls for five seconds delays every request that was due in them, and each of them is in
//! the percentiles. What is counted from the real sending stands beside it as service time.

mod asked;
mod capacity;
mod connection;
mod outcome;
mod plain;
mod recorder;
mod run;
mod schedule;
mod target;

pub use capacity::{Search, find};
pub use connection::Reply;
pub(crate) use connection::{Answer, Connection, KEPT};
pub use outcome::{Ended, Latency, Outcome, Percentile, Second};
pub use run::{Plan, Progress, Stop, run};
pub use schedule::{Schedule, Stage};
pub use target::{Endpoint, Protocol, Target, TargetError};
