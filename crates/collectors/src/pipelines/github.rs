//! GitHub Actions: workflows, with the composite actions and reusable workflows of the repository resolved.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Node, Place, Value,
    evidence::{Located, PipelineSystem},
};

use super::{
    Context, DraftJob, DraftStep, Parts,
    scripts::{Outcome, Scripts, Text, join},
    strings, switched_on,
};
use crate::{Corpus, DataFile, roles::has_extension};

/// Actions and workflows inside each other; GitHub allows ten and four.
const DEPTH_LIMIT: usize = 5;
/// Jobs of one workflow with those of the workflows that it calls.
const JOB_LIMIT: usize = 1000;

/// Workflows lie in one folder, and only in that of the repository's root; actions may lie anywhere.
pub(super) fn gather(context: &mut Context<'_>) {
    let corpus = context.corpus;
    for file in corpus.data() {
        let workflow = workflow(&file.path);
        if !workflow && !matches!(file.name(), "action.yml" | "action.yaml") {
            continue;
        }
        if workflow {
            context.files += 1;
            context.gaps.extend(file.gaps(gonogo_domain::Source::Pipelines));
        }
        let Some(root) = file.documents.first() else { continue };
        if workflow {
            let Some(jobs) = root.get("jobs") else {
                context.gap(root.place.clone(), "it lies among the workflows and has no jobs");
                continue;
            };
            let name = root.str_at("name").map_or_else(|| file.name().to_owned(), str::to_owned);
            let reader = Reader { corpus, scripts: context.scripts };
            let parts = Parts {
                triggers: triggers(root),
                jobs: reader.jobs(root, jobs, &BTreeMap::new(), 0),
                permissions: permissions(root, jobs),
            };
            context.add(PipelineSystem::GitHubActions, name, Place::whole(Arc::clone(&file.path)), parts);
        } else if root.str_at("runs.using") == Some("composite") {
            context.files += 1;
            let reader = Reader { corpus, scripts: context.scripts };
            let name = root.str_at("name").map_or_else(|| file.folder().to_owned(), str::to_owned);
            let mut job = DraftJob::new(&name, root.place.clone());
            job.steps = root.list("runs.steps").iter().map(|step| reader.step(step, &Defaults::default(), 0)).collect();
            let parts = Parts { jobs: vec![job], ..Parts::default() };
            context.add(PipelineSystem::Script, name, Place::whole(Arc::clone(&file.path)), parts);
        }
    }
}

fn workflow(path: &str) -> bool {
    path.strip_prefix(".github/workflows/").is_some_and(|name| !name.contains('/') && !has_extension(name, "json"))
}

fn triggers(root: &Node) -> Vec<String> {
    let Some(on) = root.get("on").or_else(|| root.get("true")) else { return Vec::new() };
    let mut triggers: Vec<String> = Vec::new();
    match &on.value {
        Value::Scalar(_) => triggers.extend(on.str().map(str::to_owned)),
        Value::Sequence(items) => triggers.extend(items.iter().filter_map(Node::str).map(str::to_owned)),
        Value::Mapping(entries) => {
            for entry in entries {
                let only_tags = entry.node.get("tags").is_some() || entry.node.get("tags-ignore").is_some();
                let branches = entry.node.get("branches").is_some() || entry.node.get("branches-ignore").is_some();
                match entry.key.as_str() {
                    "push" if only_tags && branches => triggers.extend(["push".to_owned(), "tag".to_owned()]),
                    "push" if only_tags => triggers.push("tag".to_owned()),
                    key @ ("pull_request" | "pull_request_target") if !on_every_change(&entry.node) => {
                        triggers.push(format!("{key} once"));
                    }
                    key => triggers.push(key.to_owned()),
                }
            }
        }
        Value::Null => (),
    }
    triggers
}

/// A request of changes starts it again when they change: it is not asked for the day on which the request is opened,
/// labelled or closed alone.
fn on_every_change(trigger: &Node) -> bool {
    let types = trigger.get("types");
    types.is_none_or(|types| {
        let named: Vec<&str> = types.items().iter().chain([types]).filter_map(Node::str).collect();
        named.is_empty() || named.contains(&"synchronize")
    })
}

