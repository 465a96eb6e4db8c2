//! A new version that gets a tenth of the traffic first, then half of it, then all.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{SettingsKind, WorkloadKind},
};

use crate::shared::{clay, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "clay.rollout",
    title: Text {
        en: "Gradual rollout 10 % for 10 min, 50 % for 5 min, 100 %, each step gated",
        zh: "渐进发布：10% 持续 10 分钟、50% 持续 5 分钟、100%，每步均有关卡",
    },
    source: &["C6"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Set the steps 10 % for 10 min and 50 % for 5 min, each ended by an analysis of errors and latency against the old version, and route traffic by weight, not by the number of pods.",
        zh: "设置 10% 持续 10 分钟、50% 持续 5 分钟的步骤，每步由对比旧版本的错误率和延迟分析决定，并按权重而非 Pod 数分配流量。",
    },
    references: &[
        "https://argo-rollouts.readthedocs.io/en/stable/features/canary/",
        "https://docs.flagger.app/usage/how-it-works",
    ],
    page: include_str!("rollout.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// A stretch of the rollout at one weight.
#[derive(Debug)]
struct Step {
    /// Percent of the traffic.
    weight: f64,
    /// Seconds; a step that a person ends is as long as it takes.
    hold: f64,
    gated: bool,
    place: Place,
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut places = Vec::new();
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)?.into_iter().filter(|one| one.kind == WorkloadKind::Rollout) {
        if let Some(canary) = workload.body.at("spec.strategy.canary") {
            let steps = of_argo(canary);
            let mut own = problems(&steps, &canary.place);
            own.extend(uncontrolled(&steps, canary, workload.replicas.as_ref().map_or(1, |replicas| replicas.value)));
            findings.extend(own.into_iter().map(|finding| finding.in_environment(workload.environment.as_deref())));
            places.push(canary.place.clone());
        }
    }
    for canary in evidence
        .objects_of(&["Canary"])?
        .into_iter()
        .filter(|one| one.production && one.api_version.starts_with("flagger.app/"))
    {
        let Some(analysis) = canary.body.at("spec.analysis").or_else(|| canary.body.at("spec.canaryAnalysis")) else {
            continue;
        };
        let skipped = canary.body.bool_at("spec.skipAnalysis") == Some(true);
        findings.extend(problems(&of_flagger(analysis, !skipped), &analysis.place));
        places.push(analysis.place.clone());
    }
    for file in evidence.settings()?.iter().filter(|file| file.kind == SettingsKind::Rollout) {
        findings.extend(problems(&of_file(&file.body), &file.place));
        places.push(file.place.clone());
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "the rollout's steps are not the ones that are asked for",
            "发布步骤与要求不符",
        ));
    }
    if !places.is_empty() {
        return Ok(Reading::shown(
            places,
            "10 % for 10 min, 50 % for 5 min, 100 %, each step gated",
            "10% 持续 10 分钟、50% 持续 5 分钟、100%，每步均有关卡",
        ));
    }
    if let Some(finding) = paused_by_hand(evidence)? {
        return Ok(Reading::refuted(
            vec![finding],
            "the rollout waits; nothing looks at what it does meanwhile",
            "发布仅在等待，期间无人检查",
        ));
    }
    Ok(Reading::elsewhere(
        Message::new("no rollout in steps is declared here", "此处未声明分步发布"),
        Message::new("the Rollout, the Canary or the rollout file", "Rollout、Canary 或发布文件"),
    ))
}

fn problems(steps: &[Step], whole: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(first) = steps.first() else {
        return vec![Finding::new(whole, "has no steps: all traffic moves at once", "没有步骤：流量一次性切换")];
    };
    if first.weight > 10.0 {
        findings.push(Finding::new(
            &first.place,
            format!("begins with {} % of the traffic; 10 % are asked for", first.weight),
            format!("首步即为 {}% 流量；要求 10%", first.weight),
        ));
    }
    for (above, most, least) in [(0.0, 10.0, 600.0), (10.0, 50.0, 300.0)] {
        let inside = || steps.iter().filter(|step| step.weight > above && step.weight <= most);
        let held: f64 = inside().map(|step| step.hold).sum();
        let place = inside().next_back().map_or(whole, |step| &step.place);
        if held < least && (above > 0.0 || first.weight <= 10.0) {
            findings.push(Finding::new(
                place,
                format!("stays at up to {most} % for {held} s; {least} s are asked for"),
                format!("在不超过 {most}% 处仅停留 {held} 秒；要求 {least} 秒"),
            ));
        }
    }
    for step in steps.iter().filter(|step| !step.gated && step.weight < 100.0) {
        findings.push(Finding::new(
            &step.place,
            format!("nothing gates the step at {} %", step.weight),
            format!("{}% 这一步没有关卡", step.weight),
        ));
    }
    findings
}

fn of_argo(canary: &Node) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let background = canary.get("analysis").filter(|analysis| !analysis.list("templates").is_empty());
    let starting = background.and_then(|analysis| analysis.int_at("startingStep")).unwrap_or(0);
    for (step, index) in canary.list("steps").iter().zip(0_i64..) {
        if let Some(weight) = step.get("setWeight").and_then(Node::float) {
            steps.push(Step { weight, hold: 0.0, gated: false, place: step.place.clone() });
        }
        let Some(last) = steps.last_mut() else { continue };
        if let Some(pause) = step.get("pause") {
            last.hold +=
                pause.get("duration").map_or(f64::INFINITY, |duration| duration.str().and_then(seconds).unwrap_or(0.0));
        }
        let inline = step.get("analysis").is_some()
            || step.get("experiment").is_some_and(|inner| !inner.list("analyses").is_empty());
        last.gated |= inline || (background.is_some() && index >= starting);
    }
    steps
}

