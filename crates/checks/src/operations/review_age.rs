//! The last review is not older than a quarter.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Document,
};
use jiff::civil::Date;

use crate::shared::{figures, records::records, trees::is_shown_off};

/// A quarter of a year. Source: field-notes B1.3.
const QUARTER: u16 = 92;

pub(crate) static CHECK: Check = Check {
    id: "operations.review-age",
    title: Text { en: "The last review is at most a quarter old", zh: "上次评审距今不超过一个季度" },
    source: &["B1.3"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: None,
    gate: Gate::Required,
    min: Strength::Declared,
    classes: Classes::DEPLOYED,
    fresh_days: Some(QUARTER),
    record: &[],
    remediation: Text {
        en: "Hold the review, then write its day as last_review under [service.NAME] in gonogo.toml.",
        zh: "完成评审后，在 gonogo.toml 的 [service.NAME] 中写入 last_review 日期。",
    },
    references: &["https://sre.google/sre-book/evolving-sre-engagement-model/"],
    page: include_str!("review_age.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let stated = evidence.statements().last_review.as_ref().map(|stated| (stated.value, stated.place.clone()));
    let written = evidence.documents()?.iter().filter(|document| is_review(document)).filter_map(newest);
    let Some((on, place)) = stated.into_iter().chain(written).max() else {
        return Ok(Reading::elsewhere(
            Message::new(
                "neither gonogo.toml nor a dated document says when it was last reviewed",
                "gonogo.toml 和带日期的文档均未说明上次评审时间",
            ),
            Message::new(
                "last_review under [service.NAME] in gonogo.toml",
                "gonogo.toml 中 [service.NAME] 的 last_review",
            ),
        ));
    };
    if on > evidence.today() {
        let finding = Finding::new(
            &place,
            format!("the last review is dated {on}, which is still to come"),
            format!("上次评审日期 {on} 尚未到来"),
        );
        return Ok(Reading::refuted(vec![finding], "the date of the last review is in the future", "评审日期在未来"));
    }
    Ok(Reading::shown([place], format!("it was last reviewed on {on}"), format!("上次评审于 {on}")).dated(Some(on)))
}

/// A record of a production-readiness review, as opposed to its template or a text about how to hold one.
fn is_review(document: &Document) -> bool {
    let name = format!("{} {}", document.place.path(), document.title).to_lowercase().replace(['-', '_'], " ");
    let says = ["readiness review", "prr", "launch review", "上线评审", "生产就绪评审"].iter().any(|words| {
        if words.is_ascii() {
            format!(" {} ", name.replace(['/', '.', ':'], " ")).contains(&format!(" {words} "))
        } else {
            name.contains(words)
        }
    });
    let template = ["template", "how to", "guide", "模板"].iter().any(|word| name.contains(word));
    says && !template && document.placeholders.is_empty() && !is_shown_off(&document.place)
}

fn newest(document: &Document) -> Option<(Date, Place)> {
    let dates = ["date", "reviewed", "held", "日期", "评审日期"];
    let of_name = || document.place.path().rsplit('/').next().and_then(figures::date);
    records(document)
        .into_iter()
        .filter_map(|record| {
            let date = record.date.or_else(|| figures::date(&record.field(&dates)?)).or_else(of_name)?;
            Some((date, record.place))
        })
        .max()
}
