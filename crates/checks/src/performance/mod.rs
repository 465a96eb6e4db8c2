//! Performance.

mod baseline;
mod caching;
mod database;
mod load_test;
mod profiling;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] =
    &[&load_test::CHECK, &baseline::CHECK, &profiling::CHECK, &database::CHECK, &caching::CHECK];
