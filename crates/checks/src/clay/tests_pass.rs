//! Tests that can fail, run on every change.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Check, Classes, Conclusion, Evidence, Finding, Gate, Message, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Meaning, PipelineStep, Purpose, Role, SourceTextKind, TestCase},
};

use crate::shared::{
    clay::{self, Integration},
    program,
};

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

/// A test command that is none stops nothing, whatever the tests are.
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
    let reading = in_source(evidence)?;
    if reading.conclusion == Conclusion::Met && runs.is_empty() {
        return Ok(Reading::elsewhere(
            Message::new(
                format!("{}; no pipeline here runs them", reading.summary.en),
                format!("{}；但此处没有流水线运行它们", reading.summary.zh),
            ),
            Message::new("the pipeline that runs the tests", "运行测试的流水线"),
        ));
    }
    Ok(reading)
}

/// The tests that reach the integration, and what of it they try (field-notes C2.1).
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() && clay.receivers.is_empty() {
        return Ok(clay.no_call());
    }
    let tests = about(&clay);
    let Some(first) = tests.first() else {
        let all = clay.source.tests.len();
        let files = clay.source.files.iter().filter(|file| file.role == Role::Test).count();
        if all == 0 && files > 0 {
            return Ok(program::trail_ends(
                format!("{files} files of tests are here, and no test in them was recognised"),
                format!("存在 {files} 个测试文件，但未识别出其中的测试"),
            ));
        }
        return Ok(Reading::absent(clay.missing(
            evidence,
            &format!("none of {all} tests reaches the integration with Clay"),
            &format!("{all} 个测试均未覆盖与 Clay 的集成"),
        )));
    };
    let mut tally = Tally::new();
    for test in tests.iter().filter(|one| !one.test.asserts) {
        tally.miss(
            test.test.name.clone(),
            Finding::new(
                &test.test.place,
                format!("the test {:?} cannot fail", test.test.name),
                format!("测试“{}”不会失败", test.test.name),
            ),
        );
    }
    for case in wanted(&clay) {
        match tests.iter().find(|one| one.test.asserts && case.holds(one)) {
            Some(test) => tally.met(case.key, &test.test.place),
            None => tally.miss(
                case.key,
                Finding::new(
                    &first.test.place,
                    format!("no test of the integration shows that {}", case.en),
                    format!("没有测试表明{}", case.zh),
                ),
            ),
        }
    }
    let count = tally.count();
    if count.met == count.of && !tests.iter().any(|one| one.fakes) && !clay.calls.is_empty() {
        return Ok(program::trail_ends(
            format!(
                "what stands for Clay in the {} tests that reach it was not recognised (the first is at {})",
                tests.len(),
                first.test.place
            ),
            format!("在 {} 个相关测试中未识别出替代 Clay 的模拟（首个位于 {}）", tests.len(), first.test.place),
        ));
    }
    Ok(tally.reading("cases of the integration are tested", "种集成情形有测试"))
}

/// A test that has to do with Clay.
struct About<'a> {
    test: &'a TestCase,
    /// The statuses that it writes down, itself or by what it calls.
    statuses: BTreeSet<u16>,
    /// Its name, in lower case.
    name: String,
    /// HTTP is faked for it.
    fakes: bool,
}

fn about<'a>(clay: &Integration<'a>) -> Vec<About<'a>> {
    let source = clay.source;
    let of_handlers = clay.receivers.iter().flat_map(|one| one.reached.iter());
    let own: BTreeSet<usize> = clay
        .calls
        .iter()
        .map(|call| call.used.function)
        .chain(of_handlers.copied())
        .filter(|at| source.functions.get(*at).is_some_and(|one| one.role.counts()))
        .collect();
    let files: BTreeSet<&str> = source
        .texts
        .iter()
        .filter(|one| one.role == Role::Test && one.kind == SourceTextKind::Vendor)
        .filter(|one| telling(&one.text))
        .map(|one| one.place.path())
        .collect();
    let faking: BTreeSet<&str> =
        source.uses.iter().filter(|one| one.meaning == Meaning::HttpFake).map(|one| one.place.path()).collect();
    let mut found = Vec::new();
    for test in &source.tests {
        let reached = source.reached(test.function);
        let path = test.place.path();
        let by_path =
            path.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("clay"));
        if !(by_path || files.contains(path) || reached.iter().any(|at| own.contains(at))) {
            continue;
        }
        let statuses = source.decisions.in_tests.iter().filter(|one| reached.contains(&one.function));
        found.push(About {
            test,
            statuses: statuses.map(|one| one.low).collect(),
            name: test.name.to_lowercase().replace(['_', '-'], " "),
            fakes: faking.contains(path) || handed(clay, &reached),
        });
    }
    found
}