/// The workflow's, or those of its jobs if each has its own.
fn permissions(root: &Node, jobs: &Node) -> Option<Located<String>> {
    if let Some(entry) = root.entry("permissions") {
        return Some(Located::new(written(&entry.node), &entry.key_place));
    }
    let of_jobs: Vec<_> = jobs.entries().iter().map(|job| job.node.entry("permissions")).collect::<Option<_>>()?;
    let first = of_jobs.first()?;
    let mut all: Vec<String> = Vec::new();
    for entry in &of_jobs {
        for part in written(&entry.node).split(", ").filter(|part| !part.is_empty()) {
            if !all.iter().any(|own| own == part) {
                all.push(part.to_owned());
            }
        }
    }
    Some(Located::new(all.join(", "), &first.key_place))
}

fn written(permissions: &Node) -> String {
    if let Some(text) = permissions.str() {
        return text.to_owned();
    }
    let entries = permissions.entries().iter();
    entries.map(|entry| format!("{}: {}", entry.key, entry.node.str().unwrap_or("none"))).collect::<Vec<_>>().join(", ")
}

struct Reader<'c> {
    corpus: &'c Corpus<'c>,
    scripts: &'c Scripts<'c>,
}

/// What steps inherit from their job and workflow.
#[derive(Clone, Debug, Default)]
struct Defaults<'a> {
    folder: Option<&'a str>,
    inputs: BTreeMap<&'a str, &'a str>,
}

