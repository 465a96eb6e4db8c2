//! From a service of a compose file to a workload.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Node, Place,
    evidence::{
        Container, ContainerSecurity, EnvFrom, EnvFromKind, EnvValue, EnvVar, Located, Mount, PodSecurity, Port, Probe,
        ProbeAction, Resources, Volume, VolumeKind, Workload, WorkloadKind,
    },
};

use super::interpolate::Variables;
use crate::{
    image_name::image,
    words::{seconds, split},
};

pub(super) fn service(name: &str, place: &Place, node: &Node, variables: &Variables) -> Workload {
    let (volumes, mounts) = storage(node);
    let keeps_data = volumes
        .iter()
        .filter(|volume| matches!(volume.kind, VolumeKind::Claim(_)))
        .map(|volume| volume.place.clone())
        .collect();
    let labels = pairs(node.get("labels")).into_iter().filter_map(|(key, value, _)| Some((key, value?))).collect();
    Workload {
        key: format!("Compose/{name}"),
        name: name.to_owned(),
        namespace: None,
        kind: WorkloadKind::ComposeService,
        environment: None,
        production: true,
        place: place.clone(),
        labels,
        pod_labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        pod_annotations: BTreeMap::new(),
        replicas: number(node, "deploy.replicas").or_else(|| number(node, "scale")),
        containers: vec![container(name, place, node, mounts, variables)],
        init_containers: Vec::new(),
        grace_seconds: node
            .get("stop_grace_period")
            .and_then(|period| Some(Located::new(seconds(period.str()?)?, &period.place))),
        spread: Vec::new(),
        security: PodSecurity {
            host_network: shared_with_host(node, "network_mode"),
            host_pid: shared_with_host(node, "pid"),
            host_ipc: shared_with_host(node, "ipc"),
            ..PodSecurity::default()
        },
        volumes,
        keeps_data,
        body: Arc::new(node.clone()),
    }
}

fn container(name: &str, place: &Place, node: &Node, mounts: Vec<Mount>, variables: &Variables) -> Container {
    Container {
        name: name.to_owned(),
        place: place.clone(),
        image: node.get("image").and_then(|text| {
            let mut name = image(&variables.fill(text.str()?));
            // The shell that starts compose may still set another value than the default.
            name.templated |= text.str()?.contains('$');
            Some(Located::new(name, &text.place))
        }),
        command: command(node, "entrypoint"),
        args: command(node, "command"),
        ports: ports(node, variables),
        env: environment(node),
        env_from: env_files(node),
        requests: resources(node, "deploy.resources.reservations", None, Some("mem_reservation")),
        limits: resources(node, "deploy.resources.limits", Some("cpus"), Some("mem_limit")),
        readiness: health(node),
        liveness: None,
        startup: None,
        pre_stop: None,
        security: security(node),
        mounts,
        sidecar: false,
    }
}

fn number(node: &Node, path: &str) -> Option<Located<u32>> {
    let found = node.at(path)?;
    Some(Located::new(u32::try_from(found.int()?).ok()?, &found.place))
}

fn shared_with_host(node: &Node, key: &str) -> Option<Place> {
    let found = node.get(key)?;
    (found.str() == Some("host")).then(|| found.place.clone())
}

/// A command as a list, or as a line that is cut into words.
fn command(node: &Node, key: &str) -> Option<Located<Vec<String>>> {
    let entry = node.entry(key)?;
    let words = match entry.node.str() {
        Some(line) => split(line),
        None if entry.node.is_null() => return None,
        None => entry.node.items().iter().filter_map(Node::str).map(str::to_owned).collect(),
    };
    Some(Located::new(words, &entry.key_place))
}

/// A mapping, or a list of `KEY=value`: key, value where there is one, and the place of the key.
fn pairs(node: Option<&Node>) -> Vec<(String, Option<String>, Place)> {
    let Some(node) = node else { return Vec::new() };
    let mapping = node
        .entries()
        .iter()
        .map(|entry| (entry.key.clone(), entry.node.str().map(str::to_owned), entry.key_place.clone()));
    let list = node.items().iter().filter_map(|item| {
        let text = item.str()?;
        let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value.to_owned())));
        Some((key.to_owned(), value, item.place.clone()))
    });
    mapping.chain(list).collect()
}