/// Without a router the weight is made of pods: a tenth of three pods is a third.
fn uncontrolled(steps: &[Step], canary: &Node, replicas: u32) -> Option<Finding> {
    let first = steps.first()?;
    let pods = f64::from(replicas) * first.weight / 100.0;
    (canary.get("trafficRouting").is_none() && pods < 1.0 && first.weight > 0.0).then(|| {
        Finding::new(
            &first.place,
            format!("without traffic routing {} % of {replicas} replicas is a whole pod", first.weight),
            format!("没有流量路由时，{replicas} 个副本的 {}% 仍是一整个 Pod", first.weight),
        )
    })
}

fn of_flagger(analysis: &Node, judged: bool) -> Vec<Step> {
    let interval = analysis.str_at("interval").and_then(seconds).unwrap_or(60.0);
    let gated = judged && (!analysis.list("metrics").is_empty() || !analysis.list("webhooks").is_empty());
    let listed: Vec<(f64, &Place)> =
        analysis.list("stepWeights").iter().filter_map(|one| Some((one.float()?, &one.place))).collect();
    let step = |(weight, place): (f64, &Place)| Step { weight, hold: interval, gated, place: place.clone() };
    if !listed.is_empty() {
        return listed.into_iter().map(step).collect();
    }
    let Some(width) = analysis.get("stepWeight").filter(|node| node.float().is_some_and(|width| width >= 1.0)) else {
        return Vec::new();
    };
    let most = analysis.float_at("maxWeight").unwrap_or(100.0).min(100.0);
    let by = width.float().unwrap_or(100.0);
    (1..=100_u32)
        .map(|count| by * f64::from(count))
        .take_while(|weight| *weight <= most)
        .map(|weight| step((weight, &width.place)))
        .collect()
}

/// The rollout file: `[[step]]` with `weight`, `hold` and what gates it.
fn of_file(body: &Node) -> Vec<Step> {
    const GATES: [&str; 4] = ["analysis", "gate", "gates", "abort"];
    let gates = |node: &Node| GATES.iter().any(|key| node.get(key).is_some_and(|gate| !gate.is_null()));
    let whole = gates(body) || body.get("rollout").is_some_and(gates);
    let lists = ["step", "steps", "rollout.step", "rollout.steps"];
    let steps = lists.iter().map(|path| body.list(path)).find(|list| !list.is_empty()).unwrap_or_default();
    steps
        .iter()
        .filter_map(|step| {
            let weight = step.get("weight").or_else(|| step.get("percent"))?;
            let weight = weight.str()?.trim().trim_end_matches('%').trim().parse::<f64>().ok()?;
            let hold =
                ["hold", "for", "pause", "duration", "wait"].iter().find_map(|key| step.str_at(key)).and_then(seconds);
            Some(Step { weight, hold: hold.unwrap_or(0.0), gated: whole || gates(step), place: step.place.clone() })
        })
        .collect()
}

/// `600`, `10m`, `1h30m`, `10 min`.
fn seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let number: f64 = rest.get(..end)?.parse().ok()?;
        let tail = rest.get(end..)?.trim_start();
        let unit_end = tail.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(tail.len());
        total += number
            * match tail.get(..unit_end)? {
                "" | "s" | "sec" | "seconds" => 1.0,
                "m" | "min" | "minutes" => 60.0,
                "h" | "hours" => 3600.0,
                _ => return None,
            };
        rest = tail.get(unit_end..)?.trim_start();
    }
    Some(total)
}

/// A pipeline or a document that pauses a rollout and sleeps.
fn paused_by_hand(evidence: &Evidence<'_>) -> Result<Option<Finding>, Missing> {
    let by_hand = |text: &str| text.contains("rollout pause") && text.contains("sleep ");
    let finding = |place: &Place| {
        Finding::new(
            place,
            "pauses the rollout and sleeps: the pods that exist by chance get the traffic, and no figure ends it",
            "暂停发布后仅 sleep：流量取决于碰巧存在的 Pod 数，且没有指标来终止",
        )
    };
    let steps = evidence.pipelines()?.iter().flat_map(gonogo_domain::evidence::Pipeline::steps);
    for (_, step) in steps {
        if step.run.as_deref().is_some_and(by_hand) {
            return Ok(Some(finding(&step.place)));
        }
    }
    let blocks = evidence.documents()?.iter().flat_map(|document| &document.sections).flat_map(|section| &section.code);
    Ok(blocks.into_iter().find(|block| by_hand(&block.text)).map(|block| finding(&block.place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<f64>) {
        assert_eq!(seconds(text), expect, "{text}");
    }

    #[test]
    fn lengths_of_time_are_read() {
        check("600", Some(600.0));
        check("10m", Some(600.0));
        check("1h30m", Some(5400.0));
        check("5 min", Some(300.0));
        check("soon", None);
        check("10é", None);
    }
}