impl Reader<'_> {
    fn jobs(&self, root: &Node, jobs: &Node, inputs: &BTreeMap<&str, &str>, depth: usize) -> Vec<DraftJob> {
        let mut drafts: Vec<DraftJob> = Vec::new();
        let mut called: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in jobs.entries() {
            let body = &entry.node;
            let mut draft = DraftJob::new(&entry.key, entry.key_place.clone());
            draft.title = body.str_at("name").map(str::to_owned);
            draft.job.needs = strings(body.get("needs"));
            draft.job.condition = body.str_at("if").map(str::to_owned);
            draft.job.tolerated = switched_on(body, "continue-on-error");
            draft.job.environment = body.get("environment").and_then(|node| environment(node, inputs));
            draft.job.stage = draft.job.environment.as_ref().map(|environment| environment.value.clone());
            let folder =
                body.str_at("defaults.run.working-directory").or_else(|| root.str_at("defaults.run.working-directory"));
            let defaults = Defaults { folder, inputs: inputs.clone() };
            if let Some(uses) = body.str_at("uses") {
                let expanded = self.called(uses, body, inputs, depth);
                if !expanded.is_empty() && drafts.len() < JOB_LIMIT {
                    let ids = expanded.iter().map(|job| format!("{}/{}", entry.key, job.job.id)).collect();
                    called.insert(entry.key.clone(), ids);
                    drafts.extend(expanded.into_iter().map(|job| inside(&draft, &entry.key, job)));
                    continue;
                }
                let mut step =
                    DraftStep::new(body.get("uses").map_or_else(|| entry.key_place.clone(), |node| node.place.clone()));
                step.step.uses = Some(uses.to_owned());
                step.step.with = inputs_of(body, inputs);
                step.outcome = self.scripts.action(uses, &step.step.with);
                draft.steps.push(step);
            }
            draft.steps.extend(body.list("steps").iter().map(|step| self.step(step, &defaults, depth)));
            drafts.push(draft);
        }
        for draft in &mut drafts {
            let needs = std::mem::take(&mut draft.job.needs);
            for need in needs {
                match called.get(&need) {
                    Some(ids) => draft.job.needs.extend(ids.iter().cloned()),
                    None => draft.job.needs.push(need),
                }
            }
        }
        drafts
    }

    /// The jobs of a reusable workflow of this repository.
    fn called(&self, uses: &str, caller: &Node, inputs: &BTreeMap<&str, &str>, depth: usize) -> Vec<DraftJob> {
        let Some(path) = uses.strip_prefix("./").filter(|_| depth < DEPTH_LIMIT) else { return Vec::new() };
        let path = path.split('@').next().unwrap_or(path);
        let Some(root) = self.corpus.file(&join(".", path)).and_then(|file| file.documents.first()) else {
            return Vec::new();
        };
        let Some(jobs) = root.get("jobs") else { return Vec::new() };
        let mut own: BTreeMap<&str, &str> = BTreeMap::new();
        let declared = root.at("on.workflow_call.inputs").map(Node::entries).unwrap_or_default();
        for input in declared {
            if let Some(default) = input.node.str_at("default") {
                own.insert(&input.key, default);
            }
        }
        for input in caller.get("with").map(Node::entries).unwrap_or_default() {
            if let Some(value) = input.node.str() {
                own.insert(&input.key, filled(value, inputs));
            }
        }
        self.jobs(root, jobs, &own, depth + 1)
    }

    fn step(&self, node: &Node, defaults: &Defaults<'_>, depth: usize) -> DraftStep {
        let mut draft = DraftStep::new(node.place.clone());
        let step = &mut draft.step;
        step.name = node.str_at("name").map(str::to_owned);
        step.condition = node.str_at("if").map(str::to_owned);
        step.uses = node.str_at("uses").map(str::to_owned);
        step.with = inputs_of(node, &defaults.inputs);
        step.tolerated = switched_on(node, "continue-on-error");
        let folder = node.str_at("working-directory").or(defaults.folder).unwrap_or(".");
        let folder = join(".", filled(folder, &defaults.inputs));
        if let Some(run) = node.get("run")
            && let Some(text) = run.str()
            && shell_is_posix(node.str_at("shell"))
        {
            step.run = Some(text.to_owned());
            let text = Text { script: text, place: run.place.clone(), stops: true, folder: &folder };
            draft.outcome.extend(self.scripts.outcome(&text));
        } else if let Some(text) = node.str_at("run") {
            step.run = Some(text.to_owned());
            // PowerShell and Python: commands without the shell's grammar, which are near enough.
            let place = node.get("run").map_or_else(|| node.place.clone(), |run| run.place.clone());
            let text = Text { script: text, place, stops: true, folder: &folder };
            draft.outcome.extend(self.scripts.outcome(&text));
        }
        if let Some(uses) = node.str_at("uses") {
            draft.outcome.extend(self.uses(uses, node, &draft.step.with, depth));
        }
        if let Some(place) = draft.step.tolerated.clone() {
            draft.outcome.tolerate(&place);
        }
        draft
    }

    fn uses(&self, uses: &str, node: &Node, with: &[(String, String)], depth: usize) -> Outcome {
        if let Some(path) = uses.strip_prefix("./") {
            let Some(file) = self.action(path).filter(|_| depth < DEPTH_LIMIT) else { return Outcome::default() };
            let Some(root) = file.documents.first() else { return Outcome::default() };
            let mut inputs: BTreeMap<&str, &str> = BTreeMap::new();
            for input in root.get("inputs").map(Node::entries).unwrap_or_default() {
                if let Some(default) = input.node.str_at("default") {
                    inputs.insert(&input.key, default);
                }
            }
            for (name, value) in with {
                inputs.insert(name, value);
            }
            let defaults = Defaults { folder: None, inputs };
            let mut outcome = Outcome::default();
            for step in root.list("runs.steps") {
                let mut inner = self.step(step, &defaults, depth + 1);
                let name = inner.step.name.clone().unwrap_or_default();
                inner.outcome.named(&name, false);
                outcome.extend(inner.outcome);
            }
            return outcome;
        }
        let mut outcome = self.scripts.action(uses, with);
        if let Some((text, place)) = shell_input(uses, node) {
            outcome.extend(self.scripts.outcome(&Text { script: text, place, stops: true, folder: "." }));
        }
        if let Some(place) = lenient(node) {
            outcome.tolerate(&place);
        }
        outcome
    }

    fn action(&self, path: &str) -> Option<&DataFile> {
        ["action.yml", "action.yaml"].iter().find_map(|name| self.corpus.file(&join(path, name)))
    }
}

/// A job of a called workflow as one of the caller's.
fn inside(caller: &DraftJob, id: &str, mut job: DraftJob) -> DraftJob {
    job.job.id = format!("{id}/{}", job.job.id);
    job.job.needs = job.job.needs.iter().map(|need| format!("{id}/{need}")).collect();
    job.job.needs.extend(caller.job.needs.iter().cloned());
    if job.job.condition.is_none() {
        job.job.condition.clone_from(&caller.job.condition);
    }
    if job.job.tolerated.is_none() {
        job.job.tolerated.clone_from(&caller.job.tolerated);
    }
    if job.title.is_none() {
        job.title.clone_from(&caller.title);
    }
    job
}

fn environment(node: &Node, inputs: &BTreeMap<&str, &str>) -> Option<Located<String>> {
    let name = node.str().or_else(|| node.str_at("name"))?;
    Some(Located::new(filled(name, inputs).to_owned(), &node.place))
}