fn environment(node: &Node) -> Vec<EnvVar> {
    let mut variables: Vec<EnvVar> = Vec::new();
    for (name, value, place) in pairs(node.get("environment")) {
        let value = match value {
            None => EnvValue::Other("host".to_owned()),
            Some(value) if from_host(&value) => EnvValue::Other(format!("host: {value}")),
            Some(value) => EnvValue::Literal(value),
        };
        // A later file wins over an earlier one.
        variables.retain(|variable| variable.name != name);
        variables.push(EnvVar { name, place, value });
    }
    variables
}

/// The whole value is one variable of the shell that starts compose, without a default.
fn from_host(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('$') else { return false };
    let name = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest);
    let name = name.split_once(":?").map_or(name, |(name, _)| name);
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn env_files(node: &Node) -> Vec<EnvFrom> {
    let Some(files) = node.get("env_file") else { return Vec::new() };
    let one = files.str().map(|_| files);
    one.into_iter()
        .chain(files.items())
        .filter_map(|file| {
            let path = file.str().or_else(|| file.str_at("path"))?;
            Some(EnvFrom {
                place: file.place.clone(),
                kind: EnvFromKind::File,
                name: path.to_owned(),
                optional: file.bool_at("required") == Some(false),
            })
        })
        .collect()
}

fn ports(node: &Node, variables: &Variables) -> Vec<Port> {
    let published = node.list("ports").iter().chain(node.list("expose"));
    published
        .map(|port| {
            let text = port.str().map(|text| variables.fill(text));
            let (text, protocol) = match text.as_deref().map(|text| text.split_once('/').unwrap_or((text, ""))) {
                Some((text, protocol)) => (text.to_owned(), Some(protocol.to_owned())),
                None => (String::new(), port.str_at("protocol").map(str::to_owned)),
            };
            let number = text.rsplit(':').next().and_then(|number| number.parse().ok());
            let target = port.int_at("target").and_then(|number| u16::try_from(number).ok());
            Port {
                number: number.or(target),
                name: port.str_at("name").map(str::to_owned),
                protocol: protocol.filter(|protocol| !protocol.is_empty()),
                place: port.place.clone(),
            }
        })
        .collect()
}

fn resources(node: &Node, path: &str, cpu: Option<&str>, memory: Option<&str>) -> Resources {
    let modern = node.at(path);
    let find = |new: &str, old: Option<&str>| {
        let found = modern.and_then(|modern| modern.get(new)).or_else(|| node.get(old?))?;
        Some(Located::new(found.str()?.to_owned(), &found.place))
    };
    Resources { cpu: find("cpus", cpu), memory: find("memory", memory) }
}

/// The engine marks a container unhealthy and does nothing more: what waits for it is `depends_on`, as with readiness.
fn health(node: &Node) -> Option<Probe> {
    let entry = node.entry("healthcheck")?;
    let check = &entry.node;
    if check.bool_at("disable") == Some(true) {
        return None;
    }
    let test = check.get("test")?;
    let command = command_of(test)?;
    // Defaults of the engine: https://docs.docker.com/reference/dockerfile/#healthcheck
    let duration = |key: &str, default: u32| check.str_at(key).and_then(seconds).unwrap_or(default);
    Some(Probe {
        place: entry.key_place.clone(),
        action: ProbeAction::Exec { command },
        initial_delay: 0,
        period: duration("interval", 30),
        timeout: duration("timeout", 30),
        failures: check.int_at("retries").and_then(|retries| u32::try_from(retries).ok()).unwrap_or(3),
        start_period: Some(duration("start_period", 0)),
    })
}

/// What a health check runs; none if it switches off the one of the image.
fn command_of(test: &Node) -> Option<Vec<String>> {
    let shell = |line: &str| ["sh", "-c", line].map(str::to_owned).to_vec();
    if let Some(line) = test.str() {
        return Some(shell(line));
    }
    let words: Vec<&str> = test.items().iter().filter_map(Node::str).collect();
    match words.split_first()? {
        (&"NONE", _) => None,
        (&"CMD-SHELL", rest) => Some(shell(&rest.join(" "))),
        (&"CMD", rest) => Some(rest.iter().map(|word| (*word).to_owned()).collect()),
        _ => Some(words.iter().map(|word| (*word).to_owned()).collect()),
    }
}

