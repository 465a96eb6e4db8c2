//! Whether a limit moves when what is behind it becomes slow.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// With so many calls under way and nobody refused, there is no limit that counts.
const MANY: u32 = 150;

/// A limit that moved is at most so many of a hundred of what it was.
const MOVED_PERCENT: u32 = 70;

/// A dependency became slow under steady load, stayed so, and became fast again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adaptive {
    pub dependency: String,
    /// Requests a second.
    pub rate: f64,
    /// Answered 429 or 503 before anything was slow; with any, nothing was made slow.
    #[serde(default)]
    pub refused_before: u64,
    /// How much later its answers came.
    pub slowed_ms: u64,
    /// Most calls under way at the dependency soon after it became slow.
    pub first: u32,
    /// Most calls under way in the last seconds of it.
    pub last: u32,
    /// Answered 429 or 503 while it was slow, and sent.
    pub refused: u64,
    pub sent: u64,
    /// Other errors while it was slow.
    pub failed: u64,
    /// Those that waited in vain while it was slow.
    pub unanswered: u64,
    /// When users were answered as before again; none: they never were.
    pub back_ms: Option<u64>,
    pub watched_ms: u64,
}

impl Adaptive {
    /// Users were refused before the dependency was made slow.
    pub fn held_back(dependency: String, rate: f64, refused_before: u64) -> Self {
        Self {
            dependency,
            rate,
            refused_before,
            slowed_ms: 0,
            first: 0,
            last: 0,
            refused: 0,
            sent: 0,
            failed: 0,
            unanswered: 0,
            back_ms: None,
            watched_ms: 0,
        }
    }

    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.adaptive-limits";
        let Self { dependency, first, last, refused, .. } = self;
        let slowed = time(self.slowed_ms);
        if self.refused_before > 0 {
            let why = Message::new(
                format!(
                    "{} requests were refused before {dependency} was slow, at {:.0}/s: another limit holds users back",
                    self.refused_before, self.rate
                ),
                format!(
                    "{dependency} 变慢之前，在 {:.0}/s 下已有 {} 个请求被拒绝：另有限制",
                    self.rate, self.refused_before
                ),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        if self.failed * 10 > self.sent {
            let why = Message::new(
                format!(
                    "{} of {} requests failed while {dependency} was {slowed} slower: that is past a limit",
                    self.failed, self.sent
                ),
                format!(
                    "{dependency} 变慢 {slowed} 期间 {} 个请求中有 {} 个失败，无法观察限制",
                    self.sent, self.failed
                ),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let nobody = *refused * 100 < self.sent;
        if nobody && *first < MANY && self.unanswered * 10 < self.sent {
            let why = Message::new(
                format!(
                    "nobody was refused with {first} calls to {dependency} under way: a limit, if there is one, was not reached"
                ),
                format!("{dependency} 有 {first} 个调用进行中时无人被拒：未触及任何限制"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let mut misses = Vec::new();
        if nobody {
            let waited = self.unanswered;
            misses.push(Message::new(
                format!("{first} calls to {dependency} were under way when it became slow; nobody was refused, and {waited} of {} requests waited in vain", self.sent),
                format!("{dependency} 变慢时有 {first} 个调用进行中；无人被拒，{} 个请求中有 {waited} 个空等", self.sent),
            ));
        } else if last * 100 > first * MOVED_PERCENT {
            misses.push(Message::new(
                format!("the limit stayed where it was: {first} calls under way at first and {last} at last, while {dependency} was {slowed} slower"),
                format!("限制未变：{dependency} 变慢 {slowed} 后，起初 {first} 个、最后 {last} 个调用进行中"),
            ));
        } else if self.back_ms.is_none() {
            let watched = time(self.watched_ms);
            misses.push(Message::new(
                format!("{watched} after {dependency} was fast again, users were still refused"),
                format!("{dependency} 恢复 {watched} 后用户仍被拒绝"),
            ));
        }
        let back = self.back_ms.map_or_else(|| "–".to_owned(), time);
        let summary = Message::new(
            format!(
                "calls under way at {dependency} went from {first} to {last} while it was {slowed} slower, {refused} of {} requests were refused; as before after {back}",
                self.sent
            ),
            format!(
                "{dependency} 变慢 {slowed} 期间，进行中的调用从 {first} 变为 {last}，{} 个请求中拒绝 {refused} 个；{back} 后恢复",
                self.sent
            ),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(first: u32, last: u32, refused: u64, failed: u64, back_ms: Option<u64>, held: Held) {
        let adaptive = Adaptive {
            dependency: "clay".to_owned(),
            rate: 200.0,
            refused_before: 0,
            slowed_ms: 600,
            first,
            last,
            refused,
            sent: 3000,
            failed,
            unanswered: if first == 30 { 1000 } else { 0 },
            back_ms,
            watched_ms: 15_000,
        };
        let answers = adaptive.answers();
        assert_eq!(answers[0].held, held, "{answers:?}");
    }

    #[test]
    fn a_limit_that_goes_down_and_comes_back_holds() {
        check(60, 20, 1500, 0, Some(2000), Held::Yes);
    }

    #[test]
    fn a_fixed_limit_none_and_one_that_stays_down_do_not() {
        check(40, 40, 1500, 0, Some(2000), Held::No);
        check(200, 200, 0, 0, Some(2000), Held::No);
        // A pool of thirty that all others queue for.
        check(30, 30, 0, 0, Some(2000), Held::No);
        check(60, 20, 1500, 0, None, Held::No);
    }

    #[test]
    fn whoever_is_refused_before_says_nothing_of_the_limit() {
        let answers = Adaptive::held_back("clay".to_owned(), 300.0, 17).answers();
        assert_eq!(answers[0].held, Held::Inconclusive);
    }

    #[test]
    fn what_never_reached_a_limit_or_failed_otherwise_says_nothing() {
        check(60, 60, 0, 0, Some(2000), Held::Inconclusive);
        check(60, 2, 500, 2000, Some(2000), Held::Inconclusive);
    }
}
