//! What came and how it went: bounded, and readable at any time.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::{Method, Version, http::request::Parts};

/// How much is kept; the oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub requests: usize,
    /// Bytes of path and headers of one request.
    pub head_bytes: usize,
    /// Bytes of paths and headers of all requests.
    pub all_head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 20_000, requests: 100_000, head_bytes: 8 << 10, all_head_bytes: 64 << 20 }
    }
}

/// One connection of the service. Times count from [`Clock::zero`](super::Clock::zero).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The first is 0; none is left out.
    pub id: u64,
    pub from: SocketAddr,
    /// When it was accepted.
    pub opened: Duration,
    /// When the service sent its first byte.
    pub first_byte: Option<Duration>,
    /// When the first byte of an answer was given to the service.
    pub first_answer: Option<Duration>,
    /// What the service sent, whether it was passed on or not.
    pub bytes_from_service: u64,
    /// What was given to the service.
    pub bytes_to_service: u64,
    /// None while it is open.
    pub ended: Option<(Duration, ConnectionEnd)>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEnd {
    ServiceClosed,
    ServiceReset,
    /// The dependency, the stub, or the wrong end of an answer.
    DependencyClosed,
    DependencyReset,
    /// Nobody takes connections behind the proxy.
    Unreachable,
    /// The fault of this number.
    Fault(u64),
    ProxyEnded,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub version: Version,
    /// Names in lower case, in the order in which they came. What is no UTF-8 is replaced.
    pub headers: Vec<(String, String)>,
    /// Some of the path or the headers was too long to be kept.
    pub shortened: bool,
}

/// One request, where the proxy reads HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The first is 0; none is left out.
    pub id: u64,
    /// On which connection it came.
    pub connection: u64,
    /// When its head was complete.
    pub came: Duration,
    pub head: Head,
    /// When the head of the answer was given, and its status.
    pub answered: Option<(Duration, u16)>,
    /// Bytes of the bodies.
    pub request_bytes: u64,
    pub answer_bytes: u64,
    /// The fault that was to change its answer.
    pub fault: Option<u64>,
    /// None while it is under way.
    pub ended: Option<(Duration, RequestEnd)>,
}

impl Request {
    /// The value of the first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// The whole answer was given.
    Answered,
    /// The service did not wait for it, or its connection ended first.
    Abandoned,
    /// The dependency broke off.
    Broken,
    /// Nobody takes connections behind the proxy.
    Unreachable,
    /// The fault that changed its answer broke it off.
    Fault,
}

/// Counts since the start, whatever is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub connections: u64,
    pub connections_ended: u64,
    pub requests: u64,
    pub requests_ended: u64,
    /// How often a connection could not be taken, for example because no file descriptor was left.
    pub accept_errors: u64,
}

/// All that is kept, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    pub connections: Vec<Connection>,
    pub requests: Vec<Request>,
    pub totals: Totals,
}

#[derive(Default)]
struct Kept {
    connections: VecDeque<Connection>,
    requests: VecDeque<Request>,
    head_bytes: usize,
    totals: Totals,
}

/// Where a proxy writes down what it sees.
pub(super) struct Log {
    zero: Instant,
    limits: Limits,
    kept: Mutex<Kept>,
}

impl Log {
    pub(super) fn new(zero: Instant, limits: Limits) -> Self {
        Self { zero, limits, kept: Mutex::default() }
    }

    pub(super) fn now(&self) -> Duration {
        self.zero.elapsed()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn records(&self) -> Records {
        let kept = self.kept();
        Records {
            connections: kept.connections.iter().cloned().collect(),
            requests: kept.requests.iter().cloned().collect(),
            totals: kept.totals,
        }
    }

    /// The requests that are kept and came at this time or later.
    pub(super) fn requests_since(&self, from: Duration) -> Vec<Request> {
        let kept = self.kept();
        let first = kept.requests.partition_point(|one| one.came < from);
        kept.requests.range(first..).cloned().collect()
    }

    pub(super) fn totals(&self) -> Totals {
        self.kept().totals
    }

    pub(super) fn accept_failed(&self) {
        self.kept().totals.accept_errors += 1;
    }

    pub(super) fn connection(self: &Arc<Self>, from: SocketAddr) -> ConnectionEntry {
        let opened = self.now();
        let mut kept = self.kept();
        let id = kept.totals.connections;
        kept.totals.connections += 1;
        kept.connections.push_back(Connection {
            id,
            from,
            opened,
            first_byte: None,
            first_answer: None,
            bytes_from_service: 0,
            bytes_to_service: 0,
            ended: None,
        });
        while kept.connections.len() > self.limits.connections {
            kept.connections.pop_front();
        }
        ConnectionEntry { log: Arc::clone(self), id }
    }

    pub(super) fn request(self: &Arc<Self>, connection: u64, parts: &Parts) -> RequestEntry {
        let came = self.now();
        let head = head(parts, self.limits.head_bytes);
        let mut kept = self.kept();
        let id = kept.totals.requests;
        kept.totals.requests += 1;
        kept.head_bytes += size(&head);
        kept.requests.push_back(Request {
            id,
            connection,
            came,
            head,
            answered: None,
            request_bytes: 0,
            answer_bytes: 0,
            fault: None,
            ended: None,
        });
        while kept.requests.len() > self.limits.requests || kept.head_bytes > self.limits.all_head_bytes {
            let Some(oldest) = kept.requests.pop_front() else { break };
            kept.head_bytes -= size(&oldest.head);
        }
        RequestEntry { log: Arc::clone(self), id }
    }
}

/// About what a head takes in memory.
fn size(head: &Head) -> usize {
    let headers = head.headers.iter().map(|(name, value)| 48 + name.len() + value.len());
    head.path.len() + headers.sum::<usize>()
}

fn head(parts: &Parts, most: usize) -> Head {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let kept_path: String = path.chars().take(most.min(path.len())).collect();
    let mut left = most.saturating_sub(kept_path.len());
    let mut shortened = kept_path.len() < path.len();
    let mut headers = Vec::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let cost = 48 + name.as_str().len() + value.len();
        if cost > left {
            shortened = true;
            continue;
        }
        left -= cost;
        headers.push((name.as_str().to_owned(), value.into_owned()));
    }
    Head { method: parts.method.clone(), path: kept_path, version: parts.version, headers, shortened }
}

