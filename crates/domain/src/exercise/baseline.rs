//! How fast it is at the rate of every day, and whether it was faster before.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// Runs of the same build differ by several percent; a fifth is more than chance (field-notes B3.3b).
const TOLERATED_PERCENT: u64 = 120;

/// Nobody feels less than this.
const LEAST_US: u64 = 3_000;

/// A run at a constant rate, and the one before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Requests a second.
    pub rate: f64,
    pub length_ms: u64,
    pub figures: Figures,
    pub before: Option<Before>,
    pub limits: Limits,
}

/// What was measured. Times are in microseconds from when requests were due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub requests: u64,
    pub error_ratio: f64,
    pub p50: Quantile,
    pub p95: Quantile,
    pub p99: Quantile,
    /// The machine could not send in time: what was measured is not the service.
    pub late: bool,
}

/// A percentile with the interval in which it lies in 95 of a hundred runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantile {
    pub us: u64,
    pub low_us: u64,
    pub high_us: u64,
    /// So many requests were made that it says something.
    pub enough: bool,
}

/// The run that stood in the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// When it was made.
    pub at: String,
    pub revision: Option<String>,
    pub rate: f64,
    pub figures: Figures,
}

/// What `[service.NAME.run.limits]` allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub p95_ms: Option<u64>,
    pub p99_ms: Option<u64>,
    pub errors_percent: Option<f64>,
}

impl Limits {
    fn any(self) -> bool {
        self.p95_ms.is_some() || self.p99_ms.is_some() || self.errors_percent.is_some()
    }
}

impl Baseline {
    pub(super) fn answers(&self) -> Vec<Answer> {
        let now = &self.figures;
        if now.late {
            let why = Message::new(
                "requests could not be sent in time: the machine was too busy to measure",
                "请求未能按时发送：机器过忙，无法测量",
            );
            return ["performance.load-test", "performance.baseline"]
                .map(|check| Answer::inconclusive(check, why.clone()))
                .into();
        }
        vec![self.within_limits(), self.as_before()]
    }

    fn summary(&self) -> Message {
        let now = &self.figures;
        let p99 = if now.p99.enough { shown(now.p99.us) } else { "–".to_owned() };
        let (p50, p95, errors) = (shown(now.p50.us), shown(now.p95.us), now.error_ratio * 100.0);
        Message::new(
            format!(
                "{:.0}/s, {} requests: p50 {p50}, p95 {p95}, p99 {p99}, {errors:.2} % errors",
                self.rate, now.requests
            ),
            format!("{:.0}/s，{} 个请求：p50 {p50}，p95 {p95}，p99 {p99}，错误 {errors:.2}%", self.rate, now.requests),
        )
    }

    fn over_limits(&self) -> Vec<Message> {
        let (now, limits) = (&self.figures, self.limits);
        let mut misses = Vec::new();
        for (name, quantile, limit) in [("p95", now.p95, limits.p95_ms), ("p99", now.p99, limits.p99_ms)] {
            if let Some(limit) = limit.filter(|limit| quantile.us > limit * 1000) {
                let (is, limit) = (shown(quantile.us), time(limit));
                misses.push(Message::new(
                    format!("{name} is {is}, and {limit} is the limit"),
                    format!("{name} 为 {is}，上限为 {limit}"),
                ));
            }
        }
        let errors = now.error_ratio * 100.0;
        if let Some(limit) = limits.errors_percent.filter(|limit| errors > *limit) {
            misses.push(Message::new(
                format!("{errors:.2} % of the requests failed, and {limit} % is the limit"),
                format!("{errors:.2}% 的请求失败，上限为 {limit}%"),
            ));
        }
        misses
    }

    fn within_limits(&self) -> Answer {
        const CHECK: &str = "performance.load-test";
        if !self.limits.any() {
            let Message { en, zh } = self.summary();
            let why = Message::new(
                format!("{en}; no limits are written: [service.NAME.run.limits] p95, p99, errors"),
                format!("{zh}；未写明上限：[service.NAME.run.limits] p95、p99、errors"),
            );
            return Answer::inconclusive(CHECK, why);
        }
        Answer::of(CHECK, self.summary(), self.over_limits())
    }

