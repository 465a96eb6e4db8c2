//! Whom to call, up to the vendor.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.escalation",
    title: Text { en: "On-call escalation path incl. the vendor", zh: "值班升级路径，包含供应商" },
    source: &["C4.4"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Add the vendor to the escalation: how to reach Clay's support on your plan, and what a ticket needs (workspace id, request-id, run ids).",
        zh: "将供应商加入升级路径：按所购方案如何联系 Clay 支持，以及工单所需信息（工作区 ID、request-id、运行 ID）。",
    },
    references: &["https://status.clay.com"],
    page: include_str!("escalation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let steps = &evidence.statements().escalation;
    let named = steps.iter().find(|step| {
        step.role.to_lowercase().contains("clay")
            || step.contact.as_deref().is_some_and(|to| to.to_lowercase().contains("clay"))
    });
    let own_step = steps.iter().find(|step| step.contact.is_some());
    let mut own: Option<Place> = own_step.map(|step| step.place.clone());
    let mut vendor: Option<Place> = named.map(|step| step.place.clone());
    let mut ticket: Option<Place> = None;
    for document in evidence.documents()?.iter().filter(|one| operates(one)) {
        for section in &document.sections {
            let items = section.items.iter().map(|item| item.text.as_str());
            let cells = section.tables.iter().flat_map(|table| table.rows.iter().flatten()).map(String::as_str);
            let texts = [section.heading.as_str(), section.text.as_str()].into_iter().chain(items).chain(cells);
            let text = texts.collect::<Vec<_>>().join(" ").to_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
            let escalates = has(&["escalat", "升级"]) || clay_vendor(&section.heading.to_lowercase());
            if escalates && has(&["on call", "on-call", "primary", "lead", "pager", "值班", "主管"]) {
                own.get_or_insert_with(|| section.place.clone());
            }
            if has(&["clay"])
                && has(&["support", "vendor", "支持", "供应商"])
                && (escalates || has(&["ticket", "contact", "工单", "联系"]))
            {
                vendor.get_or_insert_with(|| section.place.clone());
                if has(&["workspace id", "workspace-id", "request-id", "request id", "run id", "工作区 id", "运行 id"])
                {
                    ticket.get_or_insert_with(|| section.place.clone());
                }
            }
        }
    }
    match (own, vendor, ticket) {
        (Some(own), Some(vendor), Some(ticket)) => Ok(Reading::shown(
            [own, vendor, ticket],
            "the escalation goes up to the vendor, with what a ticket needs",
            "升级路径延伸至供应商，并写明工单所需信息",
        )),
        (Some(_), Some(vendor), None) => Ok(Reading::refuted(
            vec![Finding::new(
                &vendor,
                "does not say what a ticket at Clay needs: workspace id, request-id, run ids",
                "未说明 Clay 工单所需信息：工作区 ID、request-id、运行 ID",
            )],
            "the escalation names the vendor and not what it will ask for",
            "升级路径提到供应商，但未写明其所需信息",
        )),
        (Some(own), None, _) => Ok(Reading::refuted(
            vec![Finding::new(&own, "the escalation ends before the vendor", "升级路径未到达供应商")],
            "nobody is told how to reach Clay",
            "未说明如何联系 Clay",
        )),
        (None, ..) => Ok(Reading::elsewhere(
            Message::new("no escalation path is declared here", "此处未声明升级路径"),
            Message::new(
                "the escalation in gonogo.toml, or the on-call playbook",
                "gonogo.toml 中的升级路径，或值班手册",
            ),
        )),
    }
}

fn clay_vendor(heading: &str) -> bool {
    heading.contains("vendor") || heading.contains("clay support") || heading.contains("供应商")
}

fn operates(document: &Document) -> bool {
    matches!(
        document.kind,
        DocumentKind::Runbook | DocumentKind::Playbook | DocumentKind::Deployment | DocumentKind::Handoff
    )
}
