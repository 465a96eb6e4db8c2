//! Who is held back when one client asks too much.

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// Fewer requests than this are no burst.
const BURST: u64 = 100;

/// Bursts of one client, one kind of request after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    pub bursts: Vec<Burst>,
}

/// As many requests of one kind as one client gets through in a few seconds, until it is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// The request, by its name.
    pub request: String,
    pub sent: u64,
    pub took_ms: u64,
    /// Answered before the first refusal.
    pub admitted: u64,
    /// Answered 429.
    pub limited: u64,
    /// Answered 503.
    pub shed: u64,
    /// `Retry-After` of the first 429.
    pub retry_after: Option<String>,
    /// Names of headers that tell the limit, of any answer.
    pub told: Vec<String>,
    /// What was asked while the client was refused.
    pub probes: Vec<Probe>,
    /// Whether the client was admitted after its wait, and how long that was; none: not waited for.
    pub again: Option<(bool, u64)>,
}

/// A few requests while one client is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub who: Who,
    pub asked: u64,
    pub admitted: u64,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The client itself, to see that it is still refused.
    Same,
    /// Another client in every respect.
    Other,
    /// The client, at a path that says how the service is.
    Probe(String),
    /// The client, with made-up addresses in front of its own in `X-Forwarded-For`, as anybody can send them.
    ForgedAddress,
    /// The client, with a made-up value of the header that names clients.
    ForgedName(String),
}

