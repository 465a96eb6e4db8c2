//! Four people to call, one after the other, each with a contact.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
};

use crate::shared::{
    escalation::{Escalation, ROLES, escalation},
    trees::inside,
};

pub(crate) static CHECK: Check = Check {
    id: "incident.escalation",
    title: Text {
        en: "primary → secondary → engineering lead → VP Eng all resolve to a contact",
        zh: "主值班 → 副值班 → 工程负责人 → 工程副总裁，四级均有联系方式",
    },
    source: &["B7.1"],
    standard: Standard::ProductionReadiness,
    area: Area::Incident,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "List the four steps with a contact each as [[escalation]] in gonogo.toml, or as a table in the on-call playbook.",
        zh: "在 gonogo.toml 的 [[escalation]] 或值班手册的表格中列出四级升级人及其联系方式。",
    },
    references: &["https://sre.google/sre-book/managing-incidents/"],
    page: include_str!("escalation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if let Some(escalation) = escalation(evidence)? {
        return Ok(steps(&escalation));
    }
    let policies: Vec<_> = evidence
        .infrastructure()?
        .iter()
        .filter(|resource| {
            matches!(
                resource.kind.as_str(),
                "pagerduty_escalation_policy" | "opsgenie_escalation" | "splunkoncall_escalation_policy"
            )
        })
        .collect();
    if let Some(best) = policies.iter().max_by_key(|policy| rules(policy)) {
        let count = rules(best);
        if count >= ROLES.len() {
            return Ok(Reading::shown(
                [best.place.clone()],
                format!("{} has {count} steps, each with somebody to page", best.kind),
                format!("{} 有 {count} 级，每级均有呼叫对象", best.kind),
            ));
        }
        let finding = Finding::new(
            &best.place,
            format!("escalates over {count} steps where four are asked"),
            format!("只有 {count} 级升级，要求四级"),
        );
        return Ok(Reading::partly(
            [best.place.clone()],
            vec![finding],
            "an escalation policy is declared, with too few steps",
            "已声明升级策略，但级数不足",
        ));
    }
    Ok(Reading::elsewhere(
        Message::new(
            "no escalation is stated in gonogo.toml, in infrastructure code or in a document",
            "gonogo.toml、基础设施代码和文档中均未说明升级路径",
        ),
        Message::new("four [[escalation]] steps in gonogo.toml", "gonogo.toml 中的四级 [[escalation]]"),
    ))
}

fn rules(policy: &gonogo_domain::evidence::Resource) -> usize {
    ["rule", "rules"]
        .iter()
        .map(|key| policy.body.list(key).len().max(usize::from(inside(&policy.body, key).is_some())))
        .max()
        .unwrap_or(0)
}

fn steps(escalation: &Escalation) -> Reading {
    let mut tally = Tally::new();
    for (index, role) in ROLES.iter().enumerate() {
        let of_role: Vec<_> = escalation.steps.iter().filter(|step| step.role == Some(index)).collect();
        match (of_role.iter().find(|step| step.contact), of_role.first()) {
            (Some(step), _) => tally.met(role.en, &step.place),
            (None, Some(step)) => tally.miss(
                role.en,
                Finding::new(
                    &step.place,
                    format!("the {} has no contact", role.en),
                    format!("{}没有联系方式", role.zh),
                ),
            ),
            (None, None) => tally.miss(
                role.en,
                Finding::new(
                    &escalation.place,
                    format!("the escalation has no {}", role.en),
                    format!("升级路径中没有{}", role.zh),
                ),
            ),
        }
    }
    // A step that comes no later than the one before is no escalation.
    for pair in escalation.steps.windows(2) {
        if let [before, after] = pair
            && let (Some(earlier), Some(later)) = (before.after_minutes, after.after_minutes)
            && later <= earlier
        {
            tally.miss(
                after.role.and_then(|role| ROLES.get(role)).map_or("order", |role| role.en),
                Finding::new(
                    &after.place,
                    format!(
                        "{} is called after {later} min, no later than {} ({earlier} min)",
                        after.name, before.name
                    ),
                    format!("{} 在 {later} 分钟后被呼叫，并不晚于 {}（{earlier} 分钟）", after.name, before.name),
                ),
            );
        }
    }
    tally.reading("steps of the escalation resolve to a contact", "级升级人有联系方式")
}
