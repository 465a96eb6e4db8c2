//! Configuration and secrets.

mod no_secrets;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] = &[&no_secrets::CHECK];
