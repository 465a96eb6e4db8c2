//! `fly.toml`: <https://fly.io/docs/reference/configuration/>.

use gonogo_domain::{
    Node, Place,
    evidence::{Located, Probe, ProbeAction, Resources},
};

use super::{
    Declared, bare,
    read::{disk, duration, image_at, number, port, text, variables},
};
use crate::{DataFile, paths, words};

/// One workload for each process group; the whole application where it names none.
pub(super) fn read(file: &DataFile, document: &Node) -> Vec<Declared> {
    let whole = Place::whole(std::sync::Arc::clone(&file.path));
    let app = document.get("app");
    let name = app.and_then(Node::str).unwrap_or_else(|| paths::folder(&file.path).rsplit('/').next().unwrap_or("app"));
    let place = app.map_or(&whole, |app| &app.place);
    let groups = document.get("processes").map_or(&[][..], Node::entries);
    if groups.is_empty() {
        return vec![group(file, document, name, place, None)];
    }
    groups
        .iter()
        .map(|entry| {
            let name = if entry.key == "app" { name.to_owned() } else { format!("{name}-{}", entry.key) };
            let mut declared = group(file, document, &name, &entry.key_place, Some(&entry.key));
            for container in &mut declared.workload.containers {
                let line = entry.node.str().unwrap_or_default();
                container.args = Some(Located::new(words::split(line), &entry.node.place));
            }
            declared
        })
        .collect()
}

fn group(file: &DataFile, document: &Node, name: &str, place: &Place, group: Option<&str>) -> Declared {
    let mut workload = bare("fly", name, place, document);
    workload.grace_seconds = duration(document, "kill_timeout");
    let services: Vec<&Node> = document
        .get("http_service")
        .into_iter()
        .chain(document.list("services"))
        .filter(|service| concerns(service, group))
        .collect();
    workload.replicas = services.iter().find_map(|service| number(service, "min_machines_running"));
    let mounts = document.get("mounts").map_or(Vec::new(), |mounts| {
        let one = (!mounts.entries().is_empty()).then_some(mounts);
        one.into_iter().chain(mounts.items()).filter(|mount| concerns(mount, group)).collect()
    });
    let (volumes, container_mounts): (Vec<_>, Vec<_>) = mounts
        .iter()
        .map(|mount| {
            let text = |key: &str| mount.str_at(key).unwrap_or_default();
            disk(text("source"), text("destination"), &mount.place)
        })
        .unzip();
    workload.keeps_data = volumes.iter().map(|volume| volume.place.clone()).collect();
    workload.volumes = volumes;
    if let Some(container) = workload.containers.first_mut() {
        container.image = image_at(document, "build.image");
        container.env = variables(document.get("env"));
        container.ports = services.iter().filter_map(|service| port(service, "internal_port")).collect();
        container.readiness = services
            .iter()
            .find_map(|service| {
                let checks = service.list("checks").iter().chain(service.list("http_checks"));
                checks
                    .map(|check| (check, "http"))
                    .chain(service.list("tcp_checks").iter().map(|check| (check, "tcp")))
                    .map(|(check, kind)| probe(check, &check.place, kind, service.str_at("internal_port")))
                    .next()
            })
            .or_else(|| {
                let checks = document.get("checks").map_or(&[][..], Node::entries);
                checks
                    .iter()
                    .find(|check| concerns(&check.node, group))
                    .map(|check| probe(&check.node, &check.key_place, check.node.str_at("type").unwrap_or("tcp"), None))
            });
        container.mounts = container_mounts;
        let machine = document.get("vm").map(|machine| machine.items().first().unwrap_or(machine));
        container.limits = machine.map_or_else(Resources::default, |machine| Resources {
            cpu: text(machine, "cpus"),
            memory: text(machine, "memory").or_else(|| text(machine, "memory_mb")),
        });
    }
    let folder = paths::folder(&file.path);
    let named = document.str_at("build.dockerfile").unwrap_or("Dockerfile");
    let built = document.at("build.image").is_none();
    Declared {
        workload,
        build_context: built.then(|| folder.to_owned()),
        container_file: paths::join(folder, named).filter(|_| built),
    }
}

/// A service, check or mount without `processes` is everybody's.
fn concerns(node: &Node, group: Option<&str>) -> bool {
    let (Some(group), Some(processes)) = (group, node.get("processes")) else { return true };
    processes.items().iter().any(|process| process.str() == Some(group))
}

fn probe(check: &Node, place: &Place, kind: &str, service_port: Option<&str>) -> Probe {
    let port = check.str_at("port").or(service_port).unwrap_or_default().to_owned();
    let path = check.str_at("path").unwrap_or("/").to_owned();
    let scheme = check.str_at("protocol").unwrap_or("http").to_ascii_uppercase();
    let seconds = |key: &str, default: u32| duration(check, key).map_or(default, |seconds| seconds.value);
    Probe {
        place: place.clone(),
        action: if kind == "tcp" { ProbeAction::Tcp { port } } else { ProbeAction::Http { path, port, scheme } },
        initial_delay: 0,
        period: seconds("interval", 15),
        timeout: seconds("timeout", 2),
        // One failed check takes the machine out of the rotation.
        failures: 1,
        start_period: Some(seconds("grace_period", 5)),
    }
}
