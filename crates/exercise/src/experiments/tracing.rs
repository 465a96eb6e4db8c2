//! Sends a trace with each request and looks for it at the dependencies and in the log lines.

use std::time::{Duration, Instant};

use gonogo_domain::exercise::{Observation, Traced, TracedCalls, Tracing, Trial};

use super::{
    Unmade,
    listen::{Listening, Unique, ask, name, timeline},
};
use crate::bench::{Bench, BenchError, Survey, shape};

/// Requests of each kind.
const ASKED: usize = 4;

/// So many kinds of requests are looked at.
const KINDS: usize = 6;

/// How long calls that a request causes may come after its answer.
const AFTER: Duration = Duration::from_millis(400);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let names: Vec<String> = bench.dependencies().filter(|(_, http)| *http).map(|(name, _)| name.to_owned()).collect();
    if bench.run().dependencies.is_empty() {
        return Err(Unmade::no_dependency());
    }
    let mut kinds: Vec<usize> = names.iter().flat_map(|name| survey.needing(name)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return Err(Unmade::no_request_needs_one());
    }
    let begin = Instant::now();
    let mut unique = Unique::new(bench);
    let mut requests = Vec::new();
    for kind in kinds.into_iter().take(KINDS) {
        requests.push(traced(bench, survey, kind, &names, &mut unique)?);
    }
    let tracing = Tracing { requests };
    Ok(Trial { observation: Observation::Tracing(tracing), timeline: timeline(bench, begin) })
}

fn traced(
    bench: &mut Bench,
    survey: &Survey,
    kind: usize,
    names: &[String],
    unique: &mut Unique,
) -> Result<Traced, BenchError> {
    let listening = Listening::begin(bench);
    let mut calls: Vec<TracedCalls> = Vec::new();
    let mut traces = Vec::new();
    for _ in 0..ASKED {
        let (_, trace) = unique.uuid();
        let span = format!("{:016x}", unique.next());
        let from = Instant::now();
        let mut request = bench.request(kind);
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("traceparent"));
        ask(bench, &request.with("traceparent", &format!("00-{trace}-{span}-01")))?;
        bench.wait(AFTER)?;
        for name in names {
            let shapes = survey.shapes(name, &[kind]);
            for call in bench.calls_since(name, from).iter().filter(|one| shapes.contains(&shape(one))) {
                let seen = call.header("traceparent").and_then(Parent::read);
                let place = calls.iter().position(|one| one.dependency == *name).unwrap_or(calls.len());
                if place == calls.len() {
                    let dependency = name.clone();
                    calls.push(TracedCalls { dependency, calls: 0, same_trace: 0, same_span: 0 });
                }
                let Some(entry) = calls.get_mut(place) else { continue };
                let same_trace = seen.as_ref().is_some_and(|parent| parent.trace == trace);
                entry.calls += 1;
                entry.same_trace += u64::from(same_trace);
                entry.same_span += u64::from(same_trace && seen.is_some_and(|parent| parent.span == span));
            }
        }
        traces.push(trace);
    }
    let holds = |lines: &[String], trace: &String| lines.iter().any(|line| line.contains(trace.as_str()));
    let lines = listening.lines(bench, |lines| traces.iter().all(|trace| holds(lines, trace)))?;
    let logged = lines
        .map(|lines| u64::try_from(traces.iter().filter(|trace| holds(&lines, trace)).count()).unwrap_or_default());
    Ok(Traced { request: name(bench, kind), sent: u64::try_from(ASKED).unwrap_or_default(), calls, logged })
}

/// A `traceparent` header of W3C Trace Context, version 00 or one that is to come.
#[derive(Debug, PartialEq, Eq)]
struct Parent<'a> {
    trace: &'a str,
    span: &'a str,
}

impl<'a> Parent<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let nothing = |text: &str| text.bytes().all(|byte| byte == b'0');
        let valid = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
        (valid && !nothing(trace) && !nothing(span)).then_some(Self { trace, span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: bool) {
        assert_eq!(Parent::read(header).is_some(), expect, "{header}");
    }

    #[test]
    fn only_a_valid_header_names_a_trace() {
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-new", true);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", false);
        check("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("0af7651916cd43dd8448eb211c80319c", false);
    }
}
