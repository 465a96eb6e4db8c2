//! CircleCI: each workflow of `.circleci/config.yml` is a pipeline, its commands and parameters filled in.

use std::sync::Arc;

use gonogo_domain::{Node, Place, evidence::PipelineSystem};

use super::{
    Context, DraftJob, DraftStep, Parts, ShellSteps,
    scripts::{Scripts, join},
    strings, texts,
};

/// Commands inside commands.
const DEPTH_LIMIT: usize = 6;
/// Steps of one job.
const STEP_LIMIT: usize = 1000;

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| matches!(&*file.path, ".circleci/config.yml" | ".circleci/config.yaml"));
    for (path, root) in roots {
        let config = Config { root, scripts: context.scripts };
        let workflows = root.get("workflows").map(Node::entries).unwrap_or_default();
        let mut found = false;
        for workflow in workflows.iter().filter(|workflow| !workflow.node.list("jobs").is_empty()) {
            found = true;
            let jobs = workflow.node.list("jobs");
            let drafts = jobs.iter().filter_map(|job| config.workflow_job(job)).collect();
            let parts = Parts { triggers: triggers(&workflow.node), jobs: drafts, permissions: None };
            context.add(PipelineSystem::CircleCi, workflow.key.clone(), workflow.key_place.clone(), parts);
        }
        if !found {
            let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
            let drafts = jobs.iter().map(|job| config.job(&job.key, job.key_place.clone(), &job.node, &[])).collect();
            let parts = Parts { triggers: vec!["push".to_owned()], jobs: drafts, permissions: None };
            context.add(PipelineSystem::CircleCi, path.to_string(), Place::whole(Arc::clone(&path)), parts);
        }
    }
}

fn triggers(workflow: &Node) -> Vec<String> {
    let mut triggers = Vec::new();
    let scheduled = workflow.list("triggers").iter().any(|trigger| trigger.get("schedule").is_some());
    let (mut branches, mut tags) = (false, false);
    for job in workflow.list("jobs") {
        let filters = job.entries().first().and_then(|entry| entry.node.get("filters"));
        let no_branch = filters.is_some_and(|filters| {
            strings(filters.at("branches.ignore"))
                .iter()
                .any(|pattern| matches!(pattern.as_str(), "/.*/" | "/^.*$/" | "/.+/"))
        });
        branches |= !no_branch;
        tags |= filters
            .is_some_and(|filters| filters.at("tags.only").is_some() || (no_branch && filters.get("tags").is_some()));
    }
    if scheduled {
        triggers.push("schedule");
    } else if branches {
        triggers.push("push");
    }
    if tags {
        triggers.push("tag");
    }
    triggers.into_iter().map(str::to_owned).collect()
}

struct Config<'c, 's> {
    root: &'c Node,
    scripts: &'s Scripts<'c>,
}

impl Config<'_, '_> {
    /// A job of a workflow: a name, or a name with parameters.
    fn workflow_job(&self, node: &Node) -> Option<DraftJob> {
        let (name, place, given) = if let Some(name) = node.str() {
            (name, node.place.clone(), None)
        } else {
            let entry = node.entries().first()?;
            (entry.key.as_str(), entry.key_place.clone(), Some(&entry.node))
        };
        let id = given.and_then(|given| given.str_at("name")).unwrap_or(name);
        let parameters = texts(given);
        let body = self.root.at("jobs").and_then(|jobs| jobs.get(name));
        let mut draft = if let Some(body) = body {
            self.job(id, place, body, &parameters)
        } else {
            let mut draft = DraftJob::new(id, place.clone());
            draft.job.manual = given.and_then(|given| given.str_at("type")) == Some("approval");
            if !draft.job.manual {
                draft.steps.push(self.orb(name, place, given));
            }
            draft
        };
        if let Some(given) = given {
            let requires = given.get("requires").map(Node::items).unwrap_or_default();
            draft.job.needs = requires
                .iter()
                .filter_map(|need| need.str().or_else(|| need.entries().first().map(|entry| entry.key.as_str())))
                .map(str::to_owned)
                .collect();
            draft.job.condition = given.get("filters").map(gonogo_formats::json::to_string);
            for key in ["pre-steps", "post-steps"] {
                let mut shell = ShellSteps::new(self.scripts, ".");
                self.steps(&mut shell, given.list(key), &[], &mut draft.steps, 0);
            }
        }
        Some(draft)
    }

    fn job(&self, id: &str, place: Place, body: &Node, given: &[(String, String)]) -> DraftJob {
        let mut draft = DraftJob::new(id, place);
        draft.job.manual = body.str_at("type") == Some("approval");
        let parameters = with_defaults(body, given);
        let folder = body.str_at("working_directory").filter(|folder| !folder.starts_with(['~', '/'])).unwrap_or(".");
        let mut shell = ShellSteps::new(self.scripts, folder);
        self.steps(&mut shell, body.list("steps"), &parameters, &mut draft.steps, 0);
        draft
    }

