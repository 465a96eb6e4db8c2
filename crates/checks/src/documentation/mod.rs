//! Documentation.

use gonogo_domain::Check;

mod api;
mod architecture;
mod decisions;
mod oncall_playbook;
mod readme;

pub(crate) static CHECKS: &[&Check] =
    &[&readme::CHECK, &api::CHECK, &architecture::CHECK, &oncall_playbook::CHECK, &decisions::CHECK];
