//! Puts the sources together for every service of a repository.

use gonogo_domain::Facts;
use jiff::civil::Date;

use crate::{Configuration, Tree};

/// What was gathered from a repository: the facts of each of its services.
#[derive(Debug, Default)]
pub struct Collected {
    /// In the order of their names.
    pub services: Vec<Facts>,
    /// Units that were seen and are not reviewed, each with the reason and its place.
    pub left_out: Vec<(String, gonogo_domain::Message, gonogo_domain::Place)>,
    /// Files that should have been read and could not be.
    pub unread: Vec<gonogo_domain::Gap>,
}

/// Gathers everything that the files of a repository declare about each of its services, as of `today`.
pub fn collect(_tree: &Tree, _configuration: &Configuration, _today: Date) -> Collected {
    Collected::default()
}
