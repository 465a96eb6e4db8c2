//! Tekton: Pipeline objects with the tasks that they name, and tasks that no pipeline of the repository names.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{Node, Source, evidence::PipelineSystem};

use super::{Context, DraftJob, EXTERNAL, PART, Parts, ShellSteps, cloud_build::container, strings};

pub(super) fn gather(context: &mut Context<'_>) {
    let corpus = context.corpus;
    let mut pipelines: Vec<&Node> = Vec::new();
    let mut tasks: BTreeMap<&str, &Node> = BTreeMap::new();
    for file in corpus.data().filter(|file| file.role.counts()) {
        let mut own = file.broken_with("tekton.dev/");
        for root in &file.documents {
            if !root.str_at("apiVersion").is_some_and(|version| version.starts_with("tekton.dev/")) {
                continue;
            }
            own = true;
            match root.str_at("kind") {
                Some("Pipeline") => pipelines.push(root),
                Some("Task" | "ClusterTask") => {
                    tasks.insert(root.str_at("metadata.name").unwrap_or_default(), root);
                }
                _ => (),
            }
        }
        if own {
            context.files += 1;
            context.gaps.extend(file.gaps(Source::Pipelines));
        }
    }
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for pipeline in pipelines {
        let mut jobs = Vec::new();
        for task in pipeline.list("spec.tasks").iter().chain(pipeline.list("spec.finally")) {
            let reference = task.str_at("taskRef.name");
            named.extend(reference);
            let spec = task.get("taskSpec").or_else(|| tasks.get(reference?)?.get("spec"));
            let mut job = job(context, task.str_at("name").unwrap_or("task"), task, spec);
            job.job.needs = strings(task.get("runAfter"));
            jobs.push(job);
        }
        add(context, pipeline, jobs, EXTERNAL);
    }
    for (name, task) in tasks {
        if !named.contains(name) {
            let job = job(context, name, task, task.get("spec"));
            add(context, task, vec![job], PART);
        }
    }
}

fn add(context: &mut Context<'_>, object: &Node, jobs: Vec<DraftJob>, trigger: &str) {
    let name = object.str_at("metadata.name").unwrap_or("pipeline").to_owned();
    let parts = Parts { triggers: vec![trigger.to_owned()], jobs, permissions: None };
    context.add(PipelineSystem::Tekton, name, object.place.clone(), parts);
}

fn job(context: &Context<'_>, id: &str, node: &Node, spec: Option<&Node>) -> DraftJob {
    let mut draft = DraftJob::new(id, node.place.clone());
    draft.job.tolerated =
        node.entry("onError").filter(|entry| entry.node.str() == Some("continue")).map(|entry| entry.key_place.clone());
    for node in spec.map(|spec| spec.list("steps")).unwrap_or_default() {
        let mut shell = ShellSteps::new(context.scripts, ".");
        let image = node.str_at("image").unwrap_or_default();
        let mut step = match node.get("script").and_then(|script| shell.step(script)) {
            Some(step) => step,
            None => container(&mut shell, image, node),
        };
        step.step.place = node.place.clone();
        step.step.name = node.str_at("name").map(str::to_owned);
        step.step.uses = Some(image.to_owned()).filter(|image| !image.is_empty());
        draft.steps.push(step);
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn pipelines_have_the_steps_of_their_tasks() {
        check(
            &[
                (
                    "ci/pipeline.yaml",
                    "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: ci}\nspec:\n  tasks:\n  - name: unit\n    taskRef: {name: go-test}\n  - name: ship\n    runAfter: [unit]\n    taskSpec:\n      steps:\n      - image: bitnami/kubectl\n        args: [apply, -f, k8s]\n",
                ),
                (
                    "ci/task.yaml",
                    "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: go-test}\nspec:\n  steps:\n  - image: golang\n    script: |\n      #!/bin/sh\n      go test ./... || true\n",
                ),
            ],
            "Tekton ci on external
  unit
    ci/task.yaml:6 UnitTest ~ci/task.yaml:9
  ship <unit
    ci/pipeline.yaml:12 Deploy
",
        );
    }
}
