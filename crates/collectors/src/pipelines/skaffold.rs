//! Skaffold: what `skaffold test`, `verify` and `deploy` do, as scripts that a step calls.

use std::sync::Arc;

use gonogo_domain::{Node, Place, evidence::PipelineSystem};

use super::{
    Context, DraftJob, DraftStep, Parts, ShellSteps,
    cloud_build::container,
    scripts::{parent, skaffold::named},
};

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| named(file.name()));
    for (path, root) in roots {
        let mut jobs = Vec::new();
        for (key, line) in [("build", "skaffold build"), ("deploy", "skaffold deploy")] {
            if let Some(entry) = root.entry(key) {
                let mut job = DraftJob::new(key, entry.key_place.clone());
                let mut step = DraftStep::new(entry.key_place.clone());
                step.outcome = context.scripts.action(line, &[]);
                job.steps.push(step);
                jobs.push(job);
            }
        }
        let mut shell = ShellSteps::new(context.scripts, parent(&path));
        let custom =
            root.list("test").iter().flat_map(|test| test.list("custom")).filter_map(|test| test.get("command"));
        let steps: Vec<DraftStep> = custom.filter_map(|command| shell.step(command)).collect();
        if let Some(entry) = root.entry("test").filter(|_| !steps.is_empty()) {
            let mut job = DraftJob::new("test", entry.key_place.clone());
            job.steps = steps;
            jobs.push(job);
        }
        if let Some(entry) = root.entry("verify") {
            let mut job = DraftJob::new("verify", entry.key_place.clone());
            for test in entry.node.items() {
                job.steps.push(verify(context, &mut shell, test));
            }
            jobs.push(job);
        }
        if !jobs.is_empty() {
            let parts = Parts { jobs, ..Parts::default() };
            context.add(PipelineSystem::Script, path.to_string(), Place::whole(Arc::clone(&path)), parts);
        }
    }
}

/// A container that tests what was deployed.
fn verify(context: &Context<'_>, shell: &mut ShellSteps<'_, '_>, test: &Node) -> DraftStep {
    let image = test.str_at("container.image").unwrap_or_default();
    let mut step = match test.get("container") {
        Some(node) => container(shell, image, node),
        None => DraftStep::new(test.place.clone()),
    };
    step.step.name = test.str_at("name").map(str::to_owned);
    step.step.place = test.place.clone();
    if step.outcome.effects.is_empty() {
        step.outcome = context.scripts.action("skaffold verify", &[]);
    }
    step
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn wrappers_are_the_tools_that_they_fetch() {
        check(
            &[
                ("mvnw", "#!/bin/sh\nexec java Wrapper \"$@\"\n"),
                (
                    "src/a/skaffold.yaml",
                    "test:\n  - image: a\n    custom:\n      - command: ../../mvnw checkstyle:check\n      - command: ../../mvnw test\n      - command: ../../mvnw jacoco:report\n",
                ),
            ],
            "Script src/a/skaffold.yaml on
  test
    src/a/skaffold.yaml:4 Lint
    src/a/skaffold.yaml:5 UnitTest
    src/a/skaffold.yaml:6 Coverage
",
        );
    }

    #[test]
    fn what_skaffold_does_is_a_script() {
        check(
            &[(
                "skaffold.yaml",
                "apiVersion: skaffold/v4\nkind: Config\nbuild: {artifacts: []}\ntest:\n  - image: a\n    custom:\n      - command: go test ./...\nverify:\n  - name: health\n    container: {image: alpine, command: [sh], args: [-c, ./wait]}\n",
            )],
            "Script skaffold.yaml on
  build
    skaffold.yaml:3 BuildImage
  test
    skaffold.yaml:7 UnitTest
  verify
    skaffold.yaml:9 EndToEndTest
",
        );
    }
}
