//! Operations.

use gonogo_domain::Check;

mod alerts;
mod comparison;
mod dashboards;
mod error_budget;
mod game_days;
mod links;
mod oncall;
mod postmortems;
mod predictive_alerts;
mod procedures;
mod review_age;
mod routing;
mod runbooks;
mod signals;
mod slas;
mod slos;

pub(crate) static CHECKS: &[&Check] = &[
    &runbooks::CHECK,
    &slos::CHECK,
    &error_budget::CHECK,
    &slas::CHECK,
    &oncall::CHECK,
    &dashboards::CHECK,
    &alerts::CHECK,
    &predictive_alerts::CHECK,
    &postmortems::CHECK,
    &game_days::CHECK,
    &review_age::CHECK,
];
