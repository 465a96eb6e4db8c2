//! Kills the process in the middle of work and looks for what it had accepted.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Durability, Kill, Observation, Trial},
};
use serde_json::Value;

use super::Unmade;
use crate::{
    bench::{Ask, Bench, BenchError, Exchange, Sent, Survey, Traffic},
    load::Reply,
};

const KILLS: usize = 3;

/// How long users are there before the process is killed.
const BEFORE: Duration = Duration::from_millis(2500);

/// So many requests a second leave some under way at any moment.
const RATE: f64 = 40.0;

const ANSWER: Duration = Duration::from_secs(5);

/// Work that was accepted may take so long to be found after a restart.
const PATIENCE: Duration = Duration::from_secs(20);

/// While nothing is wrong, it is found at once, or a little later where writing is not reading.
const SOON: Duration = Duration::from_secs(5);

/// What was accepted earlier is worked off first; calls that never end are no backlog.
const BACKLOG: Duration = Duration::from_mins(1);

/// Requests by which it is tried how things are found, before anything is killed.
const TRIED: usize = 4;

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if bench.process().is_none() {
        return Err(Unmade::no_process());
    }
    let writes: Vec<usize> = survey.good().into_iter().filter(|kind| is_write(bench, *kind)).collect();
    if writes.is_empty() {
        return Err(Unmade::NotApplicable(Message::new(
            "no [[service.NAME.run.request]] with {id} creates anything (POST, PUT, PATCH)",
            "没有带 {id} 的 [[service.NAME.run.request]] 会创建数据（POST、PUT、PATCH）",
        )));
    }
    let begin = Instant::now();
    let Some((kind, way)) = findable(bench, &writes)? else {
        return Err(Unmade::Missing(Message::new(
            "what is accepted cannot be found again: its {id} is in no path or header of a call to a dependency; write `lookup = \"/…/{key}\"` and `key` into the [[service.NAME.run.request]]",
            "无法再次找到已接受的内容：其 {id} 未出现在对依赖调用的路径或头部；请在 [[service.NAME.run.request]] 中写明 `lookup = \"/…/{key}\"` 与 `key`",
        )));
    };
    let (mut kills, mut marks, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..KILLS {
        // Each request of the n-th number carries an id of its own, which is known from then on.
        let ids: Vec<String> = (0..10_000).map(|_| bench.new_id()).collect();
        let template = bench.asks_of(kind);
        let named = ids.clone();
        let make = move |number: u64| {
            let id = usize::try_from(number).ok().and_then(|number| named.get(number));
            (usize::try_from(number).unwrap_or(usize::MAX), with_id(&template, id.map_or("", String::as_str)))
        };
        let traffic = Traffic::start(bench.address(), RATE.max(bench.run().rate).min(200.0), ANSWER, make)?;
        bench.wait(BEFORE)?;
        let killed = Instant::now();
        bench.halt();
        let sent = traffic.end();
        bench.start()?;
        let up = Instant::now();
        marks.push((killed, up));
        let (kill, shown) = found_again(bench, &way, &sent, &ids)?;
        kills.push(kill);
        all.extend(shown.into_iter().map(|one| Sent { kind, ..one }));
    }
    let mut timeline = bench.timeline(begin, &all);
    for (killed, up) in marks {
        let what = Message::new("killed (signal 9), and started again", "强制杀死（信号 9）并重新启动");
        timeline.mark(Bench::since(begin, killed), Some(Bench::since(begin, up)), what);
    }
    let durability = Durability { kills, found_by: way.name() };
    Ok(Trial::new(Observation::Durability(durability), timeline))
}

fn is_write(bench: &Bench, kind: usize) -> bool {
    let Some(request) = bench.run().requests.get(kind) else { return false };
    let has_id = |text: &String| text.contains("{id}");
    let named = has_id(&request.path) || request.headers.values().any(has_id) || request.body.iter().any(has_id);
    (named || request.lookup.is_some()) && matches!(request.method.as_str(), "POST" | "PUT" | "PATCH")
}

/// How something that was accepted is found.
#[derive(Clone, Debug)]
enum Way {
    /// A path with `{key}` or `{id}`, and where the answer says the key.
    Lookup { path: String, key: Option<String>, headers: Vec<(String, String)> },
    /// Its id is in the path or a header of a call to this dependency.
    Call { dependency: String },
}

