//! Tower layers that keep a service up when its dependencies, callers or platform do not behave.

#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod adaptive;
pub mod breaker;
pub mod bulkhead;
pub mod deadline;
pub mod fallback;
pub mod health;
pub mod rate_limit;
pub mod retry;
pub mod shed;
pub mod shutdown;
pub mod verdict;

mod answer;
mod guarded;
mod moment;
mod rejection;

pub use self::{
    answer::{Answer, AnswerLayer, Answered, answer},
    deadline::Deadline,
    guarded::{Admitted, Guard, Guarded},
    rejection::{Error, Rejected, Rejection},
    verdict::Verdict,
};
