//! Changes the level of logs while the service runs, and counts what it prints before and after.

use std::{fs, time::Duration, time::Instant};

use gonogo_domain::{
    LogLevel, LogLevelWay, Message,
    exercise::{Levels, Observation, Told, Trial},
};
use serde_json::Value;

use super::{
    Unmade,
    listen::{Listening, ask, timeline},
    needed::some_good,
};
use crate::{
    bench::{Ask, Bench, BenchError, Survey},
    process::{Process, Signal},
};

/// So many requests are sent at each level.
const ASKED: usize = 6;

/// How long a change may take until it is in force: a file is watched by looking now and then.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    let Some(plan) = bench.run().log_level.clone() else {
        return Err(Unmade::Missing(Message::new(
            "nothing says how the level is changed: [service.NAME.run.log_level] path = \"/…\" (with method, headers, body), signal = \"SIGUSR1\", or file = \"{scratch}/…\"",
            "未说明如何调整级别：[service.NAME.run.log_level] path = \"/…\"（及 method、headers、body）、signal = \"SIGUSR1\" 或 file = \"{scratch}/…\"",
        )));
    };
    let kinds = some_good(survey)?;
    let begin = Instant::now();
    let before = told(bench, &kinds)?;
    let status = change(bench, &plan, &plan.more)?;
    let from = Instant::now();
    bench.wait(SETTLE)?;
    let ended = bench.process().and_then(Process::exit).is_some();
    let after = if ended { Told::default() } else { told(bench, &kinds)? };
    let until = Instant::now();
    let can_go_back = !matches!(&plan.way, LogLevelWay::Signal { usual: None, .. });
    let back = if can_go_back && !ended {
        change(bench, &plan, &plan.usual)?;
        bench.wait(SETTLE)?;
        Some(told(bench, &kinds)?)
    } else {
        None
    };
    // It must not go on at a level that nobody configured.
    if back.is_none_or(|back| back.detailed > before.detailed) {
        bench.start()?;
    }
    let levels = Levels { how: how(&plan), status, before, after, back, ended };
    let mut timeline = timeline(bench, begin);
    let what = Message::new(format!("level {}", plan.more), format!("级别 {}", plan.more));
    timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    Ok(Trial::new(Observation::Levels(levels), timeline))
}

fn how(plan: &LogLevel) -> String {
    match &plan.way {
        LogLevelWay::Request { method, path, .. } => format!("{method} {path}"),
        LogLevelWay::Signal { more, .. } => more.clone(),
        LogLevelWay::File { path, .. } => path.clone(),
    }
}

/// Changes the level; gives the status of the answer where a request did it.
fn change(bench: &mut Bench, plan: &LogLevel, level: &str) -> Result<Option<u16>, BenchError> {
    let named = |text: &str| text.replace("{level}", level);
    match &plan.way {
        LogLevelWay::Request { method, path, headers, body } => {
            let mut headers: Vec<(String, String)> =
                headers.iter().map(|(name, value)| (name.clone(), bench.expand(&named(value)))).collect();
            if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            let body = body.as_ref().map(|body| bench.expand(&named(body))).unwrap_or_default().into();
            let request = Ask { method: method.clone(), path: bench.expand(&named(path)), headers, body };
            Ok(ask(bench, &request)?.status())
        }
        LogLevelWay::Signal { more, usual } => {
            let name = if level == plan.more { Some(more) } else { usual.as_ref() };
            if let (Some(signal), Some(process)) = (name.and_then(|name| signal(name)), bench.process()) {
                process.signal(signal);
            }
            Ok(None)
        }
        LogLevelWay::File { path, content } => {
            fs::write(bench.expand(&named(path)), named(content))?;
            Ok(None)
        }
    }
}

fn signal(name: &str) -> Option<Signal> {
    Some(match name {
        "SIGHUP" => Signal::HUP,
        "SIGUSR1" => Signal::USR1,
        "SIGUSR2" => Signal::USR2,
        "SIGTTIN" => Signal::TTIN,
        "SIGTTOU" => Signal::TTOU,
        _ => return None,
    })
}

/// What the same requests make it print now.
fn told(bench: &mut Bench, kinds: &[usize]) -> Result<Told, BenchError> {
    let listening = Listening::begin(bench);
    for kind in kinds.iter().cycle().take(ASKED) {
        ask(bench, &bench.request(*kind))?;
    }
    let lines = listening.lines(bench, |_| false)?.unwrap_or_default();
    let count = |lines: &mut dyn Iterator<Item = &String>| u64::try_from(lines.count()).unwrap_or(u64::MAX);
    Ok(Told {
        lines: count(&mut lines.iter().filter(|line| !line.trim().is_empty())),
        detailed: count(&mut lines.iter().filter(|line| is_detailed(line))),
    })
}

/// A line of the level debug or trace.
fn is_detailed(line: &str) -> bool {
    let named = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["debug", "trace", "dbug", "trce", "verbose", "silly"].iter().any(|level| text.starts_with(level))
    };
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(line) else {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric();
        let mut words = line.split(|letter: char| !is_letter(letter)).filter(|word| !word.is_empty()).take(20);
        return words.any(|word| ["DEBUG", "TRACE", "DBG", "TRC", "debug", "trace"].contains(&word));
    };
    let level = |members: &serde_json::Map<String, Value>| -> bool {
        members.iter().any(|(name, value)| {
            let name: String =
                name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            if !["level", "lvl", "l", "severity", "severitytext", "levelname", "loglevel"].contains(&name.as_str()) {
                return false;
            }
            // Pino and Bunyan count from 10 (trace) and 20 (debug).
            value.as_str().is_some_and(named) || value.as_u64().is_some_and(|level| level == 10 || level == 20)
        })
    };
    level(&members) || members.get("log").and_then(Value::as_object).is_some_and(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: bool) {
        assert_eq!(is_detailed(line), expect, "{line}");
    }

    #[test]
    fn lines_of_debug_and_trace_are_told_from_those_that_speak_of_it() {
        check(r#"{"level":20,"time":1,"msg":"row"}"#, true);
        check(r#"{"log.level":"DEBUG","message":"row"}"#, true);
        check(r#"{"log":{"level":"trace"},"message":"row"}"#, true);
        check("2026-01-01 00:00:00,000 DEBUG app: row", true);
        check(r#"{"level":30,"time":1,"msg":"level is now debug"}"#, false);
        check(r#"{"level":"info","msg":"debug"}"#, false);
        check("2026-01-01 INFO app: debugger attached", false);
    }
}
