//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use gonogo_collectors::history::Depth;
use gonogo_domain::{Lang, Occasion};
use jiff::{SignedDuration, civil::Date};

use crate::alerts::AlertsCommand;

use crate::slo::options::{Exempting, SloOptions};

/// Decides whether a service is ready for production.
#[derive(Debug, Parser)]
#[command(name = "gonogo", version, about, long_about = None, propagate_version = true, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  gonogo review .                       what stands between this repository and production
  gonogo review . --format html=r.html  the same as one page, besides the terminal
  gonogo preflight .                    whether a release may begin now
  gonogo secrets .                      only the secrets in files and history
  gonogo explain health.readiness       why a check asks what it asks
  gonogo rollout start rollout.toml     to all of the traffic step by step, or back
  gonogo load http://127.0.0.1:8080/    what users of a service see at a fixed rate
  gonogo exercise .                     start it, break its dependencies, watch
  gonogo slo status .                   what is left of the error budgets
  gonogo init .                         a commented gonogo.toml from what is there

Exit codes: 0 GO or GO WITH CONDITIONS, 1 NO-GO, 3 INCOMPLETE, 2 wrong use or a defect.";

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Language of what is printed
    #[arg(long, global = true, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    En,
    #[value(name = "zh-CN", alias = "zh")]
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Zh => Self::Zh,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reviews every service of a repository and decides
    Review(ReviewOptions),
    /// Lists the checks
    Checks(ChecksOptions),
    /// Shows the page of a check: why, what passes, what fails
    Explain(ExplainOptions),
    /// The last look before a release: the review, what runs, vendors, keys, alerts, the way back
    Preflight(PreflightOptions),
    /// Looks for secrets in every file and in the git history, without the rest of a review
    Secrets(SecretsOptions),
    /// Takes a release to all of the traffic step by step, or back
    Rollout(RolloutOptions),
    /// Sends requests to a service of this machine at a fixed rate and measures what its users would see
    Load(LoadOptions),
    /// Starts a service on this machine, breaks what is around it, and measures what happens
    Exercise(ExerciseOptions),
    /// Makes rules of service level objectives, checks them, and says what is left of their error budgets
    Slo(SloOptions),
    /// Writes alert rules with their tests, routes and a dashboard, from what a service is seen to expose
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// Proposes a commented gonogo.toml from what was discovered
    Init(InitOptions),
    /// Records an accepted failure in gonogo.toml
    Waive(WaiveOptions),
    /// Records a person's dated statement in gonogo.toml
    Attest(AttestOptions),
    /// Prints a completion script for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
    /// Cleans up after a gonogo that was killed; started by `exercise`
    #[command(hide = true)]
    Keep { mark: String },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo review .
  gonogo review . --service checkout --verbose
  gonogo review . --format terminal --format json=report.json --format sarif=report.sarif
  gonogo review . --since main          what changed against main, and because of what
  gonogo review . --baseline base.json  gate on new failures only

Exit codes: 0 GO or GO WITH CONDITIONS, 1 NO-GO, 3 INCOMPLETE, 2 wrong use or a defect.")]
pub(crate) struct ReviewOptions {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Only these services (repeat)
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// What the review is held for: first-deploy, major-release, quarterly, post-incident, dependency-upgrade, handoff.
    /// Each puts its weight on other checks
    #[arg(long, value_name = "OCCASION", value_parser = occasion)]
    pub occasion: Option<Occasion>,
    /// terminal, json, sarif, junit, markdown or html, each to standard output or to a file: `json=report.json` (repeat)
    #[arg(long, value_name = "FORMAT[=FILE]", default_value = "terminal", value_parser = Output::parse)]
    pub format: Vec<Output>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Every reading of every check
    #[arg(long, short)]
    pub verbose: bool,
    /// Compare with a revision of the repository, or with an earlier JSON report
    #[arg(long, value_name = "REV|FILE")]
    pub since: Option<String>,
    /// An earlier JSON report: what failed there does not gate
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Apply no waiver
    #[arg(long)]
    pub no_waivers: bool,
    /// Judge ages as of this day instead of today
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    #[command(flatten)]
    pub past: Past,
}

/// What lies behind: the git history, and what the last run worked out.
#[derive(Debug, Args)]
pub(crate) struct Past {
    /// How much of the git history to search for secrets: all of it, all of it where that takes about a second, or none
    #[arg(long, value_enum, value_name = "HOW MUCH", default_value_t = HistoryDepth::Quick, num_args = 0..=1,
          default_missing_value = "whole", require_equals = true)]
    pub history: HistoryDepth,
    /// Work everything out anew, and keep nothing in the user's cache folder for the next run
    #[arg(long)]
    pub no_cache: bool,
}

