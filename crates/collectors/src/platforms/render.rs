//! `render.yaml`: <https://render.com/docs/blueprint-spec>.

use gonogo_domain::{
    Node,
    evidence::{EnvFrom, EnvFromKind, EnvValue, EnvVar, Probe, ProbeAction},
};

use super::{
    Declared, bare,
    read::{command, disk, image_at, number},
};
use crate::{DataFile, paths};

pub(super) fn read(file: &DataFile, document: &Node) -> Vec<Declared> {
    document.list("services").iter().filter(|service| runs(service)).filter_map(|one| service(file, one)).collect()
}

/// Static sites are served by the platform, and cron jobs do not run all the time.
fn runs(service: &Node) -> bool {
    let kind = service.str_at("type").unwrap_or_default();
    let runtime = service.str_at("runtime").or_else(|| service.str_at("env")).unwrap_or_default();
    matches!(kind, "web" | "pserv" | "worker") && runtime != "static"
}

fn service(file: &DataFile, node: &Node) -> Option<Declared> {
    let name = node.get("name")?;
    let mut workload = bare("render", name.str()?, &name.place, node);
    workload.grace_seconds = number(node, "maxShutdownDelaySeconds");
    workload.replicas = number(node, "numInstances").or_else(|| number(node, "scaling.minInstances"));
    let disk = node.get("disk").map(|one| {
        let text = |key: &str| one.str_at(key).unwrap_or_default();
        disk(text("name"), text("mountPath"), &one.place)
    });
    let (volume, mount) = disk.unzip();
    workload.keeps_data.extend(volume.as_ref().map(|volume| volume.place.clone()));
    workload.volumes.extend(volume);
    if let Some(container) = workload.containers.first_mut() {
        container.image = image_at(node, "image.url");
        container.command = command(node, "dockerCommand").or_else(|| command(node, "startCommand"));
        container.env = node.list("envVars").iter().filter_map(variable).collect();
        container.env_from = node.list("envVars").iter().filter_map(group).collect();
        container.readiness = node.get("healthCheckPath").and_then(|path| {
            let action =
                ProbeAction::Http { path: path.str()?.to_owned(), port: String::new(), scheme: "HTTP".to_owned() };
            Some(Probe {
                place: path.place.clone(),
                action,
                initial_delay: 0,
                // https://render.com/docs/health-checks
                period: 10,
                timeout: 5,
                failures: 3,
                start_period: None,
            })
        });
        container.mounts.extend(mount);
    }
    let built = node.get("image").is_none();
    let root = paths::join(paths::folder(&file.path), node.str_at("rootDir").unwrap_or("."))?;
    let container_file = node.str_at("dockerfilePath").and_then(|path| paths::join(&root, path));
    Some(Declared { workload, build_context: built.then_some(root), container_file })
}

fn variable(node: &Node) -> Option<EnvVar> {
    let key = node.get("key")?;
    let value = match (node.str_at("value"), node.bool_at("sync"), node.bool_at("generateValue")) {
        (Some(value), ..) => EnvValue::Literal(value.to_owned()),
        // Typed in by a person or made up by the platform; neither is in the repository.
        (None, Some(false), _) | (None, _, Some(true)) => {
            EnvValue::Secret { name: "render".to_owned(), key: key.str()?.to_owned(), optional: false }
        }
        _ => EnvValue::Other(
            node.entries().iter().find(|entry| entry.key != "key").map_or_else(String::new, |entry| entry.key.clone()),
        ),
    };
    Some(EnvVar { name: key.str()?.to_owned(), place: key.place.clone(), value })
}

fn group(node: &Node) -> Option<EnvFrom> {
    let name = node.get("fromGroup")?;
    Some(EnvFrom {
        place: name.place.clone(),
        kind: EnvFromKind::Secret,
        name: name.str()?.to_owned(),
        optional: false,
    })
}
