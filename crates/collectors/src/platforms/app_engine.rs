//! `app.yaml` of App Engine: <https://cloud.google.com/appengine/docs/flexible/reference/app-yaml>.

use gonogo_domain::{
    Node,
    evidence::{Probe, ProbeAction, Resources},
};

use super::{
    Declared, bare,
    read::{command, number, text, variables},
};
use crate::{DataFile, paths};

pub(super) fn read(file: &DataFile, document: &Node) -> Vec<Declared> {
    let Some(runtime) = document.get("runtime").filter(|runtime| runtime.str().is_some()) else { return Vec::new() };
    let service = document.get("service");
    let name = service.and_then(Node::str).unwrap_or("default");
    let mut workload = bare("app engine", name, &service.unwrap_or(runtime).place, document);
    workload.replicas =
        ["automatic_scaling.min_num_instances", "automatic_scaling.min_instances", "manual_scaling.instances"]
            .iter()
            .find_map(|path| number(document, path));
    if let Some(container) = workload.containers.first_mut() {
        container.command = command(document, "entrypoint");
        container.env = variables(document.get("env_variables"));
        container.readiness = probe(document, "readiness_check", 5, 2);
        container.liveness = probe(document, "liveness_check", 30, 4);
        container.limits =
            Resources { cpu: text(document, "resources.cpu"), memory: text(document, "resources.memory_gb") };
    }
    let folder = paths::folder(&file.path);
    let container_file = if runtime.str() == Some("custom") { paths::join(folder, "Dockerfile") } else { None };
    vec![Declared { workload, build_context: Some(folder.to_owned()), container_file }]
}

fn probe(document: &Node, key: &str, period: u32, failures: u32) -> Option<Probe> {
    let entry = document.entry(key)?;
    let seconds = |key: &str, default: u32| number(&entry.node, key).map_or(default, |number| number.value);
    Some(Probe {
        place: entry.key_place.clone(),
        action: ProbeAction::Http {
            path: entry.node.str_at("path")?.to_owned(),
            port: String::new(),
            scheme: "HTTP".to_owned(),
        },
        initial_delay: seconds("initial_delay_sec", 0),
        period: seconds("check_interval_sec", period),
        timeout: seconds("timeout_sec", 4),
        failures: seconds("failure_threshold", failures),
        start_period: number(&entry.node, "app_start_timeout_sec").map(|number| number.value),
    })
}