/// How much of the git history is searched for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryDepth {
    Whole,
    Quick,
    None,
}

impl From<HistoryDepth> for Depth {
    fn from(depth: HistoryDepth) -> Self {
        match depth {
            HistoryDepth::Whole => Self::Whole,
            HistoryDepth::Quick => Self::WhereQuick,
            HistoryDepth::None => Self::Nothing,
        }
    }
}

/// A format and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub format: Format,
    /// None: standard output.
    pub file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Terminal,
    Json,
    Sarif,
    Junit,
    Markdown,
    Html,
}

impl Output {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the name of the file is missing after `=`".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = Format::from_str(name, false)
            .map_err(|_| format!("there is no format `{name}`: terminal, json, sarif, junit, markdown, html"))?;
        Ok(Self { format, file })
    }
}

fn occasion(text: &str) -> Result<Occasion, String> {
    Occasion::ALL.into_iter().find(|occasion| occasion.id() == text).ok_or_else(|| {
        let known: Vec<_> = Occasion::ALL.iter().map(|occasion| occasion.id()).collect();
        format!("one of {}", known.join(", "))
    })
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gonogo checks\n  gonogo checks --area health --json")]
pub(crate) struct ChecksOptions {
    /// Only the checks of this area
    #[arg(long, value_name = "AREA")]
    pub area: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gonogo explain health.readiness\n  gonogo explain data.backup --lang zh-CN")]
pub(crate) struct ExplainOptions {
    /// The id of a check
    pub id: String,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo secrets .
  gonogo secrets . --history        every commit too, however many there are
  gonogo secrets . --all --json     tests, examples and what was copied in as well

Exit codes: 0 none found, 1 some found, 2 wrong use or a defect.")]
pub(crate) struct SecretsOptions {
    /// The folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    #[command(flatten)]
    pub past: Past,
    /// What does not count, too: in tests, examples, documentation and what was copied in
    #[arg(long)]
    pub all: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo load http://127.0.0.1:8080/
  gonogo load http://127.0.0.1:8080/orders --rate 500 --for 1m --json
  gonogo load http://127.0.0.1:8080/ --rate 10 --to 1000 --for 2m     a ramp
  gonogo load http://127.0.0.1:8080/ --max-p99 300ms --max-errors 1   a gate
  gonogo load http://127.0.0.1:8080/ --find-capacity                  the highest rate that is answered well

Latency counts from the time at which a request was due, not from when a slow answer let it be sent.

Exit codes: 0 measured and within the bounds, 1 out of bounds, 2 wrong use or a defect.")]
pub(crate) struct LoadOptions {
    /// http://HOST:PORT/PATH
    pub url: String,
    /// Requests a second
    #[arg(long, default_value_t = 50.0, value_parser = rate)]
    pub rate: f64,
    /// Requests a second at the end: the rate changes evenly
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub to: Option<f64>,
    /// For how long
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = length)]
    pub length: Duration,
    #[arg(long, short = 'X', default_value = "GET")]
    pub method: String,
    /// A header of every request (repeat)
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// The body of every request, or the file that it stands in: `@order.json`
    #[arg(long, value_name = "TEXT|@FILE")]
    pub body: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = length)]
    pub timeout: Duration,
    /// Requests under way at the same time, at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub in_flight: u32,
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
    /// HTTP/2 without TLS
    #[arg(long)]
    pub http2: bool,
    /// A host that is not this machine and may be asked: GET only, at most 10 requests a second
    #[arg(long, value_name = "HOST")]
    pub allow: Option<String>,
    /// Find the highest rate, up to 5,000/s, at which at most 1 % of the requests go wrong and the 99th percentile is within
    /// --max-p99, or three times what it is at --rate: by doubling, then bisection, within 45 s
    #[arg(long, conflicts_with_all = ["to", "length", "max_errors", "allow"])]
    pub find_capacity: bool,
    /// The 99th percentile must be below this
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub max_p99: Option<Duration>,
    /// At most this many of a hundred requests may go wrong
    #[arg(long, value_name = "PERCENT")]
    pub max_errors: Option<f64>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo exercise .
  gonogo exercise . --list                       what would be done, and which checks it speaks of
  gonogo exercise . --only shutdown,timeouts
  gonogo exercise . --budget 5m --skip breaker --json
  gonogo exercise . --review                     and decide

How the service is started, what it depends on and what its users ask stands in gonogo.toml, [service.NAME.run].
Everything runs on the loopback. The service inherits PATH, HOME and the like of your environment and nothing else,
and is stopped for certain: at the end, on Ctrl-C, and when gonogo is killed.

Exit codes: 0 everything held, 1 something did not, 3 something could not be told, 2 wrong use or a defect.")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct ExerciseOptions {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The service, where several can be started
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub list: bool,
    /// Only these experiments
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// All but these experiments
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// No trial begins later than this
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = length)]
    pub budget: Duration,
    /// Try each experiment so often at most, until its answer is stable
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub trials: u8,
    /// Where the record goes, instead of .gonogo/exercise/NAME.json in the repository
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Keep no record
    #[arg(long, conflicts_with = "output")]
    pub no_save: bool,
    /// Review the service afterwards, with what was found; the exit code is the decision's
    #[arg(long, conflicts_with_all = ["no_save", "output", "json", "list"])]
    pub review: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo preflight . --deployed 1.4.1 --release 1.4.2
  gonogo preflight . --service checkout --prometheus http://prometheus:9090
  gonogo preflight . --rollout deploy/rollout.toml --only keys,rollback
  gonogo preflight . --only review,rollback --json

