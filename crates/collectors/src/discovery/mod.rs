//! The deployable units of a repository, each with its class and the evidence for it.
//!
//! The same service shows itself many times: as a workload in manifests, as a container file, as a compose service, as
//! a package. [`deployed`] joins what runs, [`built`] what is built; here they meet by image, folder and name.

mod built;
mod class;
mod deployed;
mod modules;
mod names;
pub(crate) mod products;
mod programs;
mod relations;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Class, Message, Place, Service, ServiceSource, State, Tier,
    evidence::{ApiDescription, ImageBuild, Migration, Object, Ownership, Package, Resource, Role, Workload},
};

use self::{
    built::{Build, Verdict},
    deployed::Group,
};
pub(crate) use self::{
    class::handing_out,
    class::selects as class_selects,
    names::{generic_folder, normal, tooling, tooling_folder},
};
use crate::{Corpus, configuration::ServiceStatement, images, kubernetes::Declaration, ownership, paths};

/// What discovery looks at.
pub(crate) struct Declared<'a> {
    pub corpus: &'a Corpus<'a>,
    pub workloads: &'a [Workload],
    pub declarations: &'a [Declaration],
    pub objects: &'a [Object],
    pub images: &'a [ImageBuild],
    pub packages: &'a [Package],
    pub apis: &'a [ApiDescription],
    pub migrations: &'a [Migration],
    pub infrastructure: &'a [Resource],
    pub ownership: &'a [Ownership],
    pub statements: &'a [ServiceStatement],
}

/// A service with the evidence that made it one.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub service: Service,
    /// Indexes of its workloads.
    pub workloads: BTreeSet<usize>,
    /// Indexes of its container files.
    pub images: BTreeSet<usize>,
    /// The folder of the package that it is built from: a program in `cmd/` is built from the module around it.
    pub home: String,
    /// Its images carry what lies in its folder and nothing of a package around it.
    pub self_contained: bool,
}

/// Something that looks like a service and is not reviewed as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LeftOut {
    pub name: String,
    pub reason: Message,
    pub place: Place,
}

#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// In the order of their names.
    pub units: Vec<Unit>,
    pub left_out: Vec<LeftOut>,
}

/// What is known of a unit before it is one.
#[derive(Clone, Debug, Default)]
struct Candidate {
    name: String,
    workloads: BTreeSet<usize>,
    images: BTreeSet<usize>,
    /// Index of a package that is a program of its own.
    packages: BTreeSet<usize>,
    folder: Option<String>,
    sources: BTreeSet<ServiceSource>,
    class: Option<(Class, Message)>,
}

pub(crate) fn discover(declared: &Declared<'_>) -> Discovered {
    let outside = [Role::Example, Role::Test, Role::Documentation];
    let product = units(declared, &|role| !outside.contains(&role));
    if product.units.iter().any(|unit| unit.service.class != Class::Library) {
        return product;
    }
    // Examples are services only where nothing else is.
    let with_examples = units(declared, &|role| role != Role::Test);
    let deployable = |unit: &Unit| !unit.workloads.is_empty() || !unit.images.is_empty();
    if product.units.is_empty() && with_examples.units.iter().any(deployable) { with_examples } else { product }
}

fn units(declared: &Declared<'_>, counts: &dyn Fn(Role) -> bool) -> Discovered {
    let mut left_out = Vec::new();
    let builds = built::builds(declared, counts);
    let deployed = deployed::groups(declared, &builds, counts, &mut left_out);

    let mut candidates: Vec<Candidate> =
        deployed.own.iter().map(|group| from_group(declared, group, &builds)).collect();
    let taken: BTreeSet<usize> = candidates.iter().flat_map(|one| one.images.iter().copied()).collect();
    for build in &builds {
        if build.images.iter().any(|index| taken.contains(index)) {
            continue;
        }
        match &build.verdict {
            Verdict::Service => candidates.push(from_build(build)),
            Verdict::LeftOut(reason) if !build.images.is_empty() => {
                left_out.push(LeftOut { name: build.name.clone(), reason: reason.clone(), place: build.place.clone() });
            }
            Verdict::LeftOut(_) | Verdict::OnlyDeclared => (),
        }
    }
    leave_out_load_generators(&mut candidates, &mut left_out);
    if candidates.is_empty() {
        candidates = programs::platforms(declared, counts);
    }
    if candidates.is_empty() {
        candidates = programs::programs(declared, counts, &mut left_out);
    }
    if candidates.is_empty() && declared.statements.is_empty() {
        // A repository that only deploys products of others is reviewed for what it does.
        candidates = deployed.products.iter().map(|group| product(declared, group)).collect();
        left_out.retain(|out| !candidates.iter().any(|candidate| candidate.name == out.name));
    }
    for candidate in &mut candidates {
        candidate.folder = candidate.folder.take().map(|folder| existing(declared, folder));
    }
    state_units(declared, &mut candidates);
    attach_packages(declared, &mut candidates, counts);
    merge_same_names(&mut candidates);
    finish(declared, &candidates, left_out)
}

