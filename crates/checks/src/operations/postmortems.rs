//! What was learned from incidents, and whether it was done.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Document, DocumentKind, Section, Table},
};
use jiff::civil::Date;

use crate::shared::{
    figures,
    records::{names_it, records, row_place, says_something},
    trees::is_shown_off,
};

pub(crate) static CHECK: Check = Check {
    id: "operations.postmortems",
    title: Text {
        en: "Severe incidents have postmortems with owned, dated, closed actions",
        zh: "严重事故有复盘，改进项有负责人、期限并已关闭",
    },
    source: &["B7.3"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L4),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Complete the postmortem: timeline, root cause, impact, lessons, and a table of actions with owner, due date and status.",
        zh: "补全复盘：时间线、根因、影响、经验教训，以及含负责人、期限和状态的改进项表格。",
    },
    references: &["https://sre.google/sre-book/postmortem-culture/"],
    page: include_str!("postmortems.md"),
    judge,
};

/// The newest of them are judged: nobody completes the postmortems of other years.
const NEWEST: usize = 20;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut postmortems: Vec<&Document> = evidence
        .documents()?
        .iter()
        .filter(|document| {
            document.kind == DocumentKind::Postmortem && !is_shown_off(&document.place) && !is_template(document)
        })
        .collect();
    if postmortems.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no postmortem is in this repository: nothing says whether there were severe incidents",
                "此仓库中没有复盘文档，无法得知是否发生过严重事故",
            ),
            Message::new(
                "the postmortems, or `gonogo attest operations.postmortems` that there was no severe incident",
                "复盘文档，或以 `gonogo attest operations.postmortems` 声明没有严重事故",
            ),
        ));
    }
    postmortems.sort_by_key(|document| {
        (std::cmp::Reverse(document.dated.as_ref().map(|(date, _)| *date)), document.place.clone())
    });
    let mut tally = Tally::new();
    for document in postmortems.iter().take(NEWEST) {
        let key = document.place.path();
        let findings = defects(document, evidence.today());
        if findings.is_empty() {
            tally.met(key, &document.place);
        }
        for finding in findings {
            tally.miss(key, finding);
        }
    }
    Ok(tally.reading(
        "postmortems are complete, with their actions owned, dated and not overdue",
        "份复盘完整，改进项有负责人、期限且未逾期",
    ))
}

fn is_template(document: &Document) -> bool {
    let name = format!("{} {}", document.place.path(), document.title).to_lowercase();
    name.contains("template") || name.contains("模板")
}

/// A part of a postmortem with the words that head it. Source: field-notes B7.3.
const PARTS: [(&str, &str, &[&str]); 5] = [
    ("summary", "概要", &["summary", "overview", "what happened", "概要", "摘要", "概述", "事故描述"]),
    ("timeline", "时间线", &["timeline", "chronology", "时间线", "经过"]),
    (
        "root cause",
        "根因",
        &["root cause", "cause", "contributing factor", "why it happened", "trigger", "根因", "根本原因", "原因"],
    ),
    ("impact", "影响", &["impact", "affected", "影响"]),
    ("lessons", "经验教训", &["lesson", "learned", "learnt", "went well", "what went", "教训", "经验", "改进点"]),
];

const ACTIONS: &[&str] = &[
    "action",
    "follow-up",
    "follow up",
    "remediation",
    "corrective",
    "next step",
    "to do",
    "todo",
    "改进",
    "后续",
    "行动",
];

fn defects(document: &Document, today: Date) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(place) = document.placeholders.first() {
        findings.push(Finding::new(
            place,
            "the postmortem still has a placeholder of its template",
            "复盘仍有模板占位符",
        ));
    }
    let mut lacks: Vec<(&str, &str)> = Vec::new();
    if document.dated.is_none() {
        lacks.push(("date", "日期"));
    }
    let severity = records(document).first().and_then(|record| record.field(&["severity", "sev", "级别", "等级"]));
    if severity.is_none() && !names_severity(document) {
        lacks.push(("severity", "级别"));
    }
    lacks.extend(PARTS.iter().filter(|(_, _, words)| !has_part(document, words)).map(|(en, zh, _)| (*en, *zh)));
    if !lacks.is_empty() {
        let (en, zh): (Vec<&str>, Vec<&str>) = lacks.into_iter().unzip();
        findings.push(Finding::new(
            &document.place,
            format!("the postmortem has no {}", en.join(", no ")),
            format!("复盘缺少{}", zh.join("、")),
        ));
    }
    findings.extend(actions(document, severity.as_deref(), today));
    findings
}

fn names_severity(document: &Document) -> bool {
    let text = document.lower_text();
    ["sev-", "sev1", "sev2", "sev3", "sev4", "sev 1", "sev 2", "severity", "严重"]
        .iter()
        .any(|word| text.contains(word))
}

