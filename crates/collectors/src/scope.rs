//! Which part of the repository's evidence belongs to which service.

mod neighbours;

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::{
    Facts, Gap, Gathered, Missing, Place,
    evidence::{
        ApiDescription, ApiKind, FileEntry, History, Object, Objective, Operation, Package, Resource, SettingsKind,
        SourceCode, Workload, WorkloadKind,
    },
};
use gonogo_source::Language;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::{
    Cache, Configuration,
    collect::{Operations, Sources},
    discovery::{Discovered, LeftOut, Unit, class_selects, handing_out, normal, tooling_folder},
    entrances, paths, source,
};

/// The program of a unit, with the packages that it is made of.
pub(crate) type Linked = (Arc<Gathered<Package>>, Arc<SourceCode>);

/// The program of every unit.
pub(crate) fn link(discovered: &Discovered, sources: &Sources, cache: &Cache) -> Vec<Linked> {
    let apart = apart(&discovered.left_out, sources);
    let areas: Vec<Area<'_>> =
        discovered.units.iter().map(|unit| Area::new(unit, &discovered.units, &apart, &sources.source)).collect();
    let packages: Vec<Arc<Gathered<Package>>> = areas.iter().map(|area| packages(area, sources)).collect();
    let owns: Vec<_> = areas.iter().map(|area| |path: &str| area.home(path)).collect();
    let wanted = areas.iter().zip(&packages).zip(&owns).map(|((area, packages), owns)| source::Wanted {
        name: &area.unit.service.name,
        path: &area.unit.service.path,
        packages: &packages.items,
        starts: starts(area.unit, sources),
        handed_out: handed_out(area.unit, sources),
        owns,
    });
    let code = source::link(&sources.source, &wanted.collect::<Vec<_>>(), cache);
    packages.into_iter().zip(code).collect()
}

/// The facts of every unit with its program: what holds for the whole repository is shared, the rest is its own.
pub(crate) fn scope(
    discovered: &Discovered,
    sources: &Sources,
    operations: &Operations,
    programs: Vec<Linked>,
    configuration: &Configuration,
    today: Date,
) -> Vec<Facts> {
    let units = &discovered.units;
    let apart = apart(&discovered.left_out, sources);
    let concerned: Vec<Vec<usize>> =
        sources.objects.items.par_iter().map(|object| concerned(object, &sources.workloads.items)).collect();
    let around = Around { units, concerned: &concerned, sources, operations, configuration, today };
    let areas: Vec<Area<'_>> = units.iter().map(|unit| Area::new(unit, units, &apart, &sources.source)).collect();
    areas.into_par_iter().zip(programs).map(|(area, program)| facts(&area, program, &around)).collect()
}

/// What all units have around them.
struct Around<'a> {
    units: &'a [Unit],
    /// The workloads that each object concerns.
    concerned: &'a [Vec<usize>],
    sources: &'a Sources,
    operations: &'a Operations,
    configuration: &'a Configuration,
    today: Date,
}

/// Folders with a container file that makes no unit and a package manifest beside it: an image of a plugin, of a tool.
fn apart(left_out: &[LeftOut], sources: &Sources) -> Vec<String> {
    let built = left_out.iter().map(|one| one.place.path()).filter(|path| {
        paths::folder(path) != "." && sources.images.items.iter().any(|image| image.place.path() == *path)
    });
    let packaged =
        |folder: &&str| sources.packages.items.iter().any(|package| paths::folder(package.place.path()) == *folder);
    built.map(paths::folder).filter(packaged).map(str::to_owned).collect()
}

