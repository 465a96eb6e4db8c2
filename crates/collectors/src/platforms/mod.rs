//! Files of platforms that run containers or programs, as workloads.

mod app_engine;
mod ecs;
mod fly;
mod procfile;
mod read;
mod render;
mod serverless;

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Container, ContainerSecurity, Located, PodSecurity, Resources, Role, Workload, WorkloadKind},
};

use crate::{
    Corpus, DataFile,
    corpus::Format,
    environment,
    kubernetes::{Declaration, Origin},
};

/// What the platform files of a repository declare.
#[derive(Debug, Default)]
pub(crate) struct Platforms {
    pub workloads: Gathered<Workload>,
    pub declarations: Vec<Declaration>,
}

/// A workload of a platform, and what its image is built from.
struct Declared {
    workload: Workload,
    build_context: Option<String>,
    container_file: Option<String>,
}

/// The workloads of every platform file.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Platforms {
    let mut platforms = Platforms::default();
    for file in corpus.data() {
        let Some(read) = reader(file) else { continue };
        platforms.workloads.files += 1;
        platforms.workloads.gaps.extend(file.gaps(Source::Workloads));
        let declared = file.documents.iter().flat_map(|document| read(file, document)).collect();
        platforms.add(declared, &file.path, file.role);
    }
    for entry in corpus.files_where(|entry| procfile::is_one(entry.name())) {
        match corpus.tree.text(&entry.path) {
            Ok(text) => {
                platforms.workloads.files += 1;
                platforms.add(procfile::read(&entry.path, &text), &entry.path, entry.role);
            }
            Err(reason) => platforms.workloads.gaps.push(Gap {
                source: Source::Workloads,
                place: Place::whole(Arc::clone(&entry.path)),
                reason,
            }),
        }
    }
    platforms
}

type Reader = fn(&DataFile, &Node) -> Vec<Declared>;

/// Which platform a file belongs to, by its name and by what only that platform's files have.
fn reader(file: &DataFile) -> Option<Reader> {
    let name = file.name().to_ascii_lowercase();
    let words: Vec<&str> = name.split(['.', '-', '_']).collect();
    let has = |key: &str| file.documents.iter().any(|document| document.get(key).is_some());
    let data = |format: Format| file.format == format;
    match words.first() {
        Some(&"fly") if data(Format::Toml) && (has("app") || has("http_service") || file.broken_with("app")) => {
            Some(fly::read)
        }
        Some(&"render") if data(Format::Yaml) && (has("services") || file.broken_with("services:")) => {
            Some(render::read)
        }
        Some(&"serverless") if data(Format::Yaml) && (has("provider") || file.broken_with("provider:")) => {
            Some(serverless::read)
        }
        Some(&"app") if data(Format::Yaml) && has("runtime") && !has("apiVersion") => Some(app_engine::read),
        _ if has("containerDefinitions") || has("taskDefinition") => Some(ecs::read),
        _ => None,
    }
}

/// The environment that a platform file's name or folder gives: `fly.staging.toml`.
fn environment_of(path: &str) -> Option<String> {
    environment::of_path(path)
}

impl Platforms {
    fn add(&mut self, declared: Vec<Declared>, path: &str, role: Role) {
        let environment = environment_of(path);
        let production = role != Role::Test && environment.as_deref().is_none_or(environment::is_production);
        for Declared { mut workload, build_context, container_file } in declared {
            workload.environment = workload.environment.or_else(|| environment.clone());
            workload.production = production;
            let mut containers: Vec<&Container> = workload.main_containers().collect();
            containers.truncate(100);
            self.declarations.extend(containers.into_iter().map(|container| Declaration {
                key: workload.key.clone(),
                name: workload.name.clone(),
                kind: workload.kind.clone(),
                place: workload.place.clone(),
                environment: workload.environment.clone(),
                production: workload.production,
                origin: Origin::Platform,
                container: container.name.clone(),
                image: container.image.as_ref().map(|image| image.value.text.clone()),
                build_context: build_context.clone(),
                container_file: container_file.clone(),
                set_aside: false,
            }));
            self.workloads.items.push(workload);
        }
    }
}

/// A workload of which nothing but its name is known, with one container.
fn bare(platform: &str, name: &str, place: &Place, body: &Node) -> Workload {
    Workload {
        key: format!("{platform}/{name}"),
        name: name.to_owned(),
        namespace: None,
        kind: WorkloadKind::Platform(platform.to_owned()),
        environment: None,
        production: true,
        place: place.clone(),
        labels: BTreeMap::new(),
        pod_labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        pod_annotations: BTreeMap::new(),
        replicas: None::<Located<u32>>,
        containers: vec![bare_container(name, place)],
        init_containers: Vec::new(),
        grace_seconds: None,
        spread: Vec::new(),
        security: PodSecurity::default(),
        volumes: Vec::new(),
        keeps_data: Vec::new(),
        body: Arc::new(body.clone()),
    }
}

fn bare_container(name: &str, place: &Place) -> Container {
    Container {
        name: name.to_owned(),
        place: place.clone(),
        image: None,
        command: None,
        args: None,
        ports: Vec::new(),
        env: Vec::new(),
        env_from: Vec::new(),
        requests: Resources::default(),
        limits: Resources::default(),
        readiness: None,
        liveness: None,
        startup: None,
        pre_stop: None,
        security: ContainerSecurity::default(),
        mounts: Vec::new(),
        sidecar: false,
    }
}

#[cfg(test)]
mod tests;
