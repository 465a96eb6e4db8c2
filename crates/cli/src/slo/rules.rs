//! `gonogo slo rules`: writes rules and their tests.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use gonogo_domain::{
    rules::{Group, Rule, Span, Trials},
    slo::{
        Objective,
        rules::{AlertNames, Making, groups, trials},
    },
};
use gonogo_report::{clean::clean, rules};
use serde_json::json;

use super::{options::RulesOptions, source};
use crate::output;

const HEAD: &str = "Rules of gonogo, made from SLOs: change the SLOs, and make them anew with `gonogo slo rules`.";
const TESTS_HEAD: &str = "Tests of the rules beside it: `promtool test rules` runs them.";

pub(super) fn run(options: &RulesOptions) -> anyhow::Result<ExitCode> {
    let found = source::find(&options.objectives)?;
    let making = Making {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        least_bad_events: options.least_bad_events,
        now: super::now(),
    };
    let made: Vec<(&Objective, Vec<Group>)> =
        found.whole.iter().map(|objective| (&**objective, groups(objective, &making))).collect();
    let mut text = Vec::new();
    match &options.output {
        Some(folder) if folder.is_dir() => {
            for (objective, groups) in &made {
                write_rules(groups, &mut text)?;
                let file = folder.join(format!("{}.rules.yml", file_name(objective)));
                output::replace(&file, &std::mem::take(&mut text))?;
                if let Some(tests) = &options.tests {
                    let tests = tests.join(format!("{}.test.yml", file_name(objective)));
                    write_tests(&tests, &file, &[objective], &making)?;
                }
            }
        }
        output => {
            let all: Vec<Group> = made.iter().flat_map(|(_, groups)| groups.iter().cloned()).collect();
            write_rules(&all, &mut text)?;
            if let Some(file) = output {
                output::replace(file, &text)?;
                if let Some(tests) = &options.tests {
                    let all: Vec<&Objective> = made.iter().map(|(objective, _)| *objective).collect();
                    write_tests(tests, file, &all, &making)?;
                }
            }
        }
    }
    let made: Vec<Group> = made.into_iter().flat_map(|(_, groups)| groups).collect();
    let mut out = io::stdout().lock();
    if options.json {
        let broken: Vec<_> = found
            .broken
            .iter()
            .map(|(name, place, reason)| json!({"name": name, "place": place.to_string(), "reason": reason}))
            .collect();
        let value = json!({
            "objectives": found.whole.iter().map(|objective| objective.id()).collect::<Vec<_>>(),
            "without_rules": broken,
            "groups": made.iter().map(as_json).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &value)?;
        writeln!(out)?;
    } else if let Some(file) = &options.output {
        let count: usize = made.iter().map(|group| group.rules.len()).sum();
        writeln!(out, "{} rules of {} SLOs: {}", count, found.whole.len(), clean(&file.display().to_string()))?;
        if let Some(tests) = &options.tests {
            writeln!(out, "promtool test rules {}", clean(&tests.display().to_string()))?;
        }
    } else {
        out.write_all(&text)?;
    }
    drop(out);
    told(&found)?;
    Ok(ExitCode::from(u8::from(!found.broken.is_empty() || !found.gaps.is_empty())))
}

fn write_rules(groups: &[Group], text: &mut Vec<u8>) -> io::Result<()> {
    rules::write(&[HEAD], groups, text)
}

fn write_tests(file: &Path, rules_file: &Path, objectives: &[&Objective], making: &Making) -> anyhow::Result<()> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for objective in objectives {
        *names.entry(objective.alert_name()).or_default() += 1;
    }
    let trials = objectives.iter().flat_map(|objective| {
        let shared = names.get(&objective.alert_name()).is_some_and(|count| *count > 1);
        trials(objective, making, if shared { AlertNames::Shared } else { AlertNames::Own })
    });
    let trials = Trials {
        rule_files: vec![beside(file, rules_file)?],
        evaluation_interval: Span::minutes(1),
        group_order: objectives
            .iter()
            .flat_map(|objective| groups(objective, making))
            .map(|group| group.name)
            .collect(),
        trials: trials.collect(),
    };
    let mut text = Vec::new();
    rules::write_trials(&[TESTS_HEAD], &trials, &mut text)?;
    output::replace(file, &text)
}

/// A name for the file of an objective that cannot leave its folder.
fn file_name(objective: &Objective) -> String {
    let kept = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    objective.id().chars().map(kept).collect::<String>().trim_start_matches('.').to_owned()
}

/// What has no rules, and why.
pub(super) fn told(found: &source::Found) -> io::Result<()> {
    let mut err = io::stderr().lock();
    for (name, place, reason) in &found.broken {
        writeln!(err, "gonogo: {}", clean(&format!("{place}: `{name}` has no rules: {reason}")))?;
    }
    for gap in &found.gaps {
        writeln!(err, "gonogo: {}", clean(&format!("{}: {}", gap.place, gap.reason)))?;
    }
    Ok(())
}

fn as_json(group: &Group) -> serde_json::Value {
    let rules: Vec<_> = group
        .rules
        .iter()
        .map(|rule| match rule {
            Rule::Record(record) => json!({"record": record.name, "expr": record.expr, "labels": record.labels}),
            Rule::Alert(alert) => json!({
                "alert": alert.name,
                "expr": alert.expr,
                "for": alert.hold.map(|hold| hold.to_string()),
                "labels": alert.labels,
                "annotations": alert.annotations,
            }),
        })
        .collect();
    json!({"name": group.name, "interval": group.interval.map(|interval| interval.to_string()), "rules": rules})
}

/// How the tests name the rules: promtool reads the name from the folder of the tests.
fn beside(tests: &Path, rules: &Path) -> anyhow::Result<String> {
    let folder = |file: &Path| match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    let whole = |file: &Path| -> anyhow::Result<std::path::PathBuf> {
        let folder = folder(file);
        folder.canonicalize().with_context(|| format!("{} is no folder", folder.display()))
    };
    let name = rules.file_name().unwrap_or_default();
    if whole(tests)? == whole(rules)? {
        return Ok(name.to_string_lossy().into_owned());
    }
    Ok(whole(rules)?.join(name).to_string_lossy().into_owned())
}
