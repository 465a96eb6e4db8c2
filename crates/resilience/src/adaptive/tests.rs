//! Limits that follow what the service can bear, and places that are never lost.

use std::{convert::Infallible, future::pending, time::Duration};

use http::Response;
use proptest::prelude::*;
use tokio::time::{advance, sleep};
use tower::{Service as _, ServiceBuilder};

use super::*;
use crate::{Error, verdict};

const MS: Duration = Duration::from_millis(1);

fn aimd() -> AdaptiveLimit {
    AdaptiveLimit::new("test", super::Strategy::Aimd(AimdSettings::default()))
}

fn gradient() -> AdaptiveLimit {
    AdaptiveLimit::with_random("test", super::Strategy::Gradient(GradientSettings::default()), || 0.0)
}

/// Fills the limit with calls of this length, which end with the verdict.
async fn round(limit: &AdaptiveLimit, takes: Duration, verdict: Verdict) {
    at_once(limit, usize::MAX, takes, verdict).await;
}

/// Makes up to so many calls of this length at once, which end with the verdict.
async fn at_once(limit: &AdaptiveLimit, calls: usize, takes: Duration, verdict: Verdict) {
    let places: Vec<_> = std::iter::from_fn(|| limit.acquire().ok()).take(calls).collect();
    advance(takes).await;
    for place in places {
        place.settle(verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn aimd_adds_one_for_a_good_call_and_takes_a_tenth_for_a_bad_one() {
    let limit = aimd();
    assert_eq!(limit.limit(), 20);
    // Of twenty calls at once, those that began when half of the limit was in use count.
    round(&limit, MS, Verdict::Success).await;
    let grown = limit.limit();
    assert!(grown > 20, "{grown}");
    let place = limit.acquire().unwrap();
    place.settle(Verdict::Failure);
    assert_eq!(limit.limit(), (grown * 9 / 10).max(20));
}

#[tokio::test(start_paused = true)]
async fn aimd_takes_a_call_that_is_too_slow_for_a_bad_one() {
    let limit = aimd();
    for _ in 0..20 {
        round(&limit, MS, Verdict::Success).await;
    }
    let grown = limit.limit();
    let check = async |takes: Duration, expected: u32| {
        let place = limit.acquire().unwrap();
        advance(takes).await;
        place.settle(Verdict::Success);
        assert_eq!(limit.limit(), expected, "{takes:?}");
    };
    check(5000 * MS, grown).await;
    check(5001 * MS, grown * 9 / 10).await;
}

#[tokio::test(start_paused = true)]
async fn aimd_stays_within_its_bounds() {
    let limit = aimd();
    for _ in 0..100 {
        round(&limit, MS, Verdict::Success).await;
    }
    assert_eq!(limit.limit(), 200);
    for _ in 0..10 {
        round(&limit, MS, Verdict::Failure).await;
    }
    assert_eq!(limit.limit(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_which_less_than_half_is_used_does_not_grow() {
    let check = |under_way: usize, expected| {
        let limit = aimd();
        let held: Vec<_> = (1..under_way).map(|_| limit.acquire().unwrap()).collect();
        limit.acquire().unwrap().settle(Verdict::Success);
        assert_eq!(limit.limit(), expected, "{under_way} under way");
        drop(held);
    };
    check(1, 20);
    check(9, 20);
    check(10, 21);
    check(20, 21);
}

#[tokio::test(start_paused = true)]
async fn the_gradient_measures_with_three_calls_at_once_and_fifty_in_all() {
    let limit = gradient();
    let mut measured = 0;
    while limit.limit() == 3 && measured < 1000 {
        measured += 3;
        round(&limit, 10 * MS, Verdict::Success).await;
    }
    // 50 calls to measure, in rounds of three, then one window of 100 ms until the limit is worked out anew.
    assert!((51 + 27..=51 + 36).contains(&measured), "{measured} calls");
    assert_eq!(limit.limit(), 5, "1.25 × 3 + √3.75");
}

#[tokio::test(start_paused = true)]
async fn the_gradient_grows_while_calls_are_quick_and_halves_when_they_are_not() {
    let limit = gradient();
    for _ in 0..300 {
        round(&limit, 10 * MS, Verdict::Success).await;
    }
    let grown = limit.limit();
    assert!(grown > 100, "{grown}");
    // Ten times as slow: half, and the root of the half.
    round(&limit, 100 * MS, Verdict::Success).await;
    round(&limit, 100 * MS, Verdict::Success).await;
    let shrunk = limit.limit();
    assert!(shrunk < grown * 7 / 10, "{grown} → {shrunk}");
    for _ in 0..100 {
        round(&limit, 10 * MS, Verdict::Success).await;
    }
    assert!(limit.limit() > shrunk);
}

#[tokio::test(start_paused = true)]
async fn the_gradient_never_exceeds_a_thousand() {
    let limit = gradient();
    for _ in 0..500 {
        round(&limit, 10 * MS, Verdict::Success).await;
        assert!(limit.limit() <= 1000);
    }
    assert_eq!(limit.limit(), 1000);
}

#[tokio::test(start_paused = true)]
async fn the_minimum_is_measured_anew_every_minute() {
    let limit = gradient();
    let mut low = Vec::new();
    for _ in 0..15_000 {
        let before = limit.limit();
        at_once(&limit, 4, 10 * MS, Verdict::Success).await;
        if before > 3 && limit.limit() == 3 {
            low.push(Instant::now());
        }
    }
    let gaps: Vec<u64> = low.iter().zip(low.iter().skip(1)).map(|(one, two)| (*two - *one).as_secs()).collect();
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| (60..=61).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn the_limit_follows_a_latency_that_has_changed_for_good() {
    let limit = gradient();
    for _ in 0..300 {
        round(&limit, 10 * MS, Verdict::Success).await;
    }
    // Slower for good: it falls to the least, is not believed after five windows there, and measures again.
    for _ in 0..200 {
        round(&limit, 60 * MS, Verdict::Success).await;
    }
    assert!(limit.limit() > 100, "{}", limit.limit());
}

#[tokio::test(start_paused = true)]
async fn places_come_back_from_calls_that_are_cancelled_or_panic_and_say_nothing() {
    let limit = gradient();
    let mut service = ServiceBuilder::new()
        .layer(AdaptiveLayer::new(limit.clone(), verdict::overload))
        .map_err(|never: Infallible| -> Error<Infallible> { match never {} })
        .service_fn(|what: &'static str| async move {
            match what {
                "hangs" => pending().await,
                "panics" => panic!("on purpose"),
                _ => Ok(Response::new(())),
            }
        });
    for _ in 0..50 {
        let tasks: Vec<_> = ["hangs", "panics", "hangs"].map(|what| tokio::spawn(service.call(what))).into();
        sleep(MS).await;
        assert!(service.call("").await.is_ok() || limit.under_way() == 3);
        for task in tasks {
            task.abort();
            assert!(task.await.is_err());
        }
        assert_eq!(limit.under_way(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused() {
    let limit = gradient();
    let places: Vec<_> = std::iter::from_fn(|| limit.acquire().ok()).collect();
    assert_eq!(places.len(), 3);
    assert_eq!(limit.acquire().map(drop), Err(Rejection::ConcurrencyLimited { name: "test" }));
    drop(places);
    assert!(limit.acquire().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_leaves_its_bounds(
        least in 0_u32..50, more in 0_u32..100, backoff: f64, buffer in 0.0..2.0, percentile in 0.0..100.0,
        calls in prop::collection::vec((0_u64..10_000_000, any::<bool>()), 1..300),
    ) {
        let (now, most) = (Instant::now(), least + more);
        let strategies = [
            super::Strategy::Aimd(AimdSettings { initial: 20, least, most, backoff, ..AimdSettings::default() }),
            super::Strategy::Gradient(GradientSettings { least, most, buffer, percentile, ..GradientSettings::default() }),
        ];
        for strategy in strategies {
            let mut algorithm = Algorithm::new(strategy, || 0.5, now);
            let mut now = now;
            for (micros, dropped) in &calls {
                let (begun, took) = (now, Duration::from_micros(*micros));
                now += took;
                algorithm.add(&Sample { begun, took, under_way: algorithm.limit(), dropped: *dropped }, now);
                prop_assert!((least.max(1)..=most.max(1)).contains(&algorithm.limit()), "{}", algorithm.limit());
            }
        }
    }
}
