//! What is left of accepted work when the process is killed.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Fewer accepted requests than this say nothing.
const ENOUGH: u64 = 20;

/// The process was killed in the middle of requests that create something, and started again, a few times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durability {
    pub kills: Vec<Kill>,
    /// How what was accepted is found: a request, or the name of a dependency.
    pub found_by: String,
}

/// One kill (signal 9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    pub sent: u64,
    /// Answered below 300 before the process was gone.
    pub accepted: u64,
    /// Of these, found after the restart.
    pub found: u64,
    /// Some that were not found.
    pub lost: Vec<String>,
    /// The time that was given to each to be found.
    pub watched_ms: u64,
}

impl Durability {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.degradation";
        let sum = |which: fn(&Kill) -> u64| self.kills.iter().map(which).sum::<u64>();
        let (accepted, found, kills) = (sum(|one| one.accepted), sum(|one| one.found), self.kills.len());
        let by = &self.found_by;
        if accepted < ENOUGH {
            let why = Message::new(
                format!("{accepted} requests were accepted before the process was killed: too few to say"),
                format!("进程被杀死前仅接受了 {accepted} 个请求：不足以下结论"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let summary = Message::new(
            format!(
                "{found} of {accepted} accepted requests were found again ({by}) after {kills} kills in the middle of traffic"
            ),
            format!("流量中 {kills} 次强制杀死进程后，{accepted} 个已接受的请求中找回 {found} 个（{by}）"),
        );
        let lost = accepted.saturating_sub(found);
        if lost == 0 {
            // Nothing is lost; whether answers are reduced and marked is another half of the title.
            return vec![Answer::in_part(CHECK, summary, Vec::new())];
        }
        let some: Vec<&str> = self.kills.iter().flat_map(|one| &one.lost).take(3).map(String::as_str).collect();
        let some = some.join(", ");
        let miss = Message::new(
            format!(
                "{lost} of {accepted} requests that were accepted are lost when the process is killed, for example {some}"
            ),
            format!("进程被杀死后，{accepted} 个已接受的请求中有 {lost} 个丢失，例如 {some}"),
        );
        vec![Answer::of(CHECK, summary, vec![miss])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(kills: &[(u64, u64)], held: Held) {
        let kill = |(accepted, found): &(u64, u64)| Kill {
            sent: accepted + 3,
            accepted: *accepted,
            found: *found,
            lost: vec!["g1-7".to_owned()],
            watched_ms: 5000,
        };
        let durability =
            Durability { kills: kills.iter().map(kill).collect(), found_by: "GET /orders/{key}".to_owned() };
        let answers = durability.answers();
        assert_eq!((answers[0].held, answers[0].misses.len()), (held, usize::from(held == Held::No)));
    }

    #[test]
    fn one_lost_request_of_many_is_one_too_many() {
        check(&[(100, 100), (120, 120)], Held::InPart);
        check(&[(100, 100), (120, 119)], Held::No);
        check(&[(5, 5), (4, 1)], Held::Inconclusive);
    }
}
