//! What a Deployment ran: the templates of its revisions, kept with the cluster, so that they outlive the ReplicaSets.

use gonogo_domain::rollout::{Revision, Trouble, TroubleKind};
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    kinds::{CONTROLLER_REVISION, REPLICA_SET},
    revision::{self, short_hash},
    workload::{Workload, owned_by, plain},
};

/// The Deployment whose revision a record holds.
const WORKLOAD: &str = "gonogo.dev/workload";

/// As many as a Deployment keeps ReplicaSets.
const KEPT: usize = 10;

/// A reference by which an object goes when the Deployment does.
pub(super) fn owner(workload: &Workload) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name(), "uid": workload.uid() })
}

/// One revision that can be brought back.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) revision: Revision,
    pub(super) template: Value,
    /// Larger is newer.
    order: i64,
}

fn name_of(workload: &Workload, revision: &Revision) -> String {
    // A name of an object has at most 253 characters, and the hash tells the revisions apart.
    let stem: String = workload.name().chars().take(200).collect();
    format!("{stem}-gonogo-{}", short_hash(&revision.0))
}

/// Keeps the template of a revision. The newest one of the same name stands.
pub(super) async fn keep(
    cluster: &Cluster,
    workload: &Workload,
    revision: &Revision,
    template: &Value,
) -> Result<(), Trouble> {
    let name = name_of(workload, revision);
    let found = all(cluster, workload).await?;
    if found.iter().any(|record| record.revision == *revision && record.template == *template) {
        return Ok(());
    }
    let newest = found.iter().map(|record| record.order).max().unwrap_or(0);
    // The content of a ControllerRevision can never be changed: another one takes its place.
    cluster.delete(&CONTROLLER_REVISION, &name).await?;
    let record = json!({
        "metadata": {
            "name": name,
            "labels": { "app.kubernetes.io/managed-by": "gonogo" },
            "annotations": { WORKLOAD: workload.name() },
            "ownerReferences": [owner(workload)],
        },
        "revision": newest.saturating_add(1),
        "data": { "revision": revision.0, "template": template },
    });
    cluster.create(&CONTROLLER_REVISION, &record).await?;
    for old in found.iter().rev().skip(KEPT).filter(|record| record.revision != *revision) {
        cluster.delete(&CONTROLLER_REVISION, &name_of(workload, &old.revision)).await?;
    }
    Ok(())
}

/// What was kept, oldest first.
async fn all(cluster: &Cluster, workload: &Workload) -> Result<Vec<Record>, Trouble> {
    let found = cluster.list(&CONTROLLER_REVISION).await?;
    let of_this = found.iter().filter(|record| {
        let annotations = record.metadata.annotations.as_ref();
        annotations.and_then(|annotations| annotations.get(WORKLOAD)).is_some_and(|name| name == workload.name())
    });
    let mut records: Vec<Record> = of_this
        .filter_map(|record| {
            Some(Record {
                revision: Revision(record.data.pointer("/data/revision")?.as_str()?.to_owned()),
                template: record.data.pointer("/data/template")?.clone(),
                order: record.data.get("revision")?.as_i64()?,
            })
        })
        .collect();
    records.sort_by_key(|record| record.order);
    Ok(records)
}

/// Every revision that can be brought back, newest first: what was kept, then what ReplicaSets still hold.
pub(super) async fn past(
    cluster: &Cluster,
    workload: &Workload,
    container: Option<&str>,
    sets: &[DynamicObject],
) -> Result<Vec<Record>, Trouble> {
    let mut records = all(cluster, workload).await?;
    records.reverse();
    for record in of_sets(workload.uid(), container, sets, "deployment.kubernetes.io/revision") {
        if !records.iter().any(|known| known.revision == record.revision) {
            records.push(record);
        }
    }
    Ok(records)
}

/// The templates of the ReplicaSets of an owner, newest first.
pub(super) fn of_sets(owner: &str, container: Option<&str>, sets: &[DynamicObject], annotation: &str) -> Vec<Record> {
    let mut records: Vec<Record> = owned_by(sets, owner)
        .into_iter()
        .filter_map(|set| {
            let template = plain(set.data.pointer("/spec/template")?);
            let order = set.metadata.annotations.as_ref()?.get(annotation)?.parse().ok()?;
            Some(Record { revision: revision::of(&template, container), template, order })
        })
        .collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.order));
    records
}

/// The record of one revision.
pub(super) async fn find(
    cluster: &Cluster,
    workload: &Workload,
    container: Option<&str>,
    to: &Revision,
) -> Result<Record, Trouble> {
    let sets = cluster.list(&REPLICA_SET).await?;
    let records = past(cluster, workload, container, &sets).await?;
    let known = records.iter().map(|record| record.revision.0.clone()).collect::<Vec<_>>().join(", ");
    records.into_iter().find(|record| record.revision == *to).ok_or_else(|| {
        let at = cluster.at(&super::kinds::DEPLOYMENT, workload.name());
        let what = format!("it never had the revision `{to}`, or its template is not kept any more");
        let next = if known.is_empty() {
            "apply the manifests of that revision".to_owned()
        } else {
            format!("undo to one of: {known}")
        };
        Trouble::new(TroubleKind::Refused, at, what, next)
    })
}
