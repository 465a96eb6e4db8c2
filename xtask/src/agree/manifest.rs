//! A manifest of another tool, made into what an API server would take.

use std::sync::Arc;

use gonogo_domain::{Entry, Finding, Node, Place, Scalar, Value};
use gonogo_formats::yaml;

/// Where the manifest lies in the repository that is reviewed.
pub(super) const PATH: &str = "deploy/manifests.yaml";
/// Stands for the service's own program.
const IMAGE: &str = "registry.example.com/shop/api";
const WORKLOADS: &[&str] = &[
    "Deployment",
    "DeploymentConfig",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "Job",
    "CronJob",
];

/// What is reviewed, and which lines of it are in question.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) text: String,
    /// Counted from 1; none: all of them.
    lines: Option<(usize, usize)>,
}

impl Manifest {
    pub(super) fn whole(text: &str, replicas: Option<u32>) -> Self {
        Self::written(&documents(text), None, replicas)
    }

    /// One for each document of these kinds (none: every workload), with its number among all, counted from 1.
    ///
    /// Other workloads than the one in question are taken out, as the files use one name many times; an object that
    /// refers to workloads is asked with all of them, and without the others of its kind.
    pub(super) fn each(text: &str, kinds: &[String], replicas: Option<u32>) -> Vec<(usize, Self)> {
        let documents = documents(text);
        let asked = |one: &Node| match kinds {
            [] => is_workload(one),
            kinds => kinds.iter().any(|wanted| wanted == kind(one)),
        };
        let mut manifests = Vec::new();
        for (index, subject) in documents.iter().enumerate().filter(|(_, one)| asked(one)) {
            let beside = |other: &Node| {
                if is_workload(subject) { !is_workload(other) } else { kind(other) != kind(subject) }
            };
            let kept: Vec<Node> = documents
                .iter()
                .enumerate()
                .filter(|(at, other)| *at == index || beside(other))
                .map(|(_, one)| one.clone())
                .collect();
            let at = documents.iter().take(index).filter(|other| beside(other)).count();
            manifests.push((index + 1, Self::written(&kept, Some(at), replicas)));
        }
        manifests
    }

    /// `subject` is the index of the document in question.
    fn written(documents: &[Node], subject: Option<usize>, replicas: Option<u32>) -> Self {
        let mut documents = documents.to_vec();
        if !documents.iter().any(is_workload) {
            for budget in documents.iter_mut().filter(|one| kind(one) == "PodDisruptionBudget") {
                ensure(budget, &["spec", "selector", "matchLabels", "app"], text_node("api"));
            }
            let missing: Vec<Node> = documents.iter().filter_map(referred).collect();
            documents.extend(missing);
        }
        let mut text = String::new();
        let mut lines = None;
        for (index, document) in documents.iter_mut().enumerate() {
            if is_workload(document) {
                complete(document);
                if let Some(number) = replicas {
                    ensure(document, &["spec", "replicas"], number_node(&number.to_string()));
                }
            }
            let first = text.lines().count() + 1;
            text.push_str("---\n");
            text.push_str(&yaml::to_string(document));
            if !text.ends_with('\n') {
                text.push('\n');
            }
            if subject == Some(index) {
                lines = Some((first, text.lines().count()));
            }
        }
        Self { text, lines }
    }

    /// The finding is about what is in question.
    pub(super) fn concerns(&self, finding: &Finding) -> bool {
        let inside = |line: Option<u32>| match (self.lines, line) {
            (Some((first, last)), Some(line)) => (first..=last).contains(&(line as usize)),
            _ => true,
        };
        inside(finding.place.line()) || finding.related.iter().any(|(place, _)| inside(place.line()))
    }
}

fn documents(text: &str) -> Vec<Node> {
    yaml::parse(&Arc::from(PATH), text).documents.into_iter().map(|document| document.node).collect()
}

fn kind(document: &Node) -> &str {
    document.str_at("kind").unwrap_or_default()
}

fn is_workload(document: &Node) -> bool {
    WORKLOADS.contains(&kind(document))
}

/// The Deployment that an autoscaler or a budget refers to where the manifest leaves it out.
fn referred(document: &Node) -> Option<Node> {
    let (name, labels) = match kind(document) {
        "HorizontalPodAutoscaler" | "ScaledObject" => {
            (document.str_at("spec.scaleTargetRef.name")?, Node::new(place(), Value::Mapping(Vec::new())))
        }
        "PodDisruptionBudget" => ("api", document.at("spec.selector.matchLabels")?.clone()),
        _ => return None,
    };
    let mut metadata = vec![entry("name", text_node(name))];
    metadata.extend(document.at("metadata.namespace").map(|namespace| entry("namespace", namespace.clone())));
    Some(mapping(vec![
        entry("apiVersion", text_node("apps/v1")),
        entry("kind", text_node("Deployment")),
        entry("metadata", mapping(metadata)),
        entry(
            "spec",
            mapping(vec![entry("template", mapping(vec![entry("metadata", mapping(vec![entry("labels", labels)]))]))]),
        ),
    ]))
}