/// Names of Clay's that no other test would write down.
fn telling(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("clay") || lower.contains("/routines/") || lower.contains(clay::WEBHOOK_PATH)
}

/// The test listens itself, and Clay's address leads there.
fn handed(clay: &Integration<'_>, reached: &BTreeSet<usize>) -> bool {
    clay.source
        .uses
        .iter()
        .any(|one| one.meaning == Meaning::Listen && one.role == Role::Test && reached.contains(&one.function))
}

/// A case that has to be tested.
struct Case {
    key: &'static str,
    statuses: &'static [u16],
    words: &'static [&'static str],
    en: &'static str,
    zh: &'static str,
}

impl Case {
    fn holds(&self, one: &About<'_>) -> bool {
        self.statuses.iter().any(|status| one.statuses.contains(status))
            || self.words.iter().any(|word| one.name.contains(word))
    }
}

/// The cases for what the program does with Clay: calls, deliveries, or both.
fn wanted(clay: &Integration<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    if !clay.calls.is_empty() {
        cases.push(Case {
            key: "payload",
            statuses: &[],
            words: &["payload", "body", "send", "request", "post", "exact"],
            en: "what is sent to Clay is what was meant",
            zh: "发送给 Clay 的内容符合预期",
        });
        cases.push(Case {
            key: "failure",
            statuses: &[400, 401, 403, 404, 500, 502, 503],
            words: &["fail", "error", "raise", "throw", "reject", "non 2xx"],
            en: "an answer that is an error is one",
            zh: "错误应答会被视为错误",
        });
        cases.push(Case {
            key: "429",
            statuses: &[429],
            words: &["429", "rate limit", "ratelimit", "throttl", "too many"],
            en: "a 429 is waited for",
            zh: "429 时会等待",
        });
        cases.push(Case {
            key: "unset",
            statuses: &[],
            words: &[
                "unset",
                "not set",
                "missing key",
                "without key",
                "without a key",
                "unconfigured",
                "not configured",
                "disabled",
                "no key",
                "not_configured",
            ],
            en: "the program says so when Clay is not configured",
            zh: "未配置 Clay 时程序会明确提示",
        });
    }
    if clay.asks(|one| one != clay::Operation::Row) && !clay.calls.is_empty() {
        cases.push(Case {
            key: "402",
            statuses: &[402],
            words: &["402", "credit", "quota", "payment"],
            en: "a 402 stops the calls",
            zh: "402 会停止调用",
        });
    }
    if !clay.receivers.is_empty() {
        cases.push(Case {
            key: "forged",
            statuses: &[401, 403],
            words: &["forged", "signature", "secret", "unauthor", "unsigned"],
            en: "a forged delivery is refused",
            zh: "伪造的投递会被拒绝",
        });
        cases.push(Case {
            key: "twice",
            statuses: &[409],
            words: &["twice", "duplicate", "idempot", "again", "repeat", "replay"],
            en: "a delivery that comes twice has one effect",
            zh: "重复投递只产生一次效果",
        });
        cases.push(Case {
            key: "partial",
            statuses: &[],
            words: &["partial", "missing field", "null", "empty", "incomplete", "absent"],
            en: "fields that are missing do not erase what is known",
            zh: "缺失的字段不会清除已有数据",
        });
        cases.push(Case {
            key: "unknown",
            statuses: &[404],
            words: &["unknown", "not found", "no such", "unexpected id"],
            en: "a delivery for an unknown record is answered as one",
            zh: "未知记录的投递会得到相应应答",
        });
    }
    cases
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
