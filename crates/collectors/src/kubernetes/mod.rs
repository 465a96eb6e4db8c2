//! Kubernetes: from manifests, kustomizations and charts to workloads and objects, one for each logical thing and environment.

mod charts;
mod documents;
mod kustomizations;
mod logical;
mod lower;
mod manifests;
mod names;
mod source;

use std::collections::BTreeSet;

use gonogo_domain::{
    Gathered, Place,
    evidence::{Object, Workload, WorkloadKind},
};

pub(crate) use self::source::Origin;
use crate::Corpus;

/// What the manifests of a repository declare.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// One for each logical workload and environment, in the order of their places.
    pub workloads: Gathered<Workload>,
    pub objects: Gathered<Object>,
    /// Every place where a workload is declared, also those that are not judged, in the order of their places.
    pub declarations: Vec<Declaration>,
}

/// One container of a workload, as one source declares it: what leads from a workload to the program that it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declaration {
    /// The key of the logical workload: `Deployment/frontend`.
    pub key: String,
    /// The name of the workload, without what an overlay puts around it.
    pub name: String,
    pub kind: WorkloadKind,
    pub place: Place,
    pub environment: Option<String>,
    pub production: bool,
    pub origin: Origin,
    /// The name of the container.
    pub container: String,
    /// The image as it is written, with tag and digest.
    pub image: Option<String>,
    /// The folder that the image is built from, relative to the root, where the source says so.
    pub build_context: Option<String>,
    /// The container file that it is built with, relative to the root, where the source says so.
    pub container_file: Option<String>,
    /// It is not among the workloads: another source of the same logical workload was preferred.
    pub set_aside: bool,
}

/// Workloads and objects of the Kubernetes API.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Cluster {
    let mut unread = Vec::new();
    let mut used = BTreeSet::new();
    let mut renderings = Vec::new();
    charts::read(corpus, &mut used, &mut renderings, &mut unread);
    kustomizations::read(corpus, &mut used, &mut renderings, &mut unread);
    let files = manifests::read(corpus, &used, &mut renderings, &mut unread);
    logical::join(corpus, renderings, files, unread)
}

#[cfg(test)]
mod tests;
