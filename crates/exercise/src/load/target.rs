//! What is asked: endpoints with their shares of the requests.

use bytes::Bytes;
use hyper::{HeaderMap, Method, Uri, header::HeaderName, header::HeaderValue};
use thiserror::Error;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Protocol {
    #[default]
    Http1,
    /// Without TLS, known beforehand.
    Http2,
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Its share among the others; none is sent at 0.
    pub weight: u32,
}

/// What stands for something that no other request has.
const ID: &str = "{id}";

impl Endpoint {
    pub(super) fn has_id(&self) -> bool {
        let inside = |bytes: &[u8]| bytes.windows(ID.len()).any(|window| window == ID.as_bytes());
        self.path.contains(ID) || inside(&self.body) || self.headers.values().any(|value| inside(value.as_bytes()))
    }

    /// The same with this in place of `{id}`.
    pub(super) fn with_id(&self, id: &str) -> Self {
        let put = |text: &str| text.replace(ID, id);
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let named = value.to_str().ok().and_then(|text| put(text).parse().ok());
            headers.append(name, named.unwrap_or_else(|| value.clone()));
        }
        let body = std::str::from_utf8(&self.body).map(|text| put(text).into());
        Self { path: put(&self.path), headers, body: body.unwrap_or_else(|_| self.body.clone()), ..self.clone() }
    }
}

/// A server and what it is asked.
#[derive(Clone, Debug)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub endpoints: Vec<Endpoint>,
    pub protocol: Protocol,
    /// With what the values begin that stand for `{id}` in endpoints; none: it stays as it is.
    pub ids: Option<String>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    #[error("`{0}` is no address: write http://HOST:PORT/PATH")]
    Address(String),
    #[error("`{0}` asks for TLS, which the load generator does not speak yet: put it before the proxy that ends TLS")]
    Tls(String),
    #[error("`{0}` is no header: write NAME: VALUE")]
    Header(String),
    #[error("`{0}` is no method")]
    Method(String),
}

impl Target {
    /// One endpoint of one server.
    pub fn new(address: &str, method: &str, headers: &[String], body: Bytes) -> Result<Self, TargetError> {
        let uri: Uri = address.parse().map_err(|_| TargetError::Address(address.to_owned()))?;
        match uri.scheme_str() {
            Some("http") => (),
            Some("https") => return Err(TargetError::Tls(address.to_owned())),
            _ => return Err(TargetError::Address(address.to_owned())),
        }
        let host = uri.host().ok_or_else(|| TargetError::Address(address.to_owned()))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut all = HeaderMap::new();
        for header in headers {
            let wrong = || TargetError::Header(header.clone());
            let (name, value) = header.split_once(':').ok_or_else(wrong)?;
            let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
            let value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
            all.append(name, value);
        }
        let method = method.to_uppercase().parse().map_err(|_| TargetError::Method(method.to_owned()))?;
        let endpoint = Endpoint { method, path: path.to_owned(), headers: all, body, weight: 1 };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            endpoints: vec![endpoint],
            protocol: Protocol::default(),
            ids: None,
        })
    }

    /// `HOST:PORT` as the `Host` header has it.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }

    /// Which endpoint each request of a round goes to: shares are spread evenly (smooth weighted round robin).
    pub(super) fn round(&self) -> Vec<usize> {
        let weights: Vec<i64> = self.endpoints.iter().map(|one| i64::from(one.weight)).collect();
        let total: i64 = weights.iter().sum();
        let mut due = vec![0_i64; weights.len()];
        let mut round = Vec::new();
        for _ in 0..total.clamp(0, 10_000) {
            for (due, weight) in due.iter_mut().zip(&weights) {
                *due += weight;
            }
            let Some((first, most)) = due.iter_mut().enumerate().rev().max_by_key(|(_, due)| **due) else { break };
            *most -= total;
            round.push(first);
        }
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round(weights: &[u32], expect: &[usize]) {
        let mut target = Target::new("http://127.0.0.1:1/", "get", &[], Bytes::new()).unwrap();
        let one = target.endpoints.remove(0);
        target.endpoints = weights.iter().map(|weight| Endpoint { weight: *weight, ..one.clone() }).collect();
        assert_eq!(target.round(), expect);
    }

    #[test]
    fn shares_are_spread_over_the_round() {
        check_round(&[1], &[0]);
        check_round(&[3, 1], &[0, 0, 1, 0]);
        check_round(&[2, 2, 0], &[0, 1, 0, 1]);
        check_round(&[0], &[]);
    }

    #[track_caller]
    fn check_error(address: &str, method: &str, header: &str, expect: &TargetError) {
        let headers: Vec<String> = Some(header).filter(|one| !one.is_empty()).map(str::to_owned).into_iter().collect();
        assert_eq!(&Target::new(address, method, &headers, Bytes::new()).unwrap_err(), expect);
    }

    #[test]
    fn what_cannot_be_asked_is_said_with_the_words_that_were_written() {
        check_error("127.0.0.1:80", "get", "", &TargetError::Address("127.0.0.1:80".to_owned()));
        check_error("https://localhost/", "get", "", &TargetError::Tls("https://localhost/".to_owned()));
        check_error("http://localhost/", "g t", "", &TargetError::Method("g t".to_owned()));
        check_error("http://localhost/", "get", "a b: c", &TargetError::Header("a b: c".to_owned()));
    }

    #[test]
    fn an_address_of_six_keeps_its_brackets_in_the_host_header() {
        let target = Target::new("http://[::1]:8080/a?b=c", "post", &[], Bytes::new()).unwrap();
        assert_eq!((target.host.as_str(), target.authority().as_str()), ("::1", "[::1]:8080"));
        assert_eq!(target.endpoints.first().map(|one| one.path.as_str()), Some("/a?b=c"));
    }
}
