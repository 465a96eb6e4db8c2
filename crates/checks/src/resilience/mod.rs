//! Resilience.

use gonogo_domain::Check;

mod adaptive_limits;
mod backpressure;
mod bulkhead;
mod circuit_breaker;
mod degradation;
mod rate_limit;
mod retry;
mod timeouts;

pub(crate) static CHECKS: &[&Check] = &[
    &circuit_breaker::CHECK,
    &retry::CHECK,
    &rate_limit::CHECK,
    &backpressure::CHECK,
    &timeouts::CHECK,
    &bulkhead::CHECK,
    &degradation::CHECK,
    &adaptive_limits::CHECK,
];
