//! Failure injection has been run, and what came of it is written down.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Purpose, ResultKind},
};

use jiff::tz::TimeZone;

use crate::shared::{
    runs::runs,
    suites::{Suite, suites},
};

pub(crate) static CHECK: Check = Check {
    id: "testing.chaos",
    title: Text { en: "Failure injection has been run", zh: "已进行过故障注入" },
    source: &["B3.6d"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: Some(Level::L3),
    gate: Gate::Required,
    min: Strength::Exercised,
    classes: Classes::LONG_RUNNING_CODE,
    // G8: drills count for 90 days.
    fresh_days: Some(90),
    record: &["environment", "fault", "result"],
    remediation: Text {
        en: "Inject one failure of a dependency in a game day, and keep a dated record with hypothesis and result.",
        zh: "在演练日注入一次依赖故障，并保留带日期、假设与结果的记录。",
    },
    references: &["https://principlesofchaos.org/"],
    page: include_str!("chaos.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence)).and(Strength::Exercised, exercised(evidence))
}

/// Experiments that are defined; whether anybody ran them is another matter.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut places: Vec<Place> = evidence
        .objects()?
        .iter()
        .filter(|object| {
            ["chaos-mesh.org/", "litmuschaos.io/", "chaos.alibabacloud.com/", "chaosblade.io/"]
                .iter()
                .any(|group| object.api_version.starts_with(group))
        })
        .map(|object| object.place.clone())
        .collect();
    places.extend(
        evidence
            .infrastructure()?
            .iter()
            .filter(|resource| {
                matches!(
                    resource.kind.as_str(),
                    "aws_fis_experiment_template" | "AWS::FIS::ExperimentTemplate" | "azurerm_chaos_studio_experiment"
                )
            })
            .map(|resource| resource.place.clone()),
    );
    places.extend(runs(evidence, &[Purpose::ChaosTest])?.iter().map(|run| run.step.place.clone()));
    places.extend(suites(evidence.files()?, Suite::Chaos).iter().map(|file| Place::whole(file.path.clone())));
    if places.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("no experiment is defined here", "此处没有定义故障实验"),
            Message::new("a dated record of an experiment with its result", "带日期和结果的故障实验记录"),
        ));
    }
    Ok(Reading::shown(
        places,
        "experiments are defined; no record says that they were run",
        "已定义故障实验，但没有运行记录",
    ))
}

/// Dated records: of `gonogo exercise`, of another tool, or of a drill that somebody wrote down.
fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let (mut best, unread) = match exercises(evidence) {
        Ok(exercised) => (exercised, None),
        Err(missing) => (None, Some(missing)),
    };
    for result in evidence.results()?.iter().filter(|result| result.kind == ResultKind::Chaos) {
        let failed = result.measures.get("failures").is_some_and(|failures| *failures > 0.0)
            || result.thresholds.iter().any(|(_, held)| !held);
        let reading = if failed {
            Reading::refuted(
                vec![Finding::new(&result.place, "the experiment's hypothesis did not hold", "实验的假设未成立")],
                "an experiment failed",
                "实验失败",
            )
        } else {
            Reading::shown(
                [result.place.clone()],
                format!("{} ran an experiment", result.tool),
                format!("{} 运行了一次实验", result.tool),
            )
        };
        best = Some(newer(best, reading.dated(result.on)));
    }
    let mut unfinished = Vec::new();
    for document in evidence.documents()?.iter().filter(|document| injects_failure(document)) {
        let Some((on, place)) = &document.dated else {
            unfinished.push(Finding::new(
                &document.place,
                "a record of failure injection without a date",
                "故障注入记录没有日期",
            ));
            continue;
        };
        if !tells_result(document) {
            unfinished.push(Finding::new(
                &document.place,
                "a record of failure injection that does not say what came of it",
                "故障注入记录没有结果",
            ));
            continue;
        }
        if let Some(placeholder) = document.placeholders.first() {
            unfinished.push(Finding::new(
                placeholder,
                "a record of failure injection with parts that nobody filled in",
                "故障注入记录中有未填写的部分",
            ));
            continue;
        }
        let reading = Reading::shown(
            [place.clone()],
            format!("failure injection is on record for {on}"),
            format!("{on} 有故障注入记录"),
        );
        best = Some(newer(best, reading.dated(Some(*on))));
    }
    // A record that cannot be read takes nothing from another one.
    if let (None, Some(missing)) = (&best, unread) {
        return Err(missing);
    }
    Ok(match best {
        Some(reading) => reading,
        None if !unfinished.is_empty() => {
            Reading::refuted(unfinished, "the records do not show that it was run", "记录不能证明已执行")
        }
        None => Reading::elsewhere(
            Message::new("no dated record of failure injection", "没有带日期的故障注入记录"),
            Message::new("a dated record of an experiment with its result", "带日期和结果的故障实验记录"),
        ),
    })
}

/// What was broken by `gonogo exercise`. Whether the service bore it is said by the checks of each experiment.
fn exercises(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let mut best = None;
    for record in evidence.exercises()? {
        let failures: Vec<_> = record.exercise.failures().collect();
        let Some(on) = failures.iter().map(|one| one.at.to_zoned(TimeZone::UTC).date()).max() else { continue };
        let kinds = failures.iter().map(|one| one.kind.id()).collect::<Vec<_>>().join(", ");
        let reading = Reading::shown(
            [record.place.clone()],
            format!("failures were injected on {on} (experiments {kinds})"),
            format!("{on} 注入过故障（实验 {kinds}）"),
        );
        best = Some(newer(best, reading.dated(Some(on))));
    }
    Ok(best)
}

fn newer(best: Option<Reading>, next: Reading) -> Reading {
    match best {
        Some(best) if best.on >= next.on => best,
        _ => next,
    }
}

/// A drill in which something was broken on purpose, not a restore or a load test.
fn injects_failure(document: &Document) -> bool {
    if document.kind != DocumentKind::Drill {
        return false;
    }
    let text = document.lower_text();
    [
        "chaos",
        "fault injection",
        "failure injection",
        "inject",
        "game day",
        "gameday",
        "litmus",
        "gremlin",
        "故障注入",
        "混沌",
        "演练",
    ]
    .iter()
    .any(|word| text.contains(word))
        && !document.title.to_lowercase().contains("template")
}

fn tells_result(document: &Document) -> bool {
    const WORDS: &[&str] =
        &["result", "outcome", "finding", "observation", "what happened", "observed", "结果", "结论", "发现"];
    document.sections.iter().any(|section| {
        let heading = section.heading.to_lowercase();
        let under = WORDS.iter().any(|word| heading.contains(word))
            && (!section.text.trim().is_empty() || !section.items.is_empty() || !section.tables.is_empty());
        let columns = section.tables.iter().any(|table| {
            !table.rows.is_empty()
                && table.header.iter().any(|cell| WORDS.iter().any(|word| cell.to_lowercase().contains(word)))
        });
        let lines = section.text.lines().any(|line| {
            let line = line.trim_start().to_lowercase();
            WORDS.iter().any(|word| {
                line.strip_prefix(word).is_some_and(|rest| rest.trim_start_matches('s').starts_with([':', '：']))
            })
        });
        under || columns || lines
    })
}
