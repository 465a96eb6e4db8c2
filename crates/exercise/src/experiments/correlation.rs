//! Sends ids with requests and looks for them in answers, lines and calls to dependencies.

use std::{thread, time::Duration, time::Instant};

use gonogo_domain::exercise::{Absurd, AbsurdId, Correlated, Correlation, Observation, Passed, Together, Trial};

use super::{
    Unmade,
    listen::{ANSWER, LATER, Listening, Unique, ask, name, timeline},
    needed::some_good,
};
use crate::{
    bench::{Ask, Bench, BenchError, Exchange, Survey, ask as ask_at, shape},
    load::Reply,
    proxy::{Delay, Fault, Request},
};

/// So many kinds of requests are looked at.
const KINDS: usize = 6;

/// So many requests are under way at the same time.
const TOGETHER: usize = 6;

/// Answers of dependencies are this late then, so that all of them wait for one.
const OVERLAP: Duration = Duration::from_millis(200);

const LONG: usize = 4096;

/// What tells a request from all others: the id that it carries, and its trace.
#[derive(Clone)]
struct Id {
    id: String,
    trace: String,
}

/// Which of the two a service goes by: the one that it gives back.
#[derive(Clone, Copy)]
enum By {
    Id,
    Trace,
    Either,
}

impl Id {
    fn new(unique: &mut Unique) -> Self {
        let ((id, _), (_, trace)) = (unique.uuid(), unique.uuid());
        Self { id, trace }
    }

    fn is_in(&self, text: &str, by: By) -> bool {
        match by {
            By::Id => text.contains(&self.id),
            By::Trace => text.contains(&self.trace),
            By::Either => text.contains(&self.id) || text.contains(&self.trace),
        }
    }

    fn put_into(&self, request: Ask) -> Ask {
        let parent = format!("00-{}-{}-01", self.trace, self.trace.get(..16).unwrap_or_default());
        with_id(request, &self.id).with("traceparent", &parent)
    }

    /// Where the answer gives one of them back, and which.
    fn echoed(&self, reply: &Reply) -> Option<(String, By)> {
        let place = |by: By| {
            let mut headers = reply.headers.iter();
            let header = headers.find(|(_, value)| value.to_str().is_ok_and(|value| self.is_in(value, by)));
            let header = header.map(|(name, _)| name.as_str().to_owned());
            let place = header.or_else(|| self.is_in(&reply.text(), by).then(|| "body".to_owned()))?;
            Some((place, by))
        };
        place(By::Id).or_else(|| place(By::Trace))
    }

    fn lines(&self, lines: &[String], by: By) -> u64 {
        count(lines.iter().filter(|line| self.is_in(line, by)))
    }

    /// A dependency may be told of either.
    fn is_at(&self, request: &Request) -> bool {
        let headers = request.head.headers.iter();
        headers.map(|(_, value)| value).chain([&request.head.path]).any(|text| self.is_in(text, By::Either))
    }
}

fn with_id(mut request: Ask, id: &str) -> Ask {
    const NAMES: [&str; 2] = ["x-request-id", "x-correlation-id"];
    request.headers.retain(|(name, _)| !NAMES.iter().any(|other| name.eq_ignore_ascii_case(other)));
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("traceparent"));
    NAMES.iter().fold(request, |request, name| request.with(name, id))
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let kinds = some_good(survey)?;
    let begin = Instant::now();
    let mut unique = Unique::new(bench);
    let mut requests = Vec::new();
    // Those that call somebody say most.
    let mut order = kinds.clone();
    order.sort_by_key(|kind| http_dependencies(bench, survey, *kind).is_empty());
    for kind in order.iter().take(KINDS) {
        requests.push(alone(bench, survey, *kind, &mut unique)?);
    }
    let together = match order.first().zip(requests.first()) {
        Some((kind, (alone, by))) => Some(together(bench, survey, *kind, (alone, *by), &mut unique)?),
        None => None,
    };
    let mut absurd = Vec::new();
    if let Some(kind) = order.first() {
        let escaped = format!(r#"gng-{}\r\n{{"level":"fatal"}}"#, unique.next());
        for (id, value) in [(AbsurdId::Long, "a".repeat(LONG)), (AbsurdId::Escaped, escaped)] {
            absurd.push(absurd_id(bench, *kind, id, &value)?);
        }
    }
    let requests = requests.into_iter().map(|(request, _)| request).collect();
    let correlation = Correlation { requests, together, absurd };
    Ok(Trial::new(Observation::Correlation(correlation), timeline(bench, begin)))
}

/// The dependencies whose requests can be read, and that a kind of request needs.
fn http_dependencies(bench: &Bench, survey: &Survey, kind: usize) -> Vec<String> {
    let called = |name: &str| survey.uses.get(kind).is_some_and(|one| one.calls.contains_key(name));
    let all = bench.dependencies().filter(|(name, http)| *http && called(name));
    all.map(|(name, _)| name.to_owned()).collect()
}

/// The calls of a kind of request to a dependency from this moment on.
fn calls(bench: &Bench, survey: &Survey, kind: usize, dependency: &str, from: Instant) -> Vec<Request> {
    let shapes = survey.shapes(dependency, &[kind]);
    bench.calls_since(dependency, from).into_iter().filter(|one| shapes.contains(&shape(one))).collect()
}

