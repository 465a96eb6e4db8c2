//! A runbook for each way in which Clay fails, the silent ones included.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Document, DocumentKind, Section},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.runbook",
    title: Text {
        en: "Incident runbook covers Clay's failure modes", zh: "事故运行手册涵盖 Clay 的故障模式"
    },
    source: &["C4.1"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Add a section for each failure mode to the runbook of Clay: how it shows, how to tell it from the others, what to do, and when to call the vendor.",
        zh: "在 Clay 运行手册中为每种故障模式添加一节：表现、如何区分、如何处理、何时联系供应商。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("runbook.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// A failure mode, and how a passage shows that it is about it: one word of each group.
type Mode = (&'static str, &'static str, &'static [&'static [&'static str]]);

const MODES: [Mode; 13] = [
    ("a refused key (401/403)", "密钥被拒（401/403）", &[&["401", "403", "unauthorized", "forbidden"]]),
    ("the rate limit (429)", "限流（429）", &[&["429", "rate limit", "限流"]]),
    ("an outage (5xx, timeouts)", "故障（5xx、超时）", &[&["5xx", "500", "503", "outage", "timeout", "超时"]]),
    ("credits used up (402)", "积分耗尽（402）", &[&["402", "credit", "积分"]]),
    (
        "the webhook's lifetime quota",
        "webhook 终身额度",
        &[&["webhook"], &["50,000", "50000", "50k", "50 000", "quota", "lifetime", "额度"]],
    ),
    (
        "a table at its row ceiling",
        "表达到行数上限",
        &[&["table", "row", "表"], &["ceiling", "full", "row limit", "上限", "已满"]],
    ),
    ("Sandbox Mode left on", "未关闭 Sandbox 模式", &[&["sandbox", "沙盒"]]),
    ("auto-update switched off", "自动更新被关闭", &[&["auto-update", "auto update", "auto-run", "自动更新"]]),
    (
        "an expired provider key",
        "第三方数据源密钥过期",
        &[&["provider", "数据源", "第三方"], &["key", "expired", "红", "过期"]],
    ),
    ("a retired endpoint (404)", "接口下线（404）", &[&["404", "deprecated", "下线"]]),
    (
        "callbacks that do not come",
        "回调缺失",
        &[
            &["callback", "回调", "signed webhook"],
            &["missing", "not arrive", "never", "late", "gap", "stop", "absent", "缺失", "未到"],
        ],
    ),
    ("duplicate callbacks", "重复回调", &[&["duplicate", "twice", "重复"]]),
    ("a drop in data quality", "数据质量下降", &[&["data quality", "data-quality", "hit rate", "数据质量", "命中率"]]),
];

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let documents = evidence.documents()?;
    let of_operation = |one: &&Document| matches!(one.kind, DocumentKind::Runbook | DocumentKind::Playbook);
    let runbooks: Vec<&Document> = documents.iter().filter(of_operation).filter(|one| clay::about(one)).collect();
    let Some(first) = runbooks.first() else {
        return Ok(Reading::elsewhere(
            Message::new("no runbook here is about Clay", "此处没有关于 Clay 的运行手册"),
            Message::new("the runbook of Clay", "Clay 的运行手册"),
        ));
    };
    let mut tally = Tally::new();
    for (en, zh, groups) in MODES {
        let answers = |section: &Section| {
            passages(section).iter().any(|text| groups.iter().all(|group| group.iter().any(|word| text.contains(word))))
        };
        if let Some(section) = runbooks.iter().flat_map(|document| &document.sections).find(|section| answers(section))
        {
            tally.met(en, &section.place);
        } else {
            let place = Place::whole(first.place.path());
            tally.miss(en, Finding::new(&place, format!("says nothing about {en}"), format!("未提及{zh}")));
        }
    }
    Ok(tally.reading("failure modes of Clay are in a runbook", "种 Clay 故障模式已写入运行手册"))
}

/// What a section says to do, in lower case: itself with its heading, and each row of its tables. A bare heading and a
/// row without an answer say nothing.
fn passages(section: &Section) -> Vec<String> {
    let items = section.items.iter().map(|item| item.text.as_str());
    let code = section.code.iter().map(|block| block.text.as_str());
    let body = std::iter::once(section.text.as_str()).chain(items).chain(code).collect::<Vec<_>>().join(" ");
    let rows = section.tables.iter().flat_map(|table| &table.rows).map(|row| row.join(" "));
    let whole = (says_enough(&body)).then(|| format!("{} {body}", section.heading));
    rows.filter(|row| says_enough(row)).chain(whole).map(|text| text.to_lowercase()).collect()
}

/// Six words, or as many characters of Chinese as six words take.
fn says_enough(text: &str) -> bool {
    text.split_whitespace().count() >= 6
        || text.chars().filter(|letter| ('\u{4e00}'..='\u{9fff}').contains(letter)).count() >= 12
}
