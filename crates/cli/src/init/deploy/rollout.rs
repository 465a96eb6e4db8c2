//! A rollout file: the steps of the source, and gates from the service's own metrics.

use std::{fmt::Write as _, sync::Arc};

use anyhow::bail;
use gonogo_domain::{
    Run,
    alerts::{Signals, statuses},
    evidence::{Role, WorkloadKind},
};
use gonogo_release::File;

use super::{Proposal, quoted};
use crate::alerts::Known;

/// Stands for the driver that the owner names, when the file is read to see whether the rest is right.
const DRIVER: &str = "\n[driver.command]\nobserve = [\"true\"]\nprepare = [\"true\"]\nset_share = [\"true\"]\npromote = [\"true\"]\n\
                      retire = [\"true\"]\nabort = [\"true\"]\nundo = [\"true\"]\n";

pub(super) fn propose(known: &Known, run: Option<&Run>, name: &str, proposal: &mut Proposal) -> anyhow::Result<()> {
    let facts = &known.facts;
    let service = &facts.service.name;
    let signals = &known.signals;
    if facts.objects.items.iter().any(|object| matches!(object.kind.as_str(), "Canary" | "AnalysisTemplate"))
        || facts.workloads.items.iter().any(|one| one.kind == WorkloadKind::Rollout)
    {
        proposal.left(format!("a rollout file of {service}"), "a controller in the cluster rolls it out already");
        return Ok(());
    }
    if signals.requests.is_none() && signals.duration.is_none() {
        proposal.left(format!("a rollout file of {service}"), "no metric is known that a gate could read: --metrics");
        return Ok(());
    }
    let stated = run.and_then(|run| run.probes.metrics.clone());
    let served = facts.source.routes.iter().filter(|route| route.role == Role::Product && route.followed());
    let path = stated.or_else(|| served.into_iter().map(|route| route.path.clone()).find(|path| path == "/metrics"));
    let Some(path) = path else {
        proposal.left(
            format!("a rollout file of {service}"),
            "where it serves its metrics is not known: metrics in [service.NAME.run.probes]",
        );
        return Ok(());
    };
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, service, &path, signals);
    // What we propose must be what we read, but for the driver.
    let file = Arc::from(format!("deploy/{name}-rollout.toml"));
    if let Err(errors) = File::parse(&file, &format!("{text}{DRIVER}"), Some("1")) {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        bail!("the rollout file is not valid, which is a defect of gonogo: {}", errors.join("; "));
    }
    proposal.file(file.to_string(), text);
    Ok(())
}

fn write(text: &mut String, service: &str, path: &str, signals: &Signals) -> std::fmt::Result {
    writeln!(
        text,
        "# Begun by `gonogo init --deploy`; `gonogo rollout plan FILE` says what it would see. It does nothing before a driver is\n\
         # named, because what moves the traffic of this service is yours to say: [driver.haproxy] or [driver.command], as\n\
         # docs/rollout.md shows.\nname = {name}\nservice = {name}\nenvironment = \"production\"\n\n\
         [metrics]\npath = {path}\n\n[[step]]\nshare = 10\nwatch = \"10m\"\n\n[[step]]\nshare = 50\nwatch = \"5m\"",
        name = quoted(service),
        path = quoted(path)
    )?;
    if let Some(count) = &signals.requests {
        let pattern = statuses(count, "5..", true);
        let pattern = pattern.split_once('"').map_or("", |(_, rest)| rest.trim_end_matches('"'));
        writeln!(
            text,
            "\n[[gate]]\nname = \"errors\"\nkind = \"errors\"\ntotal = {}\nbad_labels = {{ {} = {} }}",
            quoted(&count.metric),
            count.label,
            quoted(pattern)
        )?;
    }
    if let Some(timing) = &signals.duration {
        writeln!(text, "\n[[gate]]\nname = \"latency\"\nkind = \"latency\"\nhistogram = {}", quoted(&timing.metric))?;
    }
    Ok(())
}
