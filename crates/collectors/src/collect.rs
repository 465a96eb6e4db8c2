//! Puts the sources together for every service of a repository.

use gonogo_domain::Facts;
use jiff::civil::Date;

use crate::{Configuration, Tree};

/// What was gathered from a repository: the facts of each of its services.
#[derive(Debug, Default)]
pub struct Collected {
    /// In the order of their names.
    pub services: Vec<Facts>,
}

/// Gathers everything that the files of a repository declare about each of its services, as of `today`.
pub fn collect(_tree: &Tree, _configuration: &Configuration, _today: Date) -> Collected {
    Collected::default()
}
