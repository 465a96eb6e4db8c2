//! Whether the service got a processor when it had work.

use serde::{Deserialize, Serialize};

use super::{Answer, Held};
use crate::Message;

/// Whoever stands in line so many times as long as it runs shows how busy the machine is, not how it is made.
const IN_LINE: u64 = 5;

/// Less waiting than this changes nothing that is measured.
const LEAST_MS: u64 = 300;

/// Others take at least so many of a hundred parts of the processors: who crowds itself out is seen rightly.
const OTHERS_PERCENT: u64 = 30;

/// How the processors were shared during a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contention {
    /// All threads of the service together were on a processor for so long.
    pub ran_ms: u64,
    /// They were ready to run, and had to wait for a processor.
    pub waited_ms: u64,
    /// Of a hundred parts of all processors, what programs used that are neither gonogo nor the service.
    pub others_percent: u64,
}

impl Contention {
    /// The service was kept from its work by other programs: that it was late says nothing of it.
    pub fn hides(&self) -> bool {
        self.others_percent >= OTHERS_PERCENT
            && self.waited_ms >= LEAST_MS
            && self.waited_ms >= self.ran_ms.saturating_mul(IN_LINE)
    }

    /// What a trial can say that was made meanwhile: that something held in spite of it, and no more.
    pub(super) fn weigh(&self, answer: Answer) -> Answer {
        if answer.held != Held::No || !self.hides() {
            return answer;
        }
        let Self { ran_ms, waited_ms, others_percent } = self;
        let first = answer.misses.first().unwrap_or(&answer.summary);
        let why = Message::new(
            format!(
                "the machine was too busy to tell: other programs took {others_percent} % of the processors, and the service \
                 waited {waited_ms} ms for {ran_ms} ms of work (seen: {})",
                first.en
            ),
            format!(
                "机器过于繁忙，无法判断：其他程序占用了 {others_percent} % 的处理器，服务为 {ran_ms} 毫秒的工作等待了 \
                 {waited_ms} 毫秒（所见：{}）",
                first.zh
            ),
        );
        Answer::inconclusive(answer.check, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ran_ms: u64, waited_ms: u64, others_percent: u64, held: Held, expect: Held) {
        let contention = Contention { ran_ms, waited_ms, others_percent };
        let answer = Answer { check: "health.liveness", held, summary: Message::new("", ""), misses: Vec::new() };
        assert_eq!(contention.weigh(answer).held, expect);
    }

    #[test]
    fn an_alarm_counts_only_where_the_service_got_a_processor() {
        check(500, 4000, 90, Held::No, Held::Inconclusive);
        // A quiet machine, a busy one that does it no harm, and a service that takes all processors itself.
        check(500, 100, 5, Held::No, Held::No);
        check(500, 900, 90, Held::No, Held::No);
        check(500, 4000, 10, Held::No, Held::No);
        check(1, 20, 90, Held::No, Held::No);
    }

    #[test]
    fn what_held_in_spite_of_it_held() {
        check(500, 4000, 90, Held::Yes, Held::Yes);
        check(500, 4000, 90, Held::InPart, Held::InPart);
    }
}
