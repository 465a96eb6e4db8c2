//! Task definitions of Amazon ECS:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html>.

use gonogo_domain::{
    Node,
    evidence::{
        Container, ContainerSecurity, EnvFrom, EnvFromKind, EnvValue, EnvVar, Located, Mount, Port, Probe, ProbeAction,
        Resources, Volume, VolumeKind,
    },
};

use super::{
    Declared, bare, bare_container,
    read::{command, image_at, number, text},
};
use crate::DataFile;

pub(super) fn read(file: &DataFile, document: &Node) -> Vec<Declared> {
    let task = document.get("taskDefinition").filter(|task| !task.entries().is_empty()).unwrap_or(document);
    let Some(definitions) = task.entry("containerDefinitions") else { return Vec::new() };
    let family = task.get("family");
    let stem = file.name().split('.').next().unwrap_or_default();
    let name = family.and_then(Node::str).unwrap_or(stem);
    let mut workload = bare("ecs", name, family.map_or(&definitions.key_place, |family| &family.place), task);
    workload.volumes = task.list("volumes").iter().map(volume).collect();
    workload.keeps_data = workload
        .volumes
        .iter()
        .filter(|volume| matches!(volume.kind, VolumeKind::Claim(_)))
        .map(|volume| volume.place.clone())
        .collect();
    workload.containers = definitions.node.items().iter().map(container).collect();
    workload.grace_seconds = definitions.node.items().iter().find_map(|one| number(one, "stopTimeout"));
    // Without its own side-cars the task would have no program.
    if workload.containers.iter().all(|container| container.sidecar) {
        for container in &mut workload.containers {
            container.sidecar = false;
        }
    }
    vec![Declared { workload, build_context: None, container_file: None }]
}

fn container(node: &Node) -> Container {
    let name = node.get("name");
    let name_place = name.map_or(&node.place, |name| &name.place);
    let flag = |key: &str| {
        let found = node.get(key)?;
        Some(Located::new(found.bool()?, &found.place))
    };
    let literals = node.list("environment").iter().filter_map(|variable| {
        let name = variable.get("name")?;
        let value = EnvValue::Literal(variable.str_at("value").unwrap_or_default().to_owned());
        Some(EnvVar { name: name.str()?.to_owned(), place: name.place.clone(), value })
    });
    let secrets = node.list("secrets").iter().filter_map(|variable| {
        let name = variable.get("name")?;
        let from = variable.str_at("valueFrom").unwrap_or_default().to_owned();
        let value = EnvValue::Secret { name: from, key: String::new(), optional: false };
        Some(EnvVar { name: name.str()?.to_owned(), place: name.place.clone(), value })
    });
    Container {
        image: image_at(node, "image"),
        command: command(node, "entryPoint"),
        args: command(node, "command"),
        ports: node.list("portMappings").iter().map(port).collect(),
        env: literals.chain(secrets).collect(),
        env_from: node
            .list("environmentFiles")
            .iter()
            .filter_map(|file| {
                let value = file.get("value")?;
                let name = value.str()?.to_owned();
                Some(EnvFrom { place: value.place.clone(), kind: EnvFromKind::File, name, optional: false })
            })
            .collect(),
        requests: Resources { cpu: text(node, "cpu"), memory: text(node, "memoryReservation") },
        limits: Resources { cpu: None, memory: text(node, "memory") },
        readiness: probe(node),
        security: ContainerSecurity {
            place: None,
            run_as_user: node
                .get("user")
                .and_then(|user| Some(Located::new(user.str()?.split(':').next()?.parse().ok()?, &user.place))),
            privileged: flag("privileged"),
            read_only_root: flag("readonlyRootFilesystem"),
            drops: node
                .list("linuxParameters.capabilities.drop")
                .iter()
                .filter_map(Node::str)
                .map(str::to_owned)
                .collect(),
            ..ContainerSecurity::default()
        },
        mounts: node
            .list("mountPoints")
            .iter()
            .map(|mount| Mount {
                volume: mount.str_at("sourceVolume").unwrap_or_default().to_owned(),
                path: mount.str_at("containerPath").unwrap_or_default().to_owned(),
                read_only: mount.bool_at("readOnly") == Some(true),
                place: mount.place.clone(),
            })
            .collect(),
        // The task lives on when one that is not essential stops.
        sidecar: node.bool_at("essential") == Some(false),
        ..bare_container(name.and_then(Node::str).unwrap_or_default(), name_place)
    }
}

fn port(node: &Node) -> Port {
    Port {
        number: node.int_at("containerPort").and_then(|number| u16::try_from(number).ok()),
        name: node.str_at("name").map(str::to_owned),
        protocol: node.str_at("protocol").map(str::to_owned),
        place: node.place.clone(),
    }
}

fn probe(container: &Node) -> Option<Probe> {
    let entry = container.entry("healthCheck")?;
    let mut words = command(&entry.node, "command")?.value;
    match words.first().map(String::as_str) {
        Some("CMD") => {
            words.remove(0);
        }
        Some("CMD-SHELL") => words = vec!["sh".to_owned(), "-c".to_owned(), words.split_off(1).join(" ")],
        Some("NONE") | None => return None,
        Some(_) => (),
    }
    let value = |key: &str, default: u32| number(&entry.node, key).map_or(default, |number| number.value);
    Some(Probe {
        place: entry.key_place.clone(),
        action: ProbeAction::Exec { command: words },
        initial_delay: 0,
        period: value("interval", 30),
        timeout: value("timeout", 5),
        failures: value("retries", 3),
        start_period: Some(value("startPeriod", 0)),
    })
}

fn volume(node: &Node) -> Volume {
    let name = node.str_at("name").unwrap_or_default().to_owned();
    let kind = match (node.str_at("host.sourcePath"), node.get("efsVolumeConfiguration")) {
        (Some(path), _) => VolumeKind::HostPath(path.to_owned()),
        (None, Some(_)) => VolumeKind::Claim(name.clone()),
        (None, None) => VolumeKind::EmptyDir,
    };
    Volume { name, place: node.place.clone(), kind }
}
