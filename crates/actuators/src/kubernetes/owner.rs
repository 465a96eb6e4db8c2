//! Who else writes an object: GitOps controllers, which would undo what is changed from outside.

use gonogo_domain::rollout::Owner;
use kube::api::DynamicObject;

/// A mark that a tool leaves on the objects that it keeps as they are in git.
struct Mark {
    tool: &'static str,
    key: &'static str,
    /// What the value names.
    object: &'static str,
}

const MARKS: &[Mark] = &[
    Mark { tool: "Argo CD", key: "argocd.argoproj.io/tracking-id", object: "application" },
    Mark { tool: "Argo CD", key: "argocd.argoproj.io/instance", object: "application" },
    Mark { tool: "Flux", key: "kustomize.toolkit.fluxcd.io/name", object: "kustomization" },
    Mark { tool: "Flux", key: "helm.toolkit.fluxcd.io/name", object: "helmrelease" },
];

/// Names under which such tools write.
const MANAGERS: &[(&str, &str)] = &[
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("fleetagent", "Fleet"),
    ("configsync", "Config Sync"),
];

/// Annotations by which an object is left alone by its tool.
const LEFT_ALONE: &[(&str, &str)] =
    &[("kustomize.toolkit.fluxcd.io/reconcile", "disabled"), ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent")];

/// The GitOps tool that keeps this object, if one does.
pub(super) fn of(object: &DynamicObject) -> Option<Owner> {
    let metadata = &object.metadata;
    let value = |key: &str| {
        let of = |map: Option<&std::collections::BTreeMap<String, String>>| map?.get(key).cloned();
        of(metadata.annotations.as_ref()).or_else(|| of(metadata.labels.as_ref()))
    };
    let left_alone = LEFT_ALONE.iter().any(|(key, wanted)| value(key).is_some_and(|found| found.contains(wanted)));
    for mark in MARKS {
        if let Some(found) = value(mark.key) {
            // A tracking id names the object too: application:group/Kind:namespace/name.
            let name = found.split(':').next().unwrap_or_default();
            let reverts = left_alone.then_some(false);
            return Some(Owner { tool: mark.tool.to_owned(), object: format!("{}/{name}", mark.object), reverts });
        }
    }
    let managers = metadata.managed_fields.iter().flatten();
    let found = managers.into_iter().find_map(|entry| {
        let manager = entry.manager.as_deref()?;
        MANAGERS.iter().find(|(name, _)| *name == manager).map(|(name, tool)| (*name, *tool))
    });
    let (manager, tool) = found?;
    let reverts = left_alone.then_some(false);
    Some(Owner { tool: tool.to_owned(), object: format!("field manager {manager}"), reverts })
}

/// What a person should know of it.
pub(super) fn notice(owner: &Owner, workload: &str) -> String {
    format!(
        "{tool} ({object}) keeps deployment/{workload} as it is in git and may undo what this rollout changes: suspend it, or \
         let it ignore the fields spec.replicas and spec.template for as long as the rollout lasts",
        tool = owner.tool,
        object = owner.object
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(metadata: &Value, expect: Option<(&str, &str)>) {
        let object =
            serde_json::from_value(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata }));
        let found = of(&object.unwrap());
        assert_eq!(found.as_ref().map(|owner| (owner.tool.as_str(), owner.object.as_str())), expect);
    }

    #[test]
    fn a_tool_is_known_by_its_marks_and_by_the_name_it_writes_under() {
        let argo = json!({ "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web" });
        check(&json!({ "annotations": argo }), Some(("Argo CD", "application/shop")));
        check(&json!({ "labels": { "argocd.argoproj.io/instance": "shop" } }), Some(("Argo CD", "application/shop")));
        check(
            &json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } }),
            Some(("Flux", "kustomization/apps")),
        );
        check(&json!({ "labels": { "helm.toolkit.fluxcd.io/name": "web" } }), Some(("Flux", "helmrelease/web")));
        let manager = |name: &str| json!({ "managedFields": [{ "manager": name, "operation": "Apply" }] });
        check(&manager("argocd-controller"), Some(("Argo CD", "field manager argocd-controller")));
        check(&manager("kubectl-client-side-apply"), None);
        // Helm and many charts write this one without any controller behind it.
        check(&json!({ "labels": { "app.kubernetes.io/instance": "web" } }), None);
    }
}
