//! No error is silently swallowed.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Tally, Text,
    evidence::{LostError, Meaning, SourceCode},
};

use crate::shared::program;

pub(crate) static CHECK: Check = Check {
    id: "errors.swallowed",
    title: Text { en: "No error is silently swallowed", zh: "没有被悄悄吞掉的错误" },
    source: &["B3.2f"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::PROGRAMS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Handle the error, hand it on, or log it once; delete empty catch blocks and ignored results.",
        zh: "处理、上抛或记录错误一次；移除空的 catch 与被忽略的结果。",
    },
    references: &["https://go.dev/blog/errors-are-values"],
    page: include_str!("swallowed.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let mut tally = Tally::new();
    for (at, one) in source.catches.iter().enumerate().filter(|(_, one)| one.role.counts()) {
        let key = format!("{}#{at}", one.place);
        if one.empty && is_broad(&one.types) {
            let what = if one.types.is_empty() { "any error".to_owned() } else { one.types.join(", ") };
            tally.miss(
                key,
                Finding::new(
                    &one.place,
                    format!("{what} is caught here and dropped without a word"),
                    format!(
                        "此处捕获 {} 后直接丢弃",
                        if one.types.is_empty() { "任意错误".to_owned() } else { one.types.join("、") }
                    ),
                ),
            );
        } else {
            tally.met(key, &one.place);
        }
    }
    for (at, one) in source.lost_errors.iter().enumerate().filter(|(_, one)| one.role.counts() && is_lost(source, one))
    {
        tally.miss(
            format!("lost {}#{at}", one.place),
            Finding::new(
                &one.place,
                format!("the error of {} is thrown away", one.call),
                format!("{} 返回的错误被丢弃", one.call),
            ),
        );
    }
    if tally.is_empty() {
        let unread = program::unknown_languages(source, &[Meaning::Logger, Meaning::LogCall, Meaning::Exit]);
        if let Some(language) = unread.first() {
            return Ok(program::trail_ends(
                format!("no handler of an error was found, and little is known of {language}"),
                format!("未找到错误处理代码，且对 {language} 所知有限"),
            ));
        }
        return Ok(Reading::not_applicable(
            format!("no handler of an error in {}", program::counted(program::files(source))),
            format!("{} 个源文件中没有错误处理代码", program::files(source)),
        ));
    }
    Ok(tally.reading("handlers of errors do something with them", "处错误处理对错误有所作为"))
}

/// A call that leaves the process, or one of the program's own that nobody says may fail. Tidying up may fail.
fn is_lost(source: &SourceCode, one: &LostError) -> bool {
    let last = one.call.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if one.in_catch || TIDYING.iter().any(|word| last.contains(word)) {
        return false;
    }
    let leaves = |callee| source.uses_of(callee).any(|(_, one)| one.meaning.is_outbound());
    one.used.is_some() || one.callee.is_some_and(|callee| !one.by_name || leaves(callee))
}

/// What is done last, and what tells of something else: its own failure changes nothing.
const TIDYING: &[&str] = &[
    "close", "rollback", "cleanup", "clean", "stop", "abort", "cancel", "shutdown", "remove", "release", "unlock",
    "flush", "sync", "log", "print",
];

/// It catches more than one kind of failure: dropping a narrow one is a decision.
fn is_broad(types: &[String]) -> bool {
    types.is_empty()
        || types.iter().any(|one| {
            let last = one.rsplit(['.', ':', '\\']).next().unwrap_or_default();
            matches!(last, "Exception" | "BaseException" | "Throwable" | "Error" | "StandardError" | "RuntimeException")
        })
}
