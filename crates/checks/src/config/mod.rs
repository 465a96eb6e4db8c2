//! Configuration and secrets.

mod externalized;
mod feature_flags;
mod no_secrets;
mod reload;
mod vault;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] =
    &[&externalized::CHECK, &no_secrets::CHECK, &vault::CHECK, &reload::CHECK, &feature_flags::CHECK];
