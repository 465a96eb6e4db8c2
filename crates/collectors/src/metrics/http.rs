//! Requests with bounds: in time, in size, and in where they go.

use std::{
    error::Error as _,
    fmt,
    time::{Duration, Instant, SystemTime},
};

use gonogo_resilience::retry::{self, Fate};
use reqwest::{
    Client, RequestBuilder, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

/// How long and how much an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub time: Duration,
    /// After it was unpacked.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), bytes: 64 << 20 }
    }
}

/// Where to ask, and as whom.
#[derive(Clone)]
pub struct Address {
    url: Url,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Address {
    /// `http://prometheus:9090`, with the path that a proxy puts before it, if any.
    pub fn new(url: &str) -> Result<Self, MetricsTrouble> {
        let wrong = |reason: &str| MetricsTrouble::Address { url: shown(url), reason: reason.to_owned() };
        let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("only http and https are asked"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong(
                "a password does not belong into an address; name a header and the variable that holds it",
            ));
        }
        if parsed.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        Ok(Self { url: parsed, header: None })
    }

    /// Sends a header with every request: `Authorization` with `Bearer …`, `X-Scope-OrgID` with a tenant.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, MetricsTrouble> {
        let wrong = |what: &str| MetricsTrouble::Address { url: self.to_string(), reason: what.to_owned() };
        let name = HeaderName::try_from(name).map_err(|_| wrong("the name of the header is none"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong("the value of the header is none"))?;
        value.set_sensitive(true);
        self.header = Some((name, value));
        Ok(self)
    }

    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if !path.is_empty() {
            let before = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{before}/{path}"));
            url.set_query(None);
        }
        url.set_fragment(None);
        url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    /// Without the header, which may be a secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Address").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// An address in a message: what stands before an `@` may be a password.
fn shown(url: &str) -> String {
    let url: String = url.chars().take(200).collect();
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url,
    }
}

/// Why there is no answer. None of these is an empty answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricsTrouble {
    #[error("`{url}` cannot be asked: {reason}")]
    Address { url: String, reason: String },
    #[error("{url} does not answer: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("{url} did not answer within {seconds} s")]
    Late { url: String, seconds: u64 },
    /// `kind` is Prometheus' own: `bad_data`, `execution`, `timeout` …
    #[error("{url} refused with status {status}{}: {reason}", if kind.is_empty() { String::new() } else { format!(" ({kind})") })]
    Refused { url: String, status: u16, kind: String, reason: String },
    #[error("{url} answered with more than {bytes} bytes; ask for less")]
    TooMuch { url: String, bytes: usize },
    #[error("the answer of {url} cannot be read: {reason}")]
    Unreadable { url: String, reason: String },
}

impl MetricsTrouble {
    /// Whether the same question may get an answer a moment later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } => true,
            Self::Refused { status, kind, .. } => matches!(status, 429 | 502 | 503 | 504) || kind == "timeout",
            Self::Address { .. } | Self::TooMuch { .. } | Self::Unreadable { .. } => false,
        }
    }
}

/// A client for one address.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    pub address: Address,
    pub limits: Limits,
}

/// A body with its status.
#[derive(Debug)]
pub(crate) struct Body {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// From sending the request to the last byte.
    pub took: Duration,
}

impl Http {
    pub(crate) fn new(address: Address, limits: Limits) -> Result<Self, MetricsTrouble> {
        // The first to ask for it decides for the process; whoever was first chose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(limits.time)
            .connect_timeout(limits.time.min(Duration::from_secs(10)))
            .redirect(Policy::none())
            .user_agent(concat!("gonogo/", env!("CARGO_PKG_VERSION")))
            .build();
        match client {
            Ok(client) => Ok(Self { client, address, limits }),
            Err(error) => Err(MetricsTrouble::Address { url: address.to_string(), reason: told(&error) }),
        }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.address.at(path))
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.address.at(path))
    }

    /// Sends it and reads the answer within the limits.
    pub(crate) async fn send(&self, mut request: RequestBuilder) -> Result<Body, MetricsTrouble> {
        if let Some((name, value)) = &self.address.header {
            request = request.header(name, value);
        }
        let began = Instant::now();
        let mut answer = request.send().await.map_err(|error| self.trouble(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            let reason = format!("it sends us to {}: give that address, or sign in with a header", shown(to));
            return Err(MetricsTrouble::Refused {
                url: self.address.to_string(),
                status: status.as_u16(),
                kind: String::new(),
                reason,
            });
        }
        let headers = std::mem::take(answer.headers_mut());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.trouble(&error))? {
            if bytes.len() + chunk.len() > self.limits.bytes {
                return Err(MetricsTrouble::TooMuch { url: self.address.to_string(), bytes: self.limits.bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { status: status.as_u16(), headers, bytes, took: began.elapsed() })
    }

    fn trouble(&self, error: &reqwest::Error) -> MetricsTrouble {
        let url = self.address.to_string();
        if error.is_timeout() {
            return MetricsTrouble::Late { url, seconds: self.limits.time.as_secs() };
        }
        if error.is_decode() {
            return MetricsTrouble::Unreadable { url, reason: told(error) };
        }
        MetricsTrouble::Unreachable { url, reason: told(error) }
    }

    pub(super) fn unreadable(&self, reason: impl Into<String>) -> MetricsTrouble {
        MetricsTrouble::Unreadable { url: self.address.to_string(), reason: reason.into() }
    }
}

/// Whether the same question may get an answer a moment later. Who did not answer in time has no more of it.
pub(crate) fn fate(result: Result<&Body, &MetricsTrouble>, now: SystemTime) -> Fate {
    match result {
        Ok(Body { status: 429 | 502 | 503 | 504, headers, .. }) => {
            Fate::Transient { after: retry::retry_after(headers, now) }
        }
        Err(MetricsTrouble::Unreachable { .. }) => Fate::Transient { after: None },
        Ok(_) | Err(_) => Fate::Final,
    }
}

/// The innermost cause: `connection refused` says more than `error sending request`.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.source().is_none() {
        return error.to_string();
    }
    cause.to_string()
}