fn facts(area: &Area<'_>, (packages, source): Linked, around: &Around<'_>) -> Facts {
    let unit = area.unit;
    let Around { sources, operations, configuration, today, .. } = *around;
    let statement = configuration.service(&unit.service.name);
    let stated: &[Objective] = statement.map_or(&[], |statement| &statement.objectives);
    Facts {
        today,
        service: unit.service.clone(),
        of_others: of_others(unit, around.units, sources),
        files: own(&sources.files, |file: &FileEntry| area.home(&file.path), |_| true),
        workloads: indexed(&sources.workloads, &|index| unit.workloads.contains(&index), area),
        objects: with_jobs(
            indexed(&sources.objects, &|index| area.object(index, sources, around.concerned), area),
            area,
            sources,
        ),
        images: indexed(&sources.images, &|index| unit.images.contains(&index), area),
        pipelines: own(&operations.pipelines, |one| area.serves(&one.place), |gap| area.serves(&gap.place)),
        infrastructure: infrastructure(area, sources),
        alert_rules: own(
            &operations.alert_rules,
            |rule| area.not_of_others(&rule.place) && !neighbours::rule_of_another(rule, unit, around.units),
            // Broken rules among tools are there to be broken.
            |gap| area.not_of_others(&gap.place) && !area.of_tooling(gap.place.path()),
        ),
        alert_routing: Arc::clone(&operations.alert_routing),
        dashboards: own(
            &operations.dashboards,
            |one| area.not_of_others(&one.place),
            |gap| area.not_of_others(&gap.place),
        ),
        objectives: objectives(area, operations, stated),
        documents: own(
            &operations.documents,
            |one| area.not_of_others(&one.place),
            |gap| area.not_of_others(&gap.place),
        ),
        source,
        source_gaps: source_gaps(area, sources),
        packages,
        apis: apis(area, sources),
        migrations: own(&sources.migrations, |one| area.home(one.place.path()), |gap| area.home(gap.place.path())),
        ownership: Arc::clone(&sources.ownership),
        exercises: own(&operations.exercises, |one| one.exercise.service == unit.service.name, |_| true),
        rehearsals: own(&operations.rehearsals, |one| one.rehearsal.service == unit.service.name, |_| true),
        gates: Arc::clone(&operations.gates),
        results: own(&operations.results, |one| area.home(one.place.path()), |gap| area.home(gap.place.path())),
        settings: own(
            &operations.settings,
            // A bot updates the whole repository.
            |one| one.kind == SettingsKind::UpdateBot || area.home(one.place.path()),
            |gap| area.home(gap.place.path()) || gap.place.path().starts_with(".github/"),
        ),
        secrets: own(
            &sources.secrets,
            |one| {
                let workloads = &sources.workloads.items;
                area.not_of_others(&one.place)
                    && !neighbours::of_anothers_workload(&one.place, unit, around.units, workloads)
            },
            |gap| area.not_of_others(&gap.place),
        ),
        history: history(area, operations),
        statements: Arc::new(statement.map_or(&configuration.common, |one| &one.statements).clone()),
    }
}

/// The commands that start a unit: what its workloads say replaces what its images do.
fn starts(unit: &Unit, sources: &Sources) -> Vec<source::beside::Start> {
    let workloads = unit.workloads.iter().filter_map(|index| sources.workloads.items.get(*index));
    let containers: Vec<_> = workloads.flat_map(Workload::main_containers).collect();
    let images: Vec<_> = unit.images.iter().filter_map(|index| sources.images.items.get(*index)).collect();
    let commands = containers.iter().copied().filter_map(source::beside::Start::of_container);
    let commands = commands.chain(images.iter().copied().filter_map(source::beside::Start::of_image));
    let options = containers.iter().copied().flat_map(source::beside::Start::options_of_container);
    let options = options.chain(images.iter().copied().flat_map(source::beside::Start::options_of_image));
    commands.chain(options).collect()
}

/// The files of source of a unit that could not be read; those that browsers alone run hold nothing of it.
fn source_gaps(area: &Area<'_>, sources: &Sources) -> Vec<Gap> {
    let handed_out = handed_out(area.unit, sources);
    let in_script = |path: &str| matches!(Language::of(path), Some(Language::JavaScript | Language::TypeScript));
    let own = sources.source.gaps.iter().filter(|gap| area.home(gap.place.path()));
    own.filter(|gap| !handed_out || !in_script(gap.place.path())).cloned().collect()
}

/// Every image of it is a web server with files.
fn handed_out(unit: &Unit, sources: &Sources) -> bool {
    let mut images = unit.images.iter().filter_map(|index| sources.images.items.get(*index));
    !unit.images.is_empty() && images.all(|image| handing_out(image).is_some())
}

/// The files in which workloads of other units are declared, or their images are built, and none of this one's.
fn of_others(unit: &Unit, units: &[Unit], sources: &Sources) -> BTreeSet<Arc<str>> {
    let declared_by = |unit: &Unit| -> BTreeSet<Arc<str>> {
        let workloads = unit.workloads.iter().filter_map(|index| sources.workloads.items.get(*index));
        let images = unit.images.iter().filter_map(|index| sources.images.items.get(*index));
        let sources = unit.service.sources.iter().map(|source| &source.place);
        let places = workloads.map(|one| &one.place).chain(images.map(|one| &one.place)).chain(sources);
        places.map(|place| Arc::from(place.path())).collect()
    };
    let own = declared_by(unit);
    let others = units.iter().filter(|other| other.service.name != unit.service.name);
    others.flat_map(declared_by).filter(|path| !own.contains(path)).collect()
}

