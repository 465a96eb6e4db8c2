//! Sends a trace with each request and looks for it at the dependencies and in the log lines.

use std::time::{Duration, Instant};

use gonogo_domain::exercise::{Observation, Traced, TracedCalls, Tracing, Trial};

use super::{
    Unmade,
    listen::{LATER, Listening, Unique, ask, name, timeline},
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
    if names.is_empty() {
        return Err(Unmade::no_http_dependency());
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
    Ok(Trial::new(Observation::Tracing(tracing), timeline(bench, begin)))
}

fn traced(
    bench: &mut Bench,
    survey: &Survey,
    kind: usize,
    names: &[String],
    unique: &mut Unique,
) -> Result<Traced, BenchError> {
    let listening = Listening::begin(bench);
    let from = Instant::now();
    let mut sent = Vec::new();
    for _ in 0..ASKED {
        let (_, trace) = unique.uuid();
        let span = format!("{:016x}", unique.next());
        let mut request = bench.request(kind);
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("traceparent"));
        ask(bench, &request.with("traceparent", &format!("00-{trace}-{span}-01")))?;
        bench.wait(AFTER)?;
        sent.push(Trace { trace, span });
    }
    let mut calls = Vec::new();
    for name in names {
        let shapes = survey.shapes(name, &[kind]);
        let parents = || -> Vec<Option<Parent>> {
            let all = bench.calls_since(name, from);
            let of_kind = all.iter().filter(|one| shapes.contains(&shape(one)));
            of_kind.map(|one| one.header("traceparent").and_then(Parent::read)).collect()
        };
        let later = survey.later(name, kind);
        if later {
            bench.wait_for(LATER, || {
                let parents = parents();
                sent.iter().all(|trace| parents.iter().flatten().any(|parent| parent.trace == trace.trace))
            })?;
        }
        calls.extend(counted(name, &parents(), &sent, later));
    }
    let holds = |lines: &[String], sent: &Trace| lines.iter().any(|line| line.contains(sent.trace.as_str()));
    let lines = listening.lines(bench, |lines| sent.iter().all(|trace| holds(lines, trace)))?;
    let logged =
        lines.map(|lines| u64::try_from(sent.iter().filter(|trace| holds(&lines, trace)).count()).unwrap_or_default());
    Ok(Traced { request: name(bench, kind), sent: u64::try_from(ASKED).unwrap_or_default(), calls, logged })
}

/// What a request was sent with.
struct Trace {
    trace: String,
    span: String,
}

/// Counts the calls to a dependency by the trace that they carry.
///
/// Where calls come after the answer, those of another trace may be work that was accepted earlier. They say nothing, as
/// long as requests of ours are seen at all.
fn counted(dependency: &str, parents: &[Option<Parent>], sent: &[Trace], later: bool) -> Option<TracedCalls> {
    let ours = |parent: &Parent| sent.iter().find(|trace| trace.trace == parent.trace);
    let seen = parents.iter().flatten().any(|parent| ours(parent).is_some());
    let mut counted = TracedCalls { dependency: dependency.to_owned(), calls: 0, same_trace: 0, same_span: 0 };
    for parent in parents {
        let request = parent.as_ref().and_then(ours);
        if later && seen && parent.is_some() && request.is_none() {
            continue;
        }
        counted.calls += 1;
        counted.same_trace += u64::from(request.is_some());
        counted.same_span +=
            u64::from(request.is_some_and(|sent| parent.as_ref().is_some_and(|one| one.span == sent.span)));
    }
    (counted.calls > 0).then_some(counted)
}

/// A `traceparent` header of W3C Trace Context, version 00 or one that is to come.
#[derive(Debug, PartialEq, Eq)]
struct Parent {
    trace: String,
    span: String,
}

impl Parent {
    fn read(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let nothing = |text: &str| text.bytes().all(|byte| byte == b'0');
        let valid = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
        (valid && !nothing(trace) && !nothing(span)).then(|| Self { trace: trace.to_owned(), span: span.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: bool) {
        assert_eq!(Parent::read(header).is_some(), expect, "{header}");
    }

    #[track_caller]
    fn check_counted(traces: &[&str], later: bool, expect: Option<[u64; 2]>) {
        let parent =
            |trace: &&str| (!trace.is_empty()).then(|| Parent { trace: (*trace).to_owned(), span: "s".to_owned() });
        let parents: Vec<Option<Parent>> = traces.iter().map(parent).collect();
        let sent = ["a", "b"].map(|trace| Trace { trace: trace.to_owned(), span: "caller".to_owned() });
        let found = counted("crm", &parents, &sent, later);
        assert_eq!(found.map(|one| [one.calls, one.same_trace]), expect);
    }

    #[test]
    fn a_call_of_earlier_work_is_told_from_one_that_lost_its_trace() {
        check_counted(&["a", "b", "a"], false, Some([3, 3]));
        check_counted(&["a", "other"], false, Some([2, 1]));
        check_counted(&["a", "other"], true, Some([1, 1]));
        check_counted(&["a", ""], true, Some([2, 1]));
        check_counted(&["other", "other"], true, Some([2, 0]));
        check_counted(&[], true, None);
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
