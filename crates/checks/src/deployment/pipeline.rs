//! A pipeline builds, tests and deploys, with a person between tests and production.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Pipeline, PipelineJob, PipelineSystem, Purpose},
};

use crate::shared::cloud_deploy;
use crate::shared::delivery::delivered;
use crate::shared::runs::{Ran, Run, hands_on, main_pipeline, pipeline_elsewhere, ran, runs, starts_by_itself};

pub(crate) static CHECK: Check = Check {
    id: "deployment.pipeline",
    title: Text {
        en: "CI/CD builds, tests and deploys; production needs approval; tests can't be skipped",
        zh: "CI/CD 负责构建、测试和部署；生产部署需审批；测试不可跳过",
    },
    source: &["B3.5e", "B3.6g"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::DEPLOYED,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Let the production deployment wait for the tests and for a person's approval, and let no test failure be ignored.",
        zh: "让生产部署等待测试通过和人工审批，且不忽略任何测试失败。",
    },
    references: &[
        "https://docs.github.com/actions/managing-workflow-runs-and-deployments/managing-deployments/managing-environments-for-deployment",
    ],
    page: include_str!("pipeline.md"),
    judge,
};

const TESTS: &[Purpose] = &[Purpose::UnitTest, Purpose::IntegrationTest, Purpose::EndToEndTest, Purpose::ContractTest];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let pipelines = evidence.pipelines()?;
    if main_pipeline(pipelines).is_none()
        && hands_on(pipelines).is_none()
        && runs(evidence, &[Purpose::Deploy])?.is_empty()
    {
        return Ok(Reading::elsewhere(
            Message::new(
                "no pipeline in this repository builds, tests or deploys",
                "此仓库中没有负责构建、测试或部署的流水线",
            ),
            Message::new("the pipeline that builds, tests and deploys it", "构建、测试和部署它的流水线"),
        ));
    }
    let mut findings = Vec::new();
    let mut witnesses: Vec<Place> = Vec::new();
    let tests = ran(evidence, TESTS, ("tests", "测试"))?;
    match &tests {
        Ran::Enforced(found) => {
            witnesses.extend(found.iter().map(|run| run.step.place.clone()));
            findings.extend(found.iter().filter_map(skippable));
        }
        Ran::Weak(weak) => findings.extend(weak.iter().cloned()),
        Ran::Nowhere(place) => {
            findings.push(Finding::new(place, "no pipeline runs any test", "没有流水线运行测试"));
        }
        Ran::Elsewhere(_) | Ran::NoPipeline => (),
    }
    let built = runs(evidence, &[Purpose::Build, Purpose::BuildImage, Purpose::Publish, Purpose::Deploy])?;
    if let (None, Some(image)) = (built.iter().find(|run| run.tolerated().is_none()), evidence.images()?.first())
        && !matches!(tests, Ran::Elsewhere(_))
    {
        findings.push(Finding::new(&image.place, "no pipeline builds this image", "没有流水线构建此镜像"));
    }
    witnesses.extend(built.first().map(|run| run.step.place.clone()));

    let all: Vec<Run<'_>> = runs(evidence, &[Purpose::Deploy])?;
    let deployments: Vec<Run<'_>> = all.into_iter().filter(|run| !rehearses(run)).collect();
    let mut outside: Option<Message> = None;
    for run in &deployments {
        witnesses.push(run.step.place.clone());
        findings.extend(overtakes(run));
        match approval(run, evidence)? {
            Approval::Written => (),
            Approval::Outside(summary) => {
                outside.get_or_insert(summary);
            }
            Approval::None => findings.push(Finding::new(
                &run.step.place,
                "deploys to production without anybody's approval",
                "无需审批即部署到生产",
            )),
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "what reaches production is not held back as it should be",
            "进入生产的变更缺少应有的把关",
        ));
    }
    if matches!(tests, Ran::Elsewhere(_) | Ran::NoPipeline) {
        return Ok(pipeline_elsewhere(&tests, "tests", "测试"));
    }
    if deployments.is_empty() {
        return Ok(match delivered(evidence)? {
            Some(place) => Reading::shown(
                witnesses.into_iter().chain([place]),
                "pipelines build and test; a GitOps controller deploys what somebody has merged",
                "流水线负责构建与测试，GitOps 控制器部署已合并的内容",
            ),
            None => Reading::elsewhere(
                Message::new(
                    "pipelines build and test it; what deploys it to production is not here",
                    "流水线负责构建与测试；部署到生产的流水线不在此处",
                ),
                Message::new("the pipeline that deploys it to production", "将其部署到生产的流水线"),
            ),
        });
    }
    Ok(match outside {
        Some(summary) => Reading::elsewhere(
            summary,
            Message::new(
                "the environment's protection rules as code, or a statement of who approves",
                "以代码声明的环境保护规则，或审批人声明",
            ),
        ),
        None => Reading::shown(
            witnesses,
            "pipelines build, test and deploy; production waits for a person",
            "流水线负责构建、测试和部署；生产部署需人工批准",
        ),
    })
}

