//! What is rolled out.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// What exactly runs, in the words of the driver: an image with its digest, a version that servers report. Two that are
/// written alike are the same; nothing else is read into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A revision that is to take the place of the one that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub revision: Revision,
    /// What the service says when it is asked for its version, where that is another word than the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it is rolled out: a ticket, a tag. Drivers write it where the platform has a place for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What it consists of by the driver's own names (container → image); empty where the revision says it all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, String>,
}
