//! Lets a dependency answer in each way that has a meaning of its own, and looks at what the service makes of it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Call, Given, Observation, StatusCase, Statuses, Trial},
};

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Sent, Shape, Survey, shape},
    proxy::{Break, Fault, Injected, Request, RetryAfter, Which},
};

/// An answer to a user is waited for as long as this.
const ANSWER: Duration = Duration::from_secs(10);

/// After this long without a call no other one is expected. The first wait of a retry is shorter in every library.
const QUIET: Duration = Duration::from_millis(1200);

/// What the dependency asks to wait, in seconds.
const RETRY_AFTER: u32 = 2;

/// How long it may take until calls are as usual again.
const RECOVERY: Duration = Duration::from_secs(20);

/// Good requests between two that fail, so that a breaker stays closed.
const BETWEEN: usize = 4;

/// Headers that make a call one that may be repeated.
const KEYS: &[&str] = &["idempotency-key", "x-idempotency-key", "x-request-key"];

/// What no second try changes comes first: it leaves nothing behind that is tried later.
const ALL: [Given; 9] = [
    Given::Refused(401),
    Given::Refused(402),
    Given::Refused(403),
    Given::Refused(404),
    Given::Refused(422),
    Given::Pending,
    Given::Partial,
    Given::Failed,
    Given::Limited(RETRY_AFTER),
];

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let needed = needed::http_dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut cases, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for Needed { name, kinds, .. } in &needed {
        for kind in chosen(survey, name, kinds) {
            let wanted = Wanted { name, kind, shapes: survey.shapes(name, &[kind]) };
            for given in ALL {
                let from = Instant::now();
                let Some(injected) = inject(bench, name, given)? else { continue };
                cases.push(wanted.case(bench, given, &mut sent)?);
                drop(injected);
                let words = given.words();
                let what = Message::new(format!("{name} answers {words}"), format!("{name} 返回 {words}"));
                marks.push((from, Instant::now(), what));
                wanted.recovered(bench, &mut sent)?;
            }
        }
    }
    if cases.is_empty() {
        return Err(Unmade::Missing(Message::new(
            "calls come after the answers: which request one belongs to, and whether it is repeated, cannot be told",
            "调用发生在响应之后：无法判断属于哪个请求、是否重复",
        )));
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial { observation: Observation::Statuses(Statuses { cases }), timeline })
}

/// One kind of request that reads and one that changes something: others take the same ways out. Work that is done later
/// cannot be told from what was left of earlier requests.
fn chosen(survey: &Survey, name: &str, kinds: &[usize]) -> BTreeSet<usize> {
    let kinds: Vec<usize> = kinds.iter().copied().filter(|kind| !survey.later(name, *kind)).collect();
    let changes = |kind: &usize| survey.shapes(name, &[*kind]).iter().any(|(method, _)| method == "POST");
    let reading = kinds.iter().copied().find(|kind| !changes(kind));
    reading.into_iter().chain(kinds.iter().copied().find(changes)).collect()
}

/// Puts it in force; none where it is not known how this dependency says it.
fn inject(bench: &Bench, name: &str, given: Given) -> Result<Option<Vec<Injected>>, BenchError> {
    let message = |text: &str| format!("{{\"message\": \"{text}\"}}");
    let everywhere = "*".to_owned();
    let written = match given {
        Given::Partial => {
            let partial = bench.dependency(name).map(|plan| plan.partial.as_slice()).unwrap_or_default();
            let all = partial.iter().map(|one| (one.path.clone(), one.status, None, bench.expand(&one.body)));
            all.collect()
        }
        Given::Refused(status) => vec![(everywhere, status, None, message("refused"))],
        Given::Pending => vec![(everywhere, 202, None, "{\"status\": \"in_progress\"}".to_owned())],
        Given::Failed => vec![(everywhere, 500, None, message("failed"))],
        Given::Limited(seconds) => {
            vec![(everywhere, 429, Some(RetryAfter::Seconds(seconds)), message("too many requests"))]
        }
    };
    let faults = written.into_iter().map(|(path, code, retry_after, body)| {
        let answer = Break::Written { path, code, retry_after, body };
        bench.inject(name, Fault::Http { which: Which::All, answer })
    });
    let injected = faults.collect::<Result<Vec<_>, _>>()?;
    Ok(if injected.is_empty() { None } else { Some(injected) })
}

/// Which calls are looked at.
struct Wanted<'a> {
    name: &'a str,
    kind: usize,
    /// The service calls on its own account too.
    shapes: BTreeSet<Shape>,
}

impl Wanted<'_> {
    fn case(&self, bench: &Bench, given: Given, sent: &mut Vec<Sent>) -> Result<StatusCase, BenchError> {
        let mut case = StatusCase {
            dependency: self.name.to_owned(),
            request: bench.run().requests.get(self.kind).map(gonogo_domain::RunRequest::name).unwrap_or_default(),
            given,
            of_user: false,
            answers: Vec::new(),
            calls: Vec::new(),
        };
        let request = bench.request(self.kind);
        let exchange = bench.ask(&request, ANSWER)?;
        let from = exchange.sent;
        let quiet = match given {
            Given::Limited(seconds) => QUIET + Duration::from_secs(u64::from(seconds)),
            _ => QUIET,
        };
        bench.wait_for(ANSWER, || {
            let now = Instant::now().saturating_duration_since(bench.clock().zero);
            let last = self.calls(bench, from).last().map_or_else(Duration::default, |call| call.came);
            let last = last.max(exchange.ended.saturating_duration_since(bench.clock().zero));
            now.saturating_sub(last) >= quiet
        })?;
        let calls = self.calls(bench, from);
        let credentials = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        case.of_user =
            credentials.is_some_and(|(_, value)| calls.iter().any(|call| call.header("authorization") == Some(value)));
        let first = calls.first().map(|call| call.came).unwrap_or_default();
        let call = |one: &Request| Call {
            at_ms: u64::try_from(one.came.saturating_sub(first).as_millis()).unwrap_or(u64::MAX),
            method: one.head.method.to_string(),
            path: one.head.path.split('?').next().unwrap_or_default().to_owned(),
            keyed: KEYS.iter().any(|key| one.header(key).is_some()),
        };
        case.calls.push(calls.iter().map(call).collect());
        case.answers.push(exchange.status());
        sent.push(Sent { kind: self.kind, exchange });
        Ok(case)
    }

    fn calls(&self, bench: &Bench, from: Instant) -> Vec<Request> {
        let mut calls = bench.calls_since(self.name, from);
        calls.retain(|call| self.shapes.contains(&shape(call)));
        calls
    }

    /// Until requests reach the dependency again.
    fn recovered(&self, bench: &Bench, sent: &mut Vec<Sent>) -> Result<(), BenchError> {
        let until = Instant::now() + RECOVERY;
        let mut good = 0;
        while good < BETWEEN && Instant::now() < until {
            let exchange = bench.ask(&bench.request(self.kind), ANSWER)?;
            let from = exchange.sent;
            let well = exchange.how.good() && bench.wait_for(QUIET, || !self.calls(bench, from).is_empty())?;
            good = if well { good + 1 } else { 0 };
            sent.push(Sent { kind: self.kind, exchange });
        }
        Ok(())
    }
}
