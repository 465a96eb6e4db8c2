//! What happens when twice as much is asked as can be done.

use serde::{Deserialize, Serialize};

use super::{Answer, Capacity, answer::time};
use crate::Message;

/// So many of a thousand requests may find a broken connection.
const BROKEN_PERMILLE: u64 = 1;

/// What memory may grow by in the second half of an overload: caches and heaps settle.
const GROWTH_BYTES: u64 = 64 << 20;

/// A load of twice the capacity for a while, and a load below it before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overload {
    pub capacity: Capacity,
    /// The capacity that was found while all requests came from one client, where many are let do more.
    pub one_client: Option<f64>,
    /// Requests a second that were sent.
    pub rate: f64,
    pub length_ms: u64,
    pub sent: u64,
    /// Those that were due and not sent: too many waited for answers.
    pub dropped: u64,
    /// Answered below 400.
    pub accepted: u64,
    pub accepted_p99_us: u64,
    /// What it may be.
    pub bound_us: u64,
    /// Answered 429 or 503.
    pub refused: u64,
    pub refused_p99_us: u64,
    /// Connections that broke, or that nobody took.
    pub broken: u64,
    /// No answer within the time that users wait.
    pub unanswered: u64,
    /// Other answers from 500 on.
    pub failed: u64,
    /// Good answers a second at a load below capacity before.
    pub before: f64,
    /// When they were as many again after it; none: they never were.
    pub recovered_ms: Option<u64>,
    pub watched_ms: u64,
    /// Bytes of memory: before, in the middle, and at the end.
    pub memory: Option<[u64; 3]>,
}

