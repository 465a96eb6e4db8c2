//! `cargo xtask agree`: compares our verdicts with the results that other tools publish for their own manifests.
//!
//! The manifests and their expected results are read from a checkout of the tool and are never copied: `expectations.toml`
//! only says which of their rules asks what one of our checks asks, and why we differ where we do.

mod expectations;
mod manifest;
mod ours;
mod page;
mod theirs;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, bail};

pub use expectations::Expectations;
pub use page::{explanations, left_out};

/// What a rule says about a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It objects.
    Fires,
    /// It asked, and does not object.
    Holds,
    /// It did not ask.
    Unasked,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fires => "objects",
            Self::Holds => "accepts",
            Self::Unasked => "does not ask",
        }
    }
}

/// One expectation of theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// `kube-score`, `kube-linter`, `polaris`.
    pub tool: String,
    pub rule: String,
    /// The file, with `:n` for its nth document.
    pub fixture: String,
    pub theirs: Verdict,
}

/// A case with our verdict.
pub struct Compared {
    pub case: Case,
    pub concern: String,
    pub ours: Verdict,
    /// What we found, for a person who looks into a disagreement.
    pub findings: Vec<String>,
    /// The reason of a disagreement, as an index into the expectations' explanations.
    pub explained: Option<usize>,
}

impl Compared {
    pub fn agrees(&self) -> bool {
        match (self.case.theirs, self.ours) {
            // A rule that is not asked says no more than that it does not object.
            (Verdict::Unasked, Verdict::Holds) => true,
            (theirs, ours) => theirs == ours,
        }
    }
}

/// Compares the checkouts in `arguments` and prints, or with `--write` writes docs/agreement.md.
///
/// Errors: a folder that is no checkout of a known tool, a rule that is neither compared nor left out, a disagreement
/// without a reason, a reason without a disagreement.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let write = arguments.contains(&"--write");
    let verbose = arguments.contains(&"--verbose");
    let checkouts: Vec<&Path> = arguments.iter().filter(|one| !one.starts_with("--")).map(Path::new).collect();
    if checkouts.is_empty() {
        bail!("name the checkouts of kube-score, kube-linter, polaris to compare with");
    }
    let expectations = Expectations::read()?;
    let mut compared = Vec::new();
    let mut problems = Vec::new();
    let mut tools = BTreeSet::new();
    for checkout in checkouts {
        let published = theirs::read(checkout, &expectations)
            .with_context(|| format!("{} cannot be compared with", checkout.display()))?;
        tools.insert(published.tool);
        let commit = expectations.tool.get(published.tool).map(|tool| tool.commit.as_str()).unwrap_or_default();
        if write && !head(checkout)?.starts_with(commit) {
            problems.push(format!("{} is not at {commit}, which the table names", published.tool));
        }
        problems.extend(published.problems);
        for (case, manifest) in published.cases {
            let Some(concern) = expectations.concern_of(&case) else {
                problems.push(format!("{} {}: neither compared nor left out", case.tool, case.rule));
                continue;
            };
            let (ours, findings) = ours::judge(concern, &manifest)?;
            let mut one = Compared { case, concern: concern.id.clone(), ours, findings, explained: None };
            if !one.agrees() {
                one.explained = expectations.explanation(&one);
                if one.explained.is_none() {
                    problems.push(format!(
                        "{} {} {}: {} there, {} here\n      {}",
                        one.case.tool,
                        one.case.rule,
                        one.case.fixture,
                        one.case.theirs.word(),
                        one.ours.word(),
                        one.findings.join("\n      ")
                    ));
                }
            }
            compared.push(one);
        }
    }
    problems.extend(expectations.unused(&compared, &tools));
    problems.sort();
    problems.dedup();
    let text = page::render(&expectations, &compared);
    let mut out = io::stdout().lock();
    if write && problems.is_empty() {
        fs::write(crate::root().join("docs/agreement.md"), &text)?;
    } else if !write {
        write!(out, "{}", page::summary(&compared))?;
    }
    if verbose {
        for one in &compared {
            let Case { tool, rule, fixture, theirs } = &one.case;
            writeln!(out, "{tool} {rule} {fixture}: {} there, {} here", theirs.word(), one.ours.word())?;
            for finding in &one.findings {
                writeln!(out, "      {finding}")?;
            }
        }
    }
    if !problems.is_empty() {
        bail!("{} problems\n\n  {}", problems.len(), problems.join("\n  "));
    }
    Ok(())
}

/// The commit of a checkout.
fn head(checkout: &Path) -> anyhow::Result<String> {
    let output = Command::new("git").arg("-C").arg(checkout).args(["rev-parse", "HEAD"]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