fn from_group(declared: &Declared<'_>, group: &Group, builds: &[Build]) -> Candidate {
    let build = group.build.and_then(|index| builds.get(index));
    let mut sources: BTreeSet<ServiceSource> = group
        .workloads
        .iter()
        .filter_map(|index| declared.workloads.get(*index))
        .map(|workload| ServiceSource {
            kind: workload.kind.name().to_owned(),
            place: workload.place.clone(),
            environment: workload.environment.clone(),
        })
        .collect();
    sources.extend(build.into_iter().flat_map(|build| build.sources.iter().cloned()));
    Candidate {
        name: group.name.clone(),
        workloads: group.workloads.clone(),
        images: build.map(|build| build.images.clone()).unwrap_or_default(),
        packages: BTreeSet::new(),
        folder: build.map(|build| build.folder.clone()).or_else(|| context(declared, group)),
        sources,
        class: None,
    }
}

/// The folder that a platform or a compose file builds what it runs from.
fn context(declared: &Declared<'_>, group: &Group) -> Option<String> {
    let mut workloads = group.workloads.iter().filter_map(|index| declared.workloads.get(*index));
    workloads.find_map(|workload| {
        let mut said =
            declared.declarations.iter().filter(|one| one.key == workload.key && one.place == workload.place);
        said.find_map(|one| one.build_context.clone())
    })
}

/// The nearest folder that is here: what a package manager brings along (`vendor/laravel/sail`) is in no repository, and
/// what is built from there is the program around it.
fn existing(declared: &Declared<'_>, folder: String) -> String {
    let here = |folder: &str| folder == "." || declared.corpus.tree.below(folder).next().is_some();
    if here(&folder) {
        return folder;
    }
    paths::ancestors(&folder).find(|above| here(above)).map_or_else(|| ".".to_owned(), str::to_owned)
}

fn from_build(build: &Build) -> Candidate {
    Candidate {
        name: build.name.clone(),
        images: build.images.clone(),
        folder: Some(build.folder.clone()),
        sources: build.sources.clone(),
        ..Candidate::default()
    }
}

fn leave_out_load_generators(candidates: &mut Vec<Candidate>, left_out: &mut Vec<LeftOut>) {
    candidates.retain(|candidate| {
        let folder = candidate.folder.as_deref().map(paths::name);
        let name =
            [Some(candidate.name.as_str()), folder].into_iter().flatten().find(|name| products::load_generator(name));
        let Some(name) = name else { return true };
        let Some(source) = candidate.sources.first() else { return true };
        left_out.push(LeftOut {
            name: candidate.name.clone(),
            reason: Message::new(
                format!("{name} only puts load on others: it is no production service"),
                format!("{name} 仅用于向其他服务施加负载，不是生产服务"),
            ),
            place: source.place.clone(),
        });
        false
    });
}

fn product(declared: &Declared<'_>, group: &Group) -> Candidate {
    let mut candidate = from_group(declared, group, &[]);
    let place = candidate.sources.first().map(|source| source.place.to_string()).unwrap_or_default();
    candidate.class = Some((
        Class::ThirdParty,
        Message::new(
            format!("it is a product of others, deployed here ({place})"),
            format!("此处部署的第三方产品（{place}）"),
        ),
    ));
    candidate
}

