//! Who waits when one dependency hangs and is not needed.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// What waits may grow by, for what is not needed: the machine is shared.
const FACTOR: u64 = 3;
const SLACK_MS: u64 = 250;

/// Fewer requests than this say nothing of their slowest.
const ENOUGH: u64 = 40;

/// Dependencies that hung, one after the other, under traffic of all kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulkhead {
    pub apart: Vec<Apart>,
}

/// A kind of request that does not need a dependency, before and while it hung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    pub dependency: String,
    /// The request, by its name.
    pub request: String,
    pub before: Waits,
    pub during: Waits,
    /// Requests that waited for the dependency at the same time, at most.
    pub waiting: u64,
}

/// How requests of a kind were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    pub sent: u64,
    pub good: u64,
    pub p95_ms: u64,
    pub p99_ms: u64,
}

impl Waits {
    /// Of waits in milliseconds, none for a request that was not answered well.
    pub fn of(waits: &[(bool, u64)]) -> Self {
        let mut all: Vec<u64> = waits.iter().map(|(_, wait)| *wait).collect();
        all.sort_unstable();
        let at = |percent: usize| {
            let place = (all.len() * percent).div_ceil(100).saturating_sub(1);
            all.get(place).copied().unwrap_or_default()
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let good = waits.iter().filter(|(good, _)| *good).count();
        Self { sent: count(all.len()), good: count(good), p95_ms: at(95), p99_ms: at(99) }
    }

    /// The percentile that so many requests tell, and its name.
    fn slow(self, with: Self) -> (u64, &'static str) {
        if self.sent.min(with.sent) >= 1000 { (self.p99_ms, "p99") } else { (self.p95_ms, "p95") }
    }

    fn bad_percent(self) -> u64 {
        (self.sent - self.good.min(self.sent)) * 100 / self.sent.max(1)
    }
}

impl Bulkhead {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.bulkhead";
        let told: Vec<&Apart> = self
            .apart
            .iter()
            .filter(|one| one.before.sent >= ENOUGH && one.during.sent >= ENOUGH && one.before.bad_percent() <= 1)
            .collect();
        if told.is_empty() {
            let why = Message::new(
                "requests that need no dependency were too few, or failed before anything hung",
                "无需该依赖的请求过少，或在故障之前就已失败",
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let misses: Vec<Message> = told.iter().filter_map(|one| one.miss()).collect();
        let worst = told.iter().max_by_key(|one| one.during.slow(one.before).0);
        let (en, zh) = worst.map_or_else(
            || (String::new(), String::new()),
            |one| {
                let ((before, name), (during, _)) = (one.before.slow(one.during), one.during.slow(one.before));
                let (before, during) = (time(before), time(during));
                (
                    format!(
                        "; the slowest was {} ({name} {before}, then {during}, with up to {} requests under way)",
                        one.request, one.waiting
                    ),
                    format!(
                        "；最慢的是 {}（{name} 由 {before} 变为 {during}，同时处理中的请求最多 {} 个）",
                        one.request, one.waiting
                    ),
                )
            },
        );
        let (held, of) = (told.len() - misses.len().min(told.len()), told.len());
        let summary = Message::new(
            format!(
                "{held} of {of} kinds of requests went on as before while a dependency hung that they do not need{en}"
            ),
            format!("无关依赖挂起时，{of} 种请求中有 {held} 种不受影响{zh}"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Apart {
    fn miss(&self) -> Option<Message> {
        let Self { dependency, request, before, during, .. } = self;
        let bad = during.bad_percent();
        if bad > before.bad_percent() + 1 {
            let failed = during.sent - during.good.min(during.sent);
            return Some(Message::new(
                format!("{request} does not need {dependency}, and {failed} of {} failed while it hung", during.sent),
                format!("{request} 不需要 {dependency}，但其挂起时 {} 个请求中有 {failed} 个失败", during.sent),
            ));
        }
        let ((was, name), (is, _)) = (before.slow(*during), during.slow(*before));
        (is > was * FACTOR + SLACK_MS).then(|| {
            let (was, is) = (time(was), time(is));
            Message::new(
                format!("{request} does not need {dependency}, and its {name} rose from {was} to {is} while it hung"),
                format!("{request} 不需要 {dependency}，但其挂起时 {name} 从 {was} 升至 {is}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn waits(sent: u64, good: u64, p95_ms: u64, p99_ms: u64) -> Waits {
        Waits { sent, good, p95_ms, p99_ms }
    }

    #[track_caller]
    fn check(before: Waits, during: Waits, held: Held) {
        let apart = Apart { dependency: "db".to_owned(), request: "GET /".to_owned(), before, during, waiting: 100 };
        let answers = Bulkhead { apart: vec![apart] }.answers();
        assert_eq!(answers[0].held, held, "{answers:?}");
    }

    #[test]
    fn what_goes_on_as_before_holds() {
        check(waits(200, 200, 5, 9), waits(400, 400, 6, 900), Held::Yes);
        check(waits(1000, 1000, 5, 9), waits(2000, 1990, 6, 200), Held::Yes);
        check(waits(200, 200, 5, 9), waits(200, 200, 264, 300), Held::Yes);
    }

    #[test]
    fn waits_and_failures_do_not() {
        check(waits(200, 200, 5, 9), waits(400, 400, 266, 300), Held::No);
        check(waits(1000, 1000, 5, 9), waits(2000, 2000, 6, 900), Held::No);
        check(waits(200, 200, 5, 9), waits(400, 380, 6, 9), Held::No);
    }

    #[test]
    fn few_requests_or_a_bad_start_say_nothing() {
        check(waits(20, 20, 5, 9), waits(400, 400, 900, 900), Held::Inconclusive);
        check(waits(200, 100, 5, 9), waits(400, 100, 900, 900), Held::Inconclusive);
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let all: Vec<(bool, u64)> = (1..=100).map(|wait| (wait != 7, wait)).collect();
        assert_eq!(Waits::of(&all), waits(100, 99, 95, 99));
        assert_eq!(Waits::of(&[]), Waits::default());
    }
}
