//! Rejections as HTTP answers: the outermost block of a server, after which only the service's own errors are left.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{Error, Rejection, moment::whole_seconds};

/// Turns rejections into answers with the right status, `Retry-After`, the headers of a rate limit, and a body of
/// `{"error":{"code":"…"}}`. Errors of the service itself pass. Every block of [`crate`] inside it can be answered:
///
/// ```
/// use std::convert::Infallible;
///
/// use gonogo_resilience::{AnswerLayer, Error, bulkhead::{self, Bulkhead, BulkheadLayer}};
/// use http::Response;
/// use tower::{Service as _, ServiceBuilder, ServiceExt as _};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let closed = bulkhead::Settings { slots: 0, ..bulkhead::Settings::default() };
/// let mut server = ServiceBuilder::new()
///     .layer(AnswerLayer::default())
///     .layer(BulkheadLayer::new(Bulkhead::new("search", closed)))
///     .map_err(|never: Infallible| -> Error<Infallible> { match never {} })
///     .service_fn(|_: ()| async { Ok(Response::new(String::new())) });
/// let answer: Result<_, Infallible> = server.ready().await?.call(()).await;
/// let answer = answer?;
/// assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"1".parse().unwrap()));
/// assert_eq!(answer.body(), r#"{"error":{"code":"bulkhead_full"}}"#);
/// # Ok::<(), Infallible>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswerLayer {
    _private: (),
}

impl<S> Layer<S> for AnswerLayer {
    type Service = Answer<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Answer { inner }
    }
}

/// A service that answers for the blocks inside.
#[derive(Debug, Clone)]
pub struct Answer<S> {
    inner: S,
}

impl<S, Request, B, E> Service<Request> for Answer<S>
where
    S: Service<Request, Response = Response<B>, Error = Error<E>>,
    B: From<&'static str>,
{
    type Response = Response<B>;
    type Error = E;
    type Future = Answered<S::Future, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        // The blocks decide in `call`: an error here is the service's own.
        match self.inner.poll_ready(cx) {
            Poll::Ready(Err(Error::Inner(error))) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(()) | Err(Error::Rejected(_))) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Answered { call: self.inner.call(request), error: PhantomData }
    }
}

pin_project! {
    /// A call whose rejection becomes an answer.
    #[derive(Debug)]
    pub struct Answered<F, E> {
        #[pin]
        call: F,
        error: PhantomData<fn() -> E>,
    }
}

impl<F, B, E> Future for Answered<F, E>
where
    F: Future<Output = Result<Response<B>, Error<E>>>,
    B: From<&'static str>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.project().call.poll(cx)) {
            Ok(answer) => Ok(answer),
            Err(Error::Rejected(rejection)) => Ok(answer(rejection)),
            Err(Error::Inner(error)) => Err(error),
        })
    }
}

/// The HTTP answer that says what the rejection says.
pub fn answer<B: From<&'static str>>(rejection: Rejection) -> Response<B> {
    let mut answer = Response::new(B::from(body(rejection)));
    *answer.status_mut() = rejection.status();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = rejection.retry_after() {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).max(1).into());
    }
    if let Rejection::RateLimited { standing, .. } = rejection {
        standing.write(headers);
    }
    answer
}

const fn body(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::BreakerOpen { .. } => r#"{"error":{"code":"circuit_open"}}"#,
        Rejection::BulkheadFull { .. } => r#"{"error":{"code":"bulkhead_full"}}"#,
        Rejection::BulkheadWaited { .. } => r#"{"error":{"code":"bulkhead_waited"}}"#,
        Rejection::RateLimited { .. } => r#"{"error":{"code":"rate_limit_exceeded"}}"#,
        Rejection::Shed { .. } => r#"{"error":{"code":"load_shed"}}"#,
        Rejection::ConcurrencyLimited { .. } => r#"{"error":{"code":"concurrency_limited"}}"#,
        Rejection::TimedOut { .. } => r#"{"error":{"code":"timed_out"}}"#,
        Rejection::DeadlineExceeded => r#"{"error":{"code":"deadline_exceeded"}}"#,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(rejection: Rejection, status: u16, retry_after: Option<&str>) {
        let answer: Response<&str> = answer(rejection);
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().get("retry-after").map(|value| value.to_str().unwrap()), retry_after);
        assert_eq!(*answer.body(), format!(r#"{{"error":{{"code":"{}"}}}}"#, rejection.code()));
    }

    #[test]
    fn every_rejection_has_its_answer() {
        let standing = crate::rate_limit::Standing {
            policy: "p",
            limit: 1,
            remaining: 0,
            reset: Duration::ZERO,
            window: Duration::ZERO,
        };
        let name = "n";
        check(Rejection::BreakerOpen { name, retry_after: Duration::from_millis(1500) }, 503, Some("2"));
        check(Rejection::BreakerOpen { name, retry_after: Duration::ZERO }, 503, Some("1"));
        check(Rejection::BulkheadFull { name }, 503, Some("1"));
        check(Rejection::BulkheadWaited { name }, 503, Some("1"));
        check(Rejection::Shed { name }, 503, Some("1"));
        check(Rejection::ConcurrencyLimited { name }, 503, Some("1"));
        check(Rejection::RateLimited { name, retry_after: Duration::from_secs(7), standing }, 429, Some("7"));
        check(Rejection::TimedOut { after: Duration::from_secs(1) }, 504, None);
        check(Rejection::DeadlineExceeded, 504, None);
    }
}
