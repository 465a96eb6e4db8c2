//! The deadline on the wire: as a time that is left, since the clocks of two machines never agree.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request};
use tower::{Layer, Service};

use super::{Bounded, Deadline};
use crate::{Admitted, Rejection};

/// How the time that is left is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// Whole milliseconds in this header.
    Milliseconds(HeaderName),
    /// `grpc-timeout`: up to eight digits and a unit of `H M S m u n`.
    Grpc,
}

static GRPC: HeaderName = HeaderName::from_static("grpc-timeout");

impl Default for Wire {
    /// `x-envoy-expected-rq-timeout-ms`, which meshes built on Envoy set and read.
    fn default() -> Self {
        Self::Milliseconds(HeaderName::from_static("x-envoy-expected-rq-timeout-ms"))
    }
}

impl Wire {
    fn name(&self) -> &HeaderName {
        match self {
            Self::Milliseconds(name) => name,
            Self::Grpc => &GRPC,
        }
    }

    /// The time that is left; nothing where the value is not one.
    pub fn read(&self, value: &HeaderValue) -> Option<Duration> {
        let text = value.to_str().ok()?.trim();
        match self {
            Self::Milliseconds(_) => digits(text).map(Duration::from_millis),
            Self::Grpc => {
                let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
                let number = digits(number).filter(|_| number.len() <= 8)?;
                match unit {
                    "H" => Some(Duration::from_secs(number * 3600)),
                    "M" => Some(Duration::from_secs(number * 60)),
                    "S" => Some(Duration::from_secs(number)),
                    "m" => Some(Duration::from_millis(number)),
                    "u" => Some(Duration::from_micros(number)),
                    "n" => Some(Duration::from_nanos(number)),
                    _ => None,
                }
            }
        }
    }

    /// The value for the time that is left, rounded down: never promise more than there is.
    pub fn write(&self, left: Duration) -> HeaderValue {
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        match self {
            Self::Milliseconds(_) => HeaderValue::from(millis),
            Self::Grpc => {
                let text = match millis {
                    0..=99_999_999 => format!("{millis}m"),
                    _ => format!("{}S", left.as_secs().min(99_999_999)),
                };
                HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0m"))
            }
        }
    }
}

/// A number of digits only: `u64::from_str` takes a sign too.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Server side: takes the deadline from the caller's header and cuts the work off at it.
#[derive(Debug, Clone)]
pub struct FromHeaderLayer {
    wire: Wire,
    default: Duration,
    most: Duration,
}

impl FromHeaderLayer {
    /// Requests without a readable header get `default`, and none gets more than `most`.
    pub const fn new(wire: Wire, default: Duration, most: Duration) -> Self {
        Self { wire, default, most }
    }
}

impl<S> Layer<S> for FromHeaderLayer {
    type Service = FromHeader<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FromHeader { inner, layer: self.clone() }
    }
}

/// A service that keeps to its callers' deadlines.
#[derive(Debug, Clone)]
pub struct FromHeader<S> {
    inner: S,
    layer: FromHeaderLayer,
}

impl<S, B> Service<Request<B>> for FromHeader<S>
where
    S: Service<Request<B>>,
    S::Error: From<Rejection>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Bounded<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let FromHeaderLayer { wire, default, most } = &self.layer;
        let asked = request.headers().get(wire.name()).and_then(|value| wire.read(value));
        Bounded::begin(asked.unwrap_or(*default).min(*most), || self.inner.call(request))
    }
}

/// Client side: tells the callee how much time is left, and does not call when there is none.
#[derive(Debug, Clone, Default)]
pub struct ToHeaderLayer {
    wire: Wire,
}

impl ToHeaderLayer {
    /// Writes the deadline in this form.
    pub const fn new(wire: Wire) -> Self {
        Self { wire }
    }
}

impl<S> Layer<S> for ToHeaderLayer {
    type Service = ToHeader<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ToHeader { inner, wire: self.wire.clone() }
    }
}

/// A client that hands its deadline on.
#[derive(Debug, Clone)]
pub struct ToHeader<S> {
    inner: S,
    wire: Wire,
}

impl<S, B> Service<Request<B>> for ToHeader<S>
where
    S: Service<Request<B>>,
    S::Error: From<Rejection>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Admitted<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(deadline) = Deadline::current() {
            let left = deadline.remaining();
            if left < Duration::from_millis(1) {
                return Admitted::refused(Rejection::DeadlineExceeded);
            }
            request.headers_mut().insert(self.wire.name().clone(), self.wire.write(left));
        }
        Admitted::running(self.inner.call(request))
    }
}
