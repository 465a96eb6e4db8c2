//! Takes each dependency away and looks at what users get instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Degradation, Down, Form, Observation, Reduced, Trial},
};
use serde_json::Value;

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Exchange, Sent, Survey, shape},
    load::Reply,
    proxy::{Break, Fault, Which},
};

/// Answers of good days that are compared with.
const BEFORE: usize = 3;

/// Requests while the dependency is gone, and the wait between two: a breaker has time to open.
const ASKED: usize = 6;
const PAUSE: Duration = Duration::from_millis(400);

const ANSWER: Duration = Duration::from_secs(10);

/// What was accepted meanwhile may take so long to arrive.
const DELIVERY: Duration = Duration::from_secs(20);

/// Names and values of headers and bodies that say of an answer that it is not the whole.
const WORDS: &[&str] = &[
    "degrad",
    "stale",
    "fallback",
    "partial",
    "warning",
    "unavailable",
    "incomplete",
    "cached",
    "from_cache",
    "queued",
];

/// Headers whose mere coming says so.
const HEADERS: &[&str] = &["warning", "age"];

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut reduced, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, http, kinds } in &needed {
        let mut ways = vec![(Down::Refused, Fault::Refuse)];
        if *http {
            let answer = Break::Status { code: 503, retry_after: None };
            ways.push((Down::Unavailable, Fault::Http { which: Which::All, answer }));
        }
        for (down, fault) in ways {
            let without = Without { bench, survey, name, http: *http, down, kinds };
            let (from, until, found, all) = without.make(fault)?;
            reduced.extend(found);
            sent.extend(all);
            let what = match down {
                Down::Refused => Message::new(format!("{name} refuses connections"), format!("{name} 拒绝连接")),
                Down::Unavailable => Message::new(format!("{name} answers 503"), format!("{name} 返回 503")),
            };
            marks.push((from, until, what));
        }
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Degradation(Degradation { reduced }), timeline))
}

/// One dependency that is gone in one way.
struct Without<'a> {
    bench: &'a Bench,
    survey: &'a Survey,
    name: &'a str,
    http: bool,
    down: Down,
    kinds: &'a [usize],
}

type Made = (Instant, Instant, Vec<Reduced>, Vec<Sent>);

