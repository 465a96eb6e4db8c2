//! Puts the sources together for every service of a repository.

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::{
    Facts, Gap, Gathered, Message, Missing, Place, Source,
    evidence::{
        AlertRouting, AlertRule, ApiDescription, Dashboard, Document, ExerciseRecord, FileEntry, GateRecord, History,
        ImageBuild, Migration, Object, Objective, Ownership, Package, Pipeline, RehearsalRecord, Resource, ResultFile,
        SecretSighting, SettingsFile, Workload,
    },
};
use jiff::civil::Date;

use crate::{
    Cache, Configuration, Corpus, Skipped, Tree, alerting, apis, contents,
    corpus::Cut,
    dashboards,
    discovery::{self, Declared},
    documents, images, infrastructure,
    kubernetes::Declaration,
    migrations, objectives, ownership, packages, pipelines, records, results, scope, settings, source, workloads,
};

/// What was gathered from a repository: the facts of each of its services.
#[derive(Debug, Default)]
pub struct Collected {
    /// In the order of their names.
    pub services: Vec<Facts>,
    /// Units that were seen and are not reviewed, each with the reason and its place, in the order of their names.
    pub left_out: Vec<(String, Message, Place)>,
    /// What should have been read and could not be, over all sources, in the order of the places.
    pub unread: Vec<Gap>,
    /// What lies in the tree and was not looked at: links, special files.
    pub skipped: Vec<Skipped>,
    /// How much was searched, for the answer to a repository without services.
    pub searched: Counts,
    /// What the facts were made of.
    pub rest: Rest,
}

/// What nobody looks at any more: many small pieces, that take a while to give back. Whoever ends soon forgets it, and nobody
/// waits for it.
#[derive(Debug, Default)]
pub struct Rest(Option<Box<(Sources, Operations)>>);

impl Drop for Rest {
    fn drop(&mut self) {
        let rest = self.0.take();
        rayon::spawn(move || drop(rest));
    }
}

/// How many of each were found in the repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    pub workloads: usize,
    pub container_files: usize,
    pub packages: usize,
    pub pipelines: usize,
    pub documents: usize,
    pub infrastructure: usize,
}

/// What services are found by, and their programs.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub files: Arc<Gathered<FileEntry>>,
    pub workloads: Arc<Gathered<Workload>>,
    pub declarations: Vec<Declaration>,
    pub objects: Arc<Gathered<Object>>,
    pub images: Arc<Gathered<ImageBuild>>,
    pub infrastructure: Arc<Gathered<Resource>>,
    pub packages: Arc<Gathered<Package>>,
    pub apis: Arc<Gathered<ApiDescription>>,
    pub migrations: Arc<Gathered<Migration>>,
    pub ownership: Arc<Gathered<Ownership>>,
    pub secrets: Arc<Gathered<SecretSighting>>,
    pub source: source::Sources,
}

/// How services are built, watched and cared for: nobody needs it to find them, or to read their programs.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub pipelines: Arc<Gathered<Pipeline>>,
    pub alert_rules: Arc<Gathered<AlertRule>>,
    pub alert_routing: Arc<Gathered<AlertRouting>>,
    pub dashboards: Arc<Gathered<Dashboard>>,
    pub objectives: Arc<Gathered<Objective>>,
    pub documents: Arc<Gathered<Document>>,
    pub results: Arc<Gathered<ResultFile>>,
    pub exercises: Arc<Gathered<ExerciseRecord>>,
    pub rehearsals: Arc<Gathered<RehearsalRecord>>,
    pub gates: Arc<Gathered<GateRecord>>,
    pub settings: Arc<Gathered<SettingsFile>>,
    pub history: Arc<History>,
    /// Why the history was not read.
    pub history_left_out: Option<Missing>,
}

/// How to gather, beyond what is gathered.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// Told in a few words what is being done.
    pub progress: &'a (dyn Fn(&str) + Sync),
    /// Reads the history of the repository, or says why it is left out.
    pub history: &'a (dyn Fn() -> Result<History, Missing> + Sync),
    /// What earlier reviews of the same repository worked out.
    pub cache: &'a Cache,
}

impl std::fmt::Debug for Manner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Manner")
    }
}

/// Gathers everything that the files of a repository declare about each of its services, as of `today`. The files have no
/// past.
pub fn collect(tree: &Tree, configuration: &Configuration, today: Date) -> Collected {
    collect_with(
        tree,
        configuration,
        today,
        Manner { progress: &|_| (), history: &|| Ok(History::default()), cache: &Cache::none() },
    )
}