/// A condition by which whoever starts the pipeline leaves the tests out.
fn skippable(run: &Run<'_>) -> Option<Finding> {
    let conditions = [run.step.condition.as_deref(), run.job.condition.as_deref()];
    conditions.into_iter().flatten().find_map(|condition| {
        let lower = condition.to_lowercase();
        let by_word = lower.contains("skip") && (lower.contains("test") || lower.contains("message"));
        (by_word || lower.contains("head_commit.message")).then(|| {
            Finding::new(
                &run.step.place,
                format!("the tests can be skipped: {condition}"),
                format!("测试可被跳过：{condition}"),
            )
        })
    })
}

/// It deploys to where no customer is, by the names of its environment, job or pipeline.
fn rehearses(run: &Run<'_>) -> bool {
    const WORDS: &[&str] = &[
        "staging",
        "stage",
        "stg",
        "dev",
        "development",
        "test",
        "testing",
        "preview",
        "qa",
        "uat",
        "sandbox",
        "pr",
        "e2e",
        "docs",
        "website",
        "pages",
        "demo",
        "nightly",
        "canary",
        "local",
        "integration",
        "acceptance",
        "preprod",
        "github",
    ];
    let says = |text: &str| {
        text.to_lowercase().split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
    };
    if let Some(environment) = &run.job.environment {
        return says(&environment.value);
    }
    let names = [Some(run.job.id.as_str()), run.step.name.as_deref()];
    let only_requests = !run.pipeline.triggers.is_empty()
        && run.pipeline.triggers.iter().all(|trigger| {
            trigger.starts_with("pull_request")
                || matches!(trigger.as_str(), "merge_request" | "merge_group" | "workflow_call")
        });
    only_requests || names.into_iter().flatten().any(says) || (says(&run.pipeline.name) && !says_production(run))
}

/// A pipeline for several environments: the job says which one it is for.
fn says_production(run: &Run<'_>) -> bool {
    run.job.id.to_lowercase().contains("prod")
}

enum Approval {
    Written,
    /// Settings of the system decide: which, in one sentence.
    Outside(Message),
    None,
}

