//! The kinds of objects that are read and written. Objects are JSON, so that a field of a newer cluster is never lost.

use kube::api::ApiResource;

/// A kind, as it stands in a manifest and in an address.
#[derive(Debug)]
pub(super) struct Kind {
    group: &'static str,
    version: &'static str,
    pub(super) name: &'static str,
    plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, name: &'static str, plural: &'static str) -> Self {
        Self { group, version, name, plural }
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As it is written behind `kubectl get`.
    pub(super) fn word(&self) -> String {
        self.name.to_lowercase()
    }

    pub(super) fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: self.api_version(),
            kind: self.name.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

pub(super) static DEPLOYMENT: Kind = Kind::new("apps", "v1", "Deployment", "deployments");
pub(super) static REPLICA_SET: Kind = Kind::new("apps", "v1", "ReplicaSet", "replicasets");
pub(super) static CONTROLLER_REVISION: Kind = Kind::new("apps", "v1", "ControllerRevision", "controllerrevisions");
pub(super) static POD: Kind = Kind::new("", "v1", "Pod", "pods");
pub(super) static SERVICE: Kind = Kind::new("", "v1", "Service", "services");
pub(super) static CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
pub(super) static SECRET: Kind = Kind::new("", "v1", "Secret", "secrets");
pub(super) static LEASE: Kind = Kind::new("coordination.k8s.io", "v1", "Lease", "leases");
/// Version 1 is served by every cluster, and has all that is needed: the bounds and the target.
pub(super) static AUTOSCALER: Kind =
    Kind::new("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
pub(super) static BUDGET: Kind = Kind::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets");
/// Clusters before 1.21 serve only this one.
pub(super) static BUDGET_BETA: Kind = Kind::new("policy", "v1beta1", "PodDisruptionBudget", "poddisruptionbudgets");
pub(super) static ROUTE: Kind = Kind::new("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes");
pub(super) static ARGO_ROLLOUT: Kind = Kind::new("argoproj.io", "v1alpha1", "Rollout", "rollouts");
pub(super) static FLAGGER_CANARY: Kind = Kind::new("flagger.app", "v1beta1", "Canary", "canaries");
