//! What stands in a file of all services and is one neighbour's: the variables of its workload, a rule that names it.

use gonogo_domain::{
    Node, Place,
    evidence::{AlertRule, Workload},
};

use crate::discovery::{Unit, normal, products};

/// The line declares workloads of other units alone: one of their variables in a file of them all.
pub(super) fn of_anothers_workload(place: &Place, unit: &Unit, units: &[Unit], workloads: &[Workload]) -> bool {
    let here = workloads.iter().enumerate().filter(|(_, one)| one.place.path() == place.path());
    let holders: Vec<usize> = here.filter(|(_, one)| holds(&one.body, place)).map(|(at, _)| at).collect();
    let of = |unit: &Unit| holders.iter().any(|at| unit.workloads.contains(at));
    !of(unit) && units.iter().any(of)
}

fn holds(node: &Node, place: &Place) -> bool {
    let same = |other: &Place| other.line() == place.line() && other.path() == place.path();
    place.line().is_some()
        && (same(&node.place)
            || node.items().iter().any(|item| holds(item, place))
            || node.entries().iter().any(|entry| same(&entry.key_place) || holds(&entry.node, place)))
}

/// Labels by which a series says whose it is.
const LABELS: &[&str] = &[
    "service",
    "service_name",
    "exported_service",
    "job",
    "exported_job",
    "app",
    "app_kubernetes_io_name",
    "container",
    "deployment",
];

/// The rule says whose it is, and means a neighbour: it selects series of other units alone, or of a product that only
/// observes.
pub(super) fn rule_of_another(rule: &AlertRule, unit: &Unit, units: &[Unit]) -> bool {
    let query = rule.query.as_ref().ok();
    let matchers = query.into_iter().flat_map(|query| &query.matchers);
    let selected = matchers
        .filter(|(_, label, operator, _)| LABELS.contains(&label.as_str()) && matches!(operator.as_str(), "=" | "=~"))
        .map(|(_, _, _, value)| value.as_str());
    let labelled = ["service", "app"].iter().filter_map(|label| rule.labels.get(*label)).map(|one| one.value.as_str());
    let names: Vec<String> = selected
        .chain(labelled)
        .flat_map(|value| value.split('|'))
        .map(|value| {
            normal(value.rsplit('/').next().unwrap_or(value).trim_matches(['(', ')', '^', '$', '.', '*', '+']))
        })
        .collect();
    let means = |unit: &Unit| names.contains(&normal(&unit.service.name));
    if units.iter().any(means) {
        return !means(unit);
    }
    let metrics = query.map(|query| query.metrics.as_slice()).unwrap_or_default();
    !metrics.is_empty()
        && metrics.iter().all(|metric| {
            products::measured(metric)
                .is_some_and(|product| !units.iter().any(|unit| normal(&unit.service.name).contains(&normal(product))))
        })
}
