//! What runs: workloads of one program, grouped over kinds, environments and compose files.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Message,
    evidence::{Container, ImageRef, Role, Workload, WorkloadKind},
};

use super::{
    Declared, LeftOut,
    built::{Build, Verdict, root_name, runner, tests_only},
    names::{generic_folder, normal, tooling},
    products, role_of,
};
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

/// What runs here.
pub(super) struct Deployed {
    pub own: Vec<Group>,
    /// Products of others, as they are.
    pub products: Vec<Group>,
}

pub(super) fn groups(
    declared: &Declared<'_>,
    builds: &[Build],
    counts: &dyn Fn(Role) -> bool,
    left_out: &mut Vec<LeftOut>,
) -> Deployed {
    let mut named: BTreeMap<(Option<usize>, String), Named> = BTreeMap::new();
    for (index, workload) in declared.workloads.iter().enumerate() {
        if !role_of(declared, workload.place.path()).is_none_or(counts) {
            continue;
        }
        let build = build_of(declared, workload, builds);
        let one = named.entry((build, shared_name(workload))).or_default();
        one.build = build;
        one.workloads.insert(index);
    }
    let some_build_runs = named.keys().any(|(build, _)| build.is_some());
    let mut own: Vec<Named> = Vec::new();
    let mut products: Vec<Group> = Vec::new();
    for mut one in named.into_values() {
        let members = members(declared, &one);
        let build = one.build.and_then(|index| builds.get(index));
        if let Some(out) = tooling_only(&members, build).or_else(|| agent(&members, build)) {
            left_out.push(out);
            continue;
        }
        if tests_others(&members, build) {
            continue;
        }
        if let Some(out) = toolchain_only(&members, build) {
            left_out.push(out);
            continue;
        }
        if let Some((out, product)) = others(declared, &members, builds, one.build, some_build_runs) {
            left_out.push(out);
            if product {
                products.push(group(declared, one, builds));
            }
            continue;
        }
        // What only developers run says nothing about how the service runs.
        let kept: BTreeSet<usize> = one
            .workloads
            .iter()
            .copied()
            .filter(|index| {
                declared.workloads.get(*index).is_some_and(|workload| tooling(workload.place.path()).is_none())
            })
            .collect();
        one.workloads = kept;
        let entry = build.and_then(|build| build.entry.clone());
        one.programs = members.iter().filter_map(|workload| started(workload, entry.as_deref())).collect();
        one.long_running = members.iter().any(|workload| stays(declared, workload));
        own.push(one);
    }
    // A repository with one image and workloads under other names: it is that image that they run.
    if builds.len() == 1 && !some_build_runs {
        for one in &mut own {
            one.build = Some(0);
        }
    }
    Deployed { own: by_program(declared, own, builds), products }
}

/// It is meant to run all the time. In a compose file, what others wait for until it has ended is not.
fn stays(declared: &Declared<'_>, workload: &Workload) -> bool {
    let waits = |other: &Workload| {
        let needs = other.body.get("depends_on").and_then(|needs| needs.get(&workload.name));
        needs.and_then(|one| one.str_at("condition")) == Some("service_completed_successfully")
    };
    let beside = |other: &&Workload| other.place.path() == workload.place.path();
    let ends = || declared.workloads.iter().filter(beside).any(waits);
    workload.kind.long_running() && !(workload.kind == WorkloadKind::ComposeService && ends())
}

/// The functions of one file are one service; everything else goes by its own name.
fn shared_name(workload: &Workload) -> String {
    if workload.kind == WorkloadKind::Platform(SERVERLESS.to_owned()) {
        return workload.place.path().to_owned();
    }
    normal(&workload.name)
}

const SERVERLESS: &str = "serverless function";

/// The name of what a platform runs: of the repository or folder, where the file only names processes and functions.
fn platform_name(declared: &Declared<'_>, workload: &Workload) -> Option<String> {
    let WorkloadKind::Platform(platform) = &workload.kind else { return None };
    let folder = paths::name(paths::folder(workload.place.path()));
    let whole = || if generic_folder(folder) { root_name(declared) } else { folder.to_owned() };
    match platform.as_str() {
        SERVERLESS => Some(whole()),
        "procfile" if workload.name == "web" => Some(whole()),
        "procfile" => Some(format!("{}-{}", whole(), workload.name)),
        _ => None,
    }
}

fn members<'a>(declared: &Declared<'a>, one: &Named) -> Vec<&'a Workload> {
    one.workloads.iter().filter_map(|index| declared.workloads.get(*index)).collect()
}

