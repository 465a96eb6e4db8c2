//! A reduced answer, and nothing that was accepted is lost.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Missing, Place, Policy, Reading, Readings, Standard,
    Strength, Text,
    evidence::{EnvValue, EnvVar, Volume, VolumeKind, Workload},
};

use crate::shared::{clay, declared_library, production_workloads};

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
    clay::asked(evidence, CHECK.min, || {
        Readings::of(Strength::Declared, declared(evidence)).and(Strength::Configured, configured(evidence))
    })
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
    match evidence.source_code()? {}
}
