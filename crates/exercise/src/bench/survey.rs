//! Which dependencies each kind of request needs: seen, not stated.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Bench, BenchError, Exchange};
use crate::{
    load::Ended,
    proxy::{Delay, Fault, Request},
};

/// How often each kind of request is sent.
const ASKED: u32 = 4;

/// How long calls that a request causes may come after it.
const AFTER: Duration = Duration::from_millis(600);

/// Calls that a request brings about in the background may come as late as this.
const LATER: Duration = Duration::from_secs(6);

/// A dependency is made slower by this much, to see whether somebody waits for it.
const SLOWER: Duration = Duration::from_millis(300);

/// For how long the service is watched while nobody asks it.
const IDLE: Duration = Duration::from_millis(1500);

/// What each kind of request does while all is well.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// By the place of the request in the configuration.
    pub uses: Vec<Use>,
}

/// One kind of request.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// Statuses of the answers; none where no full answer came.
    pub statuses: Vec<Option<u16>>,
    /// An answer said that it failed, whatever its status says.
    pub erred: bool,
    /// What one request calls, by the name of the dependency.
    pub calls: BTreeMap<String, BTreeSet<Shape>>,
    /// The dependencies that it calls after it has answered: which request a call belongs to cannot be told.
    pub later: BTreeSet<String>,
}

/// The method and the path of a call, with `*` for the parts of the path that differ from call to call. Where the
/// dependency does not speak HTTP, both are empty.
pub type Shape = (String, String);

/// The shape of a call.
pub fn shape(request: &Request) -> Shape {
    let path = request.head.path.split('?').next().unwrap_or_default();
    let parts = path
        .split('/')
        .map(|part| if part.bytes().any(|byte| byte.is_ascii_digit()) && !is_version(part) { "*" } else { part });
    (request.head.method.to_string(), parts.collect::<Vec<_>>().join("/"))
}

/// `v1`, `v2beta1`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()) && rest.len() < 8)
}

impl Use {
    /// All answers were below 400, and told of no failure.
    pub fn good(&self) -> bool {
        !self.erred
            && !self.statuses.is_empty()
            && self.statuses.iter().all(|status| status.is_some_and(|status| status < 400))
    }
}

impl Survey {
    /// Sends a few requests of each kind and looks at what the dependencies get.
    ///
    /// What most requests of a kind bring about belongs to it; a call that comes now and then is the service's own.
    pub fn make(bench: &Bench) -> Result<Self, BenchError> {
        let names: Vec<(String, bool)> = bench.dependencies().map(|(name, http)| (name.to_owned(), http)).collect();
        let idle_from: Vec<u64> = names.iter().map(|(name, _)| bytes_to(bench, name)).collect();
        bench.wait(IDLE)?;
        let idle: Vec<u64> =
            names.iter().zip(idle_from).map(|((name, _), from)| bytes_to(bench, name).saturating_sub(from)).collect();
        // What it calls before anybody asked it anything, it calls on its own account.
        let own: BTreeSet<Shape> =
            names.iter().flat_map(|(name, _)| bench.records(name).requests).map(|one| shape(&one)).collect();
        let may = bench.kinds();
        let mut uses = Vec::new();
        for kind in 0..bench.run().requests.len() {
            let before: Vec<u64> = names.iter().map(|(name, _)| bytes_to(bench, name)).collect();
            let first: Vec<u64> = names.iter().map(|(name, _)| requests_to(bench, name)).collect();
            let mut asked = Vec::new();
            let times = if !may.contains(&kind) { 0 } else { ASKED };
            for _ in 0..times {
                asked.push(bench.ask(&bench.request(kind), Duration::from_secs(10))?);
            }
            bench.wait(AFTER)?;
            let reads = bench.run().requests.get(kind).is_some_and(|one| matches!(one.method.as_str(), "GET" | "HEAD"));
            if !reads && times > 0 {
                // What is accepted now may be worked on a little later.
                let came = |(place, (name, http)): (usize, &(String, bool))| {
                    let first = first.get(place).copied().unwrap_or_default();
                    *http && usual_shapes(bench, name, first).iter().any(|shape| !own.contains(shape))
                };
                bench.wait_for(LATER, || names.iter().enumerate().any(came))?;
            }
            let mut calls = BTreeMap::new();
            for (place, (name, http)) in names.iter().enumerate() {
                let at = |all: &[u64]| all.get(place).copied().unwrap_or_default();
                let shapes = if *http {
                    let usual = usual_shapes(bench, name, at(&first));
                    if reads { usual } else { usual.difference(&own).cloned().collect() }
                } else {
                    // More than what it sends while nobody asks, and more than a heartbeat.
                    let grown = bytes_to(bench, name).saturating_sub(at(&before));
                    let told = grown > at(&idle) + 8 * u64::from(ASKED);
                    // What it sends on its own account, just after its start above all, may hide what a request brings
                    // about; whom an answer waits for is needed whatever the bytes say.
                    let waits = || -> Result<bool, BenchError> {
                        Ok(holds_up(bench, name, kind, &asked)? && holds_up(bench, name, kind, &asked)?)
                    };
                    let called = told || grown > 0 && !asked.is_empty() && waits()?;
                    called.then(|| (String::new(), String::new())).into_iter().collect()
                };
                if !shapes.is_empty() {
                    calls.insert(name.clone(), shapes);
                }
            }
            let mut later = BTreeSet::new();
            for (name, shapes) in &calls {
                if come_later(bench, name, shapes, &asked) || !reads && !holds_up(bench, name, kind, &asked)? {
                    later.insert(name.clone());
                }
            }
            let erred = asked.iter().any(|one| matches!(one.how, Ended::Erred(_)));
            uses.push(Use { statuses: asked.iter().map(Exchange::status).collect(), erred, calls, later });
        }
        Ok(Self { uses })
    }

