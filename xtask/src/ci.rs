//! `cargo xtask ci`: everything that a change must pass, each step also a command of its own.
//!
//! Every step runs, also after one has failed, and the tests run last, so that their summary stands at the end.

use std::{
    io::{self, Write as _},
    process::Command,
    time::Instant,
};

use anyhow::bail;

/// Runs every step. Errors: names the steps that failed.
pub fn run() -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for step in steps() {
        say(&format!("\n── {}", step.name))?;
        let begun = Instant::now();
        let fine = (step.run)()?;
        say(&format!(
            "── {}: {} in {} s",
            step.name,
            if fine { "passed" } else { "FAILED" },
            begun.elapsed().as_secs()
        ))?;
        if !fine {
            failed.push(step.name);
        }
    }
    // Last, so that the summary of the runner is what the reader sees.
    say("\n── tests")?;
    if !tests()? {
        failed.push("tests");
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

struct Step {
    name: &'static str,
    run: fn() -> anyhow::Result<bool>,
}

fn steps() -> [Step; 11] {
    [
        Step { name: "format", run: || cargo(&["fmt", "--all", "--check"]) },
        Step {
            name: "lints",
            run: || cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        },
        Step {
            name: "documentation",
            run: || {
                let mut command = crate::cargo();
                command.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
                passes(command.env("RUSTDOCFLAGS", "-D warnings"))
            },
        },
        Step { name: "build", run: || cargo(&["build", "--quiet", "--workspace", "--all-targets"]) },
        Step {
            name: "reference pages",
            run: || cargo(&["run", "--quiet", "--package", "xtask", "--", "docs", "--check"]),
        },
        Step { name: "the example", run: example },
        Step { name: "self-review", run: || review(&[".", "examples/clay-integration"]) },
        Step {
            name: "instrument",
            run: || cargo(&["run", "--quiet", "--package", "xtask", "--", "subjects", "--quick"]),
        },
        Step { name: "the example at GO", run: || cargo(&["run", "--quiet", "--package", "xtask", "--", "example"]) },
        Step { name: "releases", run: || cargo(&["run", "--quiet", "--package", "xtask", "--", "releases"]) },
        Step { name: "examples in comments", run: || cargo(&["test", "--quiet", "--workspace", "--doc"]) },
    ]
}

/// The example is a workspace of its own, as whoever copies it finds it; what both need is built once.
fn example() -> anyhow::Result<bool> {
    let manifest = ["--manifest-path", "examples/clay-integration/Cargo.toml"];
    let target = ["--target-dir", "target", "--locked", "--quiet"];
    let run = |command: &str, more: &[&str]| cargo(&[&[command], &manifest[..], more].concat());
    let formatted = run("fmt", &["--check"])?;
    let clean = run("clippy", &[&target[..], &["--all-targets", "--", "-D", "warnings"]].concat())?;
    Ok(run("test", &target)? && clean && formatted)
}

/// The tests, with cargo-nextest where it is installed.
fn tests() -> anyhow::Result<bool> {
    let nextest = crate::cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if nextest {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"])
    }
}

/// Reviews what this repository ships. A NO-GO fails; INCOMPLETE is shown, as long as source code cannot be judged.
fn review(folders: &[&str]) -> anyhow::Result<bool> {
    let mut fine = true;
    for folder in folders {
        if !crate::root().join(folder).is_dir() {
            bail!("{folder} is to be reviewed and does not exist");
        }
        let status =
            Command::new(crate::built("debug")).args(["review", folder]).current_dir(crate::root()).status()?;
        fine &= matches!(status.code(), Some(0 | 3));
    }
    Ok(fine)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<bool> {
    passes(crate::cargo().args(arguments))
}

fn passes(command: &mut Command) -> anyhow::Result<bool> {
    Ok(command.status()?.success())
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
