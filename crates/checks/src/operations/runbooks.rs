//! Runbooks that somebody other than the author can work with.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Check, Classes, Count, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text,
    evidence::{DocumentKind, RuleKind},
};

use super::{
    links::{self, Target},
    procedures::{PARTS, Procedure, procedures},
};

pub(crate) static CHECK: Check = Check {
    id: "operations.runbooks",
    title: Text {
        en: "Runbooks for the five most likely failures, usable by someone other than the author",
        zh: "为最可能的五种故障编写了作者以外的人也能使用的运行手册",
    },
    source: &["B4.5a", "B6.6"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L2),
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &["runbook", "exercised_by", "author", "result"],
    remediation: Text {
        en: "Write a runbook for each of the five most likely failures with symptoms, diagnosis, mitigation, verification and escalation, and name it in the alert's runbook_url or as [[service.NAME.scenario]].",
        zh: "为最可能的五种故障各写一份运行手册，包含症状、诊断、缓解、验证和升级，并在告警的 runbook_url 或 [[service.NAME.scenario]] 中引用。",
    },
    references: &["https://sre.google/workbook/on-call/"],
    page: include_str!("runbooks.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, policy: &Policy) -> Readings {
    Readings::configured(configured(evidence, policy))
}

fn configured(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    let wanted = policy.runbooks.max(1);
    let documents = evidence.documents()?;
    let all = procedures(documents);
    let led = Leads::of(evidence)?;

    let mut findings = Vec::new();
    let mut usable: Vec<&Procedure<'_>> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for procedure in &all {
        let defects = defects(procedure, evidence, policy, &led, &mut seen);
        if defects.is_empty() {
            usable.push(procedure);
        }
        findings.extend(defects);
    }
    findings.extend(unanswered(evidence, &usable, &led));

    let met = usable.len().min(wanted);
    let answered = findings.iter().all(|finding| !finding.message.en.starts_with("the scenario"));
    if usable.len() >= wanted && answered {
        let mut reading = Reading::shown(
            usable.iter().map(|procedure| procedure.place.clone()),
            format!("{} complete runbooks, each led to by an alert, a scenario or an index", usable.len()),
            format!("{} 份完整的运行手册，均可由告警、场景或索引到达", usable.len()),
        );
        reading.count = Some(Count { met, of: wanted });
        return Ok(reading);
    }
    if all.is_empty() && led.outside >= wanted {
        return Ok(Reading::elsewhere(
            Message::new(
                format!("{} runbooks are linked from alerts and live outside this repository", led.outside),
                format!("告警链接了 {} 份位于仓库之外的运行手册", led.outside),
            ),
            Message::new("the runbooks in the repository, or an attestation", "将运行手册放入仓库，或提供声明"),
        ));
    }
    if all.is_empty() {
        // Of the repository, not of the unit: several units of one repository lack the same thing once.
        let readme = evidence
            .documents()?
            .iter()
            .find(|document| document.kind == DocumentKind::Readme && !document.place.path().contains('/'));
        findings.push(Finding::new(
            &readme.map_or_else(|| Place::whole("."), |readme| Place::whole(readme.place.path().to_owned())),
            format!("no runbook is in the repository, {wanted} are asked for"),
            format!("仓库中没有运行手册，要求至少 {wanted} 份"),
        ));
    } else if usable.len() < wanted {
        let folder = all.first().map_or(".", |procedure| procedure.place.path());
        let folder = folder.rsplit_once('/').map_or(".", |(folder, _)| folder);
        findings.push(Finding::new(
            &Place::whole(folder),
            format!("{} of the {wanted} runbooks that are asked for are usable", usable.len()),
            format!("要求 {wanted} 份运行手册，其中 {} 份可用", usable.len()),
        ));
    }
    findings.sort();
    let mut reading = Reading::refuted(
        findings,
        format!("{met} of {wanted} runbooks are usable by someone other than the author"),
        format!("{wanted} 份运行手册中有 {met} 份可供作者以外的人使用"),
    );
    reading.count = Some(Count { met, of: wanted });
    Ok(reading)
}

