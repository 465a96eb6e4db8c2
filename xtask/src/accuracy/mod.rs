//! `cargo xtask accuracy`: reviews the small services of `corpus/`, which people labelled, and says how often we are right.
//!
//! A label is what a careful reader of the program says; it was never taken from what gonogo says. Where the two differ,
//! `corpus/disagreements.toml` gives the reason, and the differences still count as errors.

mod corpus;
pub mod mutations;
mod page;

use std::{
    fs,
    io::{self, Write as _},
};

use anyhow::bail;
use gonogo_domain::Outcome;

pub use corpus::{Compared, Corpus, Disagreement, Service};
pub use mutations::Mutation;
pub use page::{PATH, page};

/// Prints precision and recall and every disagreement, or with `--write` writes docs/accuracy.md.
///
/// Errors: a corpus that cannot be read, a disagreement without a reason, a reason without a disagreement.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let corpus = Corpus::read()?;
    let compared = corpus.compare()?;
    let mut out = io::stdout().lock();
    if arguments.contains(&"--write") {
        fs::write(crate::root().join(PATH), page(&corpus, &compared))?;
    } else {
        write!(out, "{}", page::summary(&compared))?;
        for one in compared.iter().filter(|one| !one.agrees()) {
            writeln!(
                out,
                "\n{} {}: {} by the label, {} by us\n    label: {}\n    ours: {}",
                one.service,
                one.check,
                word(one.label.is),
                word(one.ours),
                one.label.because,
                one.said.join("\n          "),
            )?;
        }
    }
    let mut problems = corpus.unexplained(&compared);
    problems.extend(mutations::problems(&corpus)?);
    if !problems.is_empty() {
        bail!("{} problems\n\n  {}", problems.len(), problems.join("\n  "));
    }
    Ok(())
}

/// An outcome as labels write it.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Partial => "partial",
        Outcome::Stale => "stale",
        Outcome::Fail => "fail",
        Outcome::NotApplicable => "not-applicable",
        Outcome::Unknown => "unknown",
    }
}

/// Whether an outcome says that a fault is there; none where it says neither.
pub(crate) fn fault(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Fail | Outcome::Partial | Outcome::Stale => Some(true),
        Outcome::Pass | Outcome::NotApplicable => Some(false),
        Outcome::Unknown => None,
    }
}
