//! Three promises about the service, each with a budget for what may go wrong.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{AlertRule, Document, DocumentKind, Indicator, Objective, ObjectiveFormat, RuleKind},
    slo::{self, Known, Weight},
};

use crate::shared::{figures, trees::is_shown_off};

pub(crate) static CHECK: Check = Check {
    id: "operations.slos",
    title: Text {
        en: "SLOs for availability, latency and error rate, each with an error budget",
        zh: "为可用性、延迟和错误率定义 SLO，且各有错误预算",
    },
    source: &["B4.5b"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Declare an SLO for availability, latency and error rate with a query, a target below 1, a window and an alert on its burn rate.",
        zh: "为可用性、延迟和错误率各声明一个 SLO，包含查询、小于 1 的目标、时间窗口和预算消耗告警。",
    },
    references: &["https://sre.google/workbook/implementing-slos/", "https://openslo.com/"],
    page: include_str!("slos.md"),
    judge,
};

const WANTED: [(Indicator, &str, &str); 3] = [
    (Indicator::Availability, "availability", "可用性"),
    (Indicator::Latency, "latency", "延迟"),
    (Indicator::ErrorRate, "error rate", "错误率"),
];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let readings = Readings::configured(configured(evidence));
    match declared(evidence) {
        Ok(None) => readings,
        Ok(Some(reading)) => readings.and(Strength::Declared, Ok(reading)),
        Err(missing) => readings.and(Strength::Declared, Err(missing)),
    }
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let objectives: Vec<&Objective> =
        evidence.objectives()?.iter().filter(|objective| !is_shown_off(&objective.place)).collect();
    // Rules that cannot be read hide alerts, and no objective.
    let rules = evidence.alert_rules().unwrap_or_default();
    let Some(first) = objectives.first() else {
        let burning = rules
            .iter()
            .find(|rule| rule.labels.keys().any(|label| label.starts_with("sloth_")) || rule.name.contains("BurnRate"));
        let (en, zh) = match burning {
            Some(rule) => (
                format!("{} alerts on a burn rate, but no SLO is declared in this repository", rule.place),
                format!("{} 按预算消耗告警，但此仓库中未声明 SLO", rule.place),
            ),
            None => ("no SLO is declared in this repository".to_owned(), "此仓库中未声明 SLO".to_owned()),
        };
        return Ok(Reading::elsewhere(
            Message::new(en, zh),
            Message::new(
                "SLOs as OpenSLO, Sloth or Pyrra files, as code, or as [[service.NAME.slo]] in gonogo.toml",
                "以 OpenSLO、Sloth、Pyrra、代码或 gonogo.toml 的 [[service.NAME.slo]] 声明的 SLO",
            ),
        ));
    };
    let mut tally = Tally::new();
    for objective in &objectives {
        let key = format!("{} {}", objective.place, objective.name);
        let findings = defects(objective, rules);
        if findings.is_empty() {
            tally.met(key.clone(), &objective.place);
        }
        for finding in findings {
            tally.miss(key.clone(), finding);
        }
    }
    for (key, finding) in broken(evidence, &objectives, rules) {
        tally.miss(key, finding);
    }
    for (indicator, en, zh) in WANTED {
        if !objectives.iter().any(|objective| measures(objective, indicator)) {
            tally.miss(en, Finding::new(&first.place, format!("there is no SLO for {en}"), format!("没有{zh}的 SLO")));
        }
    }
    Ok(tally.reading(
        "SLOs that are declared or asked for have a target, a window and an alert on their budget",
        "个已声明或应有的 SLO 具备目标、窗口和预算告警",
    ))
}

/// Availability as the share of requests that succeed is one minus the error rate: one SLO says both.
fn measures(objective: &Objective, wanted: Indicator) -> bool {
    if objective.indicator == wanted {
        return true;
    }
    let requests = objective.queries.iter().any(|query| {
        let lower = query.to_lowercase();
        let probes = lower.contains("probe_success") || lower.starts_with("up") || lower.contains("(up");
        !probes && ["code", "status", "error", "fail", "result", "success"].iter().any(|word| lower.contains(word))
    });
    matches!(
        (objective.indicator, wanted),
        (Indicator::Availability, Indicator::ErrorRate) | (Indicator::ErrorRate, Indicator::Availability)
    ) && requests
}

