//! End-to-end tests are here, and a pipeline runs them.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text, evidence::Purpose,
};

use crate::shared::{
    runs::{Ran, pipeline_elsewhere, ran},
    suites::{Suite, suites},
};

pub(crate) static CHECK: Check = Check {
    id: "testing.e2e",
    title: Text { en: "End-to-end tests cover critical paths", zh: "端到端测试覆盖关键路径" },
    source: &["B3.6b"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::REACHABLE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Run the few flows that the business lives on end to end in the pipeline, e.g. with Playwright or k6 browser.",
        zh: "在流水线中端到端运行业务赖以生存的少数流程，例如使用 Playwright。",
    },
    references: &["https://playwright.dev/docs/ci"],
    page: include_str!("e2e.md"),
    judge,
};

const WHAT: (&str, &str) = ("end-to-end tests", "端到端测试");

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let tests = suites(evidence.files()?, Suite::EndToEnd);
    let example = tests.first().map(|file| Place::whole(file.path.clone()));
    let ran = ran(evidence, &[Purpose::EndToEndTest], WHAT)?;
    Ok(match (ran, example) {
        (Ran::Enforced(found), example) => Reading::shown(
            found.iter().map(|run| run.step.place.clone()).chain(example),
            format!(
                "{} runs end-to-end tests; which paths they take is theirs to say",
                found.first().map_or("CI", |run| &run.pipeline.name)
            ),
            format!(
                "{} 运行端到端测试；具体覆盖的路径由测试自身决定",
                found.first().map_or("CI", |run| &run.pipeline.name)
            ),
        ),
        (Ran::Weak(findings), _) => Reading::refuted(
            findings,
            "end-to-end tests can fail without anybody noticing",
            "端到端测试失败可能无人察觉",
        ),
        (_, None) => Reading::elsewhere(
            Message::new("no end-to-end tests in this repository", "此仓库中没有端到端测试"),
            Message::new("the end-to-end tests, or the repository that holds them", "端到端测试或存放它们的仓库"),
        ),
        (Ran::Nowhere(place), Some(example)) => Reading::refuted(
            vec![
                Finding::new(&place, "no pipeline runs the end-to-end tests", "没有流水线运行端到端测试")
                    .also(&example, "a test", "测试"),
            ],
            format!("{} end-to-end tests, and no pipeline that runs them", tests.len()),
            format!("有 {} 个端到端测试文件，但没有流水线运行", tests.len()),
        ),
        (other, Some(_)) => pipeline_elsewhere(&other, WHAT.0, WHAT.1),
    })
}
