//! Kubernetes: from manifests, kustomizations and charts to workloads and objects, one for each logical thing and environment.

use gonogo_domain::{
    Gathered,
    evidence::{Object, Workload},
};

use crate::Corpus;

/// What the manifests of a repository declare.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub workloads: Gathered<Workload>,
    pub objects: Gathered<Object>,
}

pub(crate) fn gather(_corpus: &Corpus<'_>) -> Cluster {
    Cluster::default()
}
