//! Concourse: pipelines of jobs with plans, and tasks, which stand in files of their own. A task that no pipeline of the
//! repository names is run by one that was set elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gonogo_domain::{Node, Place, Source, evidence::PipelineSystem};

use super::{Context, DraftJob, DraftStep, EXTERNAL, PART, Parts, ShellSteps, strings, texts};
use crate::{DataFile, paths};

/// Steps inside of steps; people stay below five.
const MAX_DEPTH: usize = 12;
/// Steps of one job.
const MAX_STEPS: usize = 1000;

pub(super) fn gather(context: &mut Context<'_>) {
    let corpus = context.corpus;
    let mut pipelines: Vec<&DataFile> = Vec::new();
    let mut tasks: BTreeMap<&str, &Node> = BTreeMap::new();
    for file in corpus.data().filter(|file| file.role.counts()) {
        let Some(root) = file.documents.first() else { continue };
        if is_pipeline(root) {
            pipelines.push(file);
        } else if is_task(root) {
            tasks.insert(&file.path, root);
        } else {
            continue;
        }
        context.files += 1;
        context.gaps.extend(file.gaps(Source::Pipelines));
    }
    let mut named: BTreeSet<String> = BTreeSet::new();
    for file in pipelines {
        for root in file.documents.iter().filter(|root| is_pipeline(root)) {
            let mut plans = Plans { context, root, tasks: &tasks, named: &mut named, triggers: BTreeSet::new() };
            let jobs = root.list("jobs").iter().map(|job| plans.job(job)).collect();
            let mut triggers: Vec<String> = plans.triggers.into_iter().map(str::to_owned).collect();
            if triggers.is_empty() {
                triggers.push("manual".to_owned());
            }
            let parts = Parts { triggers, jobs, permissions: None };
            context.add(
                PipelineSystem::Concourse,
                stem(&file.path).to_owned(),
                Place::whole(Arc::clone(&file.path)),
                parts,
            );
        }
    }
    for (path, task) in tasks.iter().filter(|(path, _)| !named.contains(**path)) {
        let mut job = DraftJob::new(stem(path), task.place.clone());
        job.steps = vec![run(context, task)];
        let parts = Parts { triggers: vec![PART.to_owned()], jobs: vec![job], permissions: None };
        context.add(PipelineSystem::Concourse, stem(path).to_owned(), Place::whole(Arc::from(*path)), parts);
    }
}

fn is_pipeline(root: &Node) -> bool {
    let jobs = root.list("jobs");
    !jobs.is_empty() && jobs.iter().all(|job| job.str_at("name").is_some() && job.get("plan").is_some())
}

fn is_task(root: &Node) -> bool {
    matches!(root.str_at("platform"), Some("linux" | "windows" | "darwin")) && root.str_at("run.path").is_some()
}

fn stem(path: &str) -> &str {
    let name = paths::name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The plans of one pipeline.
struct Plans<'p, 'c, 'x> {
    context: &'x mut Context<'c>,
    root: &'p Node,
    tasks: &'p BTreeMap<&'p str, &'p Node>,
    /// Paths of the tasks that a pipeline of the repository runs.
    named: &'x mut BTreeSet<String>,
    triggers: BTreeSet<&'static str>,
}

impl<'p> Plans<'p, '_, '_> {
    fn job(&mut self, node: &'p Node) -> DraftJob {
        let mut job = DraftJob::new(node.str_at("name").unwrap_or("job"), node.place.clone());
        let mut starts = Vec::new();
        for step in node.list("plan").iter().take(MAX_STEPS) {
            self.step(step, MAX_DEPTH, None, &mut job, &mut starts);
        }
        job.job.manual = starts.is_empty();
        self.triggers.extend(starts);
        job.job.needs.sort();
        job.job.needs.dedup();
        job
    }

