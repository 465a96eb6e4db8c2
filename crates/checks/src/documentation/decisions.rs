//! Decisions are on record, complete, and numbered without gaps.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Document, DocumentKind},
};

use crate::shared::trees::is_shown_off;

pub(crate) static CHECK: Check = Check {
    id: "documentation.decisions",
    title: Text {
        en: "ADRs for key decisions, well-formed, in sequence", zh: "关键决策有 ADR，格式完整、编号连续"
    },
    source: &["B3.7e"],
    standard: Standard::ProductionReadiness,
    area: Area::Documentation,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write each key decision down with status, context, decision and consequences, under the next number.",
        zh: "将每个关键决策连同状态、背景、决定与后果记录下来，并使用下一个编号。",
    },
    references: &["https://cognitect.com/blog/2011/11/15/documenting-architecture-decisions"],
    page: include_str!("decisions.md"),
    judge,
};

const STATUSES: &[&str] = &[
    "proposed",
    "accepted",
    "approved",
    "rejected",
    "deprecated",
    "superseded",
    "draft",
    "implemented",
    "decided",
    "in review",
    "amended",
    "active",
    "提议",
    "已接受",
    "接受",
    "已采纳",
    "废弃",
    "已取代",
    "拒绝",
    "草案",
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let decisions: Vec<&Document> = evidence
        .documents()?
        .iter()
        .filter(|document| {
            document.kind == DocumentKind::Decision && !is_form(document) && !is_shown_off(&document.place)
        })
        .collect();
    if decisions.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("no decision is on record in the repository", "仓库中没有决策记录"),
            Message::new("the decision records, or the place where they are kept", "决策记录或其存放位置"),
        ));
    }
    let mut tally = Tally::new();
    let mut by_number: BTreeMap<(String, u32), Vec<&Document>> = BTreeMap::new();
    for document in &decisions {
        let path = document.place.path();
        if let Some(number) = number(path) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            by_number.entry((folder, number)).or_default().push(document);
        }
        let missing = missing_parts(document);
        if missing.is_empty() {
            tally.met(path, &document.place);
        } else {
            let list = missing.join(", ");
            tally.miss(path, Finding::new(&document.place, format!("has no {list}"), format!("缺少：{list}")));
        }
        if let Some(place) = document.placeholders.first() {
            tally.miss(path, Finding::new(place, "a part that nobody has filled in", "尚未填写的内容"));
        }
    }
    sequence(&by_number, &mut tally);
    Ok(tally.reading("decision records are complete and in sequence", "份决策记录完整且编号连续"))
}

/// Numbers that are there twice, or left out.
fn sequence(by_number: &BTreeMap<(String, u32), Vec<&Document>>, tally: &mut Tally) {
    let mut before: Option<(&str, u32)> = None;
    for ((folder, number), documents) in by_number {
        if let [first, second, ..] = documents.as_slice() {
            tally.miss(
                second.place.path(),
                Finding::new(
                    &second.place,
                    format!("number {number} is taken already"),
                    format!("编号 {number} 已被使用"),
                )
                .also(&first.place, "the other one", "另一份"),
            );
        }
        let gap = before.filter(|(known, last)| known == folder && *number > last.saturating_add(1));
        if let (Some((_, last)), Some(document)) = (gap, documents.first()) {
            tally.miss(
                document.place.path(),
                Finding::new(
                    &document.place,
                    format!("nothing stands between {last} and {number}"),
                    format!("编号 {last} 与 {number} 之间缺失"),
                ),
            );
        }
        before = Some((folder, *number));
    }
}

/// The number at the front of a file's name: `0007-use-postgres.md`, `adr-007.md`, not a date.
fn number(path: &str) -> Option<u32> {
    let name = path.rsplit('/').next()?.to_ascii_lowercase();
    let rest = name.trim_start_matches("adr").trim_start_matches(['-', '_', ' ']);
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let number: u32 = rest.get(..end)?.parse().ok()?;
    let dated = number >= 1900
        && rest.get(end..)?.starts_with(['-', '_'])
        && rest.get(end + 1..)?.starts_with(|letter: char| letter.is_ascii_digit());
    (!dated).then_some(number)
}

/// The template and the index beside the records are no records.
fn is_form(document: &Document) -> bool {
    let name = document.place.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    ["template", "index", "readme", "summary"].iter().any(|word| name.contains(word))
}

fn missing_parts(document: &Document) -> Vec<&'static str> {
    let headed = |words: &[&str]| {
        document.sections.iter().enumerate().any(|(index, section)| {
            let heading = section.heading.to_lowercase();
            let below = document.sections.get(index + 1).is_some_and(|next| next.level > section.level);
            let filled =
                below || !section.text.trim().is_empty() || !section.items.is_empty() || !section.tables.is_empty();
            words.iter().any(|word| heading.contains(word)) && filled
        })
    };
    let matter = |key: &str| {
        document.front_matter.iter().any(|(name, value, _)| name.eq_ignore_ascii_case(key) && !value.is_empty())
    };
    let says_status = || {
        document.sections.iter().any(|section| {
            let lines = section.text.lines().map(str::to_lowercase);
            let items = section.items.iter().map(|item| item.text.to_lowercase());
            let rows = section
                .tables
                .iter()
                .flat_map(|table| table.rows.iter().chain([&table.header]))
                .map(|row| row.join(" ").to_lowercase());
            let headed = section.heading.to_lowercase().contains("status") || section.heading.contains("状态");
            lines.chain(items).chain(rows).any(|line| {
                (headed || line.contains("status") || line.contains("状态"))
                    && STATUSES.iter().any(|status| line.contains(status))
            })
        })
    };
    let mut missing = Vec::new();
    if !matter("status") && !says_status() {
        missing.push("status");
    }
    if !headed(&["context", "problem", "background", "motivation", "背景", "问题"]) {
        missing.push("context");
    }
    if !headed(&["decision", "outcome", "solution", "决定", "决策"]) {
        missing.push("decision");
    }
    if !headed(&["consequence", "implication", "result", "trade", "pros and cons", "impact", "后果", "影响"]) {
        missing.push("consequences");
    }
    missing
}
