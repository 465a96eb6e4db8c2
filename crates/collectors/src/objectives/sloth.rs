//! Sloth: its own files, and the spec of a `PrometheusServiceLevel`, which says the same in other spelling.

use gonogo_domain::{
    Node,
    evidence::{Located, Objective, ObjectiveFormat},
};

use super::{budget_policy, figures, indicator::indicator};

/// Sloth takes the window as an option of its command line, and this without one.
const WINDOW: u64 = 30 * 24 * 3600;

pub(super) fn read(spec: &Node, items: &mut Vec<Objective>) {
    for slo in spec.list("slos") {
        let name = slo.str_at("name").unwrap_or_default();
        let queries = queries(slo);
        let plugin = slo.str_at("sli.plugin.id").unwrap_or_default();
        items.push(Objective {
            name: name.to_owned(),
            service: spec.str_at("service").map(str::to_owned),
            place: slo.place.clone(),
            format: ObjectiveFormat::Sloth,
            indicator: indicator(&[name, plugin], &queries),
            target: slo.get("objective").and_then(figures::percent),
            window_seconds: Some(Located::new(WINDOW, &slo.place)),
            queries,
            alerting: slo.get("alerting").filter(|alerting| alerts(alerting)).map(|alerting| alerting.place.clone()),
            budget_policy: budget_policy(slo),
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