fn alone(bench: &mut Bench, survey: &Survey, kind: usize, unique: &mut Unique) -> Result<(Correlated, By), BenchError> {
    let id = Id::new(unique);
    let names = http_dependencies(bench, survey, kind);
    let from = Instant::now();
    let listening = Listening::begin(bench);
    let exchange = ask(bench, &id.put_into(bench.request(kind)))?;
    let echoed = exchange.reply.as_ref().and_then(|reply| id.echoed(reply));
    let by = echoed.as_ref().map_or(By::Either, |(_, by)| *by);
    let lines = listening.lines(bench, |lines| id.lines(lines, by) > 0)?;
    // Of whoever prints nothing at all, the lines go elsewhere.
    let prints = bench.process().is_some_and(|process| !process.output().since(0).is_empty());
    let lines = lines.filter(|_| prints);
    let mut passed = Vec::new();
    for dependency in names {
        let with_id = || count(calls(bench, survey, kind, &dependency, from).iter().filter(|one| id.is_at(one)));
        let later = survey.later(&dependency, kind);
        if later {
            bench.wait_for(LATER, || with_id() > 0)?;
        }
        let (with_id, all) = (with_id(), count(calls(bench, survey, kind, &dependency, from).iter()));
        // Where calls come after the answer, those without our id may be work that was accepted earlier.
        let calls = if later && with_id > 0 { with_id } else { all };
        passed.push(Passed { calls, with_id, dependency });
    }
    let correlated = Correlated {
        request: name(bench, kind),
        echoed: echoed.map(|(place, _)| place),
        lines: lines.map(|lines| id.lines(&lines, by)),
        passed,
    };
    Ok((correlated, by))
}

fn together(
    bench: &mut Bench,
    survey: &Survey,
    kind: usize,
    (alone, by): (&Correlated, By),
    unique: &mut Unique,
) -> Result<Together, BenchError> {
    let ids: Vec<Id> = (0..TOGETHER).map(|_| Id::new(unique)).collect();
    let names = http_dependencies(bench, survey, kind);
    let from = Instant::now();
    let delay = Delay { base: OVERLAP, jitter: Duration::ZERO };
    let slowed = names
        .iter()
        .map(|name| bench.inject(name, Fault::Latency { to_dependency: Delay::default(), to_service: delay }))
        .collect::<Result<Vec<_>, BenchError>>()?;
    let listening = Listening::begin(bench);
    let address = bench.address();
    let waiting: Vec<thread::JoinHandle<std::io::Result<Exchange>>> = ids
        .iter()
        .map(|id| {
            let request = id.put_into(bench.request(kind));
            thread::spawn(move || ask_at(address, &request, ANSWER))
        })
        .collect();
    let mut exchanges = Vec::new();
    for thread in waiting {
        exchanges.push(thread.join().map_err(|_| std::io::Error::other("a user broke down"))??);
    }
    drop(slowed);
    let usual = alone.lines.unwrap_or_default();
    let lines = listening.lines(bench, |lines| ids.iter().all(|id| id.lines(lines, by) >= usual))?;
    let others =
        |own: usize, holds: &dyn Fn(&Id) -> bool| ids.iter().enumerate().any(|(place, id)| place != own && holds(id));
    let mixed_answers = exchanges.iter().enumerate().filter(|(place, exchange)| {
        let reply = exchange.reply.as_ref();
        reply.is_some_and(|reply| others(*place, &|id| id.echoed(reply).is_some()))
    });
    let calls_of = || -> Vec<u64> {
        let all: Vec<Request> =
            names.iter().flat_map(|dependency| calls(bench, survey, kind, dependency, from)).collect();
        ids.iter().map(|id| count(all.iter().filter(|one| id.is_at(one)))).collect()
    };
    let usual_calls: u64 = alone.passed.iter().map(|one| one.with_id).sum();
    if names.iter().any(|name| survey.later(name, kind)) {
        bench.wait_for(LATER, || calls_of().iter().all(|own| *own >= usual_calls))?;
    }
    let calls_of = calls_of();
    let lines_of: Vec<u64> = lines.map(|lines| ids.iter().map(|id| id.lines(&lines, by)).collect()).unwrap_or_default();
    Ok(Together {
        request: name(bench, kind),
        sent: count(ids.iter()),
        mixed_answers: count(mixed_answers),
        mixed_calls: mixed(&calls_of, usual_calls),
        mixed_lines: mixed(&lines_of, usual),
    })
}

/// How many have fewer than one that is alone, while another has more: what is merely missing is no mix-up.
fn mixed(of: &[u64], usual: u64) -> u64 {
    if !of.iter().any(|own| *own > usual) {
        return 0;
    }
    count(of.iter().filter(|own| **own < usual))
}

fn absurd_id(bench: &mut Bench, kind: usize, id: AbsurdId, value: &str) -> Result<Absurd, BenchError> {
    let listening = Listening::begin(bench);
    let exchange = ask(bench, &with_id(bench.request(kind), value))?;
    let logged = listening.lines(bench, |_| false)?;
    let holds =
        |reply: &Reply| reply.headers.values().any(|header| header.to_str().is_ok_and(|text| text.contains(value)));
    Ok(Absurd {
        id,
        status: exchange.status(),
        echoed: exchange.reply.as_ref().is_some_and(holds),
        logged: logged.is_some_and(|lines| lines.iter().any(|line| line.contains(value))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(of: &[u64], usual: u64, expect: u64) {
        assert_eq!(mixed(of, usual), expect, "{of:?}");
    }

    #[test]
    fn what_one_lacks_and_another_has_too_much_is_mixed_up() {
        check(&[2, 2, 2], 2, 0);
        check(&[0, 0, 6], 2, 2);
        check(&[1, 1, 4], 2, 2);
        // Sampled away, or printed late.
        check(&[1, 2, 2], 2, 0);
        check(&[], 2, 0);
        check(&[3, 3, 3], 2, 0);
    }
}
