//! What keeps the replicas of a workload apart.

use gonogo_domain::{
    Node,
    evidence::{Spread, SpreadMechanism},
};

pub(super) fn read(spec: &Node) -> Vec<Spread> {
    let required = spec.list("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution");
    let preferred = spec.list("affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution");
    let constraints = spec.list("topologySpreadConstraints");

    let required = required.iter().map(|term| anti_affinity(term, term, true));
    let preferred = preferred
        .iter()
        .map(|weighted| anti_affinity(weighted, weighted.get("podAffinityTerm").unwrap_or(weighted), false));
    let constraints = constraints.iter().map(|constraint| Spread {
        place: constraint.place.clone(),
        mechanism: SpreadMechanism::TopologySpread,
        topology: constraint.str_at("topologyKey").map(str::to_owned),
        hard: constraint.str_at("whenUnsatisfiable") != Some("ScheduleAnyway"),
    });
    required.chain(preferred).chain(constraints).collect()
}

fn anti_affinity(item: &Node, term: &Node, hard: bool) -> Spread {
    Spread {
        place: item.place.clone(),
        mechanism: SpreadMechanism::AntiAffinity,
        topology: term.str_at("topologyKey").map(str::to_owned),
        hard,
    }
}
