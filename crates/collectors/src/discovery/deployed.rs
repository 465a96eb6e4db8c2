//! What runs: workloads of one program, grouped over kinds, environments and compose files.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Message,
    evidence::{Container, ImageRef, Role, Workload, WorkloadKind},
};

use super::{Declared, LeftOut, built::Build, names::normal, products, role_of};
use crate::paths;

/// Workloads that are one service.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub name: String,
    pub workloads: BTreeSet<usize>,
    /// The index of the build that makes its image.
    pub build: Option<usize>,
}

/// Workloads of one name, before those of one program are put together.
#[derive(Default)]
struct Named {
    workloads: BTreeSet<usize>,
    build: Option<usize>,
    programs: BTreeSet<String>,
    long_running: bool,
}

pub(super) fn groups(
    declared: &Declared<'_>,
    builds: &[Build],
    counts: &dyn Fn(Role) -> bool,
    left_out: &mut Vec<LeftOut>,
) -> Vec<Group> {
    let wanted: Vec<(usize, &Workload)> = declared
        .workloads
        .iter()
        .enumerate()
        .filter(|(_, workload)| role_of(declared, workload.place.path()).is_none_or(counts))
        .collect();
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for (index, workload) in &wanted {
        named.entry(normal(&workload.name)).or_default().workloads.insert(*index);
    }
    let some_build_runs = wanted.iter().any(|(_, workload)| build_of(declared, workload, builds).is_some());
    let mut own: Vec<Named> = Vec::new();
    for (_, mut one) in named {
        let members: Vec<&Workload> = one.workloads.iter().filter_map(|index| declared.workloads.get(*index)).collect();
        one.build = members.iter().find_map(|workload| build_of(declared, workload, builds));
        if one.build.is_none() {
            if let Some(out) = others(declared, &members, builds, some_build_runs) {
                left_out.push(out);
                continue;
            }
        }
        let entry = one.build.and_then(|index| builds.get(index)).and_then(|build| build.entry.clone());
        one.programs = members.iter().filter_map(|workload| started(workload, entry.as_deref())).collect();
        one.long_running = members.iter().any(|workload| workload.kind.long_running());
        own.push(one);
    }
    // A repository with one image and workloads under other names: it is that image that they run.
    if let ([only], false) = (builds, some_build_runs) {
        let _ = only;
        own.iter_mut().for_each(|one| one.build = Some(0));
    }
    by_program(declared, own, builds)
}

/// The build that makes a workload's image.
fn build_of(declared: &Declared<'_>, workload: &Workload, builds: &[Build]) -> Option<usize> {
    if workload.kind == WorkloadKind::ComposeService && workload.body.get("build").is_some() {
        let name = normal(&workload.name);
        if let Some(index) = builds.iter().position(|build| build.compose.contains(&name) && declares(build, workload))
        {
            return Some(index);
        }
    }
    let images = workload.main_containers().filter_map(|container| container.image.as_ref());
    let best = images
        .flat_map(|image| {
            builds.iter().enumerate().map(move |(index, build)| (build.matches(&image.value.repository), index))
        })
        .filter(|(certainty, _)| *certainty > 0)
        .max_by_key(|(certainty, index)| (*certainty, std::cmp::Reverse(*index)));
    if let Some((certainty, index)) = best {
        // A name that only ends alike must not turn a product into an own program.
        let product = main_image(workload).and_then(products::product).is_some();
        if certainty > 1 || !product {
            return Some(index);
        }
    }
    // An image under another name: the workload's own name decides, unless the image is a product's.
    let foreign = main_image(workload).is_none_or(|image| products::product(image).is_some());
    if foreign && main_image(workload).is_some() {
        return None;
    }
    let name = normal(&workload.name);
    let _ = declared;
    builds.iter().position(|build| build.aliases.contains(&name))
}

fn declares(build: &Build, workload: &Workload) -> bool {
    build.sources.iter().any(|source| source.place.path() == workload.place.path())
}

fn main_image(workload: &Workload) -> Option<&ImageRef> {
    workload.main_containers().find_map(|container| container.image.as_ref()).map(|image| &image.value)
}

/// Why workloads that the repository builds nothing for are not its own.
fn others(declared: &Declared<'_>, members: &[&Workload], builds: &[Build], some_build_runs: bool) -> Option<LeftOut> {
    let workload = members.first()?;
    let images: Vec<&ImageRef> = members.iter().filter_map(|workload| main_image(workload)).collect();
    let image = images.first()?;
    let leave = |en: String, zh: String| {
        Some(LeftOut { name: workload.name.clone(), reason: Message::new(en, zh), place: workload.place.clone() })
    };
    if images.iter().all(|image| products::product(image).is_some()) {
        return leave(format!("it runs {}, a product of others", image.text), format!("运行第三方产品 {}", image.text));
    }
    // A package of the workload's name is built somewhere, if not by a container file.
    let name = normal(&workload.name);
    let package =
        declared.packages.iter().any(|package| normal(paths::name(paths::folder(package.place.path()))) == name);
    if !builds.is_empty() && some_build_runs && !package && image.repository.contains('/') && !image.templated {
        return leave(
            format!("it runs {}, which nothing in this repository builds", image.text),
            format!("运行 {}，本仓库不构建该镜像", image.text),
        );
    }
    None
}

