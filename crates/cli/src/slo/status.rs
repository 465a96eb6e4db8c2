//! `gonogo slo status`: what is left of each budget, and how long it lasts.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use gonogo_collectors::metrics::{self, Endpoint, Limits, Metered, Prometheus, Tally};
use gonogo_domain::slo::{Budget, Objective, Points, Standing, budget};
use jiff::Timestamp;

use super::{asked, options::StatusOptions, record, show, source};
use crate::{arguments::Common, output, progress::Progress};

/// A budget with the series that it is the worst of.
pub(super) struct Row {
    pub objective: Arc<Objective>,
    /// The labels of the series with the least left, and how many series there are.
    pub labels: BTreeMap<String, String>,
    pub series: usize,
    pub budget: Budget,
    pub standing: Standing,
    /// Why it could not be asked.
    pub trouble: Option<String>,
    pub warnings: Vec<String>,
}

/// Questions that are on their way at the same time.
const AT_ONCE: usize = 8;

pub(super) fn run(options: &StatusOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let found = source::find(&options.objectives)?;
    let before = record::read(&record::folder(&options.objectives.path))?;
    let progress = Progress::start();
    let rows = match (&options.metrics, asked::prometheus(&options.asked)?) {
        (Some(url), _) => asked::wait(scraped(options, url, &found.whole, &before, &progress))?,
        (None, Some(prometheus)) => {
            progress.say("asking Prometheus");
            asked::wait(ask(prometheus, &found.whole, &before, options.at.unwrap_or_else(super::now)))?
        }
        (None, None) => bail!(
            "budgets are asked from a Prometheus (--prometheus URL), or from a service's own metrics for the length of the run \
             (--metrics URL)"
        ),
    };
    drop(progress);
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &show::as_json(&rows, &found))?;
        writeln!(out)?;
    } else {
        let color = output::colored(common, console::Term::stdout().is_term());
        show::table(&rows, color, options.metrics.is_some(), &mut out)?;
    }
    drop(out);
    super::rules::told(&found)?;
    let unknown = rows.iter().any(|row| row.standing == Standing::Unknown) || !found.broken.is_empty();
    Ok(ExitCode::from(if unknown { 3 } else { 0 }))
}

/// Each budget, in the order of the objectives.
pub(super) async fn ask(
    prometheus: Prometheus,
    objectives: &[Arc<Objective>],
    before: &BTreeMap<String, Standing>,
    now: Timestamp,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for some in objectives.chunks(AT_ONCE) {
        let tasks: Vec<_> = some
            .iter()
            .map(|objective| {
                let (prometheus, objective) = (prometheus.clone(), Arc::clone(objective));
                tokio::spawn(async move { metrics::meter(&prometheus, &objective, now).await })
            })
            .collect();
        for (objective, task) in some.iter().zip(tasks) {
            let metered = task.await.context("a question was dropped")?;
            rows.push(row(objective, metered.map_err(|error| error.to_string()), before, now));
        }
    }
    Ok(rows)
}

/// The worst of what was metered: what nothing is known of, then what has the least left.
fn row(
    objective: &Arc<Objective>,
    metered: Result<Metered, String>,
    before: &BTreeMap<String, Standing>,
    now: Timestamp,
) -> Row {
    let (metered, trouble) = match metered {
        Ok(metered) => (metered, None),
        Err(trouble) => (Metered::default(), Some(trouble)),
    };
    let series = metered.series.len();
    let budgets = metered.series.into_iter().map(|(labels, points)| (labels, budget(objective, &points, now)));
    // A path that nobody asks for any more has no say beside one that is asked for.
    let worst = budgets.min_by(|(_, one), (_, other)| {
        let left = |budget: &Budget| budget.remaining.unwrap_or(f64::INFINITY);
        left(one).total_cmp(&left(other))
    });
    let (labels, budget) = worst.unwrap_or_else(|| (BTreeMap::new(), budget(objective, &Points::default(), now)));
    let standing = budget.standing(before.get(&objective.id()).copied());
    Row { objective: Arc::clone(objective), labels, series, budget, standing, trouble, warnings: metered.warnings }
}

/// Scrapes for a while, and takes what happened for the whole window.
async fn scraped(
    options: &StatusOptions,
    url: &str,
    objectives: &[Arc<Objective>],
    before: &BTreeMap<String, Standing>,
    progress: &Progress,
) -> anyhow::Result<Vec<Row>> {
    if options.every > options.length {
        bail!("--every is longer than --for: two scrapes are needed");
    }
    let limits = Limits { time: options.asked.timeout, ..Limits::default() };
    let endpoint = Endpoint::new(metrics::Address::new(url)?, limits)?;
    let tallies: Vec<Option<Tally>> = objectives.iter().map(|objective| Tally::of(objective)).collect();
    let step = options.every.as_secs_f64();
    let mut measured: Vec<Points> = objectives.iter().map(|_| Points { step, points: Vec::new() }).collect();
    let mut last = endpoint.scrape().await?;
    let mut ticks = tokio::time::interval(options.every);
    ticks.tick().await;
    let scrapes = (options.length.as_secs_f64() / step).floor().max(1.0);
    let mut done = 0.0;
    while done < scrapes {
        ticks.tick().await;
        done += 1.0;
        progress.say(&format!("scraped {done} of {scrapes}"));
        // One scrape that fails is a hole; the next one counts over it.
        let Ok(scrape) = endpoint.scrape().await else { continue };
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let at = super::now().as_millisecond() as f64 / 1e3;
        for (tally, measured) in tallies.iter().zip(&mut measured) {
            measured.points.extend(tally.as_ref().and_then(|tally| tally.between(&last, &scrape, at)));
        }
        last = scrape;
    }
    let now = super::now();
    let rows = objectives.iter().zip(tallies).zip(measured).map(|((objective, tally), points)| {
        let metered = match tally {
            Some(_) => Ok(Metered { series: vec![(BTreeMap::new(), points)], warnings: Vec::new() }),
            None => Err("its query says more than scrapes can answer: ask a Prometheus".to_owned()),
        };
        row(objective, metered, before, now)
    });
    Ok(rows.collect())
}
