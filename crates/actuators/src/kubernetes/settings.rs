//! What a rollout file says of the cluster.

use std::path::PathBuf;

/// How traffic is moved, and by which objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A second Deployment behind the same Service: the share is that of the replicas.
    Replicas { service: String },
    /// Weights of an `HTTPRoute` of the Gateway API, between the Service and one that is made for the canary.
    Routes { service: String, route: String },
    /// The Deployment's own rolling update, held by its surge; for who has nothing else.
    Rolling {
        /// How many replicas more than are asked for may run while it is held. Without it: the Deployment's `maxSurge`.
        surge: Option<u32>,
    },
    /// A `Rollout` of Argo Rollouts, through what its own commands write. `workload` names the Rollout.
    ArgoRollouts,
    /// A `Canary` of Flagger, through the fields that Flagger obeys. `workload` names the Canary.
    Flagger,
}

/// Where to connect, and what to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Without it: `KUBECONFIG`, else the usual file, else the account of the pod that this runs in.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Without it: that of the context.
    pub namespace: Option<String>,
    /// The Deployment that serves the traffic, or the Rollout or Canary that stands for it.
    pub workload: String,
    /// The container that a release's image is for, where there are several.
    pub container: Option<String>,
    pub strategy: Strategy,
    /// Who drives, the same after a restart on the same machine: other holders of the lease are told by it.
    pub holder: String,
}
