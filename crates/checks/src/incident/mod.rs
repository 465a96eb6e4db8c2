//! Escalation when something breaks.

use gonogo_domain::Check;

mod escalation;
mod handoff;
mod severities;

pub(crate) static CHECKS: &[&Check] = &[&severities::CHECK, &escalation::CHECK, &handoff::CHECK];