/// A unit among the others.
struct Area<'a> {
    unit: &'a Unit,
    units: &'a [Unit],
    /// Its own folders with how deep they lie.
    own: [(&'a str, usize); 2],
    /// The folders of the other units, and of what is built apart.
    others: Vec<(&'a str, usize)>,
    /// The folders of projects that test it, wherever they lie.
    tests: Vec<String>,
}

impl<'a> Area<'a> {
    /// With the folders of packages that are built apart from every unit.
    fn new(unit: &'a Unit, units: &'a [Unit], apart: &'a [String], sources: &source::Sources) -> Self {
        let others = units.iter().filter(|other| other.service.name != unit.service.name && other.service.path != ".");
        let others = others.map(|other| &*other.service.path).chain(apart.iter().map(String::as_str));
        let mut area = Self {
            unit,
            units,
            own: [&*unit.service.path, &*unit.home].map(|folder| (folder, depth(folder))),
            others: others.map(|folder| (folder, depth(folder))).collect(),
            tests: Vec::new(),
        };
        area.tests = sources.tests_of(&|path| area.home(path));
        area
    }

    /// The path lies in the unit's package and not in another unit's folder, or there is no other unit.
    fn home(&self, path: &str) -> bool {
        if self.units.len() == 1 {
            return !self.of_another(path);
        }
        paths::is_below(path, &self.unit.home) && !self.of_another(path)
            || paths::is_below(path, &self.unit.service.path) && !self.of_another(path)
            || self.tests.iter().any(|folder| paths::is_below(path, folder))
    }

    /// The path lies in the folder of another unit, deeper than in this one's.
    fn of_another(&self, path: &str) -> bool {
        let lies_in = |(folder, _): &&(&str, usize)| paths::is_below(path, folder);
        let own = self.own.iter().filter(lies_in).map(|(_, depth)| *depth).max();
        self.others.iter().filter(lies_in).any(|(_, depth)| Some(*depth) > own)
    }

    /// The path lies in a folder of tools, and the unit does not: what is there helps people to make or to try it.
    fn of_tooling(&self, path: &str) -> bool {
        let in_tooling = |path: &str| path.split('/').any(tooling_folder);
        in_tooling(paths::folder(path)) && !in_tooling(&self.unit.service.path) && !in_tooling(&self.unit.home)
    }

    /// It is the infrastructure of a tool: `tools/gcplog/main.tf`, not `tools/terraform/` and not `infra/dev/`.
    fn of_a_tool(&self, path: &str) -> bool {
        const TOOLS: &[&str] =
            &["tools", "tool", "hack", "devtools", "dev-tools", "docs", "doc", "website", "sandbox", "playground"];
        const INFRASTRUCTURE: &[&str] =
            &["terraform", "tofu", "infra", "infrastructure", "iac", "deploy", "deployment", "cloudformation", "cdk"];
        let mut folders = paths::folder(path).split('/');
        folders.next().is_some_and(|first| TOOLS.contains(&first))
            && !folders.any(|folder| {
                let lower = folder.to_ascii_lowercase();
                lower.split(['-', '_']).any(|part| INFRASTRUCTURE.contains(&part))
            })
            && self.of_tooling(path)
    }

    fn not_of_others(&self, place: &Place) -> bool {
        !self.of_another(place.path())
    }

    /// Not of others, and not of a folder of others: `accounts/cloudbuild.yaml` beside `accounts/login` does nothing
    /// for `ledger/writer`.
    fn serves(&self, place: &Place) -> bool {
        let folder = paths::folder(place.path());
        let (path, home) = (&self.unit.service.path, &self.unit.home);
        let related = [path, home].into_iter().any(|own| paths::is_below(own, folder) || paths::is_below(folder, own));
        let holds_others = self.units.iter().any(|other| paths::is_below(&other.service.path, folder));
        self.not_of_others(place) && (related || !holds_others)
    }

    /// An object that concerns workloads belongs to their units; others to everyone, unless they carry another unit's
    /// name or lie in its folder.
    fn object(&self, index: usize, sources: &Sources, concerned: &[Vec<usize>]) -> bool {
        let Some(object) = sources.objects.items.get(index) else { return false };
        if let Some(concerned) = concerned.get(index).filter(|concerned| !concerned.is_empty()) {
            return concerned.iter().any(|workload| self.unit.workloads.contains(workload));
        }
        // `frontend` of kind ServiceAccount, ConfigMap … is that unit's.
        let own = object.name == self.unit.service.name;
        own || !self.units.iter().any(|other| other.service.name == object.name) && self.not_of_others(&object.place)
    }
}

/// The workloads that an object selects, else those that it names.
fn concerned(object: &Object, workloads: &[Workload]) -> Vec<usize> {
    let which = |test: &dyn Fn(&Workload) -> bool| -> Vec<usize> {
        workloads.iter().enumerate().filter(|(_, workload)| test(workload)).map(|(index, _)| index).collect()
    };
    let selected = which(&|workload| class_selects(object, workload));
    match target(object) {
        Some(target) if selected.is_empty() => which(&|workload| workload.name == target),
        _ => selected,
    }
}

/// The workload that an object names: an autoscaler's, a policy's.
fn target(object: &Object) -> Option<&str> {
    ["spec.scaleTargetRef.name", "spec.targetRef.name", "spec.workloadRef.name"]
        .iter()
        .find_map(|path| object.body.str_at(path))
}

/// Scheduled jobs that are not the unit's own, as objects: what copies or purges its data is mostly a job of others.
fn with_jobs(objects: Arc<Gathered<Object>>, area: &Area<'_>, sources: &Sources) -> Arc<Gathered<Object>> {
    let jobs: Vec<Object> = sources
        .workloads
        .items
        .iter()
        .enumerate()
        .filter(|(index, workload)| workload.kind == WorkloadKind::CronJob && !area.unit.workloads.contains(index))
        .filter(|(_, workload)| area.not_of_others(&workload.place))
        .map(|(_, workload)| Object {
            api_version: workload.body.str_at("apiVersion").unwrap_or("batch/v1").to_owned(),
            kind: "CronJob".to_owned(),
            name: workload.name.clone(),
            namespace: workload.namespace.clone(),
            labels: workload.labels.clone(),
            environment: workload.environment.clone(),
            production: workload.production,
            place: workload.place.clone(),
            body: workload.body.clone(),
        })
        .collect();
    if jobs.is_empty() {
        return objects;
    }
    let mut objects = Gathered::clone(&objects);
    objects.items.extend(jobs);
    Arc::new(objects)
}

/// Everything that is not in another unit's folder, without the entrances that lead to others.
fn infrastructure(area: &Area<'_>, sources: &Sources) -> Arc<Gathered<Resource>> {
    let resources = &sources.infrastructure.items;
    let of_others = entrances::of_others(area.unit, area.units, resources);
    let of_others: BTreeSet<&Place> =
        of_others.iter().filter_map(|index| resources.get(*index)).map(|resource| &resource.place).collect();
    own(
        &sources.infrastructure,
        |resource| {
            area.not_of_others(&resource.place)
                && !area.of_a_tool(resource.place.path())
                && !of_others.contains(&resource.place)
        },
        |gap| area.not_of_others(&gap.place) && !area.of_a_tool(gap.place.path()),
    )
}

/// How deep a folder lies.
fn depth(folder: &str) -> usize {
    if folder == "." { 0 } else { folder.matches('/').count() + 1 }
}

/// The items that belong to a unit; shared, not copied, where all of them do.
fn own<T: Clone>(
    all: &Arc<Gathered<T>>,
    keep: impl Fn(&T) -> bool,
    keep_gap: impl Fn(&Gap) -> bool,
) -> Arc<Gathered<T>> {
    let kept: Vec<&T> = all.items.iter().filter(|item| keep(item)).collect();
    let gaps: Vec<&Gap> = all.gaps.iter().filter(|gap| keep_gap(gap)).collect();
    if kept.len() == all.items.len() && gaps.len() == all.gaps.len() {
        return Arc::clone(all);
    }
    Arc::new(Gathered::new(kept.into_iter().cloned().collect(), all.files, gaps.into_iter().cloned().collect()))
}

fn indexed<T: Clone>(all: &Arc<Gathered<T>>, keep: &dyn Fn(usize) -> bool, area: &Area<'_>) -> Arc<Gathered<T>> {
    let kept: Vec<&T> = all.items.iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, item)| item).collect();
    let gaps: Vec<&Gap> = all.gaps.iter().filter(|gap| area.not_of_others(&gap.place)).collect();
    if kept.len() == all.items.len() && gaps.len() == all.gaps.len() {
        return Arc::clone(all);
    }
    Arc::new(Gathered::new(kept.into_iter().cloned().collect(), all.files, gaps.into_iter().cloned().collect()))
}

