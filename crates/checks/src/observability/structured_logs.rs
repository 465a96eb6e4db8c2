//! Logs are structured.

use std::collections::BTreeMap;

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{EnvValue, Meaning, SourceCode, Use},
};

use crate::shared::{
    declared_library,
    logs::{self, Format},
    production_workloads, program,
};

pub(crate) static CHECK: Check = Check {
    id: "observability.structured-logs",
    title: Text { en: "Logs are structured", zh: "日志是结构化的" },
    source: &["B3.1a", "B6.5"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L2),
    gate: Gate::Never,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Configure one JSON logger in the entry point, with time, level, message and trace id on every line, and print nothing beside it.",
        zh: "在入口处配置统一的 JSON 日志器，每行包含时间、级别、消息与 trace id，且不再直接打印。",
    },
    references: &["https://opentelemetry.io/docs/specs/otel/logs/data-model/"],
    page: include_str!("structured_logs.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(
        declared_library(evidence, Capability::StructuredLog, "structured logging", "结构化日志"),
        configured(evidence),
    )
}

/// A variable that switches the format to text in production is a counterexample; that it says JSON proves nothing yet.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && matches!(
                        variable.name.as_str(),
                        "LOG_FORMAT" | "LOGGING_FORMAT" | "LOG_ENCODING" | "LOG_OUTPUT_FORMAT"
                    )
                    && matches!(
                        value.to_ascii_lowercase().as_str(),
                        "text" | "console" | "pretty" | "plain" | "logfmt-color"
                    )
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value}: production logs are text", variable.name),
                            format!("{}={value}：生产日志为纯文本", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(findings, "production logs are not structured", "生产日志不是结构化的"));
    }
    Ok(statements(evidence, evidence.source()?))
}

/// Every place that writes a log, and whether what it writes is a record.
fn statements(evidence: &Evidence<'_>, source: &SourceCode) -> Reading {
    let loggers: Vec<&Use> = program::used(source, Meaning::Logger).filter(|one| logs::in_force(one)).collect();
    let mut tally = Tally::new();
    let mut open: Vec<&Use> = Vec::new();
    // A file that prints in twenty lines is one thing to mend.
    let mut misses: BTreeMap<(String, &str), (usize, &Use)> = BTreeMap::new();
    // The last words of a process are no record in any language.
    for call in program::used(source, Meaning::LogCall).filter(|call| program::default(call, "ends") != "yes") {
        match logs::format(call, &loggers) {
            Format::Structured(place) => tally.met(call.place.to_string(), &place),
            Format::Text => {
                misses.entry((call.place.path().to_owned(), &call.symbol)).or_insert((0, call)).0 += 1;
            }
            Format::Unknown => open.push(call),
        }
    }
    let served = logs::served(source);
    let last_words = logs::last_words(source);
    for call in program::used(source, Meaning::PrintCall) {
        if logs::of_a_command(source, call, &served) || last_words.contains(&call.function) {
            continue;
        }
        misses.entry((call.place.path().to_owned(), &call.symbol)).or_insert((0, call)).0 += 1;
    }
    // Where all that writes lies in a logger of the program's own, it decides what is written.
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let own = logs::own_logger(source).filter(|own| {
        let home = folder(own.place.path());
        !misses.is_empty() && misses.keys().all(|(path, _)| folder(path) == home)
    });
    if let Some(own) = own {
        return program::trail_ends(
            format!("the program has a logger of its own ({}); what it writes was not followed", own.place),
            format!("程序有自己的日志器（{}）；其输出格式未能追踪", own.place),
        );
    }
    // What writes a line for each request writes most of the lines.
    for logger in &loggers {
        match logs::own(logger) {
            Format::Structured(_) => tally.met(logger.place.to_string(), &logger.place),
            Format::Text if !loggers.iter().any(|other| logs::replaces(other, logger)) => tally.miss(
                logger.place.to_string(),
                Finding::new(
                    &logger.place,
                    format!("{} writes lines of text", logger.symbol),
                    format!("{} 输出纯文本行", logger.symbol),
                ),
            ),
            Format::Text | Format::Unknown => (),
        }
    }
    for ((_, symbol), (times, call)) in misses {
        let (en, zh) = match times {
            1 => (String::new(), String::new()),
            _ => (format!(", {times} times in this file"), format!("，此文件中共 {times} 处")),
        };
        tally.miss(
            call.place.to_string(),
            Finding::new(
                &call.place,
                format!("{symbol} writes text that is no record{en}"),
                format!("{symbol} 输出非结构化文本{zh}"),
            ),
        );
    }
    let count = tally.count();
    if count.met == count.of
        && let Some(call) = open.first()
    {
        return program::trail_ends(
            format!("the logger of {} at {} is set up where the trail does not lead", call.symbol, call.place),
            format!("{} 处 {} 的日志器配置未能追踪", call.place, call.symbol),
        );
    }
    if tally.is_empty() {
        return program::nothing(
            evidence,
            source,
            &[Meaning::Logger, Meaning::LogCall],
            "nothing is logged",
            "没有任何日志",
        );
    }
    match open.len() {
        0 => tally.reading("places that log write records", "处日志输出为结构化记录"),
        open => tally.reading(
            &format!("places that log write records; what {open} more write was not followed"),
            &format!("处日志输出为结构化记录；另有 {open} 处的输出未能追踪"),
        ),
    }
}
