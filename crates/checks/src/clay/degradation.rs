//! A reduced answer, and nothing that was accepted is lost.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Tally, Text,
    evidence::{EnvValue, EnvVar, Fate, Handling, Meaning, Volume, VolumeKind, Workload},
};

use crate::shared::{
    clay::{self, ClayCall, Integration},
    declared_library,
    outbound::Coverage,
    production_workloads, program,
};

pub(crate) static CHECK: Check = Check {
    id: "clay.degradation",
    title: Text {
        en: "Graceful degradation; nothing accepted is lost", zh: "优雅降级；已接收的数据不丢失"
    },
    source: &["C3.4"],
    standard: Standard::Clay,
    area: Area::Clay,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Answer with the record as it is, marked as pending, and keep what was accepted on storage that outlives the pod until Clay has it.",
        zh: "Clay 不可用时返回未丰富的记录并标记为待处理，已接收的数据保存在不随 Pod 消失的存储上，直至送达 Clay。",
    },
    references: &["https://kubernetes.io/docs/concepts/storage/volumes/#emptydir"],
    page: include_str!("degradation.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    clay::asked(evidence, CHECK.min, || program::readings(declared(evidence), configured(evidence)))
}

/// The variable that names the folder, the volume under it, the workload.
type Outbox<'a> = (&'a EnvVar, Option<&'a Volume>, &'a Workload);

/// The containers of production that are told a folder for what waits for Clay, and what lies under it.
fn outboxes<'a>(evidence: &Evidence<'a>) -> Result<Vec<Outbox<'a>>, Missing> {
    let mut found = Vec::new();
    for workload in production_workloads(evidence)?.into_iter().filter(|one| one.kind.kubernetes()) {
        for container in workload.main_containers() {
            for variable in container.env.iter().filter(|variable| names_outbox(&variable.name)) {
                let EnvValue::Literal(path) = &variable.value else { continue };
                if !path.starts_with('/') {
                    continue;
                }
                let mount = container
                    .mounts
                    .iter()
                    .filter(|mount| below(path, &mount.path))
                    .max_by_key(|mount| mount.path.len());
                let volume = mount.and_then(|mount| workload.volumes.iter().find(|volume| volume.name == mount.volume));
                // A claim of a template is a mount without a volume of the pod.
                if mount.is_some() && volume.is_none() {
                    continue;
                }
                found.push((variable, volume, workload));
            }
        }
    }
    Ok(found)
}

fn names_outbox(name: &str) -> bool {
    name.split('_').any(|word| matches!(word, "OUTBOX" | "SPOOL")) && !name.contains("URL")
}

fn below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn declared(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let kept: Vec<Place> = outboxes(evidence)?
        .into_iter()
        .filter(|(_, volume, _)| volume.is_some_and(|volume| matches!(volume.kind, VolumeKind::Claim(_))))
        .map(|(variable, ..)| variable.place.clone())
        .collect();
    if kept.is_empty() {
        return declared_library(evidence, Capability::Queue, "queues", "队列");
    }
    Ok(Reading::shown(
        kept,
        "what waits for Clay lies on a claimed volume; what is written there is in the source",
        "待发送至 Clay 的数据位于持久卷上；写入内容需看源代码",
    ))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut findings = Vec::new();
    for (variable, volume, workload) in outboxes(evidence)? {
        let lost = match volume {
            None => Some(("the container's own file system", "容器自身的文件系统")),
            Some(volume) if matches!(volume.kind, VolumeKind::EmptyDir) => Some(("an emptyDir", "emptyDir 卷")),
            Some(_) => None,
        };
        if let Some((en, zh)) = lost {
            findings.push(
                Finding::new(
                    &variable.place,
                    format!("{} lies on {en}: what was accepted goes with the pod", variable.name),
                    format!("{} 位于{zh}：已接收的数据会随 Pod 丢失", variable.name),
                )
                .in_environment(workload.environment.as_deref()),
            );
        }
    }
    for setting in clay::settings(evidence)? {
        if (setting.says("FALLBACK") || setting.says("DEGRADED") || setting.says("OUTBOX")) && setting.off() {
            findings.push(
                Finding::new(
                    setting.place,
                    format!("{} switches the fallback off in production", setting.name),
                    format!("{} 在生产环境关闭了降级", setting.name),
                )
                .in_environment(setting.environment),
            );
        }
    }
    if !findings.is_empty() {
        return Ok(Reading::refuted(
            findings,
            "what waits for Clay is not kept, or nothing stands in for it",
            "待发送数据未持久保存，或没有降级方案",
        ));
    }
    in_source(evidence)
}

/// What keeps a record that Clay did not take.
const STORES: &[Meaning] = &[
    Meaning::QueuePublish,
    Meaning::DatabaseCall,
    Meaning::StorageCall,
    Meaning::DeadLetter,
    Meaning::CacheCall,
    Meaning::Cache,
];

