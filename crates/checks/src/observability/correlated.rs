//! The three signals are joined.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Level, Missing, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{Meaning, SettingValue, SourceTextKind, Use},
};

use crate::shared::{declared_library, program};

pub(crate) static CHECK: Check = Check {
    id: "observability.correlated",
    title: Text { en: "The three signals are joined", zh: "日志、指标与追踪相互关联" },
    source: &["B5"],
    standard: Standard::ProductionReadiness,
    area: Area::Observability,
    level: Some(Level::L4),
    gate: Gate::Advised,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Put the trace id into every log line and exemplars into the duration histograms.",
        zh: "在每行日志中写入 trace id，并为耗时直方图附加 exemplar。",
    },
    references: &["https://grafana.com/docs/grafana/latest/fundamentals/exemplars/"],
    page: include_str!("correlated.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    program::readings(declared_library(evidence, Capability::Tracing, "tracing", "追踪"), configured(evidence))
}

/// Trace ids in the logs and exemplars in the metrics.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let Some(traced) = program::used(source, Meaning::Tracing).next() else {
        return Ok(program::nothing(
            evidence,
            source,
            &[Meaning::Tracing],
            "nothing is traced that logs and metrics could lead to",
            "没有可供日志与指标关联的追踪",
        ));
    };
    let logger = source.uses.iter().find(|one| one.role.counts() && program::default(one, "logs") == "trace id");
    let field = source.texts.iter().find(|text| {
        text.role.counts()
            && text.kind == SourceTextKind::RequestId
            && text.text.to_ascii_lowercase().starts_with("trace")
            && text.text != "traceparent"
            && text.given_to.is_some()
    });
    let written = logger.map(|one| &one.place).or_else(|| field.map(|text| &text.place));
    let carries = |one: &&Use| {
        let set = one.settings.get("exemplars").map(|setting| &setting.value);
        program::default(one, "exemplars") == "yes" || set.is_some_and(|value| *value != SettingValue::Flag(false))
    };
    let exemplar = source.uses.iter().filter(|one| one.role.counts()).find(carries);
    let mut tally = Tally::new();
    match written {
        Some(place) => tally.met("logs", place),
        None => tally.miss(
            "logs",
            Finding::new(&traced.place, "no line of the logs carries the trace id", "日志未携带 trace id"),
        ),
    }
    match exemplar {
        Some(one) => tally.met("metrics", &one.place),
        None => tally.miss(
            "metrics",
            Finding::new(&traced.place, "no metric carries exemplars of traces", "指标未携带追踪的 exemplar"),
        ),
    }
    Ok(tally.reading("signals lead to the traces", "种信号与追踪关联"))
}
