//! A branch for every error that Clay answers with.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength,
    Tally, Text, answers,
};

use crate::shared::clay::{self, Integration, Operation};

pub(crate) static CHECK: Check = Check {
    id: "clay.error-types",
    title: Text {
        en: "All Clay error types have a branch, 402 and partial 200 included",
        zh: "Clay 的所有错误类型都有处理分支，包括 402 和部分成功的 200",
    },
    source: &["C2.3", "D1.4"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Branch on 400, 401, 402, 403, 404, 413, 422, 429, 5xx, no answer, 202 and items that failed inside a 200; stop on 402 until resets_at instead of trying again.",
        zh: "为 400、401、402、403、404、413、422、429、5xx、无应答、202 以及 200 中失败的条目分别处理；遇到 402 时停止到 resets_at，不要重试。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("error_types.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// A list of what is tried again that holds a permanent answer is wrong whatever the source does.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for setting in clay::settings(evidence)? {
        if !(setting.says("RETRY") || setting.says("RETRYABLE")) {
            continue;
        }
        let permanent: Vec<&str> = setting
            .value
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|status| matches!(*status, "400" | "401" | "402" | "403" | "404" | "413" | "422"))
            .collect();
        if !permanent.is_empty() {
            let list = permanent.join(", ");
            findings.push(
                Finding::new(
                    setting.place,
                    format!("{} tries {list} again, which no second try changes", setting.name),
                    format!("{} 会重试 {list}，而重试不会改变结果", setting.name),
                )
                .in_environment(setting.environment),
            );
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "a permanent answer is treated as a passing one",
            "永久性错误被当作临时错误处理",
        ));
    }
    in_source(evidence)
}

fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() {
        return Ok(clay.no_call());
    }
    let mut tally = Tally::new();
    for (key, place, en, zh) in kinds(&clay) {
        match place {
            Some(place) => tally.met(key, place),
            None => tally.miss(key, clay.missing(evidence, en, zh)),
        }
    }
    for one in clay.retried_in_vain() {
        let (status, name) = (one.low, one.named.as_deref().unwrap_or_default());
        tally.miss(
            format!("retry of {status}"),
            Finding::new(
                &one.place,
                format!("{name} tries {status} again, which no second try changes"),
                format!("{name} 会重试 {status}，而重试不会改变结果"),
            ),
        );
    }
    for (operation, place, _, id) in clay.operations.iter().filter(|(operation, ..)| operation.charges()) {
        let Some(call) = clay.calls.iter().find(|call| call.id == *id) else { continue };
        if let Some(retry) = clay.tried_again(call) {
            let (en, zh) = match operation {
                Operation::Row => (
                    "a row is sent again whatever happened: the table may get it twice",
                    "无论发生什么都会重发该行：表中可能出现重复",
                ),
                _ => (
                    "paid work is started again whatever happened: Clay has no idempotency key and may charge twice",
                    "无论发生什么都会重新启动付费任务：Clay 没有幂等键，可能重复扣费",
                ),
            };
            tally.miss(
                format!("{operation:?} again"),
                Finding::new(place, en, zh).also(retry, "tried again here", "在此处重试"),
            );
        }
    }
    Ok(tally.reading("kinds of Clay's answers have a branch of their own", "类 Clay 应答有各自的处理分支"))
}

/// What has to be told apart: its name, the branch, and what to say where there is none.
type Kind<'a> = (&'static str, Option<&'a Place>, &'static str, &'static str);

/// The answers that the calls of this program can get (field-notes D1.4).
fn kinds<'a>(clay: &Integration<'a>) -> Vec<Kind<'a>> {
    let words = answers().outcomes();
    let api = clay.asks(|one| one != Operation::Row);
    let mut kinds: Vec<Kind<'a>> = vec![
        (
            "401",
            clay.branch(401),
            "no branch for 401: a key that Clay refuses looks like any other error",
            "没有 401 分支：被 Clay 拒绝的密钥与其他错误无异",
        ),
        (
            "429",
            clay.branch(429),
            "no branch for 429: nothing waits as long as Clay asks",
            "没有 429 分支：不会按 Clay 要求的时间等待",
        ),
        (
            "5xx",
            clay.of_server(),
            "no branch for 5xx: an outage of Clay looks like a wrong request",
            "没有 5xx 分支：Clay 故障与错误请求无异",
        ),
        ("no answer", clay.no_answer(), "nothing handles a call that gets no answer", "没有处理无应答的调用"),
        (
            "400, 404, 413, 422",
            clay.among(400).or_else(|| clay.branch(400)),
            "an answer of 400, 404, 413 or 422 is taken for a success",
            "400、404、413、422 的应答被当作成功",
        ),
    ];
    if api {
        kinds.push((
            "403",
            clay.branch(403),
            "no branch for 403: a plan that lacks the feature looks like any other error",
            "没有 403 分支：套餐缺少功能与其他错误无异",
        ));
        kinds.push((
            "402",
            clay.branch(402),
            "no branch for 402: without credits it goes on asking",
            "没有 402 分支：额度耗尽后仍继续请求",
        ));
    }
    if clay.asks(|one| one == Operation::Results) {
        kinds.push((
            "202",
            clay.unfinished(),
            "no branch for 202: a run that is not finished is taken for its result",
            "没有 202 分支：未完成的运行被当作结果",
        ));
        kinds.push((
            "items that failed",
            clay.word(&words.failed),
            "items that failed inside of a 200 are taken for results",
            "200 中失败的条目被当作结果",
        ));
    }
    kinds
}
