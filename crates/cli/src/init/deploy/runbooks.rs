//! The beginnings of runbooks: what is known of an alert and of this service, and what only its people know, left open.

use std::{collections::BTreeSet, fmt::Write as _};

use gonogo_domain::alerts::{Proven, Rules};

use super::{Proposal, line};
use crate::alerts::{Known, runbook_file};

pub(super) fn propose(known: &Known, rules: &Rules, name: &str, proposal: &mut Proposal) {
    let mut seen = BTreeSet::new();
    for alert in rules.alerts.iter().filter(|one| seen.insert(one.alert.name.clone())) {
        let file = runbook_file(&known.facts.service.name, &alert.alert.name);
        // A runbook that is there answers it already.
        if alert.alert.annotations.get("runbook_url").is_some_and(|link| *link == file) {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = write(&mut text, known, alert, name);
            proposal.file(file, text);
        }
    }
}

fn write(text: &mut String, known: &Known, alert: &Proven, name: &str) -> std::fmt::Result {
    let service = &known.facts.service;
    let about = |key: &str| alert.alert.annotations.get(key).map_or("", String::as_str);
    writeln!(text, "# {}: {}\n", alert.alert.name, line(about("summary")))?;
    writeln!(
        text,
        "Begun by `gonogo init --deploy`. What stands in brackets is yours to write; until then this is no runbook.\n\n\
         - Alert: {} of {}, {} ({}), {}",
        alert.alert.name,
        line(&service.name),
        alert.priority.name(),
        alert.priority.incident(),
        alert.priority.response()
    )?;
    match &known.owner.team {
        Some(team) => writeln!(text, "- Owner: {}", line(team))?,
        None => writeln!(text, "- Owner: [name of the team]")?,
    }
    writeln!(
        text,
        "\n## Symptoms\n\n{}\n\n[Describe what users see while it lasts]\n\n## Diagnosis\n\nIt fires on\n\n```promql\n{}\n```\n",
        line(about("description")),
        alert.alert.expr
    )?;
    writeln!(text, "and is seen on the dashboard of `monitoring/{name}-dashboard.json`.\n")?;
    if service.dependencies.is_empty() {
        writeln!(text, "No dependency of this service is known to gonogo.\n")?;
    }
    for dependency in &service.dependencies {
        writeln!(
            text,
            "- {} ({}, {}): [describe how to see that it is the reason]",
            line(&dependency.name),
            line(&dependency.kind),
            line(&dependency.place.to_string())
        )?;
    }
    writeln!(
        text,
        "\n[Describe which logs to read, and what they say]\n\n## Mitigation\n\n[Describe the steps that help, with their commands: \
         the way back of the last release, what can be switched off]\n\n## Verification\n\nThe expression above gives nothing any \
         more. [Describe how users see that it is over]\n\n## Escalation\n"
    )?;
    let steps = &known.facts.statements.escalation;
    if steps.is_empty() {
        return writeln!(text, "[Describe whom to call, and when]");
    }
    for step in steps {
        let contact = step.contact.as_deref().unwrap_or("[add a contact]");
        writeln!(
            text,
            "- after {} minutes: {}, {}",
            step.after_minutes.unwrap_or_default(),
            line(&step.role),
            line(contact)
        )?;
    }
    Ok(())
}
