//! The breaker's promises, number by number; time is tokio's, and paused.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{advance, sleep};
use tower::{Service as _, ServiceBuilder};

use super::*;
use crate::{Error, verdict};

const SECOND: Duration = Duration::from_secs(1);

fn ten_of_ten() -> Settings {
    Settings { window: Window::Count(10), minimum_calls: 10, trial_calls: 3, ..Settings::default() }
}

/// Makes one call that ends with the verdict. Says whether it was let through.
fn call(breaker: &Breaker, verdict: Verdict) -> bool {
    breaker.acquire().map(|permit| permit.settle(verdict)).is_ok()
}

fn calls(breaker: &Breaker, number: u32, verdict: Verdict) {
    for _ in 0..number {
        assert!(call(breaker, verdict), "the breaker opened too early");
    }
}

fn settle(permits: Vec<Permit>, verdict: Verdict) {
    for permit in permits {
        permit.settle(verdict);
    }
}

fn opened(settings: Settings) -> Breaker {
    let breaker = Breaker::new("test", settings);
    calls(&breaker, 10, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
    breaker
}

async fn half_open() -> Breaker {
    let breaker = opened(ten_of_ten());
    advance(60 * SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

#[tokio::test(start_paused = true)]
async fn opens_within_the_window_whatever_went_before() {
    for good in [0, 10, 100, 1_000, 10_000] {
        let breaker = Breaker::new("test", ten_of_ten());
        calls(&breaker, good, Verdict::Success);
        let failures = (0..100).take_while(|_| call(&breaker, Verdict::Failure)).count();
        // Half of the last ten after good calls; ten, the minimum, without any.
        assert_eq!(failures, if good == 0 { 10 } else { 5 }, "after {good} good calls");
    }
}

#[tokio::test(start_paused = true)]
async fn opens_within_the_span_of_time_whatever_went_before() {
    for good in [0, 10, 1_000] {
        let window = Window::Time { span: 10 * SECOND, buckets: 10 };
        let breaker = Breaker::new("test", Settings { window, ..ten_of_ten() });
        calls(&breaker, good, Verdict::Success);
        advance(10 * SECOND).await;
        let failures = (0..100).take_while(|_| call(&breaker, Verdict::Failure)).count();
        assert_eq!(failures, 10, "after {good} good calls");
    }
}

#[tokio::test(start_paused = true)]
async fn exactly_the_threshold_opens_and_less_does_not() {
    let check = |failures, percent, expected| {
        let breaker = Breaker::new("test", Settings { failure_rate: Percent::new(percent), ..ten_of_ten() });
        calls(&breaker, 10 - failures, Verdict::Success);
        calls(&breaker, failures, Verdict::Failure);
        assert_eq!(breaker.state(), expected, "{failures} of 10 at {percent} %");
    };
    check(4, 50, State::Closed);
    check(5, 50, State::Open);
    check(2, 30, State::Closed);
    check(3, 30, State::Open);
    check(10, 100, State::Open);
    check(9, 100, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_judged_below_the_minimum() {
    let breaker = Breaker::new("test", Settings::default());
    calls(&breaker, 99, Verdict::Failure);
    assert_eq!(breaker.state(), State::Closed);
    calls(&breaker, 1, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_fewer_calls_lowers_the_minimum() {
    let breaker = Breaker::new("test", Settings { window: Window::Count(5), ..Settings::default() });
    calls(&breaker, 5, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn slow_is_strictly_longer() {
    for (took, expected) in [(60_000, State::Closed), (60_001, State::Open)] {
        let breaker = Breaker::new("test", ten_of_ten());
        let permits: Vec<Permit> = (0..10).map(|_| breaker.acquire().unwrap()).collect();
        advance(Duration::from_millis(took)).await;
        settle(permits, Verdict::Success);
        assert_eq!(breaker.state(), expected, "{took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn is_open_for_as_long_as_it_says() {
    let breaker = opened(ten_of_ten());
    advance(59 * SECOND).await;
    let refused = breaker.acquire().map(drop).unwrap_err();
    assert_eq!(refused, Rejection::BreakerOpen { name: "test", retry_after: SECOND });
    advance(SECOND).await;
    assert!(breaker.acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn lets_no_more_than_the_trial_calls_through() {
    let breaker = half_open().await;
    let permits: Vec<_> = (0..8).map(|_| breaker.acquire()).collect();
    assert_eq!(permits.iter().filter(|permit| permit.is_ok()).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_trial_is_decided_once_nothing_can_change_it() {
    let check = async |verdicts: &[Verdict], expected| {
        let breaker = half_open().await;
        for verdict in verdicts {
            assert!(call(&breaker, *verdict));
        }
        assert_eq!(breaker.state(), expected, "{verdicts:?}");
    };
    let (good, bad) = (Verdict::Success, Verdict::Failure);
    check(&[good], State::HalfOpen).await;
    check(&[good, bad], State::HalfOpen).await;
    check(&[good, bad, good], State::Closed).await;
    check(&[good, good], State::Closed).await;
    check(&[bad, bad], State::Open).await;
    check(&[bad, good, bad], State::Open).await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_call_that_is_cancelled_panics_or_is_ignored_can_be_made_again() {
    let breaker = half_open().await;
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(breaker.clone(), |result: Result<&(), &Error<&str>>| match result {
            Err(Error::Inner("ignored")) => Verdict::Ignore,
            other => verdict::errors(other),
        }))
        .map_err(Error::Inner)
        .service_fn(|what: &'static str| async move {
            match what {
                "hangs" => pending().await,
                "panics" => panic!("on purpose"),
                "is ignored" => Err("ignored"),
                _ => Ok(()),
            }
        });
    for _ in 0..20 {
        let hanging: Vec<_> =
            (0..3).map(|_| tokio::spawn(tokio::time::timeout(SECOND, service.call("hangs")))).collect();
        sleep(SECOND / 2).await;
        assert!(matches!(service.call("").await, Err(Error::Rejected(Rejection::BreakerOpen { .. }))));
        for task in hanging {
            assert!(task.await.unwrap().is_err());
        }
        let panicking: Vec<_> = (0..3).map(|_| tokio::spawn(service.call("panics"))).collect();
        for task in panicking {
            assert!(task.await.unwrap_err().is_panic());
        }
        for _ in 0..3 {
            assert_eq!(service.call("is ignored").await, Err(Error::Inner("ignored")));
        }
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    for _ in 0..2 {
        assert_eq!(service.call("").await, Ok(()));
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_hangs_ends_at_its_limit() {
    let breaker = half_open().await;
    let hanging: Vec<_> = (0..3).map(|_| breaker.acquire().unwrap()).collect();
    advance(Duration::from_millis(59_999)).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    advance(Duration::from_millis(1)).await;
    assert_eq!(breaker.state(), State::Open);
    advance(60 * SECOND).await;
    // The next trial has all its calls again, though those of the last one are still out.
    let permits: Vec<_> = (0..3).map(|_| breaker.acquire().unwrap()).collect();
    settle(hanging, Verdict::Success);
    assert_eq!((breaker.state(), breaker.counts().calls), (State::HalfOpen, 0));
    drop(permits);
}

#[tokio::test(start_paused = true)]
async fn a_trial_with_few_callers_is_decided_on_what_is_known() {
    let breaker = half_open().await;
    calls(&breaker, 1, Verdict::Success);
    advance(60 * SECOND).await;
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn without_callers_a_trial_waits() {
    let breaker = half_open().await;
    advance(3600 * SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    calls(&breaker, 2, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn late_results_count_for_nothing() {
    let breaker = Breaker::new("test", ten_of_ten());
    let late: Vec<_> = (0..10).map(|_| breaker.acquire().unwrap()).collect();
    calls(&breaker, 10, Verdict::Failure);
    advance(60 * SECOND).await;
    calls(&breaker, 2, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
    settle(late, Verdict::Failure);
    assert_eq!((breaker.state(), breaker.counts().calls), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn some_failures_open_it_at_once_for_their_own_time() {
    let breaker = Breaker::new("credit", Settings::default());
    calls(&breaker, 1, Verdict::Trip { open_for: Some(3600 * SECOND) });
    advance(3599 * SECOND).await;
    assert_eq!(breaker.state(), State::Open);
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn forced_states_hold_until_told_otherwise() {
    let breaker = Breaker::new("test", ten_of_ten());
    breaker.force(Forced::Open);
    advance(3600 * SECOND).await;
    assert!(!call(&breaker, Verdict::Success));
    breaker.force(Forced::Disabled);
    calls(&breaker, 100, Verdict::Failure);
    assert_eq!((breaker.state(), breaker.counts().calls), (State::Disabled, 0));
    breaker.force(Forced::MetricsOnly);
    calls(&breaker, 100, Verdict::Failure);
    assert_eq!((breaker.state(), breaker.counts().failures), (State::MetricsOnly, 10));
    breaker.force(Forced::Closed);
    assert_eq!(breaker.counts().calls, 0);
    calls(&breaker, 10, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_listener_hears_every_move() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let moves = Arc::clone(&heard);
    let breaker = Breaker::listened("test", ten_of_ten(), move |event| {
        if let Event::Moved(Transition { from, to, generation }) = event {
            moves.lock().unwrap().push((from, to, generation));
        }
    });
    calls(&breaker, 10, Verdict::Failure);
    advance(60 * SECOND).await;
    calls(&breaker, 2, Verdict::Success);
    let expected =
        [(State::Closed, State::Open, 1), (State::Open, State::HalfOpen, 2), (State::HalfOpen, State::Closed, 3)];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_listener_hears_refusals_and_ends() {
    let (refused, ended) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counts = (Arc::clone(&refused), Arc::clone(&ended));
    let breaker = Breaker::listened("test", ten_of_ten(), move |event| match event {
        Event::Refused => drop(counts.0.fetch_add(1, Ordering::Relaxed)),
        Event::Ended { counted: true, .. } => drop(counts.1.fetch_add(1, Ordering::Relaxed)),
        _ => {}
    });
    calls(&breaker, 10, Verdict::Failure);
    assert!(!call(&breaker, Verdict::Success));
    assert_eq!((refused.load(Ordering::Relaxed), ended.load(Ordering::Relaxed)), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_leaves_the_breaker_whole() {
    let breaker = Breaker::listened("test", ten_of_ten(), |event| {
        assert!(!matches!(event, Event::Moved(_)), "on purpose");
    });
    calls(&breaker, 9, Verdict::Failure);
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| call(&breaker, Verdict::Failure)));
    assert!(result.is_err());
    assert_eq!(breaker.state(), State::Open);
    assert!(!call(&breaker, Verdict::Success));
}

#[test]
fn threads_get_no_more_trial_calls_than_there_are() {
    let settings = Settings { open_for: Duration::ZERO, ..ten_of_ten() };
    let breaker = Breaker::new("test", settings);
    calls(&breaker, 10, Verdict::Failure);
    let admitted = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                if let Ok(permit) = breaker.acquire() {
                    admitted.fetch_add(1, Ordering::Relaxed);
                    std::mem::forget(permit);
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 3);
}