impl Overload {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.backpressure";
        if let Some(doubt) = self.capacity.doubt() {
            return vec![Answer::inconclusive(CHECK, doubt)];
        }
        let (accepted, bound) = (micros(self.accepted_p99_us), micros(self.bound_us));
        let rate = self.capacity.rate.unwrap_or_default();
        let mut misses = Vec::new();
        if self.accepted_p99_us > self.bound_us {
            misses.push(Message::new(
                format!("99 of a hundred accepted requests waited up to {accepted}, and {bound} is the bound"),
                format!("被接受请求的 p99 为 {accepted}，上限为 {bound}"),
            ));
        }
        if self.refused > 0 && self.refused_p99_us > self.bound_us {
            let late = micros(self.refused_p99_us);
            misses.push(Message::new(
                format!("what it refuses waits up to {late} for that"),
                format!("被拒绝的请求等待了 {late} 才得到答复"),
            ));
        }
        if self.broken * 1000 > self.sent * BROKEN_PERMILLE {
            misses.push(Message::new(
                format!("{} of {} requests found a broken or refused connection", self.broken, self.sent),
                format!("{} 个请求中有 {} 个连接被中断或拒绝", self.sent, self.broken),
            ));
        }
        let lost = self.unanswered + self.dropped;
        if lost * 100 > self.sent + self.dropped {
            misses.push(Message::new(
                format!("{lost} of {} requests had no answer at all", self.sent + self.dropped),
                format!("{} 个请求中有 {lost} 个始终没有响应", self.sent + self.dropped),
            ));
        }
        if self.failed * 100 > self.sent {
            misses.push(Message::new(
                format!("{} of {} requests failed with another answer than 429 or 503", self.failed, self.sent),
                format!("{} 个请求中有 {} 个以 429、503 以外的错误失败", self.sent, self.failed),
            ));
        }
        if self.recovered_ms.is_none() {
            let watched = time(self.watched_ms);
            misses.push(Message::new(
                format!("{watched} after it, it still answered fewer than the {:.0}/s of before", self.before),
                format!("过载结束 {watched} 后仍未恢复到之前的 {:.0}/s", self.before),
            ));
        }
        if let Some([before, middle, end]) = self.memory
            && end > before.max(middle) + (before.max(middle) / 4).max(GROWTH_BYTES)
        {
            let mega = |bytes: u64| bytes >> 20;
            misses.push(Message::new(
                format!(
                    "memory keeps growing: {} MB before, {} MB in the middle, {} MB at the end",
                    mega(before),
                    mega(middle),
                    mega(end)
                ),
                format!("内存持续增长：之前 {} MB，中途 {} MB，结束时 {} MB", mega(before), mega(middle), mega(end)),
            ));
        }
        if misses.is_empty() && self.refused == 0 {
            let why = Message::new(
                format!(
                    "it carried {:.0}/s, twice of what was found to be its capacity: nothing had to be refused",
                    self.rate
                ),
                format!("承受住了 {:.0}/s（所测容量的两倍），没有请求被拒绝", self.rate),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let (en, zh) = match self.one_client {
            Some(one) => (
                format!("; one client alone is held to {one:.0}/s by its rate limiter"),
                format!("；单个客户端被限流在 {one:.0}/s"),
            ),
            None => (String::new(), String::new()),
        };
        let back = self.recovered_ms.map_or_else(|| "–".to_owned(), time);
        let summary = Message::new(
            format!(
                "capacity is {rate:.0}/s; at {:.0}/s {} of {} were accepted (p99 {accepted}, bound {bound}) and {} refused; as before after {back}{en}",
                self.rate, self.accepted, self.sent, self.refused
            ),
            format!(
                "容量为 {rate:.0}/s；在 {:.0}/s 下 {} 个请求中接受 {} 个（p99 {accepted}，上限 {bound}），拒绝 {} 个；{back} 后恢复{zh}",
                self.rate, self.sent, self.accepted, self.refused
            ),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

fn micros(time_us: u64) -> String {
    time(time_us.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::{Held, Limit};

    fn good() -> Overload {
        let capacity = Capacity {
            rate: Some(400.0),
            p99_us: 60_000,
            bound_ms: 150,
            limit: Limit::Service,
            clients: 1,
            steps: Vec::new(),
        };
        Overload {
            capacity,
            one_client: None,
            rate: 800.0,
            length_ms: 10_000,
            sent: 8000,
            dropped: 0,
            accepted: 4000,
            accepted_p99_us: 90_000,
            bound_us: 500_000,
            refused: 4000,
            refused_p99_us: 4_000,
            broken: 0,
            unanswered: 0,
            failed: 0,
            before: 200.0,
            recovered_ms: Some(1000),
            watched_ms: 10_000,
            memory: Some([50 << 20, 80 << 20, 90 << 20]),
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Overload), held: Held, misses: usize) {
        let mut overload = good();
        change(&mut overload);
        let answers = overload.answers();
        assert_eq!((answers[0].held, answers[0].misses.len()), (held, misses), "{answers:?}");
    }

    #[test]
    fn shedding_fast_holds() {
        check(|_| (), Held::Yes, 0);
        check(|one| one.broken = 8, Held::Yes, 0);
        check(|one| one.memory = None, Held::Yes, 0);
        // A heap that was collected in between is where it was.
        check(|one| one.memory = Some([417 << 20, 323 << 20, 413 << 20]), Held::Yes, 0);
    }

    #[test]
    fn queues_resets_late_refusals_and_growth_do_not() {
        check(|one| one.accepted_p99_us = 4_000_000, Held::No, 1);
        check(|one| one.broken = 9, Held::No, 1);
        check(|one| one.refused_p99_us = 2_000_000, Held::No, 1);
        check(|one| one.unanswered = 3000, Held::No, 1);
        check(|one| one.failed = 4000, Held::No, 1);
        check(|one| one.recovered_ms = None, Held::No, 1);
        check(|one| one.memory = Some([50 << 20, 200 << 20, 400 << 20]), Held::No, 1);
    }

    #[test]
    fn what_is_no_overload_says_nothing() {
        check(|one| one.refused = 0, Held::Inconclusive, 0);
        for limit in [Limit::Limiter, Limit::Generator, Limit::Most, Limit::Time] {
            check(|one| one.capacity.limit = limit, Held::Inconclusive, 0);
        }
        check(|one| one.capacity.rate = None, Held::Inconclusive, 0);
    }
}
