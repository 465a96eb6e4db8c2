//! Health and lifecycle.

use gonogo_domain::Check;

mod endpoint;
mod graceful_shutdown;
mod liveness;
mod readiness;
mod startup;

pub(crate) static CHECKS: &[&Check] =
    &[&endpoint::CHECK, &readiness::CHECK, &liveness::CHECK, &startup::CHECK, &graceful_shutdown::CHECK];
