//! Sends requests that are wrong in every way, and good ones behind them.

use std::{collections::BTreeMap, time::Duration, time::Instant};

use bytes::Bytes;
use gonogo_domain::exercise::{ErrorCase, Errors, Observation, Trial, Wrong};
use serde_json::Value;

use super::{
    Unmade,
    internals::inside,
    listen::{ANSWER, timeline},
};
use crate::{
    bench::{Ask, Bench, BenchError, Exchange, Survey, ask_both},
    load::Reply,
};

/// Levels of a document that no reader should follow.
const DEEP: usize = 100_000;

/// What is larger than any body of a request with an id.
const LARGE: usize = 12 << 20;

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let begin = Instant::now();
    let kinds = survey.good();
    // Made anew each time: what was accepted once may be refused when it comes again.
    let good = kinds.first().map(|kind| || bench.request(*kind));
    let mut cases = Vec::new();
    for (wrong, request) in wrong_requests(bench, &kinds) {
        cases.extend(case(bench, wrong, &request, good.as_ref())?);
    }
    let errors = Errors { cases, pages: speaks_pages(bench, &kinds)? };
    Ok(Trial::new(Observation::Errors(errors), timeline(bench, begin)))
}

/// Whether good answers are pages for people, and none is a document for programs.
fn speaks_pages(bench: &Bench, kinds: &[usize]) -> Result<bool, BenchError> {
    let mut types = Vec::new();
    for kind in kinds {
        let reply = bench.ask(&bench.request(*kind), ANSWER)?.reply;
        types.extend(reply.and_then(|reply| reply.header("content-type").map(str::to_ascii_lowercase)));
    }
    Ok(types.iter().any(|kind| kind.contains("html")) && !types.iter().any(|kind| kind.contains("json")))
}

/// Headers that say who asks and what is accepted, but not what is sent.
fn headers(request: &Ask) -> Vec<(String, String)> {
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
    }
    headers
}

fn wrong_requests(bench: &Bench, kinds: &[usize]) -> Vec<(Wrong, Ask)> {
    let requests: Vec<Ask> = kinds.iter().map(|kind| bench.request(*kind)).collect();
    let usual = requests.first().map(headers).unwrap_or_default();
    let get = |path: &str| Ask { headers: usual.clone(), ..Ask::get(path) };
    let mut all =
        vec![(Wrong::Route, get("/gonogo-asks-for-what-is-not-there")), (Wrong::Escape, get("/gonogo-%zz-%"))];
    if let Some(request) = requests.first() {
        let taken: Vec<&str> =
            requests.iter().filter(|one| one.path == request.path).map(|one| one.method.as_str()).collect();
        let unused = ["PATCH", "PUT", "DELETE"].into_iter().find(|method| !taken.contains(method));
        if let Some(method) = unused {
            all.push((
                Wrong::Method,
                Ask { method: method.to_owned(), headers: headers(request), ..Ask::get(&request.path) },
            ));
        }
    }
    let takes_json = |request: &&Ask| serde_json::from_slice::<Value>(&request.body).is_ok_and(|body| body.is_object());
    let Some(request) = requests.iter().find(takes_json) else { return all };
    let of = |kind: &str, body: Bytes| {
        let mut headers = headers(request);
        headers.push(("content-type".to_owned(), kind.to_owned()));
        Ask { headers, body, ..request.clone() }
    };
    let json = |body: Bytes| of("application/json", body);
    let deep = format!("{{\"gonogo\":{}{}}}", "[".repeat(DEEP), "]".repeat(DEEP));
    all.extend([
        (Wrong::MalformedJson, json(Bytes::from_static(b"{\"gonogo\": "))),
        (Wrong::ContentType, of("text/plain", request.body.clone())),
        (Wrong::EmptyBody, json(Bytes::new())),
        (Wrong::Type, json(Bytes::from_static(b"[1]"))),
        (Wrong::Text, json(Bytes::from_static(b"{\"gonogo\": \"\xff\xfe\"}"))),
        (Wrong::DeepJson, json(deep.into())),
        (Wrong::LargeBody, json(format!("{{\"gonogo\":\"{}\"}}", "a".repeat(LARGE)).into())),
    ]);
    all
}

/// How one wrong request went; none where too much was answered to tell.
fn case(
    bench: &Bench,
    wrong: Wrong,
    request: &Ask,
    good: Option<&impl Fn() -> Ask>,
) -> Result<Option<ErrorCase>, BenchError> {
    let (mut exchange, mut then) = tried(bench, request, good)?;
    // Who closes the connection while a large body still comes may take the answer with it: that is the network's.
    let lost = |exchange: &Exchange| exchange.status().is_none() && wrong == Wrong::LargeBody;
    if exchange.status() == Some(429) || lost(&exchange) {
        bench.wait(Duration::from_secs(1))?;
        (exchange, then) = tried(bench, request, good)?;
    }
    let reply = exchange.reply.as_ref();
    // No more of an answer is kept: what is cut cannot be read.
    if reply.is_some_and(|reply| reply.body.len() >= 1 << 20) {
        return Ok(None);
    }
    Ok(Some(ErrorCase {
        wrong,
        request: format!("{} {}", request.method, request.path),
        status: exchange.status(),
        content_type: reply.and_then(|reply| reply.header("content-type")).map(str::to_owned),
        shape: reply.and_then(shape),
        inside: reply.and_then(|reply| inside(&reply.text())),
        goes_on: then.is_none_or(|then| then.how.good()),
    }))
}

/// The request, and a good one on the same connection, else on a new one.
fn tried(
    bench: &Bench,
    request: &Ask,
    good: Option<&impl Fn() -> Ask>,
) -> Result<(Exchange, Option<Exchange>), BenchError> {
    let Some(good) = good else { return Ok((bench.ask(request, ANSWER)?, None)) };
    let (exchange, then) = ask_both(bench.address(), request, &good(), ANSWER)?;
    if then.how.good() {
        return Ok((exchange, Some(then)));
    }
    // A server may close a connection at any time; whoever comes anew is to be answered.
    bench.wait(Duration::from_millis(200))?;
    let again = bench.ask(&good(), ANSWER)?;
    Ok((exchange, Some(again)))
}

/// The members of a JSON object and of the objects in it, with their types.
fn shape(reply: &Reply) -> Option<BTreeMap<String, String>> {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(&reply.body) else { return None };
    let mut shape = BTreeMap::new();
    for (name, value) in &members {
        shape.insert(name.clone(), kind(value));
        for (inner, value) in value.as_object().into_iter().flatten() {
            shape.insert(format!("{name}.{inner}"), kind(value));
        }
    }
    Some(shape)
}

fn kind(value: &Value) -> String {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: Option<&[(&str, &str)]>) {
        let reply = Reply { status: 400, headers: hyper::HeaderMap::new(), body: body.as_bytes().to_vec() };
        let expect =
            expect.map(|all| all.iter().map(|(path, kind)| ((*path).to_owned(), (*kind).to_owned())).collect());
        assert_eq!(shape(&reply), expect);
    }

    #[test]
    fn the_shape_of_an_error_has_two_levels() {
        check(
            r#"{"error": {"code": "a", "details": [{"b": 1}]}, "id": null}"#,
            Some(&[("error", "object"), ("error.code", "string"), ("error.details", "array"), ("id", "null")]),
        );
        check("\"not found\"", None);
        check("<html>", None);
    }
}
