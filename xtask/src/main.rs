//! Chores of the project: `cargo xtask`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use xtask::{accuracy, agree, bench, ci, docs, example, releases, subjects};

const USAGE: &str = "\
Chores of the project.

  cargo xtask ci                                  everything that a change must pass
  cargo xtask docs [--check]                      writes the reference pages, or tells whether they are up to date
  cargo xtask agree [--write] CHECKOUT ...        compares with what kube-score, kube-linter and Polaris publish
  cargo xtask accuracy [--write]                  compares with the labels of corpus/, writes docs/accuracy.md
  cargo xtask subjects [--quick] [--write] [--good N] [NAME|FAULT ...]
                                                  exercises services whose faults are known, writes docs/instrument.md
  cargo xtask example                             takes the example to GO at L4: exercises it, asks its budgets
  cargo xtask releases [--good N] [--only-good] [--write]
                                                  rolls good and bad releases of the example out, writes docs/releases.md
  cargo xtask bench review [OPTIONS] FOLDER ...   measures gonogo review beside other tools
  cargo run --release -p xtask -- bench load      measures the load generator and the proxy beside wrk, hey, oha, HAProxy
  cargo xtask bench slo                           measures rules and budgets of 1,000 objectives, and a gate's decision
  cargo xtask bench secrets [--path FOLDER] [--examples RULES] FOLDER ...
                                                  plants secrets in copies of repositories and asks who finds them
  cargo xtask bench review: options
      --runs N       takes the median of N runs (3)
      --path FOLDER  looks for the other tools here first (repeat)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["ci"] => ci::run(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["accuracy", rest @ ..] => accuracy::run(rest),
        ["agree", rest @ ..] => agree::run(rest),
        ["subjects", rest @ ..] => subjects::run(rest),
        ["example"] => example::run(),
        ["releases", rest @ ..] => releases::run(rest),
        ["bench", "load"] => bench::load::run(10),
        ["bench", "slo"] => bench::slo::run(),
        ["bench", "secrets", rest @ ..] => bench::secrets::run(rest),
        ["bench", "review", rest @ ..] => bench::run(rest),
        ["" | "help" | "-h" | "--help"] => {
            // Nothing is left to do if the usage cannot be written.
            let _ = io::stdout().write_all(USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        _ => Err(anyhow::anyhow!("this is no chore\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
