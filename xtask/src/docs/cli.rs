//! `docs/cli.md`: what the binary says about its arguments.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::NOTE;

pub(super) fn page(binary: &Path) -> anyhow::Result<String> {
    let whole = help(binary, &[])?;
    let mut text = format!("# Command line\n\n{NOTE}\n\n```text\n{whole}\n```\n");
    for name in subcommands(&whole) {
        let page = help(binary, &[&name])?;
        write!(text, "\n## gonogo {name}\n\n```text\n{page}\n```\n")?;
    }
    Ok(text)
}

/// The names under `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn help(binary: &Path, subcommand: &[&str]) -> anyhow::Result<String> {
    // The width of a terminal would show in the page: there is none, and the number of columns is said.
    let output = Command::new(binary)
        .args(subcommand)
        .arg("--help")
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} could not be started", binary.display()))?;
    if !output.status.success() {
        bail!("{} {subcommand:?} --help failed", binary.display());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned())
}