What is asked stands in gonogo.toml, [service.NAME.preflight]; docs/preflight.md says how. Only GET requests, one to each
address that is named there, and nothing that a vendor charges for. A rollout file says which workload is looked at for the
way back, and in whose cluster the keys have to be. What is not named is unknown, and unknown is no GO.

Exit codes: 0 GO, 1 NO-GO, 3 INCOMPLETE, 2 wrong use or a defect.")]
pub(crate) struct PreflightOptions {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The service, where there are several
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// What should run in production until now: a version, a digest or a commit
    #[arg(long, value_name = "VERSION")]
    pub deployed: Option<String>,
    /// What is to be released: staging has to run it
    #[arg(long, value_name = "VERSION")]
    pub release: Option<String>,
    /// The address of Prometheus, instead of the one that is configured
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    /// The rollout file of production, instead of the one that is configured: what it drives is looked at
    #[arg(long, value_name = "FILE")]
    pub rollout: Option<PathBuf>,
    /// Only these questions
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo rollout plan rollout.toml       what each step reaches and sees, before anything is done
  gonogo rollout start rollout.toml --revision 1.5.0
  gonogo rollout watch rollout.toml      look on from another terminal
  gonogo rollout pause rollout.toml --why \"the database is slow\"
  gonogo rollout abort rollout.toml      no traffic to the canary, at once
  gonogo rollout undo rollout.toml       back to what was before, also after the end
  gonogo rollout rehearse staging.toml   a rollback on purpose, with a clock

What it goes by stands in a rollout file: docs/rollout.md shows one. What is known of it is kept in .gonogo/rollout/; when
gonogo is killed, `start` or `resume` goes on where it was.

Exit codes of what drives it to its end: 0 promoted, 1 rolled back, 3 left as it is, 2 wrong use or a defect.")]
pub(crate) struct RolloutOptions {
    #[command(subcommand)]
    pub command: RolloutCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Says what each step can reach and see at the present traffic, and does nothing
    Plan(PlanOptions),
    /// Starts it, or goes on with one that was left or killed
    Start(StartOptions),
    /// Says where it stands
    Status(RolloutFile),
    /// Shows it as it goes on, until it ends
    Watch(RolloutFile),
    /// Stays at the share that it has; gates still fail
    Pause(AskOptions),
    /// Goes on after a pause, or where it waits for a person
    Resume(AskOptions),
    /// Promotes now, whatever steps are left
    Promote(AskOptions),
    /// Takes all traffic from the canary; brings stable back where it was promoted
    Abort(AskOptions),
    /// Brings stable back to what it was, also after the end
    Undo(AskOptions),
    /// Lists what was told, and the rollouts that ended
    History(RolloutFile),
    /// Rolls out, and back on purpose, and keeps how long the way back took for the review
    Rehearse(RehearseOptions),
}

#[derive(Debug, Args)]
pub(crate) struct RolloutFile {
    /// The rollout file
    #[arg(default_value = "rollout.toml")]
    pub file: PathBuf,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    pub rollout: RolloutFile,
    /// What is rolled out, instead of what the file says
    #[arg(long)]
    pub revision: Option<String>,
    /// How long the present traffic is measured
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = length)]
    pub measure: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub rollout: RolloutFile,
    /// What is rolled out, instead of what the file says
    #[arg(long)]
    pub revision: Option<String>,
    /// Start although a step cannot reach the share that is asked for
    #[arg(long)]
    pub accept_share: bool,
    #[command(flatten)]
    pub exemption: Exempting,
}

