//! How often, and when, a failed call is made again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, answer::time};
use crate::Message;

/// More calls than this for one request are no bounded retry.
const MOST: usize = 10;

/// The gaps of so many requests tell whether they vary.
const ENOUGH: usize = 4;

/// Waits that grow do so by half at least from one to the next, give or take what few draws tell of their bound.
const GROWTH_PERCENT: u64 = 125;

/// So many milliseconds are nothing to a timer.
const NOISE: u64 = 4;

/// In shorter waits than this, jitter cannot be told from a busy machine.
const TELLING: u64 = 25;

/// Calls to failing dependencies, as the dependencies saw them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    pub cases: Vec<RetryCase>,
}

/// One kind of request, sent several times one after the other while one dependency failed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryCase {
    pub dependency: String,
    /// The request, by its name.
    pub request: String,
    pub fault: RetryFault,
    /// What came for each request that was sent: times count from its sending.
    pub calls: Vec<Vec<Call>>,
}

/// In what way the dependency failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryFault {
    /// 503 at once: the call may be made again.
    Unavailable,
    /// 429 with `Retry-After` of so many seconds.
    RetryAfter(u32),
    /// The answer broke off: whether the call was carried out, nobody knows.
    BrokenOff,
}

/// One call, as the dependency saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub at_ms: u64,
    pub method: String,
    /// Without its query.
    pub path: String,
    /// It carries an idempotency key.
    pub keyed: bool,
}

impl Call {
    pub(super) fn may_be_repeated(&self) -> bool {
        self.keyed || !matches!(self.method.as_str(), "POST" | "PATCH")
    }
}

impl RetryCase {
    /// Whether how it is made again is to be judged: a refusal (429, 503) changed nothing, so that whoever chooses to repeat
    /// even a POST after it may; nobody has to.
    fn may_repeat(&self, call: &Call, times: &[u64]) -> bool {
        call.may_be_repeated() || (self.fault != RetryFault::BrokenOff && times.len() > 1)
    }

    /// The times of each call of each request; a call is made again where method and path are the same.
    fn series(&self) -> Vec<(&Call, Vec<u64>)> {
        let mut all = Vec::new();
        for calls in &self.calls {
            let mut same: BTreeMap<(&str, &str), (&Call, Vec<u64>)> = BTreeMap::new();
            for call in calls {
                same.entry((&call.method, &call.path)).or_insert_with(|| (call, Vec::new())).1.push(call.at_ms);
            }
            all.extend(same.into_values());
        }
        all
    }
}

