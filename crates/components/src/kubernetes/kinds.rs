//! Where the API server serves each kind that tests speak of.

use kube::core::{ApiResource, GroupVersionKind};

/// A kind by its name; one that is not listed is of the core.
pub fn known(kind: &str) -> ApiResource {
    match kind {
        "Deployment" => resource("apps", "v1", kind, "deployments"),
        "ReplicaSet" => resource("apps", "v1", kind, "replicasets"),
        "HorizontalPodAutoscaler" => resource("autoscaling", "v1", kind, "horizontalpodautoscalers"),
        "PodDisruptionBudget" => resource("policy", "v1beta1", kind, "poddisruptionbudgets"),
        "HTTPRoute" => resource("gateway.networking.k8s.io", "v1", kind, "httproutes"),
        "Rollout" => resource("argoproj.io", "v1alpha1", kind, "rollouts"),
        "Canary" => resource("flagger.app", "v1beta1", kind, "canaries"),
        "Lease" => resource("coordination.k8s.io", "v1", kind, "leases"),
        "CustomResourceDefinition" => resource("apiextensions.k8s.io", "v1", kind, "customresourcedefinitions"),
        _ => resource("", "v1", kind, &format!("{}s", kind.to_lowercase())),
    }
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
