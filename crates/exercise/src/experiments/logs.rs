//! Starts the service anew, sends it what no log may hold, and reads everything that it prints.

use std::time::Instant;

use gonogo_domain::{
    Message,
    exercise::{Canary, Logs, Observation, OddLine, Trial},
};
use serde_json::{Map, Value};

use super::{
    Unmade,
    listen::{Listening, Unique, ask, beginning, timeline},
};
use crate::bench::{Ask, Bench, Survey};

/// So many rounds of all requests.
const ROUNDS: usize = 5;

/// So many lines that are not complete are shown.
const SHOWN: usize = 5;

/// Members that say when, in lower case and without what stands between words.
const TIME: &[&str] = &[
    "time",
    "ts",
    "timestamp",
    "t",
    "datetime",
    "date",
    "asctime",
    "timemillis",
    "instant",
    "eventtime",
    "created",
    "timeunixnano",
    "logtime",
];
const LEVEL: &[&str] =
    &["level", "lvl", "l", "severity", "severitytext", "levelname", "loglevel", "loglevelname", "priority", "levelno"];
const MESSAGE: &[&str] =
    &["message", "msg", "event", "m", "mt", "body", "textpayload", "shortmessage", "messagetemplate", "logmessage"];

/// Members that hold the others: `log.level`, `fields.message`.
const HOLDERS: &[&str] = &["log", "fields", "record", "event", "data"];

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    // What it prints while it starts is among its logs.
    bench.start()?;
    let begin = Instant::now();
    let output = bench.process().map(|process| process.output().clone());
    let listening = Listening::begin(bench);
    let canaries = Canaries::new(bench);
    let kinds = survey.good();
    for _ in 0..ROUNDS {
        for kind in &kinds {
            ask(bench, &bench.request(*kind))?;
        }
    }
    for kind in &kinds {
        for request in canaries.put_into(&bench.request(*kind)) {
            ask(bench, &request)?;
        }
    }
    let nowhere = Ask { method: "POST".to_owned(), ..Ask::get("/gonogo-asks-for-what-is-not-there") };
    for request in canaries.put_into(&nowhere.with("content-type", "application/json")) {
        ask(bench, &request)?;
    }
    listening.lines(bench, |_| false)?;
    let lines: Vec<String> =
        output.map(|output| output.since(0)).unwrap_or_default().into_iter().map(|line| line.text).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let odd: Vec<OddLine> = lines.iter().filter_map(|line| odd(line)).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let logs = Logs {
        lines: count(lines.len()),
        complete: count(lines.len() - odd.len()),
        odd: odd.into_iter().take(SHOWN).collect(),
        canaries: canaries.found(&lines),
    };
    Ok(Trial::new(Observation::Logs(logs), timeline(bench, begin)))
}

