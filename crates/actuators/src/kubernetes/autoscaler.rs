//! Autoscalers of the Deployment: pinned while a rollout counts replicas, and given their bounds back after.

use gonogo_domain::rollout::{Trouble, TroubleKind};
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    ground::set_spec,
    kinds::AUTOSCALER,
    workload::{annotate, owned_by},
};

/// The bounds that an autoscaler had before it was pinned.
const BOUNDS: &str = "gonogo.dev/bounds";

/// The autoscaler of a Deployment.
///
/// Errors: refused where another controller made it (KEDA writes its bounds back) or where there is more than one.
pub(super) async fn find(cluster: &Cluster, workload: &str) -> Result<Option<DynamicObject>, Trouble> {
    let all = cluster.list(&AUTOSCALER).await?;
    let text = |object: &DynamicObject, pointer: &str| {
        object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut of_this = all.into_iter().filter(|one| {
        text(one, "/spec/scaleTargetRef/kind") == "Deployment" && text(one, "/spec/scaleTargetRef/name") == workload
    });
    let Some(found) = of_this.next() else { return Ok(None) };
    let name = found.metadata.name.clone().unwrap_or_default();
    let refused =
        |what: String, next: &str| Trouble::new(TroubleKind::Refused, cluster.at(&AUTOSCALER, &name), what, next);
    if of_this.next().is_some() {
        return Err(refused(format!("several autoscalers scale deployment/{workload}"), "leave one of them"));
    }
    let owners = found.metadata.owner_references.iter().flatten();
    let maker = owners.into_iter().find(|owner| !owned_by(std::slice::from_ref(&found), &owner.uid).is_empty());
    if let Some(maker) = maker {
        let what = format!("{}/{} made it and would write its bounds back", maker.kind.to_lowercase(), maker.name);
        let next =
            "pause that one for the length of the rollout (KEDA: the annotation autoscaling.keda.sh/paused-replicas)";
        return Err(refused(what, next));
    }
    Ok(Some(found))
}

/// Holds the autoscaler at so many replicas. At 0 replicas Kubernetes itself switches it off, whatever its bounds.
pub(super) async fn pin(cluster: &Cluster, workload: &str, replicas: u32) -> Result<Option<String>, Trouble> {
    let Some(found) = find(cluster, workload).await? else { return Ok(None) };
    let name = found.metadata.name.clone().unwrap_or_default();
    let held = replicas.max(1);
    let changed = cluster
        .edit(&AUTOSCALER, &name, |object| {
            let known =
                object.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(BOUNDS));
            if !known {
                let bound = |key: &str| object.data.pointer(&format!("/spec/{key}")).cloned().unwrap_or(Value::Null);
                let bounds = json!({ "minReplicas": bound("minReplicas"), "maxReplicas": bound("maxReplicas") });
                annotate(object, &[(BOUNDS, Some(&bounds.to_string()))]);
            }
            let least = set_spec(object, "minReplicas", json!(held));
            let most = set_spec(object, "maxReplicas", json!(held));
            Ok(!known || least || most)
        })
        .await?;
    Ok(changed.then(|| format!("horizontalpodautoscaler/{name} held at {held}")))
}

/// Gives the autoscaler its bounds back.
pub(super) async fn free(cluster: &Cluster, workload: &str) -> Result<Option<String>, Trouble> {
    // Whoever made it since is no reason not to give it back.
    let Ok(Some(found)) = find(cluster, workload).await else { return Ok(None) };
    if !found.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(BOUNDS)) {
        return Ok(None);
    }
    let name = found.metadata.name.clone().unwrap_or_default();
    let changed = cluster
        .edit(&AUTOSCALER, &name, |object| {
            let kept = object.metadata.annotations.as_ref().and_then(|annotations| annotations.get(BOUNDS));
            let bounds: Value = kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or(Value::Null);
            for key in ["minReplicas", "maxReplicas"] {
                if let Some(bound) = bounds.get(key) {
                    set_spec(object, key, bound.clone());
                }
            }
            Ok(annotate(object, &[(BOUNDS, None)]))
        })
        .await?;
    Ok(changed.then(|| format!("horizontalpodautoscaler/{name} has its bounds back")))
}
