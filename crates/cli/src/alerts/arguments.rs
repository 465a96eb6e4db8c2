//! The command line of `gonogo alerts`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use crate::arguments::length;

#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// Rules for the golden signals and, where the service talks to Clay, for the four rows of its alert table
    Rules(AlertRulesOptions),
    /// Routes and inhibition for Alertmanager
    Routes(AlertRoutesOptions),
    /// A dashboard for Grafana: signals, dependencies, budget, deploys
    Dashboard(AlertDashboardOptions),
}

/// Which service, and what its metrics are called where that cannot be seen.
#[derive(Debug, Default, Args)]
pub(crate) struct AlertsTarget {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The service, where the repository holds several
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// What the running service exposes: its address, or a file with what it said
    #[arg(long, value_name = "URL|FILE")]
    pub metrics: Option<String>,
    /// What tells its series from all others: job="shop"
    #[arg(long, value_name = "MATCHERS")]
    pub selector: Option<String>,
    /// The counter of requests, and its label of the status
    #[arg(long, value_name = "METRIC[:LABEL]")]
    pub requests: Option<String>,
    /// The histogram of how long requests take
    #[arg(long, value_name = "METRIC")]
    pub duration: Option<String>,
    /// The counter of calls to Clay, and its label of the status
    #[arg(long, value_name = "METRIC[:LABEL]")]
    pub clay_requests: Option<String>,
    /// The histogram of how long calls to Clay take
    #[arg(long, value_name = "METRIC")]
    pub clay_duration: Option<String>,
    /// What can be used up, and the metric of the most that there is (repeat)
    #[arg(long, value_name = "USED=LIMIT")]
    pub saturation: Vec<String>,
    /// What one request of a hundred may take; else what [service.NAME.run.limits] says, else 5 s
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub slow: Option<Duration>,
    /// How often the service is scraped
    #[arg(long, value_name = "TIME")]
    pub scrape_interval: Option<String>,
    /// Who owns the alerts; else the owner of the service
    #[arg(long, value_name = "TEAM")]
    pub owner: Option<String>,
    /// Where runbooks lie, each by its alert's name, instead of docs/runbooks/
    #[arg(long, value_name = "URL")]
    pub runbooks: Option<String>,
    /// For a rehearsal: every window and wait so many times shorter
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub faster: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo alerts rules .
  gonogo alerts rules . --output alerts.yml --tests alerts.test.yml && promtool test rules alerts.test.yml
  gonogo alerts rules . --metrics http://127.0.0.1:8080/metrics --selector 'job=\"shop\"'
  gonogo alerts rules . --requests shop_requests_total:code --duration shop_request_seconds

No name of a metric is invented: what is not seen and not named is said, and nothing is written for it.

Exit codes: 0 everything was written, 3 something is not known, 2 wrong use or a defect.")]
pub(crate) struct AlertRulesOptions {
    #[command(flatten)]
    pub target: AlertsTarget,
    /// Where the rules go, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where their tests go: beside the rules, for `promtool test rules`
    #[arg(long, value_name = "FILE")]
    pub tests: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo alerts routes . --page pagerduty=/etc/alertmanager/key --tell slack=/etc/alertmanager/slack#shop
  gonogo alerts routes . --page webhook=http://127.0.0.1:9000/ --tell email=shop@shop.test --output alertmanager.yml

Exit codes: 0 written, 3 whom alerts reach is not known, 2 wrong use or a defect.")]
pub(crate) struct AlertRoutesOptions {
    #[command(flatten)]
    pub target: AlertsTarget,
    /// Who is woken by P1 and P2, as the examples write it: pagerduty, slack, email or webhook (repeat)
    #[arg(long, value_name = "KIND=WHERE")]
    pub page: Vec<String>,
    /// Who is told of everything else (repeat)
    #[arg(long, value_name = "KIND=WHERE")]
    pub tell: Vec<String>,
    /// Where the configuration goes, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gonogo alerts dashboard . > shop.json
  gonogo alerts dashboard . --metrics http://127.0.0.1:8080/metrics --selector 'job=\"shop\"' --output shop.json

Exit codes: 0 everything is on it, 3 something is not known, 2 wrong use or a defect.")]
pub(crate) struct AlertDashboardOptions {
    #[command(flatten)]
    pub target: AlertsTarget,
    /// Where it goes, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
