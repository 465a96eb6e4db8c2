//! CI pipelines, one file a system.
//!
//! Each system turns its files into drafts: jobs with steps, and for each step what it brings about, looked up through
//! the scripts that it calls. What only a whole job can tell is decided here, the same for all systems: a call of `curl`
//! is a smoke test after a deployment, a deployment into a cluster that the job itself started or into the preview of a
//! change is none.

use std::sync::Arc;

use gonogo_domain::{
    Gap, Gathered, Node, Place, Source,
    evidence::{Located, Pipeline, PipelineJob, PipelineStep, PipelineSystem, Purpose},
    test_kinds,
};

use crate::{Cache, Corpus, DataFile};

mod azure;
mod bitbucket;
mod buildkite;
mod circle;
mod cloud_build;
mod concourse;
mod drone;
mod github;
mod gitlab;
mod jenkins;
mod lines;
mod preview;
mod scripts;
mod shell;
mod skaffold;
mod tekton;
mod travis;
mod variables;

use scripts::{Effect, Outcome, Scripts, Text};

/// Gathers the pipelines of every system, then the scripts that they call as pipelines of [`PipelineSystem::Script`]:
/// those have no triggers, because they do not run by themselves.
pub(crate) fn gather(corpus: &Corpus<'_>, cache: &Cache) -> Gathered<Pipeline> {
    let scripts = Scripts::new(corpus, cache);
    let mut context = Context { corpus, scripts: &scripts, pipelines: Vec::new(), files: 0, gaps: Vec::new() };
    for gather in [
        github::gather,
        gitlab::gather,
        circle::gather,
        jenkins::gather,
        azure::gather,
        cloud_build::gather,
        bitbucket::gather,
        travis::gather,
        drone::gather,
        buildkite::gather,
        tekton::gather,
        concourse::gather,
        skaffold::gather,
    ] {
        gather(&mut context);
    }
    scripts::gather(&mut context);

    let Context { mut pipelines, files, mut gaps, .. } = context;
    gaps.extend(scripts.gaps());
    gaps.sort();
    gaps.dedup();
    pipelines.sort_by(|one, other| one.place.cmp(&other.place).then_with(|| one.name.cmp(&other.name)));
    let read = files + scripts.files_read();
    scripts.end();
    Gathered::new(pipelines, read, gaps)
}

/// What the modules of the systems share.
struct Context<'c> {
    corpus: &'c Corpus<'c>,
    scripts: &'c Scripts<'c>,
    pipelines: Vec<Pipeline>,
    files: usize,
    gaps: Vec<Gap>,
}

impl<'c> Context<'c> {
    fn gap(&mut self, place: Place, reason: impl Into<String>) {
        self.gaps.push(Gap { source: Source::Pipelines, place, reason: reason.into() });
    }

    /// The data files whose path fits, with their first documents; what of them cannot be parsed becomes a gap.
    fn roots(&mut self, fits: impl Fn(&DataFile) -> bool) -> Vec<(Arc<str>, &'c Node)> {
        let mut roots = Vec::new();
        for file in self.corpus.data().filter(|file| fits(file)) {
            self.files += 1;
            self.gaps.extend(file.gaps(Source::Pipelines));
            roots.extend(file.documents.first().map(|root| (Arc::clone(&file.path), root)));
        }
        roots
    }

    /// Adds a pipeline after settling what its steps are there for.
    fn add(&mut self, system: PipelineSystem, name: String, place: Place, parts: Parts) {
        let Parts { triggers, jobs, permissions } = parts;
        let root = self.corpus.file(place.path()).and_then(|file| file.documents.first());
        let variables = match root {
            Some(root) if system != PipelineSystem::Script => variables::of(root),
            _ => Vec::new(),
        };
        let jobs = settle(jobs, &variables);
        self.pipelines.push(Pipeline { system, name, place, triggers, jobs, permissions, variables });
    }
}

/// What a pipeline gets whose start is set up outside of the repository: Cloud Build, Tekton.
const EXTERNAL: &str = "external";

/// What a task gets that a pipeline outside of the repository runs, beside others that are not here.
const PART: &str = "part";

/// Texts that run one after the other in one shell, as steps.
struct ShellSteps<'s, 'c> {
    scripts: &'s Scripts<'c>,
    folder: String,
}

impl<'s, 'c> ShellSteps<'s, 'c> {
    fn new(scripts: &'s Scripts<'c>, folder: &str) -> Self {
        Self { scripts, folder: scripts::join(".", folder) }
    }