impl RateLimit {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.rate-limit";
        let counted: Vec<&Burst> = self.bursts.iter().filter(|one| one.limited > 0 || one.sent >= BURST).collect();
        if counted.is_empty() {
            let most = self.bursts.iter().map(|one| one.sent).max().unwrap_or_default();
            let why = Message::new(
                format!("one client got {most} requests through in its time: no burst that a limiter would mind"),
                format!("单个客户端在限定时间内仅完成 {most} 个请求，不足以触发限流"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let limited = counted.iter().filter(|one| one.limited > 0).count();
        let mut misses: Vec<Message> = Vec::new();
        for miss in counted.iter().flat_map(|one| one.misses()) {
            // A probe is refused the same at each kind.
            if !misses.contains(&miss) {
                misses.push(miss);
            }
        }
        let first = counted.iter().filter(|one| one.limited > 0).map(|one| one.admitted).min();
        let (en, zh) = first.map_or_else(
            || (String::new(), String::new()),
            |first| (format!(", the first after {first} requests"), format!("，最早在 {first} 个请求之后")),
        );
        let of = counted.len();
        let summary = Message::new(
            format!("a burst of one client was answered 429 at {limited} of {of} kinds of requests{en}"),
            format!("{of} 种请求中有 {limited} 种对单客户端突发返回 429{zh}"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Burst {
    fn misses(&self) -> Vec<Message> {
        let Self { request, sent, .. } = self;
        if self.limited == 0 {
            let took = time(self.took_ms);
            let (en, zh) = if self.shed > 0 {
                (format!("; {} were answered 503", self.shed), format!("；其中 {} 个返回 503", self.shed))
            } else {
                (String::new(), String::new())
            };
            return vec![Message::new(
                format!("{request}: none of {sent} requests of one client within {took} was answered 429{en}"),
                format!("{request}：单个客户端在 {took} 内的 {sent} 个请求均未返回 429{zh}"),
            )];
        }
        let mut misses = Vec::new();
        match self.retry_after.as_deref() {
            None => misses.push(Message::new(
                format!("{request}: 429 comes without Retry-After"),
                format!("{request}：429 没有 Retry-After"),
            )),
            Some(value) if value.trim().parse::<u64>().is_err() => misses.push(Message::new(
                format!("{request}: `Retry-After: {value}` is not in seconds"),
                format!("{request}：`Retry-After: {value}` 不是秒数"),
            )),
            Some(_) => (),
        }
        if self.told.is_empty() {
            misses.push(Message::new(
                format!("{request}: no RateLimit header tells the limit"),
                format!("{request}：没有说明限额的 RateLimit 响应头"),
            ));
        }
        // A budget that grows again, or a window that ended, lets the client in as it is.
        let held_back = self.probes.iter().any(|one| one.who == Who::Same && one.admitted * 2 <= one.asked);
        let forges = |one: &Probe| held_back && one.asked > 0 && one.admitted * 10 >= one.asked * 9;
        for probe in &self.probes {
            let Probe { asked, admitted, .. } = probe;
            let refused = asked.saturating_sub(*admitted);
            match &probe.who {
                Who::Other if *admitted < *asked => misses.push(Message::new(
                    format!("{request}: {refused} of {asked} requests of another client were refused as well"),
                    format!("{request}：另一客户端的 {asked} 个请求中也有 {refused} 个被拒绝"),
                )),
                Who::Probe(path) if *admitted < *asked => misses.push(Message::new(
                    format!("{path} was refused {refused} of {asked} times"),
                    format!("{path} 的 {asked} 次请求中有 {refused} 次被拒绝"),
                )),
                Who::ForgedAddress if forges(probe) => misses.push(Message::new(
                    format!("{request}: a made-up address in X-Forwarded-For gives a new budget ({admitted} of {asked} were let in)"),
                    format!("{request}：伪造 X-Forwarded-For 地址即可获得新配额（{asked} 次中放行 {admitted} 次）"),
                )),
                Who::ForgedName(header) if forges(probe) => misses.push(Message::new(
                    format!("{request}: a made-up {header} gives a new budget ({admitted} of {asked} were let in)"),
                    format!("{request}：伪造的 {header} 即可获得新配额（{asked} 次中放行 {admitted} 次）"),
                )),
                _ => (),
            }
        }
        if let Some((false, waited)) = self.again {
            let waited = time(waited);
            misses.push(Message::new(
                format!("{request}: the client is still refused {waited} later, after the wait that it was told"),
                format!("{request}：按提示等待 {waited} 后客户端仍被拒绝"),
            ));
        }
        misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn probe(who: Who, admitted: u64) -> Probe {
        Probe { who, asked: 5, admitted }
    }

    fn good() -> Burst {
        Burst {
            request: "GET /data".to_owned(),
            sent: 112,
            took_ms: 400,
            admitted: 100,
            limited: 12,
            shed: 0,
            retry_after: Some("3".to_owned()),
            told: vec!["ratelimit-limit".to_owned()],
            probes: vec![
                probe(Who::Same, 0),
                probe(Who::Other, 5),
                probe(Who::Probe("/health".to_owned()), 5),
                probe(Who::ForgedAddress, 0),
            ],
            again: Some((true, 4000)),
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Burst), held: Held, part: &str) {
        let mut burst = good();
        change(&mut burst);
        let answers = RateLimit { bursts: vec![burst] }.answers();
        assert_eq!(answers[0].held, held, "{answers:?}");
        let said = answers[0].misses.iter().any(|miss| miss.en.contains(part));
        assert_eq!(said, !part.is_empty(), "{answers:?}");
    }

    #[test]
    fn a_limiter_that_holds_back_the_one_and_not_the_other_holds() {
        check(|_| (), Held::Yes, "");
        check(|one| one.again = None, Held::Yes, "");
    }

    #[test]
    fn what_is_missing_is_said() {
        check(|one| (one.limited, one.sent) = (0, 1200), Held::No, "none of 1200");
        check(|one| one.retry_after = None, Held::No, "without Retry-After");
        check(|one| one.retry_after = Some("Sun, 22 Nov 2026 12:00:00 GMT".to_owned()), Held::No, "not in seconds");
        check(|one| one.told.clear(), Held::No, "no RateLimit header");
        check(|one| one.probes[1].admitted = 0, Held::No, "another client");
        check(|one| one.probes[2].admitted = 4, Held::No, "/health was refused 1 of 5");
        check(|one| one.probes[3].admitted = 5, Held::No, "made-up address");
        check(|one| one.probes.push(probe(Who::ForgedName("x-api-key".to_owned()), 5)), Held::No, "made-up x-api-key");
        check(|one| one.again = Some((false, 4000)), Held::No, "still refused");
    }

    #[test]
    fn a_window_that_ended_meanwhile_proves_no_forgery() {
        check(|one| (one.probes[0].admitted, one.probes[3].admitted) = (5, 5), Held::Yes, "");
    }

    #[test]
    fn a_budget_that_grows_between_questions_proves_no_forgery() {
        check(|one| (one.probes[0].admitted, one.probes[3].admitted) = (0, 3), Held::Yes, "");
        check(|one| (one.probes[0].admitted, one.probes[3].admitted) = (2, 5), Held::No, "made-up address");
    }

    #[test]
    fn a_service_too_slow_for_a_burst_is_not_judged() {
        check(|one| (one.limited, one.sent) = (0, 40), Held::Inconclusive, "");
    }
}
