//! PodDisruptionBudgets: what a rollout leaves available on its own account, because Kubernetes asks them only for evictions.

use gonogo_domain::rollout::{
    Trouble,
    replicas::{Amount, Bounds},
};
use serde_json::Value;

use super::{
    cluster::Cluster,
    kinds::{BUDGET, BUDGET_BETA},
    selector::{self, Labels},
    workload::amount,
};

/// What the budgets of a workload ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Floors {
    /// Of stable and canary together.
    pub(super) all: u32,
    /// Of stable alone, where a budget counts only its pods.
    pub(super) stable: u32,
}

/// What stands in one budget, for so many replicas: how many must stay available.
fn floor(spec: &Value, replicas: u32) -> u32 {
    let resolved = |value: &Value| match amount(value) {
        // Both are rounded up by Kubernetes: the eviction API is kept from taking one too many, or allowed one more.
        Some(Amount::Part(percent)) => Some(Bounds::resolve(replicas, Amount::Part(percent), Amount::Count(0)).surge),
        Some(Amount::Count(count)) => Some(count),
        None => None,
    };
    if let Some(least) = spec.get("minAvailable").and_then(&resolved) {
        return least;
    }
    spec.get("maxUnavailable").and_then(&resolved).map_or(0, |most| replicas.saturating_sub(most))
}

/// Whether it counts its pods in a fixed number, so that fewer replicas mean less freedom and not fewer pods to keep.
fn is_fixed(spec: &Value) -> bool {
    spec.get("minAvailable").and_then(amount).is_some_and(|least| matches!(least, Amount::Count(_)))
}

fn floors(budgets: &[Value], stable: &Labels, canary: &Labels, replicas: u32) -> Floors {
    let mut floors = Floors::default();
    for spec in budgets {
        let selector = spec.get("selector").unwrap_or(&Value::Null);
        match (selector::matches(selector, stable), selector::matches(selector, canary)) {
            (true, true) => floors.all = floors.all.max(floor(spec, replicas)),
            // A part of stable's own replicas shrinks with them; a number does not.
            (true, false) if is_fixed(spec) => floors.stable = floors.stable.max(floor(spec, replicas)),
            _ => {}
        }
    }
    floors
}

/// Reads the budgets that count these pods.
pub(super) async fn read(
    cluster: &Cluster,
    stable: &Labels,
    canary: &Labels,
    replicas: u32,
) -> Result<Floors, Trouble> {
    let mut found = cluster.list(&BUDGET).await?;
    if found.is_empty() {
        found = cluster.list(&BUDGET_BETA).await?;
    }
    let specs: Vec<Value> = found.into_iter().filter_map(|budget| budget.data.get("spec").cloned()).collect();
    Ok(floors(&specs, stable, canary, replicas))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(spec: &Value, expect: (u32, u32)) {
        let labels = |track: &str| {
            [("app", "web"), ("track", track)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        };
        let found = floors(std::slice::from_ref(spec), &labels("stable"), &labels("canary"), 10);
        assert_eq!((found.all, found.stable), expect, "{spec}");
    }

    #[test]
    fn a_budget_counts_both_or_stable_alone() {
        let both = json!({ "matchLabels": { "app": "web" } });
        let stable = json!({ "matchLabels": { "app": "web", "track": "stable" } });
        check(&json!({ "selector": both, "minAvailable": 9 }), (9, 0));
        check(&json!({ "selector": both, "minAvailable": "85%" }), (9, 0));
        check(&json!({ "selector": both, "maxUnavailable": 1 }), (9, 0));
        check(&json!({ "selector": both, "maxUnavailable": "15%" }), (8, 0));
        check(&json!({ "selector": stable, "minAvailable": 6 }), (0, 6));
        check(&json!({ "selector": stable, "minAvailable": "60%" }), (0, 0));
        check(&json!({ "selector": { "matchLabels": { "app": "other" } }, "minAvailable": 9 }), (0, 0));
    }
}
