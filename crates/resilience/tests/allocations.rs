//! A call that passes a block allocates nothing.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    num::NonZeroU32,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use gonogo_resilience::{
    Error,
    adaptive::{AdaptiveLayer, AdaptiveLimit, AimdSettings, Strategy},
    breaker::{Breaker, BreakerLayer, Settings, Window},
    bulkhead::{Bulkhead, BulkheadLayer},
    deadline::{Deadline, TimeoutLayer},
    rate_limit::{Caller, Limits, Policy},
    retry::{self, RetryPolicy},
    shed::{Priority, ShedLayer, Shedder},
    verdict,
};
use http::{Request, Response};
use tower::{Service, ServiceBuilder};

type Reply = Result<Response<()>, Error<Infallible>>;

fn reply(_: u32) -> Ready<Reply> {
    ready(Ok(Response::new(())))
}

/// Calls the service until its buckets, windows and maps have been used, then counts what a thousand calls allocate.
fn check<Q>(mut service: impl Service<Q, Response = Response<()>, Error = Error<Infallible>>, request: impl Fn() -> Q) {
    runtime().block_on(async move {
        let mut calls = || {
            for _ in 0..1000 {
                let mut context = Context::from_waker(Waker::noop());
                assert!(matches!(service.poll_ready(&mut context), Poll::Ready(Ok(()))));
                let call = pin!(service.call(request()));
                assert!(matches!(call.poll(&mut context), Poll::Ready(Ok(_))));
            }
        };
        calls();
        assert_eq!(allocation_counter::measure(calls).count_total, 0);
    });
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocation_counter::measure(|| drop(Box::new(1))).count_total, 1);
}

#[test]
fn a_breaker_by_count() {
    let runtime = runtime();
    let _guard = runtime.enter();
    let breaker = Breaker::listened("test", Settings::default(), |_| {});
    check(ServiceBuilder::new().layer(BreakerLayer::new(breaker, verdict::http)).service_fn(reply), || 0);
}

#[test]
fn a_breaker_by_time() {
    let runtime = runtime();
    let _guard = runtime.enter();
    let window = Window::Time { span: Duration::from_secs(10), buckets: 10 };
    let breaker = Breaker::new("test", Settings { window, ..Settings::default() });
    check(ServiceBuilder::new().layer(BreakerLayer::new(breaker, verdict::http)).service_fn(reply), || 0);
}

#[test]
fn a_bulkhead_with_a_free_slot() {
    let layer = BulkheadLayer::new(Bulkhead::new("test", gonogo_resilience::bulkhead::Settings::default()));
    check(ServiceBuilder::new().layer(layer).service_fn(reply), || 0);
}

#[test]
fn a_shedder() {
    let layer = ShedLayer::new(Shedder::new("test", 10), |_: &u32| Priority::Normal);
    check(ServiceBuilder::new().layer(layer).service_fn(reply), || 0);
}

#[test]
fn an_adaptive_limit() {
    let runtime = runtime();
    let _guard = runtime.enter();
    for strategy in [Strategy::default(), Strategy::Aimd(AimdSettings::default())] {
        let layer = AdaptiveLayer::new(AdaptiveLimit::new("test", strategy), verdict::overload);
        check(ServiceBuilder::new().layer(layer).service_fn(reply), || 0);
    }
}

#[test]
fn a_timeout_and_the_deadline_inside() {
    let service = ServiceBuilder::new().layer(TimeoutLayer::new(Duration::from_secs(1))).service_fn(|request| {
        assert!(Deadline::current().is_some());
        reply(request)
    });
    check(service, || 0);
}

#[test]
fn a_retry_of_a_call_that_succeeds() {
    let policy = RetryPolicy::http(retry::Settings::default(), retry::budget());
    let service = ServiceBuilder::new().retry(policy).service_fn(|_: Request<()>| reply(0));
    check(service, || Request::new(()));
}

#[test]
fn a_rate_limit_that_knows_the_client() {
    let limits = Limits::new(
        Policy { name: "usual", calls: NonZeroU32::MAX, per: Duration::from_secs(1) },
        [("/a", Policy { name: "a", calls: NonZeroU32::MAX, per: Duration::from_secs(1) })],
    );
    let check = || {
        for client in 0..100 {
            assert!(limits.check(&Caller { endpoint: "/a", client }).is_ok());
        }
    };
    check();
    assert_eq!(allocation_counter::measure(check).count_total, 0);
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime with a paused clock")
}
