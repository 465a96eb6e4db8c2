//! Renders a review: terminal, JSON, SARIF, JUnit, Markdown, HTML. Writes to a `Write` and never judges.

use gonogo_domain::{Change, Decision, Gap, Message, Place, Review, WaiverProblem};
use jiff::civil::Date;

pub mod clean;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod picture;
pub mod rules;
pub mod sarif;
mod summary;
pub mod terminal;
mod words;

/// A review of a repository, with everything that a report shows.
#[derive(Clone, Debug)]
pub struct Report {
    /// Version of gonogo.
    pub version: String,
    /// Hash of the checklist and the policy that judged: two reports with the same hash were judged by the same rules.
    pub rules: String,
    /// The name of the repository: of its folder.
    pub repository: String,
    /// The commit that was reviewed, where there is one; `+` at its end: with changes on top.
    pub revision: Option<String>,
    pub on: Date,
    /// In the order of their names.
    pub services: Vec<Review>,
    /// Units that were seen and are not reviewed, with the reason.
    pub left_out: Vec<(String, Message, Place)>,
    /// Files that should have been read and could not be.
    pub unread: Vec<Gap>,
    /// Waivers and attestations that are expired, refused or unused.
    pub record_problems: Vec<WaiverProblem>,
    /// Files that were listed.
    pub files: usize,
    /// What changed since an earlier review, where that was asked.
    pub since: Option<Since>,
}

/// What changed since an earlier review.
#[derive(Clone, Debug)]
pub struct Since {
    /// The revision or the report that it is compared with.
    pub name: String,
    pub changes: Vec<Change>,
}

impl Report {
    /// The decision for the repository: the worst of its services'.
    pub fn decision(&self) -> Decision {
        self.services.iter().map(|review| review.decision).max().unwrap_or(Decision::Incomplete)
    }
}
