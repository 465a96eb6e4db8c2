//! `cargo xtask bench review`: the time and memory of a review beside tools that read the same files.
//!
//! Every run is a process of its own on a warm page cache. What is measured is the whole process with its children: wall
//! time, processor time and the peak of the resident memory, as the kernel accounts for them. It never fails on a time:
//! machines differ, ratios on one machine tell.

mod changed;
pub mod load;
mod measure;
pub mod secrets;
pub mod slo;
mod table;
mod tools;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, bail};

use measure::Measured;

/// What was asked for.
struct Options {
    runs: usize,
    /// Folders that are searched for the other tools before `PATH`.
    paths: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

/// A row of the table.
struct Row {
    tool: &'static str,
    /// None: the tool is not here, or it failed; the reason.
    measured: Result<Measured, String>,
}

/// Runs everything and prints a table for each folder, as Markdown.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let options = options(arguments)?;
    let status = crate::cargo().args(["build", "--quiet", "--release", "--package", "gonogo"]).status()?;
    if !status.success() {
        bail!("gonogo could not be built");
    }
    let gnu_time = measure::gnu_time().context(
        "GNU time is needed to account for memory and children: apt-get install time (its -f option tells it from others)",
    )?;
    let mut out = io::stdout().lock();
    for folder in &options.folders {
        let folder = folder.canonicalize().with_context(|| format!("{} cannot be measured", folder.display()))?;
        let copy = changed::Copy::of(&folder)?;
        let tools = tools::all(&folder, &options.paths, copy.as_ref())?;
        let mut rows = Vec::new();
        for tool in &tools {
            writeln!(io::stderr(), "{}: {} …", folder.display(), tool.name)?;
            let before = || match copy.as_ref().filter(|_| tool.after_a_change) {
                Some(copy) => copy.change(),
                None => Ok(()),
            };
            let measured = match &tool.command {
                Err(reason) => Err(reason.clone()),
                Ok(command) => measure::median(&gnu_time, command, &folder, tool.runs(options.runs), &before),
            };
            rows.push(Row { tool: tool.name, measured });
        }
        out.write_all(table::markdown(&folder, &rows)?.as_bytes())?;
    }
    Ok(())
}

fn options(arguments: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options { runs: 3, paths: Vec::new(), folders: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--runs" => {
                let runs = arguments.next().context("--runs wants a number")?;
                options.runs = runs.parse().ok().filter(|runs| *runs > 0).context("--runs wants a number above 0")?;
            }
            "--path" => options.paths.push(arguments.next().context("--path wants a folder")?.into()),
            option if option.starts_with('-') => bail!("there is no option {option}"),
            folder => options.folders.push(folder.into()),
        }
    }
    if options.folders.is_empty() {
        bail!("name the repositories to measure");
    }
    Ok(options)
}