impl Way {
    fn name(&self) -> String {
        match self {
            Self::Lookup { path, .. } => format!("GET {path}"),
            Self::Call { dependency } => dependency.clone(),
        }
    }
}

/// Which kind of request leads to something that is found, and how.
fn findable(bench: &Bench, writes: &[usize]) -> Result<Option<(usize, Way)>, Unmade> {
    for kind in writes {
        let Some(request) = bench.run().requests.get(*kind) else { continue };
        if let Some(path) = &request.lookup {
            // Whoever may write may look, and says who it is in the same way.
            let mut headers = bench.asks_of(*kind).headers;
            headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
            let way = Way::Lookup { path: path.clone(), key: request.key.clone(), headers };
            finds(bench, &way, *kind)?;
            return Ok(Some((*kind, way)));
        }
    }
    let names: Vec<String> = bench.dependencies().filter(|(_, http)| *http).map(|(name, _)| name.to_owned()).collect();
    for kind in writes {
        let template = bench.asks_of(*kind);
        let ids: Vec<String> = (0..TRIED).map(|_| bench.new_id()).collect();
        for id in &ids {
            bench.ask(&with_id(&template, id), ANSWER)?;
        }
        for name in &names {
            let all = || ids.iter().all(|id| calls_with(bench, name, std::slice::from_ref(id)).len() == 1);
            let begin = Instant::now();
            loop {
                let before = bench.totals(name).requests;
                if bench.wait_for(SOON, all)? {
                    return Ok(Some((*kind, Way::Call { dependency: name.clone() })));
                }
                if bench.totals(name).requests == before || begin.elapsed() >= BACKLOG {
                    break;
                }
            }
        }
    }
    Ok(None)
}

/// Sees to it that what is accepted is found while nothing is wrong: otherwise the way is.
fn finds(bench: &Bench, way: &Way, kind: usize) -> Result<(), Unmade> {
    let id = bench.new_id();
    let exchange = bench.ask(&with_id(&bench.asks_of(kind), &id), ANSWER)?;
    let begin = Instant::now();
    loop {
        let seen = look_up(bench, way, &id, exchange.reply.as_ref())?;
        if seen.as_ref().is_some_and(|seen| seen.how.good()) {
            return Ok(());
        }
        if begin.elapsed() < SOON {
            bench.wait(Duration::from_millis(250))?;
            continue;
        }
        let status = seen.and_then(|seen| seen.status());
        let said = status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
        let asked = way.name();
        return Err(Unmade::Missing(Message::new(
            format!("what was accepted a moment ago is not found while all is well: {asked} answers {said}"),
            format!("一切正常时也找不到刚刚接受的内容：{asked} 返回 {said}"),
        )));
    }
}

/// Looks for one thing that was accepted; none where its answer did not say what it is called.
fn look_up(bench: &Bench, way: &Way, id: &str, reply: Option<&Reply>) -> Result<Option<Exchange>, BenchError> {
    let Way::Lookup { path, key, headers } = way else { return Ok(None) };
    let Some(path) = looked_up(path, key.as_deref(), id, reply) else { return Ok(None) };
    let request = Ask { headers: headers.clone(), ..Ask::get(&bench.expand(&path)) };
    bench.ask(&with_id(&request, id), ANSWER).map(Some)
}

fn with_id(template: &Ask, id: &str) -> Ask {
    let put = |text: &str| text.replace("{id}", id);
    let body = std::str::from_utf8(&template.body).map(put);
    Ask {
        method: template.method.clone(),
        path: put(&template.path),
        headers: template.headers.iter().map(|(name, value)| (name.clone(), put(value))).collect(),
        body: body.map_or_else(|_| template.body.clone(), Into::into),
    }
}

/// Those of the ids that are in a call to a dependency.
fn calls_with(bench: &Bench, name: &str, ids: &[String]) -> Vec<String> {
    let records = bench.records(name);
    let mut texts: Vec<&str> = Vec::new();
    for request in &records.requests {
        texts.push(&request.head.path);
        texts.extend(request.head.headers.iter().map(|(_, value)| value.as_str()));
    }
    let is_whole = |text: &str, id: &str| {
        text.match_indices(id).any(|(at, _)| {
            !text.get(at + id.len()..).and_then(|rest| rest.chars().next()).is_some_and(|next| next.is_ascii_digit())
        })
    };
    ids.iter().filter(|id| texts.iter().any(|text| is_whole(text, id))).cloned().collect()
}

