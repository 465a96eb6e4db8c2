//! Sloth: its own files, and the spec of a `PrometheusServiceLevel`, which says the same in other spelling.

use std::sync::Arc;

use gonogo_domain::{
    Node,
    evidence::{Indicator, Located, Objective, ObjectiveFormat},
    rules::Span,
    slo::{self, Alerting, Budgeting, Channel, Outcome, Period, Severity, Sli},
};

use super::{
    budget_policy, figures,
    indicator::indicator,
    measure::{self, Part},
    promised, texts,
};

/// Sloth takes the window as an option of its command line, and this without one.
const WINDOW: u64 = 30 * 24 * 3600;

pub(super) fn read(spec: &Node, items: &mut Vec<Objective>) {
    for slo in spec.list("slos") {
        let name = slo.str_at("name").unwrap_or_default();
        let queries = queries(slo);
        let plugin = slo.str_at("sli.plugin.id").unwrap_or_default();
        let measured = indicator(&[name, plugin], &queries);
        items.push(Objective {
            name: name.to_owned(),
            service: spec.str_at("service").map(str::to_owned),
            place: slo.place.clone(),
            format: ObjectiveFormat::Sloth,
            indicator: measured,
            target: slo.get("objective").and_then(figures::percent),
            window_seconds: Some(Located::new(WINDOW, &slo.place)),
            queries,
            alerting: slo.get("alerting").filter(|alerting| alerts(alerting)).map(|alerting| alerting.place.clone()),
            budget_policy: budget_policy(slo),
            whole: whole(spec, slo, measured).map(Arc::new),
        });
    }
}

fn queries(slo: &Node) -> Vec<String> {
    let paths = [
        "sli.events.error_query",
        "sli.events.errorQuery",
        "sli.events.total_query",
        "sli.events.totalQuery",
        "sli.raw.error_ratio_query",
        "sli.raw.errorRatioQuery",
    ];
    paths.iter().filter_map(|path| Some(slo.str_at(path)?.trim().to_owned())).collect()
}

/// At least one of the two alerts that Sloth makes is left on.
fn alerts(alerting: &Node) -> bool {
    [["page_alert", "pageAlert"], ["ticket_alert", "ticketAlert"]].iter().any(|spellings| {
        let alert = spellings.iter().find_map(|key| alerting.get(key));
        alert.is_none_or(|alert| alert.bool_at("disable") != Some(true))
    })
}

fn whole(spec: &Node, slo: &Node, indicator: Indicator) -> Result<slo::Objective, String> {
    let mut labels = texts(spec.get("labels"));
    labels.extend(texts(slo.get("labels")));
    Ok(slo::Objective {
        service: spec.str_at("service").ok_or("its file names no service")?.to_owned(),
        name: slo.str_at("name").ok_or("it has no name")?.to_owned(),
        description: slo.str_at("description").unwrap_or_default().to_owned(),
        place: slo.place.clone(),
        format: ObjectiveFormat::Sloth,
        indicator,
        sli: sli(slo)?,
        target: promised(slo.get("objective").and_then(figures::exact_percent))?,
        period: Period::Rolling(Span::seconds(WINDOW)),
        budgeting: Budgeting::Occurrences,
        alerting: slo.get("alerting").map_or_else(Alerting::none, alerting),
        labels,
    })
}

fn sli(slo: &Node) -> Result<Sli, String> {
    let text = |paths: [&str; 2]| paths.iter().find_map(|path| slo.str_at(path));
    if let (Some(bad), Some(total)) = (
        text(["sli.events.error_query", "sli.events.errorQuery"]),
        text(["sli.events.total_query", "sli.events.totalQuery"]),
    ) {
        return measure::events(Part::Bad, bad, total);
    }
    if let Some(ratio) = text(["sli.raw.error_ratio_query", "sli.raw.errorRatioQuery"]) {
        return measure::ratio(ratio, Outcome::Failure);
    }
    match slo.str_at("sli.plugin.id") {
        Some(plugin) => Err(format!("it is measured by the plugin `{plugin}`, which only Sloth can run")),
        None => Err("nothing measures it".to_owned()),
    }
}

fn alerting(node: &Node) -> Alerting {
    let channel = |keys: [&str; 2]| match keys.iter().find_map(|key| node.get(key)) {
        None => Channel::default(),
        Some(channel) => Channel {
            enabled: channel.bool_at("disable") != Some(true),
            labels: texts(channel.get("labels")),
            annotations: texts(channel.get("annotations")),
        },
    };
    let (page, ticket) = (channel(["page_alert", "pageAlert"]), channel(["ticket_alert", "ticketAlert"]));
    let no_data = if ticket.enabled { Severity::Ticket } else { Severity::Page };
    Alerting {
        name: node.str_at("name").unwrap_or_default().to_owned(),
        labels: texts(node.get("labels")),
        annotations: texts(node.get("annotations")),
        page,
        ticket,
        no_data: Some(no_data),
    }
}
