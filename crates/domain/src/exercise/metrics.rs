//! What the metrics endpoint counted of traffic that is known.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// Units that a time is measured in, as they stand in the name of a metric.
const UNITS: &[&str] = &["seconds", "milliseconds", "ms", "microseconds", "us", "nanoseconds", "ns"];

/// Two scrapes and the requests between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    pub path: String,
    /// Why a scrape could not be read.
    pub unreadable: Option<String>,
    /// Requests that were answered below 400, and those that were refused (4xx).
    pub good: u64,
    pub refused: u64,
    /// Other requests that may have been counted meanwhile: scrapes and probes.
    pub others: u64,
    /// The counter that fits these best; none grew.
    pub counter: Option<Grown>,
    /// What counts errors.
    pub errors: Option<Grown>,
    pub durations: Option<Histogram>,
    /// Label values that name one request or one user.
    pub ids: Vec<IdLabel>,
}

/// A family of series and by how much all of them grew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grown {
    pub name: String,
    pub by: u64,
}

/// A family that counts durations by buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub name: String,
    pub by: u64,
    /// How many limits its buckets have, infinity not counted.
    pub limits: u64,
}

/// A label whose values have no end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdLabel {
    pub metric: String,
    pub label: String,
    pub value: String,
}

impl Metrics {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "observability.metrics";
        let path = &self.path;
        if let Some(why) = &self.unreadable {
            let summary = Message::new(format!("{path} was scraped"), format!("抓取了 {path}"));
            let miss = Message::new(
                format!("{path} is no metrics in text: {why}"),
                format!("{path} 不是文本格式的指标：{why}"),
            );
            return vec![Answer::of(CHECK, summary, vec![miss])];
        }
        if self.good == 0 {
            let why = Message::new("no request was answered well between two scrapes", "两次抓取之间没有成功的请求");
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let mut misses: Vec<Message> = Vec::new();
        misses.extend(self.rate());
        misses.extend(self.error_rate());
        misses.extend(self.duration());
        misses.extend(self.ids.iter().map(|IdLabel { metric, label, value }| {
            Message::new(
                format!("{metric}{{{label}=\"{value}\"}}: a series for each value, without end"),
                format!("{metric}{{{label}=\"{value}\"}}：每个取值一条序列，无上限"),
            )
        }));
        let named = |name: Option<&str>| name.unwrap_or("-").to_owned();
        let summary = Message::new(
            format!(
                "{} good and {} refused requests between two scrapes of {path}: rate in {}, errors in {}, durations in {}",
                self.good,
                self.refused,
                named(self.counter.as_ref().map(|one| one.name.as_str())),
                named(self.errors.as_ref().map(|one| one.name.as_str())),
                named(self.durations.as_ref().map(|one| one.name.as_str())),
            ),
            format!("两次抓取 {path} 之间有 {} 个成功、{} 个被拒绝的请求", self.good, self.refused),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }

    /// What may have been counted: refused requests need not reach what counts.
    fn fits(&self, grown: u64) -> bool {
        (self.good..=self.good + self.refused + self.others).contains(&grown)
    }

    fn rate(&self) -> Option<Message> {
        let good = self.good;
        let Some(Grown { name, by }) = &self.counter else {
            return Some(Message::new(
                format!("no counter of requests grew while {good} were answered"),
                format!("{good} 个请求得到响应，但没有请求计数器增长"),
            ));
        };
        if !self.fits(*by) {
            return Some(Message::new(
                format!("{name} grew by {by} while {good} requests were answered and {} refused", self.refused),
                format!("{good} 个请求成功、{} 个被拒绝，而 {name} 增长了 {by}", self.refused),
            ));
        }
        (!name.ends_with("_total") && !name.ends_with("_count")).then(|| {
            Message::new(
                format!("{name} is a counter without _total at the end of its name"),
                format!("{name} 是计数器，但名称未以 _total 结尾"),
            )
        })
    }

    fn error_rate(&self) -> Option<Message> {
        if self.refused == 0 || self.errors.as_ref().is_some_and(|one| one.by > 0) {
            return None;
        }
        Some(Message::new(
            format!("nothing tells the {} refused requests from the good ones", self.refused),
            format!("没有指标能区分 {} 个被拒绝的请求与成功的请求", self.refused),
        ))
    }

    fn duration(&self) -> Option<Message> {
        let Some(Histogram { name, by, limits }) = &self.durations else {
            return Some(Message::new(
                "no histogram of durations grew: percentiles cannot be told",
                "没有增长的耗时直方图：无法得到分位数",
            ));
        };
        if *limits < 3 {
            return Some(Message::new(
                format!("{name} has {limits} buckets: percentiles cannot be told"),
                format!("{name} 只有 {limits} 个桶：无法得到分位数"),
            ));
        }
        if !self.fits(*by) {
            return Some(Message::new(
                format!("{name} grew by {by} while {} requests were answered", self.good),
                format!("{} 个请求得到响应，而 {name} 增长了 {by}", self.good),
            ));
        }
        (!name.split('_').any(|word| UNITS.contains(&word))).then(|| {
            Message::new(format!("{name} does not name its unit: …_seconds"), format!("{name} 未标明单位：…_seconds"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    fn good() -> Metrics {
        let grown = |name: &str, by| Some(Grown { name: name.to_owned(), by });
        Metrics {
            path: "/metrics".to_owned(),
            unreadable: None,
            good: 20,
            refused: 10,
            others: 4,
            counter: grown("http_requests_total", 30),
            errors: grown("http_requests_total", 10),
            durations: Some(Histogram { name: "http_request_duration_seconds".to_owned(), by: 30, limits: 11 }),
            ids: Vec::new(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Metrics), misses: usize) {
        let mut metrics = good();
        change(&mut metrics);
        let answer = metrics.answers().remove(0);
        assert_eq!((answer.held == Held::Yes, answer.misses.len()), (misses == 0, misses), "{:?}", answer.misses);
    }

    #[test]
    fn rate_errors_and_durations_that_fit_the_traffic_hold() {
        check(|_| (), 0);
        check(|one| one.counter.as_mut().unwrap().by = 20, 0);
        check(|one| one.counter.as_mut().unwrap().name = "http_request_duration_seconds_count".to_owned(), 0);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        check(|one| one.counter.as_mut().unwrap().by = 60, 1);
        check(|one| one.counter.as_mut().unwrap().by = 11, 1);
        check(|one| one.counter = None, 1);
        check(|one| one.counter.as_mut().unwrap().name = "requests".to_owned(), 1);
        check(|one| one.errors = None, 1);
        check(|one| one.durations = None, 1);
        check(|one| one.durations.as_mut().unwrap().limits = 1, 1);
        check(|one| one.durations.as_mut().unwrap().name = "latency".to_owned(), 1);
        check(|one| one.unreadable = Some("HTML".to_owned()), 1);
    }

    #[test]
    fn a_label_with_an_id_is_named() {
        let id = IdLabel { metric: "m".to_owned(), label: "path".to_owned(), value: "/u/7".to_owned() };
        check(|one| one.ids = vec![id], 1);
    }
}
