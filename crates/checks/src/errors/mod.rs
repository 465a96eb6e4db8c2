//! Error handling.

use gonogo_domain::Check;

mod boundary;
mod classification;
mod dead_letter;
mod messages;
mod swallowed;

pub(crate) static CHECKS: &[&Check] =
    &[&boundary::CHECK, &classification::CHECK, &dead_letter::CHECK, &messages::CHECK, &swallowed::CHECK];
