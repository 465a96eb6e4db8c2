//! Alerts that somebody can act on.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{AlertRule, OwnershipKind, Resource},
};

use super::{
    comparison::{Flaw, flaw},
    links::{self, Target, slug},
    routing::dead_end,
};
use crate::shared::{
    monitoring,
    trees::{inside, is_shown_off, texts},
};

pub(crate) static CHECK: Check = Check {
    id: "operations.alerts",
    title: Text {
        en: "Alert rules have severity, threshold, `for`, owner, and a runbook link that resolves",
        zh: "告警规则具有级别、阈值、持续时间、负责人和可打开的运行手册链接",
    },
    source: &["B3.1f", "B4.5f"],
    standard: Standard::ProductionReadiness,
    area: Area::Operations,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each rule a severity label, a `for` of at least a minute, an owner, and a runbook_url that leads to a section of a runbook.",
        zh: "为每条规则设置 severity 标签、至少一分钟的 for、负责人，以及指向运行手册章节的 runbook_url。",
    },
    references: &[
        "https://prometheus.io/docs/practices/alerting/",
        "https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/",
    ],
    page: include_str!("alerts.md"),
    judge,
};

/// Labels that people keep the severity in.
pub(super) const SEVERITY_LABELS: &[&str] = &["severity", "priority", "level", "urgency"];

/// Severities that a table of responses can be keyed by. Source: field-notes E3.
const SEVERITIES: &[&str] = &[
    "critical",
    "error",
    "warning",
    "warn",
    "info",
    "informational",
    "notice",
    "none",
    "page",
    "ticket",
    "notify",
    "email",
    "emergency",
    "urgent",
    "fatal",
    "major",
    "minor",
    "high",
    "medium",
    "low",
    "debug",
];

const OWNERS: &[&str] =
    &["team", "owner", "squad", "owners", "owned_by", "responsible", "service_owner", "owning_team"];

/// Seconds. Source: field-notes B3.1f.
const SHORTEST: u64 = 60;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let rules = monitoring::alerts(evidence)?;
    let alarms: Vec<&Resource> = evidence.infrastructure()?.iter().filter(|resource| is_alarm(resource)).collect();
    if rules.is_empty() && alarms.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no alert rule of this service is in this repository (examples do not count)",
                "此仓库中没有该服务的告警规则（示例不算）",
            ),
            Message::new("the alert rules of the service", "该服务的告警规则"),
        ));
    }
    let known = Known::of(evidence)?;
    let mut tally = Tally::new();
    for rule in &rules {
        let key = key(rule);
        let findings = defects(rule, &known);
        if findings.is_empty() {
            tally.met(key, &rule.place);
        } else {
            for finding in findings {
                let finding = monitoring::at_source(finding, &rule.place, rule.compiled_from.as_ref());
                tally.miss(key.clone(), finding.in_environment(rule.environment.as_deref()));
            }
        }
    }
    for alarm in alarms {
        let key = format!("{}.{}", alarm.kind, alarm.name);
        match defect_of_alarm(alarm, &known) {
            Some(finding) => tally.miss(key, finding),
            None => tally.met(key, &alarm.place),
        }
    }
    let routed = routes(evidence, &rules, &mut tally)?;
    let count = tally.count();
    if !routed && !rules.is_empty() && count.met == count.of {
        return Ok(Reading::elsewhere(
            Message::new(
                format!(
                    "{} of {} alert rules can be acted on; whom they reach is not in this repository",
                    count.met, count.of
                ),
                format!("{} 条告警规则中有 {} 条可据以行动；它们通知谁不在此仓库中", count.of, count.met),
            ),
            Message::new(
                "the routing of the alerts, to a receiver that tells somebody: Alertmanager's configuration, an AlertmanagerConfig, Grafana's contact points",
                "告警的路由及可通知到人的接收者：Alertmanager 配置、AlertmanagerConfig 或 Grafana 联络点",
            ),
        ));
    }
    Ok(tally.reading("alert rules can be acted on", "条告警规则可据以行动"))
}

/// A rule is one, however many environments it is rendered for; its variants differ in severity.
fn key(rule: &AlertRule) -> String {
    let severity = severity(rule).map_or("", |(_, value)| value);
    format!("{}/{}/{severity}", rule.group, rule.name)
}

