//! Operations.

use gonogo_domain::Check;

mod alerts;
mod comparison;
mod error_budget;
mod game_days;
mod links;
mod oncall;
mod predictive_alerts;
mod procedures;
mod review_age;
mod routing;
mod runbooks;

pub(crate) static CHECKS: &[&Check] = &[
    &runbooks::CHECK,
    &error_budget::CHECK,
    &oncall::CHECK,
    &alerts::CHECK,
    &predictive_alerts::CHECK,
    &game_days::CHECK,
    &review_age::CHECK,
];
