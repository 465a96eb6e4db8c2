//! What is written as YAML is read and run by the real promtool.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test may start promtool on files of its own"
)]

use std::{fs, path::Path, process::Command};

use gonogo_domain::rules::{
    Alert, AlertAt, ExpectedAlert, ExpectedSample, Group, InputSeries, Labels, Record, Span, Trial, Trials, ValueAt,
};
use gonogo_report::rules;

/// Texts that a careless writer of YAML breaks on, with what a template of Prometheus makes of the last.
const HARD: &[&str] =
    &["no", "1e3", "a: b # c", "\"'{}[]&*!|>%@`", "back\\slash\ttab", "第一行\nsecond  \n\n third", "- x", "~", ""];

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn groups(threshold: &str) -> Vec<Group> {
    let record = Record {
        name: "shop:errors:ratio".to_owned(),
        expr: "sum(errors)\n/\n\n(sum(total) > 0)".to_owned(),
        labels: labels(&[("on", "off")]),
    };
    let annotations = HARD.iter().enumerate().map(|(number, text)| (format!("text{number}"), (*text).to_owned()));
    let alert = Alert {
        name: "ErrorsHigh".to_owned(),
        expr: format!("shop:errors:ratio > {threshold}"),
        hold: Some(Span::minutes(2)),
        labels: labels(&[("severity", "page"), ("y", "y")]),
        annotations: annotations.collect(),
    };
    vec![Group {
        name: "shop: yes".to_owned(),
        interval: Some(Span::minutes(1)),
        rules: vec![record.into(), alert.into()],
    }]
}

fn trials(groups: &[Group]) -> Trials {
    let firing = ExpectedAlert {
        labels: labels(&[("severity", "page"), ("y", "y"), ("on", "off")]),
        annotations: groups[0]
            .rules
            .iter()
            .find_map(|rule| match rule {
                gonogo_domain::rules::Rule::Alert(alert) => Some(alert.annotations.clone()),
                gonogo_domain::rules::Rule::Record(_) => None,
            })
            .unwrap_or_default(),
    };
    let series = |series: &str, values: &str| InputSeries { series: series.to_owned(), values: values.to_owned() };
    let at = |minutes, firing| AlertAt { at: Span::minutes(minutes), name: "ErrorsHigh".to_owned(), firing };
    Trials {
        rule_files: vec!["rules.yml".to_owned()],
        evaluation_interval: Span::minutes(1),
        trials: vec![Trial {
            name: "half of the requests fail\nfrom the start".to_owned(),
            interval: Span::minutes(1),
            series: vec![series("errors{code=\"5\\\"0\"}", "1+0x5"), series("total", "2+0x5 _x10")],
            alerts: vec![at(1, Vec::new()), at(2, vec![firing])],
            values: vec![
                ValueAt {
                    at: Span::minutes(5),
                    expr: "shop:errors:ratio".to_owned(),
                    samples: vec![ExpectedSample {
                        labels: "shop:errors:ratio{on=\"off\"}".to_owned(),
                        value: "0.5".to_owned(),
                    }],
                },
                ValueAt { at: Span::minutes(15), expr: "shop:errors:ratio".to_owned(), samples: Vec::new() },
            ],
        }],
    }
}

/// What promtool says, and whether it is content.
fn promtool(folder: &Path, verb: &str, file: &str) -> (bool, String) {
    let run = Command::new("promtool").args([verb, "rules", file]).current_dir(folder).output();
    let run = run.expect("promtool is installed (Debian package `prometheus`)");
    let said = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
fn check(threshold: &str, expect: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let groups = groups(threshold);
    let (mut text, mut tests) = (Vec::new(), Vec::new());
    rules::write(&["Rules of the shop.\nA second line."], &groups, &mut text).expect("memory takes what is written");
    rules::write_trials(&["Tests."], &trials(&groups), &mut tests).expect("memory takes what is written");
    fs::write(folder.path().join("rules.yml"), &text).expect("a file can be written");
    fs::write(folder.path().join("tests.yml"), &tests).expect("a file can be written");
    let (valid, said) = promtool(folder.path(), "check", "rules.yml");
    assert!(valid, "{said}\n{}", String::from_utf8_lossy(&text));
    let (held, said) = promtool(folder.path(), "test", "tests.yml");
    assert_eq!(held, expect, "{said}\n{}", String::from_utf8_lossy(&tests));
}

#[test]
fn promtool_reads_what_is_written_as_it_was_meant() {
    check("0.4", true);
}

#[test]
fn promtool_finds_what_does_not_hold() {
    check("0.6", false);
}

#[test]
fn a_file_without_rules_is_one() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut text = Vec::new();
    rules::write(&[], &[], &mut text).expect("memory takes what is written");
    fs::write(folder.path().join("rules.yml"), &text).expect("a file can be written");
    assert!(promtool(folder.path(), "check", "rules.yml").0);
}
