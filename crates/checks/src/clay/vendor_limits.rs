//! Limits of Clay that nothing announces when they are reached.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text, evidence::AlertRule,
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.vendor-limits",
    title: Text {
        en: "Webhook lifetime quota, table row ceiling, credits are watched",
        zh: "监控 webhook 终身额度、表行数上限和积分",
    },
    source: &["D1.7", "D1.9"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Count what is sent to each webhook against its 50,000, watch rows and credits by the days that are left, and have the second webhook ready before the first is used up.",
        zh: "按 50,000 的终身额度统计每个 webhook 的提交量，以剩余天数监控行数和积分，并在用尽前准备好第二个 webhook。",
    },
    references: &["https://university.clay.com/docs/webhook-integration-guide"],
    page: include_str!("vendor_limits.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// Each limit with the words of a metric that measures it: one of each group.
const LIMITS: [(&str, &str, &[&[&str]]); 3] = [
    (
        "the lifetime quota of the webhook",
        "webhook 的终身额度",
        &[&["webhook"], &["submission", "usage", "used", "quota", "remaining", "lifetime", "sent"]],
    ),
    (
        "the row ceiling of the table",
        "表的行数上限",
        &[&["row", "table", "source"], &["count", "used", "rows", "usage", "remaining", "records", "ceiling"]],
    ),
    ("the credits", "积分", &[&["credit"]]),
];

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules = clay::clay_rules(evidence)?;
    let mut tally = Tally::new();
    for (en, zh, groups) in LIMITS {
        let watches = |rule: &&&AlertRule| {
            let metrics = rule.query.as_ref().map_or(&[][..], |query| query.metrics.as_slice());
            metrics.iter().any(|metric| groups.iter().all(|group| group.iter().any(|word| metric.contains(word))))
        };
        match (rules.iter().find(watches), rules.first()) {
            (Some(rule), _) => tally.met(en, &rule.place),
            (None, Some(first)) => {
                let place = Place::whole(first.place.path());
                tally.miss(
                    en,
                    Finding::new(&place, format!("no alert rule watches {en}"), format!("没有告警规则监控{zh}")),
                );
            }
            (None, None) => (),
        }
    }
    if tally.count().met == 0 {
        return Ok(Reading::elsewhere(
            Message::new(
                "no alert rule here watches a limit of Clay; Clay's own table alerts may",
                "此处没有监控 Clay 限额的告警规则；Clay 自身的表告警可能有",
            ),
            Message::new(
                "rules on usage, rows and credits, or an attestation of the table alerts",
                "关于用量、行数和积分的规则，或表告警的声明",
            ),
        ));
    }
    Ok(tally.reading("limits of Clay are watched", "项 Clay 限额有监控"))
}