    fn as_before(&self) -> Answer {
        const CHECK: &str = "performance.baseline";
        let Message { en, zh } = self.summary();
        let Some(before) = self.before.as_ref().filter(|before| (before.rate - self.rate).abs() < 0.01) else {
            let has_limits = self.limits.p95_ms.is_some() || self.limits.p99_ms.is_some();
            if has_limits {
                return Answer::of(CHECK, self.summary(), self.over_limits());
            }
            let why = Message::new(
                format!("{en}; it is the first run at this rate, and the next one is compared with it"),
                format!("{zh}；这是该速率下的首次运行，供下次比较"),
            );
            return Answer::inconclusive(CHECK, why);
        };
        let (now, then) = (&self.figures, &before.figures);
        let mut misses = Vec::new();
        for (name, now, then) in [("p95", now.p95, then.p95), ("p99", now.p99, then.p99)] {
            let more = now.us > (then.us * TOLERATED_PERCENT / 100).max(then.us + LEAST_US);
            // What both runs may be by chance does not overlap.
            if now.enough && then.enough && more && now.low_us > then.high_us {
                let (was, is) = (shown(then.us), shown(now.us));
                misses.push(Message::new(
                    format!("{name} rose from {was} ({}) to {is}", before.at),
                    format!("{name} 从 {was}（{}）升至 {is}", before.at),
                ));
            }
        }
        if now.error_ratio > then.error_ratio + 0.01 {
            let (was, is) = (then.error_ratio * 100.0, now.error_ratio * 100.0);
            misses.push(Message::new(
                format!("errors rose from {was:.2} % ({}) to {is:.2} %", before.at),
                format!("错误率从 {was:.2}%（{}）升至 {is:.2}%", before.at),
            ));
        }
        let (p95, at) = (shown(then.p95.us), &before.at);
        let summary = Message::new(
            format!("{en}; p95 was {p95} at the run before ({at})"),
            format!("{zh}；上一次（{at}）p95 为 {p95}"),
        );
        Answer::of(CHECK, summary, misses)
    }
}

fn shown(us: u64) -> String {
    if us >= 10_000 {
        return time(us / 1000);
    }
    #[expect(clippy::cast_precision_loss, reason = "a few milliseconds")]
    let milliseconds = us as f64 / 1e3;
    format!("{milliseconds:.1} ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn figures(p95: u64, errors: f64) -> Figures {
        let of = |us: u64| Quantile { us, low_us: us * 9 / 10, high_us: us * 11 / 10, enough: true };
        Figures { requests: 1000, error_ratio: errors, p50: of(p95 / 3), p95: of(p95), p99: of(p95 * 2), late: false }
    }

    #[track_caller]
    fn check(now: Figures, before: Option<Figures>, limits: Limits, load_test: Held, baseline: Held) {
        let before = before.map(|figures| Before { at: "2026-11-01".to_owned(), revision: None, rate: 20.0, figures });
        let baseline_of = Baseline { rate: 20.0, length_ms: 50_000, figures: now, before, limits };
        let held: Vec<Held> = baseline_of.answers().iter().map(|one| one.held).collect();
        assert_eq!(held, [load_test, baseline], "{:?}", baseline_of.answers());
    }

    const NONE: Limits = Limits { p95_ms: None, p99_ms: None, errors_percent: None };

    #[test]
    fn a_run_without_limits_and_without_a_past_is_kept_for_the_next() {
        check(figures(20_000, 0.0), None, NONE, Held::Inconclusive, Held::Inconclusive);
    }

    #[test]
    fn limits_are_kept_or_not() {
        let limits = Limits { p95_ms: Some(50), p99_ms: Some(100), errors_percent: Some(1.0) };
        check(figures(20_000, 0.0), None, limits, Held::Yes, Held::Yes);
        check(figures(60_000, 0.0), None, limits, Held::No, Held::No);
        check(figures(20_000, 0.02), None, limits, Held::No, Held::No);
    }

    #[test]
    fn a_run_is_compared_with_the_one_before_beyond_tolerance_and_chance() {
        check(figures(20_000, 0.0), Some(figures(19_000, 0.0)), NONE, Held::Inconclusive, Held::Yes);
        check(figures(23_000, 0.0), Some(figures(20_000, 0.0)), NONE, Held::Inconclusive, Held::Yes);
        check(figures(30_000, 0.0), Some(figures(20_000, 0.0)), NONE, Held::Inconclusive, Held::No);
        check(figures(20_000, 0.05), Some(figures(20_000, 0.0)), NONE, Held::Inconclusive, Held::No);
        // Two milliseconds more are no regression, however many times that is.
        check(figures(2_400, 0.0), Some(figures(1_000, 0.0)), NONE, Held::Inconclusive, Held::Yes);
    }

    #[test]
    fn wide_intervals_and_a_busy_machine_prove_nothing() {
        let mut wide = figures(30_000, 0.0);
        wide.p95.low_us = 10_000;
        wide.p99.enough = false;
        check(wide, Some(figures(20_000, 0.0)), NONE, Held::Inconclusive, Held::Yes);
        let late = Figures { late: true, ..figures(30_000, 0.0) };
        check(late, Some(figures(20_000, 0.0)), NONE, Held::Inconclusive, Held::Inconclusive);
    }
}
