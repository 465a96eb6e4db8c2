//! Containers of a pod: image, ports, resources, probes, hooks and confinement.

use gonogo_domain::{
    Node,
    evidence::{
        Container, ContainerSecurity, Located, Mount, Port, PreStop, PreStopAction, Probe, ProbeAction, Resources,
    },
};

use super::read::{bool_at, env, env_from, int_at, text_at, texts, texts_at};
use crate::image_name::image;

pub(super) fn read(node: &Node) -> Container {
    let name = node.get("name");
    Container {
        name: name.and_then(Node::str).unwrap_or_default().to_owned(),
        place: name.map_or(&node.place, |name| &name.place).clone(),
        image: node.get("image").and_then(|text| Some(Located::new(image(text.str()?), &text.place))),
        command: texts_at(node, "command"),
        args: texts_at(node, "args"),
        ports: node.list("ports").iter().map(port).collect(),
        env: env(node),
        env_from: env_from(node),
        requests: resources(node.at("resources.requests")),
        limits: resources(node.at("resources.limits")),
        readiness: probe(node, "readinessProbe"),
        liveness: probe(node, "livenessProbe"),
        startup: probe(node, "startupProbe"),
        pre_stop: pre_stop(node),
        security: security(node),
        mounts: node.list("volumeMounts").iter().map(mount).collect(),
        sidecar: false,
    }
}

fn port(node: &Node) -> Port {
    Port {
        number: node.int_at("containerPort").and_then(|number| u16::try_from(number).ok()),
        name: node.str_at("name").map(str::to_owned),
        protocol: node.str_at("protocol").map(str::to_owned),
        place: node.get("containerPort").map_or(&node.place, |number| &number.place).clone(),
    }
}

fn resources(node: Option<&Node>) -> Resources {
    node.map_or_else(Resources::default, |node| Resources {
        cpu: text_at(node, "cpu"),
        memory: text_at(node, "memory"),
    })
}

fn probe(container: &Node, key: &str) -> Option<Probe> {
    let entry = container.entry(key)?;
    let node = &entry.node;
    // Defaults of the API: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Probe
    let seconds = |key: &str, default: u32| {
        node.int_at(key).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0).unwrap_or(default)
    };
    Some(Probe {
        place: entry.key_place.clone(),
        action: action(node)?,
        initial_delay: seconds("initialDelaySeconds", 0),
        period: seconds("periodSeconds", 10),
        timeout: seconds("timeoutSeconds", 1),
        failures: seconds("failureThreshold", 3),
        start_period: None,
    })
}

fn action(node: &Node) -> Option<ProbeAction> {
    let text = |node: &Node, key: &str| node.str_at(key).unwrap_or_default().to_owned();
    if let Some(http) = node.get("httpGet").filter(|http| !http.is_null()) {
        return Some(ProbeAction::Http {
            path: http.str_at("path").unwrap_or("/").to_owned(),
            port: text(http, "port"),
            scheme: http.str_at("scheme").unwrap_or("HTTP").to_owned(),
        });
    }
    if let Some(grpc) = node.get("grpc").filter(|grpc| !grpc.is_null()) {
        let service = grpc.str_at("service").filter(|service| !service.is_empty()).map(str::to_owned);
        return Some(ProbeAction::Grpc { port: text(grpc, "port"), service });
    }
    if let Some(tcp) = node.get("tcpSocket").filter(|tcp| !tcp.is_null()) {
        return Some(ProbeAction::Tcp { port: text(tcp, "port") });
    }
    let command = node.at("exec.command")?;
    Some(ProbeAction::Exec { command: texts(command) })
}

fn pre_stop(container: &Node) -> Option<PreStop> {
    let entry = container.get("lifecycle")?.entry("preStop")?;
    let node = &entry.node;
    let what = if let Some(seconds) = node.int_at("sleep.seconds") {
        PreStopAction::Sleep(u32::try_from(seconds).ok()?)
    } else if let Some(command) = node.at("exec.command") {
        PreStopAction::Exec(texts(command))
    } else {
        PreStopAction::Http(node.get("httpGet")?.str_at("path").unwrap_or("/").to_owned())
    };
    Some(PreStop { place: entry.key_place.clone(), what })
}

fn security(container: &Node) -> ContainerSecurity {
    let Some(entry) = container.entry("securityContext") else { return ContainerSecurity::default() };
    let node = &entry.node;
    ContainerSecurity {
        place: Some(entry.key_place.clone()),
        run_as_non_root: bool_at(node, "runAsNonRoot"),
        run_as_user: int_at(node, "runAsUser"),
        allow_privilege_escalation: bool_at(node, "allowPrivilegeEscalation"),
        privileged: bool_at(node, "privileged"),
        read_only_root: bool_at(node, "readOnlyRootFilesystem"),
        drops: node.at("capabilities.drop").map(texts).unwrap_or_default(),
        adds: node
            .list("capabilities.add")
            .iter()
            .filter_map(|capability| Some(Located::new(capability.str()?.to_owned(), &capability.place)))
            .collect(),
        seccomp: text_at(node, "seccompProfile.type"),
    }
}

fn mount(node: &Node) -> Mount {
    Mount {
        volume: node.str_at("name").unwrap_or_default().to_owned(),
        path: node.str_at("mountPath").unwrap_or_default().to_owned(),
        read_only: node.bool_at("readOnly") == Some(true),
        place: node.get("mountPath").map_or(&node.place, |path| &path.place).clone(),
    }
}