/// All of its declarations lie in folders of tools.
fn tooling_only(members: &[&Workload], build: Option<&Build>) -> Option<LeftOut> {
    let first = members.first()?;
    let folder = tooling(first.place.path())?;
    if members.iter().any(|workload| tooling(workload.place.path()).is_none()) {
        return None;
    }
    // What it runs may be a service all the same: its build decides.
    let name = build.map_or(&first.name, |build| &build.name);
    Some(LeftOut {
        name: first.name.clone(),
        reason: Message::new(
            format!("{} {name} lies in {folder}/: it is for development", first.kind.name()),
            format!("{} {name} 位于 {folder}/：仅用于开发", first.kind.name()),
        ),
        place: first.place.clone(),
    })
}

/// It runs a task of developers in the image of a toolchain, and answers nobody: `npm run watch` beside the program.
fn toolchain_only(members: &[&Workload], build: Option<&Build>) -> Option<LeftOut> {
    let first = members.first().filter(|_| build.is_none())?;
    let task = |workload: &&Workload| {
        let container = workload.main_containers().next()?;
        let image = container.image.as_ref().filter(|image| products::toolchain(&image.value.repository))?;
        let said = container.command.iter().chain(&container.args).flat_map(|one| &one.value);
        let line = said.map(String::as_str).collect::<Vec<_>>().join(" ");
        let mut steps =
            line.split("&&").flat_map(|step| step.split(';')).filter(|step| !step.trim().is_empty()).peekable();
        let some = steps.peek().is_some();
        let developing = some && steps.all(developing);
        (workload.kind == WorkloadKind::ComposeService && container.ports.is_empty() && developing)
            .then(|| image.value.text.clone())
    };
    let image = members.iter().map(task).collect::<Option<Vec<_>>>()?.into_iter().next()?;
    Some(LeftOut {
        name: first.name.clone(),
        reason: Message::new(
            format!("it runs a task of developers in {image} and opens no port"),
            format!("在 {image} 中运行开发任务，且不开放端口"),
        ),
        place: first.place.clone(),
    })
}

/// A step of a command line that only helps people to change the program.
fn developing(step: &str) -> bool {
    let words: Vec<String> = step.split_whitespace().map(str::to_owned).collect();
    let for_developers = |folder: &str| {
        matches!(folder, "dev" | ".dev" | "devtools" | "dev-tools" | "devenv" | ".devcontainer" | "hack")
    };
    let in_folder = words.iter().any(|word| {
        let mut folders = word.trim_start_matches("/dev/").rsplit('/').skip(1);
        folders.any(for_developers)
    });
    let task = |name: &str| {
        matches!(
            name.split(':').next(),
            Some("watch" | "build" | "install" | "ci" | "lint" | "test" | "cd" | "dev" | "preview" | "corepack")
        )
    };
    in_folder || program(&words).is_some_and(|program| task(program.rsplit(' ').next().unwrap_or_default()))
}

fn agent(members: &[&Workload], build: Option<&Build>) -> Option<LeftOut> {
    let first = members.first()?;
    let base = build.filter(|build| build.base_product.is_some_and(|product| product.agent))?;
    Some(LeftOut {
        name: first.name.clone(),
        reason: Message::new(
            format!("its image ({}) is a product of others that only observes", base.place),
            format!("其镜像（{}）是仅用于观测的第三方产品", base.place),
        ),
        place: first.place.clone(),
    })
}

/// It runs the tests that its image starts: the image is left out, and says why.
fn tests_others(members: &[&Workload], build: Option<&Build>) -> bool {
    let commands = members.iter().flat_map(|one| one.main_containers()).any(|one| one.command.is_some());
    !commands && build.is_some_and(|build| tests_only(build.entry.as_deref(), build.base_name.as_deref()).is_some())
}

