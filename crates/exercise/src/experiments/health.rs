//! Takes each dependency away and listens to what the health endpoint says.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Health, HealthFault, Observation, Trial},
};
use serde_json::Value;

use super::Unmade;
use crate::{
    bench::{Bench, BenchError, Exchange},
    proxy::Fault,
};

/// A health endpoint may remember what it found for a while; longer than this misleads.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an answer may take at most.
const ANSWER: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(200);

/// What else a kind of dependency is called.
const ALIASES: &[&[&str]] = &[
    &["db", "database", "postgres", "postgresql", "pg", "mysql", "mariadb", "sqlite", "sql", "datasource"],
    &["redis", "cache", "valkey", "memcached"],
    &["mongo", "mongodb"],
    &["rabbit", "rabbitmq", "amqp", "broker", "queue"],
];

pub(super) fn trial(bench: &Bench) -> Result<Trial, Unmade> {
    let probes = &bench.run().probes;
    // Where only readiness can be asked, it may be the one that names dependencies, if there are such.
    let readiness = || probes.readiness.clone().filter(|_| !bench.run().dependencies.is_empty());
    let path = probes.health.clone().or_else(readiness).ok_or_else(|| Unmade::no_path("health"))?;
    let names: Vec<String> = bench.dependencies().map(|(name, _)| name.to_owned()).collect();
    let begin = Instant::now();
    let first = bench.get(&path, ANSWER)?;
    let nowhere = bench.get("/gonogo-asks-for-what-is-not-there", ANSWER)?;
    let mut faults = Vec::new();
    let mut marks = Vec::new();
    for name in &names {
        let (fault, from, until) = without(bench, &path, name)?;
        marks.push((from, until, name.clone()));
        faults.push(fault);
    }
    let body = |exchange: &Exchange| exchange.reply.as_ref().map(|reply| reply.body.clone());
    let health = Health {
        path,
        status: first.status(),
        wait_ms: Bench::since(first.sent, first.ended),
        is_json: body(&first)
            .is_some_and(|body| serde_json::from_slice::<Value>(&body).is_ok_and(|one| !one.is_string())),
        same_as_any_path: first.status() == nowhere.status() && body(&first) == body(&nowhere),
        faults,
    };
    let mut timeline = bench.timeline(begin, &[]);
    for (from, until, name) in marks {
        let what = Message::new(format!("{name} refuses connections"), format!("{name} 拒绝连接"));
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Health(health), timeline))
}

fn without(bench: &Bench, path: &str, name: &str) -> Result<(HealthFault, Instant, Instant), BenchError> {
    let well = Well::observe(bench, path)?;
    let injected = bench.inject(name, Fault::Refuse)?;
    let from = Instant::now();
    let mut fault = HealthFault {
        dependency: name.to_owned(),
        listed: well.lists(name),
        changed_ms: None,
        named: false,
        status: None,
        wait_ms: 0,
        watched_ms: 0,
        recovered: false,
    };
    while from.elapsed() < PATIENCE && !fault.named {
        let said = Said::of(&bench.get(path, ANSWER)?);
        let now = Bench::since(from, Instant::now());
        fault.wait_ms = fault.wait_ms.max(said.wait_ms);
        fault.watched_ms = now;
        fault.status = said.status;
        let difference = well.difference(&said, name);
        if difference != Difference::None {
            fault.changed_ms.get_or_insert(now);
        }
        fault.named = difference == Difference::Named;
        bench.wait(PAUSE)?;
    }
    drop(injected);
    let until = Instant::now();
    fault.recovered = bench.wait_for(PATIENCE, || {
        let said = bench.get(path, ANSWER).map(|exchange| Said::of(&exchange));
        std::thread::sleep(PAUSE);
        said.is_ok_and(|said| well.difference(&said, name) == Difference::None)
    })?;
    Ok((fault, from, until))
}

/// What an answer says, value by value.
struct Said {
    status: Option<u16>,
    wait_ms: u64,
    /// By path within the document: the value, and the other texts of the object that it stands in.
    values: BTreeMap<String, (String, String)>,
    numbers: BTreeMap<String, String>,
}

impl Said {
    fn of(exchange: &Exchange) -> Self {
        let body = exchange.reply.as_ref().map(|reply| reply.body.as_slice()).unwrap_or_default();
        let mut said = Self {
            status: exchange.status(),
            wait_ms: Bench::since(exchange.sent, exchange.ended),
            values: BTreeMap::new(),
            numbers: BTreeMap::new(),
        };
        match serde_json::from_slice::<Value>(body) {
            Ok(document) => said.read("", &document, ""),
            Err(_) => {
                for (place, line) in String::from_utf8_lossy(body).lines().take(1000).enumerate() {
                    said.values.insert(place.to_string(), (line.to_owned(), String::new()));
                }
            }
        }
        said
    }

