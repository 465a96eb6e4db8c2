//! A Deployment of what is built here and deployed nowhere: what the repository says, and no number beyond it.

use std::{collections::BTreeSet, fmt::Write as _};

use gonogo_domain::{
    Facts,
    evidence::{InstructionKind, Role},
};

use super::{Proposal, line, quoted};
use crate::alerts::Known;

pub(super) fn propose(known: &Known, name: &str, proposal: &mut Proposal) {
    let facts = &known.facts;
    let service = &facts.service.name;
    if !facts.workloads.items.is_empty() {
        proposal.left(format!("manifests of {service}"), "it is deployed already");
        return;
    }
    let Some(image) = facts.images.items.first() else {
        proposal.left(format!("manifests of {service}"), "nothing here builds an image of it");
        return;
    };
    proposal.file(format!("deploy/{name}.yaml"), deployment(facts, name, &image.place.to_string()));
}

fn deployment(facts: &Facts, name: &str, built: &str) -> String {
    let mut text = format!(
        "# Begun by `gonogo init --deploy`. It cannot be applied before the lines with DECIDE are filled in: no tool can know\n\
         # them. The image is built by {}.\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels: {{app.kubernetes.io/name: {name}}}\nspec:\n\
         \x20 # DECIDE replicas: two or more, so that one may go\n  selector:\n    matchLabels: {{app.kubernetes.io/name: {name}}}\n\
         \x20 template:\n    metadata:\n      labels: {{app.kubernetes.io/name: {name}}}\n    spec:\n      containers:\n\
         \x20       - name: {name}\n          # DECIDE image: what your pipeline pushes, by its digest\n\
         \x20         # DECIDE resources: measure them, `gonogo load` and `gonogo exercise` help\n",
        line(built)
    );
    // Writing to a String cannot fail.
    let _ = body(&mut text, facts);
    text
}

fn body(text: &mut String, facts: &Facts) -> std::fmt::Result {
    if let Some(port) = port(facts) {
        writeln!(text, "          ports: [{{name: http, containerPort: {port}}}]")?;
        for (probe, words) in [("readinessProbe", READY), ("livenessProbe", LIVE)] {
            match route(facts, words) {
                Some((path, place)) => writeln!(
                    text,
                    "          {probe}: {{httpGet: {{path: {}, port: http}}}}  # {}",
                    quoted(&path),
                    line(&place)
                )?,
                None => writeln!(text, "          # DECIDE {probe}: no route of this service says it")?,
            }
        }
    } else {
        writeln!(text, "          # DECIDE ports and probes: the container file exposes no port")?;
    }
    let mut seen = BTreeSet::new();
    let reads = facts.source.environment.iter().filter(|read| read.role == Role::Product && read.default.is_none());
    let reads: Vec<_> = reads.filter(|read| seen.insert(read.name.clone())).take(100).collect();
    if !reads.is_empty() {
        writeln!(text, "          # DECIDE env: it reads these and has no default for them; secrets by secretKeyRef")?;
    }
    for read in reads {
        writeln!(text, "          #   {}: {}", line(&read.name), line(&read.place.to_string()))?;
    }
    Ok(())
}

const READY: &[&str] = &["ready", "readyz", "readiness"];
const LIVE: &[&str] = &["live", "livez", "liveness", "healthz"];

/// The only port that the container file exposes.
fn port(facts: &Facts) -> Option<u16> {
    let stages = facts.images.items.first()?.stages.last()?;
    let exposed: Vec<u16> = stages
        .instructions
        .iter()
        .filter_map(|one| match &one.kind {
            InstructionKind::Expose(ports) => Some(ports),
            _ => None,
        })
        .flatten()
        .filter_map(|port| port.split('/').next()?.parse().ok())
        .collect();
    match exposed.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// A route that is asked by its path alone.
fn route(facts: &Facts, words: &[&str]) -> Option<(String, String)> {
    let routes = facts.source.routes.iter().filter(|route| route.role == Role::Product && route.followed());
    let plain = routes.filter(|route| route.path.starts_with('/') && !route.path.contains([':', '{', '<', '*', '$']));
    let found =
        plain.into_iter().find(|route| route.path.rsplit('/').next().is_some_and(|last| words.contains(&last)))?;
    Some((found.path.clone(), found.place.to_string()))
}
