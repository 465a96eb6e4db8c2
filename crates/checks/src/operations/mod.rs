//! Operations.

use gonogo_domain::Check;

mod error_budget;
mod game_days;
mod links;
mod oncall;
mod procedures;
mod review_age;
mod runbooks;

pub(crate) static CHECKS: &[&Check] =
    &[&runbooks::CHECK, &error_budget::CHECK, &oncall::CHECK, &game_days::CHECK, &review_age::CHECK];
