//! Everything that says what runs: Kubernetes, compose and platform files, joined.

use std::collections::BTreeSet;

use gonogo_domain::evidence::{Workload, WorkloadKind};

use crate::{
    Corpus, compose, image_name,
    kubernetes::{self, Cluster, Declaration},
};

/// All workloads of a repository with their declarations, and the objects of the Kubernetes API.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Cluster {
    let mut cluster = kubernetes::gather(corpus);
    let mut compose = compose::gather(corpus);
    demote(&mut compose.workloads.items, &mut compose.declarations, &cluster);

    cluster.workloads.items.extend(compose.workloads.items);
    cluster.workloads.gaps.extend(compose.workloads.gaps);
    cluster.workloads.files += compose.workloads.files;
    cluster.declarations.extend(compose.declarations);
    cluster.workloads.items.sort_by(|one, other| {
        (&one.place, &one.key, &one.environment).cmp(&(&other.place, &other.key, &other.environment))
    });
    cluster.declarations.sort_by(|one, other| {
        (&one.place, &one.key, &one.environment, &one.container).cmp(&(
            &other.place,
            &other.key,
            &other.environment,
            &other.container,
        ))
    });
    cluster.workloads.gaps.sort();
    cluster
}

/// A compose file that starts what runs on Kubernetes is for somebody's own machine, with everything else that it starts.
fn demote(workloads: &mut [Workload], declarations: &mut [Declaration], cluster: &Cluster) {
    let deployed = cluster.workloads.items.iter().filter(|workload| workload.production);
    let mut names = BTreeSet::new();
    for workload in deployed {
        names.insert(workload.name.clone());
        names.extend(workload.main_containers().filter_map(|container| {
            let image = &container.image.as_ref()?.value;
            (!image.templated).then(|| image_name::base_name(&image.repository).to_owned())
        }));
    }
    let local: BTreeSet<String> = workloads
        .iter()
        .filter(|workload| runs_elsewhere(workload, &names))
        .map(|workload| workload.place.path().to_owned())
        .collect();
    for workload in workloads.iter_mut().filter(|workload| local.contains(workload.place.path())) {
        workload.production = false;
    }
    for declaration in declarations.iter_mut().filter(|declaration| local.contains(declaration.place.path())) {
        declaration.production = false;
    }
}

fn runs_elsewhere(workload: &Workload, names: &BTreeSet<String>) -> bool {
    debug_assert_eq!(workload.kind, WorkloadKind::ComposeService);
    names.contains(&workload.name)
        || workload.containers.iter().filter_map(|container| container.image.as_ref()).any(|image| {
            let name = image_name::base_name(&image.value.repository);
            // Databases and the like are shared by services that have nothing to do with each other.
            workload.body.get("build").is_some() && names.contains(name)
        })
}