/// The build that makes a workload's image.
fn build_of(declared: &Declared<'_>, workload: &Workload, builds: &[Build]) -> Option<usize> {
    if let WorkloadKind::Platform(_) = workload.kind {
        let mut said =
            declared.declarations.iter().filter(|one| one.key == workload.key && one.place == workload.place);
        let image = |path: &str| declared.images.iter().position(|image| image.place.path() == path);
        let by_file = said.find_map(|one| image(one.container_file.as_deref()?));
        if let Some(file) = by_file {
            return builds.iter().position(|build| build.images.contains(&file));
        }
    }
    if workload.kind == WorkloadKind::ComposeService && workload.body.get("build").is_some() {
        let name = normal(&workload.name);
        let built_here = |build: &Build| {
            build.compose.contains(&name) && build.sources.iter().any(|one| one.place.path() == workload.place.path())
        };
        if let Some(index) = builds.iter().position(built_here) {
            return Some(index);
        }
    }
    let image = main_image(workload);
    let product = image.and_then(products::product).is_some();
    let images = workload.main_containers().filter_map(|container| container.image.as_ref());
    let best = images
        .flat_map(|image| builds.iter().map(|build| build.matches(&image.value)).enumerate())
        .filter(|(_, certainty)| *certainty > 0)
        .max_by_key(|(index, certainty)| {
            // What is shipped goes before what helps to develop it under the same name.
            let shipped = builds.get(*index).is_some_and(|build| matches!(build.verdict, Verdict::Service));
            (*certainty == 4, *certainty > 1 && shipped, *certainty, std::cmp::Reverse(*index))
        });
    // A name that only ends alike must not turn a product into an own program.
    if let Some((index, _)) = best.filter(|(_, certainty)| *certainty > 1 || !product) {
        return Some(index);
    }
    if product && image.is_some() {
        return None;
    }
    // An image under another name: the workload's own name decides, or the program that it starts.
    let name = normal(&workload.name);
    let named = builds.iter().position(|build| build.aliases.contains(&name)).or_else(|| by_entry(workload, builds));
    // The one image that a repository builds goes by the name of the repository, wherever its container file lies.
    let root = normal(&root_name(declared));
    let of_root = || image.is_some_and(|image| normal(paths::name(&image.repository)) == root);
    named.or_else(|| (builds.len() == 1 && of_root()).then_some(0))
}

/// The one build whose image starts the program that the workload names: `/manager`.
fn by_entry(workload: &Workload, builds: &[Build]) -> Option<usize> {
    let command = workload.main_containers().next()?.command.as_ref()?;
    let started = normal(&program(&command.value).filter(|program| program == "manager" || !runner(program))?);
    let mut same = builds
        .iter()
        .enumerate()
        .filter(|(_, build)| build.entry.as_deref().is_some_and(|entry| normal(entry) == started));
    let (index, _) = same.next()?;
    same.next().is_none().then_some(index)
}

fn main_image(workload: &Workload) -> Option<&ImageRef> {
    workload.main_containers().find_map(|container| container.image.as_ref()).map(|image| &image.value)
}

/// Why workloads are not the repository's own, and whether they are a known product.
fn others(
    declared: &Declared<'_>,
    members: &[&Workload],
    builds: &[Build],
    build: Option<usize>,
    some_build_runs: bool,
) -> Option<(LeftOut, bool)> {
    if build.is_some() {
        return None;
    }
    let workload = members.first()?;
    let images: Vec<&ImageRef> = members.iter().filter_map(|workload| main_image(workload)).collect();
    let leave = |en: String, zh: String| LeftOut {
        name: workload.name.clone(),
        reason: Message::new(en, zh),
        place: workload.place.clone(),
    };
    if members.iter().all(|workload| adds_to_another(workload)) {
        return Some((
            leave(
                "it has neither an image nor a build here: its compose file adds to another one".to_owned(),
                "此处既没有镜像也没有构建：其 compose 文件是对另一文件的补充".to_owned(),
            ),
            false,
        ));
    }
    let image = images.first()?;
    if images.iter().all(|image| products::product(image).is_some()) {
        let text = &image.text;
        return Some((leave(format!("it runs {text}, a product of others"), format!("运行第三方产品 {text}")), true));
    }
    // A package of the workload's name is built somewhere, if not by a container file.
    let name = normal(&workload.name);
    let package =
        declared.packages.iter().any(|package| normal(paths::name(paths::folder(package.place.path()))) == name);
    let own_runs = !builds.is_empty() && some_build_runs || goes_by_root(declared) && !named_like_root(declared, image);
    if own_runs && !package && image.repository.contains('/') && !unknown(image) {
        return Some((
            leave(
                format!("it runs {}, which nothing in this repository builds", image.text),
                format!("运行 {}，本仓库不构建该镜像", image.text),
            ),
            false,
        ));
    }
    None
}

/// A compose service that says neither what it runs nor how that is built.
fn adds_to_another(workload: &Workload) -> bool {
    let said = ["image", "build", "extends", "provider"];
    workload.kind == WorkloadKind::ComposeService && said.iter().all(|key| workload.body.get(key).is_none())
}