    fn read(&mut self, path: &str, value: &Value, beside: &str) {
        match value {
            Value::Object(entries) => {
                let texts: Vec<&str> = entries.values().filter_map(Value::as_str).collect();
                let texts = texts.join(" ");
                for (key, value) in entries {
                    self.read(&format!("{path}.{key}"), value, &texts);
                }
            }
            Value::Array(items) => {
                // Members of a list are known by what they are called, not by their place.
                for (place, item) in items.iter().enumerate() {
                    let called = ["name", "id", "component", "key"].into_iter().find_map(|key| item.get(key)?.as_str());
                    let place = called.map_or_else(|| place.to_string(), str::to_owned);
                    self.read(&format!("{path}[{place}]"), item, beside);
                }
            }
            Value::Number(number) => drop(self.numbers.insert(path.to_owned(), number.to_string())),
            Value::String(text) => drop(self.values.insert(path.to_owned(), (text.clone(), beside.to_owned()))),
            Value::Bool(_) | Value::Null => {
                self.values.insert(path.to_owned(), (value.to_string(), beside.to_owned()));
            }
        }
    }
}

/// What is said while all is well, without what changes by itself.
struct Well {
    said: Said,
    restless: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    None,
    Some,
    Named,
}

impl Well {
    fn observe(bench: &Bench, path: &str) -> Result<Self, BenchError> {
        let said = Said::of(&bench.get(path, ANSWER)?);
        let mut restless = Vec::new();
        for _ in 0..3 {
            // Times of a whole second change within these.
            bench.wait(Duration::from_millis(400))?;
            let again = Said::of(&bench.get(path, ANSWER)?);
            let differs =
                |key: &&String| again.values.get(*key).map(|one| &one.0) != said.values.get(*key).map(|one| &one.0);
            restless.extend(said.values.keys().chain(again.values.keys()).filter(differs).cloned());
        }
        Ok(Self { said, restless })
    }

    fn lists(&self, name: &str) -> bool {
        let values = &self.said.values;
        values.iter().any(|(path, (value, beside))| [path, value, beside].into_iter().any(|text| speaks_of(text, name)))
            || self.said.numbers.keys().any(|path| speaks_of(path, name))
    }

    fn difference(&self, now: &Said, name: &str) -> Difference {
        let mut found = if now.status == self.said.status { Difference::None } else { Difference::Some };
        let keys = self.said.values.keys().chain(now.values.keys());
        for key in keys.filter(|key| !self.restless.contains(key)) {
            let (was, is) = (self.said.values.get(key), now.values.get(key));
            if was.map(|one| &one.0) == is.map(|one| &one.0) {
                continue;
            }
            let texts = was.into_iter().chain(is).flat_map(|(value, beside)| [value, beside]);
            if texts.chain([key]).any(|text| speaks_of(text, name)) {
                return Difference::Named;
            }
            found = Difference::Some;
        }
        found
    }
}

/// The text holds the name of the dependency, or another word for what it is.
fn speaks_of(text: &str, name: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (text_plain, name) = (plain(text), plain(name));
    if !name.is_empty() && text_plain.contains(&name) {
        return true;
    }
    let family = ALIASES.iter().find(|family| family.contains(&name.as_str()));
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    family.is_some_and(|family| words.any(|word| family.contains(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Said {
        let mut said = Said { status: Some(status), wait_ms: 0, values: BTreeMap::new(), numbers: BTreeMap::new() };
        said.read("", &serde_json::from_str(body).unwrap(), "");
        said
    }

    #[track_caller]
    fn check(before: &str, status: u16, after: &str, name: &str, expect: Difference) {
        let well = Well { said: said(200, before), restless: vec![".time".to_owned()] };
        assert!(well.difference(&said(status, after), name) == expect);
    }

    #[test]
    fn a_change_that_names_the_dependency_is_told_from_one_that_does_not() {
        let up = r#"{"status": "UP", "time": "1", "components": {"db": {"status": "UP"}, "disk": {"status": "UP", "free": 7}}}"#;
        let down = r#"{"status": "DOWN", "time": "2", "components": {"db": {"status": "DOWN"}, "disk": {"status": "UP", "free": 6}}}"#;
        let vague = r#"{"status": "DOWN", "time": "2", "components": {"db": {"status": "UP"}, "disk": {"status": "UP", "free": 6}}}"#;
        check(up, 200, up, "postgres", Difference::None);
        check(up, 503, down, "postgres", Difference::Named);
        check(up, 503, vague, "postgres", Difference::Some);
        check(up, 503, down, "clay", Difference::Some);
    }

    #[test]
    fn members_of_a_list_are_known_by_their_names() {
        let up = r#"{"checks": [{"name": "clay", "ok": true}, {"name": "db", "ok": true}]}"#;
        let turned = r#"{"checks": [{"name": "db", "ok": true}, {"name": "clay", "ok": true}]}"#;
        let down = r#"{"checks": [{"name": "db", "ok": true}, {"name": "clay", "ok": false}]}"#;
        check(up, 200, turned, "clay", Difference::None);
        check(up, 200, down, "Clay", Difference::Named);
    }
}
