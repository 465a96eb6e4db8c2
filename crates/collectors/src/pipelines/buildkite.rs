//! Buildkite: `.buildkite/pipeline.yml`.

use std::sync::Arc;

use gonogo_domain::{Node, Place, evidence::PipelineSystem};

use super::{Context, DraftJob, Parts, ShellSteps, strings};

/// Steps of one pipeline.
const STEP_LIMIT: usize = 1000;

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| {
        let name = file.name();
        (file.folder() == ".buildkite" && name.starts_with("pipeline")) || &*file.path == "buildkite.yml"
    });
    for (path, root) in roots {
        let mut jobs: Vec<DraftJob> = Vec::new();
        let steps = if root.items().is_empty() { root.list("steps") } else { root.items() };
        let (mut before, mut now): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for step in steps
            .iter()
            .flat_map(|step| if step.get("group").is_some() { step.list("steps").iter().collect() } else { vec![step] })
            .take(STEP_LIMIT)
        {
            let wait = step.str() == Some("wait") || step.get("wait").is_some();
            let block = step.get("block").or_else(|| step.get("input"));
            if wait || block.is_some() {
                if !now.is_empty() {
                    before = std::mem::take(&mut now);
                }
                if let Some(block) = block {
                    let mut job = DraftJob::new(block.str().unwrap_or("block"), step.place.clone());
                    job.job.manual = true;
                    job.job.needs.clone_from(&before);
                    before = vec![job.job.id.clone()];
                    jobs.push(job);
                }
                continue;
            }
            let id = step
                .str_at("key")
                .or_else(|| step.str_at("label"))
                .map_or_else(|| format!("step {}", jobs.len() + 1), str::to_owned);
            let mut job = DraftJob::new(id, step.place.clone());
            job.title = step.str_at("label").map(str::to_owned);
            job.job.needs = strings(step.get("depends_on"));
            if job.job.needs.is_empty() {
                job.job.needs.clone_from(&before);
            }
            job.job.condition = step.str_at("if").or_else(|| step.str_at("branches")).map(str::to_owned);
            job.job.tolerated = soft(step);
            let commands = step.get("command").or_else(|| step.get("commands"));
            job.steps = ShellSteps::new(context.scripts, ".").steps(commands);
            now.push(job.job.id.clone());
            jobs.push(job);
        }
        let parts = Parts { triggers: vec!["push".to_owned()], jobs, permissions: None };
        context.add(PipelineSystem::Buildkite, path.to_string(), Place::whole(Arc::clone(&path)), parts);
    }
}

/// `soft_fail: true`, or for every exit status.
fn soft(step: &Node) -> Option<Place> {
    let entry = step.entry("soft_fail")?;
    let every = entry.node.items().iter().any(|item| item.str_at("exit_status") == Some("*"));
    (every || entry.node.str() == Some("true")).then(|| entry.key_place.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn blocks_are_started_by_a_person() {
        check(
            &[(
                ".buildkite/pipeline.yml",
                "steps:\n  - label: test\n    command: go test ./...\n    soft_fail: true\n  - wait\n  - block: Ship it\n  - label: ship\n    commands:\n      - kubectl apply -f k8s\n",
            )],
            "Buildkite .buildkite/pipeline.yml on push
  test ~.buildkite/pipeline.yml:4
    .buildkite/pipeline.yml:3 UnitTest
  Ship it <test manual
  ship <Ship it
    .buildkite/pipeline.yml:9 Deploy
",
        );
    }
}
