//! Tests that can fail, run on every change.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard, Strength,
    Text,
    evidence::{PipelineStep, Purpose},
};

use crate::shared::clay;

pub(crate) static CHECK: Check = Check {
    id: "clay.tests-pass",
    title: Text {
        en: "The test command is real, runs in CI, and covers the integration with HTTP faked",
        zh: "测试命令真实有效，在 CI 中运行，并以伪造的 HTTP 覆盖集成",
    },
    source: &["C2.1"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Let the test command fail when a test fails, run it on every change, and test the integration against a fake Clay: exact payload, 402, 429, bad signature, duplicate delivery.",
        zh: "测试失败时测试命令必须失败，每次变更都运行，并用伪造的 Clay 测试集成：准确的负载、402、429、错误签名、重复投递。",
    },
    references: &["https://docs.npmjs.com/cli/v11/commands/npm-test"],
    page: include_str!("tests_pass.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
    })
}

/// The first step on changes whose failure counts.
fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    for pipeline in evidence.pipelines()?.iter().filter(|one| one.runs_on_changes()) {
        for (job, step) in pipeline.steps() {
            if tests(&step.purposes)
                && job.tolerated.is_none()
                && step.tolerated.is_none()
                && !swallowed(step.run.as_deref())
            {
                return Ok(Reading::shown(
                    [step.place.clone()],
                    "CI runs the tests on every change",
                    "CI 在每次变更时运行测试",
                ));
            }
        }
    }
    Ok(Reading::elsewhere(
        Message::new("no pipeline here runs tests on changes", "此处没有在变更时运行测试的流水线"),
        Message::new("the pipeline that runs the tests", "运行测试的流水线"),
    ))
}

/// That the tests cover the integration with HTTP faked is in their source.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for package in evidence.packages()? {
        for (name, command, place) in &package.scripts {
            if let Some((en, zh)) = (name == "test").then(|| never_fails(command)).flatten() {
                findings.push(Finding::new(place, en, zh));
            }
        }
    }
    let mut runs: Vec<&PipelineStep> = Vec::new();
    let mut counted = false;
    for pipeline in evidence.pipelines()? {
        for (job, step) in pipeline.steps() {
            if pipeline.runs_on_changes() && step.run.as_deref().is_some_and(spends) {
                findings.push(Finding::new(
                    &step.place,
                    "CI calls the real Clay on every change, and spends",
                    "CI 在每次变更时调用真实的 Clay 并产生消费",
                ));
            }
            if tests(&step.purposes) && pipeline.runs_on_changes() {
                runs.push(step);
                counted |= job.tolerated.is_none() && step.tolerated.is_none() && !swallowed(step.run.as_deref());
            }
        }
    }
    if let (Some(step), false) = (runs.first(), counted) {
        findings.push(Finding::new(&step.place, "CI goes on when the tests fail", "测试失败时 CI 仍继续"));
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "a failing test stops nothing", "测试失败不会阻止任何事情"));
    }
    match evidence.source_code()? {}
}

fn tests(purposes: &[Purpose]) -> bool {
    purposes.iter().any(|one| matches!(one, Purpose::UnitTest | Purpose::IntegrationTest))
}

fn swallowed(run: Option<&str>) -> bool {
    run.is_some_and(|run| run.contains("|| true") || run.contains("|| exit 0") || run.contains("|| :"))
}

/// A test command that says nothing about the tests.
fn never_fails(command: &str) -> Option<(&'static str, &'static str)> {
    let command = command.trim();
    if command.contains("no test specified") {
        Some(("the test command is the placeholder of npm init", "测试命令是 npm init 的占位内容"))
    } else if command.contains("--passWithNoTests") || command.contains("--pass-with-no-tests") {
        Some(("the test command passes without tests", "没有测试时测试命令也会通过"))
    } else if swallowed(Some(command))
        || command.ends_with("; exit 0")
        || matches!(command, "exit 0" | "true" | ":" | "")
    {
        Some(("the test command always succeeds", "测试命令总是成功"))
    } else if command.starts_with("echo ") && !command.contains("&&") && !command.contains(';') {
        Some(("the test command only prints a text", "测试命令只是打印文本"))
    } else {
        None
    }
}

/// A call that starts an enrichment, a search, or inserts a row.
fn spends(run: &str) -> bool {
    clay::urls(run).iter().any(|url| {
        url.of_clay()
            && !url.internal()
            && (url.path.starts_with(clay::WEBHOOK_PATH)
                || url.path.contains("/routines/")
                || url.path.contains("/search/"))
    })
}
