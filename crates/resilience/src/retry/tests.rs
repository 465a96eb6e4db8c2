//! What the other side of a retry sees: how many calls, when, and which never.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tower::{Service as _, ServiceBuilder, ServiceExt as _};

use super::*;
use crate::{
    Error, Rejection,
    breaker::{self, Breaker, BreakerLayer, Window},
    verdict,
};

const SECOND: Duration = Duration::from_secs(1);

type Policy = RetryPolicy<Request<()>, Response<()>, Error<&'static str>>;

fn plenty() -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(10 * SECOND, 1000, 1.0))
}

fn settings() -> Settings {
    Settings { attempts: 4, backoff: Backoff { base: SECOND, cap: 3 * SECOND }, ..Settings::default() }
}

/// When the other side was called, in ms from the first call, and what the caller got.
struct Seen {
    at: Vec<u128>,
    result: Result<Response<()>, Error<&'static str>>,
}

/// Calls a service that always gives what `answer` says, with a policy whose random number is always 1.
async fn calls(policy: Policy, request: Request<()>, answer: fn() -> Result<Response<()>, &'static str>) -> Seen {
    let begun = Instant::now();
    let at = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&at);
    let client = ServiceBuilder::new()
        .retry(policy.with_sources(|| 1.0, || SystemTime::UNIX_EPOCH))
        .map_err(Error::Inner)
        .service_fn(move |_: Request<()>| {
            times.lock().unwrap().push(begun.elapsed().as_millis());
            std::future::ready(answer())
        });
    let result = client.oneshot(request).await;
    let at = at.lock().unwrap().clone();
    Seen { at, result }
}

fn get() -> Request<()> {
    Request::get("/").body(()).unwrap()
}

fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Response<()> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(()).unwrap()
}

async fn check(settings: Settings, reply: fn() -> Result<Response<()>, &'static str>, expected: &[u128]) -> Seen {
    let seen = calls(Policy::http(settings, plenty()), get(), reply).await;
    assert_eq!(seen.at, expected);
    seen
}

#[tokio::test(start_paused = true)]
async fn waits_grow_up_to_the_cap_and_attempts_end() {
    let seen = check(settings(), || Ok(answer(503, &[])), &[0, 1000, 3000, 6000]).await;
    assert_eq!(seen.result.unwrap().status(), 503);
    check(settings(), || Err("connection reset"), &[0, 1000, 3000, 6000]).await;
}

