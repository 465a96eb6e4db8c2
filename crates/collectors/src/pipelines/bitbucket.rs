//! Bitbucket Pipelines: each start condition of `bitbucket-pipelines.yml` is a pipeline.

use gonogo_domain::{
    Node, Place,
    evidence::{Located, PipelineSystem},
};

use super::{Context, DraftJob, DraftStep, Parts, ShellSteps, texts};

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| &*file.path == "bitbucket-pipelines.yml");
    for (_, root) in roots {
        for section in root.get("pipelines").map(Node::entries).unwrap_or_default() {
            let trigger = match section.key.as_str() {
                "pull-requests" => "pull_request",
                "tags" => "tag",
                "custom" => "manual",
                _ => "push",
            };
            if !section.node.items().is_empty() {
                add(context, &section.key, &section.key_place, trigger, section.node.items());
            }
            for branch in section.node.entries() {
                let name = format!("{} {}", section.key, branch.key);
                add(context, &name, &branch.key_place, trigger, branch.node.items());
            }
        }
    }
}

fn add(context: &mut Context<'_>, name: &str, place: &Place, trigger: &str, nodes: &[Node]) {
    let mut jobs: Vec<DraftJob> = Vec::new();
    let mut before: Vec<String> = Vec::new();
    for node in nodes {
        let parallel =
            node.get("parallel").map(|node| if node.items().is_empty() { node.list("steps") } else { node.items() });
        let steps = parallel.unwrap_or_else(|| {
            let stage = node.list("stage.steps");
            if stage.is_empty() { std::slice::from_ref(node) } else { stage }
        });
        let mut now = Vec::new();
        for step in steps {
            let Some(body) = step.get("step") else { continue };
            let mut draft = job(context, body, jobs.len() + 1);
            draft.job.needs.clone_from(&before);
            now.push(draft.job.id.clone());
            jobs.push(draft);
        }
        if !now.is_empty() {
            before = now;
        }
    }
    let parts = Parts { triggers: vec![trigger.to_owned()], jobs, permissions: None };
    context.add(PipelineSystem::Bitbucket, name.to_owned(), place.clone(), parts);
}

fn job(context: &Context<'_>, body: &Node, number: usize) -> DraftJob {
    let id = body.str_at("name").map_or_else(|| format!("step {number}"), str::to_owned);
    let mut draft = DraftJob::new(id, body.place.clone());
    draft.job.manual = body.str_at("trigger") == Some("manual");
    draft.job.environment =
        body.get("deployment").and_then(|node| Some(Located::new(node.str()?.to_owned(), &node.place)));
    let mut shell = ShellSteps::new(context.scripts, ".");
    for item in body.list("script") {
        if let Some(step) = shell.step(item) {
            draft.steps.push(step);
        } else if let Some(pipe) = item.str_at("pipe") {
            let mut step = DraftStep::new(item.place.clone());
            step.step.uses = Some(pipe.to_owned());
            step.step.with = texts(item.get("variables"));
            // `atlassian/aws-ecs-deploy:1.0` says what it does in its name.
            let words = pipe.split([':', '/']).nth(1).unwrap_or(pipe);
            let deploys = words.contains("deploy") || words.contains("-run");
            let line = if deploys { format!("make deploy {pipe}") } else { pipe.to_owned() };
            step.outcome = context.scripts.action(&line, &step.step.with);
            draft.steps.push(step);
        }
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn each_start_condition_is_a_pipeline() {
        check(
            &[(
                "bitbucket-pipelines.yml",
                "pipelines:\n  default:\n    - parallel:\n      - step: {name: test, script: [npm ci, npx jest]}\n      - step: {name: lint, script: [npx eslint .]}\n  branches:\n    main:\n      - step:\n          name: ship\n          deployment: production\n          trigger: manual\n          script:\n            - pipe: atlassian/aws-ecs-deploy:1.0\n",
            )],
            "Bitbucket default on push
  test
    bitbucket-pipelines.yml:4
    bitbucket-pipelines.yml:4 UnitTest
  lint
    bitbucket-pipelines.yml:5 Lint
Bitbucket branches main on push
  ship @production manual
    bitbucket-pipelines.yml:13 Deploy
",
        );
    }
}
