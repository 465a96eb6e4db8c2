//! Quotas by endpoint, kept apart for each client.

use std::{hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{Quota, RateLimiter, clock::Clock as _, middleware::StateInformationMiddleware};

use tokio::time::sleep;

use super::{
    headers::Standing,
    store::{Bounded, TokioClock},
};
use crate::{Deadline, Rejection};

/// Calls in a span of time, as GCRA has it: `calls` at once after a rest, then one every `per / calls`. No window begins
/// anew at a fixed moment, so that nobody gets twice the calls around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its name in headers, errors and metrics.
    pub name: &'static str,
    /// How many calls.
    pub calls: NonZeroU32,
    /// In how long; at least a nanosecond for each call.
    pub per: Duration,
}

/// Who calls what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a, C> {
    /// The template of the route, such as `/people/{id}`. Raw paths would give every path a quota of its own.
    pub endpoint: &'a str,
    /// The client: its authenticated identity or the peer's address, never a header that it chooses freely.
    pub client: C,
}

/// How many clients of one endpoint are remembered.
const CLIENTS: usize = 10_000;

/// Limits by endpoint and client. Clones share what they count. It counts in this process alone: with n replicas behind an
/// even load balancer, a client gets n times the quota.
#[derive(Debug)]
pub struct Limits<C: Hash + Eq + Clone> {
    shared: Arc<Shared<C>>,
}

#[derive(Debug)]
struct Shared<C: Hash + Eq + Clone> {
    other: Limiter<C>,
    endpoints: Vec<(Box<str>, Limiter<C>)>,
}

type Governor<C> = RateLimiter<C, Bounded<C>, TokioClock, StateInformationMiddleware>;

#[derive(Debug)]
struct Limiter<C: Hash + Eq + Clone> {
    policy: Policy,
    governor: Governor<C>,
}

impl<C: Hash + Eq + Clone> Limiter<C> {
    fn new(policy: Policy, clients: usize) -> Self {
        let interval = (policy.per / policy.calls.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval).unwrap_or(Quota::per_second(policy.calls)).allow_burst(policy.calls);
        Self { policy, governor: RateLimiter::new(quota, Bounded::new(clients), TokioClock) }
    }

    fn check(&self, client: &C) -> Result<Standing, Rejection> {
        let Policy { name, calls, per } = self.policy;
        let interval = per / calls.get();
        let standing = Standing { policy: name, limit: calls.get(), remaining: 0, reset: per, window: per };
        match self.governor.check_key(client) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                Ok(Standing { remaining, reset: interval * calls.get().saturating_sub(remaining), ..standing })
            }
            Err(refused) => {
                let retry_after = refused.wait_time_from(TokioClock.now());
                let reset = retry_after.saturating_add(interval * (calls.get() - 1));
                let standing = Standing { reset, ..standing };
                Err(Rejection::RateLimited { name, retry_after, standing })
            }
        }
    }
}

impl<C: Hash + Eq + Clone> Limits<C> {
    /// `other` holds for the endpoints that have no policy of their own; they share its quota.
    pub fn new<'a>(other: Policy, endpoints: impl IntoIterator<Item = (&'a str, Policy)>) -> Self {
        Self::remembering(CLIENTS, other, endpoints)
    }

    /// As [`Self::new`], remembering at most this many clients of each endpoint; further ones share a quota until a
    /// place is free.
    pub fn remembering<'a>(
        clients: usize,
        other: Policy,
        endpoints: impl IntoIterator<Item = (&'a str, Policy)>,
    ) -> Self {
        let mut endpoints: Vec<(Box<str>, Limiter<C>)> =
            endpoints.into_iter().map(|(endpoint, policy)| (endpoint.into(), Limiter::new(policy, clients))).collect();
        endpoints.sort_by(|(one, _), (two, _)| one.cmp(two));
        Self { shared: Arc::new(Shared { other: Limiter::new(other, clients), endpoints }) }
    }

    /// Counts one call. Errors: [`Rejection::RateLimited`]; such a call costs nothing of the quota.
    pub fn check(&self, caller: &Caller<'_, C>) -> Result<Standing, Rejection> {
        let Shared { other, endpoints } = &*self.shared;
        endpoints
            .binary_search_by(|(endpoint, _)| (**endpoint).cmp(caller.endpoint))
            .ok()
            .and_then(|index| endpoints.get(index))
            .map_or(other, |(_, limiter)| limiter)
            .check(&caller.client)
    }

    /// Waits for the caller's turn, for the client's side of a quota: a call too early is only put off. Errors:
    /// [`Rejection::RateLimited`] at once, if the turn comes after the current [`Deadline`].
    pub async fn wait(&self, caller: &Caller<'_, C>) -> Result<Standing, Rejection> {
        loop {
            let refused = match self.check(caller) {
                Err(refused @ Rejection::RateLimited { .. }) => refused,
                other => return other,
            };
            let wait = refused.retry_after().unwrap_or_default();
            if Deadline::current().is_some_and(|deadline| deadline.remaining() <= wait) {
                return Err(refused);
            }
            // Timers end on whole milliseconds; a turn may begin between two.
            sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// How many clients are remembered, over all endpoints.
    pub fn clients(&self) -> usize {
        let Shared { other, endpoints } = &*self.shared;
        other.governor.len() + endpoints.iter().map(|(_, limiter)| limiter.governor.len()).sum::<usize>()
    }
}

impl<C: Hash + Eq + Clone> Clone for Limits<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
