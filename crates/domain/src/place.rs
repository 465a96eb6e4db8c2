//! Where a fact was seen.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Where a fact was seen, precise enough for a person to go there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// A file of the repository. `path` is relative to its root with `/` between the parts; the root itself is `.`.
    /// `line` and `column` count from 1; `line` 0 means the file or folder as a whole.
    File { path: Arc<str>, line: u32, column: u32 },
    /// A person's dated statement, and the place of the record that holds it.
    Attestation { by: String, on: jiff::civil::Date, record: Box<Self> },
}

impl Place {
    pub fn new(path: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self::File { path: path.into(), line, column }
    }

    /// A file or folder as a whole.
    pub fn whole(path: impl Into<Arc<str>>) -> Self {
        Self::new(path, 0, 0)
    }

    /// The path of the file; for an attestation, of the file that holds the record.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. } => path,
            Self::Attestation { record, .. } => record.path(),
        }
    }

    /// The line, counted from 1, where there is one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::File { line: 0, .. } => None,
            Self::File { line, .. } => Some(*line),
            Self::Attestation { record, .. } => record.line(),
        }
    }

    /// The same file, `line` lines from its top.
    #[must_use]
    pub fn at_line(&self, line: u32) -> Self {
        match self {
            Self::File { path, .. } => Self::File { path: Arc::clone(path), line, column: 1 },
            Self::Attestation { record, .. } => record.at_line(line),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0, .. } => f.write_str(path),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
            Self::Attestation { by, on, record } => write!(f, "{record} (stated by {by} on {on})"),
        }
    }
}
