//! Levels are used and can be changed at run time.

use std::collections::BTreeSet;

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{EnvValue, EnvironmentRead, Meaning, SettingValue, SourceCode, Use},
};

use crate::shared::{declared_library, logs, production_workloads, program};

pub(crate) static CHECK: Check = Check {
    id: "observability.log-levels",
    title: Text {
        en: "Levels are used and can be changed at run time", zh: "使用日志级别且可在运行时调整"
    },
    source: &["B3.1b"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L1),
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Log with levels, default to INFO in production, and let the level be changed without a redeploy.",
        zh: "按级别记录日志，生产默认 INFO，并可在不重新部署的情况下调整级别。",
    },
    references: &["https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"],
    page: include_str!("log_levels.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(
        declared_library(evidence, Capability::StructuredLog, "levelled logging", "分级日志"),
        configured(evidence),
    )
}

/// Debug in production is a counterexample without any code.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        for container in workload.main_containers() {
            for variable in &container.env {
                if let EnvValue::Literal(value) = &variable.value
                    && level_variable(&variable.name)
                    && matches!(value.to_ascii_lowercase().as_str(), "debug" | "trace" | "all" | "silly" | "verbose")
                {
                    findings.push(
                        Finding::new(
                            &variable.place,
                            format!("{}={value} in production", variable.name),
                            format!("生产环境设置了 {}={value}", variable.name),
                        )
                        .in_environment(workload.environment.as_deref()),
                    );
                }
            }
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "production logs at a level for debugging",
            "生产环境以调试级别记录日志",
        ));
    }
    Ok(levels(evidence, evidence.source()?))
}

/// Levels are used, and something outside of the program says which of them are written.
fn levels(evidence: &Evidence<'_>, source: &SourceCode) -> Reading {
    let calls: Vec<&Use> = program::used(source, Meaning::LogCall).collect();
    let used: BTreeSet<&str> = calls.iter().filter_map(|call| level_of(&call.symbol)).collect();
    let Some(first) = calls.first().filter(|_| !used.is_empty()) else {
        if let Some(own) = logs::own_logger(source) {
            return program::trail_ends(
                format!("the program has a logger of its own ({}); what sets its level was not followed", own.place),
                format!("程序有自己的日志器（{}）；其级别的设置未能追踪", own.place),
            );
        }
        return program::nothing(
            evidence,
            source,
            &[Meaning::Logger, Meaning::LogCall],
            "nothing is logged with a level",
            "没有带级别的日志",
        );
    };
    let variable = source.environment.iter().find(|read| {
        read.role.counts() && (names_level(&read.name) || read.name == "DEBUG" && sets_level(source, read))
    });
    let from_outside = program::used(source, Meaning::Logger).find(|logger| {
        let level = logger.settings.get("level").map(|setting| &setting.value);
        // A level that is read from a text which is not written here comes from outside.
        let written =
            level.and_then(SettingValue::text).is_some_and(|text| level_of(text).is_some() && !text.contains('.'));
        let read = program::default(logger, "reads") == "level" && !written;
        // Set under a condition: what the program is told decides it.
        matches!(level, Some(SettingValue::Environment(..)))
            || read
            || program::default(logger, "changes") == "level"
            || level.is_some() && logger.in_branch
    });
    let place = variable.map(|read| &read.place).or_else(|| from_outside.map(|logger| &logger.place));
    if let Some(place) = place {
        return Reading::shown(
            [place.clone()],
            format!("{} levels are used, and what the program is told says which are written", used.len()),
            format!("使用了 {} 个级别，并由外部配置决定输出哪些", used.len()),
        );
    }
    let set = program::used(source, Meaning::Logger).find(|logger| logger.settings.contains_key("level"));
    match set.and_then(|logger| Some((logger, logger.settings.get("level")?))) {
        Some((logger, setting)) if setting.value == SettingValue::NotFollowed => program::trail_ends(
            format!("the level of {} at {} comes from where the trail does not lead", logger.symbol, setting.place),
            format!("{} 处 {} 的级别来源未能追踪", setting.place, logger.symbol),
        ),
        Some((logger, setting)) => Reading::refuted(
            vec![Finding::new(
                &setting.place,
                format!("the level of {} is fixed in the program", logger.symbol),
                format!("{} 的级别写死在程序中", logger.symbol),
            )],
            "the level cannot be changed without a new build",
            "不重新构建就无法调整级别",
        ),
        None if program::default(first, "facade") == "yes"
            && program::used(source, Meaning::Logger).next().is_none() =>
        {
            program::trail_ends(
                format!("{} hands on what is logged, and what writes it was not recognised", first.symbol),
                format!("{} 只转交日志，未能识别实际写出日志的组件", first.symbol),
            )
        }
        None => program::nothing(
            evidence,
            source,
            &[Meaning::Logger],
            &format!("nothing outside of the program sets the level of what {} and others write", first.symbol),
            &format!("没有外部配置决定 {} 等日志的级别", first.symbol),
        ),
    }
}

/// `DEBUG` is as often a mode of a framework as a level: it is one where a logger is made beside it with a level that is
/// no fixed one.
fn sets_level(source: &SourceCode, read: &EnvironmentRead) -> bool {
    program::used(source, Meaning::Logger)
        .filter(|logger| logger.function == read.function)
        .any(|logger| logger.settings.get("level").is_some_and(|setting| setting.value == SettingValue::NotFollowed))
}

/// `warn` of `log/slog.Logger.WarnContext`.
fn level_of(symbol: &str) -> Option<&'static str> {
    let last = symbol.rsplit('.').next()?.to_ascii_lowercase();
    let levels = ["trace", "debug", "info", "warn", "error", "fatal", "critical", "verbose", "notice", "exception"];
    levels.into_iter().find(|level| last.contains(level))
}

fn names_level(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "RUST_LOG" || name.contains("LOG") && name.contains("LEVEL") || name == "VERBOSITY"
}

fn level_variable(name: &str) -> bool {
    name == "RUST_LOG" || name == "LOGLEVEL" || name.ends_with("LOG_LEVEL") || name.ends_with("LOGGING_LEVEL")
}
