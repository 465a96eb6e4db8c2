//! What clients rely on is tested.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings,
    Standard, Strength, Text, evidence::Purpose,
};

use crate::shared::{
    runs::{Ran, pipeline_elsewhere, ran},
    suites::{Suite, suites},
};

pub(crate) static CHECK: Check = Check {
    id: "testing.contract",
    title: Text { en: "Contracts are tested", zh: "契约经过测试" },
    source: &["B3.6c"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Check the description of the interface in the pipeline: against the last release (oasdiff, buf breaking) or against the program (Pact, Schemathesis).",
        zh: "在流水线中校验接口描述：与上一版本比较（oasdiff、buf breaking），或与程序比较（Pact、Schemathesis）。",
    },
    references: &["https://docs.pact.io/", "https://buf.build/docs/breaking/"],
    page: include_str!("contract.md"),
    judge,
};

const WHAT: (&str, &str) = ("contract tests", "契约测试");

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let packages = evidence.packages()?;
    let found: Vec<_> =
        packages.iter().flat_map(|package| package.any_dependencies_for(Capability::ContractTest)).collect();
    let Some(first) = found.first() else {
        return Ok(Reading::elsewhere(
            Message::new("no manifest names a tool for contract tests", "清单中没有用于契约测试的工具"),
            Message::new("contract tests", "契约测试"),
        ));
    };
    Ok(Reading::shown(
        found.iter().map(|dependency| dependency.place.clone()),
        format!("manifests name {} for contract tests", first.name),
        format!("清单中列出了用于契约测试的 {}", first.name),
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let tests = suites(evidence.files()?, Suite::Contract);
    let ran = ran(evidence, &[Purpose::ContractTest], WHAT)?;
    Ok(match ran {
        Ran::Enforced(found) => Reading::shown(
            found.iter().map(|run| run.step.place.clone()),
            format!("{} checks the contract", found.first().map_or("CI", |run| &run.pipeline.name)),
            format!("{} 校验接口契约", found.first().map_or("CI", |run| &run.pipeline.name)),
        ),
        Ran::Weak(findings) => {
            Reading::refuted(findings, "the contract can be broken without anybody noticing", "契约被破坏可能无人察觉")
        }
        other if !tests.is_empty() => Reading::elsewhere(
            Message::new(
                format!(
                    "{} contract tests; whether the run of all tests includes them is in their source",
                    tests.len()
                ),
                format!("有 {} 个契约测试文件，是否包含在全部测试中需看其源代码", tests.len()),
            ),
            match pipeline_elsewhere(&other, WHAT.0, WHAT.1).settle {
                Some(settle) => settle,
                None => Message::new("a step of the pipeline that runs them", "运行它们的流水线步骤"),
            },
        ),
        Ran::Nowhere(place) => match described(evidence)? {
            Some(api) => Reading::refuted(
                vec![
                    Finding::new(
                        &api,
                        "no pipeline checks the program or a change against this description",
                        "没有流水线按此描述校验程序或变更",
                    )
                    .also(&place, "the pipeline", "流水线"),
                ],
                "the interface is described, and nothing tests the description",
                "接口有描述，但未被测试",
            ),
            None => undescribed(),
        },
        other => {
            if described(evidence)?.is_some() {
                pipeline_elsewhere(&other, WHAT.0, WHAT.1)
            } else {
                undescribed()
            }
        }
    })
}

/// The description of the interface that others can rely on.
fn described(evidence: &Evidence<'_>) -> Result<Option<Place>, Missing> {
    Ok(evidence.apis()?.iter().find(|api| !api.operations.is_empty()).map(|api| api.place.clone()))
}

fn undescribed() -> Reading {
    Reading::elsewhere(
        Message::new(
            "no description of its interface is here, and no contract tests: who relies on it cannot be seen",
            "此处没有接口描述，也没有契约测试：无法得知谁依赖它",
        ),
        Message::new(
            "a description of the interface with a test of it, or a statement that nobody outside relies on it",
            "接口描述及其测试，或声明没有外部使用者",
        ),
    )
}
