//! `cargo xtask example`: takes the example to GO at L4 by doing what no file of it can hold.
//!
//! In a copy, the program is exercised with the whole set of experiments, and production is pinned to the digest of what ran;
//! a real Prometheus that holds a month of traffic is asked by the gate for releases. A review of the copy then decides. Three
//! things are made up: the month, that this machine is staging, and that what the people of the example have dated was as long
//! ago as on the day on which it was written.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context as _, bail};
use gonogo_components::prometheus::Prometheus;
use gonogo_domain::exercise::{Ended, Exercise, Held};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::Value;
use tempfile::TempDir;

use crate::{built, cargo, root};

const EXAMPLE: &str = "examples/clay-integration";

/// The day on which the example was written: its dates are moved by what has passed since.
const WRITTEN: Date = jiff::civil::date(2026, 11, 22);

/// The length of the month in minutes: what the objectives count over, and some days more.
const MONTH: i64 = 30 * 24 * 60;

/// What one repository cannot show, and what nothing asks for at L4.
const OPEN: &[&str] =
    &["performance.profiling", "performance.database", "testing.e2e", "testing.coverage", "clay.vendor-limits"];

/// Does all of it. Experiments that could not tell what is open in the end are made once more: a machine that does other
/// things as well makes an answer inconclusive, not wrong.
/// Errors: a step that failed, a decision other than GO, a level below L4, a check that may not be open.
pub fn run() -> anyhow::Result<()> {
    passes(cargo().args(["build", "--quiet", "--package", "gonogo"]))?;
    let manifest = format!("{EXAMPLE}/Cargo.toml");
    passes(cargo().args(["build", "--quiet", "--locked", "--target-dir", "target", "--manifest-path", &manifest]))?;
    let copy = Copy::make()?;
    copy.exercise(&[])?;
    copy.verify_staging()?;
    copy.ask_the_gate()?;
    let decided = copy.decide()?;
    if decided.is_go() {
        return Ok(());
    }
    let again = copy.untold(&decided.others)?;
    if !again.is_empty() {
        say(&format!("once more: {}", again.join(", ")))?;
        copy.exercise(&["--only", &again.join(",")])?;
        if copy.decide()?.is_go() {
            return Ok(());
        }
    }
    bail!("the example is not GO at L4")
}

/// What a review said of the copy.
struct Decided {
    decision: String,
    level: String,
    /// The checks that are open and may not be.
    others: Vec<String>,
}

impl Decided {
    fn is_go(&self) -> bool {
        self.decision == "go" && self.level == "L4" && self.others.is_empty()
    }
}

/// The checks that neither pass nor are out of question: id, outcome, why.
fn open(service: &Value) -> Vec<(&str, &str, &str)> {
    let checks = service.get("checks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let each = checks.iter().filter_map(|check| {
        let why = check.pointer("/readings/0/summary/en").and_then(Value::as_str).unwrap_or_default();
        Some((check.get("id")?.as_str()?, check.get("outcome")?.as_str()?, why))
    });
    each.filter(|(_, outcome, _)| !matches!(*outcome, "pass" | "not-applicable")).collect()
}

/// A copy of the example, which goes away.
struct Copy(TempDir);

