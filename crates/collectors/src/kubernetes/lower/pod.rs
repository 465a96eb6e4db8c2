//! The pod of a workload: its containers and what they share.

use gonogo_domain::{
    Node, Place,
    evidence::{Container, Located, PodSecurity, Spread, Volume},
};

use super::{
    container,
    read::{bool_at, int_at, number_at, place_if_true, text_at},
    sidecars, spread, volume,
};

pub(super) struct Pod {
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
    pub(super) grace_seconds: Option<Located<u32>>,
    pub(super) spread: Vec<Spread>,
    pub(super) security: PodSecurity,
    pub(super) volumes: Vec<Volume>,
    /// Persistent volume claims that it mounts.
    pub(super) claims: Vec<Place>,
}

/// Reads `metadata` and `spec` of a pod or of a pod's template.
pub(super) fn read(template: &Node) -> Pod {
    let Some(spec) = template.get("spec") else { return Pod::empty() };
    let mut containers: Vec<Container> = spec.list("containers").iter().map(container::read).collect();
    let mut init_containers = Vec::new();
    sidecars::mark(&mut containers);
    for node in spec.list("initContainers") {
        let mut container = container::read(node);
        // One that always restarts runs beside the others for the pod's whole life.
        if node.str_at("restartPolicy") == Some("Always") {
            container.sidecar = true;
            containers.push(container);
        } else {
            init_containers.push(container);
        }
    }
    let volumes = volume::read(spec);
    Pod {
        containers,
        init_containers,
        grace_seconds: number_at(spec, "terminationGracePeriodSeconds"),
        spread: spread::read(spec),
        security: security(spec),
        claims: volume::claims(&volumes),
        volumes,
    }
}

impl Pod {
    fn empty() -> Self {
        Self {
            containers: Vec::new(),
            init_containers: Vec::new(),
            grace_seconds: None,
            spread: Vec::new(),
            security: PodSecurity::default(),
            volumes: Vec::new(),
            claims: Vec::new(),
        }
    }
}

fn security(spec: &Node) -> PodSecurity {
    let context = spec.entry("securityContext");
    let inside = context.map(|entry| &entry.node);
    PodSecurity {
        place: context.map(|entry| entry.key_place.clone()),
        run_as_non_root: inside.and_then(|node| bool_at(node, "runAsNonRoot")),
        run_as_user: inside.and_then(|node| int_at(node, "runAsUser")),
        seccomp: inside.and_then(|node| text_at(node, "seccompProfile.type")),
        host_network: place_if_true(spec, "hostNetwork"),
        host_pid: place_if_true(spec, "hostPID"),
        host_ipc: place_if_true(spec, "hostIPC"),
        service_account: text_at(spec, "serviceAccountName").or_else(|| text_at(spec, "serviceAccount")),
        automount_token: bool_at(spec, "automountServiceAccountToken"),
    }
}