fn security(node: &Node) -> ContainerSecurity {
    let flag = |key: &str| {
        let found = node.get(key)?;
        Some(Located::new(found.bool()?, &found.place))
    };
    let texts = |key: &str| node.list(key).iter().filter_map(|item| Some((item.str()?, &item.place)));
    let mut options = texts("security_opt");
    let no_new_privileges = options.find(|(option, _)| {
        matches!(*option, "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true")
    });
    let user = node.get("user").and_then(|user| {
        let number = user.str()?.split(':').next()?.parse().ok()?;
        Some(Located::new(number, &user.place))
    });
    ContainerSecurity {
        place: ["security_opt", "cap_drop", "read_only", "user", "privileged"]
            .iter()
            .find_map(|key| node.entry(key).map(|entry| entry.key_place.clone())),
        run_as_non_root: None,
        run_as_user: user,
        allow_privilege_escalation: no_new_privileges.map(|(_, place)| Located::new(false, place)),
        privileged: flag("privileged"),
        read_only_root: flag("read_only"),
        drops: texts("cap_drop").map(|(name, _)| name.to_owned()).collect(),
        adds: texts("cap_add").map(|(name, place)| Located::new(name.to_owned(), place)).collect(),
        seccomp: texts("security_opt").find_map(|(option, place)| {
            let profile = option.strip_prefix("seccomp:").or_else(|| option.strip_prefix("seccomp="))?;
            Some(Located::new(profile.to_owned(), place))
        }),
    }
}

/// Volumes, bind mounts, tmpfs, secrets and configs, each with where it is mounted.
fn storage(node: &Node) -> (Vec<Volume>, Vec<Mount>) {
    let mut found = Vec::new();
    for volume in node.list("volumes") {
        found.extend(match volume.str() {
            Some(text) => short_volume(text, &volume.place),
            None => long_volume(volume),
        });
    }
    if let Some(tmpfs) = node.get("tmpfs") {
        let one = tmpfs.str().map(|_| tmpfs);
        for item in one.into_iter().chain(tmpfs.items()) {
            let path = item.str().unwrap_or_default().split(':').next().unwrap_or_default();
            found.push(mounted("tmpfs", VolumeKind::EmptyDir, path, false, &item.place));
        }
    }
    for secret in node.list("secrets") {
        let name = secret.str().or_else(|| secret.str_at("source")).unwrap_or_default();
        let target = secret.str_at("target").unwrap_or(name);
        let path = if target.starts_with('/') { target.to_owned() } else { format!("/run/secrets/{target}") };
        found.push(mounted(name, VolumeKind::Secret(name.to_owned()), &path, true, &secret.place));
    }
    for config in node.list("configs") {
        let name = config.str().or_else(|| config.str_at("source")).unwrap_or_default();
        let path = config.str_at("target").map_or_else(|| format!("/{name}"), str::to_owned);
        found.push(mounted(name, VolumeKind::ConfigMap(name.to_owned()), &path, true, &config.place));
    }
    found.into_iter().unzip()
}

fn mounted(name: &str, kind: VolumeKind, path: &str, read_only: bool, place: &Place) -> (Volume, Mount) {
    (
        Volume { name: name.to_owned(), place: place.clone(), kind },
        Mount { volume: name.to_owned(), path: path.to_owned(), read_only, place: place.clone() },
    )
}

/// `source:target:mode`, or a target alone, which is an anonymous volume.
fn short_volume(text: &str, place: &Place) -> Option<(Volume, Mount)> {
    let mut parts = text.split(':');
    let source = parts.next()?;
    let Some(target) = parts.next() else {
        return Some(mounted(source, VolumeKind::EmptyDir, source, false, place));
    };
    let read_only = parts.next().is_some_and(|mode| mode.split(',').any(|option| option == "ro"));
    let kind = volume_kind(source);
    Some(mounted(source, kind, target, read_only, place))
}

fn volume_kind(source: &str) -> VolumeKind {
    if source.starts_with(['.', '/', '~', '$']) {
        VolumeKind::HostPath(source.to_owned())
    } else {
        VolumeKind::Claim(source.to_owned())
    }
}

fn long_volume(node: &Node) -> Option<(Volume, Mount)> {
    let source = node.str_at("source").unwrap_or_default();
    let kind = match node.str_at("type") {
        Some("tmpfs") => VolumeKind::EmptyDir,
        Some("bind") => VolumeKind::HostPath(source.to_owned()),
        Some("volume") | None if source.is_empty() => VolumeKind::EmptyDir,
        Some("volume") | None => volume_kind(source),
        Some(other) => VolumeKind::Other(other.to_owned()),
    };
    let read_only = node.bool_at("read_only") == Some(true);
    Some(mounted(source, kind, node.str_at("target")?, read_only, &node.place))
}