/// The place of a connection in the log. Where nothing else ended it, the end of the proxy did.
pub(super) struct ConnectionEntry {
    log: Arc<Log>,
    pub id: u64,
}

impl ConnectionEntry {
    fn change(&self, change: impl FnOnce(&mut Connection, Duration)) {
        let now = self.log.now();
        let mut kept = self.log.kept();
        let first = kept.connections.front().map_or(0, |one| one.id);
        let place = self.id.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(one) = place.and_then(|place| kept.connections.get_mut(place)) {
            change(one, now);
        }
    }

    pub(super) fn came(&self, bytes: usize) {
        self.change(|one, now| {
            one.first_byte.get_or_insert(now);
            one.bytes_from_service += bytes as u64;
        });
    }

    pub(super) fn gave(&self, bytes: usize) {
        self.change(|one, now| {
            one.first_answer.get_or_insert(now);
            one.bytes_to_service += bytes as u64;
        });
    }

    pub(super) fn end(&self, how: ConnectionEnd) {
        self.change(|one, now| {
            one.ended.get_or_insert((now, how));
        });
    }
}

impl Drop for ConnectionEntry {
    fn drop(&mut self) {
        self.end(ConnectionEnd::ProxyEnded);
        self.log.kept().totals.connections_ended += 1;
    }
}

/// The place of a request in the log. Where nothing else ended it, the service did not wait.
pub(super) struct RequestEntry {
    log: Arc<Log>,
    id: u64,
}

impl RequestEntry {
    fn change(&self, change: impl FnOnce(&mut Request, Duration)) {
        let now = self.log.now();
        let mut kept = self.log.kept();
        let first = kept.requests.front().map_or(0, |one| one.id);
        let place = self.id.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(one) = place.and_then(|place| kept.requests.get_mut(place)) {
            change(one, now);
        }
    }

    pub(super) fn fault(&self, id: u64) {
        self.change(|one, _| one.fault = Some(id));
    }

    pub(super) fn answered(&self, status: u16) {
        self.change(|one, now| one.answered = Some((now, status)));
    }

    pub(super) fn came(&self, bytes: usize) {
        self.change(|one, _| one.request_bytes += bytes as u64);
    }

    pub(super) fn gave(&self, bytes: usize) {
        self.change(|one, _| one.answer_bytes += bytes as u64);
    }

    pub(super) fn end(&self, how: RequestEnd) {
        self.change(|one, now| {
            one.ended.get_or_insert((now, how));
        });
    }
}

impl Drop for RequestEntry {
    fn drop(&mut self) {
        self.end(RequestEnd::Abandoned);
        self.log.kept().totals.requests_ended += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str, value: &str) -> Parts {
        hyper::Request::get(path).header("x-id", value).body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_oldest_goes_first_and_is_still_counted() {
        let limits = Limits { connections: 2, requests: 3, head_bytes: 100, all_head_bytes: 1000 };
        let log = Arc::new(Log::new(Instant::now(), limits));
        let from = "127.0.0.1:1".parse().unwrap();
        let open: Vec<_> = (0..4).map(|_| log.connection(from)).collect();
        let waiting: Vec<_> = (0..5).map(|_| log.request(0, &parts("/", "1"))).collect();
        // The first is not kept any more: nobody else's record changes.
        open[0].came(7);
        open[3].came(5);
        waiting[4].end(RequestEnd::Answered);
        drop((open, waiting));
        let records = log.records();
        assert_eq!(records.connections.iter().map(|one| one.bytes_from_service).collect::<Vec<_>>(), [0, 5]);
        assert_eq!(records.requests.iter().map(|one| one.id).collect::<Vec<_>>(), [2, 3, 4]);
        let ends: Vec<_> = records.requests.iter().map(|one| one.ended.unwrap().1).collect();
        assert_eq!(ends, [RequestEnd::Abandoned, RequestEnd::Abandoned, RequestEnd::Answered]);
        let expect = Totals { connections: 4, connections_ended: 4, requests: 5, requests_ended: 5, accept_errors: 0 };
        assert_eq!(records.totals, expect);
    }

    #[track_caller]
    fn check_head(path: &str, value: &str, shortened: bool) {
        let limits = Limits { connections: 1, requests: 10, head_bytes: 100, all_head_bytes: 150 };
        let log = Arc::new(Log::new(Instant::now(), limits));
        for _ in 0..3 {
            log.request(0, &parts(path, value)).end(RequestEnd::Answered);
        }
        let records = log.records();
        assert!(records.requests.iter().map(|one| size(&one.head)).sum::<usize>() <= 150);
        assert_eq!(records.requests.last().map(|one| one.head.shortened), Some(shortened));
    }

    #[test]
    fn what_is_too_long_is_shortened_and_says_so() {
        check_head("/a", "b", false);
        check_head("/a", &"b".repeat(90), true);
        check_head(&format!("/{}", "a".repeat(200)), "b", true);
    }
}
