//! What every driver of a cluster stands on: the connection, the lease, the Deployment and what is beside it.

use gonogo_domain::rollout::{Done, Owner, Revision, Side, Trouble, TroubleKind};
use kube::api::DynamicObject;

use super::{
    cluster::Cluster,
    kinds::{DEPLOYMENT, POD, REPLICA_SET, SERVICE},
    lease::Lease,
    owner,
    records::{self, Record},
    selector::{self, Labels},
    workload::{Pods, Workload, annotate, plain, side},
};

/// The annotation by which Kubernetes shows why a revision was rolled out.
pub(super) const CAUSE: &str = "kubernetes.io/change-cause";

#[derive(Debug)]
pub(super) struct Ground {
    pub(super) cluster: Cluster,
    pub(super) lease: Lease,
    /// The name of the object that is driven.
    pub(super) workload: String,
    pub(super) container: Option<String>,
}

impl Ground {
    pub(super) fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }

    pub(super) fn at(&self) -> String {
        self.cluster.at(&DEPLOYMENT, &self.workload)
    }

    pub(super) async fn hold(&mut self) -> Result<(), Trouble> {
        self.lease.hold(&self.cluster).await
    }

    pub(super) async fn release(&mut self) -> Result<(), Trouble> {
        self.lease.release(&self.cluster).await
    }

    /// Who else holds the lease.
    pub(super) async fn holder(&mut self) -> Result<Option<String>, Trouble> {
        self.lease.look(&self.cluster).await
    }

    pub(super) async fn deployment(&self, name: &str) -> Result<Workload, Trouble> {
        self.cluster.get(&DEPLOYMENT, name).await.map(Workload)
    }

    /// What the Deployment runs, with the cluster that it runs in.
    pub(super) async fn template(&self) -> Result<(Cluster, serde_json::Value), Trouble> {
        let workload = self.deployment(&self.workload).await?;
        Ok((self.cluster.clone(), plain(workload.template())))
    }

    pub(super) fn refused(&self, what: impl Into<String>, next: impl Into<String>) -> Trouble {
        Trouble::new(TroubleKind::Refused, self.at(), what, next)
    }

    /// What stable is cannot be said of a workload that somebody holds, or that is being updated.
    ///
    /// Errors: refused where it is paused, a conflict where replicas of another template are left.
    pub(super) fn is_at_rest(&self, workload: &Workload, crowd: &Crowd) -> Result<(), Trouble> {
        if workload.is_paused() {
            return Err(
                self.refused("it is paused by somebody", "finish what it was paused for: kubectl rollout resume")
            );
        }
        if !crowd.of(workload).other.is_empty() {
            return Err(self.in_motion());
        }
        Ok(())
    }

    pub(super) fn in_motion(&self) -> Trouble {
        let what = "an update of it is under way, so that nobody could say what stable is";
        Trouble::new(TroubleKind::Conflict, self.at(), what, "wait for it: kubectl rollout status")
    }

    /// The labels that a Service asks for.
    ///
    /// Errors: refused where the pods of the workload do not have them.
    pub(super) async fn service_before(&self, workload: &Workload, service: &str) -> Result<Labels, Trouble> {
        let found = self.cluster.get(&SERVICE, service).await?;
        let asked = selector::labels(&found.data, "/spec/selector");
        if !selector::has_all(&workload.template_labels(), &asked) {
            let what = format!("service/{service} does not send traffic to its pods");
            return Err(self.refused(what, "name the Service whose selector matches the labels of its pods"));
        }
        Ok(asked)
    }

    /// The ReplicaSets and pods of the namespace.
    pub(super) async fn crowd(&self) -> Result<Crowd, Trouble> {
        // One after the other: what is told of the first is never newer than the second.
        let sets = self.cluster.list(&REPLICA_SET).await?;
        let pods = self.cluster.list(&POD).await?;
        Ok(Crowd { sets, pods })
    }

    /// The revisions that the Deployment can be brought back to.
    pub(super) async fn past(
        &self,
        workload: &Workload,
        sets: &[DynamicObject],
        present: &Revision,
    ) -> Result<Vec<Revision>, Trouble> {
        let records = records::past(&self.cluster, workload, self.container(), sets).await?;
        Ok(records.into_iter().map(|record| record.revision).filter(|revision| revision != present).collect())
    }

    pub(super) async fn record(&self, workload: &Workload, to: &Revision) -> Result<Record, Trouble> {
        records::find(&self.cluster, workload, self.container(), to).await
    }

    /// The owner, with a notice where there is one.
    pub(super) fn owner(workload: &Workload, notices: &mut Vec<String>) -> Option<Owner> {
        let found = owner::of(&workload.0)?;
        notices.push(owner::notice(&found, workload.name()));
        Some(found)
    }
}

/// ReplicaSets and pods.
pub(super) struct Crowd {
    pub(super) sets: Vec<DynamicObject>,
    pub(super) pods: Vec<DynamicObject>,
}

impl Crowd {
    pub(super) fn of(&self, workload: &Workload) -> Pods<'_> {
        Pods::of(workload.uid(), workload.template(), &self.sets, &self.pods)
    }

    pub(super) fn side(&self, workload: &Workload, container: Option<&str>, wanted: u32) -> Side {
        let pods = self.of(workload);
        side(workload.revision(container), wanted, &pods.current, super::workload::narrow(pods.other.len()))
    }
}

/// Replaces the template of a Deployment, and says why; true where that changes something.
pub(super) fn set_template(object: &mut DynamicObject, template: &serde_json::Value, cause: Option<&str>) -> bool {
    let Some(spec) = object.data.get_mut("spec").and_then(serde_json::Value::as_object_mut) else { return false };
    let is_other = spec.get("template").map(plain) != Some(plain(template));
    if is_other {
        spec.insert("template".to_owned(), template.clone());
    }
    let is_told = cause.is_some_and(|cause| !cause.is_empty() && annotate(object, &[(CAUSE, Some(cause))]));
    is_other || is_told
}

/// Sets a field of the spec; true where that changes something.
pub(super) fn set_spec(object: &mut DynamicObject, key: &str, value: serde_json::Value) -> bool {
    let Some(spec) = object.data.get_mut("spec").and_then(serde_json::Value::as_object_mut) else { return false };
    if spec.get(key) == Some(&value) || (value.is_null() && !spec.contains_key(key)) {
        return false;
    }
    if value.is_null() {
        spec.remove(key)
    } else {
        spec.insert(key.to_owned(), value)
    };
    true
}

/// What was changed, told as one answer.
pub(super) fn told(changes: &[String]) -> Done {
    if changes.is_empty() { Done::AlreadySo } else { Done::Changed(changes.join("; ")) }
}
