//! What is served instead, how it is marked, and when nothing is.

use std::time::Duration;

use http::Request;
use tokio::time::advance;
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;
use crate::{Error, Rejection, verdict};

const SECOND: Duration = Duration::from_secs(1);

type Outcome = Result<Response<&'static str>, Error<&'static str>>;

/// Calls a service that gives `result`, with a spare that was good so many seconds ago.
async fn call(fallback: &Fallback, result: Outcome, age: Option<u64>) -> Outcome {
    let good_at = Instant::now();
    advance(Duration::from_secs(age.unwrap_or_default())).await;
    let mut result = Some(result);
    ServiceBuilder::new()
        .layer(FallbackLayer::new(
            fallback.clone(),
            verdict::http,
            |request: &Request<()>| request.uri().path().to_owned(),
            move |path: String| {
                assert_eq!(path, "/people/7");
                std::future::ready(age.map(|_| Spare { answer: Response::new("spare"), good_at }))
            },
        ))
        .service_fn(move |_: Request<()>| std::future::ready(result.take().unwrap()))
        .oneshot(Request::get("/people/7").body(()).unwrap())
        .await
}

fn answered(status: u16) -> Response<&'static str> {
    Response::builder().status(status).body("own").unwrap()
}

#[tokio::test(start_paused = true)]
async fn failures_errors_and_refusals_are_replaced_and_the_rest_is_not() {
    let check = async |result: Outcome, expected: &str| {
        let fallback = Fallback::new("cache", 300 * SECOND);
        let answer = call(&fallback, result, Some(1)).await.unwrap();
        assert_eq!(*answer.body(), expected);
        assert_eq!(fallback.served(), u64::from(expected == "spare"));
    };
    check(Ok(answered(200)), "own").await;
    check(Ok(answered(404)), "own").await;
    check(Ok(answered(503)), "spare").await;
    check(Ok(answered(429)), "spare").await;
    check(Err(Error::Inner("connection refused")), "spare").await;
    let refused = Rejection::BreakerOpen { name: "people", retry_after: SECOND };
    check(Err(refused.into()), "spare").await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_that_it_is_degraded_and_how_old() {
    let fallback = Fallback::new("cache", 300 * SECOND);
    let answer = call(&fallback, Ok(answered(503)), Some(42)).await.unwrap();
    assert_eq!((&answer.headers()["x-degraded"], &answer.headers()["age"]), (&"cache".parse().unwrap(), &42.into()));
    assert_eq!(answer.extensions().get(), Some(&Degraded { by: "cache", age: 42 * SECOND }));
    let own = call(&fallback, Ok(answered(200)), Some(42)).await.unwrap();
    assert!(own.headers().is_empty() && own.extensions().get::<Degraded>().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_or_missing_leaves_the_failure_as_it_is() {
    let fallback = Fallback::new("cache", 300 * SECOND);
    assert_eq!(*call(&fallback, Ok(answered(503)), Some(300)).await.unwrap().body(), "spare");
    let late = call(&fallback, Ok(answered(503)), Some(301)).await.unwrap();
    assert_eq!((late.status().as_u16(), *late.body()), (503, "own"));
    let nothing = call(&fallback, Err(Error::Inner("connection refused")), None).await;
    assert_eq!(nothing.map(|answer| answer.status()), Err(Error::Inner("connection refused")));
    assert_eq!((fallback.served(), fallback.missed()), (1, 2));
}
