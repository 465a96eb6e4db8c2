//! The experiments: each states what holds if all is well, breaks one thing, watches, and undoes it.
//!
//! An experiment is a function from a bench to what was measured; what it means is said by
//! [`Observation::answers`](gonogo_domain::exercise::Observation::answers). [`run()`] repeats each until its answers are
//! stable, and sees to it that all is well before and after.

mod adaptive;
mod authentication;
mod baseline;
mod bodies;
mod boot;
mod breaker;
mod bulkhead;
mod calls;
mod contract;
mod correlation;
mod degradation;
mod description;
mod durability;
mod errors;
mod headers;
mod health;
mod internals;
mod levels;
mod limits;
mod listen;
mod liveness;
mod logs;
mod memory;
mod metrics;
mod migrations;
mod needed;
mod overload;
mod reload;
mod retries;
mod run;
mod shutdown;
mod sign;
mod start_order;
mod statuses;
mod timeouts;
mod tls;
mod tracing;
mod unmade;
mod webhook;

pub use run::{Event, Wanted, run};
pub use unmade::Unmade;

use gonogo_domain::exercise::{Kind, Trial};

use crate::bench::{Bench, Survey};

/// Makes one trial.
fn trial(kind: Kind, bench: &mut Bench, survey: &Survey, wanted: &Wanted) -> Result<Trial, Unmade> {
    match kind {
        Kind::Boot => boot::trial(bench, survey),
        Kind::Logs => logs::trial(bench, survey),
        Kind::Levels => levels::trial(bench, survey),
        Kind::Correlation => correlation::trial(bench, survey),
        Kind::Tracing => tracing::trial(bench, survey),
        Kind::Metrics => metrics::trial(bench, survey),
        Kind::Errors => errors::trial(bench, survey),
        Kind::Headers => headers::trial(bench, survey),
        Kind::Authentication => authentication::trial(bench, survey),
        Kind::Contract => contract::trial(bench),
        Kind::Webhook => webhook::trial(bench),
        Kind::Health => health::trial(bench),
        Kind::Liveness => liveness::trial(bench),
        Kind::Timeouts => timeouts::trial(bench, survey),
        Kind::Tls => tls::trial(bench, survey),
        Kind::StartOrder => start_order::trial(bench, survey),
        Kind::Statuses => statuses::trial(bench, survey),
        Kind::Migrations => migrations::trial(bench),
        Kind::Retries => retries::trial(bench, survey),
        Kind::Breaker => breaker::trial(bench, survey),
        Kind::Bodies => bodies::trial(bench, survey),
        Kind::Memory => memory::trial(bench, survey),
        Kind::Baseline => baseline::trial(bench, survey, wanted.before.as_ref()),
        Kind::Reload => reload::trial(bench),
        Kind::Degradation => degradation::trial(bench, survey),
        Kind::Bulkhead => bulkhead::trial(bench, survey),
        Kind::Adaptive => adaptive::trial(bench, survey),
        Kind::Overload => overload::trial(bench, survey),
        Kind::RateLimit => limits::trial(bench, survey),
        Kind::Shutdown => shutdown::trial(bench, survey),
        Kind::Durability => durability::trial(bench, survey),
    }
}
