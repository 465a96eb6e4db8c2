//! Testing.

use gonogo_domain::Check;

mod chaos;
mod contract;
mod coverage;
mod e2e;
mod hygiene;
mod integration;
mod unit;

pub(crate) static CHECKS: &[&Check] = &[
    &unit::CHECK,
    &integration::CHECK,
    &e2e::CHECK,
    &coverage::CHECK,
    &contract::CHECK,
    &chaos::CHECK,
    &hygiene::CHECK,
];
