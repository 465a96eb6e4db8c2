//! A rollout file: steps, the driver that the manifests tell of, and gates from the metrics of the service.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use anyhow::bail;
use gonogo_domain::{
    Run,
    alerts::{Count, Signals, statuses},
    evidence::Role,
};
use gonogo_release::File;

use super::{
    Proposal,
    cluster::{self, Cluster},
    quoted,
};
use crate::alerts::Known;

/// Stands for the driver that the owner names, when the file is read to see whether the rest is right.
const DRIVER: &str = "\n[driver.command]\nobserve = [\"true\"]\nprepare = [\"true\"]\nset_share = [\"true\"]\npromote = [\"true\"]\n\
                      retire = [\"true\"]\nabort = [\"true\"]\nundo = [\"true\"]\n";

/// Stands for the Prometheus that the owner names.
const PROMETHEUS: &str = "\n[prometheus]\nurl = \"http://prometheus\"\n";

pub(super) fn propose(known: &Known, run: Option<&Run>, name: &str, proposal: &mut Proposal) -> anyhow::Result<()> {
    let facts = &known.facts;
    let service = &facts.service.name;
    let signals = &known.signals;
    if signals.requests.is_none() && signals.duration.is_none() {
        proposal.left(format!("a rollout file of {service}"), "no metric is known that a gate could read: --metrics");
        return Ok(());
    }
    let cluster = match cluster::find(facts) {
        Ok(cluster) => cluster,
        Err(why) => {
            proposal.left(format!("a rollout file of {service}"), why);
            return Ok(());
        }
    };
    let (text, left_open) = match (&cluster, metrics_path(known, run)) {
        (Some(cluster), _) => (in_cluster(service, cluster, signals), PROMETHEUS),
        (None, Some(path)) => (elsewhere(service, &path, signals), DRIVER),
        (None, None) => {
            proposal.left(
                format!("a rollout file of {service}"),
                "where it serves its metrics is not known: metrics in [service.NAME.run.probes]",
            );
            return Ok(());
        }
    };
    // Writing to a String cannot fail.
    let text = text.unwrap_or_default();
    // What we propose must be what we read, but for what is left open.
    let file = Arc::from(format!("deploy/{name}-rollout.toml"));
    if let Err(errors) = File::parse(&file, &format!("{text}{left_open}"), Some("1")) {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        bail!("the rollout file is not valid, which is a defect of gonogo: {}", errors.join("; "));
    }
    proposal.file(file.to_string(), text);
    Ok(())
}

/// Where the service serves its metrics: stated, or a route of its own.
fn metrics_path(known: &Known, run: Option<&Run>) -> Option<String> {
    let mut routes = known.facts.source.routes.iter().filter(|route| route.role == Role::Product && route.followed());
    let stated = run.and_then(|run| run.probes.metrics.clone());
    stated.or_else(|| routes.find(|route| route.path == "/metrics").map(|route| route.path.clone()))
}

fn head(text: &mut String, service: &str, open: &str) -> fmt::Result {
    writeln!(
        text,
        "# Begun by `gonogo init --deploy`; `gonogo rollout plan FILE` says what it would see. {open}\nname = {name}\n\
         service = {name}\nenvironment = \"production\"",
        name = quoted(service),
    )
}

fn pattern(count: &Count) -> String {
    let pattern = statuses(count, "5..", true);
    pattern.split_once('"').map_or("", |(_, rest)| rest.trim_end_matches('"')).to_owned()
}

/// Gates by the service's own metrics, and the driver left open.
fn elsewhere(service: &str, path: &str, signals: &Signals) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let open = "It does nothing before a driver is\n# named, because what moves the traffic of this service is yours to say: \
                [driver.haproxy] or [driver.command], as\n# docs/rollout.md shows.";
    head(&mut text, service, open)?;
    writeln!(
        text,
        "\n[metrics]\npath = {}\n\n[[step]]\nshare = 10\nwatch = \"10m\"\n\n[[step]]\nshare = 50\nwatch = \"5m\"",
        quoted(path)
    )?;
    if let Some(count) = &signals.requests {
        writeln!(
            text,
            "\n[[gate]]\nname = \"errors\"\nkind = \"errors\"\ntotal = {}\nbad_labels = {{ {} = {} }}",
            quoted(&count.metric),
            count.label,
            quoted(&pattern(count))
        )?;
    }
    if let Some(timing) = &signals.duration {
        writeln!(text, "\n[[gate]]\nname = \"latency\"\nkind = \"latency\"\nhistogram = {}", quoted(&timing.metric))?;
    }
    Ok(text)
}

/// The driver by the manifests, and gates by Prometheus.
fn in_cluster(service: &str, cluster: &Cluster, signals: &Signals) -> Result<String, fmt::Error> {
    let mut text = String::new();
    head(&mut text, service, "It does nothing\n# before [prometheus] is filled in.")?;
    for (share, watch) in cluster.steps() {
        writeln!(text, "\n[[step]]\nshare = {share}\nwatch = \"{watch}\"")?;
    }
    cluster.write(&mut text)?;
    let own = signals.selector.as_ref().map(|selector| format!("{selector},")).unwrap_or_default();
    if let Some(count) = &signals.requests {
        let (metric, bad) = (&count.metric, statuses(count, "5..", true));
        writeln!(
            text,
            "\n[[gate]]\nname = \"errors\"\nkind = \"errors\"\ntotal = {}\nbad = {}",
            quoted(&format!("sum({metric}{{{own}$side}})")),
            quoted(&format!("sum({metric}{{{own}$side,{bad}}})"))
        )?;
    }
    if let Some(timing) = &signals.duration {
        let query = format!("sum by (le) ({}_bucket{{{own}$side}})", timing.metric);
        writeln!(text, "\n[[gate]]\nname = \"latency\"\nkind = \"latency\"\nquery = {}", quoted(&query))?;
    }
    Ok(text)
}
