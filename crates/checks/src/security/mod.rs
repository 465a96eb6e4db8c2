//! Security.

mod authn;
mod dependencies;
mod input_validation;
mod open_doors;
mod owasp;
mod secrets_management;
mod transport;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] = &[
    &authn::CHECK,
    &input_validation::CHECK,
    &dependencies::CHECK,
    &secrets_management::CHECK,
    &owasp::CHECK,
    &transport::CHECK,
];
