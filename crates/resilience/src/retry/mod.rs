//! Retries that help more than they harm: full jitter, `Retry-After`, a deadline, and a budget for all calls together.
//!
//! The loop is [`tower::retry`]'s, the budget its [`TpsBudget`]; this is the [`Policy`] between them.
//!
//! - Only what may be done twice is done twice: safe and idempotent methods, and requests with an `Idempotency-Key`.
//! - A wait never ends before the moment that `Retry-After` names; jitter comes on top, so that clients that were told
//!   the same second do not come back together. If it is further away than [`Settings::longest_wait`], the answer goes to
//!   the caller instead.
//! - No attempt begins after the deadline, the call's own or the inherited one.
//! - Retry in one layer: three attempts in each of three layers are 27 calls.
//!
//! ```
//! use std::{sync::atomic::{AtomicU32, Ordering}, time::Duration};
//!
//! use gonogo_resilience::{Error, retry::{self, RetryPolicy}};
//! use http::{Request, Response, StatusCode};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! static CALLS: AtomicU32 = AtomicU32::new(0);
//! // One budget for each dependency, shared by all who call it.
//! let policy = RetryPolicy::http(retry::Settings::default(), retry::budget());
//! let mut client = ServiceBuilder::new()
//!     .retry(policy)
//!     .map_err(Error::Inner)
//!     .service_fn(|_: Request<()>| async {
//!         let status = if CALLS.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 200 };
//!         Response::builder().status(status).body(()).map_err(|error| error.to_string())
//!     });
//! let answer = client.ready().await?.call(Request::get("/people").body(()).unwrap()).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//! assert_eq!(CALLS.load(Ordering::Relaxed), 2);
//! # Ok::<(), Error<String>>(())
//! # }).unwrap();
//! ```

mod after;
mod backoff;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::retry::{
    Policy,
    budget::{Budget as _, TpsBudget},
};

pub use self::{after::retry_after, backoff::Backoff};
use crate::{
    Deadline, Rejected,
    moment::{later, time_of_day},
};

/// The numbers of a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often a call is made at most, the first time included. 3.
    pub attempts: u32,
    /// The waits between.
    pub backoff: Backoff,
    /// The longest wait that `Retry-After` may ask for. 30 s.
    pub longest_wait: Duration,
    /// How long after the first attempt the last one may begin. 60 s; the inherited [`Deadline`] bounds it further.
    pub overall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Backoff::default(),
            longest_wait: Duration::from_secs(30),
            overall: Duration::from_mins(1),
        }
    }
}

/// The usual budget of one dependency: retries are at most 20 % of the calls of the last ten seconds, and 3 a second.
///
/// A dependency that is down sees 1.2 times the calls instead of 3 times.
pub fn budget() -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(Duration::from_secs(10), 3, 0.2))
}

/// What a result means for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stands, good or bad: doing the same again changes nothing.
    Final,
    /// Another attempt may end otherwise.
    Transient {
        /// How long to wait at least.
        after: Option<Duration>,
    },
}

/// Reads the fate of a result. The time of day is for headers with dates.
pub type Fates<R, E> = fn(Result<&R, &E>, SystemTime) -> Fate;

/// Which calls are made again, and when: a policy for [`tower::retry::RetryLayer`].
pub struct RetryPolicy<Request, R, E> {
    settings: Settings,
    budget: Arc<TpsBudget>,
    repeatable: fn(&Request) -> bool,
    fate: Fates<R, E>,
    random: fn() -> f64,
    time_of_day: fn() -> SystemTime,
    /// The call under way; a policy that is cloned for a new call has none.
    call: Option<Call>,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    begun: Instant,
    repetitions: u32,
}

impl<B, A, E: Rejected> RetryPolicy<Request<B>, Response<A>, E> {
    /// For HTTP: [`idempotent`] requests, [`http_fate`].
    pub fn http(settings: Settings, budget: Arc<TpsBudget>) -> Self {
        Self::new(settings, budget, idempotent, http_fate)
    }
}

