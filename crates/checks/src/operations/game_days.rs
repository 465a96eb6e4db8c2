//! Failure is rehearsed, again and again.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind},
};

use crate::shared::{
    records::{Record, records},
    trees::is_shown_off,
};

/// A quarter: game days are held at least as often as reviews. Source: field-notes B1.3, B5.
const QUARTER: u16 = 92;

pub(crate) static CHECK: Check = Check {
    id: "operations.game-days",
    title: Text { en: "Regular game days", zh: "定期举行故障演练日" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Exercised,
    classes: Classes::LONG_RUNNING,
    fresh_days: Some(QUARTER),
    record: &["scenario", "participants", "outcome"],
    remediation: Text {
        en: "Hold a game day each quarter and record its date, scenario, participants and outcome under docs/game-days/.",
        zh: "每季度举行一次故障演练日，并在 docs/game-days/ 中记录日期、场景、参与者和结果。",
    },
    references: &["https://sre.google/sre-book/accelerating-sre-on-call/"],
    page: include_str!("game_days.md"),
    judge,
};

const FIELDS: [(&str, &str, &[&str]); 3] = [
    (
        "scenario",
        "场景",
        &["scenario", "hypothesis", "experiment", "fault", "failure", "what was broken", "场景", "假设", "故障"],
    ),
    (
        "participants",
        "参与者",
        &[
            "participants",
            "attendees",
            "team",
            "facilitator",
            "operator",
            "performed by",
            "who",
            "people",
            "参与",
            "人员",
        ],
    ),
    (
        "outcome",
        "结果",
        &[
            "outcome",
            "result",
            "finding",
            "observation",
            "what happened",
            "learned",
            "learning",
            "lesson",
            "action",
            "follow-up",
            "结果",
            "发现",
            "结论",
            "改进",
        ],
    ),
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Exercised, exercised(evidence))
}

fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let today = evidence.today();
    let documents = evidence.documents()?;
    let held: Vec<Record<'_>> = documents
        .iter()
        .filter(|document| is_game_day(document))
        .flat_map(records)
        .filter(|record| record.date.is_none_or(|date| date <= today))
        .collect();
    let mut whole: Vec<&Record<'_>> = held.iter().filter(|record| lacks(record).is_empty()).collect();
    whole.sort_by_key(|record| std::cmp::Reverse(record.date));
    let places = || whole.iter().map(|record| record.place.clone());
    let newest = whole.first().and_then(|record| record.date);
    Ok(match (whole.as_slice(), newest) {
        ([_, _, ..], Some(on)) => Reading::shown(
            places(),
            format!("{} game days are on record, the last of {on}", whole.len()),
            format!("记录了 {} 次故障演练日，最近一次为 {on}", whole.len()),
        )
        .dated(newest),
        ([only], Some(on)) => {
            let finding = Finding::new(
                &only.place,
                format!("the game day of {on} is the only one on record: one does not make them regular"),
                format!("只有 {on} 一次演练记录，一次不能算定期"),
            );
            Reading::partly(places(), vec![finding], "one game day is on record", "只有一次演练记录").dated(newest)
        }
        _ if !held.is_empty() => {
            let findings = held.iter().map(|record| {
                let (en, zh): (Vec<&str>, Vec<&str>) = lacks(record).into_iter().unzip();
                Finding::new(
                    &record.place,
                    format!("the record names no {}", en.join(", no ")),
                    format!("记录缺少{}", zh.join("、")),
                )
            });
            Reading::refuted(findings.collect(), "no record of a game day is complete", "没有完整的演练记录")
        }
        _ => Reading::elsewhere(
            Message::new("no record of a game day is in this repository", "此仓库中没有故障演练日的记录"),
            Message::new(
                "dated records, or `gonogo attest operations.game-days`",
                "带日期的记录，或 `gonogo attest operations.game-days`",
            ),
        ),
    })
}

fn lacks(record: &Record<'_>) -> Vec<(&'static str, &'static str)> {
    let mut lacks: Vec<(&str, &str)> =
        FIELDS.iter().filter(|(_, _, names)| record.field(names).is_none()).map(|(en, zh, _)| (*en, *zh)).collect();
    if record.date.is_none() {
        lacks.insert(0, ("date", "日期"));
    }
    lacks
}

/// A drill that breaks something on purpose; a restore or a load test alone is none.
fn is_game_day(document: &Document) -> bool {
    let name = format!("{} {}", document.place.path(), document.title).to_lowercase().replace(['-', '_'], " ");
    let named = [
        "game day", "gameday", "chaos", "failover", "disaster", "dr drill", "dr test", "outage", "fault", "failure",
        "incident", "演练",
    ];
    document.kind == DocumentKind::Drill
        && named.iter().any(|word| name.contains(word))
        && !name.contains("template")
        && !name.contains("load test")
        && document.placeholders.is_empty()
        && !is_shown_off(&document.place)
}
