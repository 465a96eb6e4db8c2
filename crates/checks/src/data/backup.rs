//! Copies are made, often enough for what may be lost.

use gonogo_domain::{
    Area, Check, Classes, Evidence, Finding, Gate, Message, Missing, Place, Policy, Reading, Readings, Standard, State,
    Strength, Text,
    evidence::{Volume, VolumeKind},
    merge,
};

use super::{
    mechanisms::{Mechanism, mechanisms},
    state::{Objectives, stateless},
    stores::{Backup, stores},
};
use crate::shared::{
    figures::{said, said_zh},
    production_workloads,
};

pub(crate) static CHECK: Check = Check {
    id: "data.backup",
    title: Text {
        en: "Backups are configured, RPO and RTO are written down, interval ≤ RPO",
        zh: "已配置备份，写明 RPO 与 RTO，且备份间隔不大于 RPO",
    },
    source: &["B4.4a"],
    standard: Standard::ProductionReadiness,
    area: Area::Data,
    level: None,
    gate: Gate::Blocker,
    min: Strength::Configured,
    classes: Classes::RUNNING,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Switch the database's backups on in code, and write recovery_point and recovery_time under [service.NAME] in gonogo.toml.",
        zh: "在代码中启用数据库备份，并在 gonogo.toml 的 [service.NAME] 中写明 recovery_point 和 recovery_time。",
    },
    references: &["https://sre.google/sre-book/data-integrity/"],
    page: include_str!("backup.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    if let Some(reading) = stateless(evidence)? {
        return Ok(reading);
    }
    let objectives = Objectives::of(evidence)?;
    let mut copying = mechanisms(evidence)?;
    let covered = copying.iter().any(|mechanism| mechanism.general);
    let mut off = Vec::new();
    let mut open: Option<(Place, String)> = None;
    for store in stores(evidence)? {
        match store.backup {
            Backup::On(mechanism) => copying.push(mechanism),
            // A plan for the whole account or cluster takes it along.
            Backup::Off(_) | Backup::Open(..) if covered => (),
            Backup::Off(place) => off.push(
                Finding::new(&place, format!("{} is not backed up", store.name), format!("{} 没有备份", store.name))
                    .also(&store.place, "the database", "数据库"),
            ),
            Backup::Open(place, text) => open = open.or(Some((place, text))),
        }
    }
    // A dump reaches what lies in the pod, a snapshot of volumes does not.
    if copying.iter().all(|mechanism| mechanism.general) {
        off.extend(gone_with_the_pod(evidence)?);
    }
    if !off.is_empty() {
        return Ok(Reading::refuted(merge(off), "a database is not backed up", "有数据库没有备份"));
    }
    if copying.is_empty() {
        return Ok(nothing(&objectives, open));
    }
    Ok(compared(&copying, &objectives))
}

/// The image is a database, and a production workload that runs it mounts nothing that outlives its pod: its data end
/// with the pod, and no snapshot of a volume reaches them.
fn gone_with_the_pod(evidence: &Evidence<'_>) -> Result<Vec<Finding>, Missing> {
    let State::Kept { place, .. } = &evidence.service().state else { return Ok(Vec::new()) };
    // Where its own image is made of a database, it is one.
    let database = evidence.images()?.iter().any(|image| image.place.path() == place.path());
    let passing = |volume: &Volume| {
        matches!(volume.kind, VolumeKind::EmptyDir | VolumeKind::ConfigMap(_) | VolumeKind::Secret(_))
            || matches!(&volume.kind, VolumeKind::Csi { class: Some(_), .. })
    };
    let running = production_workloads(evidence)?.into_iter().filter(|workload| {
        database && workload.kind.kubernetes() && workload.kind.long_running() && workload.keeps_data.is_empty()
    });
    let findings = running.filter(|workload| workload.volumes.iter().all(passing)).map(|workload| {
        let finding = match workload.volumes.iter().find(|volume| volume.kind == VolumeKind::EmptyDir) {
            Some(volume) => Finding::new(
                &volume.place,
                "the database keeps its data in an emptyDir: they are gone with the pod, and no backup of a volume has them",
                "数据库将数据存放在 emptyDir 中：随 Pod 一同消失，卷备份也无法覆盖",
            ),
            None => Finding::new(
                &workload.place,
                "the database keeps its data in the container: no volume outlives the pod, and no backup of a volume has them",
                "数据库将数据存放在容器内：没有持久卷，随 Pod 一同消失，卷备份也无法覆盖",
            ),
        };
        finding.in_environment(workload.environment.as_deref())
    });
    Ok(findings.collect())
}