impl Retries {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "resilience.retry";
        let mut misses = Vec::new();
        let (mut repeatable, mut repeated, mut most) = (0_usize, 0_usize, 0_usize);
        for case in &self.cases {
            let series = case.series();
            misses.extend(never_repeat(case, &series));
            misses.extend(too_early(case, &series));
            let may: Vec<&Vec<u64>> =
                series.iter().filter(|(call, times)| case.may_repeat(call, times)).map(|(_, times)| times).collect();
            most = most.max(may.iter().map(|times| times.len()).max().unwrap_or_default());
            if case.fault == RetryFault::Unavailable {
                repeatable += may.len();
                repeated += may.iter().filter(|times| times.len() > 1).count();
                misses.extend(spacing(case, &may));
            }
        }
        if most > MOST {
            misses.push(Message::new(
                format!("one request made {most} calls: there is no end to it"),
                format!("单个请求产生了 {most} 次调用：没有上限"),
            ));
        }
        if repeatable == 0 && misses.is_empty() {
            let why = Message::new(
                "no call that may be repeated reached a dependency that failed",
                "没有可重试的调用到达故障依赖",
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        if repeated == 0 && repeatable > 0 {
            misses.insert(
                0,
                Message::new(
                    format!("none of {repeatable} calls that failed for a moment was made again"),
                    format!("{repeatable} 次瞬时失败的调用均未重试"),
                ),
            );
        }
        let summary = Message::new(
            format!("{repeated} of {repeatable} calls that may be repeated were made again, {most} times at most"),
            format!("{repeatable} 次可重试的调用中有 {repeated} 次被重试，最多 {most} 次"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

/// A call that changes something and carries no key, made again although it may have been carried out.
fn never_repeat(case: &RetryCase, series: &[(&Call, Vec<u64>)]) -> Option<Message> {
    if case.fault != RetryFault::BrokenOff {
        return None;
    }
    let (call, times) = series.iter().find(|(call, times)| !call.may_be_repeated() && times.len() > 1)?;
    let (method, path, dependency) = (&call.method, &call.path, &case.dependency);
    Some(Message::new(
        format!("{method} {path} was sent to {dependency} {} times after its answer broke off", times.len()),
        format!("响应中断后，{method} {path} 被向 {dependency} 发送了 {} 次", times.len()),
    ))
}

/// A call that came again before the time that `Retry-After` named.
fn too_early(case: &RetryCase, series: &[(&Call, Vec<u64>)]) -> Option<Message> {
    let RetryFault::RetryAfter(seconds) = case.fault else { return None };
    let named = u64::from(seconds) * 1000;
    let gaps = series
        .iter()
        .flat_map(|(_, times)| times.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?)));
    // A clock that counts whole seconds may be early by one tick of a timer.
    let gap = gaps.min().filter(|gap| gap + 50 < named)?;
    Some(Message::new(
        format!("{} was called again after {}, and its Retry-After said {seconds} s", case.dependency, time(gap)),
        format!("{} 的 Retry-After 为 {seconds} 秒，但 {} 后就被再次调用", case.dependency, time(gap)),
    ))
}

/// Whether the gaps grow and vary.
fn spacing(case: &RetryCase, series: &[&Vec<u64>]) -> Vec<Message> {
    let gaps = |place: usize| -> Vec<u64> {
        let gap = |times: &&&Vec<u64>| times.get(place + 1)?.checked_sub(*times.get(place)?);
        let mut gaps: Vec<u64> = series.iter().filter_map(|times| gap(&times)).collect();
        gaps.sort_unstable();
        gaps
    };
    let (mut misses, first, name) = (Vec::new(), gaps(0), &case.dependency);
    if first.len() < ENOUGH {
        return misses;
    }
    let later = (1..MOST).map(gaps).take_while(|gaps| gaps.len() >= ENOUGH && gaps.len() * 2 > first.len()).last();
    if let Some(later) = later
        && reach(&later) * 100 < reach(&first) * GROWTH_PERCENT
    {
        let (first, later) = (time(reach(&first)), time(reach(&later)));
        misses.push(Message::new(
            format!("the waits between calls to {name} do not grow: up to {first} at first, up to {later} at last"),
            format!("对 {name} 的重试间隔没有增长：最初至多 {first}，最后至多 {later}"),
        ));
    }
    // A busy machine makes waits longer: what varies by itself also varies downwards. The shortest may be an accident.
    let shortest = first.get(1).copied().unwrap_or_default();
    let (middle, longest) = (first.get(first.len() / 2).copied().unwrap_or_default(), reach(&first));
    if middle >= TELLING && middle - shortest < (middle / 12).max(NOISE) {
        misses.push(Message::new(
            format!("the first wait before {name} is called again is always about {}: no jitter", time(middle)),
            format!("重试 {name} 前的首次等待总是约 {}：没有抖动", time(middle)),
        ));
    } else if longest < 3 {
        misses.push(Message::new(
            format!("{name} is called again at once, without a wait"),
            format!("对 {name} 的重试没有等待"),
        ));
    }
    misses
}

/// How far waits reach: the second longest, since the longest may be an accident of the machine. Where they are drawn
/// from zero up to a bound, it tells the bound far better than their mean does.
fn reach(sorted: &[u64]) -> u64 {
    sorted.iter().rev().nth(1).or(sorted.first()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn case(method: &str, fault: RetryFault, requests: &[&[u64]]) -> Retries {
        let call =
            |at_ms: &u64| Call { at_ms: *at_ms, method: method.to_owned(), path: "/me".to_owned(), keyed: false };
        let calls = requests.iter().map(|times| times.iter().map(call).collect()).collect();
        Retries { cases: vec![RetryCase { dependency: "clay".to_owned(), request: "GET /".to_owned(), fault, calls }] }
    }

    #[track_caller]
    fn check(retries: &Retries, held: Held, says: &str) {
        let answer = retries.answers().remove(0);
        let text = answer.misses.iter().map(|miss| miss.en.as_str()).collect::<Vec<_>>().join("; ");
        assert_eq!((answer.held, text.contains(says)), (held, true), "{text}");
    }

    const JITTERED: &[&[u64]] = &[&[0, 40, 200], &[0, 95, 210], &[0, 15, 190], &[0, 70, 140], &[0, 55, 250]];

    #[test]
    fn growing_waits_that_vary_are_what_is_asked_for() {
        check(&case("GET", RetryFault::Unavailable, JITTERED), Held::Yes, "");
    }

    #[test]
    fn waits_that_never_vary_come_in_step() {
        let fixed: &[&[u64]] = &[&[0, 100, 300], &[0, 101, 302], &[0, 100, 301], &[0, 102, 303], &[0, 101, 302]];
        check(&case("GET", RetryFault::Unavailable, fixed), Held::No, "no jitter");
    }

    #[test]
    fn waits_that_vary_and_never_grow_do_not_back_off() {
        let flat: &[&[u64]] = &[&[0, 90, 140], &[0, 40, 130], &[0, 60, 90], &[0, 80, 150], &[0, 50, 120]];
        check(&case("GET", RetryFault::Unavailable, flat), Held::No, "do not grow");
    }

    #[test]
    fn what_may_have_been_done_is_not_done_again() {
        check(&case("POST", RetryFault::BrokenOff, &[&[0, 100]]), Held::No, "2 times after its answer broke off");
        // A refusal changed nothing: whoever repeats after it may, and nobody has to.
        check(&case("POST", RetryFault::Unavailable, &[&[0, 100]]), Held::Yes, "");
        check(&case("POST", RetryFault::Unavailable, &[&[0]]), Held::Inconclusive, "");
    }

    #[test]
    fn the_time_that_the_dependency_names_is_kept() {
        check(&case("GET", RetryFault::RetryAfter(2), &[&[0, 100]]), Held::No, "Retry-After said 2 s");
        check(&case("GET", RetryFault::RetryAfter(2), &[&[0, 1_960]]), Held::Inconclusive, "");
    }

    #[test]
    fn a_single_call_is_no_retry_and_eleven_are_no_end() {
        check(&case("GET", RetryFault::Unavailable, &[&[0], &[0]]), Held::No, "none of 2 calls");
        let many: Vec<u64> = (0..11).map(|place| place * place * 100).collect();
        check(&case("GET", RetryFault::Unavailable, &[&many]), Held::No, "no end");
    }
}
