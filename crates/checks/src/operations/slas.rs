//! What those who depend on the service have been promised.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
    evidence::{Document, DocumentKind, Indicator},
};

use crate::shared::{figures, trees::is_shown_off};

pub(crate) static CHECK: Check = Check {
    id: "operations.slas",
    title: Text { en: "SLAs are communicated to dependants", zh: "已向依赖方告知 SLA" },
    source: &["B4.5c"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: None,
    gate: Gate::Advised,
    min: Strength::Declared,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write a dated SLA that names whom it promises what, with a target looser than the SLO.",
        zh: "编写带日期的 SLA，写明向谁承诺什么，且目标应比 SLO 宽松。",
    },
    references: &["https://sre.google/sre-book/service-level-objectives/"],
    page: include_str!("slas.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut agreements: Vec<(&Document, Vec<Finding>)> = evidence
        .documents()?
        .iter()
        .filter(|document| document.kind == DocumentKind::Sla && !is_shown_off(&document.place))
        .map(|document| (document, defects(document, evidence)))
        .collect();
    // The most complete one speaks for the service.
    agreements.sort_by_key(|(_, findings)| findings.len());
    Ok(match agreements.into_iter().next() {
        None => Reading::elsewhere(
            Message::new("no service level agreement is in this repository", "此仓库中没有服务等级协议"),
            Message::new(
                "the agreement as a dated document, or `gonogo attest operations.slas`",
                "带日期的协议文档，或 `gonogo attest operations.slas`",
            ),
        ),
        Some((document, findings)) if findings.is_empty() => {
            let dated = document.dated.as_ref().map(|(date, _)| *date);
            let on = dated.map_or(String::new(), |date| format!(" of {date}"));
            Reading::shown(
                [document.place.clone()],
                format!("the agreement{on} says whom it promises what"),
                "协议写明了承诺对象和内容",
            )
            .dated(dated)
        }
        Some((_, findings)) => {
            Reading::refuted(findings, "the agreement leaves open who was promised what", "协议未写明承诺对象和内容")
        }
    })
}

fn defects(document: &Document, evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |en: String, zh: String| findings.push(Finding::new(&document.place, en, zh));
    if !document.placeholders.is_empty() {
        find("the agreement still has placeholders of its template".to_owned(), "协议仍有模板占位符".to_owned());
    }
    if document.dated.is_none() {
        find("the agreement has no date".to_owned(), "协议没有日期".to_owned());
    }
    let text = document.lower_text();
    let parties = [
        "customer",
        "consumer",
        "client",
        "recipient",
        "audience",
        "dependent",
        "dependant",
        "partner",
        "tenant",
        "subscriber",
        "user",
        "communicated to",
        "team",
        "客户",
        "用户",
        "依赖方",
        "使用方",
        "团队",
    ];
    if !parties.iter().any(|word| text.contains(word)) {
        find("the agreement does not say to whom".to_owned(), "协议未写明对象".to_owned());
    }
    let tables = document.sections.iter().flat_map(|section| &section.tables);
    let cells: Vec<f64> =
        tables.flat_map(|table| table.rows.iter().flatten()).flat_map(|cell| figures::percentages(cell)).collect();
    // Credits and discounts are percentages too: a promise of availability is above 90.
    let promised = figures::percentages(&text)
        .into_iter()
        .chain(cells)
        .filter(|ratio| (0.9..=1.0).contains(ratio))
        .reduce(f64::max);
    let aimed = evidence.objectives().unwrap_or_default().iter().filter_map(|objective| {
        let target = objective.target.as_ref()?.value;
        matches!(objective.indicator, Indicator::Availability | Indicator::ErrorRate).then_some(target)
    });
    match (promised, aimed.reduce(f64::min)) {
        (None, _) => find("the agreement names no target".to_owned(), "协议没有目标值".to_owned()),
        (Some(promised), Some(aimed)) if promised >= aimed => find(
            format!("the agreement promises {} %, no less than the SLO of {} %", percent(promised), percent(aimed)),
            format!("协议承诺 {}%，不低于 SLO 的 {}%", percent(promised), percent(aimed)),
        ),
        _ => (),
    }
    findings
}

fn percent(ratio: f64) -> String {
    let text = format!("{:.4}", ratio * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
