//! A rate limit by endpoint and by client, with the headers that tell a client how to behave.
//!
//! The arithmetic is [governor](https://docs.rs/governor)'s (GCRA); endpoints, bounded memory, clock and headers are ours.
//! A rate limit answers 429 to one client that asks too much; when all clients together are too much, that is
//! [`crate::shed`] with 503.
//!
//! ```
//! use std::{convert::Infallible, num::NonZeroU32, time::Duration};
//!
//! use gonogo_resilience::{
//!     AnswerLayer, Error,
//!     rate_limit::{Caller, Limits, Policy, RateLimitLayer},
//! };
//! use http::{Request, Response};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! let a_minute = |name, calls| {
//!     Some(Policy { name, calls: NonZeroU32::new(calls)?, per: Duration::from_secs(60) })
//! };
//! let (usual, login) = (a_minute("usual", 100).unwrap(), a_minute("login", 2).unwrap());
//! let limits = Limits::new(usual, [("/login", login)]);
//! let mut server = ServiceBuilder::new()
//!     .layer(AnswerLayer::default())
//!     .layer(RateLimitLayer::new(limits, |request: &Request<&'static str>| match request.uri().path() {
//!         "/healthz" => None,
//!         // Here the authenticated user or the peer's address, put there by the layers outside.
//!         endpoint => Some(Caller { endpoint, client: request.extensions().get::<u32>().copied() }),
//!     }))
//!     .map_err(|never: Infallible| -> Error<Infallible> { match never {} })
//!     .service_fn(|_: Request<&'static str>| async { Ok(Response::new("hello")) });
//!
//! for (expected, left) in [(200, "1"), (200, "0"), (429, "0")] {
//!     let request = Request::post("/login").extension(7_u32).body("").unwrap();
//!     let answer = server.ready().await.unwrap().call(request).await.unwrap();
//!     assert_eq!(answer.status(), expected);
//!     assert_eq!(answer.headers()["ratelimit-remaining"], left);
//! }
//! # });
//! ```

mod headers;
mod layer;
mod limiter;
mod store;

#[cfg(test)]
mod tests;

pub use self::{
    headers::Standing,
    layer::{Limited, RateLimit, RateLimitLayer},
    limiter::{Caller, Limits, Policy},
};
