//! How long a user waits while a dependency hangs, or a worker, where no user does.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// The waits of users while dependencies hung, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    pub hangs: Vec<Hang>,
}

/// One dependency that hung, and the requests of one kind that need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hang {
    pub dependency: String,
    /// The request, by its name.
    pub request: String,
    /// The request is answered before the dependency is called: what waits is the call. Then `asked` and the others count
    /// calls, and one that the service gave up is in time.
    #[serde(default)]
    pub later: bool,
    /// It answered at once and then let its body trickle, instead of saying nothing.
    pub trickles: bool,
    /// How long an answer may take.
    pub bound_ms: u64,
    pub asked: u64,
    /// Those that were answered within the bound, with any status.
    pub in_time: u64,
    /// The longest wait; no longer than the time that was waited for it.
    pub wait_ms: u64,
    /// Calls reached the dependency while it hung.
    pub called: bool,
}

impl Timeouts {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.timeouts";
        let (called, unreached): (Vec<&Hang>, Vec<&Hang>) = self.hangs.iter().partition(|hang| hang.called);
        if called.is_empty() {
            let why = Message::new("no request reached a dependency that hung", "没有请求到达被挂起的依赖");
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let held = called.iter().filter(|hang| hang.in_time == hang.asked).count();
        let longest = time(called.iter().map(|hang| hang.wait_ms).max().unwrap_or_default());
        let of = called.len();
        let misses: Vec<Message> =
            called.iter().filter(|hang| hang.in_time < hang.asked).map(|hang| hang.miss()).collect();
        if let (true, Some(hang)) = (misses.is_empty(), unreached.first()) {
            let why = Message::new(
                format!(
                    "{} did not reach {} while it hung: a breaker or a cache stood before it",
                    hang.request, hang.dependency
                ),
                format!("{} 在 {} 挂起时未到达它：被熔断器或缓存拦截", hang.request, hang.dependency),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let summary = Message::new(
            format!("{held} of {of} waits for a dependency that hung ended in time; the longest took {longest}"),
            format!("依赖挂起时 {of} 种等待中有 {held} 种按时结束；最长 {longest}"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Hang {
    fn miss(&self) -> Message {
        let Self { dependency, request, .. } = self;
        let (bound, late) = (time(self.bound_ms), self.asked.saturating_sub(self.in_time));
        let (en, zh) =
            if self.trickles { ("lets its answer trickle", "缓慢返回响应") } else { ("is silent", "无响应") };
        if self.later {
            return Message::new(
                format!(
                    "a call that {request} causes is not given up after {bound}, {late} of {} times, while {dependency} {en}",
                    self.asked
                ),
                format!(
                    "{dependency} {zh}时，{request} 引发的调用在 {bound} 后仍未放弃（{} 次中 {late} 次）",
                    self.asked
                ),
            );
        }
        Message::new(
            format!("{request} has no answer after {bound}, {late} of {} times, while {dependency} {en}", self.asked),
            format!("{dependency} {zh}时，{request} 在 {bound} 后仍无响应（{} 次中 {late} 次）", self.asked),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn hang(in_time: u64, called: bool) -> Hang {
        Hang {
            dependency: "clay".to_owned(),
            request: "GET /".to_owned(),
            later: false,
            trickles: false,
            bound_ms: 3_000,
            asked: 3,
            in_time,
            wait_ms: 3_500,
            called,
        }
    }

    #[track_caller]
    fn check(hangs: &[Hang], expect: Held) {
        let timeouts = Timeouts { hangs: hangs.to_vec() };
        assert_eq!(timeouts.answers().first().map(|answer| answer.held), Some(expect));
    }

    #[test]
    fn a_request_that_never_reached_the_hang_says_nothing() {
        check(&[hang(3, true), hang(3, true)], Held::Yes);
        check(&[hang(3, true), hang(3, false)], Held::Inconclusive);
        check(&[hang(2, true), hang(3, false)], Held::No);
        check(&[hang(0, false)], Held::Inconclusive);
        check(&[], Held::Inconclusive);
    }
}