/// What keeps a runbook from being used: an empty part, a placeholder, its age, a double, no way to find it.
fn defects(
    procedure: &Procedure<'_>,
    evidence: &Evidence<'_>,
    policy: &Policy,
    led: &Leads,
    seen: &mut BTreeSet<String>,
) -> Vec<Finding> {
    let title = &procedure.title;
    if let Some(place) = procedure.placeholder {
        return vec![Finding::new(
            place,
            format!("the runbook \"{title}\" still has a placeholder of its template"),
            format!("运行手册“{title}”仍有模板占位符"),
        )];
    }
    let mut defects = Vec::new();
    let missing: Vec<_> = PARTS.iter().filter(|part| !procedure.parts.contains(&part.en)).collect();
    if !missing.is_empty() {
        let (en, zh): (Vec<&str>, Vec<&str>) = missing.iter().map(|part| (part.en, part.zh)).unzip();
        defects.push(Finding::new(
            &procedure.place,
            format!("the runbook \"{title}\" has no part on {}", en.join(", ")),
            format!("运行手册“{title}”缺少{}部分", zh.join("、")),
        ));
    } else if !seen.insert(procedure.fingerprint()) {
        defects.push(Finding::new(
            &procedure.place,
            format!("the runbook \"{title}\" says the same as another one"),
            format!("运行手册“{title}”与另一份内容相同"),
        ));
    }
    if !led.leads_to(procedure) {
        defects.push(Finding::new(
            &procedure.place,
            format!("no alert, scenario or index leads to the runbook \"{title}\""),
            format!("没有告警、场景或索引指向运行手册“{title}”"),
        ));
    }
    if let Some((date, place)) = procedure.verified {
        let days = evidence.today().since(date).map_or(0, |span| span.get_days());
        if days > i32::from(policy.runbook_days) {
            defects.push(Finding::new(
                place,
                format!("the runbook \"{title}\" was last verified on {date}, {days} days ago"),
                format!("运行手册“{title}”最后验证于 {date}，已过 {days} 天"),
            ));
        }
    }
    defects
}

/// Stated scenarios without a usable runbook.
fn unanswered(evidence: &Evidence<'_>, usable: &[&Procedure<'_>], led: &Leads) -> Vec<Finding> {
    let scenarios = &evidence.statements().scenarios;
    let mut findings = Vec::new();
    for scenario in scenarios {
        let answer = scenario.runbook.as_deref().map(|link| (link, links::target(link, scenario.place.path())));
        match answer {
            Some((_, Target::Here { path, anchor })) => {
                let found = usable.iter().any(|procedure| procedure.is_at(&path, anchor.as_deref()));
                let known = led.known.contains(&path);
                if !found {
                    let (en, zh) = if known {
                        ("which is not usable", "该手册不可用")
                    } else {
                        ("which is not here", "该手册不存在")
                    };
                    findings.push(Finding::new(
                        &scenario.place,
                        format!("the scenario \"{}\" is answered by {path}, {en}", scenario.name),
                        format!("场景“{}”对应 {path}，{zh}", scenario.name),
                    ));
                }
            }
            Some((_, Target::Outside | Target::Open)) => (),
            Some((link, Target::Nonsense)) => findings.push(Finding::new(
                &scenario.place,
                format!("the scenario \"{}\" names no runbook that can be opened: {link}", scenario.name),
                format!("场景“{}”指定的运行手册无法打开：{link}", scenario.name),
            )),
            None => findings.push(Finding::new(
                &scenario.place,
                format!("the scenario \"{}\" has no runbook", scenario.name),
                format!("场景“{}”没有运行手册", scenario.name),
            )),
        }
    }
    findings
}

/// What leads to runbooks: alerts, scenarios, and lists of runbooks in other documents.
struct Leads {
    /// Path, and the section where the link names one.
    here: Vec<(String, Option<String>)>,
    /// Names of alerts, for runbooks that name their alert.
    alerts: BTreeSet<String>,
    /// Different links that lead out of the repository.
    outside: usize,
    /// Paths of documents.
    known: BTreeSet<String>,
}

impl Leads {
    fn of(evidence: &Evidence<'_>) -> Result<Self, Missing> {
        let documents = evidence.documents()?;
        let known: BTreeSet<String> = documents.iter().map(|document| document.place.path().to_owned()).collect();
        let mut leads = Self { here: Vec::new(), alerts: BTreeSet::new(), outside: 0, known };
        let mut outside = BTreeSet::new();
        // Rules that cannot be read hide links, and no runbook: what is here is judged without them.
        for rule in evidence.alert_rules().unwrap_or_default() {
            if rule.kind != RuleKind::Alerting {
                continue;
            }
            leads.alerts.insert(rule.name.to_lowercase());
            if let Some(link) = links::of_alert(rule) {
                match links::target(&link.value, rule.place.path()) {
                    Target::Here { path, anchor } => leads.here.push((path, anchor)),
                    Target::Outside => {
                        leads.here.extend(links::same_file(&link.value, &leads.known));
                        outside.insert(link.value.as_str());
                    }
                    Target::Open | Target::Nonsense => (),
                }
            }
        }
        leads.outside = outside.len();
        for scenario in &evidence.statements().scenarios {
            if let Some(Target::Here { path, anchor }) =
                scenario.runbook.as_deref().map(|link| links::target(link, scenario.place.path()))
            {
                leads.here.push((path, anchor));
            }
        }
        for document in documents {
            for link in document.sections.iter().flat_map(|section| &section.links) {
                if let Target::Here { path, anchor } = links::beside(&link.target, document.place.path())
                    && path != document.place.path()
                {
                    leads.here.push((path, anchor));
                }
            }
        }
        Ok(leads)
    }

    fn leads_to(&self, procedure: &Procedure<'_>) -> bool {
        self.here.iter().any(|(path, anchor)| procedure.is_at(path, anchor.as_deref()))
            || procedure.names_one_of(&self.alerts)
            // A file with several runbooks is its own index.
            || procedure.one_of_several
    }
}
