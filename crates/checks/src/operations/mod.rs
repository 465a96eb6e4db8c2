//! Operations.

use gonogo_domain::Check;

mod error_budget;
mod game_days;
mod oncall;
mod review_age;

pub(crate) static CHECKS: &[&Check] = &[&error_budget::CHECK, &oncall::CHECK, &game_days::CHECK, &review_age::CHECK];