/// The part of the history that is not another unit's, or why the history was left out.
fn history(area: &Area<'_>, operations: &Operations) -> Result<Arc<History>, Missing> {
    if let Some(missing) = &operations.history_left_out {
        return Err(missing.clone());
    }
    let all = &operations.history;
    let secrets: Vec<_> = all.secrets.iter().filter(|one| area.not_of_others(&one.place)).cloned().collect();
    if secrets.len() == all.secrets.len() {
        return Ok(Arc::clone(all));
    }
    Ok(Arc::new(History { secrets, incomplete: all.incomplete.clone(), versions: all.versions }))
}

/// Objectives name their service: one of another unit's is not this one's.
fn objectives(area: &Area<'_>, operations: &Operations, stated: &[Objective]) -> Arc<Gathered<Objective>> {
    let others = |name: &str| area.units.iter().any(|unit| unit.service.name == name);
    let keep = |one: &Objective| match one.service.as_deref() {
        Some(name) if name == area.unit.service.name => true,
        Some(name) if others(name) => false,
        _ => area.not_of_others(&one.place),
    };
    let gathered = own(&operations.objectives, keep, |gap| area.not_of_others(&gap.place));
    if stated.is_empty() {
        return gathered;
    }
    let mut gathered = Gathered::clone(&gathered);
    gathered.items.extend(stated.iter().cloned());
    Arc::new(gathered)
}

