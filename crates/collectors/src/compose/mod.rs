//! Compose files as workloads: each service is one.

mod interpolate;
mod lower;
mod merge;
mod words;

use std::collections::BTreeMap;

use gonogo_domain::{
    Gap, Gathered, Node, Source,
    evidence::{Role, Workload},
};

use self::{interpolate::Variables, merge::Fragment};
use crate::{
    Corpus, DataFile,
    corpus::Format,
    environment,
    kubernetes::{Declaration, Origin},
};

/// What the compose files of a repository declare.
#[derive(Debug, Default)]
pub(crate) struct Compose {
    pub workloads: Gathered<Workload>,
    pub declarations: Vec<Declaration>,
}

/// The services of every compose file.
pub(crate) fn gather(corpus: &Corpus<'_>) -> Compose {
    let mut compose = Compose::default();
    for file in corpus.data().filter(|file| file.format == Format::Yaml && is_compose(file)) {
        compose.workloads.files += 1;
        compose.workloads.gaps.extend(file.gaps(Source::Workloads));
        read(corpus, file, &mut compose);
    }
    compose.workloads.items.sort_by(|one, other| (&one.place, &one.key).cmp(&(&other.place, &other.key)));
    compose.declarations.sort_by(|one, other| (&one.place, &one.key).cmp(&(&other.place, &other.key)));
    compose
}

/// A compose file by its name; its content may still be broken.
fn is_compose(file: &DataFile) -> bool {
    let name = file.name().to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let compose =
        stem.split(['.', '-', '_']).any(|word| word == "compose") || stem == "stack" || stem == "docker-stack";
    compose
        && (file.documents.iter().any(|document| document.get("services").is_some()) || file.broken_with("services:"))
}

/// The environment that the name of a compose file gives: `docker-compose.dev.yml` is `dev`.
fn suffix(file: &DataFile) -> Option<String> {
    let stem = file.name().rsplit_once('.').map_or(file.name(), |(stem, _)| stem);
    let words: Vec<&str> = stem
        .split(['.', '-', '_'])
        .filter(|word| !matches!(word.to_ascii_lowercase().as_str(), "" | "docker" | "compose" | "stack"))
        .collect();
    (!words.is_empty()).then(|| words.join("-"))
}

fn read(corpus: &Corpus<'_>, file: &DataFile, compose: &mut Compose) {
    let variables = Variables::read(corpus, file.folder());
    let suffix = suffix(file);
    let base = suffix.as_ref().and_then(|_| base_of(corpus, file));
    let environment = suffix.or_else(|| environment::of_folder(file.folder()));
    let production = file.role != Role::Test && environment.as_deref().is_none_or(serves_customers);
    for document in &file.documents {
        let services = document.get("services").map_or(&[][..], Node::entries);
        for service in services {
            let fragment = Fragment { file, entry: service };
            let merged = match merge::resolve(corpus, fragment, base) {
                Ok(merged) => merged,
                Err((place, reason)) => {
                    compose.workloads.gaps.push(Gap { source: Source::Workloads, place, reason });
                    continue;
                }
            };
            let lowered = lower::service(&service.key, &service.key_place, &merged, &variables);
            let workload = Workload { environment: environment.clone(), production, ..lowered };
            compose.declarations.push(declaration(file, &workload, &merged));
            compose.workloads.items.push(workload);
        }
    }
}

/// Names of compose files that people run on their own machines, besides those of any environment.
fn serves_customers(environment: &str) -> bool {
    let lower = environment.to_ascii_lowercase();
    environment::is_production(environment)
        && !lower.split(['-', '_', '.']).any(|word| {
            matches!(
                word,
                "override"
                    | "load"
                    | "demo"
                    | "example"
                    | "sample"
                    | "build"
                    | "debug"
                    | "tools"
                    | "deps"
                    | "dependencies"
            )
        })
}

/// The compose file that one with a suffix is laid over.
fn base_of<'c>(corpus: &'c Corpus<'_>, file: &DataFile) -> Option<&'c Node> {
    let folder = file.folder();
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"].iter().find_map(|name| {
        let path = if folder == "." { (*name).to_owned() } else { format!("{folder}/{name}") };
        corpus.file(&path)?.documents.first()?.get("services")
    })
}

fn declaration(file: &DataFile, workload: &Workload, service: &Node) -> Declaration {
    let build = service.get("build").filter(|build| !build.is_null());
    let context = build.map(|build| build.str().or_else(|| build.str_at("context")).unwrap_or("."));
    // The file that a person wrote the path in, which `extends` may have brought from elsewhere.
    let folder = |node: &Node| node.place.path().rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
    let context = build.zip(context).and_then(|(build, context)| words::join(&folder(build), context));
    let named = build.and_then(|build| build.str_at("dockerfile"));
    let container_file = context.as_ref().and_then(|context| words::join(context, named.unwrap_or("Dockerfile")));
    let image = workload.containers.first().and_then(|container| container.image.as_ref());
    Declaration {
        key: workload.key.clone(),
        name: workload.name.clone(),
        kind: workload.kind.clone(),
        place: workload.place.clone(),
        environment: workload.environment.clone(),
        production: workload.production,
        origin: Origin::Compose,
        container: workload.name.clone(),
        image: image.map(|image| image.value.text.clone()),
        build_context: context,
        container_file,
        set_aside: !file.role.counts() && file.role != Role::Example,
    }
}

/// Environment variables by their names.
type Environment = BTreeMap<String, String>;

#[cfg(test)]
mod tests;
