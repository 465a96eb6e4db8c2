//! There is a written way to deploy.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Pipeline, PipelineSystem, Purpose},
};

use crate::shared::{
    delivery::{delivered, platform_file},
    procedures::{command_for, commands, has_steps, sections_under},
};

pub(crate) static CHECK: Check = Check {
    id: "deployment.documented",
    title: Text { en: "There is at least a documented way to deploy", zh: "至少有一种有文档的部署方式" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Deployment,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::DEPLOYED,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write down the commands that bring a version into production, or let a pipeline or script run them.",
        zh: "写下将某一版本部署到生产的命令，或用流水线、脚本执行。",
    },
    references: &["https://sre.google/sre-book/release-engineering/"],
    page: include_str!("documented.md"),
    judge,
};

/// Headings under which people look for it.
const HEADINGS: &[&str] = &[
    "deploy",
    "install",
    "release",
    "kubernetes",
    "helm",
    "kustomize",
    "docker",
    "production",
    "部署",
    "发布",
    "安装",
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if let Some((place, name)) = by_pipeline(evidence.pipelines()?) {
        return Ok(Reading::shown([place], format!("{name} deploys it"), format!("由 {name} 部署")));
    }
    if let Some(place) = delivered(evidence)? {
        return Ok(Reading::shown(
            [place],
            "a GitOps controller deploys what is merged",
            "由 GitOps 控制器部署已合并的内容",
        ));
    }
    let mut empty = Vec::new();
    for document in evidence.documents()?.iter().filter(|document| in_view(document, evidence)) {
        match in_document(document) {
            Some(Ok(place)) => {
                return Ok(Reading::shown([place], "the commands are written down", "部署命令已写入文档"));
            }
            Some(Err(finding)) => empty.push(*finding),
            None => (),
        }
    }
    if let Some(resource) = platform_file(evidence)? {
        return Ok(Reading::shown(
            [resource.place.clone()],
            format!("the platform's file ({}) says how it is deployed", resource.place.path()),
            format!("平台文件（{}）说明了部署方式", resource.place.path()),
        ));
    }
    if !empty.is_empty() {
        return Ok(Reading::refuted(empty, "what speaks of deployment tells nobody how", "部署文档没有说明如何部署"));
    }
    Ok(Reading::elsewhere(
        Message::new(
            "no pipeline, script or document here says how it is deployed",
            "此处没有流水线、脚本或文档说明如何部署",
        ),
        Message::new("the document or pipeline by which it is deployed", "部署所用的文档或流水线"),
    ))
}

/// A pipeline that deploys, else a script that does.
fn by_pipeline(pipelines: &[Pipeline]) -> Option<(Place, String)> {
    let find = |script: bool| {
        pipelines.iter().filter(|one| (one.system == PipelineSystem::Script) == script).find_map(|pipeline| {
            let (_, step) = pipeline.steps().find(|(_, step)| step.purposes.contains(&Purpose::Deploy))?;
            Some((step.place.clone(), pipeline.name.clone()))
        })
    };
    find(false).or_else(|| find(true))
}

/// The documents of deployment, and the READMEs of the repository, of the service and of what deploys it.
fn in_view(document: &Document, evidence: &Evidence<'_>) -> bool {
    let folder = document.place.path().rsplit_once('/').map_or(".", |(folder, _)| folder);
    match document.kind {
        DocumentKind::Deployment | DocumentKind::Runbook => true,
        DocumentKind::Readme => {
            let deploys = folder.split('/').any(|part| {
                matches!(
                    part,
                    "deploy"
                        | "deployment"
                        | "charts"
                        | "chart"
                        | "k8s"
                        | "kubernetes"
                        | "helm"
                        | "infra"
                        | "kustomize"
                        | "terraform"
                )
            });
            folder == "." || folder == evidence.service().path || deploys
        }
        _ => false,
    }
}

/// The place of a command that deploys; an error where a document of deployment names none.
fn in_document(document: &Document) -> Option<Result<Place, Box<Finding>>> {
    let whole = document.kind == DocumentKind::Deployment;
    let sections: Vec<_> = if whole { document.sections.iter().collect() } else { sections_under(document, HEADINGS) };
    for section in &sections {
        if let Some(place) = command_for(section, &[Purpose::Deploy]) {
            return Some(Ok(place));
        }
        let starts =
            commands(section).into_iter().filter(|_| !at_home(&section.heading)).find(|(line, _)| runs_it(line));
        if let Some((_, place)) = starts {
            return Some(Ok(place));
        }
    }
    if whole && !sections.iter().any(|section| has_steps(section)) && !rolls_back(document) {
        return Some(Err(Box::new(Finding::new(
            &document.place,
            "a document of deployment without a step or a command",
            "部署文档没有步骤或命令",
        ))));
    }
    let steps = sections.iter().find(|section| whole && has_steps(section));
    steps.filter(|_| !rolls_back(document)).map(|section| Ok(section.place.clone()))
}

/// The heading is about what people build and try by themselves: "Docker Build and Run".
fn at_home(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| heading.contains(word));
    says(&["build", "local", "develop", "test", "contribut", "构建", "本地", "开发"])
        && !says(&["deploy", "production", "release", "install", "部署", "发布", "安装"])
}

fn rolls_back(document: &Document) -> bool {
    let title = document.title.to_lowercase();
    title.contains("rollback") || title.contains("rolling back") || title.contains("回滚")
}

/// Commands that start a service on a machine, as people deploy by hand.
fn runs_it(line: &str) -> bool {
    [
        "docker compose up",
        "docker-compose up",
        "docker run ",
        "helm install",
        "helm upgrade",
        "kubectl apply",
        "systemctl ",
    ]
    .iter()
    .any(|command| line.contains(command))
}
