//! `gonogo slo gate`: may a feature be released?

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use gonogo_domain::slo::{DECISION_FORMAT, DecidedBudget, Decimal, Exemption, GateDecision, Standing, Verdict, gate};
use gonogo_report::clean::clean;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{
    asked,
    options::{Asked, Exempting, GateOptions, Objectives},
    record, show,
    source::{self, Found},
    status::{self, Row},
};
use crate::{arguments::Common, output, progress::Progress};

/// What the budgets say of a release.
pub(crate) struct Gated {
    pub verdict: Verdict,
    pub exemption: Option<Exemption>,
    rows: Vec<Row>,
    found: Found,
    prometheus: String,
    at: Timestamp,
}

/// Asks every budget, and writes nothing.
pub(crate) async fn ask(
    objectives: &Objectives,
    asked: &Asked,
    exempting: &Exempting,
    at: Option<Timestamp>,
) -> anyhow::Result<Gated> {
    let now = at.unwrap_or_else(super::now);
    let today = super::now().to_zoned(TimeZone::UTC).date();
    let exemption = exemption(exempting)?;
    if let Some(problem) = exemption.as_ref().and_then(|exemption| exemption.problem(today)) {
        bail!("{problem}");
    }
    let found = source::find(objectives)?;
    let before = record::read(&record::folder(&objectives.path))?;
    let Some(prometheus) = asked::prometheus(asked)? else {
        bail!("the gate asks a Prometheus: --prometheus URL");
    };
    let address = prometheus.address();
    let rows = status::ask(prometheus, &found.whole, &before, now).await?;
    let mut seen: Vec<Standing> = rows.iter().map(|row| row.standing).collect();
    // An objective that cannot be read has a budget that nobody knows.
    seen.extend(found.broken.iter().map(|_| Standing::Unknown));
    seen.extend(found.gaps.iter().map(|_| Standing::Unknown));
    let verdict = gate(&seen, exemption.as_ref(), today);
    Ok(Gated { verdict, exemption, rows, found, prometheus: address, at: now })
}

impl Gated {
    fn decision(&self) -> GateDecision {
        let decided = |row: &Row| DecidedBudget {
            objective: row.objective.id(),
            standing: row.standing,
            remaining: row.budget.remaining.and_then(|left| Some(Decimal::of(left, 4)?.to_string())),
        };
        GateDecision {
            format: DECISION_FORMAT,
            at: self.at,
            verdict: self.verdict,
            prometheus: self.prometheus.clone(),
            exemption: self.exemption.clone(),
            budgets: self.rows.iter().map(decided).collect(),
        }
    }

    /// Keeps the decision beside the objectives; `asked_of_now`: what is known of each budget too. Says where.
    pub(crate) fn keep(&self, objectives: &Objectives, asked_of_now: bool) -> anyhow::Result<PathBuf> {
        let folder = record::folder(&objectives.path);
        let mut standings = record::read(&folder)?;
        // What was asked of the past says nothing about now.
        for row in self.rows.iter().filter(|row| asked_of_now && row.standing != Standing::Unknown) {
            standings.insert(row.objective.id(), row.standing);
        }
        record::keep(&folder, &self.decision(), standings)
    }

    /// The verdict in a sentence.
    pub(crate) fn sentence(&self) -> String {
        match self.verdict {
            Verdict::Pass => "PASS: every budget allows a release".to_owned(),
            Verdict::Exempt => format!(
                "PASS by the exemption `{}`: {}",
                self.exemption.as_ref().map_or("", |exemption| &exemption.name),
                self.exemption.as_ref().map_or("", |exemption| &exemption.reason)
            ),
            Verdict::Frozen => "FROZEN: a budget is spent. What repairs the service may pass with --exempt".to_owned(),
            Verdict::Unknown => "UNKNOWN: a budget is not known, which is not read as open".to_owned(),
        }
    }

    /// 0 a release may begin, 1 frozen, 3 unknown.
    pub(crate) fn code(&self) -> u8 {
        match self.verdict {
            Verdict::Pass | Verdict::Exempt => 0,
            Verdict::Frozen => 1,
            Verdict::Unknown => 3,
        }
    }
}

pub(super) fn run(options: &GateOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let progress = Progress::start();
    progress.say("asking Prometheus");
    let gated = asked::wait(ask(&options.objectives, &options.asked, &options.exemption, options.at))?;
    drop(progress);
    let file = gated.keep(&options.objectives, options.at.is_none())?;
    let mut out = io::stdout().lock();
    if options.json {
        let budgets = &show::as_json(&gated.rows, &gated.found)["budgets"];
        let value = json!({"decision": gated.decision(), "record": file, "budgets": budgets});
        serde_json::to_writer_pretty(&mut out, &value)?;
        writeln!(out)?;
    } else {
        let color = output::colored(common, console::Term::stdout().is_term());
        show::table(&gated.rows, color, false, &mut out)?;
        writeln!(out, "{}", clean(&gated.sentence()))?;
        writeln!(out, "{}", clean(&format!("kept in {}", file.display())))?;
    }
    drop(out);
    super::rules::told(&gated.found)?;
    Ok(ExitCode::from(gated.code()))
}

fn exemption(options: &Exempting) -> anyhow::Result<Option<Exemption>> {
    let Some(name) = &options.exempt else { return Ok(None) };
    let text =
        |value: &Option<String>, field: &str| value.clone().with_context(|| format!("an exemption needs --{field}"));
    Ok(Some(Exemption {
        name: name.clone(),
        reason: text(&options.reason, "reason")?,
        risk: text(&options.risk, "risk")?,
        ticket: text(&options.ticket, "ticket")?,
        approver: text(&options.approver, "approver")?,
        expires: options.expires.context("an exemption needs --expires")?,
    }))
}
