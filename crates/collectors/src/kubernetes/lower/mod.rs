//! From an object of the Kubernetes API to a workload, every field with the place where it is written.

mod container;
mod pod;
mod read;
mod sidecars;
mod spread;
mod volume;

use std::sync::Arc;

use gonogo_domain::{
    Entry, Node, Place, Value,
    evidence::{Container, Object, Workload, WorkloadKind},
};

use self::read::{annotations, number_at, strings};

/// How an object is a workload, and where in it the pod is.
pub(super) struct Shape<'n> {
    pub(super) kind: WorkloadKind,
    /// Holds `metadata` and `spec` of the pod; none for a rollout that points to another workload's.
    pub(super) template: Option<&'n Node>,
}

/// How an object is a workload; none for every other object.
pub(super) fn shape(object: &Node) -> Option<Shape<'_>> {
    let version = object.str_at("apiVersion")?;
    let kind = object.str_at("kind")?;
    let template = |path: &str| object.at(path).filter(|template| template.at("spec.containers").is_some());
    let pod = template("spec.template");
    let (kind, template) = match (version, kind) {
        (_, "Deployment" | "DeploymentConfig" | "CloneSet") => (WorkloadKind::Deployment, pod),
        (_, "StatefulSet") => (WorkloadKind::StatefulSet, pod),
        (_, "DaemonSet") => (WorkloadKind::DaemonSet, pod),
        (_, "ReplicaSet" | "ReplicationController") => (WorkloadKind::ReplicaSet, pod),
        ("v1", "Pod") => (WorkloadKind::Pod, Some(object).filter(|pod| pod.at("spec.containers").is_some())),
        (_, "CronJob") => (WorkloadKind::CronJob, template("spec.jobTemplate.spec.template")),
        (_, "ScaledJob") => (WorkloadKind::Job, template("spec.jobTargetRef.template")),
        (_, "Rollout") if version.starts_with("argoproj.io/") => {
            if pod.is_none() && object.at("spec.workloadRef").is_some() {
                return Some(Shape { kind: WorkloadKind::Rollout, template: None });
            }
            (WorkloadKind::Rollout, pod)
        }
        (_, "Service") if version.starts_with("serving.knative.dev/") => (WorkloadKind::KnativeService, pod),
        // A template that only other objects use runs nothing by itself.
        (_, "PodTemplate" | "Configuration" | "Revision") => return None,
        (_, kind) if kind.ends_with("Job") => (WorkloadKind::Job, pod),
        // Any other kind that wraps a pod template the way the built-in controllers do.
        _ => (WorkloadKind::Deployment, pod),
    };
    Some(Shape { kind, template: Some(template?) })
}

/// What the object is called; the prefix of a generated name counts too.
pub(super) fn name_of(object: &Node) -> &str {
    object.str_at("metadata.name").or_else(|| object.str_at("metadata.generateName")).unwrap_or_default()
}

/// The line of its name; of its kind or version, where a template takes those before it from another file.
pub(super) fn place_of(object: &Node) -> &Place {
    ["metadata.name", "kind", "apiVersion"]
        .iter()
        .filter_map(|path| object.at(path))
        .map(|node| &node.place)
        .find(|place| place.path() == object.place.path())
        .unwrap_or(&object.place)
}

/// A workload as its object declares it. `template` holds the pod: the object's own, or the one that a rollout refers to.
pub(super) fn workload(object: &Node, kind: WorkloadKind, template: &Node) -> Workload {
    let name = name_of(object).to_owned();
    let pod = pod::read(template);
    let claims = object.list("spec.volumeClaimTemplates").iter().map(|claim| place_of(claim).clone());
    let mounted = pod.claims;
    let replicas = match kind {
        WorkloadKind::DaemonSet | WorkloadKind::Pod | WorkloadKind::Job | WorkloadKind::CronJob => None,
        _ => number_at(object, "spec.replicas"),
    };
    Workload {
        key: format!("{}/{name}", kind.name()),
        name,
        namespace: object.str_at("metadata.namespace").map(str::to_owned),
        environment: None,
        production: true,
        place: place_of(object).clone(),
        labels: strings(object.at("metadata.labels")),
        pod_labels: strings(template.at("metadata.labels")),
        annotations: annotations(object.at("metadata.annotations")),
        pod_annotations: annotations(template.at("metadata.annotations")),
        replicas,
        containers: pod.containers,
        init_containers: pod.init_containers,
        grace_seconds: pod.grace_seconds,
        spread: pod.spread,
        security: pod.security,
        volumes: pod.volumes,
        keeps_data: claims.chain(mounted).collect(),
        body: Arc::new(object.clone()),
        kind,
    }
}

/// The containers of a pod that are not init containers.
pub(super) fn containers(template: &Node) -> Vec<Container> {
    pod::read(template).containers
}

/// An object that is no workload.
pub(super) fn object(node: &Node) -> Object {
    Object {
        api_version: node.str_at("apiVersion").unwrap_or_default().to_owned(),
        kind: node.str_at("kind").unwrap_or_default().to_owned(),
        name: name_of(node).to_owned(),
        namespace: node.str_at("metadata.namespace").map(str::to_owned),
        labels: strings(node.at("metadata.labels")),
        environment: None,
        production: true,
        place: place_of(node).clone(),
        body: Arc::new(match node.str_at("kind") {
            Some("CustomResourceDefinition") => without_schemas(node),
            _ => node.clone(),
        }),
    }
}

/// The schema of a custom kind says nothing about the service, and is longer than everything else in most repositories.
fn without_schemas(definition: &Node) -> Node {
    let keep = |key: &str| !matches!(key, "schema" | "validation" | "openAPIV3Schema");
    let value = match &definition.value {
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .filter(|entry| keep(&entry.key))
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: entry.key_place.clone(),
                    node: without_schemas(&entry.node),
                })
                .collect(),
        ),
        Value::Sequence(items) => Value::Sequence(items.iter().map(without_schemas).collect()),
        other => other.clone(),
    };
    Node::new(definition.place.clone(), value)
}

#[cfg(test)]
mod tests;
