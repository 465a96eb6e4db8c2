//! What a call pays for each block, beside what it pays for the layer of tower that is nearest to it: `cargo bench`.
//!
//! The two are measured in turns within one run, so that noise of the machine meets both; what is compared is the median
//! of the ratios. One thread, a service that answers at once.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    io::{self, Write as _},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use gonogo_resilience::{
    Error,
    adaptive::{AdaptiveLayer, AdaptiveLimit, AimdSettings, GradientSettings, Strategy},
    breaker::{self, Breaker, BreakerLayer, Window},
    bulkhead::{self, Bulkhead, BulkheadLayer},
    deadline::TimeoutLayer,
    rate_limit::{Caller, Limits, Policy, RateLimitLayer},
    retry::{self, RetryPolicy},
    shed::{Priority, ShedLayer, Shedder},
    verdict,
};
use http::{Request, Response};
use tokio::{runtime::Runtime, time::Instant};
use tower::{
    Service, ServiceBuilder, ServiceExt as _,
    retry::budget::{Budget as _, TpsBudget},
};

const CALLS: u32 = 100_000;
const ROUNDS: usize = 15;
const MINUTE: Duration = Duration::from_mins(1);

type Reply = Result<Response<()>, Error<Infallible>>;
type Call = Box<dyn FnMut(&Runtime) -> f64>;

fn reply(_: Request<()>) -> Ready<Reply> {
    ready(Ok(Response::new(())))
}