/// Each call that does work has something that stands in for it, and what it was given is kept.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let clay = clay::integration(evidence)?;
    if clay.calls.is_empty() {
        return Ok(clay.no_call());
    }
    let coverage = Coverage::of(clay.source, &[Meaning::Fallback]);
    let mut tally = Tally::new();
    for (operation, place, _, id) in &clay.operations {
        let Some(call) = clay.calls.iter().find(|call| call.id == *id) else { continue };
        // An answer to a question for health stands for itself.
        if *operation == clay::Operation::Me {
            continue;
        }
        let key = place.to_string();
        // A search gives nothing away that could be lost.
        let sends = matches!(operation, clay::Operation::Run | clay::Operation::Row);
        if let Some(thrown) = thrown_away(&clay, call) {
            tally.miss(
                &key,
                Finding::new(
                    thrown,
                    "nobody waits for this call to Clay: what was accepted is lost when the process ends",
                    "没有等待此处对 Clay 的调用：进程结束时已接收的数据会丢失",
                ),
            );
            continue;
        }
        let fallback = coverage.around(call.used.function).iter().find_map(|at| clay.source.uses.get(*at));
        match fallback.map(|one| one.place.clone()).or_else(|| stand_in(&clay, call, sends)) {
            Some(place) => tally.met(&key, &place),
            None => tally.miss(
                &key,
                if sends {
                    Finding::new(
                        place,
                        "what Clay does not take is not kept: no queue, no table, no file of its own",
                        "Clay 未接收的数据没有保存：没有队列、数据表或自有文件",
                    )
                } else {
                    Finding::new(place, "nothing stands in when Clay does not answer", "Clay 无应答时没有替代结果")
                },
            ),
        }
    }
    if tally.is_empty() {
        return Ok(Reading::not_applicable(
            format!("none of {} calls to Clay does work that could be lost", clay.calls.len()),
            format!("{} 个对 Clay 的调用均不承担可能丢失的工作", clay.calls.len()),
        ));
    }
    Ok(tally
        .reading("calls to Clay have something that stands in, and lose nothing", "项 Clay 调用有替代方案且不丢数据"))
}

/// The work is handed to something that lives in the process alone, or nobody waits for the call.
fn thrown_away<'a>(clay: &Integration<'a>, call: &ClayCall<'a>) -> Option<&'a Place> {
    let near = clay.near(call.used.function);
    let spawned = clay.source.uses_for(&[Meaning::Spawn]).find(|(id, one)| {
        let given = clay.source.flows.get(id).into_iter().flat_map(|into| into.values()).flatten();
        let own = one.wraps.iter().any(|function| near.contains(function));
        (own || given.into_iter().any(clay::of_clay)) && !stores_before(clay, one)
    });
    spawned.map(|(_, one)| &one.place).or_else(|| {
        let promise =
            matches!(call.used.place.path().rsplit('.').next(), Some("js" | "ts" | "mjs" | "cjs" | "tsx" | "jsx"));
        (promise && call.used.fate == Fate::Dropped).then_some(&call.used.place)
    })
}

/// Before the work is handed over, it is kept.
fn stores_before(clay: &Integration<'_>, handed: &gonogo_domain::evidence::Use) -> bool {
    let Some(function) = clay.source.functions.get(handed.function) else { return false };
    let own = function.calls.iter().flat_map(|callee| clay.source.uses_of(*callee).map(|(_, one)| one));
    let here = function.uses.iter().filter_map(|at| clay.source.uses.get(*at)).filter(|one| one.place < handed.place);
    own.chain(here).any(|one| STORES.contains(&one.meaning))
}

fn stand_in<'a>(clay: &Integration<'a>, call: &ClayCall<'a>, keeps: bool) -> Option<Place> {
    let near = clay.near(call.used.function);
    let functions = || near.iter().filter_map(|at| clay.source.functions.get(*at));
    let uses = functions().flat_map(|function| &function.uses).filter_map(|at| clay.source.uses.get(*at));
    let mut kept = uses.filter(|one| STORES.contains(&one.meaning) && one.place != call.used.place);
    if let Some(one) = kept.next() {
        return Some(one.place.clone());
    }
    // What those call that lead to the call may keep it: `outbox.claim()`, `repository.save(…)`.
    let others = functions().flat_map(|function| &function.calls).filter(|at| !near.contains(at));
    let found = others.flat_map(|at| clay.source.uses_of(*at)).find(|(_, one)| STORES.contains(&one.meaning));
    if let Some((_, one)) = found {
        return Some(one.place.clone());
    }
    let caught = clay
        .source
        .catches
        .iter()
        .find(|one| near.contains(&one.function) && one.role.counts() && one.does.contains(&Handling::Recovers));
    caught
        .map(|one| one.place.clone())
        .filter(|_| !keeps)
        .or_else(|| clay.by_hand(&["outbox", "enqueue", "deadletter", "spool"]).cloned())
}
