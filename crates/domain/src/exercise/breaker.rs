//! How many calls a failing dependency still gets.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// A breaker that is open lets trial calls through; more than this share of the usual calls are no trials.
const TRIALS_PERCENT: u64 = 25;

/// In a way of failing whose calls nobody can count, calls that come back later than this were held back.
const AT_ONCE: u64 = 300;

/// A dependency that fails every call for a while under steady load, and then is well again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub dependency: String,
    #[serde(default)]
    pub failing: Failing,
    /// Calls in ten seconds while all is well, at the same rate of requests.
    pub usual: u64,
    /// Calls from the failure until they became few; none: they never did, or nobody can count them.
    pub until_open: Option<u64>,
    pub open_ms: Option<u64>,
    /// Calls in the last ten seconds of the failure; nothing where nobody can count them.
    pub while_failing: u64,
    /// How long it failed; of several times the last.
    pub failing_ms: u64,
    /// When calls were as usual again, counted from the end of the failure; none: they never were.
    pub recovered_ms: Option<u64>,
    /// How long that was waited for.
    pub watched_ms: u64,
    /// Where nobody can count calls: how long after each end of the failure the first one came.
    #[serde(default)]
    pub first_ms: Vec<u64>,
}

/// In what way it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failing {
    /// It answered 503.
    #[default]
    Unavailable,
    /// It was silent.
    Silent,
    /// It refused connections: what is refused is seen by nobody but the caller.
    Refused,
}

impl Failing {
    /// What the dependency does, for people.
    pub fn words(self) -> Message {
        match self {
            Self::Unavailable => Message::new("answers 503", "返回 503"),
            Self::Silent => Message::new("is silent", "无响应"),
            Self::Refused => Message::new("refuses connections", "拒绝连接"),
        }
    }
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
        let Message { en: how, zh: how_zh } = self.failing.words();
        let failing = time(self.failing_ms);
        let mut misses = Vec::new();
        if self.failing == Failing::Refused {
            if self.first_ms.iter().all(|first| *first < AT_ONCE) {
                let times = self.first_ms.len();
                misses.push(Message::new(
                    format!("{dependency} was called at once each of {times} times that it came back after it {how} for {failing}: nothing had opened"),
                    format!("{dependency} {how_zh} {failing} 后恢复，{times} 次都立即被调用：熔断器没有打开"),
                ));
            }
        } else if while_failing * 100 > usual * TRIALS_PERCENT {
            misses.push(Message::new(
                format!("{dependency} {how} for {failing}, and still got {while_failing} calls in the last 10 s; usual are {usual}"),
                format!("{dependency} {how_zh} {failing}，最后 10 秒仍收到 {while_failing} 次调用；平时为 {usual} 次"),
            ));
        }
        if misses.is_empty() && self.recovered_ms.is_none() {
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
        let summary = if self.failing == Failing::Refused {
            let longest = self.first_ms.iter().max().copied().unwrap_or_default();
            let first = time(longest);
            if self.recovered_ms.is_none() && longest >= self.watched_ms {
                Message::new(
                    format!("after {dependency} had refused connections, no call came within {first} of its return"),
                    format!("{dependency} 拒绝连接后恢复，{first} 内没有任何调用"),
                )
            } else {
                Message::new(
                    format!(
                        "after {dependency} had refused connections, the first call came {first} after it was back"
                    ),
                    format!("{dependency} 拒绝连接后恢复，首次调用在 {first} 之后"),
                )
            }
        } else {
            Message::new(
                format!("calls to {dependency} went from {usual} to {while_failing} in 10 s while it {how}{en}"),
                format!("{dependency} {how_zh}期间，10 秒内的调用由 {usual} 次变为 {while_failing} 次{zh}"),
            )
        };
        vec![Answer::of(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(failing: Failing, while_failing: u64, first_ms: &[u64], expect: Held) {
        let breaker = Breaker {
            dependency: "clay".to_owned(),
            failing,
            usual: 100,
            until_open: None,
            open_ms: None,
            while_failing,
            failing_ms: 20_000,
            recovered_ms: Some(10),
            watched_ms: 10,
            first_ms: first_ms.to_vec(),
        };
        assert_eq!(breaker.answers().first().map(|answer| answer.held), Some(expect));
    }

    #[test]
    fn a_call_that_never_came_has_no_time() {
        let breaker = Breaker {
            dependency: "npm".to_owned(),
            failing: Failing::Refused,
            usual: 200,
            until_open: None,
            open_ms: None,
            while_failing: 0,
            failing_ms: 8_000,
            recovered_ms: None,
            watched_ms: 75_100,
            first_ms: vec![75_100],
        };
        let answer = breaker.answers().remove(0);
        assert_eq!(answer.held, Held::No);
        assert!(answer.summary.en.contains("no call came within 75.1 s"), "{:?}", answer.summary);
    }

    #[test]
    fn what_cannot_be_counted_is_told_by_when_it_comes_back() {
        check(Failing::Unavailable, 3, &[], Held::Yes);
        check(Failing::Unavailable, 90, &[], Held::No);
        check(Failing::Silent, 90, &[], Held::No);
        check(Failing::Refused, 0, &[20, 40, 10], Held::No);
        check(Failing::Refused, 0, &[20, 1_400], Held::Yes);
    }
}
