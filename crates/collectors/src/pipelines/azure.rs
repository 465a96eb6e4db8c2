//! Azure Pipelines: stages, jobs and steps, with templates of the repository.

use std::sync::Arc;

use gonogo_domain::{
    Node, Place,
    evidence::{Located, PipelineSystem},
};

use super::{
    Context, DraftJob, DraftStep, Parts, ShellSteps,
    scripts::{Scripts, join, parent},
    strings, switched_on, texts,
};
use crate::{Corpus, roles::has_extension};

/// Templates inside templates.
const DEPTH_LIMIT: usize = 6;
/// Jobs and steps of one pipeline.
const LIMIT: usize = 2000;

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| {
        let name = file.name();
        (has_extension(name, "yml") || has_extension(name, "yaml"))
            && (name.starts_with("azure-pipeline")
                || name.starts_with(".azure-pipeline")
                || name == ".vsts-ci.yml"
                || file.path.starts_with(".azure-pipelines/")
                || file.path.starts_with(".azuredevops/"))
    });
    for (path, root) in roots {
        // A template has no trigger and is read where it is called.
        let starts = ["trigger", "pr", "schedules", "extends", "pool"].iter().any(|key| root.get(key).is_some());
        if root.get("parameters").is_some() && !starts {
            continue;
        }
        let reader = Reader { corpus: context.corpus, scripts: context.scripts };
        let mut jobs = Vec::new();
        reader.level(root, &path, &Around::default(), &mut jobs, 0);
        if jobs.is_empty() {
            continue;
        }
        let name = root.str_at("name").filter(|name| !name.contains('$')).unwrap_or(&path).to_owned();
        let parts = Parts { triggers: triggers(root), jobs, permissions: None };
        context.add(PipelineSystem::AzurePipelines, name, Place::whole(Arc::clone(&path)), parts);
    }
}

fn triggers(root: &Node) -> Vec<String> {
    let mut triggers = Vec::new();
    match root.get("trigger") {
        Some(node) if node.str() == Some("none") => (),
        Some(node) if node.get("tags").is_some() && node.get("branches").is_none() => triggers.push("tag"),
        // Without a trigger every push starts it, unless another pipeline does.
        Some(_) => triggers.push("push"),
        None if root.at("resources.pipelines").is_none() => triggers.push("push"),
        None => (),
    }
    if root.get("pr").is_some_and(|node| node.str() != Some("none")) {
        triggers.push("pull_request");
    }
    if root.get("schedules").is_some() {
        triggers.push("schedule");
    }
    if triggers.is_empty() {
        triggers.push("manual");
    }
    triggers.into_iter().map(str::to_owned).collect()
}

/// What jobs inherit from their stage.
#[derive(Clone, Default)]
struct Around {
    stage: Option<String>,
    needs: Vec<String>,
    condition: Option<String>,
}

struct Reader<'c> {
    corpus: &'c Corpus<'c>,
    scripts: &'c Scripts<'c>,
}

impl<'c> Reader<'c> {
    /// Whatever a file or a stage holds: stages, jobs, or the steps of a single job.
    fn level(&self, node: &Node, path: &str, around: &Around, out: &mut Vec<DraftJob>, depth: usize) {
        if depth > DEPTH_LIMIT || out.len() >= LIMIT {
            return;
        }
        let mut before: Vec<String> = Vec::new();
        for stage in items(node, "stages") {
            if let Some((root, path)) = self.template(stage, path) {
                self.level(root, &path, around, out, depth + 1);
                continue;
            }
            let name = stage.str_at("stage").unwrap_or_default();
            let own = match stage.get("dependsOn") {
                Some(needs) => strings(Some(needs)),
                None => before.clone(),
            };
            let needs = out
                .iter()
                .filter(|job| job.job.stage.as_ref().is_some_and(|stage| own.contains(stage)))
                .map(|job| job.job.id.clone())
                .collect();
            let around =
                Around { stage: Some(name.to_owned()), needs, condition: stage.str_at("condition").map(str::to_owned) };
            self.level(stage, path, &around, out, depth + 1);
            before = vec![name.to_owned()];
        }
        for job in items(node, "jobs") {
            match self.template(job, path) {
                Some((root, path)) => self.level(root, &path, around, out, depth + 1),
                None => out.push(self.job(job, path, around)),
            }
        }
        if !items(node, "steps").is_empty() {
            let mut draft = DraftJob::new("job", node.place.clone());
            self.steps(node, path, &mut ShellSteps::new(self.scripts, "."), &mut draft, 0);
            out.push(draft);
        }
        if let Some((root, path)) = node.get("extends").and_then(|extends| self.template(extends, path)) {
            self.level(root, &path, around, out, depth + 1);
        }
    }

    /// The template that a node names, if it lies in the repository.
    fn template(&self, node: &Node, path: &str) -> Option<(&'c Node, Arc<str>)> {
        let name = node.str_at("template").filter(|name| !name.contains('@'))?;
        let target = if name.starts_with('/') { join(".", name) } else { join(parent(path), name) };
        let file = self.corpus.file(&target)?;
        Some((file.documents.first()?, Arc::clone(&file.path)))
    }

