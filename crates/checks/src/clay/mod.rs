//! Clay integration: the second standard, for a unit that talks to Clay.

use gonogo_domain::Check;

mod alerts;
mod circuit_breaker;
mod degradation;
mod env_declared;
mod error_types;
mod escalation;
mod health;
mod invented_api;
mod key_rotation;
mod keys_available;
mod keys_in_vault;
mod least_privilege;
mod logging;
mod monitoring_ready;
mod no_credentials;
mod rate_limit;
mod rollback;
mod rollout;
mod runbook;
mod staging_verified;
mod tests_pass;
mod vendor_limits;
mod webhook_https;
mod webhook_secrets;

pub(crate) static CHECKS: &[&Check] = &[
    &staging_verified::CHECK,
    &keys_available::CHECK,
    &monitoring_ready::CHECK,
    &keys_in_vault::CHECK,
    &env_declared::CHECK,
    &least_privilege::CHECK,
    &webhook_https::CHECK,
    &webhook_secrets::CHECK,
    &tests_pass::CHECK,
    &no_credentials::CHECK,
    &error_types::CHECK,
    &rate_limit::CHECK,
    &logging::CHECK,
    &health::CHECK,
    &circuit_breaker::CHECK,
    &degradation::CHECK,
    &alerts::CHECK,
    &runbook::CHECK,
    &key_rotation::CHECK,
    &rollback::CHECK,
    &escalation::CHECK,
    &rollout::CHECK,
    &invented_api::CHECK,
    &vendor_limits::CHECK,
];
