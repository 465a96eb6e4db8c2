//! Google Cloud Build: `cloudbuild.yaml`, whose steps are containers.

use std::sync::Arc;

use gonogo_domain::{Node, Place, evidence::PipelineSystem};
use gonogo_formats::hcl;

use super::{Context, DraftJob, DraftStep, EXTERNAL, Parts, ShellSteps, switched_on};
use crate::{DataFile, roles::has_extension};

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| file.role.counts() && is_build(file));
    let starts = starts(context);
    for (path, root) in roots {
        let mut job = DraftJob::new("build", root.place.clone());
        for node in root.list("steps") {
            job.steps.push(step(context, node));
        }
        // Images under this key are pushed when all steps are done.
        for image in root.list("images").iter().take(100) {
            let mut step = DraftStep::new(image.place.clone());
            step.step.uses = Some("images".to_owned());
            step.outcome = context.scripts.action("docker push", &[]);
            job.steps.push(step);
        }
        let own: Vec<&Start> = starts.iter().filter(|start| matches(&start.file, &path)).collect();
        let mut triggers: Vec<String> = own.iter().map(|start| start.trigger.to_owned()).collect();
        triggers.sort();
        triggers.dedup();
        if triggers.is_empty() {
            triggers.push(EXTERNAL.to_owned());
        }
        job.job.manual = !own.is_empty() && own.iter().all(|start| start.approved);
        let parts = Parts { triggers, jobs: vec![job], permissions: None };
        context.add(PipelineSystem::CloudBuild, path.to_string(), Place::whole(Arc::clone(&path)), parts);
    }
}

/// By its name, or by what only its files have: steps that are images, beside no key of other systems.
fn is_build(file: &DataFile) -> bool {
    const KEYS: &[&str] = &[
        "steps",
        "timeout",
        "queueTtl",
        "logsBucket",
        "options",
        "substitutions",
        "tags",
        "serviceAccount",
        "secrets",
        "availableSecrets",
        "artifacts",
        "images",
        "dependencies",
    ];
    let Some(root) = file.documents.first() else { return false };
    let steps = root.list("steps");
    if steps.is_empty() {
        return false;
    }
    let image = |step: &Node| step.str_at("name").is_some_and(|name| name.contains('/') && !name.contains(' '));
    file.name().starts_with("cloudbuild")
        || (root.entries().iter().all(|entry| KEYS.contains(&entry.key.as_str())) && steps.iter().all(image))
}

/// What starts the builds of a file, as Terraform sets it up.
struct Start {
    /// The path of the file, with `*` for what is filled in.
    file: String,
    trigger: &'static str,
    approved: bool,
}

fn starts(context: &Context<'_>) -> Vec<Start> {
    let files = context.corpus.files_where(|entry| {
        entry.role.counts() && (has_extension(entry.name(), "tf") || has_extension(entry.name(), "tofu"))
    });
    let mut starts = Vec::new();
    for entry in files {
        // What cannot be read is told where infrastructure is gathered.
        let Ok(text) = context.corpus.tree.text(&entry.path) else { continue };
        if !text.contains("google_cloudbuild_trigger") {
            continue;
        }
        let blocks = hcl::parse(&entry.path, &text).unwrap_or_default();
        let triggers = blocks.iter().filter(|block| {
            block.kind == "resource" && block.labels.first().is_some_and(|label| label == "google_cloudbuild_trigger")
        });
        for block in triggers {
            let first =
                |node: &'_ Node, key: &str| node.get(key).map(|node| node.items().first().unwrap_or(node).clone());
            let from_git =
                first(&block.body, "git_file_source").and_then(|node| node.str_at("path").map(str::to_owned));
            let Some(file) = block.body.str_at("filename").map(str::to_owned).or(from_git) else { continue };
            let source = ["github", "repository_event_config", "bitbucket_server_trigger_config"]
                .iter()
                .find_map(|key| first(&block.body, key));
            let trigger = match &source {
                Some(source) if source.get("pull_request").is_some() => "pull_request",
                Some(source) if first(source, "push").is_some_and(|push| push.get("tag").is_some()) => "tag",
                Some(_) => "push",
                None => match first(&block.body, "trigger_template") {
                    Some(template) if template.get("tag_name").is_some() => "tag",
                    Some(_) => "push",
                    None => "manual",
                },
            };
            let approved = first(&block.body, "approval_config")
                .is_some_and(|config| config.get("approval_required").and_then(Node::bool) == Some(true));
            starts.push(Start { file: wildcards(&file), trigger, approved });
        }
    }
    starts
}

/// `src/${local.team}/cloudbuild.yaml` as `src/*/cloudbuild.yaml`.
fn wildcards(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        shown.push_str(rest.get(..at).unwrap_or_default());
        shown.push('*');
        let after = rest.get(at..).unwrap_or_default();
        rest = after.find('}').and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    shown + rest
}

/// The path fits the pattern, whose `*` stand for anything.
fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    // A pattern that is nothing but a wildcard names no file.
    rest.ends_with(last) && pattern.chars().any(char::is_alphanumeric)
}

