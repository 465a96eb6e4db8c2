//! What comes of an act: done, or what stands against it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The world was asked. Whether it is so is told by the next look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// What was changed, in a few words.
    Changed(String),
    /// It was so already.
    AlreadySo,
}

/// What kind of trouble, which says what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// The answer is no, and asking again will not change it.
    Refused,
    /// No answer, or one that nobody could read: ask again.
    Unreachable,
    /// Somebody else changed or holds the same thing: look again, then ask again.
    Conflict,
    /// This driver cannot do that at all.
    Unsupported,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{what} ({at})")]
pub struct Trouble {
    pub kind: TroubleKind,
    /// Where: a socket, an object, a command.
    pub at: String,
    /// What was attempted on what, and what came of it: lower case, no full stop.
    pub what: String,
    /// What a person can do next.
    pub next: String,
}

impl Trouble {
    pub fn new(kind: TroubleKind, at: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { kind, at: at.into(), what: what.into(), next: next.into() }
    }
}