impl Without<'_> {
    fn make(&self, fault: Fault) -> Result<Made, BenchError> {
        let bench = self.bench;
        let mut sent = Vec::new();
        let mut good_days: BTreeMap<usize, Vec<Reply>> = BTreeMap::new();
        for kind in self.kinds {
            for _ in 0..BEFORE {
                let exchange = bench.ask(&bench.request(*kind), ANSWER)?;
                good_days.entry(*kind).or_default().extend(exchange.reply.clone());
                sent.push(Sent { kind: *kind, exchange });
            }
        }
        let first = bench.totals(self.name).requests;
        let from = Instant::now();
        let injected = bench.inject(self.name, fault)?;
        let mut answers: BTreeMap<usize, Vec<Exchange>> = BTreeMap::new();
        for _ in 0..ASKED {
            for kind in self.kinds {
                let exchange = bench.ask(&bench.request(*kind), ANSWER)?;
                answers.entry(*kind).or_default().push(exchange.clone());
                sent.push(Sent { kind: *kind, exchange });
            }
            bench.wait(PAUSE)?;
        }
        drop(injected);
        let until = Instant::now();
        let healed = bench.totals(self.name).requests;
        let called = |kind: usize, from: u64, until: Option<u64>| -> u64 {
            let shapes = self.survey.shapes(self.name, &[kind]);
            let records = bench.records(self.name);
            let of = records.requests.iter().filter(|one| {
                one.id >= from && until.is_none_or(|until| one.id < until) && shapes.contains(&shape(one))
            });
            u64::try_from(of.count()).unwrap_or(u64::MAX)
        };
        let mut all = Vec::new();
        for kind in self.kinds {
            let before = good_days.remove(kind).unwrap_or_default();
            let mut reduced = self.reduced(*kind, &before, answers.get(kind).map_or(&[][..], Vec::as_slice));
            // Nobody hears the calls to somebody who does not listen.
            reduced.called =
                (self.http && self.down == Down::Unavailable).then(|| called(*kind, first, Some(healed)) > 0);
            let accepted = reduced.accepted;
            if self.http && accepted > 0 {
                bench.wait_for(DELIVERY, || called(*kind, healed, None) >= accepted)?;
                reduced.delivered = Some(called(*kind, healed, None).min(accepted));
            }
            all.push(reduced);
        }
        self.well_again(&mut sent)?;
        Ok((from, until, all, sent))
    }

    /// A breaker that is open is waited for, so that the next way of being gone begins as this one did.
    fn well_again(&self, sent: &mut Vec<Sent>) -> Result<(), BenchError> {
        let until = Instant::now() + DELIVERY;
        for kind in self.kinds {
            loop {
                let exchange = self.bench.ask(&self.bench.request(*kind), ANSWER)?;
                let is_well = exchange.how.good();
                sent.push(Sent { kind: *kind, exchange });
                if is_well || Instant::now() >= until {
                    break;
                }
                self.bench.wait(Duration::from_millis(500))?;
            }
        }
        Ok(())
    }

    fn reduced(&self, kind: usize, before: &[Reply], answers: &[Exchange]) -> Reduced {
        let request = self.bench.run().requests.get(kind);
        let writes = request.is_some_and(|request| !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS"));
        let usual = Usual::of(before);
        let mut forms: BTreeMap<Form, u64> = BTreeMap::new();
        let (mut mark, mut statuses, mut accepted) = (None, BTreeMap::<u16, u64>::new(), 0);
        for exchange in answers {
            let (form, found) = match (exchange.status(), &exchange.reply) {
                (Some(_), Some(reply)) => usual.form(reply, writes),
                _ => (Form::None, None),
            };
            *forms.entry(form).or_default() += 1;
            mark = mark.or(found);
            if let Some(status) = exchange.status() {
                accepted += u64::from(writes && status < 300 && exchange.how.good());
                if status >= 400 {
                    *statuses.entry(status).or_default() += 1;
                }
            }
        }
        Reduced {
            dependency: self.name.to_owned(),
            down: self.down,
            request: request.map(gonogo_domain::RunRequest::name).unwrap_or_default(),
            forms,
            mark,
            status: statuses.into_iter().max_by_key(|(_, count)| *count).map(|(status, _)| status),
            called: None,
            accepted,
            delivered: None,
        }
    }
}

/// What answers of good days say.
#[derive(Debug, Default)]
struct Usual {
    /// Everything that is said, header or value of the body, with its name.
    said: BTreeSet<String>,
}

impl Usual {
    fn of(replies: &[Reply]) -> Self {
        Self { said: replies.iter().flat_map(said).collect() }
    }

    /// What an answer is, and what marks it where it is a reduced one.
    fn form(&self, reply: &Reply, writes: bool) -> (Form, Option<String>) {
        match reply.status {
            202 if writes => (Form::Queued, None),
            _ if reply.erred() => (Form::Failed, None),
            status if status < 400 => {
                let new = said(reply).into_iter().find(|one| !self.said.contains(one) && is_mark(one));
                (if new.is_some() { Form::Marked } else { Form::Unmarked }, new)
            }
            503 if reply.header("retry-after").is_some() => (Form::RefusedCleanly, None),
            status if status < 500 => (Form::Blamed, None),
            _ => (Form::Failed, None),
        }
    }
}

/// Whether a sentence of an answer says that it is not the whole: `Warning: 110`, `"degraded": true`, `"source": "cache"`,
/// a list of warnings.
fn is_mark(said: &str) -> bool {
    let said = said.to_lowercase();
    let (name, value) = said.split_once(": ").unwrap_or((&said, ""));
    if HEADERS.contains(&name) {
        return true;
    }
    // What is denied is not said.
    if matches!(value, "false" | "null" | "" | "0" | "[]" | "none" | "no") {
        return false;
    }
    let is_cache = matches!(name, "x-cache" | "cache-status" | "cf-cache-status")
        || name.rsplit('.').next().is_some_and(|last| matches!(last, "source" | "from" | "origin" | "served_from"));
    let says = |text: &str| WORDS.iter().any(|word| text.contains(word));
    says(name)
        || says(value)
        || is_cache && ["cache", "hit", "stale", "default"].iter().any(|word| value.contains(word))
}