/// Measures nanoseconds a call, over one round.
fn timed<S>(service: S) -> Call
where
    S: Service<Request<()>, Response = Response<()>> + 'static,
{
    let mut service = service;
    Box::new(move |runtime| {
        runtime.block_on(async {
            let begun = Instant::now();
            for _ in 0..CALLS {
                let Ok(ready) = service.ready().await else { return f64::NAN };
                let answer = ready.call(black_box(Request::new(()))).await;
                if answer.is_err() {
                    return f64::NAN;
                }
                drop(black_box(answer));
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
        })
    })
}

/// A block and the layer of tower that is nearest to it.
struct Pair {
    block: &'static str,
    ours: Call,
    tower: &'static str,
    theirs: Call,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// tower's retry with its budget, as its documentation shows it.
#[derive(Clone)]
struct TowerRetry(Arc<TpsBudget>);

impl<E> tower::retry::Policy<Request<()>, Response<()>, E> for TowerRetry {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<()>, result: &mut Result<Response<()>, E>) -> Option<Self::Future> {
        if result.is_ok() {
            self.0.deposit();
            return None;
        }
        self.0.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a request may be exempt from limits; these are not")]
fn caller(_: &Request<()>) -> Option<Caller<'_, u32>> {
    Some(Caller { endpoint: "/", client: 7 })
}

fn limiter() -> Call {
    timed(ServiceBuilder::new().concurrency_limit(100).service_fn(reply))
}

fn pairs() -> Vec<Pair> {
    let most = NonZeroU32::MAX;
    let usual = || Policy { name: "usual", calls: most, per: MINUTE };
    let by = |window| Breaker::new("b", breaker::Settings { window, ..breaker::Settings::default() });
    let bulkhead = || BulkheadLayer::new(Bulkhead::new("b", bulkhead::Settings::default()));
    let adaptive = |strategy| AdaptiveLayer::new(AdaptiveLimit::new("a", strategy), verdict::overload);
    let pair = |block, ours, tower, theirs| Pair { block, ours, tower, theirs };
    let concurrency = "ConcurrencyLimit";
    let limits: Limits<u32> = Limits::new(usual(), []);
    vec![
        pair(
            "breaker by count",
            timed(
                ServiceBuilder::new().layer(BreakerLayer::new(by(Window::Count(100)), verdict::http)).service_fn(reply),
            ),
            concurrency,
            limiter(),
        ),
        pair(
            "breaker by time",
            timed(
                ServiceBuilder::new()
                    .layer(BreakerLayer::new(by(Window::Time { span: MINUTE, buckets: 60 }), verdict::http))
                    .service_fn(reply),
            ),
            concurrency,
            limiter(),
        ),
        pair("bulkhead", timed(ServiceBuilder::new().layer(bulkhead()).service_fn(reply)), concurrency, limiter()),
        pair(
            "shed",
            timed(
                ServiceBuilder::new()
                    .layer(ShedLayer::new(Shedder::new("s", 100), |_: &Request<()>| Priority::Normal))
                    .service_fn(reply),
            ),
            "LoadShed + ConcurrencyLimit",
            timed(ServiceBuilder::new().load_shed().concurrency_limit(100).service_fn(reply)),
        ),
        pair(
            "adaptive, AIMD",
            timed(ServiceBuilder::new().layer(adaptive(Strategy::Aimd(AimdSettings::default()))).service_fn(reply)),
            concurrency,
            limiter(),
        ),
        pair(
            "adaptive, gradient",
            timed(
                ServiceBuilder::new()
                    .layer(adaptive(Strategy::Gradient(GradientSettings::default())))
                    .service_fn(reply),
            ),
            concurrency,
            limiter(),
        ),
        pair(
            "timeout and deadline",
            timed(ServiceBuilder::new().layer(TimeoutLayer::new(MINUTE)).service_fn(reply)),
            "Timeout",
            timed(ServiceBuilder::new().timeout(MINUTE).service_fn(reply)),
        ),
        pair(
            "retry",
            timed(
                ServiceBuilder::new()
                    .retry(RetryPolicy::http(retry::Settings::default(), retry::budget()))
                    .service_fn(reply),
            ),
            "Retry + TpsBudget",
            timed(ServiceBuilder::new().retry(TowerRetry(retry::budget())).service_fn(reply)),
        ),
        pair(
            "rate limit, decision",
            timed(ServiceBuilder::new().service_fn(move |_: Request<()>| {
                let checked = limits.check(&Caller { endpoint: "/", client: 7_u32 });
                ready::<Reply>(checked.map(|_| Response::new(())).map_err(Error::from))
            })),
            "RateLimit (one for all)",
            timed(ServiceBuilder::new().rate_limit(u64::MAX, MINUTE).service_fn(reply)),
        ),
        pair(
            "rate limit, with headers",
            timed(ServiceBuilder::new().layer(RateLimitLayer::new(Limits::new(usual(), []), caller)).service_fn(reply)),
            "RateLimit (one for all)",
            timed(ServiceBuilder::new().rate_limit(u64::MAX, MINUTE).service_fn(reply)),
        ),
        pair(
            "a client's whole stack",
            timed(
                ServiceBuilder::new()
                    .layer(TimeoutLayer::new(MINUTE))
                    .retry(RetryPolicy::http(retry::Settings::default(), retry::budget()))
                    .layer(BreakerLayer::new(by(Window::Count(100)), verdict::http))
                    .layer(bulkhead())
                    .layer(TimeoutLayer::new(MINUTE))
                    .service_fn(reply),
            ),
            "Timeout, Retry, LoadShed, ConcurrencyLimit, Timeout",
            timed(
                ServiceBuilder::new()
                    .timeout(MINUTE)
                    .retry(TowerRetry(retry::budget()))
                    .load_shed()
                    .concurrency_limit(100)
                    .timeout(MINUTE)
                    .service_fn(reply),
            ),
        ),
    ]
}

fn main() -> io::Result<()> {
    // `cargo test --all-targets` starts benchmarks too, and wants no numbers.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut out = io::stdout().lock();
    let _guard = runtime.enter();
    let mut bare = timed(ServiceBuilder::new().service_fn(reply));
    let alone: Vec<f64> = (0..ROUNDS).map(|_| bare(&runtime)).collect();
    writeln!(out, "\nThe service alone: {:.0} ns a call. {ROUNDS} rounds of {CALLS} calls.\n", median(alone))?;
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(Instant::now());
    }
    let clock = begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
    writeln!(out, "Reading tokio's clock: {clock:.0} ns. Breaker and adaptive limit read it twice a call.\n")?;
    writeln!(out, "| block | ns | tower's | ns | ratio |\n|---|---|---|---|---|")?;
    for Pair { block, mut ours, tower, mut theirs } in pairs() {
        let _warm_up = (ours(&runtime), theirs(&runtime));
        let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(&runtime), theirs(&runtime))).collect();
        let ratio = median(rounds.iter().map(|(ours, theirs)| ours / theirs).collect());
        let (ours, theirs) = rounds.into_iter().unzip();
        writeln!(out, "| {block} | {:.0} | {tower} | {:.0} | {ratio:.2} |", median(ours), median(theirs))?;
    }
    Ok(())
}
