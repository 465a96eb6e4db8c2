//! A lesser answer instead of none: named, no older than it may be, marked as degraded and counted as such.
//!
//! An answer from a fallback is not a success like others. It carries the headers `x-degraded: NAME` and `Age`, the
//! extension [`Degraded`], and is counted in [`Fallback::served`]; whether it is good for the objective is a decision
//! that whoever owns the objective makes, and can make.
//!
//! ```
//! use std::time::Duration;
//!
//! use gonogo_resilience::{Error, fallback::{Fallback, FallbackLayer, Spare}, verdict};
//! use http::{Request, Response};
//! use tokio::time::Instant;
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let cached = Instant::now(); // when the cache was filled
//! let fallback = Fallback::new("profile-cache", Duration::from_secs(300));
//! let mut client = ServiceBuilder::new()
//!     .layer(FallbackLayer::new(
//!         fallback.clone(),
//!         verdict::http,
//!         |request: &Request<()>| request.uri().path().to_owned(),
//!         move |path: String| async move {
//!             (path == "/people/7").then(|| Spare { answer: Response::new("Ada"), good_at: cached })
//!         },
//!     ))
//!     .map_err(Error::Inner)
//!     .service_fn(|_: Request<()>| async { Err::<Response<&str>, _>("connection refused") });
//!
//! let answer = client.ready().await?.call(Request::get("/people/7").body(()).unwrap()).await?;
//! assert_eq!((*answer.body(), &answer.headers()["x-degraded"]), ("Ada", &"profile-cache".parse().unwrap()));
//! assert_eq!(fallback.served(), 1);
//! # Ok::<(), Error<&str>>(())
//! # }).unwrap();
//! ```

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Response, header};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::Verdict;

const DEGRADED: HeaderName = HeaderName::from_static("x-degraded");

/// A fallback and what it did. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Fallback {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    oldest: Duration,
    served: AtomicU64,
    missed: AtomicU64,
}

impl Fallback {
    /// Nothing older than `oldest` is served.
    pub fn new(name: &'static str, oldest: Duration) -> Self {
        let (served, missed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { name, oldest, served, missed }) }
    }

    /// How many answers it gave.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// How often it was asked and had nothing, or nothing fresh enough.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }

    /// The spare as an answer that says what it is, unless it is too old.
    fn serve<B>(&self, spare: Option<Spare<B>>, now: Instant) -> Option<Response<B>> {
        let Shared { name, oldest, served, missed } = &*self.shared;
        let aged = spare.map(|spare| (now.saturating_duration_since(spare.good_at), spare.answer));
        let Some((age, mut answer)) = aged.filter(|(age, _)| age <= oldest) else {
            missed.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        served.fetch_add(1, Ordering::Relaxed);
        if let Ok(value) = HeaderValue::from_str(name) {
            answer.headers_mut().insert(DEGRADED, value);
        }
        answer.headers_mut().insert(header::AGE, age.as_secs().into());
        answer.extensions_mut().insert(Degraded { by: name, age });
        Some(answer)
    }
}

/// An answer that was good once.
#[derive(Debug)]
pub struct Spare<B> {
    /// The answer.
    pub answer: Response<B>,
    /// When it was.
    pub good_at: Instant,
}

/// The extension of an answer that came from a fallback: for metrics, logs and the layers outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// The fallback's name.
    pub by: &'static str,
    /// How old the answer is.
    pub age: Duration,
}

/// Puts a [`Fallback`] around a service.
#[derive(Debug, Clone)]
pub struct FallbackLayer<C, K, F> {
    fallback: Fallback,
    classify: C,
    key: K,
    find: F,
}

impl<C, K, F> FallbackLayer<C, K, F> {
    /// Where `classify` says that a result is no success, `find` is asked for a spare of what `key` made of the request.
    /// A result that is ignored gets one too: the caller has no answer either way.
    pub const fn new<Request, Key, Found, B>(fallback: Fallback, classify: C, key: K, find: F) -> Self
    where
        K: Fn(&Request) -> Key,
        F: Fn(Key) -> Found,
        Found: Future<Output = Option<Spare<B>>>,
    {
        Self { fallback, classify, key, find }
    }
}

impl<S, C: Clone, K: Clone, F: Clone> Layer<S> for FallbackLayer<C, K, F> {
    type Service = FallbackService<S, C, K, F>;

    fn layer(&self, inner: S) -> Self::Service {
        FallbackService { inner, layer: self.clone() }
    }
}

/// A service with something to fall back on.
#[derive(Debug, Clone)]
pub struct FallbackService<S, C, K, F> {
    inner: S,
    layer: FallbackLayer<C, K, F>,
}

impl<S, C, K, F, Request, Key, Found, B> Service<Request> for FallbackService<S, C, K, F>
where
    S: Service<Request, Response = Response<B>>,
    C: Fn(Result<&Response<B>, &S::Error>) -> Verdict + Clone,
    K: Fn(&Request) -> Key,
    F: Fn(Key) -> Found + Clone,
    Found: Future<Output = Option<Spare<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = FallbackFuture<S::Future, C, F, Key, Found, B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let FallbackLayer { fallback, classify, key, find } = &self.layer;
        FallbackFuture {
            fallback: fallback.clone(),
            classify: classify.clone(),
            find: find.clone(),
            key: Some(key(&request)),
            failed: None,
            step: Step::Calling { call: self.inner.call(request) },
        }
    }
}

pin_project! {
    /// A call that falls back.
    #[derive(Debug)]
    pub struct FallbackFuture<F, C, G, Key, Found, B, E> {
        fallback: Fallback,
        classify: C,
        find: G,
        key: Option<Key>,
        failed: Option<Result<Response<B>, E>>,
        #[pin]
        step: Step<F, Found>,
    }
}

pin_project! {
    #[project = Steps]
    #[derive(Debug)]
    enum Step<F, Found> {
        Calling { #[pin] call: F },
        Finding { #[pin] found: Found },
        Ended,
    }
}

impl<F, C, G, Key, Found, B, E> Future for FallbackFuture<F, C, G, Key, Found, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    C: Fn(Result<&Response<B>, &E>) -> Verdict,
    G: Fn(Key) -> Found,
    Found: Future<Output = Option<Spare<B>>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.step.as_mut().project() {
                Steps::Calling { call } => {
                    let result = ready!(call.poll(cx));
                    let success = (this.classify)(result.as_ref()) == Verdict::Success;
                    let Some(key) = this.key.take().filter(|_| !success) else {
                        this.step.set(Step::Ended);
                        return Poll::Ready(result);
                    };
                    *this.failed = Some(result);
                    let found = (this.find)(key);
                    this.step.set(Step::Finding { found });
                }
                Steps::Finding { found } => {
                    let spare = ready!(found.poll(cx));
                    let served = this.fallback.serve(spare, Instant::now());
                    this.step.set(Step::Ended);
                    let failed = this.failed.take();
                    match (served, failed) {
                        (Some(answer), _) => return Poll::Ready(Ok(answer)),
                        (None, Some(failed)) => return Poll::Ready(failed),
                        (None, None) => return Poll::Pending,
                    }
                }
                // Polled again after its end, which futures need not bear; it stays silent.
                Steps::Ended => return Poll::Pending,
            }
        }
    }
}