    /// The step of a scalar; none for anything else.
    fn step(&mut self, node: &Node) -> Option<DraftStep> {
        node.str().map(|text| self.text(text, node.place.clone()))
    }

    fn text(&mut self, text: &str, place: Place) -> DraftStep {
        let mut draft = DraftStep::new(place.clone());
        draft.step.run = Some(text.to_owned());
        let shell = Text { script: text, place, stops: true, folder: &self.folder };
        let (outcome, folder) = self.scripts.outcome_and_folder(&shell);
        draft.outcome = outcome;
        self.folder = folder;
        draft
    }

    /// The steps of a scalar or of a list of them, lists in lists as anchors give them included.
    fn steps(&mut self, node: Option<&Node>) -> Vec<DraftStep> {
        let Some(node) = node else { return Vec::new() };
        if let Some(step) = self.step(node) {
            return vec![step];
        }
        let inner = |item: &Node| if item.str().is_some() { vec![item.clone()] } else { item.items().to_vec() };
        let items: Vec<Node> = node.items().iter().flat_map(inner).take(500).collect();
        items.iter().filter_map(|item| self.step(item)).collect()
    }
}

/// A scalar or a list of them.
fn strings(node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    match node.str() {
        Some(text) => vec![text.to_owned()],
        None => node.items().iter().filter_map(Node::str).map(str::to_owned).collect(),
    }
}

/// The entries of a mapping as texts.
fn texts(node: Option<&Node>) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.str()?.to_owned()))).collect()
}

/// The place of a key whose value is `true`.
fn switched_on(node: &Node, key: &str) -> Option<Place> {
    let entry = node.entry(key)?;
    (entry.node.str() == Some("true")).then(|| entry.key_place.clone())
}

/// A pipeline without what its file says.
#[derive(Default)]
struct Parts {
    triggers: Vec<String>,
    jobs: Vec<DraftJob>,
    permissions: Option<Located<String>>,
}

/// A job whose steps still know what each of their commands brings about.
#[derive(Clone)]
struct DraftJob {
    /// Its steps are empty.
    job: PipelineJob,
    /// The name that people read.
    title: Option<String>,
    steps: Vec<DraftStep>,
}

#[derive(Clone)]
struct DraftStep {
    /// Its purposes are empty.
    step: PipelineStep,
    outcome: Outcome,
}

impl DraftJob {
    fn new(id: impl Into<String>, place: Place) -> Self {
        let job = PipelineJob {
            id: id.into(),
            place,
            stage: None,
            environment: None,
            needs: Vec::new(),
            manual: false,
            tolerated: None,
            condition: None,
            steps: Vec::new(),
        };
        Self { job, title: None, steps: Vec::new() }
    }
}

impl DraftStep {
    fn new(place: Place) -> Self {
        let step = PipelineStep {
            name: None,
            place,
            run: None,
            uses: None,
            with: Vec::new(),
            tolerated: None,
            condition: None,
            purposes: Vec::new(),
        };
        Self { step, outcome: Outcome::default() }
    }
}

/// Kinds of tests that a name can tell.
const TESTS: &[Purpose] = &[
    Purpose::UnitTest,
    Purpose::IntegrationTest,
    Purpose::EndToEndTest,
    Purpose::ContractTest,
    Purpose::LoadTest,
    Purpose::ChaosTest,
    Purpose::SmokeTest,
];

fn settle(mut jobs: Vec<DraftJob>, variables: &[(String, Located<String>)]) -> Vec<PipelineJob> {
    for job in &mut jobs {
        for step in &mut job.steps {
            let name = step.step.name.clone().unwrap_or_default();
            step.outcome.named(&name, false);
            if let Some(title) = job.title.as_deref().or(Some(&job.job.id)) {
                step.outcome.told(title);
            }
        }
        if job.steps.iter().any(|step| step.outcome.cluster) || preview::is_one(job, variables) {
            job.steps.iter_mut().for_each(|step| step.outcome.rehearse());
        }
        for step in &mut job.steps {
            step.outcome.integrates(step.step.name.as_deref().unwrap_or_default());
        }
    }
    let deploys = after_deployment(&jobs);
    jobs.into_iter().zip(deploys).map(|(job, deploys)| finish(job, deploys)).collect()
}

