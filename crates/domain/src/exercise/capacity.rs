//! How many requests a second a service carries.

use serde::{Deserialize, Serialize};

use crate::Message;

/// The highest rate at which users were still answered well, found by sending more and more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Requests a second; none: not even the lowest rate that was tried held.
    pub rate: Option<f64>,
    /// The 99th percentile at it, from the time at which requests were due.
    pub p99_us: u64,
    /// What the 99th percentile may be.
    pub bound_ms: u64,
    /// Why it is not more.
    pub limit: Limit,
    /// As how many clients it was asked.
    pub clients: u8,
    /// In the order in which they were made.
    pub steps: Vec<Step>,
}

/// Why a rate is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// More of it is too late or fails.
    Service,
    /// More of it is answered 429.
    Limiter,
    /// More of it could not be sent in time.
    Generator,
    /// More was not tried.
    Most,
    /// The time was over.
    Time,
}

/// One rate, kept for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub rate: f64,
    pub due: u64,
    pub p99_us: u64,
    /// Shares of those that were due.
    pub error_ratio: f64,
    /// Answered 429.
    pub limited_ratio: f64,
    /// What they were sent too late by, 99 of a hundred at most.
    pub late_us: u64,
    pub held: bool,
}

impl Capacity {
    /// Why the figure is not what the service itself can do; none where it is.
    pub fn doubt(&self) -> Option<Message> {
        let rate = self.rate.unwrap_or_default();
        Some(match self.limit {
            Limit::Service if self.rate.is_some() => return None,
            Limit::Service | Limit::Time if self.rate.is_none() => Message::new(
                format!("not even the lowest rate was answered within {} ms", self.bound_ms),
                format!("最低速率下也未能在 {} 毫秒内响应", self.bound_ms),
            ),
            Limit::Limiter => Message::new(
                format!("from {rate:.0}/s on it answers 429: its rate limiter is reached before its capacity is"),
                format!("超过 {rate:.0}/s 后返回 429：先达到限流上限而非处理能力"),
            ),
            Limit::Generator => Message::new(
                format!("above {rate:.0}/s the load generator itself is too late"),
                format!("超过 {rate:.0}/s 时压测端自身来不及发送"),
            ),
            Limit::Most => Message::new(
                format!("it carries {rate:.0}/s, the most that was tried"),
                format!("能承受所尝试的最高速率 {rate:.0}/s"),
            ),
            Limit::Service | Limit::Time => Message::new(
                format!("the time was over at {rate:.0}/s, which it carried"),
                format!("时间用尽，{rate:.0}/s 仍可承受"),
            ),
        })
    }
}