/// `${{ inputs.name }}` as what the caller gives for it.
fn filled<'a>(text: &'a str, inputs: &BTreeMap<&str, &'a str>) -> &'a str {
    text.trim()
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .and_then(|inner| inner.trim().strip_prefix("inputs."))
        .and_then(|name| inputs.get(name.trim()))
        .copied()
        .unwrap_or(text)
}

fn inputs_of(node: &Node, inputs: &BTreeMap<&str, &str>) -> Vec<(String, String)> {
    let with = node.get("with").map(Node::entries).unwrap_or_default();
    with.iter().filter_map(|entry| Some((entry.key.clone(), filled(entry.node.str()?, inputs).to_owned()))).collect()
}

/// Inputs by which an action succeeds whatever it finds.
fn lenient(node: &Node) -> Option<Place> {
    let with = node.get("with").map(Node::entries).unwrap_or_default();
    with.iter()
        .find(|entry| {
            matches!(
                (entry.key.as_str(), entry.node.str().unwrap_or_default()),
                (
                    "soft_fail" | "soft-fail" | "continue-on-error" | "continue_on_error" | "no-fail" | "warn-only",
                    "true"
                ) | ("fail-build" | "fail_on_error" | "fail-on-error", "false")
                    | ("exit-code", "0")
            )
        })
        .map(|entry| entry.key_place.clone())
}

/// An input that holds shell: `run`, `command`, `script` of actions that run what they are given.
fn shell_input<'a>(uses: &str, node: &'a Node) -> Option<(&'a str, Place)> {
    if uses.starts_with("actions/github-script") {
        return None;
    }
    let with = node.get("with").map(Node::entries).unwrap_or_default();
    let entry = with.iter().find(|entry| {
        matches!(entry.key.as_str(), "run" | "command" | "script" | "commands" | "cmd" | "new_command")
    })?;
    let text = entry.node.str()?;
    Some((text, entry.node.place.clone()))
}