/// The same with the past of the files, telling what is being done.
pub fn collect_with(tree: &Tree, configuration: &Configuration, today: Date, manner: Manner<'_>) -> Collected {
    let progress = manner.progress;
    progress("reading data files");
    let corpus = Arc::new(Corpus::read(tree));
    let cuts = corpus.cuts().to_vec();
    progress("gathering evidence");
    // The trees of the files are most of the memory: whoever is through with them last gives them back.
    let beside = Arc::clone(&corpus);
    let ((sources, found, programs), mut operations) = rayon::join(
        move || {
            let sources = gather(&corpus, manner);
            progress("finding services");
            let found = discovery::discover(&Declared {
                corpus: &corpus,
                workloads: &sources.workloads.items,
                declarations: &sources.declarations,
                objects: &sources.objects.items,
                images: &sources.images.items,
                packages: &sources.packages.items,
                apis: &sources.apis.items,
                migrations: &sources.migrations.items,
                infrastructure: &sources.infrastructure.items,
                ownership: &sources.ownership.items,
                statements: &configuration.services,
            });
            drop(corpus);
            let programs = scope::link(&found, &sources, manner.cache);
            (sources, found, programs)
        },
        move || gather_operations(&beside, manner),
    );
    operations.join_rendered(&sources);
    operations.leave_out_the_present(&sources.secrets.items);
    let counts = Counts {
        files: tree.files().len(),
        workloads: sources.workloads.items.len(),
        container_files: sources.images.items.len(),
        packages: sources.packages.items.len(),
        pipelines: operations.pipelines.items.len(),
        documents: operations.documents.items.len(),
        infrastructure: sources.infrastructure.items.len(),
    };
    let mut services = scope::scope(&found, &sources, &operations, programs, configuration, today);
    for facts in &mut services {
        cut(facts, &cuts);
    }
    let mut unread = gaps(&sources, &operations);
    unread.splice(0..0, cuts.iter().map(|cut| cut.of(Source::Files)));
    Collected {
        services,
        left_out: found.left_out.into_iter().map(|one| (one.name, one.reason, one.place)).collect(),
        unread,
        skipped: tree.skipped().to_vec(),
        searched: counts,
        rest: Rest(Some(Box::new((sources, operations)))),
    }
}

fn gather(corpus: &Corpus<'_>, manner: Manner<'_>) -> Sources {
    let mut sources = Sources {
        files: Arc::new(Gathered::new(corpus.tree.files().to_vec(), corpus.tree.files().len(), Vec::new())),
        ..Sources::default()
    };
    let Sources {
        files: _,
        workloads: running,
        declarations,
        objects,
        images,
        infrastructure,
        packages,
        apis,
        migrations,
        ownership,
        secrets: leaks,
        source: code,
    } = &mut sources;
    // The slowest first, so that the short ones fill the gaps.
    rayon::scope(|scope| {
        scope.spawn(|_| {
            let (found, read) = contents::gather(corpus.tree, manner.cache, true);
            *leaks = Arc::new(found);
            *code = read;
        });
        scope.spawn(|_| {
            let cluster = workloads::gather(corpus);
            *running = Arc::new(cluster.workloads);
            *objects = Arc::new(cluster.objects);
            *declarations = cluster.declarations;
        });
        scope.spawn(|_| *migrations = Arc::new(migrations::gather(corpus, manner.cache)));
        scope.spawn(|_| *packages = Arc::new(packages::gather(corpus)));
        scope.spawn(|_| *infrastructure = Arc::new(infrastructure::gather(corpus)));
        scope.spawn(|_| *apis = Arc::new(apis::gather(corpus)));
        scope.spawn(|_| *images = Arc::new(images::gather(corpus)));
        scope.spawn(|_| *ownership = Arc::new(ownership::gather(corpus)));
    });
    sources
}

fn gather_operations(corpus: &Corpus<'_>, manner: Manner<'_>) -> Operations {
    let mut operations = Operations::default();
    let Operations {
        pipelines,
        alert_rules,
        alert_routing,
        dashboards,
        objectives,
        documents,
        results,
        exercises,
        rehearsals,
        gates,
        settings,
        history,
        history_left_out,
    } = &mut operations;
    rayon::scope(|scope| {
        scope.spawn(|_| match (manner.history)() {
            Ok(read) => *history = Arc::new(read),
            Err(missing) => *history_left_out = Some(missing),
        });
        scope.spawn(|_| *pipelines = Arc::new(pipelines::gather(corpus, manner.cache)));
        scope.spawn(|_| *documents = Arc::new(documents::gather(corpus)));
        scope.spawn(|_| *dashboards = Arc::new(dashboards::gather(corpus)));
        scope.spawn(|_| *alert_rules = Arc::new(alerting::gather(corpus)));
        scope.spawn(|_| *alert_routing = Arc::new(alerting::routing(corpus)));
        scope.spawn(|_| *objectives = Arc::new(objectives::gather(corpus)));
        scope.spawn(|_| *results = Arc::new(results::gather(corpus)));
        scope.spawn(|_| *exercises = Arc::new(records::exercises(corpus)));
        scope.spawn(|_| *rehearsals = Arc::new(records::rehearsals(corpus)));
        scope.spawn(|_| *gates = Arc::new(records::gates(corpus)));
        scope.spawn(|_| *settings = Arc::new(settings::gather(corpus)));
    });
    operations
}

