//! `cargo xtask bench secrets`: what a search for secrets finds and what it takes for one, beside other tools.
//!
//! Secrets are written into a copy of each repository, in files of their own that its `.gitignore` lets through; beside
//! them stands what looks like one. What a tool reports elsewhere in the copy is for a person to judge. The examples that
//! kingfisher's rules publish are looked through in files of their own, too. All values are made up at run time.

mod planted;
mod tools;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use gonogo_formats::yaml;

use super::changed::Copy;
use tools::Tool;

/// What was asked for.
struct Options {
    /// Folders that are searched for the other tools before `PATH`.
    paths: Vec<PathBuf>,
    /// Folders with rules of kingfisher.
    examples: Vec<PathBuf>,
    /// Repositories to plant secrets in.
    folders: Vec<PathBuf>,
}

/// Runs everything and prints a table for each folder, as Markdown.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let options = options(arguments)?;
    if !crate::cargo().args(["build", "--quiet", "--release", "--package", "gonogo"]).status()?.success() {
        bail!("gonogo could not be built");
    }
    let tools = tools::here(&options.paths)?;
    let mut out = io::stdout().lock();
    for folder in &options.folders {
        out.write_all(in_repository(folder, &tools)?.as_bytes())?;
    }
    for folder in &options.examples {
        out.write_all(in_examples(folder, &tools)?.as_bytes())?;
    }
    Ok(())
}

fn options(arguments: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options { paths: Vec::new(), examples: Vec::new(), folders: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--path" => options.paths.push(arguments.next().context("--path wants a folder")?.into()),
            "--examples" => options.examples.push(arguments.next().context("--examples wants a folder")?.into()),
            option if option.starts_with('-') => bail!("there is no option {option}"),
            folder => options.folders.push(folder.into()),
        }
    }
    ensure!(
        !options.folders.is_empty() || !options.examples.is_empty(),
        "name repositories, or a folder of rules with --examples"
    );
    Ok(options)
}

fn in_repository(folder: &Path, tools: &[Tool]) -> anyhow::Result<String> {
    let folder = folder.canonicalize().with_context(|| format!("{} cannot be read", folder.display()))?;
    let copy = Copy::of(&folder)?.with_context(|| format!("{} holds no source", folder.display()))?;
    let repository = copy.repository().canonicalize()?;
    let planted = planted::plant(&repository)?;
    let mut text = String::new();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    writeln!(text, "\n### {name}: {} secrets, {} look-alikes\n", planted.secrets.len(), planted.decoys.len())?;
    writeln!(text, "| tool | secrets found | look-alikes reported | reported elsewhere | wall s |")?;
    writeln!(text, "|---|---:|---:|---:|---:|")?;
    for tool in tools {
        let reported = tool.look(&repository)?;
        let elsewhere = reported.files.iter().filter(|file| !file.starts_with(planted::FOLDER)).count();
        let (secrets, decoys) = (tools::named(&reported, &planted.secrets), tools::named(&reported, &planted.decoys));
        let wall = reported.wall.as_secs_f64();
        writeln!(text, "| {} | {secrets} | {decoys} | {elsewhere} | {wall:.1} |", tool.name)?;
        let named: BTreeSet<&String> = reported.files.iter().collect();
        let missed: Vec<&str> =
            planted.secrets.iter().filter(|file| !named.contains(file)).map(String::as_str).collect();
        writeln!(io::stderr(), "{}: missed {}", tool.name, missed.join(", "))?;
    }
    Ok(text)
}

/// Runs of letters and digits that nobody's generator makes: whoever writes them means a placeholder.
const RUNS: [&str; 17] = [
    "abcd", "1234", "2345", "4567", "6789", "9876", "4321", "0000", "1111", "xxxx", "wxyz", "mnop", "efgh", "ijkl",
    "a1b2", "example", "your",
];

fn in_examples(folder: &Path, tools: &[Tool]) -> anyhow::Result<String> {
    let home = tempfile::tempdir()?;
    let place = home.path().canonicalize()?;
    let (mut all, mut likely) = (BTreeSet::new(), BTreeSet::new());
    let mut rules: Vec<PathBuf> = folder.read_dir()?.flatten().map(|entry| entry.path()).collect();
    rules.retain(|path| path.extension().is_some_and(|end| end == "yml" || end == "yaml"));
    rules.sort();
    for path in rules {
        for example in examples(&fs::read_to_string(&path)?) {
            let name = format!("{}.txt", all.len());
            fs::write(place.join(&name), format!("{example}\n"))?;
            let lower = example.to_ascii_lowercase();
            if !RUNS.iter().any(|run| lower.contains(run)) {
                likely.insert(name.clone());
            }
            all.insert(name);
        }
    }
    ensure!(!all.is_empty(), "{} holds no rule with examples", folder.display());
    let mut text = String::new();
    writeln!(text, "\n### Examples of kingfisher's rules\n")?;
    writeln!(text, "| tool | of all {} | of {} without runs of letters | wall s |", all.len(), likely.len())?;
    writeln!(text, "|---|---:|---:|---:|")?;
    for tool in tools {
        let reported = tool.look(&place)?;
        let (found, real) = (tools::named(&reported, &all), tools::named(&reported, &likely));
        writeln!(text, "| {} | {found} | {real} | {:.1} |", tool.name, reported.wall.as_secs_f64())?;
    }
    Ok(text)
}

/// The examples of the rules of a file.
fn examples(text: &str) -> Vec<String> {
    let stream = yaml::parse(&Arc::from("rules.yml"), text);
    let rules = stream.documents.iter().flat_map(|document| document.node.list("rules"));
    rules.flat_map(|rule| rule.list("examples")).filter_map(|example| example.str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rules_are_read() {
        let rules = "rules:\n  - id: a\n    examples:\n      - one\n      - |\n        two\n        lines\n  - id: b\n";
        assert_eq!(examples(rules), ["one", "two\nlines\n"]);
    }
}
