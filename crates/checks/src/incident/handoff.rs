//! What the next shift must be told.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{DocumentKind, Section},
};

use crate::shared::trees::is_shown_off;

pub(crate) static CHECK: Check = Check {
    id: "incident.handoff",
    title: Text {
        en: "Handoffs cover recent deploys, open issues, known risks",
        zh: "交接包含最近的部署、未决问题和已知风险",
    },
    source: &["B7.1"],
    standard: Standard::ProductionReadiness,
    area: Area::Incident,
    level: None,
    gate: Gate::Advised,
    min: Strength::Declared,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write a handoff template with a part for recent deploys, one for open issues and one for known risks.",
        zh: "编写交接模板，分别列出最近的部署、未决问题和已知风险。",
    },
    references: &["https://sre.google/sre-book/being-on-call/"],
    page: include_str!("handoff.md"),
    judge,
};

struct Topic {
    en: &'static str,
    zh: &'static str,
    words: &'static [&'static str],
}

const TOPICS: [Topic; 3] = [
    Topic {
        en: "recent deploys",
        zh: "最近的部署",
        words: &["deploy", "release", "rollout", "recent change", "changes", "部署", "发布", "上线", "变更"],
    },
    Topic {
        en: "open issues",
        zh: "未决问题",
        words: &[
            "open issue",
            "open incident",
            "ongoing",
            "issues",
            "active incident",
            "tickets",
            "outstanding",
            "pending",
            "unresolved",
            "未决",
            "遗留",
            "问题",
            "待处理",
        ],
    },
    Topic { en: "known risks", zh: "已知风险", words: &["risk", "concern", "watch", "风险", "隐患", "关注"] },
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut best: Option<(usize, Place, Vec<&Topic>)> = None;
    for document in evidence.documents()?.iter().filter(|document| !is_shown_off(&document.place)) {
        let found = match document.kind {
            DocumentKind::Handoff if of_duty(&document.sections) => {
                Some((document.place.clone(), document.sections.iter().collect()))
            }
            DocumentKind::Playbook | DocumentKind::Runbook | DocumentKind::Readme => part(&document.sections),
            _ => None,
        };
        let Some((place, sections)) = found else { continue };
        let lines = lines(&sections);
        let missing: Vec<&Topic> = TOPICS
            .iter()
            .filter(|topic| !lines.iter().any(|line| topic.words.iter().any(|word| line.contains(word))))
            .collect();
        if best.as_ref().is_none_or(|(count, ..)| missing.len() < *count) {
            best = Some((missing.len(), place, missing));
        }
    }
    Ok(match best {
        Some((0, place, _)) => Reading::shown(
            [place],
            "handoffs name recent deploys, open issues and known risks",
            "交接内容包括最近的部署、未决问题和已知风险",
        ),
        Some((_, place, missing)) => {
            let findings = missing.iter().map(|topic| {
                Finding::new(&place, format!("the handoff leaves out {}", topic.en), format!("交接未包含{}", topic.zh))
            });
            Reading::refuted(findings.collect(), "the handoff leaves topics out", "交接内容不完整")
        }
        None => Reading::elsewhere(
            Message::new("no document speaks of handoffs between shifts", "没有关于值班交接的文档"),
            Message::new("the handoff template, or a handoff, as a document", "交接模板或交接记录文档"),
        ),
    })
}

/// It hands a duty on: agents hand tasks to each other too.
fn of_duty(sections: &[Section]) -> bool {
    let of_shifts = |section: &Section| {
        let (heading, text) = (section.heading.to_lowercase(), section.text.to_lowercase());
        ["on-call", "on call", "oncall", "shift", "pager", "incident", "值班"]
            .iter()
            .any(|word| heading.contains(word) || text.contains(word))
    };
    let lines = lines(&sections.iter().collect::<Vec<_>>());
    sections.iter().any(of_shifts)
        || TOPICS.iter().any(|topic| lines.iter().any(|line| topic.words.iter().any(|word| line.contains(word))))
}

/// The part of a document that is about handoffs.
fn part(sections: &[Section]) -> Option<(Place, Vec<&Section>)> {
    let start = sections.iter().position(|section| {
        let heading = section.heading.to_lowercase();
        ["handoff", "handover", "hand-off", "交接"].iter().any(|word| heading.contains(word))
    })?;
    let head = sections.get(start)?;
    let below = sections.iter().skip(start + 1).take_while(|section| section.level > head.level);
    Some((head.place.clone(), std::iter::once(head).chain(below).collect()))
}

/// What has the weight of a topic: headings, items, labels, cells. A word in passing has none.
fn lines(sections: &[&Section]) -> Vec<String> {
    let mut lines = Vec::new();
    for section in sections {
        lines.push(section.heading.to_lowercase());
        lines.extend(section.items.iter().map(|item| item.text.to_lowercase()));
        for table in &section.tables {
            lines.extend(table.header.iter().map(|cell| cell.to_lowercase()));
            lines.extend(table.rows.iter().filter_map(|row| Some(row.first()?.to_lowercase())));
        }
        lines.extend(section.text.lines().filter_map(|line| Some(line.split_once([':', '：'])?.0.to_lowercase())));
    }
    lines
}