/// For each job: it deploys, or it comes after one that does, or it belongs to an environment.
fn after_deployment(jobs: &[DraftJob]) -> Vec<bool> {
    let mut deploys: Vec<bool> = jobs
        .iter()
        .map(|job| {
            job.job.environment.is_some()
                || job.steps.iter().any(|step| step.outcome.has(Purpose::Deploy) || step.outcome.has(Purpose::Rollback))
        })
        .collect();
    // Jobs come after those that they need; a chain is no longer than the list.
    for _ in 0..jobs.len().min(20) {
        let mut changed = false;
        for (index, job) in jobs.iter().enumerate() {
            let follows = job
                .job
                .needs
                .iter()
                .any(|need| jobs.iter().zip(&deploys).any(|(other, deploys)| *deploys && other.job.id == *need));
            if follows && let Some(own) = deploys.get_mut(index).filter(|own| !**own) {
                *own = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    deploys
}

fn finish(draft: DraftJob, deploys: bool) -> PipelineJob {
    let mut job = draft.job;
    for DraftStep { step, outcome } in draft.steps {
        let effects: Vec<&Effect> = outcome.effects.iter().filter(|effect| deploys || !effect.probe).collect();
        let mut enforced: Vec<Purpose> =
            effects.iter().filter(|effect| effect.tolerated.is_none()).map(|effect| effect.purpose).collect();
        enforced.sort();
        enforced.dedup();
        let mut tolerated: Vec<&Effect> = effects
            .into_iter()
            .filter(|effect| effect.tolerated.is_some() && !enforced.contains(&effect.purpose))
            .collect();
        tolerated.sort_by_key(|effect| effect.purpose);
        tolerated.dedup_by_key(|effect| effect.purpose);
        let Some(place) = tolerated.iter().find_map(|effect| effect.tolerated.clone()) else {
            job.steps.push(PipelineStep { purposes: enforced, ..step });
            continue;
        };
        let purposes: Vec<Purpose> = tolerated.iter().map(|effect| effect.purpose).collect();
        if enforced.is_empty() {
            let tolerated = step.tolerated.clone().or(Some(place));
            job.steps.push(PipelineStep { purposes, tolerated, ..step });
            continue;
        }
        // A step of which only a part may fail is given as two, so that the rest keeps its weight.
        let part = PipelineStep {
            purposes,
            tolerated: step.tolerated.clone().or_else(|| Some(place.clone())),
            ..step.clone()
        };
        job.steps.push(PipelineStep { purposes: enforced, ..step });
        job.steps.push(part);
    }
    job
}

/// Words of a name that say that something is made ready for tests, or looked at afterwards, and not tested.
const PREPARES: &[&str] = &[
    "build",
    "install",
    "setup",
    "set",
    "prepare",
    "clean",
    "cleanup",
    "image",
    "images",
    "push",
    "pull",
    "deploy",
    "start",
    "stop",
    "up",
    "down",
    "lint",
    "fmt",
    "format",
    "generate",
    "gen",
    "logs",
    "log",
    "env",
    "deps",
    "cluster",
    "create",
    "delete",
    "destroy",
    "open",
    "report",
    "reports",
    "bin",
    "binary",
    "compile",
    "fixtures",
    "data",
    "upload",
    "download",
    "publish",
    "comment",
    "debug",
    "wait",
    "cache",
    "docker",
    "configure",
    "checkout",
    "notify",
    "init",
    "dependencies",
    "results",
    "result",
    "artifacts",
    "summary",
    "matrix",
    "check-changes",
    "changes",
    "save",
    "teardown",
    "login",
    "config",
    "server",
    "serve",
    "watch",
    "ui",
    "dump",
    "collect",
    "get",
    "list",
];

/// The kinds of test that a name promises.
fn promised(name: &str) -> Vec<Purpose> {
    let lower = name.to_ascii_lowercase();
    let prepares = lower.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| PREPARES.contains(&word));
    if prepares { Vec::new() } else { test_kinds(name) }
}

impl Outcome {
    fn has(&self, purpose: Purpose) -> bool {
        self.effects.iter().any(|effect| effect.purpose == purpose && !effect.probe)
    }

    /// A test run behind a name that says its kind is of that kind.
    fn told(&mut self, name: &str) {
        let kinds = test_kinds(name);
        if kinds.is_empty() {
            return;
        }
        let effects = std::mem::take(&mut self.effects);
        for effect in effects {
            if effect.purpose == Purpose::UnitTest {
                self.effects.extend(kinds.iter().map(|kind| Effect { purpose: *kind, ..effect.clone() }));
            } else {
                self.effects.push(effect);
            }
        }
    }

    /// As [`Outcome::told`]; and commands that nobody knows, behind a name that promises a test, are that test. With
    /// `target` the plain name `test` promises one too.
    fn named(&mut self, name: &str, target: bool) {
        self.told(name);
        if !self.unknown || self.effects.iter().any(|effect| !effect.probe && TESTS.contains(&effect.purpose)) {
            return;
        }
        let mut kinds = promised(name);
        if target && kinds.is_empty() && self.effects.is_empty() && matches!(name, "test" | "tests" | "unittest") {
            kinds.push(Purpose::UnitTest);
        }
        for purpose in kinds {
            self.effects.push(Effect { purpose, tolerated: None, probe: false });
        }
    }

    /// A run of the whole product that its step calls integration tests is both: the parts are together, and asked.
    fn integrates(&mut self, name: &str) {
        let whole = self.effects.iter().find(|effect| effect.purpose == Purpose::EndToEndTest && !effect.probe);
        if let Some(whole) = whole.filter(|_| test_kinds(name).contains(&Purpose::IntegrationTest)) {
            self.effects.push(Effect { purpose: Purpose::IntegrationTest, ..whole.clone() });
        }
    }

    /// What is deployed into a cluster that lives no longer than the job, or beside others under the name of a change,
    /// is tested end to end, not deployed.
    fn rehearse(&mut self) {
        self.effects.retain(|effect| !effect.probe && !matches!(effect.purpose, Purpose::Deploy | Purpose::Rollback));
        for effect in &mut self.effects {
            if effect.purpose == Purpose::SmokeTest {
                effect.purpose = Purpose::EndToEndTest;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::Tree;

    /// Compares what is gathered, written down: system, name and triggers of a pipeline, its jobs, the places and
    /// purposes of their steps; `~` comes before what tolerates a failure. `circles` only asks for an end.
    pub(super) fn check(files: &[(&str, &str)], expect: &str) {
        let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let corpus = Corpus::read(&tree);
        let gathered = gather(&corpus, &Cache::none());
        if expect == "circles" {
            assert!(gathered.items.iter().any(|pipeline| !pipeline.jobs.is_empty()));
            return;
        }
        let mut found = String::new();
        for pipeline in &gathered.items {
            found.push_str(&shown(pipeline));
        }
        for gap in &gathered.gaps {
            writeln!(found, "gap {}: {}", gap.place, gap.reason).expect("writes");
        }
        assert_eq!(found, expect, "\n{found}");
    }

    fn shown(pipeline: &Pipeline) -> String {
        let permissions = pipeline.permissions.as_ref().map(|own| format!(" [{}]", own.value)).unwrap_or_default();
        let triggers = pipeline.triggers.join(",");
        let mut text =
            format!("{:?} {} on {triggers}{permissions}", pipeline.system, pipeline.name).trim_end().to_owned();
        text.push('\n');
        for job in &pipeline.jobs {
            write!(text, "  {}", job.id).expect("writes");
            if let Some(environment) = &job.environment {
                write!(text, " @{}", environment.value).expect("writes");
            }
            if !job.needs.is_empty() && pipeline.system != PipelineSystem::Script {
                write!(text, " <{}", job.needs.join(",")).expect("writes");
            }
            if job.manual {
                text.push_str(" manual");
            }
            if let Some(place) = &job.tolerated {
                write!(text, " ~{place}").expect("writes");
            }
            text.push('\n');
            for step in &job.steps {
                write!(text, "    {}", step.place).expect("writes");
                for purpose in &step.purposes {
                    write!(text, " {purpose:?}").expect("writes");
                }
                if let Some(place) = &step.tolerated {
                    write!(text, " ~{place}").expect("writes");
                }
                text.push('\n');
            }
        }
        text
    }

    /// Prints what the pipelines of a repository are found to do: `PIPELINES=folder cargo test look -- --ignored`.
    #[test]
    #[ignore = "for reading by a person"]
    fn look() {
        let Some(root) = std::env::var_os("PIPELINES") else { return };
        let tree = Tree::from_disk(std::path::Path::new(&root)).expect("a folder");
        let corpus = Corpus::read(&tree);
        let gathered = gather(&corpus, &Cache::none());
        let mut out = String::new();
        for pipeline in &gathered.items {
            write!(out, "# {}\n{}", pipeline.place, shown(pipeline)).expect("writes");
        }
        writeln!(out, "{} files, gaps {:#?}", gathered.files, gathered.gaps).expect("writes");
        std::fs::write(std::env::temp_dir().join("pipelines.txt"), out).expect("writes");
    }
}
