//! The release is as fast as the one before.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Indicator, ResultFile},
};

use super::load_test::results;
use crate::shared::monitoring;

pub(crate) static CHECK: Check = Check {
    id: "performance.baseline",
    title: Text {
        en: "P95/P99 baselines exist and the release is within them",
        zh: "存在 P95/P99 基线且当前版本未超出",
    },
    source: &["B3.3b"],
    standard: Standard::ProductionReadiness,
    area: Area::Performance,
    level: None,
    gate: Gate::Required,
    min: Strength::Exercised,
    classes: Classes::SERVERS,
    fresh_days: Some(90),
    record: &["environment", "baseline_p95_ms", "p95_ms"],
    remediation: Text {
        en: "Keep the summary of each release's load test, compare p95 and p99 with the one before, and hold the release above 20 % more.",
        zh: "保存每个版本的压测摘要，与上一版本比较 p95 与 p99，超出 20% 即暂缓发布。",
    },
    references: &["https://sre.google/sre-book/monitoring-distributed-systems/"],
    page: include_str!("baseline.md"),
    judge,
};

/// Runs of the same build differ by several percent; a fifth is more than chance (field-notes B3.3b).
const TOLERATED: f64 = 1.2;

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let readings = Readings::of(Strength::Exercised, exercised(evidence));
    match declared(evidence) {
        Ok(None) => readings,
        Ok(Some(reading)) => readings.and(Strength::Declared, Ok(reading)),
        Err(missing) => readings.and(Strength::Declared, Err(missing)),
    }
}

fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let results = results(evidence)?;
    let dated: Vec<&&ResultFile> = results.iter().filter(|result| result.on.is_some()).collect();
    let pair = dated.first().and_then(|newest| {
        let before = dated.iter().skip(1).find(|other| other.tool == newest.tool && other.on < newest.on)?;
        Some((**newest, **before))
    });
    if let Some((newest, before)) = pair {
        let mut findings = Vec::new();
        let mut compared = false;
        for (name, shown) in [("p95_ms", "p95"), ("p99_ms", "p99")] {
            let (Some(now), Some(then)) = (newest.measures.get(name), before.measures.get(name)) else { continue };
            compared = true;
            if *now > *then * TOLERATED {
                findings.push(
                    Finding::new(
                        &newest.place,
                        format!("{shown} rose from {then:.0} ms to {now:.0} ms"),
                        format!("{shown} 从 {then:.0} 毫秒升至 {now:.0} 毫秒"),
                    )
                    .also(&before.place, "the run before", "上一次结果"),
                );
            }
        }
        if !findings.is_empty() {
            return Ok(Reading::refuted(
                findings,
                "the newest run is slower than its baseline",
                "最近一次结果慢于基线",
            )
            .dated(newest.on));
        }
        if compared {
            return Ok(Reading::shown(
                [newest.place.clone(), before.place.clone()],
                "p95 and p99 of the newest run are within 20 % of the run before",
                "最近一次结果的 p95 与 p99 在上一次结果的 20% 以内",
            )
            .dated(newest.on));
        }
    }
    // A limit on a percentile that was kept is a baseline too.
    if let Some(newest) = dated.first()
        && newest.thresholds.iter().any(|(threshold, _)| is_percentile(threshold))
    {
        let missed: Vec<Finding> = newest
            .thresholds
            .iter()
            .filter(|(threshold, held)| !held && is_percentile(threshold))
            .map(|(threshold, _)| {
                Finding::new(
                    &newest.place,
                    format!("the limit {threshold} did not hold"),
                    format!("上限 {threshold} 未达到"),
                )
            })
            .collect();
        return Ok(if missed.is_empty() {
            Reading::shown([newest.place.clone()], "the limits on p95 or p99 held", "p95 或 p99 上限得到满足")
        } else {
            Reading::refuted(missed, "the newest run exceeded its limits", "最近一次结果超出上限")
        }
        .dated(newest.on));
    }
    Ok(Reading::elsewhere(
        Message::new("no two dated runs of a load test lie here to compare", "此处没有可供比较的两次带日期压测"),
        Message::new(
            "summaries of two runs, one with limits on p95 or p99, or a histogram in Prometheus",
            "两次结果的摘要、带 p95 或 p99 上限的一次结果，或 Prometheus 中的直方图",
        ),
    ))
}

fn is_percentile(threshold: &str) -> bool {
    ["p(95)", "p(99)", "p95", "p99", "95%", "99%"].iter().any(|word| threshold.contains(word))
}

/// An objective or an alert on latency says what is too slow; whether it is kept is telemetry.
fn declared(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let objectives =
        evidence.objectives()?.iter().filter(|one| one.indicator == Indicator::Latency).map(|one| one.place.clone());
    let alerts = monitoring::alerts(evidence)?.into_iter().filter(|rule| {
        rule.query.as_ref().is_ok_and(|query| {
            query.functions.iter().any(|name| name == "histogram_quantile") && !query.thresholds.is_empty()
        })
    });
    let places: Vec<Place> = objectives.chain(alerts.map(|rule| rule.place.clone())).collect();
    Ok((!places.is_empty()).then(|| {
        Reading::shown(
            places,
            "a limit on latency is declared; whether the release keeps it is telemetry",
            "已声明延迟上限；当前版本是否满足需看遥测",
        )
    }))
}
