//! A backup that was never restored is a hope.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
    evidence::{Document, DocumentKind},
};

use super::state::{Objectives, stateless};
use crate::shared::{
    figures,
    records::{Record, records},
    trees::is_shown_off,
};

pub(crate) static CHECK: Check = Check {
    id: "data.restore",
    title: Text { en: "A restore was verified outside production", zh: "已在非生产环境验证过恢复" },
    source: &["B4.4b"],
    standard: Standard::ProductionReadiness,
    area: Area::Data,
    level: None,
    gate: Gate::Required,
    min: Strength::Exercised,
    classes: Classes::RUNNING,
    fresh_days: Some(90),
    record: &["environment", "backup", "duration", "verified", "operator"],
    remediation: Text {
        en: "Restore the latest backup outside production and record date, environment, backup, duration, counts or checksum, and operator.",
        zh: "在非生产环境恢复最新备份，并记录日期、环境、备份标识、耗时、行数或校验和以及操作人。",
    },
    references: &["https://sre.google/sre-book/data-integrity/"],
    page: include_str!("restore.md"),
    judge,
};

/// What a record must say: names in English and Chinese, and the words that introduce it. Source: field-notes B4.4b.
const FIELDS: [(&str, &str, &[&str]); 5] = [
    (
        "environment",
        "环境",
        &["environment", "env", "restored to", "restored into", "target", "where", "环境", "目标环境"],
    ),
    ("backup", "备份标识", &["backup", "backup id", "snapshot", "source", "archive", "备份", "快照"]),
    (
        "duration",
        "耗时",
        &["duration", "took", "time taken", "elapsed", "time to restore", "restore time", "耗时", "用时", "时长"],
    ),
    (
        "count or checksum",
        "行数或校验和",
        &[
            "verified",
            "verification",
            "row count",
            "rows",
            "counts",
            "checksum",
            "check",
            "validated",
            "validation",
            "result",
            "验证",
            "行数",
            "校验",
            "结果",
        ],
    ),
    (
        "operator",
        "操作人",
        &["operator", "performed by", "by", "who", "engineer", "executed by", "操作人", "执行人", "负责人"],
    ),
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let exercised = match stateless(evidence) {
        Ok(None) => exercised(evidence),
        Ok(Some(reading)) => return Readings::of(Strength::Exercised, Ok(reading)),
        Err(missing) => return Readings::of(Strength::Exercised, Err(missing)),
    };
    let readings = Readings::of(Strength::Exercised, exercised);
    match described(evidence) {
        Ok(Some(reading)) => readings.and(Strength::Declared, Ok(reading)),
        Ok(None) => readings,
        Err(missing) => readings.and(Strength::Declared, Err(missing)),
    }
}

fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let today = evidence.today();
    let mut held: Vec<Record<'_>> = evidence
        .documents()?
        .iter()
        .filter(|document| is_restore(document))
        .flat_map(records)
        .filter(|record| record.date.is_none_or(|date| date <= today))
        .collect();
    held.sort_by_key(|record| std::cmp::Reverse(record.date));
    // The newest complete record decides; without one, what the newest lacks.
    let Some(record) = held.iter().find(|record| lacks(record).is_empty()).or(held.first()) else {
        return Ok(Reading::elsewhere(
            Message::new("no record of a restore is in this repository", "此仓库中没有恢复演练记录"),
            Message::new(
                "a dated record with environment, backup, duration, count or checksum, and operator, or `gonogo attest data.restore`",
                "含环境、备份、耗时、行数或校验和、操作人的带日期记录，或 `gonogo attest data.restore`",
            ),
        ));
    };
    let mut findings = Vec::new();
    let lacks = lacks(record);
    if !lacks.is_empty() {
        let (en, zh): (Vec<&str>, Vec<&str>) = lacks.into_iter().unzip();
        findings.push(Finding::new(
            &record.place,
            format!("the record of the restore names no {}", en.join(", no ")),
            format!("恢复记录缺少{}", zh.join("、")),
        ));
    }
    let field = |index: usize| FIELDS.get(index).and_then(|(_, _, names)| record.field(names));
    if field(0).is_some_and(|environment| is_production(&environment)) {
        findings.push(Finding::new(
            &record.place,
            "the restore was done in production, where a mistake costs the data",
            "恢复在生产环境进行，失误会损失数据",
        ));
    }
    let limit = Objectives::of(evidence)?.time;
    if let (Some(took), Some(limit)) = (field(2).and_then(|text| figures::duration(&text)), limit)
        && took > limit.seconds
    {
        findings.push(
            Finding::new(
                &record.place,
                format!(
                    "the restore took {}, longer than the RTO of {}",
                    figures::said(took),
                    figures::said(limit.seconds)
                ),
                format!("恢复耗时 {}，超过 RTO {}", figures::said_zh(took), figures::said_zh(limit.seconds)),
            )
            .also(&limit.place, "the RTO", "RTO"),
        );
    }
    findings.sort();
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "the restore on record does not show that one works",
            "记录不足以证明恢复可行",
        ));
    }
    let on = record.date;
    let said = on.map_or_else(String::new, |on| format!(" on {on}"));
    let said_zh = on.map_or_else(String::new, |on| format!("{on} "));
    Ok(Reading::shown(
        [record.place.clone()],
        format!("a restore outside production was verified{said}"),
        format!("{said_zh}已在非生产环境验证恢复"),
    )
    .dated(on))
}

fn lacks(record: &Record<'_>) -> Vec<(&'static str, &'static str)> {
    let mut lacks: Vec<(&str, &str)> =
        FIELDS.iter().filter(|(_, _, names)| record.field(names).is_none()).map(|(en, zh, _)| (*en, *zh)).collect();
    if record.date.is_none() {
        lacks.insert(0, ("date", "日期"));
    }
    lacks
}

fn is_production(environment: &str) -> bool {
    let lower = environment.to_lowercase();
    let other =
        ["non-prod", "nonprod", "non prod", "pre-prod", "preprod", "not prod", "staging", "like", "copy", "非生产"];
    (lower.contains("prod") || lower.contains("生产")) && !other.iter().any(|word| lower.contains(word))
}

fn is_restore(document: &Document) -> bool {
    let name = format!("{} {}", document.place.path(), document.title).to_lowercase();
    document.kind == DocumentKind::Drill
        && ["restore", "restoring", "recovery", "backup", "恢复", "备份"].iter().any(|word| name.contains(word))
        && !name.contains("template")
        && document.placeholders.is_empty()
        && !is_shown_off(&document.place)
}

/// A written procedure says how it would be done: part of the way, and no drill.
fn described(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let found = evidence.documents()?.iter().filter(|document| {
        matches!(document.kind, DocumentKind::Recovery | DocumentKind::Runbook) && !is_shown_off(&document.place)
    });
    let section = found.flat_map(|document| &document.sections).find(|section| {
        let heading = section.heading.to_lowercase();
        ["restore", "restoring", "恢复"].iter().any(|word| heading.contains(word))
            && (!section.code.is_empty() || section.items.len() >= 3)
    });
    Ok(section.map(|section| {
        Reading::shown(
            [section.place.clone()],
            "a procedure for restoring is written down; that it works was not shown",
            "已写明恢复步骤，但未证明其可行",
        )
    }))
}
