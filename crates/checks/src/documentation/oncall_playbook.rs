//! Who is called, when, how it goes further, and who is told.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind},
};

use crate::shared::trees::is_shown_off;

pub(crate) static CHECK: Check = Check {
    id: "documentation.oncall-playbook",
    title: Text {
        en: "On-call playbook: who, when, how to escalate and communicate",
        zh: "值班手册：由谁、何时、如何升级与沟通",
    },
    source: &["B3.7d"],
    standard: Standard::ProductionReadiness,
    area: Area::Documentation,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write one page: who is on call, what pages them, whom they call next and after how long, and where everybody is told.",
        zh: "写一页说明：谁在值班、何种情况会呼叫、多久后升级给谁、在何处通报。",
    },
    references: &["https://sre.google/sre-book/being-on-call/"],
    page: include_str!("oncall_playbook.md"),
    judge,
};

/// What a playbook says, and the words by which it says so.
struct Part {
    en: &'static str,
    zh: &'static str,
    words: &'static [&'static str],
}

const PARTS: &[Part] = &[
    Part {
        en: "who is on call",
        zh: "由谁值班",
        words: &[
            "on-call",
            "on call",
            "oncall",
            "rotation",
            "schedule",
            "primary",
            "contact",
            "responder",
            "值班",
            "联系人",
        ],
    },
    Part {
        en: "when somebody is called",
        zh: "何时呼叫",
        words: &[
            "severit",
            "sev-",
            "sev1",
            "sev 1",
            "priority",
            "p1",
            "when to",
            "paged",
            "page when",
            "alert",
            "级别",
            "何时",
        ],
    },
    Part { en: "how to escalate", zh: "如何升级", words: &["escalat", "secondary", "升级"] },
    Part {
        en: "how to communicate",
        zh: "如何沟通",
        words: &[
            "communicat",
            "status page",
            "statuspage",
            "slack",
            "channel",
            "stakeholder",
            "announce",
            "customer update",
            "沟通",
            "通报",
            "频道",
        ],
    },
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let playbooks: Vec<&Document> = evidence
        .documents()?
        .iter()
        .filter(|document| document.kind == DocumentKind::Playbook && !is_shown_off(&document.place))
        .collect();
    let Some(first) = playbooks.first() else {
        return Ok(Reading::elsewhere(
            Message::new("no on-call playbook is in the repository", "仓库中没有值班手册"),
            Message::new("the on-call playbook, or a link to it", "值班手册或其链接"),
        ));
    };
    let mut findings: Vec<Finding> = playbooks
        .iter()
        .flat_map(|document| &document.placeholders)
        .map(|place| Finding::new(place, "a part that nobody has filled in", "尚未填写的内容"))
        .collect();
    let texts: Vec<String> = playbooks.iter().map(|document| whole_text(document)).collect();
    let statements = evidence.statements();
    for (index, part) in PARTS.iter().enumerate() {
        // The configuration may say it instead of the page.
        let stated = match index {
            0 => !statements.oncall.is_empty(),
            1 => !statements.severities.is_empty(),
            2 => !statements.escalation.is_empty(),
            _ => statements.severities.iter().any(|severity| severity.notify.is_some()),
        };
        if !stated && !texts.iter().any(|text| part.words.iter().any(|word| text.contains(word))) {
            findings.push(Finding::new(
                &first.place,
                format!("does not say {}", part.en),
                format!("没有说明{}", part.zh),
            ));
        }
    }
    if findings.is_empty() {
        let places: Vec<Place> = playbooks.iter().map(|document| document.place.clone()).collect();
        return Ok(Reading::shown(
            places,
            "the playbook says who, when, how to escalate and how to communicate",
            "值班手册说明了由谁、何时、如何升级与沟通",
        ));
    }
    Ok(Reading::refuted(findings, "the on-call playbook leaves questions open", "值班手册内容不完整"))
}

/// Headings, prose, lists and tables, in lower case.
fn whole_text(document: &Document) -> String {
    let mut text = document.lower_text();
    for section in &document.sections {
        for item in &section.items {
            text.push_str(&item.text.to_lowercase());
            text.push('\n');
        }
        for table in &section.tables {
            let cells = table.header.iter().chain(table.rows.iter().flatten());
            cells.for_each(|cell| {
                text.push_str(&cell.to_lowercase());
                text.push('\n');
            });
        }
    }
    text
}
