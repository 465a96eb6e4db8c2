//! Clay in the health answer, at no cost and without hanging.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard, Strength,
    Tally, Text,
    evidence::{Meaning, Origin, ProbeAction, ServedRoute, WorkloadKind},
};

use crate::shared::{
    clay::{self, Integration, Operation},
    health,
    outbound::{self, Bound},
    production_workloads, program,
};

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

/// A probe that asks Clay itself spends, or restarts for a vendor, whatever the source does.
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
    in_source(evidence)
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

/// Longer than this a health answer must not hang on a vendor: milliseconds.
const LONGEST: f64 = 10_000.0;

/// The route that answers for health asks Clay what costs nothing, within a time, and not each time.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() {
        return Ok(clay.no_call());
    }
    let routes = health::routes(clay.source, &health::asked(evidence)?);
    let mut tally = Tally::new();
    for route in &routes {
        let Some(handler) = route.handler else { continue };
        let reached = clay.source.reached(handler);
        let asked: Vec<_> = clay.operations.iter().filter(|(_, _, function, _)| reached.contains(function)).collect();
        for (operation, place, _, _) in &asked {
            let key = format!("{} {place}", health::title(route));
            match operation {
                Operation::Me | Operation::Unknown => of_probe(&clay, route, handler, &mut tally),
                Operation::Row => tally.miss(
                    key,
                    Finding::new(
                        place,
                        format!("{} posts to the table's webhook: it makes rows and uses up the 50,000 submissions of its life", health::title(route)),
                        format!("{} 会向表的 webhook 提交：产生行并消耗其终身 50,000 次提交额度", health::title(route)),
                    ),
                ),
                _ => tally.miss(
                    key,
                    Finding::new(
                        place,
                        format!("{} starts work at Clay that is paid for", health::title(route)),
                        format!("{} 会触发付费的 Clay 任务", health::title(route)),
                    ),
                ),
            }
        }
    }
    if !tally.is_empty() {
        return Ok(tally.reading("demands on the question to Clay are met", "项对 Clay 探测的要求得到满足"));
    }
    let me = clay.operations.iter().find(|(operation, ..)| *operation == Operation::Me);
    if let Some((_, place, function, _)) = me {
        if let Some(route) = beside(&clay, &routes, *function) {
            of_background(&clay, &mut tally, place, &route);
            return Ok(tally.reading("demands on the question to Clay are met", "项对 Clay 探测的要求得到满足"));
        }
        return Ok(program::trail_ends(
            format!("Clay is asked who the key belongs to at {place}; whether a health answer tells was not followed"),
            format!("{place} 处会询问密钥归属；健康检查是否上报未能追踪"),
        ));
    }
    if clay.source.routes.iter().all(|route| !route.role.counts()) {
        let files = program::files(clay.source);
        let sources = program::counted(files);
        return Ok(program::trail_ends(
            format!("no route was recognised in {sources}, so what answers for health was not followed"),
            format!("在 {files} 个源文件中未识别出路由，健康检查的应答未能追踪"),
        ));
    }
    let place = routes.first().map_or_else(|| clay.place(evidence), |route| route.place.clone());
    let (en, zh) = match routes.first() {
        Some(route) => (
            format!("{} says nothing of Clay", health::title(route)),
            format!("{} 未反映 Clay 的状态", health::title(route)),
        ),
        None => (
            "no route answers for health, so none tells of Clay".to_owned(),
            "没有健康检查路由，因而无法反映 Clay".to_owned(),
        ),
    };
    Ok(Reading::absent(Finding::new(&place, en, zh)))
}