fn step(context: &Context<'_>, node: &Node) -> DraftStep {
    let image = node.str_at("name").unwrap_or_default();
    let mut shell = ShellSteps::new(context.scripts, node.str_at("dir").unwrap_or("."));
    let mut draft = match node.get("script") {
        Some(script) => shell.step(script).unwrap_or_else(|| DraftStep::new(node.place.clone())),
        None => container(&mut shell, image, node),
    };
    draft.step.place = node.place.clone();
    draft.step.name = node.str_at("id").map(str::to_owned);
    draft.step.uses = Some(image.to_owned()).filter(|image| !image.is_empty());
    draft.step.tolerated = switched_on(node, "allowFailure");
    if let Some(place) = draft.step.tolerated.clone() {
        draft.outcome.tolerate(&place);
    }
    draft
}

/// A container with its arguments, as the command that it runs: `sh -c text`, or the tool that the image is named after.
pub(super) fn container(shell: &mut ShellSteps<'_, '_>, image: &str, node: &Node) -> DraftStep {
    let key = if node.get("args").is_some() { "args" } else { "arguments" };
    let arguments: Vec<&Node> = match node.get(key) {
        Some(single) if single.str().is_some() => vec![single],
        _ => node.list(key).iter().collect(),
    };
    let entry = node.get("entrypoint").or_else(|| node.get("command"));
    let mut words: Vec<&str> = match entry {
        Some(entry) if entry.str().is_some() => entry.str().into_iter().collect(),
        Some(entry) => entry.items().iter().filter_map(Node::str).collect(),
        None => {
            let name = image.rsplit('/').next().unwrap_or(image);
            vec![name.split([':', '@']).next().unwrap_or(name)]
        }
    };
    words.extend(arguments.iter().filter_map(|argument| argument.str()));
    // An image of a tool without an entry point is given the tool's name again.
    if words.first() == words.get(1) {
        words.remove(0);
    }
    let is_shell = words.first().is_some_and(|word| matches!(word.rsplit('/').next(), Some("bash" | "sh" | "ash")));
    if is_shell
        && let Some(script) =
            arguments.iter().rev().find(|argument| argument.str().is_some_and(|text| text.contains(' ')))
    {
        return shell.step(script).unwrap_or_else(|| DraftStep::new(node.place.clone()));
    }
    let line =
        words.iter().map(|word| if word.contains([' ', '\n']) { format!("'{word}'") } else { (*word).to_owned() });
    let text: Vec<String> = line.collect();
    shell.text(&text.join(" "), node.place.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn containers_are_their_commands() {
        check(
            &[
                ("a/skaffold.yaml", "test:\n- image: a\n  custom:\n  - command: pytest\n"),
                (
                    "cloudbuild.yaml",
                    "steps:\n- name: golang:1.22\n  entrypoint: bash\n  args: ['-c', 'go test ./...']\n- name: gcr.io/cloud-builders/docker\n  args: [build, -t, a, .]\n- name: gcr.io/google.com/cloudsdktool/cloud-sdk\n  entrypoint: gcloud\n  args: [run, deploy, a]\n- name: a/skaffold:v2\n  args: [skaffold, test]\n- name: x\n  allowFailure: true\n  script: npm audit\nimages: [a]\n",
                ),
            ],
            "Script a/skaffold.yaml on
  test
    a/skaffold.yaml:4 UnitTest
CloudBuild cloudbuild.yaml on external
  build
    cloudbuild.yaml:2 UnitTest
    cloudbuild.yaml:5 BuildImage
    cloudbuild.yaml:7 Deploy
    cloudbuild.yaml:10 UnitTest
    cloudbuild.yaml:12 DependencyAudit ~cloudbuild.yaml:13
    cloudbuild.yaml:15 Publish
",
        );
    }

    #[test]
    fn a_build_is_known_by_its_steps_and_started_by_what_terraform_says() {
        check(
            &[
                (".github/cloudbuild/ci-pr.yaml", "steps:\n- name: gcr.io/a/golang\n  script: go test ./...\n"),
                ("src/a/cloudbuild.yaml", "steps:\n- name: golang\n  script: go test ./...\n"),
                ("src/b/cloudbuild.yaml", "steps:\n- name: golang\n  script: go test ./...\n"),
                ("other.yaml", "steps:\n- name: unit tests\n  script: go test ./...\n"),
                (
                    "iac/ci.tf",
                    "resource \"google_cloudbuild_trigger\" \"pr\" {\n  filename = \".github/cloudbuild/ci-pr.yaml\"\n  github {\n    pull_request { branch = \".*\" }\n  }\n}\nresource \"google_cloudbuild_trigger\" \"ci\" {\n  filename = \"src/${local.team}/cloudbuild.yaml\"\n  github {\n    push { branch = \"main\" }\n  }\n}\n",
                ),
            ],
            "CloudBuild .github/cloudbuild/ci-pr.yaml on pull_request
  build
    .github/cloudbuild/ci-pr.yaml:2 UnitTest
CloudBuild src/a/cloudbuild.yaml on push
  build
    src/a/cloudbuild.yaml:2 UnitTest
CloudBuild src/b/cloudbuild.yaml on push
  build
    src/b/cloudbuild.yaml:2 UnitTest
",
        );
    }
}