fn defects(objective: &Objective, rules: &[AlertRule]) -> Vec<Finding> {
    let name = &objective.name;
    let mut findings = Vec::new();
    let mut find = |place: &Place, en: String, zh: String| findings.push(Finding::new(place, en, zh));
    match &objective.target {
        None => find(
            &objective.place,
            format!("the SLO {name} has no target that is a number"),
            format!("SLO {name} 没有数值目标"),
        ),
        Some(target) if target.value >= 1.0 => find(
            &target.place,
            format!("the target of {name} is {} %: no budget is left for anything to go wrong", percent(target.value)),
            format!("{name} 的目标为 {}%：没有任何错误预算", percent(target.value)),
        ),
        Some(target) if target.value <= 0.0 => find(
            &target.place,
            format!("the target of {name} is {} %: it promises nothing", percent(target.value)),
            format!("{name} 的目标为 {}%：没有任何承诺", percent(target.value)),
        ),
        Some(_) => (),
    }
    if objective.window_seconds.is_none() {
        find(&objective.place, format!("the SLO {name} has no window"), format!("SLO {name} 没有时间窗口"));
    }
    if objective.queries.is_empty() && objective.format != ObjectiveFormat::Infrastructure {
        find(
            &objective.place,
            format!("the SLO {name} has no query: nothing measures it"),
            format!("SLO {name} 没有查询：无法度量"),
        );
    }
    if objective.alerting.is_none() && !rules.iter().any(|rule| alerts_on(rule, objective)) {
        find(
            &objective.place,
            format!("nothing alerts when the budget of {name} burns"),
            format!("{name} 的预算被消耗时没有告警"),
        );
    }
    findings
}

/// What cannot work, whoever is asked: promises that break by themselves, and alerts that can never fire.
fn broken(evidence: &Evidence<'_>, objectives: &[&Objective], rules: &[AlertRule]) -> Vec<(String, Finding)> {
    let whole: Vec<&slo::Objective> =
        objectives.iter().filter_map(|objective| objective.whole.as_deref().ok()).collect();
    let service = evidence.service();
    let mut known = Known::nothing();
    let waits_for = service.dependencies.iter().map(|dependency| dependency.name.clone()).collect();
    known.dependencies.insert(service.name.clone(), waits_for);
    let mut found = Vec::new();
    for objective in &whole {
        let defects = slo::lint(objective, &whole, &known);
        for defect in defects.into_iter().filter(|defect| defect.weight == Weight::Error) {
            let Message { en, zh } = defect.message;
            let finding = Finding::new(
                &objective.place,
                format!("the SLO {} cannot be kept: {en}", objective.name),
                format!("SLO {} 无法达成：{zh}", objective.name),
            );
            found.push((format!("{} {}", objective.place, objective.name), finding));
        }
    }
    for rule in rules.iter().filter(|rule| rule.kind == RuleKind::Alerting && rule.production) {
        let burns = ["slo:sli_error:ratio_rate", "burnrate"].iter().any(|word| rule.expr.value.contains(word));
        let thresholds = if burns { slo::burn_thresholds(&rule.expr.value) } else { Vec::new() };
        // Both windows of a pair have the same threshold.
        if let Some((factor, budget)) = thresholds.into_iter().find(|(factor, budget)| !slo::can_fire(*factor, *budget))
        {
            let (name, reached) = (&rule.name, factor.times(budget));
            let finding = Finding::new(
                &rule.place,
                format!("{name} can never fire at {factor} × {budget}: no error ratio is above {reached}"),
                format!("{name} 在 {factor} × {budget} 处永远不会触发：错误率不可能高于 {reached}"),
            );
            found.push((format!("{} {name}", rule.place), finding));
        }
    }
    found
}

/// A rule that names the objective, in its labels or its own name, and looks at an error ratio.
fn alerts_on(rule: &AlertRule, objective: &Objective) -> bool {
    if rule.kind != RuleKind::Alerting || !rule.production {
        return false;
    }
    let plain = |text: &str| text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let name = plain(&objective.name);
    let labelled = rule.labels.iter().any(|(key, value)| key.contains("slo") && plain(&value.value).contains(&name));
    let rule_name = plain(&rule.name);
    let burning = ["burn", "budget", "slo"].iter().any(|word| rule_name.contains(word));
    let service = objective.service.as_deref().map(plain);
    name.len() > 2
        && (labelled || (burning && (rule_name.contains(&name) || rule.expr.value.contains(&objective.name))))
        || (burning && service.is_some_and(|service| service.len() > 2 && rule_name == format!("{service}{name}burn")))
}

fn percent(ratio: f64) -> String {
    let text = format!("{:.4}", ratio * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A document with targets: somebody has said what is promised, and nothing measures it yet.
fn declared(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let found = evidence.documents()?.iter().filter(|document| may_say(document)).find_map(|document| {
        let section = document.sections.iter().find(|section| {
            let heading = section.heading.to_lowercase();
            let about = ["slo", "service level objective", "服务等级目标", "服务水平目标"].iter().any(|word| {
                if word.is_ascii() {
                    format!(" {} ", heading.replace(|letter: char| !letter.is_alphanumeric(), " "))
                        .contains(&format!(" {word}"))
                } else {
                    heading.contains(word)
                }
            });
            about && figures::percentages(&section.text).iter().any(|ratio| *ratio > 0.5)
        })?;
        Some(section.place.clone())
    });
    Ok(found.map(|place| {
        Reading::shown(
            [place],
            "a document states objectives; nothing measures them here",
            "文档中写明了目标，但此处没有度量",
        )
    }))
}

fn may_say(document: &Document) -> bool {
    !is_shown_off(&document.place)
        && document.placeholders.is_empty()
        && !matches!(document.kind, DocumentKind::Changelog | DocumentKind::Postmortem | DocumentKind::Decision)
}
