//! Pyrra's `ServiceLevelObjective`.

use gonogo_domain::{
    Node,
    evidence::{Indicator, Objective, ObjectiveFormat},
};

use super::{budget_policy, figures, indicator::indicator};

pub(super) fn read(document: &Node, items: &mut Vec<Objective>) {
    let Some(spec) = document.get("spec") else { return };
    let name = document.str_at("metadata.name").unwrap_or_default();
    let mut queries = Vec::new();
    let measured = spec.get("indicator");
    if let Some(measured) = measured {
        measured.walk(&mut |node| queries.extend(node.str_at("metric").map(|metric| metric.trim().to_owned())));
    }
    let is = |key: &str| measured.is_some_and(|measured| measured.get(key).is_some());
    let indicator = if is("latency") || is("latencyNative") {
        Indicator::Latency
    } else if is("bool_gauge") || is("boolGauge") {
        Indicator::Availability
    } else {
        indicator(&[name], &queries)
    };
    // Pyrra alerts unless it is told not to.
    let silent = spec.bool_at("alerting.disabled") == Some(true);
    let labels = document.at("metadata.labels").map(Node::entries).unwrap_or_default();
    let labelled = labels.iter().find(|entry| matches!(entry.key.as_str(), "pyrra.dev/service" | "service" | "app"));
    items.push(Objective {
        name: name.to_owned(),
        service: labelled.and_then(|entry| entry.node.str()).map(str::to_owned),
        place: document.place.clone(),
        format: ObjectiveFormat::Pyrra,
        indicator,
        target: spec.get("target").and_then(figures::percent),
        window_seconds: spec.get("window").and_then(figures::window),
        queries,
        alerting: (!silent).then(|| spec.get("alerting").unwrap_or(spec).place.clone()),
        budget_policy: budget_policy(document),
    });
}
