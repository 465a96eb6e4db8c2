//! Integration tests are here, and a pipeline runs them.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading,
    Readings, Standard, Strength, Text,
    evidence::{FileEntry, Purpose},
};

use crate::shared::{
    runs::{Ran, Run, pipeline_elsewhere, ran, runs},
    suites::{Suite, is_rust, sources, suite, suites},
};

pub(crate) static CHECK: Check = Check {
    id: "testing.integration",
    title: Text { en: "Integration tests exist and CI runs them", zh: "有集成测试，并由 CI 运行" },
    source: &["B3.6b"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: Some(Level::L2),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Test against real dependencies, e.g. with Testcontainers or service containers, in a job of the pipeline.",
        zh: "在流水线中针对真实依赖运行测试，例如使用 Testcontainers 或服务容器。",
    },
    references: &["https://testcontainers.com/"],
    page: include_str!("integration.md"),
    judge,
};

const WHAT: (&str, &str) = ("integration tests", "集成测试");

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let found: Vec<_> = evidence
        .packages()?
        .iter()
        .flat_map(|package| package.any_dependencies_for(Capability::IntegrationTest))
        .collect();
    if found.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("no manifest names a library for integration tests", "清单中没有用于集成测试的库"),
            Message::new("integration tests", "集成测试"),
        ));
    }
    let mut names: Vec<&str> = found.iter().map(|dependency| dependency.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let names = names.join(", ");
    Ok(Reading::shown(
        found.iter().map(|dependency| dependency.place.clone()),
        format!("manifests name {names} for integration tests"),
        format!("清单中列出了用于集成测试的 {names}"),
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let files = evidence.files()?;
    let tests = suites(files, Suite::Integration);
    let ran = ran(evidence, &[Purpose::IntegrationTest], WHAT)?;
    let example = tests.first().map(|file| Place::whole(file.path.clone()));
    Ok(match ran {
        Ran::Enforced(found) => Reading::shown(
            found.iter().map(|run| run.step.place.clone()).chain(example),
            format!("{} runs integration tests", found.first().map_or("CI", |run| &run.pipeline.name)),
            format!("{} 运行集成测试", found.first().map_or("CI", |run| &run.pipeline.name)),
        ),
        Ran::Weak(findings) => Reading::refuted(
            findings,
            "integration tests can fail without anybody noticing",
            "集成测试失败可能无人察觉",
        ),
        _ if tests.is_empty() => nothing(evidence, files)?,
        Ran::NoPipeline | Ran::Elsewhere(_) => pipeline_elsewhere(&ran, WHAT.0, WHAT.1),
        Ran::Nowhere(place) => with_the_others(evidence, &tests, &place)?,
    })
}

/// Integration tests are here, and no step is for them alone: the run of all tests may well include them.
fn with_the_others(evidence: &Evidence<'_>, tests: &[&FileEntry], place: &Place) -> Result<Reading, Missing> {
    let example = tests.first().map_or_else(|| place.clone(), |file| Place::whole(file.path.clone()));
    let all: Vec<Run<'_>> = runs(evidence, &[Purpose::UnitTest])?.into_iter().filter(Run::enforced).collect();
    let rust = tests.iter().all(|file| is_rust(file));
    if let Some(run) = all.iter().find(|run| rust && runs_every_target(&run.text())) {
        return Ok(Reading::shown(
            [run.step.place.clone(), example],
            format!("{} files under tests/, which cargo runs with the others", tests.len()),
            format!("tests/ 下有 {} 个文件，由 cargo 一并运行", tests.len()),
        ));
    }
    if let Some(run) = all.first() {
        return Ok(Reading::elsewhere(
            Message::new(
                format!("{} integration tests; whether {} runs them is in their source", tests.len(), run.step.place),
                format!("有 {} 个集成测试文件，{} 是否运行它们需看其源代码", tests.len(), run.step.place),
            ),
            Message::new("a step of the pipeline that names them", "在流水线中明确运行它们的步骤"),
        ));
    }
    Ok(Reading::refuted(
        vec![
            Finding::new(place, "no pipeline runs the integration tests", "没有流水线运行集成测试")
                .also(&example, "a test", "测试"),
        ],
        format!("{} integration tests, and no pipeline that runs them", tests.len()),
        format!("有 {} 个集成测试文件，但没有流水线运行", tests.len()),
    ))
}

/// `cargo test` without a choice of targets runs `tests/` too.
fn runs_every_target(text: &str) -> bool {
    !["--lib", "--bins", "--bin ", "--doc"].iter().any(|choice| text.contains(choice))
}

fn nothing(evidence: &Evidence<'_>, files: &[FileEntry]) -> Result<Reading, Missing> {
    let any_test = files.iter().any(|file| suite(file).is_some());
    let sources = sources(evidence)?;
    if any_test || sources.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                "no test here is called an integration test; which of them reach a real dependency is in their source",
                "没有以集成测试命名的测试；哪些测试访问真实依赖需看其源代码",
            ),
            Message::new(
                "integration tests that their folder, name or step calls so",
                "以文件夹、名称或步骤标明的集成测试",
            ),
        ));
    }
    let rust = sources.iter().any(|file| is_rust(file));
    if rust {
        let tests = &evidence.source()?.tests;
        if let Some(test) = tests.first() {
            return Ok(Reading::absent(Finding::new(
                &test.place,
                format!("{} tests stand inside the sources, and none uses the program from outside", tests.len()),
                format!("{} 个测试都写在源代码内部，没有从外部使用程序的测试", tests.len()),
            )));
        }
    }
    Ok(Reading::absent(Finding::new(
        &Place::whole(evidence.service().path.clone()),
        "no tests of any kind, so no integration tests",
        "没有任何测试，因此也没有集成测试",
    )))
}