fn shell_is_posix(shell: Option<&str>) -> bool {
    !shell.is_some_and(|shell| {
        shell.starts_with("python") || shell.starts_with("pwsh") || shell == "powershell" || shell == "cmd"
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn a_step_has_the_purposes_of_its_commands() {
        check(
            &[(
                ".github/workflows/ci.yml",
                "on: [push, pull_request]\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n      - name: All\n        run: |\n          # go test\n          go vet ./...\n          go test ./...\n      - run: echo go test\n",
            )],
            "GitHubActions ci.yml on push,pull_request [contents: read]
  test
    .github/workflows/ci.yml:8
    .github/workflows/ci.yml:9 Lint UnitTest
    .github/workflows/ci.yml:14
",
        );
    }

    #[test]
    fn a_request_that_starts_it_once_is_told_from_one_that_starts_it_for_each_change() {
        let workflow = |types: &str| {
            format!(
                "on:\n  pull_request_target:\n    types: {types}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: make\n"
            )
        };
        check(
            &[
                (".github/workflows/a.yml", &*workflow("[opened]")),
                (".github/workflows/b.yml", &*workflow("[opened, synchronize]")),
            ],
            "GitHubActions a.yml on pull_request_target once
  a
    .github/workflows/a.yml:8
GitHubActions b.yml on pull_request_target
  a
    .github/workflows/b.yml:8
",
        );
    }

    #[test]
    fn what_a_step_calls_is_followed() {
        check(
            &[
                (
                    ".github/workflows/ci.yml",
                    "on: push\njobs:\n  a:\n    steps:\n      - run: make ci\n      - run: npm test\n        working-directory: web\n      - run: ./hack/e2e.sh\n      - run: make nothing\n",
                ),
                (
                    "Makefile",
                    "GO ?= go\nGOTEST = $(GO) test\n.PHONY: ci\nci: lint\n\t@$(MAKE) test-integration\nlint:\n\tgolangci-lint run\ntest-integration:\n\t$(GOTEST) ./...\nloop: loop\n",
                ),
                ("web/package.json", r#"{"scripts": {"test": "yarn unit && echo done", "unit": "vitest run"}}"#),
                ("hack/e2e.sh", "#!/bin/bash\nset -e\ncurl -s http://x/healthz\n./run-it\n"),
            ],
            "GitHubActions ci.yml on push
  a
    .github/workflows/ci.yml:5 Lint IntegrationTest
    .github/workflows/ci.yml:6 UnitTest
    .github/workflows/ci.yml:8 EndToEndTest
    .github/workflows/ci.yml:9
Script Makefile on
  ci
    Makefile:4 Lint IntegrationTest
  lint
    Makefile:6 Lint
  test-integration
    Makefile:8 IntegrationTest
  loop
    Makefile:10
Script package.json on
  test
    web/package.json:1 UnitTest
  unit
    web/package.json:1 UnitTest
",
        );
    }

    #[test]
    fn what_may_fail_is_said_and_where() {
        check(
            &[
                (
                    ".github/workflows/ci.yml",
                    "on: push\njobs:\n  a:\n    continue-on-error: true\n    steps:\n      - run: |\n          go test ./... || true\n          go vet ./...\n      - run: make test\n      - run: npm test\n        continue-on-error: true\n      - run: docker rm x || true\n      - uses: aquasecurity/trivy-action@v1\n        with: {image-ref: a, exit-code: '0'}\n",
                ),
                ("Makefile", "test:\n\t-go test ./...\n"),
            ],
            "GitHubActions ci.yml on push
  a ~.github/workflows/ci.yml:4
    .github/workflows/ci.yml:6 Lint
    .github/workflows/ci.yml:6 UnitTest ~.github/workflows/ci.yml:7
    .github/workflows/ci.yml:9 UnitTest ~Makefile:2
    .github/workflows/ci.yml:10 UnitTest ~.github/workflows/ci.yml:11
    .github/workflows/ci.yml:12
    .github/workflows/ci.yml:13 ImageScan ~.github/workflows/ci.yml:14
Script Makefile on
  test
    Makefile:1 UnitTest ~Makefile:2
",
        );
    }

    #[test]
    fn local_actions_and_workflows_are_the_callers_steps() {
        check(
            &[
                (
                    ".github/workflows/ci.yml",
                    "on:\n  push:\n    tags: ['v*']\njobs:\n  build:\n    uses: ./.github/workflows/image.yml\n    with:\n      push: true\n      where: production\n  after:\n    needs: [build]\n    steps:\n      - uses: ./.github/actions/check\n      - run: curl -f https://a.example/healthz\n",
                ),
                (
                    ".github/workflows/image.yml",
                    "on:\n  workflow_call:\n    inputs:\n      push: {default: false}\n      where: {}\njobs:\n  image:\n    environment: ${{ inputs.where }}\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          push: ${{ inputs.push }}\n",
                ),
                (
                    ".github/actions/check/action.yml",
                    "name: Check\nruns:\n  using: composite\n  steps:\n    - run: cargo test\n      shell: bash\n",
                ),
            ],
            "Script Check on
  Check
    .github/actions/check/action.yml:5 UnitTest
GitHubActions ci.yml on tag
  build/image @production
    .github/workflows/image.yml:10 BuildImage Publish
  after <build/image
    .github/workflows/ci.yml:13 UnitTest
    .github/workflows/ci.yml:14 SmokeTest
GitHubActions image.yml on workflow_call
  image @${{ inputs.where }}
    .github/workflows/image.yml:10 BuildImage Publish
",
        );
    }

    #[test]
    fn a_cluster_of_the_job_is_no_place_to_deploy_to() {
        check(
            &[(
                ".github/workflows/e2e.yml",
                "on: push\njobs:\n  a:\n    steps:\n      - uses: helm/kind-action@v1\n      - run: helm install api ./chart && helm test api\n  b:\n    steps:\n      - run: kubectl apply -f k8s\n      - run: curl -f https://a.example/version\n  c:\n    steps:\n      - run: curl -f https://a.example/version\n",
            )],
            "GitHubActions e2e.yml on push
  a
    .github/workflows/e2e.yml:5
    .github/workflows/e2e.yml:6 EndToEndTest
  b
    .github/workflows/e2e.yml:9 Deploy
    .github/workflows/e2e.yml:10 SmokeTest
  c
    .github/workflows/e2e.yml:13
",
        );
    }

    #[test]
    fn calls_in_circles_end() {
        check(
            &[
                (
                    ".github/workflows/a.yml",
                    "on: push\njobs:\n  a:\n    uses: ./.github/workflows/a.yml\n  b:\n    steps:\n      - uses: ./x\n      - run: make a\n",
                ),
                ("x/action.yml", "name: X\nruns:\n  using: composite\n  steps:\n    - uses: ./x\n    - run: ./a.sh\n"),
                ("a.sh", "./a.sh\nmake a\ngo test\n"),
                ("Makefile", "a: b\n\tmake a\n\t./a.sh\nb: a\n"),
            ],
            "circles",
        );
    }
}
