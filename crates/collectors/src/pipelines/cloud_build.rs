//! Google Cloud Build: `cloudbuild.yaml`, whose steps are containers.

use std::sync::Arc;

use gonogo_domain::{Node, Place, evidence::PipelineSystem};

use super::{Context, DraftJob, DraftStep, EXTERNAL, Parts, ShellSteps, switched_on};

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| {
        file.name().starts_with("cloudbuild")
            && file.role.counts()
            && file.documents.first().is_some_and(|root| !root.list("steps").is_empty())
    });
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
        let parts = Parts { triggers: vec![EXTERNAL.to_owned()], jobs: vec![job], permissions: None };
        context.add(PipelineSystem::CloudBuild, path.to_string(), Place::whole(Arc::clone(&path)), parts);
    }
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
}
