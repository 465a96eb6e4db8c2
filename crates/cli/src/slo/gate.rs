//! `gonogo slo gate`: may a feature be released?

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use gonogo_domain::slo::{Decimal, Exemption, Standing, Verdict, gate};
use gonogo_report::clean::clean;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{
    asked,
    options::GateOptions,
    record::{self, Decided, Decision},
    show, source, status,
};
use crate::{arguments::Common, output, progress::Progress};

pub(super) fn run(options: &GateOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let now = options.at.unwrap_or_else(super::now);
    let today = super::now().to_zoned(TimeZone::UTC).date();
    let exemption = exemption(options)?;
    if let Some(problem) = exemption.as_ref().and_then(|exemption| exemption.problem(today)) {
        bail!("{problem}");
    }
    let found = source::find(&options.objectives)?;
    let folder = record::folder(&options.objectives.path);
    let mut standings = record::read(&folder)?;
    let Some(prometheus) = asked::prometheus(&options.asked)? else {
        bail!("the gate asks a Prometheus: --prometheus URL");
    };
    let address = prometheus.address();
    let progress = Progress::start();
    progress.say("asking Prometheus");
    let rows = asked::wait(status::ask(prometheus, &found.whole, &standings, now))?;
    drop(progress);
    let mut seen: Vec<Standing> = rows.iter().map(|row| row.standing).collect();
    // An objective that cannot be read has a budget that nobody knows.
    seen.extend(found.broken.iter().map(|_| Standing::Unknown));
    seen.extend(found.gaps.iter().map(|_| Standing::Unknown));
    let verdict = gate(&seen, exemption.as_ref(), today);
    // What was asked of the past says nothing about now.
    for row in rows.iter().filter(|row| row.standing != Standing::Unknown && options.at.is_none()) {
        standings.insert(row.objective.id(), row.standing);
    }
    let decision = Decision {
        format: Decision::FORMAT,
        at: now,
        verdict,
        prometheus: address,
        exemption: exemption.as_ref(),
        budgets: rows
            .iter()
            .map(|row| Decided {
                objective: row.objective.id(),
                standing: row.standing,
                remaining: row.budget.remaining.and_then(|left| Some(Decimal::of(left, 4)?.to_string())),
            })
            .collect(),
    };
    let file = record::keep(&folder, &decision, standings)?;
    let mut out = io::stdout().lock();
    if options.json {
        let value = json!({"decision": decision, "record": file, "budgets": show::as_json(&rows, &found)["budgets"]});
        serde_json::to_writer_pretty(&mut out, &value)?;
        writeln!(out)?;
    } else {
        let color = output::colored(common, console::Term::stdout().is_term());
        show::table(&rows, color, false, &mut out)?;
        let sentence = match verdict {
            Verdict::Pass => "PASS: every budget allows a release".to_owned(),
            Verdict::Exempt => format!(
                "PASS by the exemption `{}`: {}",
                exemption.as_ref().map_or("", |exemption| &exemption.name),
                exemption.as_ref().map_or("", |exemption| &exemption.reason)
            ),
            Verdict::Frozen => "FROZEN: a budget is spent. What repairs the service may pass with --exempt".to_owned(),
            Verdict::Unknown => "UNKNOWN: a budget is not known, which is not read as open".to_owned(),
        };
        writeln!(out, "{}", clean(&sentence))?;
        writeln!(out, "{}", clean(&format!("kept in {}", file.display())))?;
    }
    drop(out);
    super::rules::told(&found)?;
    Ok(ExitCode::from(match verdict {
        Verdict::Pass | Verdict::Exempt => 0,
        Verdict::Frozen => 1,
        Verdict::Unknown => 3,
    }))
}

fn exemption(options: &GateOptions) -> anyhow::Result<Option<Exemption>> {
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
