//! The way back, with the command and the look afterwards.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Section},
};

use crate::shared::{clay, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "clay.rollback",
    title: Text { en: "Rollback procedure", zh: "回滚流程" },
    source: &["C4.3", "C6"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write down the command with the revision that it goes back to, what to do while a rollout is paused, and how to see that the old version answers: status, health, version, errors.",
        zh: "写明带目标版本号的回滚命令、发布暂停时的处理方法，以及如何确认旧版本已恢复：状态、健康检查、版本、错误率。",
    },
    references: &["https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_undo/"],
    page: include_str!("rollback.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

const WORDS: &[&str] = &["rollback", "roll back", "roll-back", "rolling back", "回滚", "回退"];

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        if let Some(limit) = workload.body.at("spec.revisionHistoryLimit").filter(|limit| limit.int() == Some(0)) {
            findings.push(
                Finding::new(
                    &limit.place,
                    "revisionHistoryLimit: 0 keeps nothing to go back to",
                    "revisionHistoryLimit: 0 不保留可回退的版本",
                )
                .in_environment(workload.environment.as_deref()),
            );
        }
    }
    let mut witness: Option<Place> = None;
    let mut problems: Option<Vec<Finding>> = None;
    for (document, sections) in procedures(evidence)? {
        let own = problems_of(document, &sections);
        if own.is_empty() {
            witness = sections.first().map(|section| section.place.clone());
            break;
        }
        if problems.as_ref().is_none_or(|known| own.len() < known.len()) {
            problems = Some(own);
        }
    }
    if witness.is_none() {
        findings.extend(problems.unwrap_or_default());
    }
    match witness {
        _ if !findings.is_empty() => {
            Ok(Reading::refuted(findings, "the way back does not work as written", "回滚流程无法按文档执行"))
        }
        Some(place) => Ok(Reading::shown(
            [place],
            "the way back is written down, with its command and its verification",
            "已记录回滚命令及验证方法",
        )),
        None => Ok(Reading::elsewhere(
            Message::new(
                "no document here says how the version before comes back",
                "此处没有说明如何恢复上一版本的文档",
            ),
            Message::new("the rollback procedure", "回滚流程文档"),
        )),
    }
}

/// The sections about going back, with those under them; a document of that title is one whole.
fn procedures<'a>(evidence: &Evidence<'a>) -> Result<Vec<(&'a Document, Vec<&'a Section>)>, Missing> {
    let speaks = |text: &str| WORDS.iter().any(|word| text.to_lowercase().contains(word));
    let mut found = Vec::new();
    for document in evidence.documents()? {
        if !matches!(
            document.kind,
            DocumentKind::Runbook | DocumentKind::Playbook | DocumentKind::Deployment | DocumentKind::Recovery
        ) && !speaks(&document.title)
        {
            continue;
        }
        if matches!(
            document.kind,
            DocumentKind::Changelog | DocumentKind::Postmortem | DocumentKind::Decision | DocumentKind::Drill
        ) {
            continue;
        }
        if speaks(&document.title) {
            found.push((document, document.sections.iter().collect()));
            continue;
        }
        for (index, section) in document.sections.iter().enumerate().filter(|(_, section)| speaks(&section.heading)) {
            let inner = document.sections.iter().skip(index + 1).take_while(|one| one.level > section.level);
            found.push((document, std::iter::once(section).chain(inner).collect()));
        }
    }
    Ok(found)
}

fn problems_of(document: &Document, sections: &[&Section]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let commands: Vec<(&str, Place)> = sections.iter().flat_map(|section| clay::command_lines(section)).collect();
    let Some(first) = sections.first() else { return findings };
    let text = sections
        .iter()
        .flat_map(|section| {
            let items = section.items.iter().map(|item| item.text.as_str());
            [section.heading.as_str(), section.text.as_str()].into_iter().chain(items)
        })
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    if commands.is_empty() {
        findings.push(Finding::new(&first.place, "names no command that goes back", "没有给出回滚命令"));
    }
    let looks = ["verify", "check", "confirm", "health", "version", "验证", "确认", "检查"];
    let asks = commands
        .iter()
        .any(|(line, _)| line.contains("curl ") || line.contains("rollout status") || line.contains("health"));
    if !asks && !looks.iter().any(|word| text.contains(word)) {
        findings.push(Finding::new(
            &first.place,
            "does not say how to see that the old version answers",
            "未说明如何确认旧版本已恢复",
        ));
    }
    let everywhere: Vec<&str> = document.sections.iter().flat_map(clay::command_lines).map(|(line, _)| line).collect();
    let any = |part: &str| everywhere.iter().any(|line| line.contains(part));
    let undo = commands.iter().find(|(line, _)| line.starts_with("kubectl") && line.contains("rollout undo"));
    if let Some((line, place)) = undo {
        if any("rollout pause") && !commands.iter().any(|(line, _)| line.contains("rollout resume")) {
            findings.push(Finding::new(
                place,
                "kubectl refuses to undo a rollout that is paused: resume it first",
                "kubectl 拒绝回滚已暂停的发布：需先 resume",
            ));
        }
        if any("kubectl apply") && any("set image") && !line.contains("--to-revision") {
            findings.push(Finding::new(
                place,
                "apply and set image make two revisions: without --to-revision this goes back to the one between",
                "apply 与 set image 会产生两个版本：不加 --to-revision 将回到中间版本",
            ));
        }
    }
    findings
}