/// A heading, or a label in a line, with something behind it.
fn has_part(document: &Document, words: &[&str]) -> bool {
    let headed = document.sections.iter().enumerate().any(|(index, section)| {
        let heading = section.heading.to_lowercase();
        let below = document.sections.iter().skip(index + 1).take_while(|other| other.level > section.level);
        section.level > 0
            && words.iter().any(|word| heading.contains(word))
            && std::iter::once(section)
                .chain(below)
                .any(|section| !section.text.trim().is_empty() || !section.code.is_empty())
    });
    headed || records(document).first().is_some_and(|record| record.field(words).is_some())
}

fn actions(document: &Document, severity: Option<&str>, today: Date) -> Vec<Finding> {
    let sections: Vec<&Section> = action_sections(document);
    let tables: Vec<&Table> = sections.iter().flat_map(|section| &section.tables).collect();
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    let items: Vec<_> = sections.iter().flat_map(|section| &section.items).collect();
    if rows == 0 && items.is_empty() {
        // Small incidents may need nothing done.
        let small =
            severity.is_some_and(|severity| severity.contains(['3', '4']) || severity.to_lowercase().contains("minor"));
        let place = sections.first().map_or(&document.place, |section| &section.place);
        return if small {
            Vec::new()
        } else {
            vec![Finding::new(place, "the postmortem leads to no action", "复盘没有改进项")]
        };
    }
    let mut findings: Vec<Finding> = tables.iter().flat_map(|table| of_table(table, today)).collect();
    if rows == 0 {
        findings.extend(items.iter().filter_map(|item| {
            let closed = item.checked == Some(true) || is_closed(&item.text);
            let owned = item.text.contains('@') || names_it(&item.text, &["owner", "负责人"]);
            judged_action(&item.place, &item.text, owned, figures::date(&item.text), closed, today)
        }));
    }
    findings
}

fn action_sections(document: &Document) -> Vec<&Section> {
    let mut inside: Option<u8> = None;
    let mut found = Vec::new();
    for section in &document.sections {
        if inside.is_some_and(|level| section.level <= level) {
            inside = None;
        }
        let heading = section.heading.to_lowercase();
        if inside.is_none() && section.level > 0 && ACTIONS.iter().any(|word| heading.contains(word)) {
            inside = Some(section.level);
        }
        if inside.is_some() {
            found.push(section);
        }
    }
    found
}

fn of_table(table: &Table, today: Date) -> Vec<Finding> {
    let column = |names: &[&str]| table.header.iter().position(|name| names_it(name, names));
    let action =
        column(&["action", "item", "task", "what", "description", "todo", "改进", "行动", "事项", "措施"]).unwrap_or(0);
    let owner = column(&["owner", "assignee", "who", "responsible", "assigned", "负责人", "责任人"]);
    let due = column(&["due", "deadline", "date", "eta", "when", "target", "期限", "截止", "完成时间"]);
    let status = column(&["status", "state", "done", "state", "状态", "进度"]);
    let cell = |row: &[String], column: Option<usize>| {
        column.and_then(|column| row.get(column)).map(|cell| cell.trim().to_owned()).filter(|cell| says_something(cell))
    };
    table
        .rows
        .iter()
        .zip(2_u32..)
        .filter_map(|(row, number)| {
            let what = cell(row, Some(action))?;
            let closed = cell(row, status).is_some_and(|status| is_closed(&status));
            let date = cell(row, due).and_then(|due| figures::date(&due));
            judged_action(&row_place(table, number), &what, cell(row, owner).is_some(), date, closed, today)
        })
        .collect()
}

fn judged_action(
    place: &Place,
    what: &str,
    owned: bool,
    due: Option<Date>,
    closed: bool,
    today: Date,
) -> Option<Finding> {
    let what: String = what.chars().take(60).collect();
    if closed {
        return None;
    }
    let (en, zh) = match (owned, due) {
        (false, None) => ("has no owner and no due date".to_owned(), "没有负责人和期限".to_owned()),
        (false, Some(_)) => ("has no owner".to_owned(), "没有负责人".to_owned()),
        (true, None) => ("has no due date".to_owned(), "没有期限".to_owned()),
        (true, Some(due)) if due < today => {
            (format!("was due on {due} and is open"), format!("应于 {due} 完成，仍未关闭"))
        }
        (true, Some(_)) => return None,
    };
    Some(Finding::new(place, format!("the action \"{what}\" {en}"), format!("改进项“{what}”{zh}")))
}

fn is_closed(text: &str) -> bool {
    let lower = text.to_lowercase();
    let open = ["not done", "incomplete", "not completed", "未完成", "not fixed", "not started"];
    let closed = [
        "done",
        "closed",
        "complete",
        "fixed",
        "resolved",
        "merged",
        "shipped",
        "won't",
        "wontfix",
        "cancel",
        "✅",
        "✓",
        "☑",
        "[x]",
        "已完成",
        "已关闭",
        "完成",
        "取消",
    ];
    !open.iter().any(|word| lower.contains(word)) && closed.iter().any(|word| lower.contains(word))
}
