//! Travis CI: the phases of `.travis.yml`, for the whole build and for each job of its own.

use gonogo_domain::{
    Node, Place,
    evidence::{Located, PipelineSystem},
};

use super::{Context, DraftJob, DraftStep, Parts, ShellSteps};

const PHASES: &[&str] = &["before_install", "install", "before_script", "script", "after_success", "after_script"];

pub(super) fn gather(context: &mut Context<'_>) {
    let roots = context.roots(|file| &*file.path == ".travis.yml");
    for (path, root) in roots {
        let mut jobs = Vec::new();
        let includes = root.list("jobs.include").iter().chain(root.list("matrix.include"));
        let own: Vec<&Node> = includes
            .filter(|job| PHASES.iter().any(|phase| job.get(phase).is_some()) || job.get("deploy").is_some())
            .collect();
        let mut stages: Vec<(String, String)> = Vec::new();
        for (number, job) in own.iter().enumerate() {
            let id = job.str_at("name").map_or_else(|| format!("job {}", number + 1), str::to_owned);
            let mut draft = draft(context, &id, job, Some(root));
            let stage =
                job.str_at("stage").map(str::to_owned).or_else(|| stages.last().map(|(stage, _)| stage.clone()));
            let stage = stage.unwrap_or_else(|| "test".to_owned());
            draft.job.needs = stages.iter().filter(|(other, _)| *other != stage).map(|(_, id)| id.clone()).collect();
            draft.job.condition = job.str_at("if").map(str::to_owned);
            draft.job.stage = Some(stage.clone());
            stages.push((stage, id));
            jobs.push(draft);
        }
        if own.is_empty() || root.get("script").is_some() {
            jobs.insert(0, draft(context, "build", root, None));
        }
        let triggers = vec!["push".to_owned(), "pull_request".to_owned()];
        let parts = Parts { triggers, jobs, permissions: None };
        context.add(PipelineSystem::Travis, path.to_string(), Place::whole(path), parts);
    }
}

fn draft(context: &Context<'_>, id: &str, node: &Node, root: Option<&Node>) -> DraftJob {
    let mut draft = DraftJob::new(id, node.place.clone());
    let mut shell = ShellSteps::new(context.scripts, ".");
    for phase in PHASES {
        let body = node.get(phase).or_else(|| root.and_then(|root| root.get(phase)));
        draft.steps.extend(shell.steps(body));
    }
    let deploys: Vec<&Node> = match node.get("deploy") {
        Some(one) if one.items().is_empty() => vec![one],
        Some(many) => many.items().iter().collect(),
        None => Vec::new(),
    };
    for deploy in deploys {
        let Some(provider) = deploy.str_at("provider") else { continue };
        let mut step = DraftStep::new(deploy.place.clone());
        step.step.uses = Some(format!("deploy {provider}"));
        let line = match provider {
            "npm" | "pypi" | "rubygems" | "releases" | "cargo" | "hackage" | "packagecloud" | "bintray"
            | "puppetforge" | "nuget" | "maven" | "snap" => "npm publish",
            "pages" => "",
            _ => "make deploy",
        };
        step.outcome = context.scripts.action(line, &[]);
        if let Some(script) = deploy.get("script").filter(|_| provider == "script")
            && let Some(inner) = shell.step(script)
        {
            step.outcome.extend(inner.outcome);
        }
        if line == "make deploy"
            && let Some(environment) =
                deploy.get("app").and_then(|node| Some(Located::new(node.str()?.to_owned(), &node.place)))
        {
            draft.job.environment.get_or_insert(environment);
        }
        draft.steps.push(step);
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn phases_are_steps() {
        check(
            &[(
                ".travis.yml",
                "language: go\nscript:\n  - go vet ./...\n  - go test ./...\ndeploy:\n  provider: npm\njobs:\n  include:\n    - stage: ship\n      name: ship\n      script: kubectl apply -f k8s\n",
            )],
            "Travis .travis.yml on push,pull_request
  build
    .travis.yml:3 Lint
    .travis.yml:4 UnitTest
    .travis.yml:6 Publish
  ship
    .travis.yml:11 Deploy
",
        );
    }
}