#[derive(Debug, Args)]
pub(crate) struct AskOptions {
    #[command(flatten)]
    pub rollout: RolloutFile,
    /// For the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseOptions {
    #[command(flatten)]
    pub rollout: RolloutFile,
    /// What is rolled out, instead of what the file says
    #[arg(long)]
    pub revision: Option<String>,
    /// Back from the first step already: that takes traffic from the canary and proves less
    #[arg(long)]
    pub from_canary: bool,
    /// Rehearse although the file says that it is production
    #[arg(long)]
    pub in_production: bool,
}

pub(crate) fn length(text: &str) -> Result<Duration, String> {
    let length: SignedDuration = text.parse().map_err(|_| format!("`{text}` is no length of time: 500ms, 30s, 2m"))?;
    let length = Duration::try_from(length).map_err(|_| "a length of time is not negative".to_owned())?;
    if length.is_zero() || length > Duration::from_hours(24) {
        return Err("between a millisecond and 24 hours".to_owned());
    }
    Ok(length)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.0..=1e6).contains(&rate) => Ok(rate),
        _ => Err("a number of requests a second, up to 1,000,000".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo init .            prints the proposal
  gonogo init . --write    writes gonogo.toml; refuses if there is one
  gonogo init . --deploy   prints what a deployment needs and this repository has not
  gonogo init . --deploy --write --service shop --metrics http://127.0.0.1:8080/metrics --selector 'job=\"shop\"'

Nothing is overwritten, and nothing that only you can know is made up: what is left for you is marked, and no check takes
what is marked for done.")]
pub(crate) struct InitOptions {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Write what is proposed instead of printing it
    #[arg(long)]
    pub write: bool,
    #[arg(long, conflicts_with = "write")]
    pub json: bool,
    /// What a deployment needs beside the program, as far as it can be told: manifests, rollout file, objectives, alert
    /// rules, dashboard, the beginnings of runbooks; what is there stays
    #[arg(long)]
    pub deploy: bool,
    /// With --deploy: only these services (repeat)
    #[arg(long, value_name = "NAME", requires = "deploy")]
    pub service: Vec<String>,
    /// With --deploy: what the running service exposes, its address or a file with what it said
    #[arg(long, value_name = "URL|FILE", requires = "deploy")]
    pub metrics: Option<String>,
    /// With --deploy: what tells its series from all others, job="shop"
    #[arg(long, value_name = "MATCHERS", requires = "deploy")]
    pub selector: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  gonogo waive deployment.autoscaling --service checkout --reason \"fixed load until March\" \\
    --risk \"a spike is shed\" --ticket OPS-12 --approver ann --expires 2027-01-31")]
pub(crate) struct WaiveOptions {
    /// The id of a check
    pub check: String,
    #[arg(long, default_value = ".")]
    pub path: PathBuf,
    /// Only for this service
    #[arg(long)]
    pub service: Option<String>,
    /// Only for findings under this file or folder
    #[arg(long, value_name = "PATH")]
    pub under: Option<String>,
    #[arg(long)]
    pub reason: String,
    #[arg(long)]
    pub risk: String,
    #[arg(long)]
    pub ticket: String,
    #[arg(long)]
    pub approver: String,
    /// The last day on which it holds
    #[arg(long)]
    pub expires: Date,
    /// Print the record instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo attest operations.slas --statement \"sent to all customers\" --by ann --on 2026-11-02 --expires 2027-05-01
  gonogo attest data.restore --statement \"restored into staging\" --by bob --on 2026-10-01 --expires 2026-12-30 \\
    --record environment=staging --record backup=b-17 --record duration=22m")]
pub(crate) struct AttestOptions {
    /// The id of a check
    pub check: String,
    #[arg(long, default_value = ".")]
    pub path: PathBuf,
    /// Only for this service
    #[arg(long)]
    pub service: Option<String>,
    #[arg(long)]
    pub statement: String,
    #[arg(long)]
    pub by: String,
    /// The day of what is stated
    #[arg(long)]
    pub on: Date,
    /// The last day on which it counts
    #[arg(long)]
    pub expires: Date,
    #[arg(long)]
    pub link: Option<String>,
    /// A field of a dated record (repeat)
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field)]
    pub record: Vec<(String, String)>,
    /// The person states that the title does not hold
    #[arg(long)]
    pub does_not_hold: bool,
    /// Print the record instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() && !value.trim().is_empty() => {
            Ok((field.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write FIELD=VALUE".to_owned()),
    }
}
