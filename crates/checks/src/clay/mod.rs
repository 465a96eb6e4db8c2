//! Clay integration: the second standard, for a unit that talks to Clay.

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] = &[];