    fn steps(
        &self,
        shell: &mut ShellSteps<'_, '_>,
        nodes: &[Node],
        parameters: &[(String, String)],
        out: &mut Vec<DraftStep>,
        depth: usize,
    ) {
        for node in nodes {
            if out.len() >= STEP_LIMIT {
                return;
            }
            let (name, place, body) = match (node.str(), node.entries().first()) {
                (Some(name), _) => (name, node.place.clone(), None),
                (None, Some(entry)) => (entry.key.as_str(), entry.key_place.clone(), Some(&entry.node)),
                (None, None) => continue,
            };
            match (name, body) {
                ("run", Some(body)) => out.extend(run(shell, body, place, parameters)),
                ("when" | "unless", Some(body)) if depth < DEPTH_LIMIT => {
                    self.steps(shell, body.list("steps"), parameters, out, depth + 1);
                }
                (
                    "checkout"
                    | "setup_remote_docker"
                    | "attach_workspace"
                    | "persist_to_workspace"
                    | "save_cache"
                    | "restore_cache"
                    | "store_artifacts"
                    | "store_test_results"
                    | "add_ssh_keys",
                    _,
                ) => {
                    let mut step = DraftStep::new(place);
                    step.step.uses = Some(name.to_owned());
                    out.push(step);
                }
                _ => match self.root.at("commands").and_then(|commands| commands.get(name)) {
                    Some(command) if depth < DEPTH_LIMIT => {
                        let inner = with_defaults(command, &texts(body));
                        self.steps(shell, command.list("steps"), &inner, out, depth + 1);
                    }
                    _ => out.push(self.orb(name, place, body)),
                },
            }
        }
    }

    /// A job or a command of an orb, by its name and its parameters.
    fn orb(&self, name: &str, place: Place, body: Option<&Node>) -> DraftStep {
        let mut step = DraftStep::new(place);
        step.step.uses = Some(name.to_owned());
        step.step.with = texts(body);
        let plain: Vec<(String, String)> =
            step.step.with.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "context")).cloned().collect();
        step.outcome = self.scripts.action(name, &plain);
        // A script of the repository that the orb is told to run.
        for key in ["command", "script", "commands", "run", "cmd", "steps"] {
            if let Some(node) = body.and_then(|body| body.get(key)) {
                let mut shell = ShellSteps::new(self.scripts, ".");
                if let Some(inner) = shell.step(node) {
                    step.outcome.extend(inner.outcome);
                }
            }
        }
        let words = name.rsplit('/').next().unwrap_or(name).replace('_', "-");
        step.outcome.unknown = true;
        step.outcome.named(&words, false);
        step
    }
}

fn run(
    shell: &mut ShellSteps<'_, '_>,
    body: &Node,
    place: Place,
    parameters: &[(String, String)],
) -> Option<DraftStep> {
    let command = if body.str().is_some() { body } else { body.get("command")? };
    let text = filled(command.str()?, parameters);
    if let Some(folder) = body.str_at("working_directory").filter(|folder| !folder.starts_with(['~', '/'])) {
        let before = std::mem::replace(&mut shell.folder, join(".", folder));
        let mut step = shell.text(&text, command.place.clone());
        shell.folder = before;
        step.step.place = place;
        step.step.name = body.str_at("name").map(str::to_owned);
        return Some(step);
    }
    let start = shell.folder.clone();
    let mut step = shell.text(&text, command.place.clone());
    // Every `run` is a shell of its own.
    shell.folder = start;
    step.step.place = place;
    step.step.name = body.str_at("name").map(str::to_owned);
    step.step.condition = body.str_at("when").map(str::to_owned);
    Some(step)
}

fn with_defaults(body: &Node, given: &[(String, String)]) -> Vec<(String, String)> {
    let mut parameters = given.to_vec();
    for entry in body.get("parameters").map(Node::entries).unwrap_or_default() {
        if let Some(default) = entry.node.str_at("default")
            && !parameters.iter().any(|(name, _)| *name == entry.key)
        {
            parameters.push((entry.key.clone(), default.to_owned()));
        }
    }
    parameters
}

/// `<< parameters.name >>` as what is given for it.
fn filled(text: &str, parameters: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in parameters.iter().take(100) {
        if text.len() > 64 * 1024 {
            break;
        }
        for pattern in [format!("<< parameters.{name} >>"), format!("<<parameters.{name}>>")] {
            text = text.replace(&pattern, value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn each_workflow_is_a_pipeline() {
        check(
            &[(
                ".circleci/config.yml",
                "version: 2.1\ncommands:\n  run-it:\n    parameters:\n      what: {default: test}\n    steps:\n      - run: go << parameters.what >> ./...\njobs:\n  unit:\n    steps:\n      - checkout\n      - run-it\n      - run: |\n          npm audit || true\n  ship:\n    steps:\n      - run: {name: Ship, command: kubectl apply -f k8s}\nworkflows:\n  build:\n    jobs:\n      - unit\n      - hold: {type: approval, requires: [unit]}\n      - ship:\n          requires: [hold]\n      - rok8s/kubernetes_e2e_tests:\n          requires: [unit]\n  release:\n    jobs:\n      - ship:\n          filters: {branches: {ignore: /.*/}, tags: {only: /v.*/}}\n",
            )],
            "CircleCi build on push
  unit
    .circleci/config.yml:11
    .circleci/config.yml:7 UnitTest
    .circleci/config.yml:13 DependencyAudit ~.circleci/config.yml:14
  hold <unit manual
  ship <hold
    .circleci/config.yml:17 Deploy
  rok8s/kubernetes_e2e_tests <unit
    .circleci/config.yml:25 EndToEndTest
CircleCi release on tag
  ship
    .circleci/config.yml:17 Deploy
",
        );
    }
}