/// What a question costs that a health handler asks itself.
fn of_probe(clay: &Integration<'_>, route: &ServedRoute, handler: usize, tally: &mut Tally) {
    let title = health::title(route);
    let reached = clay.source.reached(handler);
    let call = clay.calls.iter().find(|call| reached.contains(&call.used.function));
    let Some(call) = call else { return };
    match outbound::bound(clay.source, call.id, call.used) {
        Bound::At(length, place) if length <= LONGEST => tally.met("bounded", &place),
        Bound::Default(length) if length <= LONGEST => tally.met("bounded", &call.used.place),
        Bound::Made(place) | Bound::NotFollowed(place) => tally.met("bounded", &place),
        Bound::At(length, place) => tally.miss(
            "bounded",
            Finding::new(
                &place,
                format!("{title} may hang on Clay for {length} ms"),
                format!("{title} 可能因 Clay 挂起 {length} 毫秒"),
            ),
        ),
        Bound::Default(_) | Bound::Never | Bound::Off(_) | Bound::Discarded(_) => tally.miss(
            "bounded",
            Finding::new(
                &call.used.place,
                format!("{title} hangs with Clay: the call has no time limit of its own"),
                format!("{title} 会随 Clay 一起挂起：该调用没有自己的时限"),
            ),
        ),
    }
    let near = |at: &usize| reached.contains(at);
    let cached = clay
        .source
        .uses_of(handler)
        .find(|(_, one)| matches!(one.meaning, Meaning::Cache | Meaning::CacheCall))
        .map(|(_, one)| one.place.clone())
        .or_else(|| clay.source.decisions.ages.iter().find(|one| near(&one.function)).map(|one| one.place.clone()));
    match cached {
        Some(place) => tally.met("cached", &place),
        None => tally.miss(
            "cached",
            Finding::new(
                &route.place,
                format!("{title} asks Clay each time: nothing keeps the answer for a while"),
                format!("{title} 每次都请求 Clay：结果未做缓存"),
            ),
        ),
    }
    workspace(clay, &route.place, tally);
    latency(clay, &reached.into_iter().collect::<Vec<_>>(), &route.place, tally);
}

/// A loop asks Clay, and the answer for health tells what it found.
fn of_background(clay: &Integration<'_>, tally: &mut Tally, place: &Place, route: &ServedRoute) {
    tally.met("asked", place);
    let bounded = clay.calls.iter().all(|call| {
        !matches!(outbound::bound(clay.source, call.id, call.used), Bound::Never | Bound::Off(_) | Bound::Discarded(_))
    });
    if bounded {
        tally.met("bounded", place);
    } else {
        tally.miss("bounded", Finding::new(place, "the question to Clay has no time limit", "对 Clay 的询问没有时限"));
    }
    workspace(clay, place, tally);
    let path = route.handler.and_then(|at| clay.source.functions.get(at)).map(|one| one.place.path());
    let beside = clay.source.functions.iter().enumerate().filter(|(_, one)| Some(one.place.path()) == path);
    let functions: Vec<usize> = beside.map(|(at, _)| at).chain(clay.region.iter().copied()).collect();
    latency(clay, &functions, place, tally);
}

/// The health route whose code leads to a file that asks Clay itself, or that asks through one.
fn beside(clay: &Integration<'_>, routes: &[ServedRoute], function: usize) -> Option<ServedRoute> {
    let asking: std::collections::BTreeSet<&str> = clay
        .near(function)
        .iter()
        .filter_map(|at| clay.source.functions.get(*at))
        .map(|one| one.place.path())
        .collect();
    let leads = |route: &&ServedRoute| {
        let handler = route.handler.map(|at| clay.source.reached(at)).unwrap_or_default();
        handler.iter().filter_map(|at| clay.source.functions.get(*at)).any(|one| asking.contains(one.place.path()))
    };
    routes.iter().find(leads).cloned()
}

/// The key may be staging's: only the workspace that answers tells.
fn workspace(clay: &Integration<'_>, place: &Place, tally: &mut Tally) {
    let named = |origin: &Origin| match origin {
        Origin::Environment(name) | Origin::Name(name) | Origin::Parameter(name) | Origin::Text(name) => {
            name.to_ascii_lowercase().contains("workspace")
        }
        Origin::Use(_) => false,
    };
    let compared = clay.source.decisions.comparisons.iter().find(|one| one.from.iter().any(named));
    match compared {
        Some(one) => tally.met("workspace", &one.place),
        None => tally.miss(
            "workspace",
            Finding::new(
                place,
                "the workspace that answers is compared with none: a key of staging looks healthy",
                "未核对应答的工作区：预发布环境的密钥看起来也是健康的",
            ),
        ),
    }
}

fn latency(clay: &Integration<'_>, functions: &[usize], place: &Place, tally: &mut Tally) {
    let told = clay.source.texts.iter().find(|one| {
        let lower = one.text.to_ascii_lowercase();
        one.role.counts() && lower.contains("latency") && functions.contains(&one.function)
    });
    match told {
        Some(text) => tally.met("latency", &text.place),
        None => tally.miss(
            "latency",
            Finding::new(place, "the answer does not say how long Clay took", "应答未给出 Clay 的耗时"),
        ),
    }
}
