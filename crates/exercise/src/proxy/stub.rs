//! What stands behind the proxy where the dependency cannot: written answers that take as long as it is said.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    draw::draw,
    fault::{LONGEST, milliseconds},
};

/// One written answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
}

/// What is answered to some of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Any, where none is given.
    #[serde(default)]
    pub method: Option<String>,
    /// The path without its query; at the end, `*` stands for anything.
    pub path: String,
    /// In turn; the last one again and again.
    pub answers: Vec<Answer>,
}

/// How long answers take: the times at some shares of the requests, smallest share first; between two of them it grows
/// evenly. The times of a recorded summary (0.5: 20 ms, 0.99: 180 ms, 1: 900 ms) are one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Took {
    pub points: Vec<(f64, Milliseconds)>,
    #[serde(default)]
    pub seed: u64,
}

/// A time that is written as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Milliseconds(#[serde(with = "milliseconds")] pub Duration);

impl Took {
    /// The same for every request.
    pub fn always(time: Duration) -> Self {
        Self { points: vec![(0.0, Milliseconds(time))], seed: 0 }
    }

    /// Evenly spread.
    pub fn between(least: Duration, most: Duration, seed: u64) -> Self {
        Self { points: vec![(0.0, Milliseconds(least)), (1.0, Milliseconds(most))], seed }
    }

    /// The time that this share of the requests does not exceed.
    fn at(&self, share: f64) -> Duration {
        let mut before = None;
        for (point, Milliseconds(time)) in &self.points {
            if *point >= share {
                let Some((last, from)): Option<(f64, Duration)> = before else { return *time };
                let part = if *point > last { (share - last) / (*point - last) } else { 1.0 };
                return from + time.saturating_sub(from).mul_f64(part.clamp(0.0, 1.0));
            }
            before = Some((*point, *time));
        }
        before.map(|(_, time)| time).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StubError {
    #[error("{0} is no status of an answer: from 200 to 599")]
    Status(u16),
    #[error("`{0}: {1}` is no header")]
    Header(String, String),
    #[error("`{0}` is no method")]
    Method(String),
    #[error("no answer is written for `{0}`")]
    Empty(String),
    #[error("the shares and times of a latency must grow, from 0 to 1 and to a day at most")]
    Took,
}

struct Written {
    method: Option<Method>,
    path: String,
    answers: Vec<Ready>,
    requests: AtomicU64,
}

/// An answer that can be sent.
#[derive(Clone)]
pub(super) struct Ready {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Answers to all requests: the first route that fits; 404 where none does.
pub struct Stub {
    routes: Vec<Written>,
    took: Took,
    requests: AtomicU64,
}

impl Stub {
    pub fn new(routes: &[Route], took: Took) -> Result<Self, StubError> {
        let grows = took.points.is_sorted_by(|(share, time), (next, later)| share < next && time.0 <= later.0);
        let possible = |(share, time): &(f64, Milliseconds)| (0.0..=1.0).contains(share) && time.0 <= LONGEST;
        if !grows || !took.points.iter().all(possible) {
            return Err(StubError::Took);
        }
        let routes = routes.iter().map(written).collect::<Result<_, _>>()?;
        Ok(Self { routes, took, requests: AtomicU64::new(0) })
    }

    /// The answer to a request and how long it takes.
    pub(super) fn answer(&self, method: &Method, path: &str) -> (Duration, Ready) {
        let time = self.took.at(draw(self.took.seed, self.requests.fetch_add(1, Ordering::Relaxed)));
        let found = self.routes.iter().find(|route| {
            let fits = match route.path.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == route.path,
            };
            fits && route.method.as_ref().is_none_or(|one| one == method)
        });
        let answer = found.and_then(|route| {
            let number = usize::try_from(route.requests.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            route.answers.get(number).or_else(|| route.answers.last()).cloned()
        });
        let nothing = || Ready { status: StatusCode::NOT_FOUND, headers: HeaderMap::new(), body: Bytes::new() };
        (time, answer.unwrap_or_else(nothing))
    }
}

fn written(route: &Route) -> Result<Written, StubError> {
    let method = match &route.method {
        Some(name) => Some(name.to_uppercase().parse().map_err(|_| StubError::Method(name.clone()))?),
        None => None,
    };
    if route.answers.is_empty() {
        return Err(StubError::Empty(route.path.clone()));
    }
    let answers = route.answers.iter().map(ready).collect::<Result<_, _>>()?;
    Ok(Written { method, path: route.path.clone(), answers, requests: AtomicU64::new(0) })
}

fn ready(answer: &Answer) -> Result<Ready, StubError> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|_| (200..600).contains(&answer.status));
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        let wrong = || StubError::Header(name.clone(), value.clone());
        let key: HeaderName = name.parse().map_err(|_| wrong())?;
        // The length follows from the body; a wrong one is a fault, not an answer.
        if key == hyper::header::CONTENT_LENGTH || key == hyper::header::TRANSFER_ENCODING {
            return Err(wrong());
        }
        headers.append(key, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    let status = status.ok_or(StubError::Status(answer.status))?;
    Ok(Ready { status, headers, body: Bytes::from(answer.body.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_time(points: &[(f64, u64)], share: f64, expect: u64) {
        let points = points.iter().map(|(share, time)| (*share, Milliseconds(Duration::from_millis(*time)))).collect();
        let took = Took { points, seed: 0 };
        assert_eq!(took.at(share).as_millis(), u128::from(expect));
    }

    #[test]
    fn times_grow_evenly_between_the_points_that_are_known() {
        let points = [(0.5, 20), (0.9, 100), (1.0, 1000)];
        check_time(&points, 0.0, 20);
        check_time(&points, 0.5, 20);
        check_time(&points, 0.7, 60);
        check_time(&points, 0.95, 550);
        check_time(&points[..2], 0.99, 100);
        check_time(&[], 0.5, 0);
    }

    fn route(method: Option<&str>, path: &str, statuses: &[u16]) -> Route {
        let answer = |status: &u16| Answer { status: *status, headers: Vec::new(), body: String::new() };
        Route {
            method: method.map(str::to_owned),
            path: path.to_owned(),
            answers: statuses.iter().map(answer).collect(),
        }
    }

    #[test]
    fn the_first_route_that_fits_answers_in_turn() {
        let routes = [route(Some("post"), "/runs", &[202, 200]), route(None, "/runs*", &[204])];
        let stub = Stub::new(&routes, Took::default()).unwrap();
        let status = |method: Method, path| stub.answer(&method, path).1.status.as_u16();
        assert_eq!([(); 3].map(|()| status(Method::POST, "/runs")), [202, 200, 200]);
        assert_eq!([status(Method::GET, "/runs/1"), status(Method::GET, "/other")], [204, 404]);
    }

    #[track_caller]
    fn check_error(route: &Route, expect: &StubError) {
        let found = Stub::new(std::slice::from_ref(route), Took::default());
        assert_eq!(found.err().as_ref(), Some(expect));
    }

    #[test]
    fn what_cannot_be_answered_is_said_before_it_is_asked() {
        check_error(&route(None, "/", &[99]), &StubError::Status(99));
        check_error(&route(None, "/", &[]), &StubError::Empty("/".to_owned()));
        check_error(&route(Some("g t"), "/", &[200]), &StubError::Method("g t".to_owned()));
        let points = vec![(0.5, Milliseconds(Duration::from_secs(1))), (0.4, Milliseconds(Duration::from_secs(2)))];
        assert_eq!(Stub::new(&[], Took { points, seed: 0 }).err(), Some(StubError::Took));
    }
}
