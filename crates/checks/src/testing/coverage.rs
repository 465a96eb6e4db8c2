//! Coverage is measured, and too little of it fails.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Purpose, ResultKind, SettingsKind},
};

use crate::shared::runs::{Run, main_pipeline, runs};

pub(crate) static CHECK: Check = Check {
    id: "testing.coverage",
    title: Text { en: "Coverage is measured against a threshold", zh: "按阈值衡量测试覆盖率" },
    source: &["B3.6a"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Measure coverage in the pipeline, let less than a threshold fail it, and keep the report with the commit.",
        zh: "在流水线中测量覆盖率，低于阈值即失败，并为每次提交保留报告。",
    },
    references: &["https://docs.codecov.com/docs/commit-status"],
    page: include_str!("coverage.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, policy: &Policy) -> Readings {
    Readings::configured(configured(evidence, policy))
}

/// What makes too little coverage fail.
struct Threshold {
    place: Place,
    /// Percent of lines; none: no less than before.
    percent: Option<f64>,
}

fn configured(evidence: &Evidence<'_>, policy: &Policy) -> Result<Reading, Missing> {
    let measured: Vec<Run<'_>> = runs(evidence, &[Purpose::Coverage])?.into_iter().filter(Run::enforced).collect();
    let thresholds = thresholds(evidence, &measured)?;
    let wanted = policy.coverage_percent;
    let mut findings = Vec::new();
    for threshold in &thresholds {
        if let Some(percent) = threshold.percent.filter(|percent| *percent < wanted) {
            findings.push(Finding::new(
                &threshold.place,
                format!("a threshold of {percent} % is below {wanted} %"),
                format!("阈值 {percent} % 低于 {wanted} %"),
            ));
        }
    }
    let reports: Vec<_> = evidence
        .results()?
        .iter()
        .filter(|result| result.kind == ResultKind::Coverage)
        .filter_map(|result| Some((result, *result.measures.get("line_percent")?)))
        .collect();
    let floor = thresholds.iter().filter_map(|threshold| threshold.percent).fold(wanted, f64::max);
    for (report, percent) in &reports {
        if *percent < floor {
            findings.push(Finding::new(
                &report.place,
                format!("{percent:.1} % of lines are covered, {floor} % are asked for"),
                format!("行覆盖率 {percent:.1} %，要求 {floor} %"),
            ));
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "coverage is too low, or may be", "覆盖率过低或阈值过低"));
    }
    let witnesses: Vec<Place> = measured
        .iter()
        .map(|run| run.step.place.clone())
        .chain(thresholds.iter().map(|threshold| threshold.place.clone()))
        .chain(reports.iter().map(|(report, _)| report.place.clone()))
        .collect();
    Ok(match (thresholds.first(), reports.first(), measured.first()) {
        (Some(_), Some((report, percent)), _) => Reading::shown(
            witnesses,
            format!("{percent:.1} % of lines are covered, above the threshold ({})", report.place),
            format!("行覆盖率 {percent:.1} %，高于阈值（{}）", report.place),
        ),
        (Some(threshold), None, _) => Reading::partly(
            witnesses,
            vec![Finding::new(
                &threshold.place,
                "a threshold is set, and no report of this commit shows what was reached",
                "已设置阈值，但没有本次提交的报告",
            )],
            "a threshold without a report",
            "有阈值但没有报告",
        ),
        (None, _, Some(run)) => Reading::partly(
            witnesses.clone(),
            vec![Finding::new(
                &run.step.place,
                "coverage is measured, and no threshold fails the pipeline",
                "测量了覆盖率，但没有会使流水线失败的阈值",
            )],
            "measured without a threshold",
            "有测量但没有阈值",
        ),
        (None, Some((report, _)), None) => Reading::partly(
            witnesses.clone(),
            vec![Finding::new(&report.place, "a report without a threshold", "有报告但没有阈值")],
            "a report without a threshold",
            "有报告但没有阈值",
        ),
        (None, None, None) => match main_pipeline(evidence.pipelines()?) {
            Some(place) => {
                Reading::absent(Finding::new(place, "no pipeline measures coverage", "没有流水线测量覆盖率"))
            }
            None => Reading::elsewhere(
                Message::new("no pipeline and no coverage report in this repository", "此仓库中没有流水线或覆盖率报告"),
                Message::new("the pipeline that measures coverage", "测量覆盖率的流水线"),
            ),
        },
    })
}

fn thresholds(evidence: &Evidence<'_>, measured: &[Run<'_>]) -> Result<Vec<Threshold>, Missing> {
    let mut found = Vec::new();
    for file in evidence.settings()?.iter().filter(|file| file.kind == SettingsKind::Coverage) {
        in_settings(&file.body, &mut found);
    }
    for run in measured {
        let text = run.text();
        if let Some(percent) = FLAGS.iter().find_map(|flag| after(&text, flag)) {
            found.push(Threshold { place: run.step.place.clone(), percent: Some(percent) });
        }
    }
    for package in evidence.packages()? {
        for (_, script, place) in &package.scripts {
            if let Some(percent) = FLAGS.iter().find_map(|flag| after(script, flag)) {
                found.push(Threshold { place: place.clone(), percent: Some(percent) });
            }
        }
    }
    Ok(found)
}

/// Options by which tools fail below a percentage of lines.
const FLAGS: &[&str] = &[
    "--cov-fail-under",
    "--fail-under-lines",
    "--fail-under",
    "--lines",
    "--min-coverage",
    "coverage_threshold",
    "threshold-total",
    "minimum_coverage",
    "min-coverage-overall",
];

/// The number that follows an option: `--cov-fail-under=80`, `--fail-under 80`.
fn after(text: &str, flag: &str) -> Option<f64> {
    let (_, rest) = text.split_once(flag)?;
    let rest = rest.trim_start_matches(['=', ' ', ':', '"', '\'']);
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Thresholds of codecov.yml, .coveragerc, jest, vitest, nyc, by the names of their keys.
fn in_settings(node: &Node, found: &mut Vec<Threshold>) {
    for entry in node.entries() {
        let key = entry.key.to_ascii_lowercase();
        let threshold = match key.as_str() {
            "fail_under" | "fail-under" | "failunder" | "lines" | "minimum" | "line-rate" => {
                entry.node.float().map(Some)
            }
            "target" => match entry.node.str() {
                Some("auto") => Some(None),
                Some(text) => text.trim().trim_end_matches('%').parse().ok().map(Some),
                None => None,
            },
            _ => None,
        };
        match threshold {
            Some(percent) => found.push(Threshold { place: entry.node.place.clone(), percent }),
            // A patch is what a change touches: it says nothing about the whole.
            None if key != "patch" && key != "ignore" => in_settings(&entry.node, found),
            None => (),
        }
    }
}
