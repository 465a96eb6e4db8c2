//! OpenSLO, v1 and v1alpha.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Gap, Node, Place, Source,
    evidence::{Located, Objective, ObjectiveFormat},
};

use super::{budget_policy, figures, indicator::indicator, whole};

/// The indicators, alert policies, conditions and data sources that SLOs refer to, by name.
#[derive(Default)]
pub(super) struct Catalogue<'a> {
    pub indicators: BTreeMap<&'a str, &'a Node>,
    pub policies: BTreeMap<&'a str, &'a Node>,
    pub conditions: BTreeMap<&'a str, &'a Node>,
    pub sources: BTreeMap<&'a str, &'a Node>,
}

impl<'a> Catalogue<'a> {
    pub(super) fn of(documents: impl Iterator<Item = &'a Node>) -> Self {
        let mut catalogue = Self::default();
        for document in documents {
            let Some(name) = document.str_at("metadata.name") else { continue };
            if !document.str_at("apiVersion").is_some_and(|api| api.starts_with("openslo")) {
                continue;
            }
            match document.str_at("kind") {
                Some("SLI") => drop(catalogue.indicators.insert(name, document)),
                Some("AlertPolicy") => drop(catalogue.policies.insert(name, document)),
                Some("AlertCondition") => drop(catalogue.conditions.insert(name, document)),
                Some("DataSource") => drop(catalogue.sources.insert(name, document)),
                _ => (),
            }
        }
        catalogue
    }
}

pub(super) fn read(document: &Node, catalogue: &Catalogue<'_>, items: &mut Vec<Objective>, gaps: &mut Vec<Gap>) {
    let Some(spec) = document.get("spec") else { return };
    let name = document.str_at("metadata.name").unwrap_or_default();
    let shown = document.str_at("metadata.displayName").unwrap_or_default();
    let alerting = alerting(spec, catalogue, gaps);
    let objectives = spec.list("objectives");
    for (index, objective) in objectives.iter().enumerate() {
        let mut queries = Vec::new();
        for holder in [objective, spec] {
            if queries.is_empty() {
                queries = queries_of(holder, catalogue, gaps);
            }
        }
        let stage = objective.str_at("displayName").unwrap_or_default();
        let several = objectives.len() > 1;
        let measured = indicator(&[name, shown, stage], &queries);
        let part = whole::Part { document, spec, objective, index, several, indicator: measured };
        items.push(Objective {
            name: if several && !stage.is_empty() { format!("{name}: {stage}") } else { name.to_owned() },
            service: spec.str_at("service").map(str::to_owned),
            place: if several { objective.place.clone() } else { document.place.clone() },
            format: ObjectiveFormat::OpenSlo,
            indicator: measured,
            target: target(objective),
            window_seconds: window(spec),
            queries,
            alerting: alerting.clone(),
            budget_policy: budget_policy(document),
            whole: whole::open_slo(&part, catalogue).map(Arc::new),
        });
    }
}

fn target(objective: &Node) -> Option<Located<f64>> {
    let percent = || objective.get("targetPercent").and_then(figures::percent);
    objective.get("target").and_then(figures::ratio).or_else(percent)
}

pub(super) fn window(spec: &Node) -> Option<Located<u64>> {
    let windows = ["timeWindow", "timeWindows"].iter().find_map(|key| spec.get(key))?;
    let window = windows.items().first().unwrap_or(windows);
    if let Some(duration) = window.get("duration") {
        return figures::window(duration);
    }
    let count = u64::try_from(window.int_at("count")?).ok()?;
    let seconds = figures::counted(count, window.str_at("unit")?)?;
    Some(Located::new(seconds, &window.place))
}

/// The queries of an indicator that is written in place or referred to.
fn queries_of(holder: &Node, catalogue: &Catalogue<'_>, gaps: &mut Vec<Gap>) -> Vec<String> {
    let mut queries = Vec::new();
    if let Some(reference) = holder.get("indicatorRef")
        && let Some(name) = reference.str()
    {
        match catalogue.indicators.get(name) {
            Some(indicator) => collect(indicator, &mut queries),
            None => gaps.push(missing(reference, "indicator", name)),
        }
    }
    for key in ["indicator", "ratioMetrics", "ratioMetric", "thresholdMetric"] {
        if let Some(inline) = holder.get(key) {
            collect(inline, &mut queries);
        }
    }
    queries
}

fn collect(node: &Node, queries: &mut Vec<String>) {
    node.walk(&mut |node| {
        for entry in node.entries() {
            if matches!(entry.key.as_str(), "query" | "promql" | "expr")
                && let Some(text) = entry.node.str()
                && !queries.iter().any(|known| known == text)
            {
                queries.push(text.to_owned());
            }
        }
    });
}

fn alerting(spec: &Node, catalogue: &Catalogue<'_>, gaps: &mut Vec<Gap>) -> Option<Place> {
    let policies = spec.get("alertPolicies")?;
    for policy in policies.items() {
        let reference = policy.get("alertPolicyRef").unwrap_or(policy);
        if let Some(name) = reference.str()
            && !catalogue.policies.contains_key(name)
        {
            gaps.push(missing(reference, "alert policy", name));
        }
    }
    (!policies.items().is_empty()).then(|| policies.place.clone())
}

fn missing(reference: &Node, what: &str, name: &str) -> Gap {
    let reason = format!("the {what} `{name}` is not in the repository");
    Gap { source: Source::Objectives, place: reference.place.clone(), reason }
}
