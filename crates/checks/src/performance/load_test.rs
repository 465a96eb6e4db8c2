//! A load test of this version, with limits that it had to keep.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{Document, DocumentKind, Purpose, ResultFile, ResultKind},
};

use crate::shared::secrets::{of_examples, of_tests};

pub(crate) static CHECK: Check = Check {
    id: "performance.load-test",
    title: Text {
        en: "Load-test result for this version with pass/fail thresholds",
        zh: "当前版本有带通过/失败阈值的压测结果",
    },
    source: &["B3.3a"],
    standard: Standard::ProductionReadiness,
    area: Area::Performance,
    level: None,
    gate: Gate::Required,
    min: Strength::Exercised,
    classes: Classes::SERVERS,
    fresh_days: Some(90),
    record: &["environment", "requests_per_second", "p95_ms", "p99_ms", "error_percent"],
    remediation: Text {
        en: "Run k6, Locust, Gatling or oha against a production build with thresholds for p95, p99 and errors, and keep the dated summary in the repository or attest it.",
        zh: "使用 k6、Locust、Gatling 或 oha 对生产构建执行带 p95、p99 与错误率阈值的压测，并在仓库中保存带日期的摘要或登记声明。",
    },
    references: &["https://grafana.com/docs/k6/latest/using-k6/thresholds/"],
    page: include_str!("load_test.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    let readings = Readings::of(Strength::Exercised, exercised(evidence));
    match configured(evidence) {
        Ok(None) => readings,
        Ok(Some(reading)) => readings.and(Strength::Configured, Ok(reading)),
        Err(missing) => readings.and(Strength::Configured, Err(missing)),
    }
}

/// The results of load tests in the repository, the newest first.
pub(crate) fn results<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a ResultFile>, Missing> {
    let mut results: Vec<&ResultFile> = evidence
        .results()?
        .iter()
        .filter(|result| result.kind == ResultKind::Load)
        .filter(|result| !fixture(result.place.path()))
        .collect();
    results.sort_by(|one, other| other.on.cmp(&one.on).then_with(|| one.place.cmp(&other.place)));
    Ok(results)
}

/// Load tests live below `tests` too; what is a fixture of another test lies deeper.
fn fixture(path: &str) -> bool {
    of_examples(path)
        || of_tests(path) && path.split('/').any(|part| matches!(part, "fixtures" | "testdata" | "golden" | "vendor"))
}

fn exercised(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if let Some(newest) = results(evidence)?.first() {
        return Ok(of_result(newest));
    }
    let drill = evidence.documents()?.iter().find(|document| of_load(document));
    if let Some(drill) = drill {
        return Ok(of_document(drill));
    }
    Ok(Reading::elsewhere(
        Message::new("no result of a load test lies in the repository", "仓库中没有压测结果"),
        Message::new(
            "a dated summary of k6, Locust, Vegeta, oha … in the repository, or an attestation with environment, rate, p95, p99 and errors",
            "仓库内带日期的 k6、Locust、Vegeta、oha 等摘要，或注明环境、速率、p95、p99 与错误率的声明",
        ),
    ))
}

fn of_result(result: &ResultFile) -> Reading {
    let failed: Vec<&str> =
        result.thresholds.iter().filter(|(_, held)| !held).map(|(threshold, _)| threshold.as_str()).collect();
    if !failed.is_empty() {
        let findings = failed
            .iter()
            .map(|threshold| {
                Finding::new(
                    &result.place,
                    format!("the threshold {threshold} did not hold"),
                    format!("阈值 {threshold} 未达到"),
                )
            })
            .collect();
        return Reading::refuted(findings, "the newest load test missed its thresholds", "最近一次压测未达到阈值")
            .dated(result.on);
    }
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    let mut lacks = |there: bool, word: &'static str, translated: &'static str| {
        if !there {
            en.push(word);
            zh.push(translated);
        }
    };
    lacks(result.on.is_some(), "no date", "日期");
    lacks(!result.thresholds.is_empty(), "no thresholds", "阈值");
    let percentile = |names: &[&str]| names.iter().any(|name| result.measures.contains_key(*name));
    lacks(percentile(&["p95_ms", "p97_5_ms", "p99_ms"]), "no p95 or p99", "p95 或 p99");
    lacks(percentile(&["requests_per_second"]), "no rate", "速率");
    if en.is_empty() {
        return Reading::shown(
            [result.place.clone()],
            format!("a load test with {} kept its {} thresholds", result.tool, result.thresholds.len()),
            format!("使用 {} 的压测满足全部 {} 个阈值", result.tool, result.thresholds.len()),
        )
        .dated(result.on);
    }
    let finding =
        Finding::new(&result.place, format!("the result says {}", en.join(", ")), format!("结果缺少{}", zh.join("、")));
    Reading::partly(
        [result.place.clone()],
        vec![finding],
        "a result is here and leaves open what it proves",
        "已有结果，但不足以证明",
    )
    .dated(result.on)
}

/// A dated record of a load test, written by a person.
fn of_load(document: &Document) -> bool {
    let title = document.title.to_lowercase();
    matches!(document.kind, DocumentKind::Drill | DocumentKind::Other)
        && ["load test", "load-test", "stress test", "performance test", "压测", "负载测试"]
            .iter()
            .any(|word| title.contains(word))
        && document.dated.is_some()
        && document.placeholders.is_empty()
}

fn of_document(document: &Document) -> Reading {
    let mut text = document.lower_text();
    for table in document.sections.iter().flat_map(|section| &section.tables) {
        for cell in table.header.iter().chain(table.rows.iter().flatten()) {
            text.push_str(&cell.to_lowercase());
            text.push('\n');
        }
    }
    for item in document.sections.iter().flat_map(|section| &section.items) {
        text.push_str(&item.text.to_lowercase());
        text.push('\n');
    }
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let on = document.dated.as_ref().map(|(day, _)| *day);
    let mut findings = Vec::new();
    for (there, en, zh) in [
        (says(&["p95", "p99"]), "the record says no p95 or p99", "记录缺少 p95 或 p99"),
        (
            says(&["threshold", "target", "limit", "slo", "阈值", "目标"]),
            "the record says no thresholds",
            "记录缺少阈值",
        ),
        (
            says(&["staging", "production", "environment", "cluster", "环境"]),
            "the record says no environment",
            "记录缺少环境",
        ),
        (
            says(&["rps", "req/s", "requests/s", "requests per second", "users", "qps"]),
            "the record says no rate",
            "记录缺少速率",
        ),
    ] {
        if !there {
            findings.push(Finding::new(&document.place, en, zh));
        }
    }
    let place = document.place.clone();
    if findings.is_empty() {
        return Reading::shown([place], "a dated record of a load test with its thresholds", "带阈值的压测日期记录")
            .dated(on);
    }
    Reading::partly([place], findings, "a record is here and leaves open what it proves", "已有记录，但不足以证明")
        .dated(on)
}

/// CI runs a load test by itself: its results are elsewhere.
fn configured(evidence: &Evidence<'_>) -> Result<Option<Reading>, Missing> {
    let mut places: Vec<Place> = Vec::new();
    for pipeline in evidence.pipelines()?.iter().filter(|pipeline| pipeline.runs_by_itself()) {
        let by_itself = pipeline.runs_on_changes()
            || pipeline
                .triggers
                .iter()
                .any(|trigger| trigger == "schedule" || trigger == "release" || trigger == "tag");
        for (job, step) in pipeline.steps() {
            let counts = by_itself && step.tolerated.is_none() && job.tolerated.is_none() && !job.manual;
            if counts && step.purposes.contains(&Purpose::LoadTest) {
                places.push(step.place.clone());
            }
        }
    }
    Ok((!places.is_empty()).then(|| {
        Reading::shown(
            places,
            "CI runs a load test by itself; no result of it is in the repository",
            "CI 会自动运行压测；但仓库中没有其结果",
        )
    }))
}
