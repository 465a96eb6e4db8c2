//! Configuration and secrets.

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] = &[];
