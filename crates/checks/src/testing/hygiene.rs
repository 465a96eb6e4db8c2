//! No test is left out without anybody seeing it.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Meaning, Purpose, Role, SourceCode},
};

use crate::shared::runs::{Run, runs};

pub(crate) static CHECK: Check = Check {
    id: "testing.hygiene",
    title: Text {
        en: "No focused, silently skipped or assertion-free tests", zh: "没有聚焦、静默跳过或无断言的测试"
    },
    source: &["B3.6f"],
    standard: Standard::ProductionReadiness,
    area: Area::Testing,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Remove focus marks, give each skipped test its reason and issue, and let a run without tests fail.",
        zh: "移除聚焦标记，为每个跳过的测试注明原因与工单，并使没有测试的运行失败。",
    },
    references: &["https://playwright.dev/docs/api/class-testconfig#test-config-forbid-only"],
    page: include_str!("hygiene.md"),
    judge,
};

/// Runs of tests of any kind.
const TESTS: &[Purpose] = &[Purpose::UnitTest, Purpose::IntegrationTest, Purpose::EndToEndTest, Purpose::ContractTest];

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// Runs that succeed without a test, and tests that were renamed out of sight. The tests themselves are source code.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for run in runs(evidence, TESTS)?.iter().filter(|run| run.by_itself()) {
        findings.extend(empty_run(run));
    }
    for package in evidence.packages()? {
        for (_, script, place) in &package.scripts {
            findings.extend(allows_nothing(script).map(|flag| finding(place, flag)));
        }
    }
    for file in evidence.files()?.iter().filter(|file| !matches!(file.role, Role::Vendored | Role::Fixture)) {
        if switched_off(file.name()) {
            findings.push(Finding::new(
                &Place::whole(file.path.clone()),
                "a test that was renamed so that nothing runs it",
                "测试被改名，不再运行",
            ));
        }
    }
    let source = match evidence.source() {
        Ok(source) => source,
        Err(missing) if findings.is_empty() => return Err(missing),
        Err(_) => {
            return Ok(Reading::refuted(
                findings,
                "tests can be missing without anybody noticing",
                "测试缺失可能无人察觉",
            ));
        }
    };
    let mut tally = Tally::new();
    for (at, finding) in findings.into_iter().enumerate() {
        tally.miss(format!("run#{at}"), finding);
    }
    in_source(source, &mut tally);
    if tally.is_empty() {
        let files = source.files.len();
        let sources = crate::shared::program::counted(files);
        return Ok(Reading::not_applicable(
            format!("no test was found in {sources}"),
            format!("在 {files} 个源文件中未找到测试"),
        ));
    }
    Ok(tally.reading("tests run, and can fail", "个测试会运行且可能失败"))
}

/// Tests that stand alone, are left out, or cannot fail.
fn in_source(source: &SourceCode, tally: &mut Tally) {
    for (at, one) in source.uses.iter().enumerate().filter(|(_, one)| one.meaning == Meaning::TestFocused) {
        let mark = one.symbol.split('.').rev().take(2).collect::<Vec<_>>();
        let mark = mark.into_iter().rev().collect::<Vec<_>>().join(".");
        tally.miss(
            format!("focused#{at}"),
            Finding::new(
                &one.place,
                format!("{mark}: every other test of the file is left out"),
                format!("{mark}：该文件的其他测试都被跳过"),
            ),
        );
    }
    for (at, skip) in source.skips.iter().enumerate().filter(|(_, one)| !one.conditional) {
        if skip.reason {
            tally.met(format!("skip#{at}"), &skip.place);
        } else {
            tally.miss(
                format!("skip#{at}"),
                Finding::new(
                    &skip.place,
                    "a test is always left out, and no reason is given",
                    "测试总是被跳过，且没有说明原因",
                ),
            );
        }
    }
    for (at, test) in source.tests.iter().enumerate() {
        if test.asserts {
            tally.met(format!("test#{at}"), &test.place);
        } else if !source.uses_of(test.function).any(|(_, one)| one.meaning == Meaning::TestSkipped) {
            tally.miss(
                format!("test#{at}"),
                Finding::new(
                    &test.place,
                    format!("{} asserts nothing: it can only fail by breaking down", shown(&test.name)),
                    format!("{} 没有断言：只有崩溃才会失败", shown(&test.name)),
                ),
            );
        }
    }
}

/// A name that a person can find; long ones are cut.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    if short.is_empty() { "a test".to_owned() } else { short }
}

fn empty_run(run: &Run<'_>) -> Option<Finding> {
    allows_nothing(&run.text()).map(|flag| finding(&run.step.place, flag))
}

fn finding(place: &Place, flag: &str) -> Finding {
    Finding::new(place, format!("{flag}: a run without any test succeeds"), format!("{flag}：没有任何测试也会成功"))
}

/// The option by which a run of no tests succeeds.
fn allows_nothing(text: &str) -> Option<&'static str> {
    ["--passWithNoTests", "--pass-with-no-tests", "--no-tests=pass", "--allow-no-tests", "-DfailIfNoTests=false"]
        .into_iter()
        .find(|flag| text.contains(flag))
}

/// `cart_test.go.disabled`, `orders.spec.ts.skip`.
fn switched_off(name: &str) -> bool {
    let Some((test, end)) = name.rsplit_once('.') else { return false };
    let test = test.to_ascii_lowercase();
    matches!(end, "disabled" | "skip" | "skipped" | "off" | "bak")
        && (test.contains("_test.")
            || test.contains(".test.")
            || test.contains(".spec.")
            || test.starts_with("test_")
            || test.contains("_spec."))
}
