//! Quotas by endpoint and client, the arithmetic of GCRA, the headers, and the bound of the store.

use std::{collections::HashMap, num::NonZeroU32, time::Duration};

use http::HeaderMap;
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::*;
use crate::{Deadline, Rejection};

const SECOND: Duration = Duration::from_secs(1);

fn policy(name: &'static str, calls: u32, seconds: u64) -> Policy {
    Policy { name, calls: NonZeroU32::new(calls).unwrap(), per: Duration::from_secs(seconds) }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_wait_for_its_turn_but_not_past_the_deadline() {
    let limits = Limits::new(policy("p", 2, 20), []);
    let caller = Caller { endpoint: "/", client: 1 };
    let begun = Instant::now();
    for expected in [0, 0, 10, 20] {
        limits.wait(&caller).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), expected);
    }
    let refused = Deadline::after(10 * SECOND).scope(limits.wait(&caller)).await;
    assert!(matches!(refused, Err(Rejection::RateLimited { .. })));
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert!(Deadline::after(11 * SECOND).scope(limits.wait(&caller)).await.is_ok());
}

/// How long the call must wait, if it was refused.
fn wait(limits: &Limits<u32>, endpoint: &str, client: u32) -> Option<Duration> {
    match limits.check(&Caller { endpoint, client }) {
        Ok(_) => None,
        Err(Rejection::RateLimited { retry_after, .. }) => Some(retry_after),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_then_one_at_a_time() {
    // T = 10 s, τ = 50 s: six at once, then one every 10 s.
    let limits = Limits::new(policy("p", 6, 60), []);
    for _ in 0..6 {
        assert_eq!(wait(&limits, "/", 1), None);
    }
    assert_eq!(wait(&limits, "/", 1), Some(10 * SECOND));
    advance(Duration::from_millis(9_999)).await;
    assert_eq!(wait(&limits, "/", 1), Some(Duration::from_millis(1)));
    advance(Duration::from_millis(1)).await;
    assert_eq!(wait(&limits, "/", 1), None);
    assert_eq!(wait(&limits, "/", 1), Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_twice_the_quota_around_the_edge_of_a_window() {
    let limits = Limits::new(policy("p", 60, 60), []);
    let mut passed = Vec::new();
    // Asks ten times a second for three minutes, beginning late in a minute.
    for tick in 0..1800_u32 {
        if wait(&limits, "/", 1).is_none() {
            passed.push(tick);
        }
        advance(SECOND / 10).await;
    }
    let most = passed.iter().map(|from| passed.iter().filter(|at| (*from..from + 600).contains(at)).count()).max();
    // GCRA lets through the burst and what grows back meanwhile, 60 + 59; a fixed window would let it through at once.
    assert!(most.unwrap() <= 120, "{most:?} in a minute");
    let steady = passed.iter().filter(|at| (600..1200).contains(*at)).count();
    assert_eq!(steady, 60, "in the second minute");
}

#[tokio::test(start_paused = true)]
async fn clients_and_endpoints_have_quotas_of_their_own() {
    let limits = Limits::new(policy("usual", 2, 60), [("/login", policy("login", 1, 60)), ("/a", policy("a", 3, 60))]);
    let passes = |endpoint, client| (0..10).take_while(|_| wait(&limits, endpoint, client).is_none()).count();
    assert_eq!(passes("/login", 1), 1);
    assert_eq!(passes("/login", 2), 1);
    assert_eq!(passes("/a", 1), 3);
    // Those without a policy share one, so that made-up paths win nothing.
    assert_eq!(passes("/x", 1), 2);
    assert_eq!(passes("/y", 1), 0);
    assert_eq!(passes("/y", 2), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_strangers_neither_grows_the_store_nor_pushes_anybody_out() {
    let limits = Limits::remembering(100, policy("p", 10, 60), []);
    for client in 0..100 {
        assert_eq!(wait(&limits, "/", client), None);
    }
    let strangers = (1000..100_000).filter(|client| wait(&limits, "/", *client).is_none()).count();
    assert_eq!(strangers, 10, "they share one quota");
    assert_eq!(limits.clients(), 100);
    assert_eq!((0..20).filter(|_| wait(&limits, "/", 7).is_none()).count(), 9, "a known client keeps its own");
    // When the known ones have been away for long enough, their places are free.
    advance(61 * SECOND).await;
    assert_eq!(wait(&limits, "/", 5000), None);
    assert_eq!(limits.clients(), 1);
}

fn headers(standing: Standing) -> HashMap<String, String> {
    let mut headers = HeaderMap::new();
    standing.write(&mut headers);
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

fn check(standing: Standing, remaining: &str, reset: &str) {
    let expected = [
        ("ratelimit", format!("\"p\";r={remaining};t={reset}")),
        ("ratelimit-policy", "\"p\";q=6;w=60".to_owned()),
        ("ratelimit-limit", "6".to_owned()),
        ("ratelimit-remaining", remaining.to_owned()),
        ("ratelimit-reset", reset.to_owned()),
    ];
    assert_eq!(headers(standing), expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}

#[tokio::test(start_paused = true)]
async fn headers_say_what_is_left_and_when_it_is_whole() {
    let limits = Limits::new(policy("p", 6, 60), []);
    let caller = Caller { endpoint: "/", client: 1 };
    check(limits.check(&caller).unwrap(), "5", "10");
    check(limits.check(&caller).unwrap(), "4", "20");
    for _ in 0..4 {
        limits.check(&caller).unwrap();
    }
    let Err(Rejection::RateLimited { standing, .. }) = limits.check(&caller) else { panic!("it passed") };
    check(standing, "0", "60");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against GCRA as it is written down: T = period / rate, τ = T × (burst - 1).
    #[test]
    fn the_arithmetic_is_gcra(calls in 1_u32..20, per in 1_u64..100, steps in prop::collection::vec((0_u64..3000, 0_u32..3), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limits = Limits::new(policy("p", calls, per), []);
            let interval = Duration::from_secs(per) / calls;
            let tolerance = interval * (calls - 1);
            let (mut arrivals, mut now) = (HashMap::new(), Duration::ZERO);
            for (pass, client) in steps {
                let pass = Duration::from_millis(pass);
                advance(pass).await;
                now += pass;
                let arrival = *arrivals.get(&client).unwrap_or(&now);
                let earliest = arrival.saturating_sub(tolerance);
                let expected = earliest.checked_sub(now).filter(|wait| !wait.is_zero());
                if expected.is_none() {
                    arrivals.insert(client, arrival.max(now) + interval);
                }
                prop_assert_eq!(wait(&limits, "/", client), expected);
            }
            Ok(())
        })?;
    }
}
