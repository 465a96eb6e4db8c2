//! Which rule of another tool asks what one of our checks asks, and why we differ where we do.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;

use super::{Case, Compared};

/// `expectations.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    pub tool: BTreeMap<String, Tool>,
    pub concern: Vec<Concern>,
    pub explained: Vec<Explained>,
}

/// A tool and its rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The commit of the checkout that was compared with.
    pub commit: String,
    /// Where its manifests and results stand.
    pub published: String,
    /// Their rule, and the concern that it shares with us.
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
    /// Rules whose results name documents of a file.
    #[serde(default)]
    pub numbered: Vec<Numbered>,
    /// Rules that ask what we do not, by the reason.
    pub unshared: Vec<Unshared>,
}

/// A rule with the documents that it objects to; it accepts the file's other documents of the same kinds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    pub rule: String,
    pub file: String,
    pub concern: String,
    /// The kinds that the rule asks; none: every kind that runs containers.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Counted from 1.
    pub objects: Vec<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unshared {
    pub why: String,
    pub rules: Vec<String>,
}

/// A question that two tools ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concern {
    pub id: String,
    pub title: String,
    pub check: String,
    /// The question is about this many replicas or more: a manifest that leaves their number open gets it.
    pub replicas: Option<u32>,
    /// What our findings say when they object.
    pub says: Vec<String>,
}

/// Why our verdict differs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    pub tool: String,
    pub rule: String,
    pub fixtures: Vec<String>,
    pub ours: String,
    pub why: String,
}

impl Expectations {
    /// Errors: the table is not valid.
    pub fn read() -> anyhow::Result<Self> {
        toml::from_str(include_str!("expectations.toml")).context("expectations.toml is not valid")
    }

    pub fn concern_of(&self, case: &Case) -> Option<&Concern> {
        let tool = self.tool.get(&case.tool)?;
        let id = tool
            .rules
            .get(&case.rule)
            .or_else(|| tool.numbered.iter().find(|one| one.rule == case.rule).map(|one| &one.concern))?;
        self.concern(id)
    }

    pub fn concern(&self, id: &str) -> Option<&Concern> {
        self.concern.iter().find(|concern| concern.id == id)
    }

    pub fn replicas(&self, case: &Case) -> Option<u32> {
        self.concern_of(case)?.replicas
    }

    /// The rule is known to ask what we do not.
    pub fn left_out(&self, tool: &str, rule: &str) -> bool {
        self.tool
            .get(tool)
            .is_some_and(|tool| tool.unshared.iter().any(|one| one.rules.iter().any(|name| name == rule)))
    }

    pub fn explanation(&self, one: &Compared) -> Option<usize> {
        self.explained.iter().position(|reason| {
            reason.tool == one.case.tool
                && reason.rule == one.case.rule
                && reason.ours == one.ours.word()
                && reason.fixtures.contains(&one.case.fixture)
        })
    }

    /// Reasons for disagreements that there are not.
    pub fn unused(&self, compared: &[Compared], tools: &BTreeSet<&str>) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, reason) in self.explained.iter().enumerate() {
            for fixture in &reason.fixtures {
                let needed = compared.iter().any(|one| one.explained == Some(index) && one.case.fixture == *fixture);
                if !needed && tools.contains(reason.tool.as_str()) {
                    problems.push(format!(
                        "{} {} {fixture}: the reason for “{}” is not needed",
                        reason.tool, reason.rule, reason.ours
                    ));
                }
            }
        }
        problems
    }
}
