//! The checklist: one record and one pure function a check, in folders named after the areas.
//!
//! A check reads nothing but [`gonogo_domain::Evidence`]. Its page, the Markdown file beside it, says why, what passes
//! and what fails; the example files of the page run as tests through the real collectors.

mod clay;
mod config;
mod data;
mod deployment;
mod documentation;
mod errors;
mod health;
mod incident;
mod observability;
mod operations;
mod performance;
mod resilience;
mod security;
mod shared;
mod testing;

use gonogo_domain::{Check, Message, evidence::SecretSighting};
use jiff::civil::Date;

/// The checks of each area, in the order of a report. A test compares them with the files and with the checklist.
pub static AREAS: [&[&Check]; 14] = [
    health::CHECKS,
    resilience::CHECKS,
    config::CHECKS,
    data::CHECKS,
    operations::CHECKS,
    observability::CHECKS,
    errors::CHECKS,
    performance::CHECKS,
    security::CHECKS,
    deployment::CHECKS,
    testing::CHECKS,
    documentation::CHECKS,
    incident::CHECKS,
    clay::CHECKS,
];

/// Every check, in the order of a report.
pub fn catalogue() -> Vec<&'static Check> {
    AREAS.iter().flat_map(|checks| checks.iter().copied()).collect()
}

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    AREAS.iter().flat_map(|checks| checks.iter()).find(|check| check.id == id).copied()
}

/// What `config.no-secrets` says of a sighting of a secret; none: where it stands it does not count.
pub fn of_secret(sighting: &SecretSighting, today: Date) -> Option<Message> {
    config::of_secret(sighting, today)
}
