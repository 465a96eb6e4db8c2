//! What is rolled out.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// What exactly runs, in the words of the driver: an image with its digest, a version that servers report. Two that are
/// written alike are the same; nothing else is read into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl Revision {
    /// For people: images without the registry that they come from, digests by their first twelve digits.
    pub fn short(&self) -> String {
        let image = |image: &str| {
            let Some((name, digest)) = image.split_once("@sha256:") else { return image.to_owned() };
            let name = name.rsplit('/').next().unwrap_or(name);
            let digest: String = digest.chars().take(12).collect();
            format!("{name}@{digest}")
        };
        let part = |part: &str| match part.split_once('=') {
            // Of several containers.
            Some((container, one)) => format!("{container}={}", image(one)),
            None => image(part),
        };
        self.0.split(',').map(part).collect::<Vec<_>>().join(",")
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(revision: &str, expect: &str) {
        assert_eq!(Revision(revision.to_owned()).short(), expect);
    }

    #[test]
    fn what_is_long_for_machines_is_short_for_people() {
        let digest = "0123456789abcdef".repeat(4);
        check("1.5.0", "1.5.0");
        check("registry.example:5000/team/app:1.5", "registry.example:5000/team/app:1.5");
        check(&format!("registry.example:5000/team/app@sha256:{digest}"), "app@0123456789ab");
        check(&format!("app=example.test/app@sha256:{digest},side=car:1"), "app=app@0123456789ab,side=car:1");
        check("@sha256:", "@");
    }
}