impl Operations {
    /// What still stands in the files is no matter of the past.
    fn leave_out_the_present(&mut self, present: &[SecretSighting]) {
        let present: BTreeSet<(&str, u64)> = present.iter().map(|one| (one.place.path(), one.fingerprint)).collect();
        let History { secrets, incomplete, versions } = &*self.history;
        let secrets: Vec<SecretSighting> =
            secrets.iter().filter(|one| !present.contains(&(one.place.path(), one.fingerprint))).cloned().collect();
        self.history = Arc::new(History { secrets, incomplete: incomplete.clone(), versions: *versions });
    }

    /// Objects that a chart or a kustomization renders hold alert rules, routes, dashboards and SLOs, and infrastructure
    /// code makes SLOs: they join what the plain files gave.
    fn join_rendered(&mut self, sources: &Sources) {
        fn taken<T: Clone>(gathered: &mut Arc<Gathered<T>>) -> Gathered<T> {
            Arc::unwrap_or_clone(std::mem::take(gathered))
        }
        let Self { alert_rules, alert_routing, dashboards, objectives, .. } = self;
        let objects = &sources.objects.items;
        rayon::scope(|scope| {
            scope.spawn(|_| *alert_rules = Arc::new(alerting::with_objects(taken(alert_rules), objects)));
            scope.spawn(|_| *alert_routing = Arc::new(alerting::routing_with_objects(taken(alert_routing), objects)));
            scope.spawn(|_| *dashboards = Arc::new(dashboards::with_objects(taken(dashboards), objects)));
            scope.spawn(|_| {
                let mut slos = objectives::with_objects(taken(objectives), objects);
                slos.items.extend(objectives::from_infrastructure(&sources.infrastructure.items));
                *objectives = Arc::new(slos);
            });
        });
    }
}

/// What was left out of the repository may have belonged to any service and to any source.
fn cut(facts: &mut Facts, cuts: &[Cut]) {
    fn mark<T: Clone>(gathered: &mut Arc<Gathered<T>>, source: Source, cuts: &[Cut]) {
        if !cuts.is_empty() {
            Arc::make_mut(gathered).gaps.splice(0..0, cuts.iter().map(|cut| cut.of(source)));
        }
    }
    mark(&mut facts.files, Source::Files, cuts);
    mark(&mut facts.workloads, Source::Workloads, cuts);
    mark(&mut facts.objects, Source::Objects, cuts);
    mark(&mut facts.images, Source::Images, cuts);
    mark(&mut facts.pipelines, Source::Pipelines, cuts);
    mark(&mut facts.infrastructure, Source::Infrastructure, cuts);
    mark(&mut facts.alert_rules, Source::AlertRules, cuts);
    mark(&mut facts.alert_routing, Source::AlertRouting, cuts);
    mark(&mut facts.dashboards, Source::Dashboards, cuts);
    mark(&mut facts.objectives, Source::Objectives, cuts);
    mark(&mut facts.documents, Source::Documents, cuts);
    mark(&mut facts.packages, Source::Packages, cuts);
    mark(&mut facts.apis, Source::Apis, cuts);
    mark(&mut facts.migrations, Source::Migrations, cuts);
    mark(&mut facts.ownership, Source::Ownership, cuts);
    mark(&mut facts.results, Source::Results, cuts);
    mark(&mut facts.exercises, Source::Experiments, cuts);
    mark(&mut facts.rehearsals, Source::Experiments, cuts);
    mark(&mut facts.gates, Source::Telemetry, cuts);
    mark(&mut facts.settings, Source::Settings, cuts);
    facts.source_gaps.splice(0..0, cuts.iter().map(|cut| cut.of(Source::SourceCode)));
}

fn gaps(sources: &Sources, operations: &Operations) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = [
        &sources.files.gaps,
        &sources.workloads.gaps,
        &sources.objects.gaps,
        &sources.images.gaps,
        &operations.pipelines.gaps,
        &sources.infrastructure.gaps,
        &operations.alert_rules.gaps,
        &operations.alert_routing.gaps,
        &operations.dashboards.gaps,
        &operations.objectives.gaps,
        &operations.documents.gaps,
        &sources.packages.gaps,
        &sources.apis.gaps,
        &sources.migrations.gaps,
        &sources.ownership.gaps,
        &operations.results.gaps,
        &operations.exercises.gaps,
        &operations.rehearsals.gaps,
        &operations.gates.gaps,
        &operations.settings.gaps,
        &sources.secrets.gaps,
        &sources.source.gaps,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    gaps.sort_by(|one, other| (&one.place, one.source, &one.reason).cmp(&(&other.place, other.source, &other.reason)));
    gaps.dedup();
    gaps
}