    /// What these kinds of requests call at a dependency.
    pub fn shapes(&self, dependency: &str, kinds: &[usize]) -> BTreeSet<Shape> {
        let uses = kinds.iter().filter_map(|kind| self.uses.get(*kind)?.calls.get(dependency));
        uses.flatten().cloned().collect()
    }

    /// Whether this kind of request calls a dependency after it has answered.
    pub fn later(&self, dependency: &str, kind: usize) -> bool {
        self.uses.get(kind).is_some_and(|one| one.later.contains(dependency))
    }

    /// The kinds of requests that are answered well.
    pub fn good(&self) -> Vec<usize> {
        self.uses.iter().enumerate().filter(|(_, one)| one.good()).map(|(place, _)| place).collect()
    }

    /// The kinds of requests that are answered well and need this dependency.
    pub fn needing(&self, dependency: &str) -> Vec<usize> {
        let needs = |one: &Use| one.good() && one.calls.contains_key(dependency);
        self.uses.iter().enumerate().filter(|(_, one)| needs(one)).map(|(place, _)| place).collect()
    }
}

fn requests_to(bench: &Bench, name: &str) -> u64 {
    bench.totals(name).requests
}

fn bytes_to(bench: &Bench, name: &str) -> u64 {
    let records = bench.records(name);
    records.connections.iter().map(|one| one.bytes_from_service).sum()
}

/// Fewer than half of the requests called before they were answered.
fn come_later(bench: &Bench, name: &str, shapes: &BTreeSet<Shape>, asked: &[Exchange]) -> bool {
    let Some(first) = asked.first() else { return false };
    let zero = bench.clock().zero;
    let calls: Vec<Duration> = bench
        .calls_since(name, first.sent)
        .into_iter()
        .filter(|call| shapes.contains(&shape(call)))
        .map(|call| call.came)
        .collect();
    let within = |exchange: &&Exchange| {
        let (from, until) =
            (exchange.sent.saturating_duration_since(zero), exchange.ended.saturating_duration_since(zero));
        calls.iter().any(|came| (from..=until).contains(came))
    };
    !calls.is_empty() && asked.iter().filter(within).count() * 2 < asked.len()
}

/// Whether an answer waits for this dependency: it comes later where the dependency is slow. What is handed to a worker that
/// is quick calls before the answer is out, and holds nothing up.
fn holds_up(bench: &Bench, name: &str, kind: usize, asked: &[Exchange]) -> Result<bool, BenchError> {
    let usual = asked.iter().map(Exchange::took).max().unwrap_or_default();
    let slow = Delay { base: usual + SLOWER, jitter: Duration::ZERO };
    let injected = bench.inject(name, Fault::Latency { to_dependency: Delay::default(), to_service: slow })?;
    let took = bench.ask(&bench.request(kind), Duration::from_secs(10))?.took();
    drop(injected);
    Ok(took >= usual + SLOWER / 2)
}

/// The shapes of calls since this one that came at least as often as most of the requests.
fn usual_shapes(bench: &Bench, name: &str, first: u64) -> BTreeSet<Shape> {
    let records = bench.records(name);
    let mut counts: BTreeMap<Shape, u32> = BTreeMap::new();
    for request in records.requests.iter().filter(|one| one.id >= first) {
        *counts.entry(shape(request)).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count + 1 >= ASKED).map(|(shape, _)| shape).collect()
}
