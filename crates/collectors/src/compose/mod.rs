//! Compose files as workloads: each service is one.

mod interpolate;
mod lower;
mod merge;

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Role, Workload},
};

pub(crate) use self::interpolate::Variables;
use self::merge::Fragment;
use crate::{
    Corpus, DataFile,
    corpus::Format,
    environment, image_name,
    kubernetes::{Declaration, Origin},
    paths,
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
    let included = included(corpus, &mut compose.workloads.gaps);
    for file in corpus.data() {
        let suffix = match included.get(&*file.path) {
            _ if is_compose(file) => suffix(file),
            Some(suffix) => suffix.clone(),
            None => continue,
        };
        compose.workloads.files += 1;
        compose.workloads.gaps.extend(file.gaps(Source::Workloads));
        read(corpus, file, suffix, &mut compose);
    }
    set_repeated_aside(corpus, &mut compose);
    compose.workloads.items.sort_by(|one, other| (&one.place, &one.key).cmp(&(&other.place, &other.key)));
    compose.declarations.sort_by(|one, other| (&one.place, &one.key).cmp(&(&other.place, &other.key)));
    compose
}

/// A service of the same name and environment that is built from the same folder, or runs the same image, in several
/// files is judged in the file that starts most: the others start a part of it, for somebody who works on that part.
fn set_repeated_aside(corpus: &Corpus<'_>, compose: &mut Compose) {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for declaration in &compose.declarations {
        *sizes.entry(declaration.place.path().to_owned()).or_default() += 1;
    }
    let size = |one: &Declaration| {
        let product = corpus.tree.entry(one.place.path()).is_some_and(|entry| entry.role == Role::Product);
        (product, sizes.get(one.place.path()).copied().unwrap_or(0))
    };
    let image = |one: &Declaration| {
        one.image.as_deref().map(|image| image_name::base_name(&image_name::image(image).repository).to_owned())
    };
    let better = |one: &Declaration, other: &Declaration| {
        one.place.path() != other.place.path()
            && ((one.build_context.is_some() && one.build_context == other.build_context)
                || (image(one).is_some() && image(one) == image(other)))
            && (size(one), other.place.path()) > (size(other), one.place.path())
    };
    let mut alike: BTreeMap<_, Vec<&Declaration>> = BTreeMap::new();
    for one in &compose.declarations {
        alike.entry((&one.key, &one.environment)).or_default().push(one);
    }
    let aside: Vec<bool> = compose
        .declarations
        .iter()
        .map(|other| {
            let rivals = alike.get(&(&other.key, &other.environment)).map_or(&[][..], Vec::as_slice);
            rivals.iter().any(|one| better(one, other))
        })
        .collect();
    for (declaration, aside) in compose.declarations.iter_mut().zip(aside) {
        declaration.set_aside = aside;
    }
    let places: BTreeSet<&Place> =
        compose.declarations.iter().filter(|one| one.set_aside).map(|one| &one.place).collect();
    compose.workloads.items.retain(|workload| !places.contains(&workload.place));
}

/// Files that include each other; people stay below a dozen.
const MAX_INCLUDED: usize = 1_000;

