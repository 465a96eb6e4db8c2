//! A Deployment as it was read, with its ReplicaSets and pods.

use std::collections::BTreeMap;

use gonogo_domain::rollout::{
    Percent, Revision, Side,
    replicas::{Amount, Bounds},
};
use kube::api::DynamicObject;
use serde_json::Value;

use super::{
    revision,
    selector::{self, Labels},
};

/// Which ReplicaSet a pod belongs to stands in this label; it is no part of a template that somebody wrote.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// A Deployment.
#[derive(Clone, Debug)]
pub(super) struct Workload(pub(super) DynamicObject);

impl Workload {
    pub(super) fn name(&self) -> &str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn uid(&self) -> &str {
        self.0.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.0.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    fn number(&self, pointer: &str) -> Option<u32> {
        self.0.data.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    }

    /// Replicas that are asked for.
    pub(super) fn wanted(&self) -> u32 {
        self.number("/spec/replicas").unwrap_or(1)
    }

    /// Replicas that were ready for as long as the Deployment asks; none before its controller has seen what was asked last.
    pub(super) fn available(&self) -> u32 {
        if self.is_seen() { self.number("/status/availableReplicas").unwrap_or(0) } else { 0 }
    }

    /// Its controller has seen what was written last.
    pub(super) fn is_seen(&self) -> bool {
        let seen = self.0.data.pointer("/status/observedGeneration").and_then(Value::as_i64);
        seen >= self.0.metadata.generation
    }

    /// Every replica runs the template and is available, and no other replica is left.
    pub(super) fn is_complete(&self) -> bool {
        let wanted = self.wanted();
        let all = |pointer| self.number(pointer).unwrap_or(0) == wanted;
        self.is_seen() && all("/status/replicas") && all("/status/updatedReplicas") && all("/status/availableReplicas")
    }

    /// More replicas are there than are asked for, or some of another template.
    pub(super) fn is_in_motion(&self) -> bool {
        let all = self.number("/status/replicas").unwrap_or(0);
        all > self.wanted() || all > self.number("/status/updatedReplicas").unwrap_or(0)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.data.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn template(&self) -> &Value {
        self.0.data.pointer("/spec/template").unwrap_or(&Value::Null)
    }

    pub(super) fn template_labels(&self) -> Labels {
        selector::labels(self.template(), "/metadata/labels")
    }

    pub(super) fn selector(&self) -> &Value {
        self.0.data.pointer("/spec/selector").unwrap_or(&Value::Null)
    }

    pub(super) fn revision(&self, container: Option<&str>) -> Revision {
        revision::of(self.template(), container)
    }

    /// How far an update of so many replicas may go beyond their number and below it.
    pub(super) fn bounds(&self, replicas: u32) -> Bounds {
        let quarter = || Amount::Part(Percent::of_hundredths(2500));
        if self.0.data.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") {
            return Bounds::resolve(replicas, Amount::Count(0), Amount::Part(Percent::WHOLE));
        }
        let of = |pointer| self.0.data.pointer(pointer).and_then(amount).unwrap_or_else(quarter);
        Bounds::resolve(
            replicas,
            of("/spec/strategy/rollingUpdate/maxSurge"),
            of("/spec/strategy/rollingUpdate/maxUnavailable"),
        )
    }
}

/// `3` or `"25%"`.
pub(super) fn amount(value: &Value) -> Option<Amount> {
    if let Some(count) = value.as_u64() {
        return u32::try_from(count).ok().map(Amount::Count);
    }
    let text = value.as_str()?;
    match text.strip_suffix('%') {
        Some(_) => text.parse().ok().map(Amount::Part),
        None => text.parse().ok().map(Amount::Count),
    }
}

/// A template without what the deployment controller writes into its own copies of it.
pub(super) fn plain(template: &Value) -> Value {
    let mut template = template.clone();
    for hash in [TEMPLATE_HASH, "rollouts-pod-template-hash"] {
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove(hash);
        }
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        // Some servers write it, some do not.
        metadata.remove("creationTimestamp");
    }
    template
}

/// What belongs to one owner, by the owner's uid.
pub(super) fn owned_by<'a>(objects: &'a [DynamicObject], uid: &str) -> Vec<&'a DynamicObject> {
    let belongs = |object: &&DynamicObject| {
        let owners = object.metadata.owner_references.iter().flatten();
        owners.into_iter().any(|owner| owner.uid == uid && owner.controller == Some(true))
    };
    objects.iter().filter(belongs).collect()
}

/// The pods of the ReplicaSets of one template, and those of all others, of the same owner. Those that are going count no more.
pub(super) struct Pods<'a> {
    pub(super) current: Vec<&'a DynamicObject>,
    pub(super) other: Vec<&'a DynamicObject>,
}

impl<'a> Pods<'a> {
    pub(super) fn of(owner: &str, template: &Value, sets: &'a [DynamicObject], pods: &'a [DynamicObject]) -> Self {
        let template = plain(template);
        let mut found = Self { current: Vec::new(), other: Vec::new() };
        for set in owned_by(sets, owner) {
            let is_current = set.data.pointer("/spec/template").map(plain).as_ref() == Some(&template);
            let pods = owned_by(pods, set.metadata.uid.as_deref().unwrap_or_default());
            let pods = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && !is_over(pod));
            if is_current { found.current.extend(pods) } else { found.other.extend(pods) }
        }
        found
    }

    pub(super) fn count(&self) -> u32 {
        narrow(self.current.len() + self.other.len())
    }
}

pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A pod that has failed or succeeded does not come back.
fn is_over(pod: &DynamicObject) -> bool {
    matches!(pod.data.pointer("/status/phase").and_then(Value::as_str), Some("Failed" | "Succeeded"))
}

pub(super) fn is_ready(pod: &DynamicObject) -> bool {
    let conditions = pod.data.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.into_iter().any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("Ready")
            && condition.get("status").and_then(Value::as_str) == Some("True")
    })
}

/// What is seen of pods that should run this revision.
pub(super) fn side(revision: Revision, wanted: u32, current: &[&DynamicObject], old: u32) -> Side {
    let containers = || {
        let statuses = current.iter().filter_map(|pod| pod.data.pointer("/status/containerStatuses")?.as_array());
        statuses.flatten()
    };
    let restarts = containers().filter_map(|status| status.get("restartCount")?.as_u64()).sum::<u64>();
    let killed = |status: &&Value| {
        ["/lastState/terminated/reason", "/state/terminated/reason"]
            .iter()
            .any(|pointer| status.pointer(pointer).and_then(Value::as_str) == Some("OOMKilled"))
    };
    Side {
        revision,
        wanted,
        ready: narrow(current.iter().filter(|pod| is_ready(pod)).count()),
        old,
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
        out_of_memory: narrow(containers().filter(killed).count()),
    }
}

/// Annotations with these set, or removed where the value is none; true where that changes something.
pub(super) fn annotate(object: &mut DynamicObject, wanted: &[(&str, Option<&str>)]) -> bool {
    let annotations = object.metadata.annotations.get_or_insert_with(BTreeMap::new);
    let before = annotations.clone();
    for (key, value) in wanted {
        match value {
            Some(value) => annotations.insert((*key).to_owned(), (*value).to_owned()),
            None => annotations.remove(*key),
        };
    }
    *annotations != before
}
