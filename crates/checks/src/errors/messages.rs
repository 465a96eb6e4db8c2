//! Users get one stable error envelope without internals.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength,
    Tally, Text, answers,
    evidence::{Meaning, Origin, SettingValue, Use},
};

use crate::shared::program;

pub(crate) static CHECK: Check = Check {
    id: "errors.messages",
    title: Text {
        en: "Users get one stable error envelope without internals",
        zh: "用户收到统一、稳定且不泄露内部信息的错误格式",
    },
    source: &["B3.2e"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::SERVERS,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Answer every error with one JSON envelope (code, message, request id, or problem+json) and leave stack traces to the log.",
        zh: "所有错误使用统一的 JSON 结构（代码、消息、请求 ID，或 problem+json），堆栈只写入日志。",
    },
    references: &["https://www.rfc-editor.org/rfc/rfc9457"],
    page: include_str!("messages.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

/// What is answered where something went wrong, and whether what went wrong flows into it.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let mut tally = Tally::new();
    let mut envelopes: BTreeSet<&str> = BTreeSet::new();
    for (id, answer) in source.uses_for(&[Meaning::ErrorAnswer]) {
        let into = source.flows.get(&id).into_iter().flat_map(|into| into.values()).flatten();
        let told = into.into_iter().find_map(|origin| match origin {
            Origin::Name(name) | Origin::Parameter(name) => Some(name.as_str()).filter(|name| internal(name)),
            _ => None,
        });
        // A status of 4xx says what the caller did wrong: the error was told from those of the inside.
        let told = told.filter(|name| !of_the_caller(answer) || is_trace(name));
        let key = answer.place.to_string();
        if let Some(name) = told {
            tally.miss(
                key,
                Finding::new(
                    &answer.place,
                    format!("{} answers with {name}: what went wrong inside is told to whoever asks", answer.symbol),
                    format!("{} 在应答中返回 {name}：内部错误细节会暴露给调用方", answer.symbol),
                ),
            );
        } else {
            envelopes.insert(program::default(answer, "envelope"));
            tally.met(key, &answer.place);
        }
    }
    let count = tally.count();
    if count.of == 0 {
        let files = program::files(source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no answer to an error was recognised in {sources}"),
            format!("在 {files} 个源文件中未识别出错误应答"),
        ));
    }
    if count.met == count.of {
        // Text is no envelope, and two envelopes are none that stays.
        let places: Vec<Place> = source.uses_for(&[Meaning::ErrorAnswer]).map(|(_, one)| one.place.clone()).collect();
        if let [envelope] = envelopes.iter().copied().collect::<Vec<_>>().as_slice()
            && !matches!(*envelope, "" | "text")
        {
            return Ok(Reading::shown(
                places,
                format!("{} answers to errors have one form ({envelope}) and tell nothing of the inside", count.of),
                format!("{} 处错误应答格式统一（{envelope}）且不泄露内部信息", count.of),
            ));
        }
        let place = places.first().cloned().unwrap_or_else(|| program::place(evidence, source));
        let finding = Finding::new(
            &place,
            "errors are answered with plain text, not with one envelope that a program can read",
            "错误以纯文本应答，而非程序可读的统一格式",
        );
        return Ok(Reading::partly(
            places,
            vec![finding],
            format!("{} answers to errors tell nothing of the inside; they have no envelope", count.of),
            format!("{} 处错误应答不泄露内部信息，但没有统一格式", count.of),
        ));
    }
    Ok(tally.reading("answers to errors tell nothing of the inside", "处错误应答不泄露内部信息"))
}

/// The answer says that the caller is wrong.
fn of_the_caller(answer: &Use) -> bool {
    let status = answer.settings.get("status").and_then(|status| match &status.value {
        SettingValue::Text(name) => answers().status(name).map(f64::from),
        value => value.number(),
    });
    status.is_some_and(|status| (400.0..500.0).contains(&status))
}

/// Where in the program it happened is no caller's matter.
fn is_trace(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "stack" | "format_exc()" | "getStackTrace()" | "printStackTrace()" | "StackTrace")
}

/// `err.Error()`, `error.stack`, `traceback.format_exc()`, or the error itself.
fn internal(name: &str) -> bool {
    let (head, last) = (name.split('.').next().unwrap_or(name), name.rsplit('.').next().unwrap_or(name));
    let error = matches!(head, "err" | "error" | "e" | "ex" | "exc" | "exception" | "cause");
    let own = head == last && error;
    own || is_trace(name)
        || error && matches!(last, "message" | "Error()" | "getMessage()" | "Message" | "toString()" | "args")
}