fn nothing(objectives: &Objectives, open: Option<(Place, String)>) -> Reading {
    if let Some((place, text)) = open {
        return Reading::elsewhere(
            Message::new(
                format!("{place}: {text} decides whether it is backed up, and its value is not here"),
                format!("{place}：是否备份取决于 {text}，其取值不在此处"),
            ),
            Message::new(format!("the value of {text}"), format!("{text} 的取值")),
        );
    }
    let figures = match (&objectives.point, &objectives.time) {
        (Some(_), Some(_)) => ("RPO and RTO are written down", "已写明 RPO 和 RTO"),
        (Some(_), None) => ("an RPO is written down, an RTO is not", "已写明 RPO，未写明 RTO"),
        (None, Some(_)) => ("an RTO is written down, an RPO is not", "已写明 RTO，未写明 RPO"),
        (None, None) => ("neither RPO nor RTO is written down", "RPO 和 RTO 均未写明"),
    };
    Reading::elsewhere(
        Message::new(
            format!("it keeps state, and nothing in this repository backs it up; {}", figures.0),
            format!("它保存状态，但此仓库中没有任何备份机制；{}", figures.1),
        ),
        Message::new(
            "what backs it up, as code, and recovery_point and recovery_time in gonogo.toml",
            "以代码形式给出的备份机制，以及 gonogo.toml 中的 recovery_point 和 recovery_time",
        ),
    )
}

fn compared(copying: &[Mechanism], objectives: &Objectives) -> Reading {
    let places = || copying.iter().map(|mechanism| mechanism.place.clone());
    // The one that copies most often decides how much is lost; the others keep longer.
    let best = copying
        .iter()
        .filter_map(|mechanism| Some((mechanism.interval?, mechanism)))
        .min_by_key(|(interval, _)| *interval);
    if let (Some(point), Some((interval, mechanism))) = (&objectives.point, best)
        && interval > point.seconds
    {
        let finding = Finding::new(
            &mechanism.place,
            format!(
                "{} runs every {}, and no more than {} may be lost",
                mechanism.what,
                said(interval),
                said(point.seconds)
            ),
            format!("{} 每 {} 运行一次，而最多允许丢失 {}", mechanism.what, said_zh(interval), said_zh(point.seconds)),
        )
        .also(&point.place, "the RPO", "RPO");
        return Reading::refuted(vec![finding], "backups are further apart than the RPO", "备份间隔大于 RPO");
    }
    let first = copying.first().map_or_else(|| Place::whole("."), |mechanism| mechanism.place.clone());
    let missing = match (&objectives.point, &objectives.time) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some((
            "no RTO is written down: nobody knows how long a restore may take",
            "未写明 RTO：无人知道恢复允许多久",
        )),
        (None, Some(_)) => {
            Some(("no RPO is written down: nobody knows how much may be lost", "未写明 RPO：无人知道允许丢失多少数据"))
        }
        (None, None) => Some(("neither RPO nor RTO is written down", "RPO 和 RTO 均未写明")),
    };
    if let Some((en, zh)) = missing {
        let finding = Finding::new(&first, en, zh);
        return Reading::partly(
            places(),
            vec![finding],
            "it is backed up, without figures to hold that against",
            "有备份，但缺少可对照的目标",
        );
    }
    match best {
        Some((interval, mechanism)) => Reading::shown(
            places().chain(objectives.point.iter().chain(&objectives.time).map(|figure| figure.place.clone())),
            format!("{} runs every {}, within the RPO", mechanism.what, said(interval)),
            format!("{} 每 {} 运行一次，满足 RPO", mechanism.what, said_zh(interval)),
        ),
        None => Reading::elsewhere(
            Message::new(
                format!(
                    "how often {} runs cannot be told from {first}",
                    copying.first().map_or("it", |one| one.what.as_str())
                ),
                format!("无法从 {first} 得知备份频率"),
            ),
            Message::new("a schedule that can be read", "可读取的备份计划"),
        ),
    }
}