/// The files that compose files include, whatever they are called, each with the suffix of the file that does: what is
/// not in the repository is a gap.
fn included<'c>(corpus: &'c Corpus<'_>, gaps: &mut Vec<Gap>) -> BTreeMap<&'c str, Option<String>> {
    let mut found: BTreeMap<&str, Option<String>> = BTreeMap::new();
    // The files without a suffix are taken from the end, so that what they include is theirs.
    let mut open: Vec<(&DataFile, Option<String>)> =
        corpus.data().filter(|file| is_compose(file)).map(|file| (file, suffix(file))).collect();
    open.sort_by_key(|(_, suffix)| suffix.is_none());
    let mut seen: BTreeSet<&str> = open.iter().map(|(file, _)| &*file.path).collect();
    while let Some((file, suffix)) = open.pop() {
        let includes = file.documents.iter().flat_map(|document| document.list("include"));
        let references = includes.flat_map(|include| match include.get("path") {
            Some(list) if !list.items().is_empty() => list.items().iter().collect(),
            Some(one) => vec![one],
            None => vec![include],
        });
        for reference in references.filter(|reference| reference.str().is_some()).take(MAX_INCLUDED) {
            let path = reference.str().unwrap_or_default();
            match paths::join(file.folder(), path).and_then(|path| corpus.file(&path)) {
                Some(other) => {
                    found.entry(&other.path).or_insert_with(|| suffix.clone());
                    if seen.insert(&other.path) && seen.len() < MAX_INCLUDED {
                        open.push((other, suffix.clone()));
                    }
                }
                None => gaps.push(Gap {
                    source: Source::Workloads,
                    place: reference.place.clone(),
                    reason: format!("includes {path}, which is not in this repository"),
                }),
            }
        }
    }
    found
}

/// A compose file by its name; its content may still be broken.
fn is_compose(file: &DataFile) -> bool {
    if file.format != Format::Yaml {
        return false;
    }
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

fn read(corpus: &Corpus<'_>, file: &DataFile, suffix: Option<String>, compose: &mut Compose) {
    let variables = Variables::read(corpus, file.folder());
    let base = suffix.as_ref().and_then(|_| base_of(corpus, file));
    let environment =
        suffix.or_else(|| environment::of_folder(file.folder())).or_else(|| tagged(file)).or_else(|| edited(file));
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
            compose.declarations.push(declaration(&workload, &merged, &variables));
            compose.workloads.items.push(workload);
        }
    }
}

/// The environment that an image is tagged for which is built here: `shop:dev`.
fn tagged(file: &DataFile) -> Option<String> {
    let services = file.documents.iter().flat_map(|document| document.get("services").map_or(&[][..], Node::entries));
    let built = services.filter(|service| service.node.get("build").is_some());
    // A tag that a variable gives is another in production.
    let mut tags = built.filter_map(|service| service.node.str_at("image")?.rsplit_once(':').map(|(_, tag)| tag));
    tags.find(|tag| environment::is_clear(tag) && !environment::is_production(tag)).map(str::to_owned)
}

/// What is built here and has the folder that it is built from mounted over it is run by whoever edits that folder.
fn edited(file: &DataFile) -> Option<String> {
    let plain = |path: &str| path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/");
    let mut services =
        file.documents.iter().flat_map(|document| document.get("services").map_or(&[][..], Node::entries));
    let mounted = services.any(|service| {
        let Some(build) = service.node.get("build") else { return false };
        let context = plain(build.str().or_else(|| build.str_at("context")).unwrap_or("."));
        service.node.list("volumes").iter().any(|volume| {
            let short = volume.str().and_then(|text| text.split_once(':')).map(|(source, _)| source);
            short.or_else(|| volume.str_at("source")).is_some_and(|source| plain(source) == context)
        })
    });
    mounted.then(|| "development".to_owned())
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

fn declaration(workload: &Workload, service: &Node, variables: &Variables) -> Declaration {
    let build = service.get("build").filter(|build| !build.is_null());
    let context = build.map(|build| variables.fill(build.str().or_else(|| build.str_at("context")).unwrap_or(".")));
    // The file that a person wrote the path in, which `extends` may have brought from elsewhere.
    let context =
        build.zip(context).and_then(|(build, context)| paths::join(paths::folder(build.place.path()), &context));
    let named = build.and_then(|build| build.str_at("dockerfile")).map(|named| variables.fill(named));
    let container_file =
        context.as_ref().and_then(|context| paths::join(context, named.as_deref().unwrap_or("Dockerfile")));
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
        set_aside: false,
    }
}

/// Environment variables by their names.
type Environment = BTreeMap<String, String>;

#[cfg(test)]
mod tests;
