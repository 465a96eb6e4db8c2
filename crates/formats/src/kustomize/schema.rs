//! Which lists of the built-in kinds a strategic merge joins item by item, and by which keys.
//!
//! Source of the facts: `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys` in the Kubernetes open API
//! document. Whatever is not named here is merged by key if it is a mapping and replaced if it is a list.

use super::fields::Kind;

/// What the merge must know about a node.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Fields that lead to a list with keys.
    fields: &'static [(&'static str, &'static Self)],
    /// For a list: the keys of its items. One empty key: the items are scalars and form a set.
    pub(super) keys: &'static [&'static str],
}

impl Shape {
    pub(super) fn field(&self, key: &str) -> Self {
        self.fields.iter().find(|(name, _)| *name == key).map_or(PLAIN, |(_, shape)| **shape)
    }

    /// The shape of the items of a list: it carries the fields, but is no list itself.
    pub(super) fn item(self) -> Self {
        Self { fields: self.fields, keys: &[] }
    }

    /// The shape of an object of a kind; a custom kind has none.
    pub(super) fn of(kind: &Kind) -> Self {
        *match (kind.group.as_str(), kind.kind.as_str()) {
            ("", "Pod") => &POD_OBJECT,
            ("", "PodTemplate") => &POD_TEMPLATE_OBJECT,
            ("apps" | "extensions", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
            | ("", "ReplicationController")
            | ("batch", "Job") => &WORKLOAD,
            ("batch", "CronJob") => &CRON_JOB,
            ("", "Service") => &SERVICE,
            ("", "ServiceAccount") => &ACCOUNT,
            ("", "Node") => &NODE,
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
                &WEBHOOKS
            }
            (
                ""
                | "apps"
                | "batch"
                | "autoscaling"
                | "policy"
                | "extensions"
                | "networking.k8s.io"
                | "rbac.authorization.k8s.io"
                | "storage.k8s.io"
                | "apiextensions.k8s.io"
                | "apiregistration.k8s.io"
                | "admissionregistration.k8s.io"
                | "scheduling.k8s.io"
                | "coordination.k8s.io"
                | "discovery.k8s.io"
                | "node.k8s.io"
                | "certificates.k8s.io"
                | "flowcontrol.apiserver.k8s.io",
                _,
            ) => &OBJECT,
            _ => &PLAIN,
        }
    }
}

const fn map(fields: &'static [(&'static str, &'static Shape)]) -> Shape {
    Shape { fields, keys: &[] }
}

const fn list(keys: &'static [&'static str], fields: &'static [(&'static str, &'static Shape)]) -> Shape {
    Shape { fields, keys }
}

const PLAIN: Shape = map(&[]);

static BY_NAME: Shape = list(&["name"], &[]);
static BY_TYPE: Shape = list(&["type"], &[]);

static METADATA: Shape = map(&[("finalizers", &list(&[""], &[])), ("ownerReferences", &list(&["uid"], &[]))]);
static STATUS: Shape = map(&[("conditions", &BY_TYPE)]);
static OBJECT: Shape = map(&[("metadata", &METADATA), ("status", &STATUS)]);

const CONTAINER_FIELDS: &[(&str, &Shape)] = &[
    ("env", &BY_NAME),
    ("ports", &list(&["containerPort", "protocol"], &[])),
    ("volumeMounts", &list(&["mountPath"], &[])),
    ("volumeDevices", &list(&["devicePath"], &[])),
];
static CONTAINERS: Shape = list(&["name"], CONTAINER_FIELDS);
static POD: Shape = map(&[
    ("containers", &CONTAINERS),
    ("initContainers", &CONTAINERS),
    ("ephemeralContainers", &CONTAINERS),
    ("volumes", &BY_NAME),
    ("imagePullSecrets", &BY_NAME),
    ("hostAliases", &list(&["ip"], &[])),
    ("topologySpreadConstraints", &list(&["topologyKey", "whenUnsatisfiable"], &[])),
    ("schedulingGates", &BY_NAME),
    ("resourceClaims", &BY_NAME),
]);
static TEMPLATE: Shape = map(&[("metadata", &METADATA), ("spec", &POD)]);
static WORKLOAD_SPEC: Shape = map(&[("template", &TEMPLATE)]);

static POD_OBJECT: Shape = map(&[("metadata", &METADATA), ("spec", &POD), ("status", &STATUS)]);
static POD_TEMPLATE_OBJECT: Shape = map(&[("metadata", &METADATA), ("template", &TEMPLATE)]);
static WORKLOAD: Shape = map(&[("metadata", &METADATA), ("spec", &WORKLOAD_SPEC), ("status", &STATUS)]);
static CRON_JOB: Shape = map(&[
    ("metadata", &METADATA),
    ("spec", &map(&[("jobTemplate", &map(&[("metadata", &METADATA), ("spec", &WORKLOAD_SPEC)]))])),
]);
static SERVICE: Shape = map(&[
    ("metadata", &METADATA),
    ("spec", &map(&[("ports", &list(&["port", "protocol"], &[]))])),
    ("status", &STATUS),
]);
static ACCOUNT: Shape = map(&[("metadata", &METADATA), ("secrets", &BY_NAME)]);
static NODE: Shape =
    map(&[("metadata", &METADATA), ("spec", &map(&[("podCIDRs", &list(&[""], &[]))])), ("status", &STATUS)]);
static WEBHOOKS: Shape =
    map(&[("metadata", &METADATA), ("webhooks", &list(&["name"], &[("matchConditions", &BY_NAME)]))]);
