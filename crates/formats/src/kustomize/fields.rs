//! Which fields of which kinds a transformation reaches: kustomize's field specs, and how to walk them.
//!
//! Source of the facts: kustomize's default transformer configuration, v5.

use std::{collections::HashMap, sync::LazyLock};

use gonogo_domain::{Node, Place, Value};

use super::tree;

/// A field of some kinds. An empty group, version or kind stands for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSpec {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    /// Keys from the root of the object; lists on the way are walked item by item.
    pub(super) path: Vec<String>,
    pub(super) create: bool,
}

/// Fields that hold the name of an object of the target kind.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) field: FieldSpec,
}

/// Everything that `configurations:` can extend.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) common_labels: Vec<FieldSpec>,
    pub(super) labels: Vec<FieldSpec>,
    pub(super) template_labels: Vec<FieldSpec>,
    pub(super) annotations: Vec<FieldSpec>,
    pub(super) images: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) namespace: Vec<FieldSpec>,
    pub(super) prefix: Vec<FieldSpec>,
    pub(super) suffix: Vec<FieldSpec>,
    pub(super) variables: Vec<FieldSpec>,
    pub(super) references: Vec<Reference>,
}

/// The API group, version and kind of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_field_names, reason = "group, version, kind: the words of Kubernetes")]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
}

impl Kind {
    pub(super) fn of(node: &Node) -> Self {
        let (group, version) = split_api_version(tree::text(node, "apiVersion"));
        Self { group: group.to_owned(), version: version.to_owned(), kind: tree::text(node, "kind").to_owned() }
    }

    /// Empty parts of the filter stand for any.
    pub(super) fn fits(&self, group: &str, version: &str, kind: &str) -> bool {
        (group.is_empty() || group == self.group)
            && (version.is_empty() || version == self.version)
            && (kind.is_empty() || kind == self.kind)
    }

    /// Kinds of Kubernetes itself that live outside namespaces. Custom kinds count as namespaced, as kustomize has it.
    pub(super) fn cluster_scoped(&self) -> bool {
        match self.group.as_str() {
            "" => matches!(self.kind.as_str(), "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus"),
            "rbac.authorization.k8s.io" => matches!(self.kind.as_str(), "ClusterRole" | "ClusterRoleBinding"),
            "apiextensions.k8s.io" => self.kind == "CustomResourceDefinition",
            "apiregistration.k8s.io" => self.kind == "APIService",
            "storage.k8s.io" => {
                matches!(
                    self.kind.as_str(),
                    "StorageClass" | "CSIDriver" | "CSINode" | "VolumeAttachment" | "VolumeAttributesClass"
                )
            }
            "scheduling.k8s.io" => self.kind == "PriorityClass",
            "node.k8s.io" => self.kind == "RuntimeClass",
            "networking.k8s.io" => matches!(self.kind.as_str(), "IngressClass" | "IPAddress" | "ServiceCIDR"),
            "admissionregistration.k8s.io" => true,
            "certificates.k8s.io" => {
                matches!(self.kind.as_str(), "CertificateSigningRequest" | "ClusterTrustBundle")
            }
            "flowcontrol.apiserver.k8s.io" => {
                matches!(self.kind.as_str(), "FlowSchema" | "PriorityLevelConfiguration")
            }
            "policy" => self.kind == "PodSecurityPolicy",
            "authentication.k8s.io" => matches!(self.kind.as_str(), "TokenReview" | "SelfSubjectReview"),
            "authorization.k8s.io" => self.kind != "LocalSubjectAccessReview",
            "internal.apiserver.k8s.io" => self.kind == "StorageVersion",
            _ => false,
        }
    }
}

/// `apps/v1` as group and version; the core group is empty.
pub(super) fn split_api_version(text: &str) -> (&str, &str) {
    text.rsplit_once('/').unwrap_or(("", text))
}