impl<Request, R, E> RetryPolicy<Request, R, E> {
    /// Repeats the requests that `repeatable` says yes to. Tell it more than [`idempotent`] only of a request that the
    /// other side recognises when it comes twice.
    pub fn new(
        settings: Settings,
        budget: Arc<TpsBudget>,
        repeatable: fn(&Request) -> bool,
        fate: Fates<R, E>,
    ) -> Self {
        Self { settings, budget, repeatable, fate, random: fastrand::f64, time_of_day, call: None }
    }

    /// With another source of random numbers (from 0 to 1), and another calendar.
    #[must_use]
    pub const fn with_sources(mut self, random: fn() -> f64, time_of_day: fn() -> SystemTime) -> Self {
        self.random = random;
        self.time_of_day = time_of_day;
        self
    }

    /// When the next attempt begins, or nothing if there is none.
    fn next(&self, call: Call, after: Option<Duration>, now: Instant) -> Option<Instant> {
        let Settings { attempts, backoff, longest_wait, overall } = self.settings;
        if call.repetitions + 1 >= attempts || after.is_some_and(|after| after > longest_wait) {
            return None;
        }
        let wait = after.unwrap_or_default().saturating_add(backoff.wait(call.repetitions, (self.random)()));
        let begin = later(now, wait);
        let own = later(call.begun, overall);
        let end = Deadline::current().map_or(own, |deadline| own.min(deadline.moment()));
        // The budget comes last: what is not going to be done costs nothing.
        (begin < end && self.budget.withdraw()).then_some(begin)
    }
}

impl<Request: Clone, R, E> Policy<Request, R, E> for RetryPolicy<Request, R, E> {
    type Future = Sleep;

    fn retry(&mut self, _: &mut Request, result: &mut Result<R, E>) -> Option<Self::Future> {
        let call = self.call?;
        match (self.fate)(result.as_ref(), (self.time_of_day)()) {
            Fate::Final => None,
            Fate::Transient { after } => {
                let begin = self.next(call, after, Instant::now())?;
                self.call = Some(Call { repetitions: call.repetitions + 1, ..call });
                Some(sleep_until(begin))
            }
        }
    }

    /// Called before the first attempt, on the policy that is then cloned for the call, and before each repetition, on
    /// that clone.
    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        if self.call.is_none_or(|call| call.repetitions == 0) {
            self.budget.deposit();
            self.call = Some(Call { begun: Instant::now(), repetitions: 0 });
        }
        (self.repeatable)(request).then(|| request.clone())
    }
}

/// Whether doing it twice does no more than doing it once: by its method (RFC 9110 §9.2.2), or by an `Idempotency-Key`.
pub fn idempotent<B>(request: &Request<B>) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    ) || request.headers().get("idempotency-key").is_some_and(|key| !key.is_empty())
}

/// 408, 429, 500, 502, 503, 504 and errors are transient. A rejection of our own is final: the block that gave it knows
/// the state, and asking it again at once changes nothing. A call that was cut off is not.
pub fn http_fate<B, E: Rejected>(result: Result<&Response<B>, &E>, now: SystemTime) -> Fate {
    match result {
        Ok(answer) if transient(answer.status()) => Fate::Transient { after: retry_after(answer.headers(), now) },
        Ok(_) => Fate::Final,
        Err(error) => match error.rejection() {
            Some(rejection) if !rejection.reached() => Fate::Final,
            _ => Fate::Transient { after: None },
        },
    }
}

fn transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

impl<Request, R, E> Clone for RetryPolicy<Request, R, E> {
    fn clone(&self) -> Self {
        Self { budget: Arc::clone(&self.budget), ..*self }
    }
}

impl<Request, R, E> fmt::Debug for RetryPolicy<Request, R, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RetryPolicy").field("settings", &self.settings).finish_non_exhaustive()
    }
}