/// What rules are compared with.
struct Known {
    /// Documents by path, with the anchors of their headings.
    documents: BTreeMap<String, BTreeSet<String>>,
    /// Those with parts of a template that nobody filled in: the places, and the lines of each section by its anchor.
    begun: BTreeMap<String, Begun>,
    files: BTreeSet<String>,
    /// Patterns of CODEOWNERS that have owners.
    owned: Vec<String>,
    service_owned: bool,
}

impl Known {
    fn of(evidence: &Evidence<'_>) -> Result<Self, Missing> {
        let anchors = |document: &gonogo_domain::evidence::Document| {
            document.sections.iter().map(|section| slug(&section.heading)).collect()
        };
        let owned = evidence.ownership()?.iter();
        let owned = owned.filter(|one| one.kind == OwnershipKind::CodeOwners && !one.owners.is_empty());
        Ok(Self {
            documents: evidence
                .documents()?
                .iter()
                .map(|document| (document.place.path().to_owned(), anchors(document)))
                .collect(),
            begun: evidence
                .documents()?
                .iter()
                .filter(|document| !document.placeholders.is_empty())
                .map(|document| (document.place.path().to_owned(), Begun::of(document)))
                .collect(),
            files: evidence.files()?.iter().map(|entry| entry.path.to_string()).collect(),
            owned: owned.map(|one| one.subject.clone()).collect(),
            service_owned: evidence.service().owner.is_some(),
        })
    }

    fn owns(&self, place: &Place) -> bool {
        self.service_owned || self.owned.iter().any(|pattern| covers(pattern, place.path()))
    }
}

/// A document that was begun from a template.
struct Begun {
    placeholders: Vec<Place>,
    /// First line and the line behind the last, by the anchor of the heading.
    sections: BTreeMap<String, (u32, u32)>,
}

impl Begun {
    fn of(document: &gonogo_domain::evidence::Document) -> Self {
        let line = |place: &Place| place.line().unwrap_or_default();
        let sections = document.sections.iter().enumerate().map(|(index, section)| {
            let mut behind = document.sections.iter().skip(index + 1).filter(|next| next.level <= section.level);
            let end = behind.next().map_or(u32::MAX, |next| line(&next.place));
            (slug(&section.heading), (line(&section.place), end))
        });
        Self { placeholders: document.placeholders.clone(), sections: sections.collect() }
    }

    /// What is left open of a section, or of the whole.
    fn open(&self, anchor: Option<&str>) -> Option<&Place> {
        let lines = anchor.and_then(|anchor| self.sections.get(anchor)).copied().unwrap_or((0, u32::MAX));
        self.placeholders.iter().find(|place| (lines.0..lines.1).contains(&place.line().unwrap_or_default()))
    }
}

/// A pattern of CODEOWNERS covers a path.
fn covers(pattern: &str, path: &str) -> bool {
    let anchored = pattern.starts_with('/');
    let plain = pattern.trim_start_matches('/').trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
    match plain {
        "*" | "**" | "" => true,
        _ if plain.starts_with("*.") => path.ends_with(plain.trim_start_matches('*')),
        _ => {
            let below =
                |path: &str| path == plain || path.strip_prefix(plain).is_some_and(|rest| rest.starts_with('/'));
            below(path) || (!anchored && path.match_indices('/').any(|(at, _)| path.get(at + 1..).is_some_and(below)))
        }
    }
}

/// The place and the value of a rule's severity.
fn severity(rule: &AlertRule) -> Option<(&Place, &str)> {
    let found = SEVERITY_LABELS.iter().find_map(|name| rule.labels.get(*name));
    found.map(|label| (&label.place, label.value.as_str()))
}

fn is_known_severity(value: &str) -> bool {
    let lower = value.to_lowercase();
    let numbered = ["p", "sev", "sev-", "s", ""]
        .iter()
        .any(|stem| lower.strip_prefix(stem).is_some_and(|digit| matches!(digit, "0" | "1" | "2" | "3" | "4" | "5")));
    numbered || SEVERITIES.contains(&lower.as_str()) || lower.contains("{{") || lower.contains("${")
}