impl FieldSpec {
    fn new(group: &str, version: &str, kind: &str, path: &str, create: bool) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            path: split_path(path),
            create,
        }
    }

    /// As a configuration file writes it: `{path, group, version, kind, create}`.
    pub(super) fn read(node: &Node) -> Option<Self> {
        Some(Self::new(
            tree::text(node, "group"),
            tree::text(node, "version"),
            tree::text(node, "kind"),
            node.str_at("path")?,
            node.bool_at("create").unwrap_or(false),
        ))
    }

    pub(super) fn fits(&self, kind: &Kind) -> bool {
        kind.fits(&self.group, &self.version, &self.kind)
    }

    /// Something stands at the field, or would be made there.
    pub(super) fn reaches(&self, object: &Node) -> bool {
        fn stands(node: &Node, path: &[String]) -> bool {
            match (path.split_first(), &node.value) {
                (None, _) => true,
                (Some(_), Value::Sequence(items)) => items.iter().any(|item| stands(item, path)),
                (Some((head, rest)), _) => {
                    node.get(head.strip_suffix("[]").unwrap_or(head)).is_some_and(|next| stands(next, rest))
                }
            }
        }
        self.create || stands(object, &self.path)
    }

    /// Visits the nodes of the field, making them when the spec says so; new nodes get `place`.
    pub(super) fn visit(&self, object: &mut Node, place: &Place, visit: &mut dyn FnMut(&mut Node)) {
        walk(object, &self.path, self.create.then_some(place), visit);
    }
}

fn walk(node: &mut Node, path: &[String], create: Option<&Place>, visit: &mut dyn FnMut(&mut Node)) {
    let Some((head, rest)) = path.split_first() else { return visit(node) };
    if let Value::Sequence(items) = &mut node.value {
        for item in items {
            walk(item, path, create, visit);
        }
        return;
    }
    let (key, listed) = head.strip_suffix("[]").map_or((head.as_str(), false), |key| (key, true));
    if let Some(place) = create
        && !listed
        && node.get(key).is_none_or(Node::is_null)
    {
        tree::put(node, key, place, Node::new(place.clone(), Value::Null));
    }
    if let Some(next) = node.get_mut(key) {
        walk(next, rest, create, visit);
    }
}

/// `a/b\/c/d` as its keys.
fn split_path(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut key = String::new();
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'/') => {
                characters.next();
                key.push('/');
            }
            '/' => keys.push(std::mem::take(&mut key)),
            other => key.push(other),
        }
    }
    keys.push(key);
    keys.retain(|key| !key.is_empty());
    keys
}

/// Where each kind keeps the specification of its pods.
const PODS: [(&str, &str); 9] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// Kinds whose pods can name a service account, a claim or a priority class that gets another name.
const IDENTITY: [&str; 7] =
    ["Pod", "StatefulSet", "Deployment", "ReplicationController", "CronJob", "Job", "DaemonSet"];

/// Kinds whose pods can name a `ConfigMap` or a Secret that gets another name.
const MATERIAL: [&str; 8] =
    ["Pod", "PodTemplate", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "CronJob"];

impl Config {
    /// What kustomize does without any `configurations:`.
    pub(super) fn standard() -> &'static Self {
        static STANDARD: LazyLock<Config> = LazyLock::new(standard);
        &STANDARD
    }

    /// Adds the field specs of a configuration file.
    pub(super) fn extend(&mut self, file: &Node) {
        let specs = |key: &str| file.list(key).iter().filter_map(FieldSpec::read).collect::<Vec<_>>();
        self.common_labels.extend(specs("commonLabels"));
        self.labels.extend(specs("labels"));
        self.template_labels.extend(specs("templateLabels"));
        self.annotations.extend(specs("commonAnnotations"));
        self.images.extend(specs("images"));
        self.replicas.extend(specs("replicas"));
        self.namespace.extend(specs("namespace"));
        self.prefix.extend(specs("namePrefix"));
        self.suffix.extend(specs("nameSuffix"));
        self.variables.extend(specs("varReference"));
        for target in file.list("nameReference") {
            for field in target.list("fieldSpecs").iter().filter_map(FieldSpec::read) {
                self.references.push(Reference {
                    group: tree::text(target, "group").to_owned(),
                    version: tree::text(target, "version").to_owned(),
                    kind: tree::text(target, "kind").to_owned(),
                    field,
                });
            }
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.common_labels.extend(other.common_labels);
        self.labels.extend(other.labels);
        self.template_labels.extend(other.template_labels);
        self.annotations.extend(other.annotations);
        self.images.extend(other.images);
        self.replicas.extend(other.replicas);
        self.namespace.extend(other.namespace);
        self.prefix.extend(other.prefix);
        self.suffix.extend(other.suffix);
        self.variables.extend(other.variables);
        self.references.extend(other.references);
    }

    /// The references of the standard configuration, by the kind that refers.
    pub(super) fn standard_references(kind: &str) -> &'static [Reference] {
        static BY_KIND: LazyLock<HashMap<&'static str, Vec<Reference>>> = LazyLock::new(|| {
            let mut by_kind: HashMap<&'static str, Vec<Reference>> = HashMap::new();
            for reference in &Config::standard().references {
                by_kind.entry(&reference.field.kind).or_default().push(reference.clone());
            }
            by_kind
        });
        BY_KIND.get(kind).map_or(&[], Vec::as_slice)
    }
}

