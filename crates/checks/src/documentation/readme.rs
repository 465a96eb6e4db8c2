//! A README from which somebody new gets it running.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Section},
};

use crate::shared::procedures::{has_steps, sections_under};

pub(crate) static CHECK: Check = Check {
    id: "documentation.readme",
    title: Text { en: "README with set-up", zh: "README 含安装说明" },
    source: &["B3.7f"],
    standard: Standard::ProductionReadiness,
    area: Area::Documentation,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::ALL,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write in the README the commands by which somebody new gets it running on their machine.",
        zh: "在 README 中写明新人在本机运行它所需的命令。",
    },
    references: &["https://www.makeareadme.com/"],
    page: include_str!("readme.md"),
    judge,
};

/// Headings under which people look for set-up.
const HEADINGS: &[&str] = &[
    "setup",
    "set up",
    "set-up",
    "setting up",
    "install",
    "getting started",
    "get started",
    "quick start",
    "quickstart",
    "usage",
    "how to",
    "run",
    "start",
    "build",
    "develop",
    "local",
    "requirement",
    "prerequisite",
    "deploy",
    "example",
    "try",
    "docker",
    "安装",
    "快速",
    "使用",
    "运行",
    "开发",
    "构建",
    "部署",
    "启动",
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let path = evidence.service().path.as_str();
    // The service's own comes first, then those of the folders above it.
    let mut readmes: Vec<&Document> = evidence
        .documents()?
        .iter()
        .filter(|document| document.kind == DocumentKind::Readme && above(folder(document), path))
        .collect();
    readmes.sort_by_key(|document| (std::cmp::Reverse(folder(document).len()), document.place.clone()));
    if let Some((document, section)) = readmes.iter().find_map(|document| Some((document, set_up(document)?))) {
        return Ok(Reading::shown(
            [section.place.clone()],
            format!("{} says how it is set up", document.place.path()),
            format!("{} 说明了安装方式", document.place.path()),
        ));
    }
    // A README may leave it to the pages beside it.
    let pointing = readmes.iter().find(|document| document.sections.iter().any(points_to_pages));
    if let (Some(document), Some(page)) = (pointing, evidence.documents()?.iter().find(|page| starts_off(page))) {
        return Ok(Reading::shown(
            [document.place.clone(), page.place.clone()],
            format!(
                "{} leads to the documentation, where {} says how it is set up",
                document.place.path(),
                page.place.path()
            ),
            format!("{} 指向文档，其中 {} 说明了安装方式", document.place.path(), page.place.path()),
        ));
    }
    Ok(match readmes.first() {
        Some(document) => Reading::refuted(
            vec![Finding::new(
                &document.place,
                "says nothing about set-up: no section with a command or steps",
                "没有安装说明：没有包含命令或步骤的章节",
            )],
            "a README without set-up",
            "README 没有安装说明",
        ),
        None => Reading::absent(Finding::new(&Place::whole(path.to_owned()), "no README", "没有 README")),
    })
}

fn folder(document: &Document) -> &str {
    document.place.path().rsplit_once('/').map_or(".", |(folder, _)| match folder {
        // GitHub shows a README from these two as the repository's own.
        ".github" | "docs" => ".",
        other => other,
    })
}

/// `folder` is `path` or lies above it.
fn above(folder: &str, path: &str) -> bool {
    folder == "." || folder == path || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A section of set-up with a command or steps, or a link to the page that has them.
fn set_up(document: &Document) -> Option<&Section> {
    let mut sections = sections_under(document, HEADINGS);
    // A short README has its commands before the first heading below the title.
    sections.extend(document.sections.iter().filter(|section| section.level <= 1));
    sections.into_iter().find(|section| {
        let inline = section.text.lines().any(|line| {
            ["docker ", "npm ", "make ", "go run", "go install", "cargo ", "pip install", "helm ", "kubectl "]
                .iter()
                .any(|command| line.contains(command))
        });
        let linked = section.level > 1
            && section.links.iter().any(|link| {
                let target = link.target.to_lowercase();
                target.contains("install")
                    || target.contains("getting")
                    || target.contains("start")
                    || target.contains("develop")
            });
        (section.level > 1 && has_steps(section)) || section.code.iter().any(is_command) || inline || linked
    })
}

/// It links to the documentation as a whole.
fn points_to_pages(section: &Section) -> bool {
    section.links.iter().any(|link| {
        let (text, target) = (link.text.to_lowercase(), link.target.to_lowercase());
        text.contains("documentation")
            || text == "docs"
            || target.starts_with("docs/")
            || target.contains("readthedocs")
    })
}

/// A page by which somebody new starts, with commands.
fn starts_off(page: &Document) -> bool {
    let path = page.place.path().to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    path.contains("doc")
        && ["getting-started", "getting_started", "quick-start", "quickstart", "install", "setup"]
            .iter()
            .any(|word| name.starts_with(word))
        && page.sections.iter().any(has_steps)
}

fn is_command(block: &gonogo_domain::evidence::CodeBlock) -> bool {
    !block.text.trim().is_empty()
        && matches!(
            block.language.as_str(),
            "" | "sh" | "bash" | "shell" | "console" | "zsh" | "terminal" | "powershell" | "shell-session"
        )
}
