//! Everything that says what runs: Kubernetes, compose and platform files, joined.

use std::collections::BTreeSet;

use gonogo_domain::evidence::{Role, Workload};

use crate::{
    Corpus, compose, environment,
    kubernetes::{self, Cluster, Declaration},
    platforms,
};

/// All workloads of a repository with their declarations, and the objects of the Kubernetes API.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Cluster {
    let mut cluster = kubernetes::gather(corpus);
    let mut compose = compose::gather(corpus);
    demote(corpus, &mut compose.workloads.items, &mut compose.declarations, &cluster);

    let platforms = platforms::gather(corpus);
    for (workloads, declarations) in
        [(compose.workloads, compose.declarations), (platforms.workloads, platforms.declarations)]
    {
        cluster.workloads.items.extend(workloads.items);
        cluster.workloads.gaps.extend(workloads.gaps);
        cluster.workloads.files += workloads.files;
        cluster.declarations.extend(declarations);
    }
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

/// A compose file of something that runs on Kubernetes is for somebody's own machine, with everything that it starts,
/// unless it says that it is for production; one that shows how the product could be run serves nobody, unless there is
/// nothing but examples.
fn demote(corpus: &Corpus<'_>, workloads: &mut [Workload], declarations: &mut [Declaration], cluster: &Cluster) {
    let mut names = BTreeSet::new();
    let mut deployed = false;
    for workload in cluster.workloads.items.iter().filter(|workload| workload.production) {
        deployed |= workload.kind.long_running() && !demonstrates(corpus, workload);
        names.insert(workload.name.as_str());
    }
    let product = deployed || workloads.iter().any(|workload| workload.production && !demonstrates(corpus, workload));
    let local: BTreeSet<String> = workloads
        .iter()
        .filter(|workload| {
            let says_so = workload.environment.as_deref().is_some_and(environment::is_clear);
            names.contains(workload.name.as_str())
                || (deployed && !says_so)
                || (product && demonstrates(corpus, workload))
        })
        .map(|workload| workload.place.path().to_owned())
        .collect();
    for workload in workloads.iter_mut().filter(|workload| local.contains(workload.place.path())) {
        workload.production = false;
    }
    for declaration in declarations.iter_mut().filter(|declaration| local.contains(declaration.place.path())) {
        declaration.production = false;
    }
}

fn demonstrates(corpus: &Corpus<'_>, workload: &Workload) -> bool {
    let entry = corpus.tree.entry(workload.place.path());
    entry.is_some_and(|entry| matches!(entry.role, Role::Example | Role::Documentation | Role::Test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    /// The workloads that serve customers.
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let cluster = gather(&Corpus::read(&tree));
        let serving: Vec<String> = cluster
            .workloads
            .items
            .iter()
            .filter(|workload| workload.production)
            .map(|workload| format!("{} {}", workload.place, workload.key))
            .collect();
        assert_eq!(serving, expected);
        for declaration in cluster.declarations.iter().filter(|declaration| !declaration.set_aside) {
            let same = |workload: &&Workload| workload.place == declaration.place && workload.key == declaration.key;
            let workload = cluster.workloads.items.iter().find(same).unwrap();
            assert_eq!(workload.production, declaration.production, "{}", declaration.key);
        }
    }

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {containers: [{name: api, image: api}]}}}\n";
    const COMPOSE: &str = "services:\n  api: {build: .}\n  db: {image: postgres}\n";

    #[test]
    fn compose_is_the_laptops_where_there_is_a_cluster() {
        check(&[("k8s/api.yaml", DEPLOYMENT), ("compose.yaml", COMPOSE)], &["k8s/api.yaml:3 Deployment/api"]);
        check(&[("compose.yaml", COMPOSE)], &["compose.yaml:2 Compose/api", "compose.yaml:3 Compose/db"]);
        check(
            &[("k8s/dev/api.yaml", DEPLOYMENT), ("compose.yaml", COMPOSE)],
            &["compose.yaml:2 Compose/api", "compose.yaml:3 Compose/db"],
        );
        check(
            &[("k8s/api.yaml", DEPLOYMENT), ("compose.prod.yaml", "services:\n  web: {build: .}\n")],
            &["compose.prod.yaml:2 Compose/web", "k8s/api.yaml:3 Deployment/api"],
        );
    }

    #[test]
    fn examples_serve_customers_only_where_there_is_nothing_else() {
        check(
            &[("examples/compose.yaml", COMPOSE)],
            &["examples/compose.yaml:2 Compose/api", "examples/compose.yaml:3 Compose/db"],
        );
        check(
            &[("compose.yaml", "services:\n  web: {build: .}\n"), ("examples/compose.yaml", COMPOSE)],
            &["compose.yaml:2 Compose/web"],
        );
    }
}
