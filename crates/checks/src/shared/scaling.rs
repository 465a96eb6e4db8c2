//! How many replicas a workload has, and what changes their number.

use gonogo_domain::{
    Evidence, Missing, Place, State,
    evidence::{Located, Object, Workload, WorkloadKind},
};

/// Something that sets the number of replicas by load.
pub(crate) struct Autoscaler<'a> {
    pub(crate) object: &'a Object,
    /// The least number of replicas, with the API's default where it is not written.
    pub(crate) least: u32,
    pub(crate) least_place: Place,
    /// The greatest number, where it is written or has a default.
    pub(crate) most: Option<Located<u32>>,
}

/// The autoscalers of a workload: `HorizontalPodAutoscaler` and KEDA's `ScaledObject`.
pub(crate) fn autoscalers<'a>(evidence: &Evidence<'a>, workload: &Workload) -> Result<Vec<Autoscaler<'a>>, Missing> {
    let objects = evidence.objects_of(&["HorizontalPodAutoscaler", "ScaledObject", "PodAutoscaler"])?;
    Ok(objects
        .into_iter()
        .filter(|object| {
            same_environment(object, workload)
                && object.body.str_at("spec.scaleTargetRef.name") == Some(workload.name.as_str())
                && object.body.str_at("spec.scaleTargetRef.kind").is_none_or(|kind| kind == workload.kind.name())
        })
        .map(read)
        .collect())
}

fn read(object: &Object) -> Autoscaler<'_> {
    let keda = object.kind == "ScaledObject";
    // Defaults: HPA's minReplicas is 1; KEDA's minReplicaCount is 0, its maxReplicaCount 100.
    let (least, most, default_least, default_most) = if keda {
        ("spec.minReplicaCount", "spec.maxReplicaCount", 0, Some(100))
    } else {
        ("spec.minReplicas", "spec.maxReplicas", 1, None)
    };
    let number = |path: &str| {
        let node = object.body.at(path)?;
        Some(Located::new(u32::try_from(node.int()?).ok()?, &node.place))
    };
    let stated = number(least);
    Autoscaler {
        least: stated.as_ref().map_or(default_least, |number| number.value),
        least_place: stated.map_or_else(|| object.place.clone(), |number| number.place),
        most: number(most).or_else(|| default_most.map(|number| Located::new(number, &object.place))),
        object,
    }
}

/// Both are rendered for the same environment, or one of them for all. What only shows how the product could be run (an
/// autoscaler among the extras) says nothing about production.
pub(crate) fn same_environment(object: &Object, workload: &Workload) -> bool {
    let environment = match (&object.environment, &workload.environment) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let namespace = match (&object.namespace, &workload.namespace) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    environment && namespace && (object.production || !workload.production)
}

/// The least number of replicas that a workload runs with, and where that is written.
pub(crate) fn least_replicas(evidence: &Evidence<'_>, workload: &Workload) -> Result<(u32, Place), Missing> {
    if let Some(scaler) = autoscalers(evidence, workload)?.into_iter().max_by_key(|scaler| scaler.least) {
        return Ok((scaler.least, scaler.least_place));
    }
    if workload.kind == WorkloadKind::KnativeService {
        return Ok(annotated(workload, &["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"])
            .unwrap_or_else(|| (0, workload.place.clone())));
    }
    Ok(workload
        .replicas
        .as_ref()
        .map_or_else(|| (1, workload.place.clone()), |number| (number.value, number.place.clone())))
}

/// The greatest number of replicas, where it is known.
pub(crate) fn most_replicas(evidence: &Evidence<'_>, workload: &Workload) -> Result<u32, Missing> {
    let scaled = autoscalers(evidence, workload)?.into_iter().filter_map(|scaler| Some(scaler.most?.value)).max();
    let fixed = workload.replicas.as_ref().map_or(1, |number| number.value);
    Ok(scaled.unwrap_or(fixed))
}

/// The most replicas that a workload of production may run with, where that is more than one, and where it is written.
pub(crate) fn most_in_production(evidence: &Evidence<'_>) -> Result<Option<(u32, Place)>, Missing> {
    let mut replicas: Option<(u32, Place)> = None;
    for workload in super::production_workloads(evidence)? {
        let most = most_replicas(evidence, workload)?;
        if most > 1 && replicas.as_ref().is_none_or(|(known, _)| most > *known) {
            let place = workload.replicas.as_ref().map_or_else(|| workload.place.clone(), |one| one.place.clone());
            replicas = Some((most, place));
        }
    }
    Ok(replicas)
}

/// A number in an annotation of the workload or its pods.
pub(crate) fn annotated(workload: &Workload, keys: &[&str]) -> Option<(u32, Place)> {
    let found =
        keys.iter().find_map(|key| workload.pod_annotations.get(*key).or_else(|| workload.annotations.get(*key)));
    found.and_then(|text| Some((text.value.parse().ok()?, text.place.clone())))
}

/// It keeps data of its own: replicas and traffic of such a unit are a matter of its data.
pub(crate) fn is_store(evidence: &Evidence<'_>, workload: &Workload) -> bool {
    let State::Kept { place, .. } = &evidence.service().state else {
        return workload.kind == WorkloadKind::StatefulSet && !workload.keeps_data.is_empty();
    };
    // Where its own image is made of a database, it is one, whatever runs it.
    let is_database = evidence.images().unwrap_or_default().iter().any(|image| image.place.path() == place.path());
    workload.kind == WorkloadKind::StatefulSet || (is_database && workload.kind.long_running())
}