    fn step(
        &mut self,
        node: &'p Node,
        depth: usize,
        tolerated: Option<&Place>,
        job: &mut DraftJob,
        starts: &mut Vec<&'static str>,
    ) {
        if depth == 0 || job.steps.len() >= MAX_STEPS {
            return;
        }
        let mut inner = |plans: &mut Self, steps: &'p Node, tolerated: Option<&Place>, job: &mut DraftJob| {
            let listed = if steps.get("steps").is_some() { steps.list("steps") } else { steps.items() };
            let own = if listed.is_empty() { std::slice::from_ref(steps) } else { listed };
            for step in own {
                plans.step(step, depth - 1, tolerated, job, starts);
            }
        };
        for key in ["in_parallel", "aggregate", "do"] {
            if let Some(steps) = node.get(key) {
                inner(self, steps, tolerated, job);
            }
        }
        if let Some(attempt) = node.entry("try") {
            inner(self, &attempt.node, Some(&attempt.key_place), job);
        }
        if let Some(name) = node.str_at("get") {
            job.job.needs.extend(strings(node.get("passed")));
            if node.bool_at("trigger") == Some(true) {
                starts.push(self.trigger(node.str_at("resource").unwrap_or(name)));
            }
        }
        let drafts = [self.put(node), self.task(node)];
        for mut draft in drafts.into_iter().flatten() {
            if let Some(place) = tolerated {
                draft.step.tolerated = Some(place.clone());
                draft.outcome.tolerate(place);
            }
            job.steps.push(draft);
        }
        if let Some(after) = node.get("on_success") {
            self.step(after, depth - 1, tolerated, job, starts);
        }
    }

    /// The type of a resource, by its name.
    fn kind(&self, name: &str) -> &'p str {
        let resource = self.root.list("resources").iter().find(|one| one.str_at("name") == Some(name));
        resource.and_then(|one| one.str_at("type")).unwrap_or_default()
    }

    fn trigger(&self, name: &str) -> &'static str {
        match self.kind(name) {
            "git" | "git-branch" => "push",
            "time" | "cron" | "cron-resource" => "schedule",
            "github-release" | "semver" => "release",
            kind if kind.contains("pull-request") || kind == "pr" || kind.contains("merge-request") => "pull_request",
            _ => EXTERNAL,
        }
    }

    /// What is put is done by the resource: its type says what that is.
    fn put(&self, node: &Node) -> Option<DraftStep> {
        let name = node.str_at("put")?;
        let kind = self.kind(node.str_at("resource").unwrap_or(name));
        let mut draft = DraftStep::new(node.place.clone());
        draft.step.name = Some(name.to_owned());
        draft.step.uses = Some(format!("concourse put {kind}"));
        draft.step.with = texts(node.get("params"));
        draft.outcome = self.context.scripts.action(&format!("concourse put {kind}"), &draft.step.with);
        Some(draft)
    }

    fn task(&mut self, node: &'p Node) -> Option<DraftStep> {
        let name = node.str_at("task")?;
        let config = match (node.get("config"), node.get("file")) {
            (Some(config), _) => config,
            (None, Some(file)) => {
                // The first part of the path is the name of the input that holds the repository.
                let path = file.str().and_then(|path| path.split_once('/')).map_or("", |(_, path)| path);
                let Some(task) = self.tasks.get(path) else {
                    let reason = format!("the task {} is not in this repository", file.str().unwrap_or(name));
                    self.context.gap(file.place.clone(), reason);
                    return None;
                };
                self.named.insert(path.to_owned());
                task
            }
            (None, None) => return None,
        };
        let mut draft = run(self.context, config);
        draft.step.name = Some(name.to_owned());
        Some(draft)
    }
}

