//! `cargo xtask ci`: everything that a change must pass, each step also a command of its own.
//!
//! Every step runs, also after one has failed. The tests run last, so that their summary stands at the end; below it is
//! repeated how the steps that failed ended, for a log of which only the end is kept.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Write as _},
    process::Command,
    time::Instant,
};

use anyhow::bail;

/// How many lines of a step that failed are repeated.
const REPEATED: usize = 30;

/// Runs every step. Errors: names the steps that failed.
pub fn run() -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for step in steps() {
        say(&format!("\n── {}", step.name))?;
        let begun = Instant::now();
        let mut end = End::default();
        let fine = (step.run)(&mut end)?;
        say(&format!(
            "── {}: {} in {} s",
            step.name,
            if fine { "passed" } else { "FAILED" },
            begun.elapsed().as_secs()
        ))?;
        if !fine {
            failed.push((step.name, end));
        }
    }
    // Last, so that the summary of the runner is what the reader sees.
    say("\n── tests")?;
    if !tests()? {
        failed.push(("tests", End::default()));
    }
    for (name, end) in &failed {
        if !end.0.is_empty() {
            say(&format!("\n── {name} ended with"))?;
        }
        for line in &end.0 {
            say(line)?;
        }
    }
    if !failed.is_empty() {
        let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
        bail!("failed: {}", names.join(", "));
    }
    Ok(())
}

/// The last lines that a step printed.
#[derive(Default)]
struct End(VecDeque<String>);

struct Step {
    name: &'static str,
    run: fn(&mut End) -> anyhow::Result<bool>,
}

fn steps() -> [Step; 11] {
    [
        Step { name: "format", run: |end| cargo(end, &["fmt", "--all", "--check"]) },
        Step {
            name: "lints",
            run: |end| cargo(end, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        },
        Step {
            name: "documentation",
            run: |end| {
                let mut command = crate::cargo();
                command.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
                command.env("RUSTDOCFLAGS", "-D warnings");
                passes(end, command)
            },
        },
        Step { name: "build", run: |end| cargo(end, &["build", "--quiet", "--workspace", "--all-targets"]) },
        Step {
            name: "reference pages",
            run: |end| cargo(end, &["run", "--quiet", "--package", "xtask", "--", "docs", "--check"]),
        },
        Step { name: "the example", run: example },
        Step { name: "self-review", run: |end| review(end, &[".", "examples/clay-integration"]) },
        Step {
            name: "instrument",
            run: |end| cargo(end, &["run", "--quiet", "--package", "xtask", "--", "subjects", "--quick"]),
        },
        Step {
            name: "the example at GO",
            run: |end| cargo(end, &["run", "--quiet", "--package", "xtask", "--", "example"]),
        },
        Step { name: "releases", run: |end| cargo(end, &["run", "--quiet", "--package", "xtask", "--", "releases"]) },
        Step { name: "examples in comments", run: |end| cargo(end, &["test", "--quiet", "--workspace", "--doc"]) },
    ]
}

/// The example is a workspace of its own, as whoever copies it finds it; what both need is built once.
fn example(end: &mut End) -> anyhow::Result<bool> {
    let manifest = ["--manifest-path", "examples/clay-integration/Cargo.toml"];
    let target = ["--target-dir", "target", "--locked", "--quiet"];
    let mut run = |command: &str, more: &[&str]| cargo(end, &[&[command], &manifest[..], more].concat());
    let formatted = run("fmt", &["--check"])?;
    let clean = run("clippy", &[&target[..], &["--all-targets", "--", "-D", "warnings"]].concat())?;
    Ok(run("test", &target)? && clean && formatted)
}

/// The tests, with cargo-nextest where it is installed.
fn tests() -> anyhow::Result<bool> {
    let nextest = crate::cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    let arguments: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--all-targets", "--no-fail-fast"]
    };
    Ok(crate::cargo().args(arguments).status()?.success())
}

/// Reviews what this repository ships. A NO-GO fails; INCOMPLETE is shown: the files of the example alone are no more.
fn review(end: &mut End, folders: &[&str]) -> anyhow::Result<bool> {
    let mut fine = true;
    for folder in folders {
        if !crate::root().join(folder).is_dir() {
            bail!("{folder} is to be reviewed and does not exist");
        }
        let mut command = Command::new(crate::built("debug"));
        command.args(["review", folder]).current_dir(crate::root());
        fine &= matches!(shown(end, command)?, Some(0 | 3));
    }
    Ok(fine)
}

fn cargo(end: &mut End, arguments: &[&str]) -> anyhow::Result<bool> {
    let mut command = crate::cargo();
    command.args(arguments);
    passes(end, command)
}

fn passes(end: &mut End, command: Command) -> anyhow::Result<bool> {
    Ok(shown(end, command)? == Some(0))
}

/// Runs it, shows what it prints as it comes, and keeps the end of that. The exit code, or none after a signal.
fn shown(end: &mut End, mut command: Command) -> anyhow::Result<Option<i32>> {
    let (output, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the other end of the pipe, which would never be at its end.
    drop(command);
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        say(&line)?;
        if end.0.len() == REPEATED {
            end.0.pop_front();
        }
        end.0.push_back(line);
    }
    Ok(child.wait()?.code())
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