fn approval(run: &Run<'_>, evidence: &Evidence<'_>) -> Result<Approval, Missing> {
    if cloud_deploy::releases(run) {
        let stages = cloud_deploy::stages(evidence)?;
        if stages.is_empty() {
            return Ok(Approval::Outside(Message::new(
                format!("{} releases through a delivery pipeline of Cloud Deploy that is not here", run.step.place),
                format!("{} 经由 Cloud Deploy 交付流水线发布，而该流水线不在此处", run.step.place),
            )));
        }
        if cloud_deploy::waits_for_a_person(evidence, &stages)? {
            return Ok(Approval::Written);
        }
    }
    if run.pipeline.triggers.iter().all(|trigger| trigger == "external") && !run.job.manual {
        return Ok(Approval::Outside(Message::new(
            format!("what starts {} and who has to approve it is set outside of the repository", run.pipeline.place),
            format!("{} 的触发方式和审批人在仓库之外设置", run.pipeline.place),
        )));
    }
    let before = upstream(run.pipeline, run.job);
    let by_hand = run.job.manual || before.iter().any(|job| job.manual) || !starts_by_itself(run.pipeline);
    // Somebody makes a release or sets a tag in order to deploy it.
    let released = !run.pipeline.triggers.is_empty()
        && run.pipeline.triggers.iter().all(|trigger| {
            matches!(
                trigger.as_str(),
                "release" | "tag" | "workflow_dispatch" | "repository_dispatch" | "workflow_call" | "deployment"
            )
        });
    if by_hand || released {
        return Ok(Approval::Written);
    }
    let environment = run.job.environment.as_ref().or_else(|| {
        before.iter().find_map(|job| job.environment.as_ref().filter(|one| one.value.to_lowercase().contains("prod")))
    });
    let Some(environment) = environment else { return Ok(Approval::None) };
    let ruled = evidence
        .infrastructure()?
        .iter()
        .any(|resource| resource.kind == "github_repository_environment" && resource.body.get("reviewers").is_some());
    if ruled {
        return Ok(Approval::Written);
    }
    let name = &environment.value;
    Ok(Approval::Outside(Message::new(
        format!("environment {name} stands before production; who has to approve is set outside of the repository"),
        format!("生产部署经过环境 {name}，其审批人在仓库之外设置"),
    )))
}

/// The jobs that a job waits for, directly or not.
fn upstream<'a>(pipeline: &'a Pipeline, job: &'a PipelineJob) -> Vec<&'a PipelineJob> {
    let by_id: BTreeMap<&str, &PipelineJob> = pipeline.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    reached(job, |job| job.needs.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect())
}

/// The jobs that wait for a job, directly or not.
fn downstream<'a>(pipeline: &'a Pipeline, job: &'a PipelineJob) -> Vec<&'a PipelineJob> {
    let mut waiting: BTreeMap<&str, Vec<&PipelineJob>> = BTreeMap::new();
    for other in &pipeline.jobs {
        for need in &other.needs {
            waiting.entry(need).or_default().push(other);
        }
    }
    reached(job, |job| waiting.get(job.id.as_str()).cloned().unwrap_or_default())
}

fn reached<'a>(from: &'a PipelineJob, next: impl Fn(&'a PipelineJob) -> Vec<&'a PipelineJob>) -> Vec<&'a PipelineJob> {
    let mut found = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::from([from.id.as_str()]);
    let mut open = vec![from];
    while let Some(job) = open.pop() {
        for other in next(job) {
            if known.insert(&other.id) {
                found.push(other);
                open.push(other);
            }
        }
    }
    found
}

/// The same pipeline tests, and the deployment does not wait for it.
fn overtakes(run: &Run<'_>) -> Option<Finding> {
    // Elsewhere stages follow each other by their order.
    if run.pipeline.system != PipelineSystem::GitHubActions {
        return None;
    }
    let own = tests(run.job).is_some() || upstream(run.pipeline, run.job).into_iter().any(|job| tests(job).is_some());
    // Tests behind the deployment ask what was deployed.
    let after: BTreeSet<&str> = downstream(run.pipeline, run.job).into_iter().map(|job| job.id.as_str()).collect();
    let beside = run.pipeline.jobs.iter().filter(|job| !after.contains(job.id.as_str())).find_map(tests)?;
    (!own).then(|| {
        Finding::new(
            &run.job.place,
            format!("job {} deploys without waiting for the tests", run.job.id),
            format!("作业 {} 不等待测试即部署", run.job.id),
        )
        .also(beside, "the tests", "测试")
    })
}

/// Where a job tests.
fn tests(job: &PipelineJob) -> Option<&Place> {
    job.steps.iter().find(|step| step.purposes.iter().any(|purpose| TESTS.contains(purpose))).map(|step| &step.place)
}