/// What a line lacks; none where it is complete.
fn odd(line: &str) -> Option<OddLine> {
    let text = beginning(line, 120);
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(line) else {
        return Some(OddLine { text, lacks: Vec::new() });
    };
    let has = |names: &[&str]| -> bool {
        let direct = |members: &Map<String, Value>| {
            members.iter().any(|(name, value)| !value.is_null() && names.contains(&plain(name).as_str()))
        };
        let dotted = members
            .keys()
            .any(|name| name.rsplit_once('.').is_some_and(|(_, last)| names.contains(&plain(last).as_str())));
        let held = || HOLDERS.iter().any(|holder| members.get(*holder).and_then(Value::as_object).is_some_and(direct));
        direct(&members) || dotted || held()
    };
    // The compact format of Serilog leaves out the level of what is merely told.
    let compact = members.contains_key("@t") && (members.contains_key("@m") || members.contains_key("@mt"));
    let wanted = [("time", has(TIME)), ("level", has(LEVEL) || compact), ("message", has(MESSAGE))];
    let lacks: Vec<String> = wanted.iter().filter(|(_, is)| !is).map(|(key, _)| (*key).to_owned()).collect();
    (!lacks.is_empty()).then_some(OddLine { text, lacks })
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What is made up: each holds a number of its own, by which it is known wherever it turns up.
struct Canaries {
    numbers: Vec<String>,
}

/// In the order of [`Canaries::numbers`]: what it is and where it is sent, and whether it is a secret.
const PLACES: &[(&str, &str, bool)] = &[
    ("the secret of an Authorization header", "Authorization 请求头中的密钥", true),
    ("the secret of an X-API-Key header", "X-API-Key 请求头中的密钥", true),
    ("the session of a Cookie header", "Cookie 请求头中的会话", true),
    ("the password of a body", "正文中的密码", true),
    ("the e-mail address of a body", "正文中的邮箱", false),
    ("the telephone number of a body", "正文中的电话号码", false),
    ("the e-mail address of a query", "查询参数中的邮箱", false),
    ("the telephone number of a query", "查询参数中的电话号码", false),
];

impl Canaries {
    fn new(bench: &Bench) -> Self {
        let mut unique = Unique::new(bench);
        let number = |_| format!("{:010}", unique.next() % 10_000_000_000);
        Self { numbers: PLACES.iter().map(number).collect() }
    }

    fn number(&self, place: usize) -> &str {
        self.numbers.get(place).map_or("", String::as_str)
    }

    /// The request with all of them, once as it is otherwise, and once with other credentials than its own.
    fn put_into(&self, request: &Ask) -> [Ask; 2] {
        let mut with = request.clone();
        let separator = if with.path.contains('?') { '&' } else { '?' };
        let (mail, phone) = (self.number(6), self.number(7));
        with.path = format!("{}{separator}email=gng{mail}%40canary.example&phone=%2B{phone}", with.path);
        if let Ok(Value::Object(mut members)) =
            serde_json::from_slice(if with.body.is_empty() { b"{}" } else { with.body.as_ref() })
            && request.method != "GET"
            && request.method != "HEAD"
        {
            members.insert("password".to_owned(), format!("gng-{}-secret", self.number(3)).into());
            members.insert("email".to_owned(), format!("gng{}@canary.example", self.number(4)).into());
            members.insert("phone".to_owned(), format!("+{}", self.number(5)).into());
            with.body = Value::Object(members).to_string().into();
        }
        let secrets = [
            ("authorization", format!("Bearer gng-{}-secret", self.number(0))),
            ("x-api-key", format!("gng-{}-secret", self.number(1))),
            ("cookie", format!("session=gng-{}-secret", self.number(2))),
        ];
        let mut stranger = with.clone();
        for (name, value) in secrets {
            let is = |(header, _): &(String, String)| header.eq_ignore_ascii_case(name);
            if !with.headers.iter().any(is) {
                with.headers.push((name.to_owned(), value.clone()));
            }
            stranger.headers.retain(|header| !is(header));
            stranger.headers.push((name.to_owned(), value));
        }
        [with, stranger]
    }

    fn found(&self, lines: &[&str]) -> Vec<Canary> {
        let canary = |(place, (en, zh, secret)): (usize, &(&str, &str, bool))| {
            let number = self.number(place);
            let line = lines.iter().find(|line| line.contains(number)).map(|line| around(line, number));
            Canary { what: Message::new(*en, *zh), secret: *secret, line }
        };
        PLACES.iter().enumerate().map(canary).collect()
    }
}

/// The text around something in it.
fn around(line: &str, what: &str) -> String {
    let at = line.find(what).unwrap_or_default();
    let before: String = line.get(..at).unwrap_or_default().chars().rev().take(60).collect();
    let before: String = before.chars().rev().collect();
    let after: String = line.get(at..).unwrap_or_default().chars().take(what.len() + 30).collect();
    format!("{}{before}{after}…", if before.len() < at { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: Option<&[&str]>) {
        let found = odd(line).map(|odd| odd.lacks);
        assert_eq!(found, expect.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()), "{line}");
    }

    #[test]
    fn what_loggers_write_is_complete() {
        for line in [
            r#"{"level":30,"time":1700000000000,"pid":1,"hostname":"h","msg":"up"}"#,
            r#"{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"up"}"#,
            r#"{"level":"info","ts":1700000000.1,"caller":"a.go:1","msg":"up"}"#,
            r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","fields":{"message":"up"},"target":"a"}"#,
            r#"{"@timestamp":"2026-01-01T00:00:00Z","log.level":"INFO","message":"up","ecs.version":"1.2"}"#,
            r#"{"@timestamp":"2026-01-01T00:00:00Z","log":{"level":"INFO"},"message":"up"}"#,
            r#"{"event":"up","level":"info","timestamp":"2026-01-01T00:00:00Z"}"#,
            r#"{"asctime":"2026-01-01 00:00:00,000","levelname":"INFO","message":"up"}"#,
            r#"{"@t":"2026-01-01T00:00:00Z","@mt":"up {Port}","Port":1}"#,
            r#"{"Timestamp":"2026-01-01T00:00:00Z","EventId":1,"LogLevel":"Information","Category":"a","Message":"up"}"#,
            r#"{"severity":"INFO","time":"2026-01-01T00:00:00Z","message":"up"}"#,
        ] {
            check(line, None);
        }
    }

    #[test]
    fn what_is_not_complete_is_told() {
        check("Listening on 8080", Some(&[]));
        check(r#""a text""#, Some(&[]));
        check(r#"{"message":"cut off""#, Some(&[]));
        check(r#"{"message":"up"}"#, Some(&["time", "level"]));
        check(r#"{"time":1,"level":"info","message":null}"#, Some(&["message"]));
        check(r#"{"@t":"2026-01-01T00:00:00Z"}"#, Some(&["level", "message"]));
    }

    #[test]
    fn every_canary_is_sent_and_found_again_by_its_number() {
        let canaries = Canaries { numbers: (0..PLACES.len()).map(|place| format!("900000000{place}")).collect() };
        let request = Ask { method: "POST".to_owned(), body: "{}".into(), ..Ask::get("/a?b=c") };
        let [with, stranger] = canaries.put_into(&request.with("authorization", "Bearer own"));
        assert!(with.headers.contains(&("authorization".to_owned(), "Bearer own".to_owned())));
        let sent = format!("{stranger:?}");
        let found = canaries.found(&[&sent]);
        assert_eq!(found.iter().filter(|one| one.line.is_some()).count(), PLACES.len());
        assert_eq!(canaries.found(&["masked: ****0003"]).iter().filter(|one| one.line.is_some()).count(), 0);
    }
}
