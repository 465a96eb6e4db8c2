//! What answers say about the caller's quota: `RateLimit`, `RateLimit-Policy`, and the three older headers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::moment::whole_seconds;

/// What is left of a client's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The policy's name.
    pub policy: &'static str,
    /// Calls that a client who was away may make at once.
    pub limit: u32,
    /// Calls that it may make at once now.
    pub remaining: u32,
    /// When the quota is whole again.
    pub reset: Duration,
    /// How long a used-up quota takes to become whole.
    pub window: Duration,
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Standing {
    /// Writes the headers: draft-ietf-httpapi-ratelimit-headers in its form of today (`RateLimit: "name";r=3;t=7`), and the
    /// separate ones of its early versions, which most clients read.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Self { policy, limit, remaining, reset, window } = *self;
        let (reset, window) = (whole_seconds(reset), whole_seconds(window));
        headers.reserve(5);
        headers.insert(LIMIT, limit.into());
        headers.insert(REMAINING, remaining.into());
        headers.insert(RESET, reset.into());
        for (name, text) in [
            (STATE, format!("\"{policy}\";r={remaining};t={reset}")),
            (POLICY, format!("\"{policy}\";q={limit};w={window}")),
        ] {
            // A policy's name that no header can hold leaves the header out.
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}
