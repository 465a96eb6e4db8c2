//! Which documents of a file are objects of the Kubernetes API.

use gonogo_domain::Node;

/// Lists inside lists; the API has none at all.
const MAX_LISTS: usize = 4;

/// The objects of a document: itself, or the items of a list. None if it is something else, such as a kustomization,
/// which has `apiVersion` and `kind` but never reaches a cluster.
pub(super) fn objects<'n>(document: &'n Node, visit: &mut impl FnMut(&'n Node)) {
    unwrap_lists(document, 0, visit);
}

pub(super) fn is_object(node: &Node) -> bool {
    let (Some(version), Some(kind)) = (node.str_at("apiVersion"), node.str_at("kind")) else { return false };
    !kind.is_empty() && !NOT_OF_A_CLUSTER.iter().any(|group| version.starts_with(group))
}

/// Tools that borrowed the shape of an object for their own configuration files.
const NOT_OF_A_CLUSTER: &[&str] = &[
    "kustomize.config.k8s.io/",
    "skaffold/",
    "kind.x-k8s.io/",
    "k3d.io/",
    "ctlptl.dev/",
    "minikube.sigs.k8s.io/",
    "kubeadm.k8s.io/",
    "eksctl.io/",
    "kops.k8s.io/",
    "ct.helm.sh/",
    "jsonnet.io/",
    "tanka.dev/",
    "krew.googlecontainertools.github.com/",
    "audit.k8s.io/",
    "apiserver.config.k8s.io/",
    "kubelet.config.k8s.io/",
    "config.kubernetes.io/",
];

fn unwrap_lists<'n>(node: &'n Node, depth: usize, visit: &mut impl FnMut(&'n Node)) {
    if !is_object(node) {
        return;
    }
    let list = node.str_at("kind").is_some_and(|kind| kind.ends_with("List"))
        && node.get("items").is_some_and(|items| !items.items().is_empty() || items.is_null())
        && node.get("spec").is_none();
    if !list {
        visit(node);
    } else if depth < MAX_LISTS {
        node.list("items").iter().for_each(|item| unwrap_lists(item, depth + 1, visit));
    }
}