/// Gives a workload the name, the container and the image that an API server asks for. An image keeps its tag and gets
/// the name of a program of our own: `nginx` and `busybox` stand for one in most manifests.
fn complete(document: &mut Node) {
    ensure(document, &["metadata", "name"], text_node("api"));
    let path: &[&str] = match kind(document) {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    };
    let container = mapping(vec![entry("name", text_node("api"))]);
    // The pods of a workload carry what it selects.
    let selector = document.at("spec.selector.matchLabels").or_else(|| document.at("spec.selector")).cloned();
    if let Some(labels) = selector.filter(|one| one.get("matchExpressions").is_none()) {
        ensure(document, &["spec", "template", "metadata", "labels"], labels);
    }
    let pod = ensure(document, path, mapping(Vec::new()));
    if pod.list("containers").is_empty() {
        set(pod, "containers", Node::new(place(), Value::Sequence(vec![container])));
    }
    for list in ["containers", "initContainers"] {
        let Some(Value::Sequence(items)) = pod.get_mut(list).map(|node| &mut node.value) else { continue };
        for (index, item) in items.iter_mut().enumerate() {
            let image = match item.str_at("image") {
                Some(image) => {
                    let name = image.rsplit('/').next().unwrap_or_default();
                    let version = name.find([':', '@']).and_then(|at| name.get(at..)).unwrap_or_default();
                    format!("{IMAGE}{version}")
                }
                None => format!("{IMAGE}:1.0.0"),
            };
            set(item, "image", text_node(&image));
            ensure(item, &["name"], text_node(&format!("container-{index}")));
        }
    }
}

fn place() -> Place {
    Place::whole(PATH)
}

fn text_node(text: &str) -> Node {
    Node::text(place(), text)
}

fn number_node(text: &str) -> Node {
    Node::new(place(), Value::Scalar(Scalar { text: text.to_owned(), plain: true }))
}

fn mapping(entries: Vec<Entry>) -> Node {
    Node::new(place(), Value::Mapping(entries))
}

fn entry(key: &str, node: Node) -> Entry {
    Entry { key: key.to_owned(), key_place: place(), node }
}

fn set(node: &mut Node, key: &str, value: Node) {
    if let Some(there) = node.get_mut(key) {
        *there = value;
        return;
    }
    if !matches!(node.value, Value::Mapping(_)) {
        node.value = Value::Mapping(Vec::new());
    }
    if let Value::Mapping(entries) = &mut node.value {
        entries.push(entry(key, value));
    }
}

/// The node at a path, put there if it is missing or null.
fn ensure<'n>(node: &'n mut Node, path: &[&str], value: Node) -> &'n mut Node {
    let Some((key, rest)) = path.split_first() else { return node };
    if node.get(key).is_none_or(Node::is_null) {
        set(node, key, if rest.is_empty() { value.clone() } else { mapping(Vec::new()) });
    }
    match node.get(key) {
        Some(_) => ensure(node.get_mut(key).expect("it was just put there"), rest, value),
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kinds: &[&str], expect: &[(usize, &str)]) {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let each = Manifest::each(text, &kinds, None);
        let found: Vec<(usize, &str)> = each.iter().map(|(number, one)| (*number, one.text.as_str())).collect();
        assert_eq!(found, expect);
    }

    const POD: &str =
        "kind: Pod\nmetadata:\n  name: one\nspec:\n  containers:\n  - name: api\n    image: some/nginx:1.2\n";

    #[test]
    fn every_workload_is_asked_without_the_others_and_with_the_objects_around_it() {
        let two = format!("{POD}---\nkind: Service\n---\n# nothing\n---\n{}", POD.replace("one", "two"));
        let own = POD.replace("some/nginx", IMAGE);
        check(
            &two,
            &[],
            &[
                (1, &format!("---\n{own}---\nkind: Service\n")),
                (3, &format!("---\nkind: Service\n---\n{}", own.replace("one", "two"))),
            ],
        );
        check(&two, &["Service"], &[(2, &format!("---\n{own}---\nkind: Service\n---\n{}", own.replace("one", "two")))]);
    }

    #[test]
    fn an_object_that_refers_to_a_workload_is_asked_with_one() {
        check(
            "kind: HorizontalPodAutoscaler\nspec:\n  scaleTargetRef:\n    name: web\n",
            &["HorizontalPodAutoscaler"],
            &[(
                1,
                "---\nkind: HorizontalPodAutoscaler\nspec:\n  scaleTargetRef:\n    name: web\n---\napiVersion: apps/v1\n\
                 kind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    metadata:\n      \
                 labels: {}\n    spec:\n      containers:\n      - name: api\n        image: \
                 registry.example.com/shop/api:1.0.0\n",
            )],
        );
    }
}
