//! A branch for every error that Clay answers with.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength, Text,
};

use crate::shared::clay;

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

/// The branches are in the source. A list of what is tried again that holds a permanent answer is wrong already.
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
    match evidence.source_code()? {}
}
