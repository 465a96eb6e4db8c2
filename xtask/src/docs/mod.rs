//! The reference pages: written from the code, never by hand.

mod checks;
mod cli;
mod coverage;
mod experiments;
mod schema;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail};

use crate::accuracy;

/// A generated page.
#[derive(Clone, Debug)]
pub struct Page {
    /// From the root of the workspace.
    pub path: &'static str,
    pub text: String,
}

const NOTE: &str = "<!-- Written by `cargo xtask docs`. Change the code, not this page. -->";

/// The pages that need nothing but the code that is linked in here.
pub fn from_code() -> Vec<Page> {
    vec![
        Page { path: "docs/checks.md", text: checks::page() },
        Page { path: "docs/experiments.md", text: experiments::page() },
        Page { path: "docs/source-coverage.md", text: coverage::page() },
        Page { path: "docs/report.schema.json", text: schema::page() },
    ]
}

/// The page that needs the services of `corpus/` as well. Errors: a corpus that cannot be read.
pub fn from_corpus() -> anyhow::Result<Page> {
    let corpus = accuracy::Corpus::read()?;
    let compared = corpus.compare()?;
    Ok(Page { path: accuracy::PATH, text: accuracy::page(&corpus, &compared) })
}

/// Writes every page.
pub fn write() -> anyhow::Result<()> {
    for page in all()? {
        let path = crate::root().join(page.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, page.text).with_context(|| format!("{} could not be written", page.path))?;
    }
    Ok(())
}

/// Fails when a page says something else than the code.
pub fn check() -> anyhow::Result<()> {
    let stale: Vec<&str> = all()?.iter().filter(|page| !page.holds(&crate::root())).map(|page| page.path).collect();
    if !stale.is_empty() {
        bail!("out of date: {}. Run `cargo xtask docs`", stale.join(", "));
    }
    writeln!(io::stdout(), "the reference pages are up to date")?;
    Ok(())
}

impl Page {
    fn holds(&self, root: &Path) -> bool {
        fs::read_to_string(root.join(self.path)).is_ok_and(|text| text == self.text)
    }
}

fn all() -> anyhow::Result<Vec<Page>> {
    let status = crate::cargo().args(["build", "--quiet", "--package", "gonogo"]).status()?;
    if !status.success() {
        bail!("gonogo could not be built");
    }
    let mut pages = from_code();
    pages.push(from_corpus()?);
    pages.push(Page { path: "docs/cli.md", text: cli::page(&crate::built("debug"))? });
    Ok(pages)
}

/// Text that can stand in a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}
