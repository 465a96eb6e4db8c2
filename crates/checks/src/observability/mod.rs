//! Observability.

use gonogo_domain::Check;

mod correlated;
mod correlation;
mod log_levels;
mod metrics;
mod structured_logs;
mod tracing;

pub(crate) static CHECKS: &[&Check] = &[
    &structured_logs::CHECK,
    &log_levels::CHECK,
    &correlation::CHECK,
    &metrics::CHECK,
    &tracing::CHECK,
    &correlated::CHECK,
];