/// What `gonogo.toml` names and nothing else does becomes a unit.
fn state_units(declared: &Declared<'_>, candidates: &mut Vec<Candidate>) {
    for statement in declared.statements {
        if candidates.iter().any(|one| one.name == statement.name) {
            continue;
        }
        // Without a path, the one statement names the one unit that there is.
        let alone = candidates.len() == 1 && declared.statements.len() == 1;
        let mut there = candidates.iter_mut().filter(|one| match &statement.path {
            Some(path) => one.folder.as_deref() == Some(path),
            None => alone,
        });
        let by_path = there.next().filter(|_| there.next().is_none());
        match by_path {
            // The configuration knows the better name of what lies there.
            Some(candidate) if !declared.statements.iter().any(|other| other.name == candidate.name) => {
                candidate.name.clone_from(&statement.name);
            }
            _ => candidates.push(Candidate {
                name: statement.name.clone(),
                folder: Some(statement.path.clone().unwrap_or_else(|| ".".to_owned())),
                sources: BTreeSet::from([ServiceSource {
                    kind: "gonogo.toml".to_owned(),
                    place: statement.place.clone(),
                    environment: None,
                }]),
                ..Candidate::default()
            }),
        }
    }
}

/// Packages that lie in the folder of a unit, or carry its name, are part of it.
fn attach_packages(declared: &Declared<'_>, candidates: &mut [Candidate], counts: &dyn Fn(Role) -> bool) {
    let only = candidates.len() == 1;
    for candidate in candidates {
        let name = normal(&candidate.name);
        for (index, package) in declared.packages.iter().enumerate() {
            let path = package.place.path();
            if !role_of(declared, path).is_some_and(counts) {
                continue;
            }
            let folder = paths::folder(path);
            let same_folder = candidate.folder.as_deref() == Some(folder);
            let same_name = normal(paths::name(folder)) == name && folder != ".";
            if same_folder
                || (same_name && candidate.folder.as_deref().is_none_or(|own| own == "."))
                || (only && folder == ".")
            {
                candidate.packages.insert(index);
                candidate.sources.insert(ServiceSource {
                    kind: paths::name(path).to_owned(),
                    place: package.place.clone(),
                    environment: None,
                });
                if candidate.folder.is_none() {
                    candidate.folder = Some(folder.to_owned());
                }
            }
        }
    }
}

fn role_of(declared: &Declared<'_>, path: &str) -> Option<Role> {
    declared.corpus.tree.entry(path).map(|entry| entry.role)
}

/// Two candidates of one name are two views of one service, unless each has a folder of its own: then the folders
/// around them tell them apart.
fn merge_same_names(candidates: &mut Vec<Candidate>) {
    let mut merged: BTreeMap<String, Candidate> = BTreeMap::new();
    for mut candidate in candidates.drain(..) {
        let apart = merged.get(&normal(&candidate.name)).is_some_and(|known| lie_apart(known, &candidate));
        if apart {
            let folder = candidate.folder.clone().unwrap_or_default();
            let around = paths::ancestors(&folder).map(paths::name).find(|name| !names::generic_folder(name));
            let named = around.map(|around| format!("{around}-{}", candidate.name));
            // A third of the same name in folders of the same name gets its whole path.
            candidate.name =
                named.filter(|name| !merged.contains_key(&normal(name))).unwrap_or_else(|| folder.replace('/', "-"));
        }
        let key = normal(&candidate.name);
        let Some(known) = merged.get_mut(&key) else {
            merged.insert(key, candidate);
            continue;
        };
        known.workloads.extend(candidate.workloads);
        known.images.extend(candidate.images);
        known.packages.extend(candidate.packages);
        known.sources.extend(candidate.sources);
        if known.folder.as_deref().is_none_or(|folder| folder == ".") {
            known.folder = candidate.folder.or(known.folder.take());
        }
        known.class = known.class.take().or(candidate.class);
    }
    candidates.extend(merged.into_values());
    candidates.sort_by(|one, other| one.name.cmp(&other.name));
}

/// Each has a folder of its own, and neither is inside of the other's.
fn lie_apart(one: &Candidate, other: &Candidate) -> bool {
    match (one.folder.as_deref(), other.folder.as_deref()) {
        (Some(one), Some(other)) => !paths::is_below(one, other) && !paths::is_below(other, one),
        _ => false,
    }
}

