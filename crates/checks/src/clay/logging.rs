//! Logs for production: no debug output, nobody's data.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{EnvValue, FunctionId, Meaning, Origin, Use, UseId},
};

use crate::shared::{
    clay::{self, Integration},
    declared_library, production_workloads, program,
};

pub(crate) static CHECK: Check = Check {
    id: "clay.logging",
    title: Text {
        en: "Production logging, no personal data, no keys", zh: "生产级日志，不含个人数据和密钥"
    },
    source: &["C2.5"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: Some(90),
    record: &["environment", "canaries"],
    remediation: Text {
        en: "Log at info in production, as JSON, with request id, run id, status and latency; redact keys, the webhook URL, names, e-mails and phones before a line is written.",
        zh: "生产环境使用 info 级 JSON 日志，包含请求 ID、运行 ID、状态和耗时；写入前脱敏密钥、webhook URL、姓名、邮箱和电话。",
    },
    references: &["https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html"],
    page: include_str!("logging.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || {
        program::readings(
            declared_library(evidence, Capability::StructuredLog, "structured logs", "结构化日志"),
            configured(evidence),
        )
    })
}

/// A level that writes bodies and headers does so whatever the source means.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for variable in workload.main_containers().flat_map(|container| &container.env) {
            let EnvValue::Literal(value) = &variable.value else { continue };
            let level = matches!(variable.name.as_str(), "LOG_LEVEL" | "LOGLEVEL" | "LOG_VERBOSITY" | "CLAY_LOG_LEVEL");
            let verbose =
                level && matches!(value.to_ascii_lowercase().as_str(), "debug" | "trace" | "silly" | "verbose" | "all");
            let on = matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes" | "*");
            let bodies = on
                && variable.name.starts_with("CLAY_")
                && ["DEBUG", "LOG_BODY", "LOG_BODIES", "LOG_PAYLOAD", "LOG_PAYLOADS", "LOG_HEADERS"]
                    .iter()
                    .any(|end| variable.name.ends_with(end));
            if verbose || bodies {
                findings.push(
                    Finding::new(
                        &variable.place,
                        format!("{}={value} in production writes what Clay answers, persons included", variable.name),
                        format!("生产环境 {}={value} 会写出 Clay 的应答，包括个人数据", variable.name),
                    )
                    .in_environment(workload.environment.as_deref()),
                );
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "production logs at a level that is for debugging",
            "生产环境使用调试级别日志",
        ));
    }
    in_source(evidence)
}

/// Every line that the code around Clay writes, and what flows into it.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() && clay.receivers.is_empty() {
        return Ok(clay.no_call());
    }
    let handlers: std::collections::BTreeSet<FunctionId> =
        clay.receivers.iter().flat_map(|one| one.reached.iter().copied()).collect();
    let mut tally = Tally::new();
    for (id, line) in clay.source.uses_for(&[Meaning::LogCall, Meaning::PrintCall]) {
        if !clay.region.contains(&line.function) && !handlers.contains(&line.function) {
            continue;
        }
        let key = line.place.to_string();
        match written(&clay, id, line, &handlers) {
            Some((en, zh)) => tally.miss(key, Finding::new(&line.place, en, zh)),
            None => tally.met(key, &line.place),
        }
    }
    if tally.is_empty() {
        return Ok(program::trail_ends(
            format!("nothing that the code around Clay logs was recognised ({} calls)", clay.calls.len()),
            format!("未识别出 Clay 相关代码写入的日志（{} 个调用）", clay.calls.len()),
        ));
    }
    Ok(tally.reading(
        "lines that are logged around Clay hold no person and no key",
        "条与 Clay 相关的日志不含个人数据和密钥",
    ))
}

/// What a line writes that it must not.
fn written(
    clay: &Integration<'_>,
    id: UseId,
    line: &Use,
    handlers: &std::collections::BTreeSet<FunctionId>,
) -> Option<(String, String)> {
    for from in clay.source.flows.get(&id)?.values() {
        let names = || {
            from.iter().filter_map(|origin| match origin {
                Origin::Name(name) | Origin::Parameter(name) => Some(name.as_str()),
                _ => None,
            })
        };
        let key = from.iter().find_map(|origin| match origin {
            Origin::Environment(name) => Some(name.clone()).filter(|name| clay::is_credential(name)),
            Origin::Name(name) | Origin::Parameter(name) => clay::ours(name).filter(|name| clay::is_credential(name)),
            _ => None,
        });
        if let Some(key) = key {
            return Some((format!("this line writes {key}"), format!("此日志会写出 {key}")));
        }
        if let Some(name) = names().find(|name| personal(last(name))) {
            return Some((
                format!("this line writes {name}, which is about a person"),
                format!("此日志会写出个人数据 {name}"),
            ));
        }
        let harmless = names().any(|name| TELLING.contains(&plain(last(name)).as_str()));
        let answer =
            from.iter().any(|origin| matches!(origin, Origin::Use(id) if clay.calls.iter().any(|call| call.id == *id)));
        let body = names().any(|name| BODIES.contains(&plain(last(name)).as_str()));
        if answer && body && !harmless {
            return Some((
                "this line writes what Clay answers, persons included".to_owned(),
                "此日志会写出 Clay 的应答，包括个人数据".to_owned(),
            ));
        }
        let sent = from.iter().find_map(|origin| match origin {
            Origin::Parameter(name) => Some(name.as_str()).filter(|name| BODIES.contains(&plain(last(name)).as_str())),
            _ => None,
        });
        if let Some(name) = sent.filter(|_| handlers.contains(&line.function) && !harmless) {
            return Some((
                format!("this line writes {name} as Clay sent it, persons included"),
                format!("此日志会写出 Clay 发来的 {name}，包括个人数据"),
            ));
        }
    }
    None
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_' && *letter != '-').collect::<String>().to_ascii_lowercase()
}

/// What is taken out of an answer or a delivery as a whole.
const BODIES: &[&str] = &[
    "json()",
    "text()",
    "body",
    "body()",
    "rawbody",
    "data",
    "content",
    "text",
    "payload",
    "event",
    "record",
    "row",
    "lead",
    "person",
    "result",
    "results",
    "enriched",
    "readall()",
    "stringify()",
    "dumps()",
];

/// What is asked of a line about a call: it tells which call, not who it was about.
const TELLING: &[&str] = &[
    "status",
    "statuscode",
    "statuscode()",
    "status()",
    "code",
    "id",
    "runid",
    "routinerunid",
    "batchid",
    "requestid",
    "webhookid",
    "itemid",
    "count",
    "total",
    "finished",
    "length",
    "len()",
    "size",
    "latency",
    "latencyms",
    "elapsed",
    "duration",
    "milliseconds",
    "attempt",
    "kind",
    "type",
    "retryafter",
    "leadid",
    "recordid",
    "error",
    "message",
    "name",
];

/// The name of something about a person.
fn personal(name: &str) -> bool {
    matches!(
        plain(name).as_str(),
        "email"
            | "emailaddress"
            | "workemail"
            | "phone"
            | "phonenumber"
            | "mobile"
            | "fullname"
            | "firstname"
            | "lastname"
            | "linkedin"
            | "linkedinurl"
            | "linkedinprofile"
            | "birthdate"
    )
}
