//! Pyrra's `ServiceLevelObjective`.

use std::sync::Arc;

use gonogo_domain::{
    Node,
    evidence::{Indicator, Objective, ObjectiveFormat},
    slo::{self, Alerting, Budgeting, Severity, Sli},
};

use super::{
    budget_policy, figures,
    indicator::indicator,
    measure::{self, Part},
    promised, rolling, texts,
};

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
        whole: whole(document, spec, indicator).map(Arc::new),
    });
}

fn whole(document: &Node, spec: &Node, indicator: Indicator) -> Result<slo::Objective, String> {
    let name = document.str_at("metadata.name").ok_or("it has no name")?;
    let all = texts(document.at("metadata.labels"));
    let service = ["pyrra.dev/service", "service", "app"].iter().find_map(|key| all.get(*key)).map(String::as_str);
    // Pyrra hands on the labels that carry its name; the others belong to Kubernetes.
    let labels =
        all.iter().filter_map(|(key, value)| Some((key.strip_prefix("pyrra.dev/")?.to_owned(), value.clone())));
    let alerting = if spec.bool_at("alerting.disabled") == Some(true) {
        Alerting::none()
    } else {
        Alerting {
            name: spec.str_at("alerting.name").unwrap_or_default().to_owned(),
            annotations: texts(document.at("metadata.annotations"))
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix("pyrra.dev/")?.to_owned(), value.clone())))
                .collect(),
            no_data: (spec.bool_at("alerting.absent") != Some(false)).then_some(Severity::Ticket),
            ..Alerting::default()
        }
    };
    Ok(slo::Objective {
        service: service.or_else(|| document.str_at("metadata.namespace")).unwrap_or(name).to_owned(),
        name: name.to_owned(),
        description: spec.str_at("description").unwrap_or_default().to_owned(),
        place: document.place.clone(),
        format: ObjectiveFormat::Pyrra,
        indicator,
        sli: sli(spec.get("indicator").ok_or("nothing measures it")?)?,
        target: promised(spec.get("target").and_then(figures::exact_percent))?,
        period: rolling(spec.get("window").and_then(figures::window).as_ref())?,
        budgeting: Budgeting::Occurrences,
        alerting,
        labels: labels.collect(),
    })
}

fn sli(indicator: &Node) -> Result<Sli, String> {
    let grouped = |key: &str| {
        let labels: Vec<&str> =
            indicator.get(key).into_iter().flat_map(|one| one.list("grouping")).filter_map(Node::str).collect();
        if labels.is_empty() { "sum".to_owned() } else { format!("sum by ({})", labels.join(", ")) }
    };
    let metric = |path: &str| indicator.str_at(path).map(str::trim).filter(|metric| !metric.is_empty());
    let rate = |sum: &str, metric: &str| format!("{sum}(rate({metric}[{{{{.window}}}}]))");
    if let (Some(errors), Some(total)) = (metric("ratio.errors.metric"), metric("ratio.total.metric")) {
        let sum = grouped("ratio");
        return measure::events(Part::Bad, &rate(&sum, errors), &rate(&sum, total));
    }
    if let (Some(success), Some(total)) = (metric("latency.success.metric"), metric("latency.total.metric")) {
        let sum = grouped("latency");
        return measure::events(Part::Good, &rate(&sum, success), &rate(&sum, total));
    }
    for key in ["latencyNative", "latency_native"] {
        let Some(total) = metric(&format!("{key}.total.metric")) else { continue };
        let latency = indicator.at(&format!("{key}.latency")).and_then(Node::str).unwrap_or_default();
        let latency: gonogo_domain::rules::Span =
            latency.parse().map_err(|_| format!("its latency `{latency}` is no length of time"))?;
        let seconds = slo::Decimal::new(i128::from(latency.as_milliseconds()), 3);
        let rate = rate(&grouped(key), total);
        let good = format!("histogram_fraction(0, {seconds}, {rate}) * histogram_count({rate})");
        return measure::events(Part::Good, &good, &format!("histogram_count({rate})"));
    }
    for key in ["bool_gauge", "boolGauge"] {
        let Some(gauge) = metric(&format!("{key}.metric")) else { continue };
        let sum = grouped(key);
        let over = |function: &str| format!("{sum}({function}_over_time({gauge}[{{{{.window}}}}]))");
        return measure::events(Part::Good, &over("sum"), &over("count"));
    }
    Err("its indicator is none that is known".to_owned())
}
