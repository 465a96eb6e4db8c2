//! Images that need no container file of their own: the build tool of a package makes them, or one file makes those of
//! many modules.

use std::collections::BTreeSet;

use gonogo_domain::{
    Capability, ServiceSource,
    evidence::{ImageBuild, ImageRef, InstructionKind, Package, Role, Workload},
};

use super::{
    Declared,
    built::{Build, Verdict, package_name, root_name},
    names::{generic_folder, normal, tooling},
    products, role_of,
};
use crate::paths;

/// Adds what packages make by themselves, and shares the container files that take the program as an argument.
pub(super) fn add(declared: &Declared<'_>, counts: &dyn Fn(Role) -> bool, builds: &mut Vec<Build>) {
    let running: BTreeSet<String> = running(declared, counts).collect();
    // One container file may make the one image that runs, whatever folder is called like it.
    let own_files = builds.iter().filter(|build| !build.images.is_empty() && build.base_product.is_none()).count();
    let mut added: Vec<Build> = Vec::new();
    for package in declared.packages {
        let path = package.place.path();
        let folder = paths::folder(path);
        if folder == "." || tooling(path).is_some() || !role_of(declared, path).is_some_and(counts) {
            continue;
        }
        let own: BTreeSet<String> = [package.name.as_deref().map(package_name).as_deref(), Some(paths::name(folder))]
            .into_iter()
            .flatten()
            .filter(|name| !generic_folder(name))
            .map(normal)
            .collect();
        let known = builds.iter().any(|build| {
            paths::is_below(&build.folder, folder) || !own.is_disjoint(&build.aliases) && !build.images.is_empty()
        });
        if known || added.iter().any(|build| build.folder == folder) {
            continue;
        }
        if makes_image(declared, package) {
            added.push(build(package, folder, own, Verdict::Service));
        } else if !own.is_disjoint(&running) {
            added.push(build(package, folder, own, Verdict::OnlyDeclared));
        }
    }
    // What runs under the name of the repository is made by the one module that makes an image.
    let root = normal(&root_name(declared));
    let makes = |build: &Build| matches!(build.verdict, Verdict::Service) && !generic_folder(&build.name);
    if running.contains(&root) && !builds.iter().chain(&added).any(|build| build.aliases.contains(&root)) {
        let mut modules = added.iter_mut().filter(|build| makes(build));
        if let (Some(module), None) = (modules.next(), modules.next()) {
            module.aliases.insert(root);
            added.retain(|build| makes(build) || !matches!(build.verdict, Verdict::Service));
        }
    }
    let named = added.iter().filter(|build| matches!(build.verdict, Verdict::OnlyDeclared)).count();
    if named == 1 && own_files == 1 {
        added.retain(|build| !matches!(build.verdict, Verdict::OnlyDeclared));
    }
    let modules = added.iter().map(|build| build.folder.clone()).collect();
    builds.append(&mut added);
    share(declared, &modules, builds);
}

/// The names of the images that run and are no product of others.
fn running(declared: &Declared<'_>, counts: &dyn Fn(Role) -> bool) -> impl Iterator<Item = String> {
    let own = |image: &&ImageRef| products::product(image).is_none() && !products::toolchain(&image.repository);
    let counted = move |path: &str| role_of(declared, path).is_none_or(counts);
    let workloads = declared.workloads.iter().filter(move |workload| counted(workload.place.path()));
    let images = workloads.flat_map(Workload::main_containers).filter_map(|one| one.image.as_ref());
    images.map(|image| &image.value).filter(own).map(|image| normal(paths::name(&image.repository)))
}

/// A plugin of its build makes the image. What a parent hands down to every module says nothing about one of them.
fn makes_image(declared: &Declared<'_>, package: &Package) -> bool {
    let path = package.place.path();
    let folder = paths::folder(path);
    let holds_others = declared.packages.iter().any(|other| {
        let other = paths::folder(other.place.path());
        other != folder && paths::is_below(other, folder)
    });
    !holds_others && package.any_dependencies_for(Capability::ImageBuilder).iter().any(|one| one.place.path() == path)
}

fn build(package: &Package, folder: &str, aliases: BTreeSet<String>, verdict: Verdict) -> Build {
    Build {
        name: paths::name(folder).to_owned(),
        aliases,
        declared: BTreeSet::new(),
        compose: BTreeSet::new(),
        images: BTreeSet::new(),
        folder: folder.to_owned(),
        sources: BTreeSet::from([ServiceSource {
            kind: paths::name(package.place.path()).to_owned(),
            place: package.place.clone(),
            environment: None,
        }]),
        verdict,
        place: package.place.clone(),
        base_product: None,
        base_name: None,
        entry: None,
    }
}

/// A file that is told by an argument which program to pack makes the images of the modules that have no file.
fn share(declared: &Declared<'_>, modules: &BTreeSet<String>, builds: &mut Vec<Build>) {
    if modules.len() < 2 {
        return;
    }
    let packs_any = |build: &Build| {
        let [image] = build.images.iter().collect::<Vec<_>>()[..] else { return false };
        declared.images.get(*image).is_some_and(packs_what_it_is_told)
            && build.declared.is_empty()
            && build.compose.is_empty()
    };
    let Some(index) = builds.iter().position(packs_any) else { return };
    let shared = builds.remove(index);
    for build in builds.iter_mut().filter(|build| build.images.is_empty() && modules.contains(&build.folder)) {
        build.images.clone_from(&shared.images);
        build.sources.extend(shared.sources.iter().cloned());
    }
}

/// The program is copied from where an argument without a value says.
fn packs_what_it_is_told(image: &ImageBuild) -> bool {
    let all = || image.stages.iter().flat_map(|stage| &stage.instructions);
    let open = all().filter_map(|one| match &one.kind {
        InstructionKind::Arg { name, default: None } => Some(name.as_str()),
        _ => None,
    });
    let open: BTreeSet<&str> = open.collect();
    all().any(|one| {
        let (InstructionKind::Copy { from: None, sources, .. } | InstructionKind::Add { sources, .. }) = &one.kind
        else {
            return false;
        };
        sources.iter().any(|source| {
            let named = source.split_once('$').map(|(_, rest)| rest.trim_start_matches('{'));
            let name = named
                .and_then(|rest| rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next());
            name.is_some_and(|name| open.contains(name))
        })
    })
}
