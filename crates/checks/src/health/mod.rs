//! Health and lifecycle.

use gonogo_domain::Check;

mod readiness;

pub(crate) static CHECKS: &[&Check] = &[&readiness::CHECK];
