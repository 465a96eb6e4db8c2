//! Secrets that were seen in files and in the history of the repository, never shown whole.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Role;
use crate::{Message, Missing, Place};

/// A secret at a place, by its own shape or by what stands around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretSighting {
    /// The line where it stands; for one of the history, in the file as it was then.
    pub place: Place,
    /// The id of the row of `knowledge/secrets.toml`, or of a rule for what has no shape of its own: `github.token`,
    /// `assignment`.
    pub rule: Arc<str>,
    /// What it is, as a noun with its article: "a GitHub token".
    pub title: Message,
    /// The name that it is assigned to, where that is why it is known.
    pub name: Option<String>,
    /// Four leading characters and a hash.
    pub shown: String,
    /// Names the value across files and commits.
    pub fingerprint: u64,
    pub certainty: Certainty,
    /// The program falls back to it where its environment does not say otherwise.
    pub default: bool,
    /// A value that everybody tries first.
    pub guessable: bool,
    /// The last day on which it is accepted, where it says so itself.
    pub valid_until: Option<Date>,
    /// What its file is there for.
    pub role: Role,
    /// The first commit that had it; none: it stands in the files that are reviewed.
    pub commit: Option<Commit>,
}

/// How sure it is that this is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Certainty {
    /// By its context alone: the name in front of it and how random it looks.
    Context,
    /// By the shape that its issuer gives it.
    Shape,
    /// The issuer's checksum or structure holds: nobody typed it for a trial.
    Verified,
}

/// A commit of the history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit {
    /// In short.
    pub id: String,
    /// The day of its author, in UTC.
    pub on: Date,
}

/// What the history of the repository holds that its files do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub secrets: Vec<SecretSighting>,
    /// Why a part of it could not be read: a shallow clone, a damaged pack.
    pub incomplete: Option<Missing>,
    /// How many versions of files were read; zero where there is no repository.
    pub versions: usize,
}
