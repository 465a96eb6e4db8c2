//! Workloads: what runs, how it is probed, stopped, spread and confined.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Node, Place};

/// A value with the place where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Located<T> {
    pub fn new(value: T, place: &Place) -> Self {
        Self { value, place: place.clone() }
    }
}

/// One logical workload in one environment.
///
/// The same Deployment in a base, its overlays, a chart and a release bundle is one logical workload: every rendering
/// has the same `key`, and its nodes lead to the file that a person edits.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Names the logical workload across environments: `Deployment/frontend`.
    pub key: String,
    pub name: String,
    pub namespace: Option<String>,
    pub kind: WorkloadKind,
    /// The overlay, values file or compose file that this rendering is for; none where the source names none.
    pub environment: Option<String>,
    /// False where the environment's name says that no customer is served: dev, test, ci, local …
    pub production: bool,
    /// Where it is declared: the line of its name, or of its kind.
    pub place: Place,
    pub labels: BTreeMap<String, String>,
    pub pod_labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, Located<String>>,
    pub pod_annotations: BTreeMap<String, Located<String>>,
    /// None: the field is not written, and the platform's default holds.
    pub replicas: Option<Located<u32>>,
    /// Main containers and side-cars, without init containers.
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    /// Seconds from SIGTERM to SIGKILL; none: the platform's default.
    pub grace_seconds: Option<Located<u32>>,
    pub spread: Vec<Spread>,
    pub security: PodSecurity,
    pub volumes: Vec<Volume>,
    /// Volume claim templates and persistent volume claims that it mounts.
    pub keeps_data: Vec<Place>,
    /// The whole rendered object, for what the fields above do not hold.
    pub body: Arc<Node>,
}

impl Workload {
    /// The containers that carry the service's own program: every main container that is no known side-car.
    pub fn main_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| !container.sidecar)
    }
}

/// What kind of object declares the workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    Pod,
    Job,
    CronJob,
    /// Argo Rollouts.
    Rollout,
    /// Knative Service, Cloud Run.
    KnativeService,
    ComposeService,
    /// A platform's file: fly.toml, render.yaml, app.yaml, Procfile, ECS task definition, serverless function.
    Platform(String),
}

impl WorkloadKind {
    /// It is meant to run all the time.
    pub fn long_running(&self) -> bool {
        !matches!(self, Self::Job | Self::CronJob)
    }

    /// It is an object of the Kubernetes API.
    pub fn kubernetes(&self) -> bool {
        !matches!(self, Self::ComposeService | Self::Platform(_))
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Rollout => "Rollout",
            Self::KnativeService => "Knative Service",
            Self::ComposeService => "compose service",
            Self::Platform(name) => name,
        }
    }
}

/// A container of a workload.
#[derive(Clone, Debug)]
pub struct Container {
    pub name: String,
    pub place: Place,
    pub image: Option<Located<ImageRef>>,
    /// What replaces the image's ENTRYPOINT.
    pub command: Option<Located<Vec<String>>>,
    pub args: Option<Located<Vec<String>>>,
    pub ports: Vec<Port>,
    pub env: Vec<EnvVar>,
    /// Whole maps of variables: envFrom, `env_file`.
    pub env_from: Vec<EnvFrom>,
    pub requests: Resources,
    pub limits: Resources,
    pub readiness: Option<Probe>,
    pub liveness: Option<Probe>,
    pub startup: Option<Probe>,
    pub pre_stop: Option<PreStop>,
    pub security: ContainerSecurity,
    pub mounts: Vec<Mount>,
    /// A known side-car by its image or name: a mesh proxy, a log shipper, a database proxy.
    pub sidecar: bool,
}

/// A container image by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    pub text: String,
    /// Registry and repository, without tag and digest.
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// Some of it is filled in elsewhere (`${TAG}`, a chart's value that is not set).
    pub templated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    pub number: Option<u16>,
    pub name: Option<String>,
    pub protocol: Option<String>,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EnvVar {
    pub name: String,
    pub place: Place,
    pub value: EnvValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EnvValue {
    Literal(String),
    Secret {
        name: String,
        key: String,
        optional: bool,
    },
    ConfigMap {
        name: String,
        key: String,
        optional: bool,
    },
    /// fieldRef, resourceFieldRef, a host's variable and others.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct EnvFrom {
    pub place: Place,
    pub kind: EnvFromKind,
    pub name: String,
    pub optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvFromKind {
    Secret,
    ConfigMap,
    File,
}

/// Requests or limits, as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    pub cpu: Option<Located<String>>,
    pub memory: Option<Located<String>>,
}

/// A liveness, readiness or startup probe, or a platform's health check.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub place: Place,
    pub action: ProbeAction,
    /// Seconds; the API's default where the field is not written (0).
    pub initial_delay: u32,
    /// Seconds; default 10.
    pub period: u32,
    /// Seconds; default 1.
    pub timeout: u32,
    /// Default 3.
    pub failures: u32,
    /// Seconds that failures at the start do not count: compose's and Docker's `start_period`.
    pub start_period: Option<u32>,
}

impl Probe {
    /// Seconds from the start until the probe gives up: delay + period × failures.
    pub fn budget(&self) -> u32 {
        let window = self.period.saturating_mul(self.failures).saturating_add(self.initial_delay);
        window.saturating_add(self.start_period.unwrap_or(0))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeAction {
    Http { path: String, port: String, scheme: String },
    Tcp { port: String },
    Grpc { port: String, service: Option<String> },
    Exec { command: Vec<String> },
}

/// What runs before SIGTERM.
#[derive(Clone, Debug, PartialEq)]
pub struct PreStop {
    pub place: Place,
    pub what: PreStopAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PreStopAction {
    /// Seconds.
    Sleep(u32),
    Exec(Vec<String>),
    Http(String),
}

/// How replicas are kept apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    pub place: Place,
    pub mechanism: SpreadMechanism,
    /// `topology.kubernetes.io/zone`, `kubernetes.io/hostname` …
    pub topology: Option<String>,
    /// A rule that must hold, as opposed to a preference.
    pub hard: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpreadMechanism {
    AntiAffinity,
    TopologySpread,
}

/// securityContext of a pod, as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSecurity {
    pub place: Option<Place>,
    pub run_as_non_root: Option<Located<bool>>,
    pub run_as_user: Option<Located<i64>>,
    pub seccomp: Option<Located<String>>,
    pub host_network: Option<Place>,
    pub host_pid: Option<Place>,
    pub host_ipc: Option<Place>,
    pub service_account: Option<Located<String>>,
    pub automount_token: Option<Located<bool>>,
}

/// securityContext of a container, as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerSecurity {
    pub place: Option<Place>,
    pub run_as_non_root: Option<Located<bool>>,
    pub run_as_user: Option<Located<i64>>,
    pub allow_privilege_escalation: Option<Located<bool>>,
    pub privileged: Option<Located<bool>>,
    pub read_only_root: Option<Located<bool>>,
    pub drops: Vec<String>,
    pub adds: Vec<Located<String>>,
    pub seccomp: Option<Located<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    pub name: String,
    pub place: Place,
    pub kind: VolumeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum VolumeKind {
    ConfigMap(String),
    Secret(String),
    Claim(String),
    EmptyDir,
    HostPath(String),
    /// A CSI volume with its driver and, for a secret store, the SecretProviderClass.
    Csi {
        driver: String,
        class: Option<String>,
    },
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    pub volume: String,
    pub path: String,
    pub read_only: bool,
    pub place: Place,
}