fn standard() -> Config {
    let mut config = Config::default();
    let spec = FieldSpec::new;
    let templated = [
        ("", "v1", "ReplicationController", "spec/template/metadata"),
        ("", "", "Deployment", "spec/template/metadata"),
        ("", "", "ReplicaSet", "spec/template/metadata"),
        ("", "", "DaemonSet", "spec/template/metadata"),
        ("", "", "StatefulSet", "spec/template/metadata"),
        ("batch", "", "Job", "spec/template/metadata"),
        ("batch", "", "CronJob", "spec/jobTemplate/metadata"),
        ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata"),
    ];

    config.annotations.push(spec("", "", "", "metadata/annotations", true));
    config.template_labels.push(spec("", "", "", "metadata/labels", true));
    for (group, version, kind, path) in templated {
        config.annotations.push(spec(group, version, kind, &format!("{path}/annotations"), true));
        let group = if kind == "StatefulSet" { "apps" } else { group };
        config.template_labels.push(spec(group, version, kind, &format!("{path}/labels"), true));
    }

    config.common_labels.extend(config.template_labels.iter().cloned());
    config.common_labels.extend([
        spec("", "v1", "Service", "spec/selector", true),
        spec("", "v1", "ReplicationController", "spec/selector", true),
        spec("", "", "Deployment", "spec/selector/matchLabels", true),
        spec("", "", "ReplicaSet", "spec/selector/matchLabels", true),
        spec("", "", "DaemonSet", "spec/selector/matchLabels", true),
        spec("apps", "", "StatefulSet", "spec/selector/matchLabels", true),
        spec("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
        spec("batch", "", "Job", "spec/selector/matchLabels", false),
        spec("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
        spec("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels", false),
        spec("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels", false),
        spec("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
        spec("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
    ]);
    for kind in ["Deployment", "StatefulSet"] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            for term in [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
                "requiredDuringSchedulingIgnoredDuringExecution",
            ] {
                let path = format!("spec/template/spec/affinity/{affinity}/{term}/labelSelector/matchLabels");
                config.common_labels.push(spec("apps", "", kind, &path, false));
            }
        }
        let path = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels";
        config.common_labels.push(spec("apps", "", kind, path, false));
    }

    for pods in ["spec", "spec/template/spec"] {
        config.images.push(spec("", "", "", &format!("{pods}/containers[]/image"), true));
        config.images.push(spec("", "", "", &format!("{pods}/initContainers[]/image"), true));
    }
    for kind in ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"] {
        config.replicas.push(spec("", "", kind, "spec/replicas", true));
    }
    config.namespace.extend([
        spec("", "", "Namespace", "metadata/name", true),
        spec("apiregistration.k8s.io", "", "APIService", "spec/service/namespace", true),
        spec(
            "apiextensions.k8s.io",
            "",
            "CustomResourceDefinition",
            "spec/conversion/webhook/clientConfig/service/namespace",
            false,
        ),
    ]);
    config.prefix.push(spec("", "", "", "metadata/name", false));
    config.suffix.push(spec("", "", "", "metadata/name", false));
    config.references = standard_references();

    for (kind, pods) in PODS {
        if matches!(kind, "PodTemplate" | "ReplicationController") {
            continue;
        }
        for containers in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                config.variables.push(spec("", "", kind, &format!("{pods}/{containers}/{field}"), false));
            }
        }
        config.variables.push(spec("", "", kind, &format!("{pods}/volumes/nfs/server"), false));
    }
    config.variables.extend([
        spec("", "", "Deployment", "spec/template/metadata/annotations", false),
        spec("", "", "Ingress", "spec/rules/host", false),
        spec("", "", "Ingress", "spec/tls/hosts", false),
        spec("", "", "Ingress", "spec/tls/secretName", false),
        spec("", "", "Service", "spec/ports/port", false),
        spec("", "", "Service", "spec/ports/targetPort", false),
        spec("", "", "PersistentVolume", "spec/nfs/server", false),
        spec("", "", "", "metadata/labels", false),
        spec("", "", "", "metadata/annotations", false),
    ]);
    config
}