/// The command of a task. Its inputs lie side by side; `dir` or the first part of a path says in which it works.
fn run(context: &Context<'_>, task: &Node) -> DraftStep {
    let Some(run) = task.get("run") else { return DraftStep::new(task.place.clone()) };
    let inputs: Vec<&str> = task.list("inputs").iter().filter_map(|input| input.str_at("name")).collect();
    let inside = |path: &str| -> String {
        let own = path.trim_start_matches("./");
        let rest = inputs.iter().find_map(|input| own.strip_prefix(input)?.strip_prefix('/'));
        rest.map_or_else(|| path.to_owned(), |rest| format!("./{rest}"))
    };
    let folder = run.str_at("dir").and_then(|dir| dir.split_once('/')).map_or(".", |(_, below)| below);
    let mut shell = ShellSteps::new(context.scripts, folder);
    let path = run.str_at("path").unwrap_or_default();
    let arguments = run.list("args");
    let is_shell = matches!(path.rsplit('/').next(), Some("bash" | "sh" | "ash"));
    let script = arguments.iter().rev().find(|one| one.str().is_some_and(|text| text.contains([' ', '\n'])));
    if let (true, Some(script)) = (is_shell, script) {
        let mut text = script.str().unwrap_or_default().to_owned();
        for input in &inputs {
            text = text.replace(&format!("cd {input}"), "cd .").replace(&format!(" {input}/"), " ./");
        }
        return shell.text(&text, script.place.clone());
    }
    let words = std::iter::once(path).chain(arguments.iter().filter_map(Node::str)).map(inside);
    let line: Vec<String> = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word }).collect();
    shell.text(&line.join(" "), run.place.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn plans_run_tasks_of_the_repository_and_put_what_they_made() {
        check(
            &[
                (
                    "ci/pipeline.yml",
                    "resources:\n- {name: source, type: git}\n- {name: image, type: registry-image}\n- {name: cluster, type: kubernetes}\njobs:\n- name: unit\n  plan:\n  - {get: source, trigger: true}\n  - in_parallel:\n    - task: unit\n      file: source/ci/unit.yml\n    - try:\n        task: lint\n        config:\n          platform: linux\n          run: {path: sh, args: [-c, \"cd source && golangci-lint run\"]}\n          inputs: [{name: source}]\n- name: ship\n  plan:\n  - {get: source, passed: [unit]}\n  - {put: image, params: {image: built/image.tar}}\n  - {put: cluster, params: {kubectl: apply -f k8s}}\n",
                ),
                ("ci/unit.yml", "platform: linux\ninputs: [{name: source}]\nrun:\n  path: source/ci/unit.sh\n"),
                ("ci/unit.sh", "#!/bin/sh\nset -e\ngo test ./...\n"),
            ],
            "Concourse pipeline on push
  unit
    ci/unit.yml:4 UnitTest
    ci/pipeline.yml:16 Lint ~ci/pipeline.yml:12
  ship <unit manual
    ci/pipeline.yml:21 Publish
    ci/pipeline.yml:22 Deploy
",
        );
    }

    #[test]
    fn a_task_that_no_pipeline_here_names_is_run_from_elsewhere() {
        check(
            &[
                (
                    "ci/build.yml",
                    "platform: linux\ninputs: [{name: shop}]\nrun:\n  path: sh\n  dir: shop\n  args: [-e, ./ci/build.sh, ../bin/]\n",
                ),
                ("ci/build.sh", "make test\n"),
                ("Makefile", "test:\n\tgo test ./...\n"),
            ],
            "Script Makefile on
  test
    Makefile:1 UnitTest
Concourse build on part
  build
    ci/build.yml:4 UnitTest
",
        );
    }

    #[test]
    fn a_task_of_another_repository_is_a_gap() {
        check(
            &[(
                "ci/pipeline.yml",
                "jobs:\n- name: unit\n  plan:\n  - {get: source, trigger: true}\n  - {task: unit, file: shared/unit.yml}\n",
            )],
            "Concourse pipeline on external
  unit
gap ci/pipeline.yml:5: the task shared/unit.yml is not in this repository
",
        );
    }
}