/// Headers and values of the body, each as `name: value`.
fn said(reply: &Reply) -> Vec<String> {
    let mut all: Vec<String> = reply
        .headers
        .iter()
        .filter_map(|(name, value)| Some(format!("{}: {}", name.as_str(), value.to_str().ok()?)))
        .collect();
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(document) => values("body", &document, &mut all, 0),
        Err(_) => all.extend(reply.text().lines().take(200).map(|line| format!("body: {line}"))),
    }
    all
}

fn values(path: &str, value: &Value, all: &mut Vec<String>, depth: usize) {
    // An answer of any size and depth is read to a bound.
    if depth > 20 || all.len() > 2000 {
        return;
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                values(&format!("{path}.{key}"), value, all, depth + 1);
            }
        }
        Value::Array(items) if items.is_empty() => all.push(format!("{path}: []")),
        Value::Array(items) => {
            for item in items {
                values(path, item, all, depth + 1);
            }
        }
        Value::String(text) => all.push(format!("{path}: {text}")),
        Value::Null | Value::Bool(_) | Value::Number(_) => all.push(format!("{path}: {value}")),
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Reply { status, headers: map, body: body.as_bytes().to_vec() }
    }

    #[track_caller]
    fn check(before: &str, status: u16, headers: &[(&'static str, &str)], body: &str, expect: Form) {
        let usual = Usual::of(&[reply(200, &[("x-cache", "MISS"), ("date", "now")], before)]);
        let (form, mark) = usual.form(&reply(status, headers, body), false);
        assert_eq!(form, expect, "{mark:?}");
        assert_eq!(mark.is_some(), form == Form::Marked);
    }

    const WHOLE: &str = r#"{"items": [1, 2], "degraded": false, "warnings": []}"#;

    #[test]
    fn a_reduced_answer_is_known_by_what_it_says_anew() {
        check(WHOLE, 200, &[], r#"{"items": [], "degraded": true, "warnings": []}"#, Form::Marked);
        check(WHOLE, 200, &[], r#"{"items": [], "degraded": false, "warnings": ["prices are missing"]}"#, Form::Marked);
        check(WHOLE, 200, &[("warning", "110 - \"Response is Stale\"")], WHOLE, Form::Marked);
        check(WHOLE, 200, &[("x-cache", "STALE")], WHOLE, Form::Marked);
        check(WHOLE, 200, &[("age", "37")], WHOLE, Form::Marked);
        check(WHOLE, 200, &[], r#"{"items": [1], "source": "cache"}"#, Form::Marked);
        check("hello", 200, &[], "hello (recommendations are unavailable)", Form::Marked);
    }

    #[test]
    fn what_only_differs_is_not_marked() {
        check(WHOLE, 200, &[("date", "later")], WHOLE, Form::Unmarked);
        check(WHOLE, 200, &[], r#"{"items": [], "degraded": false, "warnings": []}"#, Form::Unmarked);
        check(WHOLE, 200, &[("x-cache", "MISS")], r#"{"items": [1]}"#, Form::Unmarked);
        // It says so on good days too.
        check(r#"{"note": "partial data"}"#, 200, &[], r#"{"note": "partial data"}"#, Form::Unmarked);
    }

    #[test]
    fn refusals_and_errors_are_told_apart() {
        check(WHOLE, 503, &[("retry-after", "5")], "", Form::RefusedCleanly);
        check(WHOLE, 503, &[], "", Form::Failed);
        check(WHOLE, 500, &[], r#"{"degraded": true}"#, Form::Failed);
        check(WHOLE, 404, &[], "", Form::Blamed);
        let failed = r#"{"errors": [{"message": "connect ECONNREFUSED"}], "data": null}"#;
        check(WHOLE, 200, &[("content-type", "application/json")], failed, Form::Failed);
    }
}
