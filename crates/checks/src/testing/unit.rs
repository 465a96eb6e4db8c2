//! Unit tests are here, and a pipeline runs them.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Level, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Ecosystem, FileEntry, InstructionKind, Purpose},
    purposes,
};

use crate::shared::{
    runs::{Ran, pipeline_elsewhere, ran, runs},
    suites::{Suite, is_rust, sources, suite},
};

pub(crate) static CHECK: Check = Check {
    id: "testing.unit",
    title: Text { en: "Unit tests exist and CI runs them", zh: "有单元测试，并由 CI 运行" },
    source: &["B3.6a", "B3.6g"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: Some(Level::L1),
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Write unit tests and run them on every change, in a step whose failure fails the pipeline.",
        zh: "编写单元测试，并在每次变更时运行，测试失败必须使流水线失败。",
    },
    references: &["https://testing.googleblog.com/2015/04/just-say-no-to-more-end-to-end-tests.html"],
    page: include_str!("unit.md"),
    judge,
};

const WHAT: (&str, &str) = ("unit tests", "单元测试");

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let files = evidence.files()?;
    let tests: Vec<&FileEntry> =
        files.iter().filter(|file| matches!(suite(file), Some(Suite::Unit | Suite::Integration))).collect();
    let first = tests.iter().find(|file| suite(file) == Some(Suite::Unit)).or(tests.first());
    let inside = inside_sources(evidence);
    let (count, example) = match (first, inside) {
        (Some(file), _) => (tests.len(), Place::whole(file.path.clone())),
        (None, Some(found)) => found,
        (None, None) => return nothing(evidence),
    };
    let ran = ran(evidence, &[Purpose::UnitTest], WHAT)?;
    Ok(match ran {
        Ran::Enforced(found) => Reading::shown(
            found.iter().map(|run| run.step.place.clone()).chain([example]),
            format!("{} test files; {} runs them", count, found.first().map_or("CI", |run| &run.pipeline.name)),
            format!("有 {} 个测试文件，由 {} 运行", count, found.first().map_or("CI", |run| &run.pipeline.name)),
        ),
        Ran::Weak(findings) => {
            Reading::refuted(findings, "the unit tests can fail without anybody noticing", "单元测试失败可能无人察觉")
        }
        Ran::Nowhere(place) => match inside_image(evidence)? {
            Some(place) => Reading::shown(
                [place, example],
                format!("{count} test files; the image's build runs them"),
                format!("有 {count} 个测试文件，构建镜像时运行"),
            ),
            None => Reading::refuted(
                vec![
                    Finding::new(&place, "no pipeline runs the unit tests", "没有流水线运行单元测试")
                        .also(&example, "a test", "测试"),
                ],
                format!("{count} test files, and no pipeline that runs them"),
                format!("有 {count} 个测试文件，但没有流水线运行它们"),
            ),
        },
        other => pipeline_elsewhere(&other, WHAT.0, WHAT.1),
    })
}

/// Tests that stand beside the code that they test, in the same file: how many files have some, and the first.
fn inside_sources(evidence: &Evidence<'_>) -> Option<(usize, Place)> {
    let tests = &evidence.source().ok()?.tests;
    let files: BTreeSet<&str> = tests.iter().map(|test| test.place.path()).collect();
    Some((files.len(), tests.first()?.place.clone()))
}

/// No file is a test by its name: that is no proof where tests stand inside the sources, or the sources elsewhere.
fn nothing(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let files = sources(evidence)?;
    let sources = files.len();
    if files.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new("its source code is not in this repository", "其源代码不在此仓库中"),
            Message::new("a review of the repository that holds its source code", "对存放其源代码的仓库进行评审"),
        ));
    }
    let inline = evidence.packages()?.iter().any(|package| package.ecosystem == Ecosystem::Cargo)
        || files.iter().any(|file| is_rust(file));
    if inline {
        // It was read, and no test is in it.
        evidence.source()?;
    }
    let service = evidence.service();
    let place = if service.path == "." { service.place() } else { Place::whole(service.path.clone()) };
    Ok(Reading::refuted(
        vec![Finding::new(
            &place,
            format!("none of {sources} source files has a test beside it"),
            format!("{sources} 个源文件均无测试"),
        )],
        "no tests",
        "没有测试",
    ))
}

/// A container file that runs the tests, and a pipeline that builds it on every change.
fn inside_image(evidence: &Evidence<'_>) -> Result<Option<Place>, Missing> {
    let built = runs(evidence, &[Purpose::BuildImage])?.iter().any(crate::shared::runs::Run::enforced);
    if !built {
        return Ok(None);
    }
    let mut instructions =
        evidence.images()?.iter().flat_map(|image| &image.stages).flat_map(|stage| &stage.instructions);
    Ok(instructions
        .find(|instruction| match &instruction.kind {
            InstructionKind::Run(text) => {
                text.lines().any(|line| purposes(line).contains(&Purpose::UnitTest)) && !text.contains("|| true")
            }
            _ => false,
        })
        .map(|instruction| instruction.place.clone()))
}