    fn job(&self, node: &Node, path: &str, around: &Around) -> DraftJob {
        let id = node.str_at("job").or_else(|| node.str_at("deployment")).unwrap_or("job");
        let mut draft = DraftJob::new(id, node.place.clone());
        draft.title = node.str_at("displayName").map(str::to_owned);
        draft.job.stage.clone_from(&around.stage);
        draft.job.needs = strings(node.get("dependsOn"));
        draft.job.needs.extend(around.needs.iter().cloned());
        draft.job.condition = node.str_at("condition").map(str::to_owned).or_else(|| around.condition.clone());
        draft.job.tolerated = switched_on(node, "continueOnError");
        draft.job.environment = node.get("environment").and_then(|environment| {
            let name = environment.str().or_else(|| environment.str_at("name"))?;
            Some(Located::new(name.to_owned(), &environment.place))
        });
        let mut shell = ShellSteps::new(self.scripts, ".");
        self.steps(node, path, &mut shell, &mut draft, 0);
        for strategy in node.get("strategy").map(Node::entries).unwrap_or_default() {
            for phase in strategy.node.entries() {
                self.steps(&phase.node, path, &mut shell, &mut draft, 0);
                for event in phase.node.entries().iter().filter(|_| phase.key == "on") {
                    self.steps(&event.node, path, &mut shell, &mut draft, 0);
                }
            }
        }
        draft
    }

    fn steps(&self, node: &Node, path: &str, shell: &mut ShellSteps<'_, '_>, draft: &mut DraftJob, depth: usize) {
        for step in items(node, "steps") {
            if draft.steps.len() >= LIMIT || depth > DEPTH_LIMIT {
                return;
            }
            if let Some((root, path)) = self.template(step, path) {
                self.steps(root, &path, shell, draft, depth + 1);
                continue;
            }
            draft.job.manual |= step.str_at("task").is_some_and(|task| task.starts_with("ManualValidation@"));
            draft.steps.push(self.step(step, shell));
        }
    }

    fn step(&self, node: &Node, shell: &mut ShellSteps<'_, '_>) -> DraftStep {
        let script = ["script", "bash", "pwsh", "powershell"].iter().find_map(|key| node.get(key));
        shell.folder = join(".", super::scripts::without_variable(node.str_at("workingDirectory").unwrap_or(".")));
        let mut draft =
            script.and_then(|script| shell.step(script)).unwrap_or_else(|| DraftStep::new(node.place.clone()));
        draft.step.place = node.place.clone();
        draft.step.name = node.str_at("displayName").map(str::to_owned);
        draft.step.condition = node.str_at("condition").map(str::to_owned);
        draft.step.tolerated = switched_on(node, "continueOnError");
        if let Some(task) = node.str_at("task").or_else(|| node.str_at("template")) {
            draft.step.uses = Some(task.to_owned());
            draft.step.with = texts(node.get("inputs"));
            draft.outcome.extend(self.scripts.action(task, &draft.step.with));
            for key in ["inlineScript", "script", "Inline"] {
                let inputs = node.get("inputs").and_then(|inputs| inputs.get(key));
                if let Some(inner) = inputs.and_then(|inputs| shell.step(inputs)) {
                    draft.outcome.extend(inner.outcome);
                }
            }
        }
        if let Some(place) = draft.step.tolerated.clone() {
            draft.outcome.tolerate(&place);
        }
        draft
    }
}

/// The items of a list, those under `${{ if … }}:` included.
fn items<'n>(node: &'n Node, key: &str) -> Vec<&'n Node> {
    let mut out = Vec::new();
    let mut open: Vec<(&Node, usize)> = node.list(key).iter().rev().map(|item| (item, 0)).collect();
    while let Some((item, depth)) = open.pop() {
        let conditional: Vec<&Node> = item
            .entries()
            .iter()
            .filter(|entry| entry.key.starts_with("${{"))
            .flat_map(|entry| entry.node.items())
            .collect();
        if conditional.is_empty() {
            out.push(item);
        } else if depth < DEPTH_LIMIT && open.len() < LIMIT {
            open.extend(conditional.into_iter().rev().map(|item| (item, depth + 1)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn stages_jobs_and_templates_are_read() {
        check(
            &[
                (
                    "azure-pipelines.yml",
                    "trigger: [main]\npr: [main]\nstages:\n  - stage: Build\n    jobs:\n      - job: test\n        steps:\n          - template: ci/steps.yml\n          - ${{ if eq(a, b) }}:\n              - task: DotNetCoreCLI@2\n                inputs: {command: test}\n                continueOnError: true\n  - stage: Prod\n    jobs:\n      - deployment: prod\n        environment: production\n        strategy:\n          runOnce:\n            deploy:\n              steps:\n                - script: kubectl apply -f k8s\n",
                ),
                (
                    "ci/steps.yml",
                    "parameters: {}\nsteps:\n  - bash: npm test\n    workingDirectory: $(Build.SourcesDirectory)/web\n",
                ),
                ("web/package.json", r#"{"scripts": {"test": "jest"}}"#),
            ],
            "AzurePipelines azure-pipelines.yml on push,pull_request
  test
    ci/steps.yml:3 UnitTest
    azure-pipelines.yml:10 UnitTest ~azure-pipelines.yml:12
  prod @production <test
    azure-pipelines.yml:21 Deploy
Script package.json on
  test
    web/package.json:1 UnitTest
",
        );
    }
}
