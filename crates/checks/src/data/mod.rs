//! Data safety.

use gonogo_domain::Check;

mod backup;
mod mechanisms;
mod migrations;
mod restore;
mod retention;
mod state;
mod stores;

pub(crate) static CHECKS: &[&Check] = &[&backup::CHECK, &restore::CHECK, &migrations::CHECK, &retention::CHECK];
