//! Clay in the health answer, at no cost and without hanging.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength, Text,
    evidence::{ProbeAction, WorkloadKind},
};

use crate::shared::{clay, production_workloads};

pub(crate) static CHECK: Check = Check {
    id: "clay.health",
    title: Text {
        en: "Health includes Clay connectivity and latency, without spending, bounded, cached",
        zh: "健康检查包含 Clay 的连通性和延迟，不产生消费、有时限、有缓存",
    },
    source: &["C3.1"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::LONG_RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Ask GET /public/v0/me in the background with a time limit, keep the answer for 30 to 60 s, report it as clay.connected and clay.latencyMs, and stay at 200 when Clay is down.",
        zh: "在后台限时请求 GET /public/v0/me，结果缓存 30 至 60 秒，以 clay.connected 和 clay.latencyMs 上报；Clay 不可用时仍返回 200。",
    },
    references: &["https://developers.clay.com"],
    page: include_str!("health.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || Readings::configured(configured(evidence)))
}

/// The answer is in the source. A probe that asks Clay itself is declared, and it spends, or restarts for a vendor.
fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for workload in production_workloads(evidence)? {
        let environment = workload.environment.as_deref();
        for container in workload.containers.iter().chain(&workload.init_containers) {
            let probes = [(&container.liveness, true), (&container.readiness, false), (&container.startup, true)];
            for (probe, restarts) in
                probes.into_iter().filter_map(|(probe, restarts)| Some((probe.as_ref()?, restarts)))
            {
                let ProbeAction::Exec { command } = &probe.action else { continue };
                findings.extend(
                    of_text(&command.join(" "), &probe.place, Some(restarts))
                        .map(|one| one.in_environment(environment)),
                );
            }
            // Only what runs again and again is a probe.
            if workload.kind == WorkloadKind::CronJob {
                for words in [&container.command, &container.args].into_iter().flatten() {
                    findings.extend(of_text(&words.value.join(" "), &words.place, None));
                }
            }
        }
    }
    for probe in evidence.objects_of(&["Probe"])?.into_iter().filter(|one| one.production) {
        for target in probe.body.list("spec.targets.staticConfig.static") {
            findings.extend(target.str().and_then(|text| of_text(text, &target.place, None)));
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "Clay is asked in a way that spends or restarts",
            "对 Clay 的探测会产生消费或引发重启",
        ));
    }
    match evidence.source_code()? {}
}

fn of_text(text: &str, place: &Place, restarts: Option<bool>) -> Option<Finding> {
    let url = clay::urls(text).into_iter().find(clay::Url::of_clay)?;
    if url.path.starts_with(clay::WEBHOOK_PATH) {
        return Some(Finding::new(
            place,
            "this probe posts to the table's webhook: it makes rows and uses up the 50,000 submissions of its life",
            "此探测会向表的 webhook 提交：产生行并消耗其终身 50,000 次提交额度",
        ));
    }
    if url.path.contains("/routines/") || url.path.contains("/search/") {
        return Some(Finding::new(
            place,
            "this probe starts work at Clay that is paid for",
            "此探测会触发付费的 Clay 任务",
        ));
    }
    let (en, zh) = if restarts? {
        ("an outage of Clay restarts this container", "Clay 故障会重启此容器")
    } else {
        ("an outage of Clay takes this container out of service", "Clay 故障会使此容器停止服务")
    };
    Some(Finding::new(place, en, zh))
}