/// Some workload runs an image that has the name of the repository: whatever makes it, that one is its own.
fn goes_by_root(declared: &Declared<'_>) -> bool {
    let root = normal(&root_name(declared));
    let images = declared.workloads.iter().filter_map(main_image);
    images.into_iter().any(|image| normal(paths::name(&image.repository)) == root)
}

fn named_like_root(declared: &Declared<'_>, image: &ImageRef) -> bool {
    normal(&image.repository).contains(&normal(&root_name(declared)))
}

/// What is filled in from outside of the repository says nothing about whose image it is.
fn unknown(image: &ImageRef) -> bool {
    image.templated && image.repository.contains(['$', '{'])
}

/// Workloads that run the same program of the same image are one service, however many there are.
fn by_program(declared: &Declared<'_>, own: Vec<Named>, builds: &[Build]) -> Vec<Group> {
    let mut joined: Vec<Named> = Vec::new();
    let (staying, ending): (Vec<Named>, Vec<Named>) = own.into_iter().partition(|one| one.long_running);
    for one in staying {
        let same = joined.iter_mut().find(|known| {
            let built = known.build.is_some() && known.build == one.build && !known.programs.is_disjoint(&one.programs);
            built || known.build.is_none() && one.build.is_none() && runs_the_same(declared, known, &one)
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

/// Both run one image as it is, whatever made that.
fn runs_the_same(declared: &Declared<'_>, one: &Named, other: &Named) -> bool {
    let image = |workload: &&Workload| {
        let container = workload.main_containers().next()?;
        let image = &container.image.as_ref()?.value;
        let as_it_is = container.command.is_none() && container.args.is_none() && !unknown(image);
        as_it_is.then(|| normal(paths::name(&image.repository)))
    };
    let images = |one: &Named| members(declared, one).iter().map(image).collect::<Option<BTreeSet<String>>>();
    match (images(one), images(other)) {
        (Some(one), Some(other)) => !one.is_disjoint(&other),
        _ => false,
    }
}

fn group(declared: &Declared<'_>, one: Named, builds: &[Build]) -> Group {
    let build = one.build.and_then(|index| builds.get(index));
    let members = members(declared, &one);
    // A compose file beside the program names it for its own purposes: `backend`.
    let beside = |workload: &Workload| {
        workload.kind == WorkloadKind::ComposeService
            && build.is_some_and(|build| {
                !generic_folder(paths::name(&build.folder)) && paths::is_below(workload.place.path(), &build.folder)
            })
    };
    let some_stay = members.iter().any(|workload| stays(declared, workload));
    let mut names: Vec<(bool, &str)> = members
        .iter()
        .filter(|workload| !beside(workload) && stays(declared, workload) == some_stay)
        .map(|workload| (workload.kind == WorkloadKind::ComposeService, workload.name.as_str()))
        .collect();
    names.sort_by_key(|(composed, name)| {
        let is_build = build.is_some_and(|build| build.aliases.contains(&normal(name)));
        (*composed, !is_build, name.len(), *name)
    });
    let distinct: BTreeSet<String> = names.iter().map(|(_, name)| normal(name)).collect();
    // Several names and none of them the program's: the program's it is.
    let name = match (build, names.first()) {
        (Some(build), Some((_, first))) if distinct.len() > 1 && !build.aliases.contains(&normal(first)) => {
            build.name.clone()
        }
        (_, Some((_, first))) => (*first).to_owned(),
        (Some(build), None) => build.name.clone(),
        (None, None) => members.first().map(|workload| workload.name.clone()).unwrap_or_default(),
    };
    let by_platform =
        members.first().filter(|_| members.iter().all(|one| matches!(one.kind, WorkloadKind::Platform(_))));
    let name = by_platform.and_then(|workload| platform_name(declared, workload)).unwrap_or(name);
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

/// `docker-entrypoint.sh`, `entrypoint.sh`, `entry.sh`.
fn entry_script(name: &str) -> bool {
    name.strip_suffix(".sh").is_some_and(|stem| normal(stem).contains("entry"))
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
            // A script that is given a program starts it at its end.
            _ if entry_script(name) && words.clone().next().is_some_and(|next| next.starts_with('/')) => wrapped = true,
            _ if word.starts_with('-') && (wrapped || word.starts_with("--")) => (),
            _ if word.contains('=') && !word.contains('/') => (),
            _ => return Some(name.to_owned()),
        }
    }
    None
}