impl Copy {
    /// All that git knows of it; it starts the programs that were built here.
    fn make() -> anyhow::Result<Self> {
        let copy = Self(tempfile::tempdir()?);
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root().join(EXAMPLE)).output()?;
        let passed = i64::from(today()?.since(WRITTEN)?.get_days());
        for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            let to = copy.at(&moved(path, passed)?);
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            let text = fs::read_to_string(root().join(EXAMPLE).join(path));
            let text = text.with_context(|| format!("{path} cannot be copied"))?;
            fs::write(to, moved(&text, passed)?)?;
        }
        let programs = std::path::absolute(program().parent().context("a program lies in a folder")?)?;
        let text = fs::read_to_string(copy.at("gonogo.toml"))?;
        let text = text.replace("../../target/debug", &programs.display().to_string());
        let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("build = ")).collect();
        fs::write(copy.at("gonogo.toml"), kept)?;
        Ok(copy)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn gonogo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("debug"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// The whole set of experiments, or what `more` makes of it. What could not be told is left to the review.
    fn exercise(&self, more: &[&str]) -> anyhow::Result<()> {
        let status = self.gonogo(&[&["exercise", ".", "--budget", "20m"], more].concat()).status()?;
        if matches!(status.code(), Some(0 | 3)) { Ok(()) } else { bail!("the exercise ended with {status}") }
    }

    /// What was exercised here is what production names.
    fn verify_staging(&self) -> anyhow::Result<()> {
        let summed = Command::new("sha256sum").arg(program()).output().context("sha256sum does not run")?;
        let sum = String::from_utf8(summed.stdout)?;
        let digest = format!("sha256:{}", sum.split(' ').next().unwrap_or_default());
        let on = today()?;
        let record = format!(
            "# Staging verification of the Clay integration\n\nDate: {on}\n\nEnvironment: staging (the stand-in for Clay, with \
             a key and a webhook of its own). Digest: {digest}. All experiments held. By: `cargo xtask example`.\n"
        );
        fs::write(self.at("docs/drills/staging.md"), record)?;
        for path in ["deploy/rollout.yaml", "deploy/storage.yaml"] {
            let text = fs::read_to_string(self.at(path))?;
            let pinned = text.replace("clay-integration:2.0.0", &format!("clay-integration@{digest}"));
            if pinned == text {
                bail!("{path} names no image");
            }
            fs::write(self.at(path), pinned)?;
        }
        Ok(())
    }

    fn ask_the_gate(&self) -> anyhow::Result<()> {
        let prometheus = Prometheus::with_past(&month(Timestamp::try_from(now())?.as_second()))?;
        passes(&mut self.gonogo(&["slo", "gate", ".", "--prometheus", &prometheus.url()]))
    }

    /// Reviews it, and prints the decision with what is open.
    fn decide(&self) -> anyhow::Result<Decided> {
        let output = self.gonogo(&["review", ".", "--json"]).output()?;
        let report: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
        let service = report.pointer("/services/0").context("the report names no service")?;
        let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut decided = Decided { decision: text("decision"), level: text("level"), others: Vec::new() };
        say(&format!("{} at {}", decided.decision, decided.level))?;
        for (id, outcome, summary) in open(service) {
            let may = OPEN.contains(&id);
            say(&format!("  {outcome:<8} {id}{}: {summary}", if may { " (may be)" } else { "" }))?;
            if !may {
                decided.others.push(id.to_owned());
            }
        }
        Ok(decided)
    }

    /// The experiments that speak of one of these checks and could not tell.
    fn untold(&self, checks: &[String]) -> anyhow::Result<Vec<&'static str>> {
        let text = fs::read_to_string(self.at(".gonogo/exercise/clay-integration.json"))?;
        let record: Exercise = serde_json::from_str(&text)?;
        let untold = record.experiments.iter().filter(|one| {
            let asked = |check: &str| checks.iter().any(|id| id == check);
            matches!(one.ended, Ended::NotMade(_)) && one.kind.checks().iter().any(|check| asked(check))
                || one.answers().iter().any(|answer| answer.held == Held::Inconclusive && asked(answer.check))
        });
        Ok(untold.map(|one| one.kind.id()).collect())
    }
}

/// The program of the example as `cargo` builds it.
fn program() -> PathBuf {
    built("debug").with_file_name("clay-integration")
}

/// A month of the service's own counters up to now: twenty leads a minute, of which one in 10,000 fails, one in 500 is slow,
/// and one in 1,000 ends among the dead letters. The slow ones come at odd times: every 25 minutes sharp, they would lie between
/// the windows of five minutes that are asked for.
fn month(now: i64) -> String {
    const INTAKE: &str = r#"job="clay-integration",route="POST /leads""#;
    let series = [
        ("http_requests_total", format!(r#"{INTAKE},status="202""#), 19.998),
        ("http_requests_total", format!(r#"{INTAKE},status="503""#), 0.002),
        ("http_request_duration_seconds_bucket", format!(r#"{INTAKE},le="0.25""#), 19.957),
        ("http_request_duration_seconds_count", INTAKE.to_owned(), 20.0),
        ("clay_dead_letters_total", r#"job="clay-integration""#.to_owned(), 0.02),
        ("clay_runs_started_total", r#"job="clay-integration""#.to_owned(), 20.0),
    ];
    let mut text = String::new();
    for (name, labels, a_minute) in series {
        for minute in 0..=MONTH {
            #[expect(clippy::cast_precision_loss, reason = "a month has 43,200 minutes")]
            let level = (minute as f64 * a_minute).floor();
            let _ = writeln!(text, "{name}{{{labels}}} {level} {}", now - 60 * (MONTH - minute));
        }
    }
    text.push_str("# EOF\n");
    text
}

/// The text with every date in it so many days later.
fn moved(text: &str, days: i64) -> anyhow::Result<String> {
    const LENGTH: usize = "2026-11-22".len();
    let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
    let (mut moved, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let alone = !digit(at.checked_sub(1)) && !digit(Some(at + LENGTH));
        let date = text.get(at..at + LENGTH).filter(|_| alone).and_then(|date| date.parse::<Date>().ok());
        if let Some(date) = date {
            write!(moved, "{}", date.checked_add(days.days())?)?;
            at += LENGTH;
        } else {
            moved.push(letter);
            at += letter.len_utf8();
        }
    }
    Ok(moved)
}

fn today() -> anyhow::Result<Date> {
    Ok(Timestamp::try_from(now())?.to_zoned(TimeZone::UTC).date())
}

#[expect(clippy::disallowed_methods, reason = "records are of today, and Prometheus counts from now")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn passes(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.status().with_context(|| format!("{} does not run", Path::new(command.get_program()).display()))?;
    if status.success() { Ok(()) } else { bail!("{} ended with {status}", command.get_program().display()) }
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_moved_and_nothing_else() {
        let text = "from 2026-11-16T09:00:00Z: docs/2026-12-31-é.md, 12026-11-16, 2026-11-161, 2026-13-01, v2.0.0";
        let later = "from 2026-11-17T09:00:00Z: docs/2027-01-01-é.md, 12026-11-16, 2026-11-161, 2026-13-01, v2.0.0";
        assert_eq!(moved(text, 1).unwrap(), later);
        assert_eq!(moved(text, 0).unwrap(), text);
    }
}
