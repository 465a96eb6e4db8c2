//! Security.

mod dependencies;
mod transport;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] = &[&dependencies::CHECK, &transport::CHECK];