fn finish(declared: &Declared<'_>, candidates: &[Candidate], mut left_out: Vec<LeftOut>) -> Discovered {
    let homes: Vec<String> = candidates.iter().map(|one| home(declared, one)).collect();
    let shared: BTreeSet<&String> =
        homes.iter().filter(|home| homes.iter().filter(|other| other == home).count() > 1).collect();
    let mut units: Vec<Unit> = Vec::new();
    for (candidate, home) in candidates.iter().zip(&homes) {
        let statement = declared.statements.iter().find(|statement| statement.name == candidate.name);
        let view = class::View { declared, candidate, home, home_is_shared: shared.contains(home) };
        let (class, class_reason) =
            match (statement.and_then(|one| one.class.map(|class| (class, one))), &candidate.class) {
                (Some((class, statement)), _) => (class, stated(&statement.place)),
                (None, Some(known)) => known.clone(),
                (None, None) => class::classify(&view),
            };
        let path = statement
            .and_then(|one| one.path.clone())
            .or_else(|| candidate.folder.clone())
            .unwrap_or_else(|| ".".to_owned());
        let owner = statement.and_then(|one| one.owner.clone()).or_else(|| {
            ownership::owners_of(declared.ownership, &candidate.name, &path).map(|owned| owned.owners.join(", "))
        });
        let mut dependencies = statement.map(|one| one.dependencies.clone()).unwrap_or_default();
        for dependency in relations::dependencies(&view, candidates) {
            if !dependencies.iter().any(|known| normal(&known.name) == normal(&dependency.name)) {
                dependencies.push(dependency);
            }
        }
        dependencies.sort();
        let state: State = match statement.and_then(|one| one.state.clone()) {
            Some(state) => state,
            None => relations::state(&view, &dependencies, candidates),
        };
        units.push(Unit {
            service: Service {
                name: candidate.name.clone(),
                class,
                class_reason,
                path,
                sources: candidate.sources.iter().cloned().collect(),
                owner,
                tier: statement.and_then(|one| one.tier).unwrap_or(Tier::Two),
                dependencies,
                state,
                urls: statement.map(|one| one.urls.clone()).unwrap_or_default(),
            },
            workloads: candidate.workloads.clone(),
            images: candidate.images.clone(),
            home: home.clone(),
            self_contained: self_contained(declared, candidate, home),
        });
    }
    left_out.sort();
    left_out.dedup();
    Discovered { units, left_out }
}

fn stated(place: &Place) -> Message {
    Message::new(format!("{place} says so"), format!("{place} 中如此声明"))
}

/// The folder of the nearest package at or above the folder of the candidate.
fn home(declared: &Declared<'_>, candidate: &Candidate) -> String {
    let own: Vec<&str> = candidate
        .packages
        .iter()
        .filter_map(|index| declared.packages.get(*index))
        .map(|package| paths::folder(package.place.path()))
        .collect();
    let folder = candidate.folder.as_deref().unwrap_or(".");
    if own.contains(&folder) || folder == "." {
        return folder.to_owned();
    }
    // Packages below the folder: the folder is a whole of its own.
    if declared.packages.iter().any(|package| paths::is_below(paths::folder(package.place.path()), folder)) {
        return folder.to_owned();
    }
    if let Some(packed) = packed(declared, candidate, folder).filter(|_| own.is_empty()) {
        return packed;
    }
    let go_program = declared.corpus.tree.contains(&format!("{folder}/main.go"));
    let above = paths::ancestors(folder)
        .find(|above| declared.packages.iter().any(|package| paths::folder(package.place.path()) == *above));
    match above {
        // A folder of its own kind (a database image, static files) is not part of the package around it.
        Some(above) if go_program || own.is_empty() && has_sources_only_above(declared, candidate) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// The package that all of its images carry as a whole, where they carry one from outside of their folder.
fn packed(declared: &Declared<'_>, candidate: &Candidate, folder: &str) -> Option<String> {
    let images = candidate.images.iter().filter_map(|index| declared.images.get(*index));
    let mut found = images.map(|image| images::packed_package(declared.corpus, image, folder));
    let first = found.next()??;
    found.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Its images carry what lies in its folder, and nothing of a package around it.
fn self_contained(declared: &Declared<'_>, candidate: &Candidate, home: &str) -> bool {
    let mut images = candidate.images.iter().filter_map(|index| declared.images.get(*index)).peekable();
    home != "." && images.peek().is_some() && images.all(|image| images::packs_only(declared.corpus, image, home))
}

/// The container file copies from outside of its folder: the program's sources lie above.
fn has_sources_only_above(declared: &Declared<'_>, candidate: &Candidate) -> bool {
    let folder = candidate.folder.as_deref().unwrap_or(".");
    candidate.images.iter().filter_map(|index| declared.images.get(*index)).any(|image| {
        image.context != folder
            && paths::is_below(folder, &image.context)
            && !images::packs_only(declared.corpus, image, folder)
    })
}

#[cfg(test)]
mod tests;
