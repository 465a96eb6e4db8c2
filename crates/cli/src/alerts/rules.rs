//! `gonogo alerts rules`: the rules of Prometheus, and the tests that prove them.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use gonogo_domain::{
    Message,
    alerts::{Lack, Rules, rules},
    rules::{Alert, Rule, Trials},
};
use gonogo_formats::promql;
use gonogo_report::rules::{write, write_trials};
use serde_json::{Value, json};

use super::{AlertRulesOptions, Known, as_json, put, tell};
use crate::arguments::Common;

pub(super) fn run(options: &AlertRulesOptions, common: &Common) -> anyhow::Result<ExitCode> {
    let known = Known::find(&options.target)?;
    let rules = rules(&known.signals, &known.owner);
    // What we write must be what we read.
    for one in &rules.alerts {
        promql::parse(&one.alert.expr).map_err(|reason| {
            anyhow::anyhow!("the expression of {} is not valid, which is a defect of gonogo: {reason}", one.alert.name)
        })?;
    }
    let mut lacks = [known.lacks.clone(), known.signals.lacks.clone()].concat();
    if rules.alerts.iter().any(|one| one.trials.is_empty()) {
        lacks.push(Lack {
            of: "tests of the rules",
            what: Message::new("no series can be made up that the selector takes", "无法构造符合选择器的序列"),
            settle: Message::new("a selector of labels with one value each", "使用每个标签只有一个值的选择器"),
        });
    }
    let text = rules_text(&known, &rules)?;
    let file = options.output.as_deref();
    let name = file.and_then(Path::file_name).map_or("rules.yml".into(), std::ffi::OsStr::to_string_lossy);
    if let Some(tests) = &options.tests {
        put(Some(tests), &tests_text(&known, &rules, &name)?)?;
    }
    if options.json {
        let value = json!({
            "service": known.owner.service,
            "rules": rules.groups.iter().flat_map(|group| &group.rules).filter_map(alert).map(as_value).collect::<Vec<_>>(),
            "seen": known.origins(),
            "missing": as_json(&lacks, common),
        });
        if file.is_some() {
            put(file, &text)?;
        }
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&value)?)?;
        return Ok(if lacks.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(super::INCOMPLETE) });
    }
    if !rules.groups.is_empty() {
        put(file, &text)?;
    }
    let count = rules.alerts.len();
    let trials: usize = rules.alerts.iter().map(|one| one.trials.len()).sum();
    writeln!(io::stderr(), "{count} alerts, {trials} stories in which they fire or stay quiet")?;
    Ok(tell(&lacks, common)?)
}

pub(crate) fn rules_text(known: &Known, rules: &Rules) -> io::Result<Vec<u8>> {
    let head = head(known, "Alerts");
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut text = Vec::new();
    write(&head, &rules.groups, &mut text)?;
    Ok(text)
}

pub(crate) fn tests_text(known: &Known, rules: &Rules, rule_file: &str) -> io::Result<Vec<u8>> {
    let head = [format!("Tests of the alerts of {}: promtool test rules FILE.", known.owner.service)];
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let trials = Trials {
        rule_files: vec![rule_file.to_owned()],
        group_order: Vec::new(),
        evaluation_interval: known.signals.pace.evaluation(),
        trials: rules.alerts.iter().flat_map(|one| one.trials.clone()).collect(),
    };
    let mut text = Vec::new();
    write_trials(&head, &trials, &mut text)?;
    Ok(text)
}

pub(super) fn head(known: &Known, what: &str) -> Vec<String> {
    let mut head = vec![format!("{what} of {}, by `gonogo alerts`. Where the metrics were seen:", known.owner.service)];
    head.extend(known.origins().into_iter().map(|line| format!("- {line}")));
    head
}

fn alert(rule: &Rule) -> Option<&Alert> {
    match rule {
        Rule::Alert(alert) => Some(alert),
        Rule::Record(_) => None,
    }
}

fn as_value(alert: &Alert) -> Value {
    json!({
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold.map(|hold| hold.to_string()),
        "labels": alert.labels,
        "annotations": alert.annotations,
    })
}
