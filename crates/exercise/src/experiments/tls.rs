//! Presents wrong certificates, and handshakes that do not end, to a service that reaches a dependency over TLS.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{Greeted, Observation, Tls, Trial, Wrongly},
};

use super::{
    Unmade,
    needed::{self, Needed},
};
use crate::{
    bench::{Bench, BenchError, Sent, Survey, ask},
    proxy::{Fault, Greeting},
};

/// An answer may take as long as this where nothing is stated.
const BOUND: Duration = Duration::from_secs(10);

/// What an answer may take beyond the bound: the service's own work.
const SLACK: Duration = Duration::from_millis(500);

/// Requests of each kind, at once.
const ASKED: usize = 2;

/// Calls that a request brings about later may come so long after its answer.
const AFTER: Duration = Duration::from_secs(2);

/// How long a breaker may be open, and how often it is looked at.
const RECOVERY: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

const ALL: [(Wrongly, Greeting); 5] = [
    (Wrongly::Expired, Greeting::Expired),
    (Wrongly::WrongName, Greeting::WrongName),
    (Wrongly::Untrusted, Greeting::Untrusted),
    (Wrongly::Silent, Greeting::Silent),
    (Wrongly::Closed, Greeting::Closed),
];

pub(super) fn trial(bench: &Bench, survey: &Survey) -> Result<Trial, Unmade> {
    if !bench.dependencies().any(|(name, _)| bench.has_tls(name)) {
        return Err(Unmade::NotApplicable(Message::new(
            "no dependency is reached over TLS here: `tls = true`, and {NAME.ca} where the service learns whom to trust",
            "没有通过 TLS 访问的依赖：`tls = true`，并把 {NAME.ca} 告知服务",
        )));
    }
    let needed = needed::http_dependencies(bench, survey)?;
    let begin = Instant::now();
    let (mut greeted, mut marks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for one in needed.iter().filter(|one| bench.has_tls(&one.name)) {
        for (wrongly, greeting) in ALL {
            let from = Instant::now();
            let injected = bench.inject(&one.name, Fault::Tls(greeting))?;
            let (found, all) = greet(bench, survey, one, wrongly)?;
            drop(injected);
            greeted.push(found);
            sent.extend(all);
            let Message { en, zh } = wrongly.words();
            let name = &one.name;
            marks.push((from, Instant::now(), Message::new(format!("{name} {en}"), format!("{name} {zh}"))));
            recovered(bench, one)?;
        }
    }
    if greeted.is_empty() {
        return Err(Unmade::no_request_needs_one());
    }
    let mut timeline = bench.timeline(begin, &sent);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Tls(Tls { greeted }), timeline))
}

fn greet(
    bench: &Bench,
    survey: &Survey,
    Needed { name, kinds, .. }: &Needed,
    wrongly: Wrongly,
) -> Result<(Greeted, Vec<Sent>), BenchError> {
    let bound = bench.dependency(name).and_then(|plan| plan.bound).unwrap_or(BOUND);
    let (begin, longest, address) = (Instant::now(), bound + SLACK, bench.address());
    let before = bench.totals(name).connections;
    let users = kinds.iter().flat_map(|kind| std::iter::repeat_n(*kind, ASKED)).map(|kind| {
        let request = bench.request(kind);
        (kind, thread::spawn(move || ask(address, &request, longest)))
    });
    let mut sent = Vec::new();
    for (kind, user) in users.collect::<Vec<_>>() {
        let exchange = user.join().map_err(|_| std::io::Error::other("a user broke down"))??;
        sent.push(Sent { kind, exchange });
    }
    let connections = || bench.totals(name).connections - before;
    if kinds.iter().any(|kind| survey.later(name, *kind)) {
        bench.wait_for(AFTER, || connections() > 0)?;
        bench.wait(PAUSE)?;
    }
    // Whatever came on such a connection was sent to somebody else, on whose account ever.
    let calls: BTreeSet<String> = bench
        .calls_since(name, begin)
        .iter()
        .map(|call| format!("{} {}", call.head.method, call.head.path.split('?').next().unwrap_or_default()))
        .collect();
    let answered = sent.iter().filter(|one| one.exchange.status().is_some()).count();
    let wait = sent.iter().map(|one| one.exchange.took()).max().unwrap_or_default();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let greeted = Greeted {
        dependency: name.clone(),
        wrongly,
        connections: connections(),
        calls: calls.into_iter().take(5).collect(),
        bound_ms: milliseconds(bound),
        asked: count(sent.len()),
        in_time: count(answered),
        wait_ms: milliseconds(wait),
    };
    Ok((greeted, sent))
}

/// A breaker that opened would hide the next greeting.
fn recovered(bench: &Bench, Needed { name, kinds, .. }: &Needed) -> Result<(), BenchError> {
    bench.wait_for(RECOVERY, || {
        let begin = Instant::now();
        let good = |kind: &usize| bench.ask(&bench.request(*kind), BOUND).is_ok_and(|exchange| exchange.how.good());
        let well = kinds.iter().all(good);
        thread::sleep(PAUSE);
        well && !bench.calls_since(name, begin).is_empty()
    })?;
    Ok(())
}