/// Workloads that run the same program of the same image are one service, however many there are.
fn by_program(declared: &Declared<'_>, own: Vec<Named>, builds: &[Build]) -> Vec<Group> {
    let mut joined: Vec<Named> = Vec::new();
    let (staying, ending): (Vec<Named>, Vec<Named>) = own.into_iter().partition(|one| one.long_running);
    for one in staying {
        let same = joined.iter_mut().find(|known| {
            known.build.is_some() && known.build == one.build && !known.programs.is_disjoint(&one.programs)
        });
        match same {
            Some(known) => {
                known.workloads.extend(one.workloads);
                known.programs.extend(one.programs);
            }
            None => joined.push(one),
        }
    }
    // A job of a service's image migrates or cleans up for it.
    for one in ending {
        let mut same = joined.iter_mut().filter(|known| known.build.is_some() && known.build == one.build);
        match same.next() {
            Some(known) => known.workloads.extend(one.workloads),
            None => joined.push(one),
        }
    }
    joined.into_iter().map(|one| group(declared, one, builds)).collect()
}

fn group(declared: &Declared<'_>, one: Named, builds: &[Build]) -> Group {
    let members: Vec<&Workload> = one.workloads.iter().filter_map(|index| declared.workloads.get(*index)).collect();
    let build = one.build.and_then(|index| builds.get(index));
    let mut names: Vec<&str> = members.iter().map(|workload| workload.name.as_str()).collect();
    names.sort_by_key(|name| {
        let is_build = build.is_some_and(|build| build.aliases.contains(&normal(name)));
        (!is_build, name.len(), *name)
    });
    names.dedup();
    let distinct: BTreeSet<String> = names.iter().map(|name| normal(name)).collect();
    // Several names and none of them the program's: the program's it is.
    let name = match (build, names.first()) {
        (Some(build), Some(first)) if distinct.len() > 1 && !build.aliases.contains(&normal(first)) => {
            build.name.clone()
        }
        (_, Some(first)) => (*first).to_owned(),
        (Some(build), None) => build.name.clone(),
        (None, None) => String::new(),
    };
    Group { name, workloads: one.workloads, build: one.build }
}

/// The program that a workload starts: empty for what its image starts by itself.
fn started(workload: &Workload, entry: Option<&str>) -> Option<String> {
    let container: &Container = workload.main_containers().next()?;
    let command = container.command.as_ref().map(|command| command.value.as_slice()).unwrap_or_default();
    let args = container.args.as_ref().map(|args| args.value.as_slice()).unwrap_or_default();
    let words: Vec<String> = command.iter().chain(args).cloned().collect();
    let found = if command.is_empty() {
        // Arguments to the image's own program: the first word is a subcommand.
        match args.first() {
            Some(first) if !first.starts_with('-') => program(args),
            _ => None,
        }
    } else {
        program(&words)
    };
    Some(found.filter(|found| entry.is_none_or(|entry| normal(entry) != normal(found))).unwrap_or_default())
}

/// The program of a command line, without the wrappers and interpreters in front of it.
pub(super) fn program(words: &[String]) -> Option<String> {
    let line: Vec<&str> = words.iter().flat_map(|word| word.split_whitespace()).take(64).collect();
    let mut words = line.into_iter().map(|word| word.trim_matches(['"', '\'', '(', ')', ';']));
    let mut wrapped = false;
    while let Some(word) = words.next() {
        let name = paths::name(word);
        match name {
            ""
            | "exec"
            | "tini"
            | "dumb-init"
            | "env"
            | "sh"
            | "bash"
            | "ash"
            | "catatonit"
            | "su-exec"
            | "gosu"
            | "nohup"
            | "bundle"
            | "poetry"
            | "uv"
            | "pipenv"
            | "run"
            | "opentelemetry-instrument"
            | "ddtrace-run"
            | "newrelic-admin"
            | "&&" => {
                wrapped = true;
            }
            "python" | "python3" | "node" | "java" | "ruby" | "php" | "perl" | "deno" | "bun" | "dotnet" | "npx"
            | "nodemon" | "ts-node" => wrapped = true,
            "npm" | "yarn" | "pnpm" | "rails" | "rake" | "manage.py" | "artisan" | "console" | "mix" => {
                let next = words.find(|word| !word.starts_with('-') && *word != "run");
                return Some(next.map_or_else(|| name.to_owned(), |next| format!("{name} {next}")));
            }
            _ if word.starts_with('-') && (wrapped || word.starts_with("--")) => (),
            _ if word.contains('=') && !word.contains('/') => (),
            _ => return Some(name.to_owned()),
        }
    }
    None
}