fn defects(rule: &AlertRule, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lacks: Vec<(&str, &str)> = Vec::new();
    match severity(rule) {
        None => lacks.push(("no severity", "级别")),
        Some((place, value)) if !is_known_severity(value) => findings.push(Finding::new(
            place,
            format!("{} has a severity that nobody's table knows: {value}", rule.name),
            format!("{} 的级别不在通用词汇中：{value}", rule.name),
        )),
        Some(_) => (),
    }
    // A dead man's switch fires all the time so that its silence is heard.
    let watchdog = ["watchdog", "deadman", "heartbeat"].iter().any(|word| rule.name.to_lowercase().contains(word));
    if !watchdog {
        findings.extend(condition(rule));
        match &rule.for_seconds {
            Some(duration) if duration.value >= SHORTEST => (),
            _ if looks_back(rule) => (),
            Some(duration) => findings.push(Finding::new(
                &duration.place,
                format!("{} fires after {} s: a blip pages somebody", rule.name, duration.value),
                format!("{} 持续 {} 秒即触发：瞬时抖动也会呼叫值班人", rule.name, duration.value),
            )),
            None => lacks.push(("no `for`", "持续时间 for")),
        }
    }
    let has_owner = OWNERS.iter().any(|name| rule.labels.contains_key(*name) || rule.annotations.contains_key(*name));
    if !has_owner && !known.owns(&rule.place) {
        lacks.push(("no owner", "负责人"));
    }
    match links::of_alert(rule) {
        None if watchdog => (),
        None => lacks.push(("no runbook link", "运行手册链接")),
        Some(link) => findings.extend(broken_link(&rule.name, &link.value, &link.place, rule.place.path(), known)),
    }
    if !lacks.is_empty() {
        let (en, zh): (Vec<&str>, Vec<&str>) = lacks.into_iter().unzip();
        findings.push(Finding::new(
            &rule.place,
            format!("{} has {}", rule.name, en.join(", ")),
            format!("{} 没有{}", rule.name, zh.join("、")),
        ));
    }
    findings
}

fn condition(rule: &AlertRule) -> Option<Finding> {
    let place = &rule.expr.place;
    let query = match &rule.query {
        Err(reason) => {
            return Some(Finding::new(
                place,
                format!("the expression of {} does not parse: {reason}", rule.name),
                format!("{} 的表达式无法解析：{reason}", rule.name),
            ));
        }
        Ok(query) => query,
    };
    if rule.expr.value.is_empty() {
        return None;
    }
    let (en, zh) = match flaw(&rule.expr.value, query)? {
        Flaw::NoThreshold => ("has no threshold: it fires for every series", "没有阈值：任何序列都会触发"),
        Flaw::Never => ("can never fire: its value cannot get there", "永远不会触发：其取值不可能达到该阈值"),
        Flaw::Always => ("always fires: its value cannot be otherwise", "始终触发：其取值不可能不满足条件"),
    };
    Some(Finding::new(place, format!("{} {en}", rule.name), format!("{} {zh}", rule.name)))
}

/// The expression itself looks at a stretch of time, so that one sample does not decide.
fn looks_back(rule: &AlertRule) -> bool {
    let Ok(query) = &rule.query else { return false };
    let over_time = |name: &String| {
        name.ends_with("_over_time")
            || matches!(name.as_str(), "increase" | "changes" | "resets" | "delta" | "predict_linear")
    };
    query.functions.iter().any(over_time) && query.windows.iter().any(|window| *window >= SHORTEST)
}

fn broken_link(name: &str, link: &str, place: &Place, from: &str, known: &Known) -> Option<Finding> {
    match links::target(link, from) {
        Target::Open | Target::Outside => None,
        Target::Nonsense => Some(Finding::new(
            place,
            format!("the runbook link of {name} leads nowhere: {link}"),
            format!("{name} 的运行手册链接无效：{link}"),
        )),
        Target::Here { path, anchor } => match (known.documents.get(&path), anchor) {
            (Some(anchors), Some(anchor)) if !anchors.contains(&anchor) => Some(Finding::new(
                place,
                format!("{path}, the runbook of {name}, has no section #{anchor}"),
                format!("{name} 的运行手册 {path} 没有章节 #{anchor}"),
            )),
            (Some(_), anchor) => {
                let open = known.begun.get(&path).and_then(|begun| begun.open(anchor.as_deref()))?;
                Some(Finding::new(
                    open,
                    format!("{path}, the runbook of {name}, still has a placeholder of its template"),
                    format!("{name} 的运行手册 {path} 仍有模板占位符"),
                ))
            }
            (None, _) if known.files.contains(&path) => None,
            (None, _) => Some(Finding::new(
                place,
                format!("{path}, the runbook of {name}, is not here"),
                format!("{name} 的运行手册 {path} 不存在"),
            )),
        },
    }
}