fn standard_references() -> Vec<Reference> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let mut references = Vec::new();
    let mut add = |target: (&str, &str, &str), group: &str, kind: &str, path: &str| {
        references.push(Reference {
            group: target.0.to_owned(),
            version: target.1.to_owned(),
            kind: target.2.to_owned(),
            field: FieldSpec::new(group, "", kind, path, false),
        });
    };

    let (config_map, secret) = (("", "v1", "ConfigMap"), ("", "v1", "Secret"));
    let (account, claim) = (("", "v1", "ServiceAccount"), ("", "v1", "PersistentVolumeClaim"));
    let priority = ("scheduling.k8s.io", "v1", "PriorityClass");
    for (kind, pods) in PODS {
        if MATERIAL.contains(&kind) {
            for containers in ["containers", "initContainers"] {
                add(config_map, "", kind, &format!("{pods}/{containers}/env/valueFrom/configMapKeyRef/name"));
                add(config_map, "", kind, &format!("{pods}/{containers}/envFrom/configMapRef/name"));
                add(secret, "", kind, &format!("{pods}/{containers}/env/valueFrom/secretKeyRef/name"));
                add(secret, "", kind, &format!("{pods}/{containers}/envFrom/secretRef/name"));
            }
            add(config_map, "", kind, &format!("{pods}/volumes/configMap/name"));
            add(config_map, "", kind, &format!("{pods}/volumes/projected/sources/configMap/name"));
            add(secret, "", kind, &format!("{pods}/volumes/secret/secretName"));
            add(secret, "", kind, &format!("{pods}/volumes/projected/sources/secret/name"));
            add(secret, "", kind, &format!("{pods}/imagePullSecrets/name"));
        }
        if IDENTITY.contains(&kind) {
            add(account, "", kind, &format!("{pods}/serviceAccountName"));
            add(claim, "", kind, &format!("{pods}/volumes/persistentVolumeClaim/claimName"));
            add(priority, "", kind, &format!("{pods}/priorityClassName"));
        }
    }

    for kind in ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"] {
        add(("", "", kind), "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name");
    }
    add(config_map, "", "Node", "spec/configSource/configMap");
    for target in [config_map, secret] {
        add(target, "", "Role", "rules/resourceNames");
        add(target, "", "ClusterRole", "rules/resourceNames");
    }
    add(config_map, "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap");
    for annotation in [
        "ingress.kubernetes.io\\/auth-secret",
        "nginx.ingress.kubernetes.io\\/auth-secret",
        "nginx.ingress.kubernetes.io\\/auth-tls-secret",
    ] {
        add(secret, "", "Ingress", &format!("metadata/annotations/{annotation}"));
    }
    add(secret, "", "Ingress", "spec/tls/secretName");
    add(secret, "", "ServiceAccount", "imagePullSecrets/name");
    for parameter in ["secretName", "adminSecretName", "userSecretName", "secretRef"] {
        add(secret, "", "StorageClass", &format!("parameters/{parameter}"));
    }
    add(secret, "serving.knative.dev", "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name");
    add(secret, "", "PersistentVolume", "spec/azureFile/secretName");

    let service = ("", "v1", "Service");
    add(service, "apps", "StatefulSet", "spec/serviceName");
    add(service, "", "Ingress", "spec/rules/http/paths/backend/serviceName");
    add(service, "", "Ingress", "spec/backend/serviceName");
    add(service, "", "Ingress", "spec/rules/http/paths/backend/service/name");
    add(service, "", "Ingress", "spec/defaultBackend/service/name");
    add(service, "apiregistration.k8s.io", "APIService", "spec/service/name");
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        add(service, "admissionregistration.k8s.io", kind, "webhooks/clientConfig/service");
    }

    add((RBAC, "", "Role"), RBAC, "RoleBinding", "roleRef/name");
    add((RBAC, "", "ClusterRole"), RBAC, "RoleBinding", "roleRef/name");
    add((RBAC, "", "ClusterRole"), RBAC, "ClusterRoleBinding", "roleRef/name");
    add(account, RBAC, "RoleBinding", "subjects");
    add(account, RBAC, "ClusterRoleBinding", "subjects");

    let volume = ("", "v1", "PersistentVolume");
    add(volume, "", "PersistentVolumeClaim", "spec/volumeName");
    add(volume, "", "ClusterRole", "rules/resourceNames");
    let storage = ("storage.k8s.io", "v1", "StorageClass");
    add(storage, "", "PersistentVolume", "spec/storageClassName");
    add(storage, "", "PersistentVolumeClaim", "spec/storageClassName");
    add(storage, "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName");
    add(("networking.k8s.io", "v1", "IngressClass"), "", "Ingress", "spec/ingressClassName");
    let policy = ("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicy");
    add(policy, "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec/policyName");
    references
}