/// Looks for everything that was accepted; gives the requests back for the picture.
fn found_again(bench: &Bench, way: &Way, sent: &[Sent], ids: &[String]) -> Result<(Kill, Vec<Sent>), BenchError> {
    let mut accepted: BTreeMap<String, Option<Reply>> = BTreeMap::new();
    for one in sent.iter().filter(|one| one.good() && one.exchange.status().is_some_and(|status| status < 300)) {
        if let Some(id) = ids.get(one.kind) {
            accepted.insert(id.clone(), one.exchange.reply.clone());
        }
    }
    let begin = Instant::now();
    // Patience begins anew while a backlog is worked off.
    let (mut called, mut moved) = (0, begin);
    let mut open: Vec<(String, Option<Reply>)> =
        accepted.iter().map(|(id, reply)| (id.clone(), reply.clone())).collect();
    loop {
        match way {
            Way::Call { dependency } => {
                let names: Vec<String> = open.iter().map(|(id, _)| id.clone()).collect();
                let seen = calls_with(bench, dependency, &names);
                open.retain(|(id, _)| !seen.contains(id));
            }
            Way::Lookup { .. } => {
                let mut still = Vec::new();
                for (id, reply) in open {
                    let seen = look_up(bench, way, &id, reply.as_ref())?;
                    if !seen.is_some_and(|seen| seen.how.good()) {
                        still.push((id, reply));
                    }
                }
                open = still;
            }
        }
        if let Way::Call { dependency } = way {
            let calls = bench.totals(dependency).requests;
            if calls != called {
                (called, moved) = (calls, Instant::now());
            }
        }
        if open.is_empty() || moved.elapsed() >= PATIENCE || begin.elapsed() >= PATIENCE + BACKLOG {
            break;
        }
        bench.wait(Duration::from_millis(500))?;
    }
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let kill = Kill {
        sent: count(sent.len()),
        accepted: count(accepted.len()),
        found: count(accepted.len() - open.len()),
        lost: open.iter().rev().take(3).map(|(id, _)| id.clone()).collect(),
        watched_ms: Bench::since(begin, Instant::now()),
    };
    Ok((kill, sent.to_vec()))
}

/// Where something is looked for; none where its answer did not say what it is called.
fn looked_up(path: &str, key: Option<&str>, id: &str, reply: Option<&Reply>) -> Option<String> {
    let path = path.replace("{id}", id);
    let Some(key) = key.filter(|_| path.contains("{key}")) else { return Some(path) };
    let reply = reply?;
    let called = if key.starts_with('/') {
        let document: Value = serde_json::from_slice(&reply.body).ok()?;
        match document.pointer(key)? {
            Value::String(text) => text.clone(),
            other @ (Value::Number(_) | Value::Bool(_)) => other.to_string(),
            _ => return None,
        }
    } else {
        reply.header(key)?.to_owned()
    };
    // A header says the whole address: what follows the host counts.
    let called = called
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)))
        .map_or(called.clone(), str::to_owned);
    Some(path.replace("{key}", &called))
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    #[track_caller]
    fn check(path: &str, key: Option<&str>, body: &str, expect: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert("location", "http://127.0.0.1:8080/orders/9".parse().unwrap());
        let reply = Reply { status: 201, headers, body: body.as_bytes().to_vec() };
        assert_eq!(looked_up(path, key, "g1-5", Some(&reply)).as_deref(), expect);
    }

    #[test]
    fn things_are_called_what_the_answer_or_the_request_calls_them() {
        check("/orders/{id}", None, "", Some("/orders/g1-5"));
        check("/orders/{key}", Some("/data/id"), r#"{"data": {"id": 7}}"#, Some("/orders/7"));
        check("/orders/{key}?of={id}", Some("/id"), r#"{"id": "a"}"#, Some("/orders/a?of=g1-5"));
        check("{key}", Some("location"), "", Some("/orders/9"));
        check("/orders/{key}", Some("/id"), "no json", None);
        check("/orders/{key}", Some("x-id"), "", None);
    }
}
