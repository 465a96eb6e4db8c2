//! The command line of `gonogo slo`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use gonogo_domain::rules::Span;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo slo check .                                        what cannot work, before anybody is paged for it
  gonogo slo rules . --output rules.yml --tests tests.yml   rules for Prometheus, and what proves them
  gonogo slo status . --prometheus http://127.0.0.1:9090    what is left of each budget
  gonogo slo gate . --prometheus http://127.0.0.1:9090      may a feature be released?")]
pub(crate) struct SloOptions {
    #[command(subcommand)]
    pub command: SloCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SloCommand {
    /// Writes recording and alert rules of Prometheus for every objective, and tests that prove them
    Rules(RulesOptions),
    /// Finds what cannot work: alerts that never fire, pages for a single error, objectives that nobody can meet
    Check(CheckOptions),
    /// Shows what is left of each error budget, how fast it burns, and when it is spent
    Status(StatusOptions),
    /// Says whether the budgets allow a feature release
    Gate(GateOptions),
}

/// Where the objectives stand.
#[derive(Debug, Args)]
pub(crate) struct Objectives {
    /// A folder, or a file: OpenSLO v1, Sloth or Pyrra, or gonogo.toml
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Only the objectives of these services (repeat)
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// The window of files that do not say theirs (Sloth's)
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = period)]
    pub period: Span,
}

impl Objectives {
    /// All of a folder.
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path, service: Vec::new(), period: Span::days(30) }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo slo rules .                                        to standard output
  gonogo slo rules slo/shop.yml --output rules.yml --tests rules.test.yml
  promtool test rules rules.test.yml

Names and labels are those of Sloth; docs/slo.md lists where the meaning differs, and why.

Exit codes: 0 written, 1 some objective has no rules (the reason is on standard error), 2 wrong use or a defect.")]
pub(crate) struct RulesOptions {
    #[command(flatten)]
    pub objectives: Objectives,
    /// The file that the rules go to, or a folder: a file for each SLO then
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The file that tests for `promtool test rules` go to; a folder, where --output is one
    #[arg(long, value_name = "FILE", requires = "output")]
    pub tests: Option<PathBuf>,
    /// An alert waits for so many bad events in its long window; 0: for none
    #[arg(long, value_name = "N", default_value_t = gonogo_domain::slo::rules::Making::LEAST_BAD_EVENTS)]
    pub least_bad_events: u32,
    #[arg(long)]
    pub json: bool,
}

/// A Prometheus, and what it wants to be shown.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// http://HOST:PORT of a Prometheus, or of what speaks like one
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    /// A header for it whose value stands in a variable of the environment: `Authorization=PROMETHEUS_TOKEN`
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = header, requires = "prometheus")]
    pub header: Option<(String, String)>,
    /// How long one answer may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = length)]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo slo check .
  gonogo slo check . --events-per-day 2000                  with the volume that you expect
  gonogo slo check . --prometheus http://127.0.0.1:9090     with the volume and the buckets that there are
  gonogo slo check . --metrics http://127.0.0.1:8080/metrics

Exit codes: 0 nothing that cannot work, 1 something, 2 wrong use or a defect.")]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    pub objectives: Objectives,
    #[command(flatten)]
    pub asked: Asked,
    /// A service's own metrics, for the bounds of its buckets
    #[arg(long, value_name = "URL", conflicts_with = "prometheus")]
    pub metrics: Option<String>,
    /// The events that each objective sees on a day
    #[arg(long, value_name = "N", conflicts_with = "prometheus")]
    pub events_per_day: Option<u64>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo slo status . --prometheus http://127.0.0.1:9090
  gonogo slo status . --prometheus http://127.0.0.1:9090 --json
  gonogo slo status . --metrics http://127.0.0.1:8080/metrics --for 2m     with no Prometheus at hand

Exit codes: 0 shown, 3 a budget is unknown, 2 wrong use or a defect.")]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    pub objectives: Objectives,
    #[command(flatten)]
    pub asked: Asked,
    /// A service's own metrics, scraped for the length of the run
    #[arg(long, value_name = "URL", conflicts_with = "prometheus")]
    pub metrics: Option<String>,
    /// For how long to scrape
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = length, requires = "metrics")]
    pub length: Duration,
    /// The time between two scrapes
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = length, requires = "metrics")]
    pub every: Duration,
    /// A moment of the past instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "metrics")]
    pub at: Option<jiff::Timestamp>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo slo gate . --prometheus http://127.0.0.1:9090
  gonogo slo gate . --prometheus http://127.0.0.1:9090 --exempt retries \\
      --reason \"stops the retries that spend the budget\" --risk \"low: one line, tested\" \\
      --ticket OPS-7 --approver ann --expires 2026-12-01

A budget that is spent freezes feature releases until more than 5 % of it is back. What repairs it may pass: an exemption
has a name, a reason, a risk, a ticket, an approver and the day on which it ends. Every decision is kept in .gonogo/slo/.

Exit codes: 0 open or warning, or a valid exemption; 1 frozen; 3 a budget is unknown, which is never read as open; 2 wrong use
or a defect.")]
pub(crate) struct GateOptions {
    #[command(flatten)]
    pub objectives: Objectives,
    #[command(flatten)]
    pub asked: Asked,
    /// A moment of the past instead of now (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub at: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub exemption: Exempting,
    #[arg(long)]
    pub json: bool,
}

/// Who answers for a release that passes though a budget is spent.
#[derive(Debug, Default, Args)]
pub(crate) struct Exempting {
    /// Let this release pass, and keep why: the name of the exemption
    #[arg(long, value_name = "NAME", requires_all = ["reason", "risk", "ticket", "approver", "expires"])]
    pub exempt: Option<String>,
    #[arg(long, value_name = "TEXT", requires = "exempt")]
    pub reason: Option<String>,
    #[arg(long, value_name = "TEXT", requires = "exempt")]
    pub risk: Option<String>,
    #[arg(long, value_name = "TEXT", requires = "exempt")]
    pub ticket: Option<String>,
    #[arg(long, value_name = "NAME", requires = "exempt")]
    pub approver: Option<String>,
    /// The last day on which the exemption holds
    #[arg(long, value_name = "DATE", requires = "exempt")]
    pub expires: Option<jiff::civil::Date>,
}

fn period(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error: gonogo_domain::rules::SpanError| error.to_string())?;
    if (Span::days(1)..=Span::days(366)).contains(&span) {
        return Ok(span);
    }
    Err("between a day and a year".to_owned())
}

fn length(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error: gonogo_domain::rules::SpanError| error.to_string())?;
    if span.is_zero() || span > Span::days(1) {
        return Err("more than nothing, and a day at most".to_owned());
    }
    Ok(Duration::from_millis(span.as_milliseconds()))
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, variable)) if !name.is_empty() && !variable.is_empty() => {
            Ok((name.to_owned(), variable.to_owned()))
        }
        _ => Err("the name of a header, `=`, and the variable that its value stands in".to_owned()),
    }
}