#[tokio::test(start_paused = true)]
async fn waits_are_spread_over_the_whole_range() {
    let policy = Policy::http(settings(), plenty());
    let mut waits = Vec::new();
    for _ in 0..500 {
        let call = Call { begun: Instant::now(), repetitions: 0 };
        let begin = policy.next(call, None, Instant::now()).unwrap();
        waits.push((begin - Instant::now()).as_secs_f64());
    }
    let below = |bound: f64| waits.iter().filter(|wait| **wait <= bound).count();
    assert_eq!(below(1.0), 500);
    for (bound, expected) in [(0.25, 125), (0.5, 250), (0.75, 375)] {
        assert!(below(bound).abs_diff(expected) < 75, "{} waits are up to {bound} s", below(bound));
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_can_end_otherwise_is_repeated() {
    let check = async |status: u16, repeated: bool| {
        static STATUS: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
        STATUS.store(status, std::sync::atomic::Ordering::Relaxed);
        let reply = || Ok(answer(STATUS.load(std::sync::atomic::Ordering::Relaxed), &[]));
        let seen = calls(Policy::http(settings(), plenty()), get(), reply).await;
        assert_eq!(seen.at.len() > 1, repeated, "{status}");
    };
    for status in [408, 429, 500, 502, 503, 504] {
        check(status, true).await;
    }
    for status in [200, 204, 301, 400, 401, 402, 403, 404, 409, 422, 501, 505] {
        check(status, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_done_twice_is_not() {
    let check = async |method: &str, key: Option<&str>, repeated: bool| {
        let mut request = Request::builder().method(method).uri("/");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let policy = Policy::http(settings(), plenty());
        let seen = calls(policy, request.body(()).unwrap(), || Err("connection reset")).await;
        assert_eq!(seen.at.len() > 1, repeated, "{method} {key:?}");
    };
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
        check(method, None, true).await;
    }
    for method in ["POST", "PATCH", "CONNECT", "PURCHASE"] {
        check(method, None, false).await;
        check(method, Some(""), false).await;
        check(method, Some("7f9c"), true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_may_say_that_a_post_is_safe() {
    let policy = Policy::new(settings(), plenty(), |_| true, http_fate);
    let request = Request::post("/search").body(()).unwrap();
    assert_eq!(calls(policy, request, || Err("connection reset")).await.at.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept_to_with_jitter_on_top() {
    let twice = Settings { attempts: 2, ..settings() };
    check(twice, || Ok(answer(429, &[("retry-after", "7")])), &[0, 8000]).await;
    let date = || {
        let (sent, then) = ("Sun, 06 Nov 1994 08:49:30 GMT", "Sun, 06 Nov 1994 08:49:37 GMT");
        Ok(answer(503, &[("date", sent), ("retry-after", then)]))
    };
    check(twice, date, &[0, 8000]).await;
    check(twice, || Ok(answer(503, &[("retry-after", "30")])), &[0, 31_000]).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_the_callers_to_decide() {
    let twice = Settings { attempts: 2, overall: Duration::MAX, ..settings() };
    let seen = check(twice, || Ok(answer(429, &[("retry-after", "31")])), &[0]).await;
    assert_eq!(seen.result.unwrap().headers()["retry-after"], "31");
    check(twice, || Ok(answer(429, &[("retry-after", "99999999999999999999")])), &[0]).await;
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline() {
    let bounded = Settings { overall: Duration::from_secs(3), ..settings() };
    check(bounded, || Err("connection reset"), &[0, 1000]).await;
    let inherited = Deadline::after(Duration::from_millis(3001));
    let policy = Policy::http(settings(), plenty());
    let seen = inherited.scope(calls(policy, get(), || Err("connection reset"))).await;
    assert_eq!(seen.at, [0, 1000, 3000]);
}

/// How many calls the dependency sees when `requests` come, one every 100 ms, and all fail.
async fn load(budget: Arc<TpsBudget>, requests: usize) -> usize {
    let quick = Settings { backoff: Backoff { base: Duration::ZERO, cap: Duration::ZERO }, ..settings() };
    let policy = Policy::http(quick, budget);
    let mut seen = 0;
    for _ in 0..requests {
        seen += calls(policy.clone(), get(), || Err("connection refused")).await.at.len();
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_what_a_dependency_that_is_down_sees() {
    // 10 a second for 100 s. Without a budget each is made 4 times. With it: 20 %, and 3 a second.
    let seen = load(budget(), 1000).await;
    let bound = 1000 + 200 + 3 * 100 + 30;
    assert!((1200..=bound).contains(&seen), "{seen} calls");
    assert_eq!(load(plenty(), 100).await, 400);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_shared_by_all_who_call_the_dependency() {
    let shared = Arc::new(TpsBudget::new(10 * SECOND, 0, 0.2));
    let one = load(Arc::clone(&shared), 50).await;
    assert!((55..=60).contains(&one), "{one} calls");
    let spender = Policy::http(settings(), Arc::clone(&shared));
    let other = calls(spender, get(), || Err("connection refused")).await;
    assert_eq!(other.at.len(), 1, "the first client has spent it");
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_ends_the_attempts() {
    let settings_of_breaker =
        breaker::Settings { window: Window::Count(2), minimum_calls: 2, ..breaker::Settings::default() };
    let breaker = Breaker::new("down", settings_of_breaker);
    let calls = Arc::new(Mutex::new(0));
    let count = Arc::clone(&calls);
    let mut client = ServiceBuilder::new()
        .retry(Policy::http(settings(), plenty()))
        .layer(BreakerLayer::new(breaker, verdict::http))
        .map_err(Error::Inner)
        .service_fn(move |_: Request<()>| {
            *count.lock().unwrap() += 1;
            std::future::ready(Err::<Response<()>, _>("connection refused"))
        });
    let result = client.call(get()).await;
    assert!(matches!(result, Err(Error::Rejected(Rejection::BreakerOpen { .. }))));
    assert_eq!(*calls.lock().unwrap(), 2);
}
