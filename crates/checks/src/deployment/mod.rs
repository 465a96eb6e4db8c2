//! Deployment.

use gonogo_domain::Check;

mod autoscaling;
mod availability;
mod container;
mod documented;
mod iac;
mod pipeline;
mod progressive;
mod rollback;
mod smoke;

pub(crate) static CHECKS: &[&Check] = &[
    &documented::CHECK,
    &container::CHECK,
    &pipeline::CHECK,
    &rollback::CHECK,
    &progressive::CHECK,
    &iac::CHECK,
    &autoscaling::CHECK,
    &smoke::CHECK,
    &availability::CHECK,
];