/// The descriptions in the unit's own folders, and of those that lie beside all units the ones that name it: `protos/`
/// holds the interfaces of every service. Of a description of several services only the unit's own is its.
fn apis(area: &Area<'_>, sources: &Sources) -> Arc<Gathered<ApiDescription>> {
    let name = normal(&area.unit.service.name);
    let is_own = |operation: &Operation| {
        let service = operation.path.split('/').next().unwrap_or_default();
        normal(service.rsplit('.').next().unwrap_or(service)) == name
    };
    let of_all = |path: &str| !area.units.iter().any(|unit| unit.home != "." && paths::is_below(path, &unit.home));
    let mut gathered = own(
        &sources.apis,
        |one| {
            let path = one.place.path();
            area.home(path) || (one.kind == ApiKind::Grpc && of_all(path) && one.operations.iter().any(is_own))
        },
        |gap| area.home(gap.place.path()),
    );
    let mixed = |one: &ApiDescription| {
        one.kind == ApiKind::Grpc && one.operations.iter().any(is_own) && !one.operations.iter().all(is_own)
    };
    if gathered.items.iter().any(mixed) {
        for one in Arc::make_mut(&mut gathered).items.iter_mut().filter(|one| mixed(one)) {
            one.operations.retain(is_own);
        }
    }
    gathered
}

/// The manifests of the unit's own package, else those of the nearest folder above, with the workspace's that pin it.
fn packages(area: &Area<'_>, sources: &Sources) -> Arc<Gathered<gonogo_domain::evidence::Package>> {
    let unit = area.unit;
    let folder = |place: &Place| paths::folder(place.path()).to_owned();
    let inside = |place: &Place| area.home(place.path()) && !area.of_tooling(place.path());
    let own_lock = |place: &Place| {
        sources.packages.items.iter().filter(|package| inside(&package.place)).any(|package| {
            package
                .lockfile
                .as_ref()
                .is_some_and(|lock| folder(lock) == folder(place) && folder(place) != folder(&package.place))
        })
    };
    let none_inside = !sources.packages.items.iter().any(|package| inside(&package.place));
    let nearest = (none_inside && !unit.self_contained)
        .then(|| {
            paths::ancestors(&unit.home)
                .find(|above| sources.packages.items.iter().any(|package| folder(&package.place) == *above))
        })
        .flatten();
    own(
        &sources.packages,
        |package| {
            inside(&package.place)
                || own_lock(&package.place)
                || nearest.is_some_and(|above| folder(&package.place) == above)
        },
        |gap| inside(&gap.place),
    )
}