/// Severities in use whose alerts reach nobody. True: routing is in the repository.
fn routes(evidence: &Evidence<'_>, rules: &[&AlertRule], tally: &mut Tally) -> Result<bool, Missing> {
    let routings: Vec<_> = evidence
        .alert_routing()?
        .iter()
        .filter(|routing| !is_shown_off(&routing.place) && !routing.routes.is_empty())
        .collect();
    let severities: BTreeSet<&str> = rules.iter().filter_map(|rule| Some(severity(rule)?.1)).collect();
    for severity in severities {
        // Nobody needs to be told of what is only for the record.
        if matches!(severity, "none" | "info" | "informational" | "debug" | "notice") {
            continue;
        }
        let ends: Vec<_> = routings.iter().map(|routing| dead_end(routing, severity)).collect();
        if ends.iter().any(Option::is_none) {
            continue;
        }
        for (receiver, place) in ends.into_iter().flatten() {
            let finding = Finding::new(
                place,
                format!("alerts of severity {severity} end at the receiver {receiver}, which tells nobody"),
                format!("级别为 {severity} 的告警到达接收者 {receiver}，而它不通知任何人"),
            );
            for rule in rules.iter().filter(|rule| self::severity(rule).is_some_and(|(_, value)| value == severity)) {
                tally.miss(key(rule), finding.clone());
            }
        }
    }
    Ok(!routings.is_empty())
}

fn is_alarm(resource: &Resource) -> bool {
    const ALARMS: &[&str] = &[
        "aws_cloudwatch_metric_alarm",
        "AWS::CloudWatch::Alarm",
        "google_monitoring_alert_policy",
        "datadog_monitor",
        "azurerm_monitor_metric_alert",
        "newrelic_nrql_alert_condition",
    ];
    ALARMS.contains(&resource.kind.as_str()) && !is_shown_off(&resource.place)
}

fn defect_of_alarm(alarm: &Resource, known: &Known) -> Option<Finding> {
    let body = &alarm.body;
    let any = |paths: &[&str]| paths.iter().any(|path| inside(body, path).is_some());
    let all = texts(body);
    let tagged = |stem: &str| all.iter().any(|text| text.to_lowercase().starts_with(stem));
    let linked = |text: &&str| text.contains("http://") || text.contains("https://") || text.contains(".md");
    let mut lacks: Vec<(&str, &str)> = Vec::new();
    if !any(&[
        "severity",
        "priority",
        "tags.severity",
        "tags.Severity",
        "tags.priority",
        "user_labels.severity",
        "critical",
    ]) && !tagged("severity:")
        && !tagged("priority:")
    {
        lacks.push(("no severity", "级别"));
    }
    let thresholds = [
        "threshold",
        "Threshold",
        "query",
        "criteria.threshold",
        "dynamic_criteria",
        "threshold_metric_id",
        "critical",
        "warning",
        "conditions.condition_threshold",
        "conditions.condition_absent",
        "conditions.condition_prometheus_query_language",
        "conditions.condition_monitoring_query_language",
        "conditions.condition_matched_log",
    ];
    if !any(&thresholds) {
        lacks.push(("no threshold", "阈值"));
    }
    let owned = any(&["tags.team", "tags.owner", "tags.Team", "tags.Owner", "user_labels.team", "user_labels.owner"])
        || tagged("team:")
        || tagged("owner:")
        || known.owns(&alarm.place);
    if !owned {
        lacks.push(("no owner", "负责人"));
    }
    if !all.iter().any(linked) {
        lacks.push(("no runbook link", "运行手册链接"));
    }
    let told = any(&["alarm_actions", "AlarmActions", "notification_channels", "action", "message", "policy_id"]);
    if !told {
        lacks.push(("nobody to tell", "通知对象"));
    }
    if lacks.is_empty() {
        return None;
    }
    let (en, zh): (Vec<&str>, Vec<&str>) = lacks.into_iter().unzip();
    Some(Finding::new(
        &alarm.place,
        format!("{} has {}", alarm.name, en.join(", ")),
        format!("{} 没有{}", alarm.name, zh.join("、")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_owners_cover_paths() {
        let check =
            |pattern: &str, path: &str, expect: bool| assert_eq!(covers(pattern, path), expect, "{pattern} {path}");
        check("*", "a/b.yaml", true);
        check("/deploy/", "deploy/a.yaml", true);
        check("/deploy/", "x/deploy/a.yaml", false);
        check("deploy", "x/deploy/a.yaml", true);
        check("*.yaml", "a/b.yaml", true);
        check("*.go", "a/b.yaml", false);
        check("deployments", "deploy/a.yaml", false);
    }
}
