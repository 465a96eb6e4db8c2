//! Lets a dependency answer in each way that has a meaning of its own, and looks at what the service makes of it.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Given, Observation, StatusCase, Statuses, Trial},
};

use super::{
    Unmade,
    calls::{self, BETWEEN, Calls, RETRY_AFTER},
    needed,
};
use crate::{
    bench::{Bench, BenchError, Sent, Survey},
    proxy::{Break, Fault, Injected, RetryAfter, Which},
};

/// An answer to a user is waited for as long as this.
const ANSWER: Duration = Duration::from_secs(10);

/// After this long without a call no other one is expected. The first wait of a retry is shorter in every library.
const QUIET: Duration = Duration::from_millis(1200);

/// How long it may take until calls are as usual again.
const RECOVERY: Duration = Duration::from_secs(20);

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
    for needed in &needed {
        let name = &needed.name;
        let (reading, changing) = Calls::chosen(survey, needed);
        for wanted in reading.iter().chain(&changing) {
            for given in ALL {
                let from = Instant::now();
                let Some(injected) = inject(bench, name, given)? else { continue };
                cases.push(case(bench, wanted, given, &mut sent)?);
                drop(injected);
                let words = given.words();
                let what = Message::new(format!("{name} answers {words}"), format!("{name} 返回 {words}"));
                marks.push((from, Instant::now(), what));
                recovered(bench, wanted, &mut sent)?;
            }
        }
    }
    if cases.is_empty() {
        return Err(calls::none_before_the_answer());
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Statuses(Statuses { cases }), timeline))
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

fn case(bench: &Bench, wanted: &Calls<'_>, given: Given, sent: &mut Vec<Sent>) -> Result<StatusCase, BenchError> {
    let request = bench.request(wanted.kind);
    let exchange = bench.ask(&request, ANSWER)?;
    let from = exchange.sent;
    let quiet = match given {
        Given::Limited(seconds) => QUIET + Duration::from_secs(u64::from(seconds)),
        _ => QUIET,
    };
    bench.wait_for(ANSWER, || {
        let now = Instant::now().saturating_duration_since(bench.clock().zero);
        let last = wanted.since(bench, from).last().map_or_else(Duration::default, |call| call.came);
        let last = last.max(exchange.ended.saturating_duration_since(bench.clock().zero));
        now.saturating_sub(last) >= quiet
    })?;
    let calls = wanted.since(bench, from);
    let credentials = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let of_user =
        credentials.is_some_and(|(_, value)| calls.iter().any(|call| call.header("authorization") == Some(value)));
    let first = calls.first().map(|call| call.came).unwrap_or_default();
    let case = StatusCase {
        dependency: wanted.name.to_owned(),
        request: wanted.request(bench),
        given,
        of_user,
        answers: vec![exchange.status()],
        calls: vec![calls.iter().map(|call| calls::kept(call, first)).collect()],
    };
    sent.push(Sent { kind: wanted.kind, exchange });
    Ok(case)
}

/// Until requests reach the dependency again.
fn recovered(bench: &Bench, wanted: &Calls<'_>, sent: &mut Vec<Sent>) -> Result<(), BenchError> {
    let until = Instant::now() + RECOVERY;
    let mut good = 0;
    while good < BETWEEN && Instant::now() < until {
        let exchange = bench.ask(&bench.request(wanted.kind), ANSWER)?;
        let from = exchange.sent;
        let well = exchange.how.good() && bench.wait_for(QUIET, || !wanted.since(bench, from).is_empty())?;
        good = if well { good + 1 } else { 0 };
        sent.push(Sent { kind: wanted.kind, exchange });
    }
    Ok(())
}
