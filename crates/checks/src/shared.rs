//! What several checks ask in the same words.

pub(crate) mod clay;
pub(crate) mod cloud_deploy;
pub(crate) mod delivery;
pub(crate) mod entrances;
pub(crate) mod escalation;
pub(crate) mod figures;
pub(crate) mod guards;
pub(crate) mod health;
pub(crate) mod images;
pub(crate) mod logs;
pub(crate) mod monitoring;
pub(crate) mod outbound;
pub(crate) mod pod;
pub(crate) mod procedures;
pub(crate) mod program;
pub(crate) mod records;
pub(crate) mod references;
pub(crate) mod runs;
pub(crate) mod scaling;
pub(crate) mod schedule;
pub(crate) mod secrets;
pub(crate) mod suites;
pub(crate) mod trees;
pub(crate) mod variables;

pub(crate) use gonogo_domain::secret::redact;
use gonogo_domain::{
    Capability, Evidence, Finding, Message, Missing, Place, Reading,
    evidence::{Container, Workload},
};

/// The workloads that decide: those that serve production.
///
/// What only ever runs on a laptop (a compose file beside manifests, a `dev` overlay) says nothing about production, and
/// neither does what is switched off: no replica, and nothing that would give it one.
pub(crate) fn production_workloads<'a>(evidence: &Evidence<'a>) -> Result<Vec<&'a Workload>, Missing> {
    let mut running = Vec::new();
    for workload in evidence.workloads()?.iter().filter(|workload| workload.production) {
        let off = workload.replicas.as_ref().is_some_and(|replicas| replicas.value == 0);
        if !off || !scaling::autoscalers(evidence, workload)?.is_empty() {
            running.push(workload);
        }
    }
    Ok(running)
}

/// The members of a count over containers: one for each container of a logical workload, whatever its environments.
pub(crate) fn container_key(workload: &Workload, container: &Container) -> String {
    format!("{}/{}", workload.key, container.name)
}

/// The line where a person gives a container what it lacks: its own, unless its name is filled in from another file
/// (a chart's), else one of its fields' or the workload's. A container that a patch adds stands in the patch.
pub(crate) fn container_place<'a>(workload: &'a Workload, container: &'a Container) -> &'a Place {
    let here = |place: &&'a Place| place.path() == workload.place.path();
    let fields = [
        Some(&container.place),
        container.security.place.as_ref(),
        container.image.as_ref().map(|image| &image.place),
        container.ports.first().map(|port| &port.place),
        container.readiness.as_ref().map(|probe| &probe.place),
        container.liveness.as_ref().map(|probe| &probe.place),
    ];
    if let Some(place) = fields.into_iter().flatten().find(here) {
        return place;
    }
    let filled_in =
        |path: &str| path.rsplit('/').next().is_some_and(|name| name.contains("values") || name == "Chart.yaml");
    match container.image.as_ref().map(|image| &image.place) {
        Some(image) if filled_in(image.path()) => &workload.place,
        Some(image) => image,
        None => &workload.place,
    }
}

/// Nothing runs it in production as far as this repository says: unknown until its manifests are there.
pub(crate) fn no_production_workload() -> Reading {
    Reading::elsewhere(
        Message::new("no manifest in this repository runs it in production", "此仓库中没有在生产环境运行它的部署清单"),
        Message::new("the manifests that run it in production", "在生产环境运行它的部署清单"),
    )
}

/// What the package manifests name for a capability: *declared*, and no more than that.
pub(crate) fn declared_library(
    evidence: &Evidence<'_>,
    capability: Capability,
    en: &str,
    zh: &str,
) -> Result<Reading, Missing> {
    let packages = evidence.packages()?;
    let mut places: Vec<Place> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for package in packages {
        for dependency in package.dependencies_for(capability) {
            places.push(dependency.place.clone());
            names.push(dependency.name.clone());
        }
    }
    names.sort();
    names.dedup();
    if names.is_empty() {
        let nearest = packages.iter().min_by_key(|package| (package.place.path().matches('/').count(), &package.place));
        let Some(place) = nearest.map(|package| package.place.clone()) else {
            return Ok(Reading::elsewhere(
                Message::new(
                    format!("no package manifest is here, so none can name a library for {en}"),
                    format!("此处没有包清单，无从列出用于{zh}的库"),
                ),
                Message::new("its package manifest", "其包清单"),
            ));
        };
        return Ok(Reading::absent(Finding::new(
            &place,
            format!("no manifest names a library for {en}"),
            format!("清单中没有用于{zh}的库"),
        )));
    }
    let names = names.join(", ");
    Ok(Reading::shown(
        places,
        format!("manifests name {names} for {en}; whether it is used is in the source"),
        format!("清单中列出了用于{zh}的 {names}；是否真正使用需看源代码"),
    ))
}
