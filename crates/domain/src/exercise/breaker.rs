//! How many calls a failing dependency still gets.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// A breaker that is open lets trial calls through; more than this share of the usual calls are no trials.
const TRIALS_PERCENT: u64 = 25;

/// A dependency that fails every call for a while under steady load, and then is well again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub dependency: String,
    /// Calls in ten seconds while all is well, at the same rate of requests.
    pub usual: u64,
    /// Calls from the failure until they became few; none: they never did.
    pub until_open: Option<u64>,
    pub open_ms: Option<u64>,
    /// Calls in the last ten seconds of the failure.
    pub while_failing: u64,
    /// How long it failed.
    pub failing_ms: u64,
    /// When calls were as usual again, counted from the end of the failure; none: they never were.
    pub recovered_ms: Option<u64>,
    /// How long that was waited for.
    pub watched_ms: u64,
}

impl Breaker {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.circuit-breaker";
        let Self { dependency, usual, while_failing, .. } = self;
        if *usual < 20 {
            let why = Message::new(
                format!("{dependency} gets {usual} calls in 10 s: too few to see a breaker"),
                format!("{dependency} 在 10 秒内只有 {usual} 次调用：不足以观察熔断"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let failing = time(self.failing_ms);
        let mut misses = Vec::new();
        if while_failing * 100 > usual * TRIALS_PERCENT {
            misses.push(Message::new(
                format!("{dependency} still got {while_failing} calls in the last 10 s of {failing} in which it failed all of them; usual are {usual}"),
                format!("{dependency} 持续失败 {failing} 后，最后 10 秒仍收到 {while_failing} 次调用；平时为 {usual} 次"),
            ));
        } else if self.recovered_ms.is_none() {
            misses.push(Message::new(
                format!("{} after {dependency} was well again, calls had not come back", time(self.watched_ms)),
                format!("{dependency} 恢复 {} 后调用仍未恢复", time(self.watched_ms)),
            ));
        }
        let (en, zh) = match (self.until_open, self.recovered_ms) {
            (Some(calls), Some(back)) => (
                format!(" after {calls} calls, and came back after {}", time(back)),
                format!("（{calls} 次调用之后），{} 后恢复", time(back)),
            ),
            _ => (String::new(), String::new()),
        };
        let summary = Message::new(
            format!("calls to {dependency} went from {usual} to {while_failing} in 10 s while it failed{en}"),
            format!("{dependency} 失败期间，10 秒内的调用由 {usual} 次变为 {while_failing} 次{zh}"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}
