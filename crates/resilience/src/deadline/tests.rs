//! Timeouts and deadlines: the tighter one wins, and the header says what is left.

use std::{convert::Infallible, time::Duration};

use http::{HeaderValue, Request};
use proptest::prelude::*;
use tokio::time::{advance, sleep};
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;
use crate::{Error, Rejection};

const SECOND: Duration = Duration::from_secs(1);

/// Calls a service that takes `works`, under a timeout of `own` seconds and within a deadline of `inherited` seconds.
async fn check(own: u64, inherited: Option<u64>, works: u64, expected: Result<(), Rejection>) {
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(own)))
        .map_err(Error::Inner)
        .service_fn(|()| async move {
            sleep(Duration::from_secs(works)).await;
            Ok::<_, Infallible>(())
        });
    let begun = Instant::now();
    let result = match inherited {
        Some(left) => Deadline::after(Duration::from_secs(left)).scope(service.oneshot(())).await,
        None => service.oneshot(()).await,
    };
    assert_eq!(result, expected.map_err(Error::Rejected), "{own} {inherited:?} {works}");
    let bound = works.min(own).min(inherited.unwrap_or(u64::MAX));
    assert_eq!(begun.elapsed().as_secs(), bound);
}

#[tokio::test(start_paused = true)]
async fn the_tighter_bound_wins_and_says_which_it_was() {
    check(3, None, 1, Ok(())).await;
    check(3, None, 5, Err(Rejection::TimedOut { after: 3 * SECOND })).await;
    check(3, Some(9), 5, Err(Rejection::TimedOut { after: 3 * SECOND })).await;
    check(3, Some(2), 5, Err(Rejection::DeadlineExceeded)).await;
    check(3, Some(2), 1, Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_after_the_deadline() {
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(SECOND))
        .map_err(Error::Inner)
        .service_fn(|()| -> std::future::Ready<Result<(), Infallible>> { panic!("it began") });
    let over = Deadline::at(Instant::now());
    assert_eq!(over.scope(service.oneshot(())).await, Err(Error::Rejected(Rejection::DeadlineExceeded)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_last_moment_is_an_answer() {
    check(3, None, 3, Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn work_that_is_cut_off_is_cancelled() {
    struct Cancelled<'a>(&'a std::cell::Cell<bool>);
    impl Drop for Cancelled<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let cancelled = std::cell::Cell::new(false);
    let guard = &cancelled;
    let service =
        ServiceBuilder::new().layer(TimeoutLayer::new(SECOND)).map_err(Error::Inner).service_fn(|()| async move {
            let _guard = Cancelled(guard);
            std::future::pending::<Result<(), Infallible>>().await
        });
    assert!(service.oneshot(()).await.is_err());
    assert!(cancelled.get());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_inherited_through_the_layers_to_the_next_service() {
    // Server: 2 s by header. Client inside: half a second later, a timeout of 10 s, which has 1.5 s.
    let client = ServiceBuilder::new()
        .layer(TimeoutLayer::new(10 * SECOND))
        .layer(ToHeaderLayer::new(Wire::Grpc))
        .map_err(Error::Inner)
        .service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(request.headers()["grpc-timeout"].to_str().unwrap().to_owned())
        });
    let server = ServiceBuilder::new()
        .layer(FromHeaderLayer::new(Wire::default(), 5 * SECOND, 30 * SECOND))
        .service_fn(move |_: Request<()>| {
            let client = client.clone();
            async move {
                advance(SECOND / 2).await;
                client.oneshot(Request::new(())).await
            }
        });
    let request = Request::get("/").header("x-envoy-expected-rq-timeout-ms", "2000").body(()).unwrap();
    assert_eq!(server.oneshot(request).await, Ok("1500m".to_owned()));
}

/// How long a server with a default of 5 s and a maximum of 30 s lets a request work.
async fn given(header: Option<&str>) -> Duration {
    let server = ServiceBuilder::new()
        .layer(FromHeaderLayer::new(Wire::default(), 5 * SECOND, 30 * SECOND))
        .map_err(Error::Inner)
        .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Deadline::current().unwrap().remaining()) });
    let mut request = Request::new(());
    if let Some(value) = header {
        request.headers_mut().insert("x-envoy-expected-rq-timeout-ms", HeaderValue::from_str(value).unwrap());
    }
    server.oneshot(request).await.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn callers_ask_for_less_but_not_for_more() {
    assert_eq!(given(None).await, 5 * SECOND);
    assert_eq!(given(Some("1000")).await, SECOND);
    assert_eq!(given(Some("3600000")).await, 30 * SECOND);
    assert_eq!(given(Some("18446744073709551615")).await, 30 * SECOND);
    assert_eq!(given(Some("soon")).await, 5 * SECOND);
    assert_eq!(given(Some("0")).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_no_time_left_is_not_made() {
    let client = ServiceBuilder::new()
        .layer(ToHeaderLayer::default())
        .map_err(Error::Inner)
        .service_fn(|_: Request<()>| -> std::future::Ready<Result<(), Infallible>> { panic!("it was made") });
    let late = Deadline::after(Duration::from_micros(999));
    let result = late.scope(client.oneshot(Request::new(()))).await;
    assert_eq!(result, Err(Error::Rejected(Rejection::DeadlineExceeded)));
}

#[test]
fn grpc_timeouts_are_read() {
    let check = |text: &'static str, expected: Option<Duration>| {
        assert_eq!(Wire::Grpc.read(&HeaderValue::from_static(text)), expected, "{text}");
    };
    check("1H", Some(3600 * SECOND));
    check("2M", Some(120 * SECOND));
    check("3S", Some(3 * SECOND));
    check("100m", Some(SECOND / 10));
    check("5u", Some(Duration::from_micros(5)));
    check("99999999n", Some(Duration::from_nanos(99_999_999)));
    for wrong in ["", "S", "1", "1s", "123456789S", "-1S", "+1S", "1.5S"] {
        check(wrong, None);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_never_more(millis in 0_u64..200_000_000_000) {
        let left = Duration::from_millis(millis);
        for wire in [Wire::default(), Wire::Grpc] {
            let read = wire.read(&wire.write(left)).unwrap();
            prop_assert!(read <= left);
            prop_assert!(left.saturating_sub(read) < SECOND || millis > 99_999_999_000);
        }
    }

    #[test]
    fn no_header_is_too_strange(bytes: Vec<u8>) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            for wire in [Wire::default(), Wire::Grpc] {
                let _ = wire.read(&value);
            }
        }
    }
}
