//! A Rollout of Argo Rollouts, driven through what its own commands write: `promote`, `abort`, `undo`, `set image`.
//!
//! Its controller moves the traffic; gonogo says when. So that only one of the two decides, every step that sets a weight
//! must be followed by a pause without an end.

use gonogo_domain::rollout::{
    Done, Percent, Release, Revision, Share, Sight, Trouble, TroubleKind, Unit, replicas::nearest,
};
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    configuration,
    ground::{CAUSE, Ground, set_spec, set_template, told},
    kinds::ARGO_ROLLOUT,
    records::{self, Record},
    revision,
    workload::{Workload, annotate, is_ready, narrow, owned_by, plain, side},
};

/// The hash of a template, as a label of its ReplicaSet.
const HASH: &str = "rollouts-pod-template-hash";

/// The number of a revision, on its ReplicaSet.
const NUMBER: &str = "rollout.argoproj.io/revision";

#[derive(Debug)]
pub(super) struct Argo {
    ground: Ground,
    known: Option<Steps>,
}

/// The steps that set a weight, with their places.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Steps {
    weights: Vec<(usize, Percent)>,
    all: usize,
    /// Whether a traffic router picks for every request.
    routed: bool,
    replicas: u32,
}

impl Steps {
    fn of(rollout: &Workload) -> Self {
        let steps = rollout.0.data.pointer("/spec/strategy/canary/steps").and_then(Value::as_array);
        let steps = steps.map(Vec::as_slice).unwrap_or_default();
        let weight = |step: &Value| Percent::try_from(step.get("setWeight")?.as_f64()?).ok();
        Self {
            weights: steps.iter().enumerate().filter_map(|(index, step)| Some((index, weight(step)?))).collect(),
            all: steps.len(),
            routed: rollout.0.data.pointer("/spec/strategy/canary/trafficRouting").is_some_and(Value::is_object),
            replicas: rollout.wanted(),
        }
    }

    fn place(&self, percent: Percent) -> Option<usize> {
        self.weights.iter().find(|(_, weight)| *weight == percent).map(|(index, _)| *index)
    }

    fn told(&self) -> String {
        self.weights.iter().map(|(_, weight)| weight.to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// The first weight after which the Rollout would go on by itself.
fn unheld(rollout: &Workload) -> Option<Percent> {
    let steps = rollout.0.data.pointer("/spec/strategy/canary/steps").and_then(Value::as_array)?;
    steps.iter().enumerate().find_map(|(index, step)| {
        let weight = Percent::try_from(step.get("setWeight")?.as_f64()?).ok()?;
        let held = steps.get(index + 1).and_then(|next| next.get("pause"));
        let is_held = held.is_some_and(|pause| pause.get("duration").is_none_or(Value::is_null));
        (!is_held).then_some(weight)
    })
}

fn status<'a>(rollout: &'a Workload, key: &str) -> &'a Value {
    rollout.0.data.pointer("/status").and_then(|status| status.get(key)).unwrap_or(&Value::Null)
}

fn hash<'a>(rollout: &'a Workload, key: &str) -> &'a str {
    status(rollout, key).as_str().unwrap_or_default()
}

fn is_aborted(rollout: &Workload) -> bool {
    status(rollout, "abort").as_bool() == Some(true)
}

/// The controller has seen the template that is asked for now. It writes the generation as a text.
fn is_seen(rollout: &Workload) -> bool {
    let seen = status(rollout, "observedGeneration");
    let seen = seen.as_str().and_then(|seen| seen.parse().ok()).or_else(|| seen.as_i64());
    seen >= rollout.0.metadata.generation
}

impl Argo {
    pub(super) const fn new(ground: Ground) -> Self {
        Self { ground, known: None }
    }

    fn at(&self) -> String {
        self.ground.cluster.at(&ARGO_ROLLOUT, &self.ground.workload)
    }

    fn refused(&self, what: impl Into<String>, next: impl Into<String>) -> Trouble {
        Trouble::new(TroubleKind::Refused, self.at(), what, next)
    }

    pub(super) async fn template(&mut self) -> Result<(Cluster, Value), Trouble> {
        let rollout = self.rollout().await?;
        Ok((self.ground.cluster.clone(), plain(rollout.template())))
    }

    async fn rollout(&mut self) -> Result<Workload, Trouble> {
        let rollout = Workload(self.ground.cluster.get(&ARGO_ROLLOUT, &self.ground.workload).await?);
        self.known = Some(Steps::of(&rollout));
        Ok(rollout)
    }

    pub(super) async fn observe(&mut self) -> Result<Sight, Trouble> {
        let holder = self.ground.holder().await?;
        let rollout = self.rollout().await?;
        let crowd = self.ground.crowd().await?;
        let container = self.ground.container();
        let mut notices = Vec::new();
        let owner = super::owner::of(&rollout.0);
        if let Some(owner) = &owner {
            notices.push(format!(
                "{} ({}) keeps the Rollout as it is in git and may undo its template",
                owner.tool, owner.object
            ));
        }
        if !is_seen(&rollout) {
            notices.push("the controller of Argo Rollouts has not seen what was written last".to_owned());
        }
        if let Some(message) = status(&rollout, "message").as_str().filter(|message| !message.is_empty()) {
            notices.push(format!("Argo Rollouts says: {message}"));
        }
        let sets = owned_by(&crowd.sets, rollout.uid());
        let with = |wanted: &str| {
            sets.iter().copied().find(|set| {
                set.metadata.labels.as_ref().and_then(|labels| labels.get(HASH)).is_some_and(|hash| hash == wanted)
            })
        };
        let wanted_revision = rollout.revision(container);
        let stable_set = with(hash(&rollout, "stableRS"));
        let canary_set = with(hash(&rollout, "currentPodHash"));
        let pods = |set: Option<&DynamicObject>| {
            let pods = owned_by(&crowd.pods, set.and_then(|set| set.metadata.uid.as_deref()).unwrap_or_default());
            pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect::<Vec<_>>()
        };
        let wanted = |set: Option<&DynamicObject>| {
            let replicas = set.and_then(|set| set.data.pointer("/spec/replicas")).and_then(Value::as_u64);
            replicas.and_then(|replicas| u32::try_from(replicas).ok()).unwrap_or(0)
        };
        let template = stable_set.and_then(|set| set.data.pointer("/spec/template")).map(plain);
        let stable_revision =
            template.as_ref().map_or_else(|| wanted_revision.clone(), |template| revision::of(template, container));
        let stable_pods = pods(stable_set);
        let is_under_way = !is_seen(&rollout) || hash(&rollout, "stableRS") != hash(&rollout, "currentPodHash");
        let is_other = is_under_way && stable_revision != wanted_revision;
        let canary_pods = if is_other { pods(canary_set) } else { Vec::new() };
        let all: usize = sets.iter().map(|set| pods(Some(set)).len()).sum();
        let other = all.saturating_sub(stable_pods.len() + canary_pods.len());
        let share = self.share(&rollout, &stable_pods, &canary_pods, is_other);
        // Aborted and without traffic it is none any more, although the template is still its own: to start it again takes
        // another `prepare`.
        let is_there = is_other && !(is_aborted(&rollout) && share == Some(Percent::ZERO));
        let stable_wanted = if is_there { wanted(stable_set) } else { rollout.wanted() };
        let stable = side(stable_revision, stable_wanted, &stable_pods, narrow(other));
        let canary = is_there.then(|| side(wanted_revision, wanted(canary_set), &canary_pods, 0));
        let past = records::of_sets(rollout.uid(), container, &crowd.sets, NUMBER);
        let past = past.into_iter().map(|record| record.revision).filter(|one| *one != stable.revision).collect();
        Ok(Sight { stable, canary, share, past, holder, owner, memo: None, notices })
    }

    /// What Argo Rollouts says that the canary gets; without a traffic router, what its pods are among all.
    fn share(
        &self,
        rollout: &Workload,
        stable: &[&DynamicObject],
        canary: &[&DynamicObject],
        is_there: bool,
    ) -> Option<Percent> {
        if !is_there {
            return Some(Percent::ZERO);
        }
        if self.known.as_ref().is_some_and(|steps| steps.routed) {
            let weight = rollout.0.data.pointer("/status/canary/weights/canary/weight").and_then(Value::as_f64);
            return weight.and_then(|weight| Percent::try_from(weight).ok());
        }
        let ready = |pods: &[&DynamicObject]| pods.iter().filter(|pod| is_ready(pod)).count() as u64;
        Percent::of_parts(ready(canary), ready(stable) + ready(canary))
    }

    pub(super) fn reachable(&self, percent: Percent, _: &Sight) -> Share {
        let Some(steps) = &self.known else {
            return Share::Unpromised("the Rollout was not looked at yet".to_owned());
        };
        let is_end = percent == Percent::ZERO || percent == Percent::WHOLE;
        if !is_end && steps.place(percent).is_none() {
            return Share::Unpromised(format!("the steps of the Rollout set {}, not {percent}", steps.told()));
        }
        if steps.routed {
            let (canary, whole) = (u32::from(percent.hundredths()), u32::from(Percent::WHOLE.hundredths()));
            return Share::Parts { canary, stable: whole - canary, unit: Unit::Weights };
        }
        nearest(steps.replicas, percent, 1).share()
    }

    pub(super) async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        if rollout.0.data.pointer("/spec/workloadRef").is_some_and(Value::is_object) {
            let next = "let the Rollout hold the template itself, or drive its Deployment with another strategy";
            return Err(self.refused("its template is that of another object (workloadRef)", next));
        }
        if rollout.0.data.pointer("/spec/strategy/canary").is_none() {
            return Err(self.refused("its strategy is not canary", "give it the strategy canary, with steps"));
        }
        if let Some(weight) = unheld(&rollout) {
            let what = format!("after its step to {weight} it would go on by itself, and two would drive one rollout");
            return Err(self.refused(what, "put `- pause: {}` behind every `setWeight`, without a duration"));
        }
        let container = self.ground.container();
        if rollout.revision(container) == release.revision && !is_aborted(&rollout) {
            return Ok(Done::AlreadySo);
        }
        if hash(&rollout, "stableRS") != hash(&rollout, "currentPodHash") && !is_aborted(&rollout) {
            let what = format!("a rollout of {} is under way", rollout.revision(container));
            return Err(self.refused(what, "abort or promote that release first"));
        }
        let template = revision::with_release(&plain(rollout.template()), release, container, &self.at())?;
        let owner = json!({
            "apiVersion": ARGO_ROLLOUT.api_version(), "kind": ARGO_ROLLOUT.name, "name": rollout.name(), "uid": rollout.uid(),
        });
        let template = configuration::unpin(&self.ground.cluster, &template).await?;
        let mut template = configuration::pin(&self.ground.cluster, &template, &owner).await?;
        revision::sign(&mut template, &release.revision);
        if is_aborted(&rollout) {
            self.status(&json!({ "abort": false })).await?;
        }
        self.ground
            .cluster
            .edit(&ARGO_ROLLOUT, &self.ground.workload, |object| {
                Ok(set_template(object, &template, Some(&release.cause)))
            })
            .await?;
        Ok(Done::Changed(format!("rollout/{} takes {} to its first step", self.ground.workload, release.revision)))
    }

    async fn status(&self, status: &Value) -> Result<(), Trouble> {
        self.ground.cluster.merge_status(&ARGO_ROLLOUT, &self.ground.workload, status).await
    }

    pub(super) async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        if percent == Percent::ZERO {
            return self.abort().await;
        }
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        let steps = Steps::of(&rollout);
        if percent == Percent::WHOLE && steps.place(percent).is_none() {
            return self.promote().await;
        }
        let Some(place) = steps.place(percent) else {
            let what = format!("it has no step that sets {percent}, only {}", steps.told());
            return Err(self.refused(what, "give the Rollout and the rollout file the same steps"));
        };
        if is_aborted(&rollout) {
            return Err(self.refused("it is aborted", "prepare the release again"));
        }
        let now =
            status(&rollout, "currentStepIndex").as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        // The step after the weight is the pause that holds it.
        if now == place || now == place + 1 {
            return Ok(Done::AlreadySo);
        }
        if now > place {
            return Err(
                self.refused(format!("it is past its step to {percent}"), "abort: Argo Rollouts goes only forward")
            );
        }
        self.status(&json!({ "pauseConditions": null, "currentStepIndex": place })).await?;
        if rollout.is_paused() {
            self.unpause().await?;
        }
        Ok(Done::Changed(format!("rollout/{} goes to step {place} of {}: {percent}", self.ground.workload, steps.all)))
    }

    async fn unpause(&self) -> Result<bool, Trouble> {
        let name = &self.ground.workload;
        self.ground.cluster.edit(&ARGO_ROLLOUT, name, |object| Ok(set_spec(object, "paused", Value::Null))).await
    }

    pub(super) async fn promote(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        if is_aborted(&rollout) {
            return Err(self.refused("it is aborted", "prepare the release again"));
        }
        let is_done = is_seen(&rollout) && hash(&rollout, "stableRS") == hash(&rollout, "currentPodHash");
        if is_done || status(&rollout, "promoteFull").as_bool() == Some(true) {
            return Ok(Done::AlreadySo);
        }
        self.status(&json!({ "promoteFull": true })).await?;
        if rollout.is_paused() {
            self.unpause().await?;
        }
        Ok(Done::Changed(format!("rollout/{} is promoted to the end of its steps", self.ground.workload)))
    }

    pub(super) async fn retire(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        if hash(&rollout, "stableRS") != hash(&rollout, "currentPodHash") {
            return Ok(Done::Changed("nothing yet: Argo Rollouts has not finished the promotion".to_owned()));
        }
        self.ground.release().await?;
        Ok(Done::AlreadySo)
    }

    pub(super) async fn abort(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        let is_done = is_seen(&rollout) && hash(&rollout, "stableRS") == hash(&rollout, "currentPodHash");
        let done = if is_done || is_aborted(&rollout) {
            Done::AlreadySo
        } else {
            self.status(&json!({ "abort": true })).await?;
            Done::Changed(format!("rollout/{} is aborted", self.ground.workload))
        };
        self.ground.release().await?;
        Ok(done)
    }

    pub(super) async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let rollout = self.rollout().await?;
        let container = self.ground.container();
        let mut changes = Vec::new();
        if rollout.revision(container) != *to {
            let sets = self.ground.crowd().await?.sets;
            let record = self.record(&rollout, &sets, to)?;
            let cause = format!("undo to {to}");
            self.ground
                .cluster
                .edit(&ARGO_ROLLOUT, &self.ground.workload, |object| {
                    annotate(object, &[(CAUSE, Some(&cause))]);
                    set_spec(object, "paused", Value::Null);
                    Ok(set_template(object, &record.template, None))
                })
                .await?;
            changes.push(format!("rollout/{} goes back to {to}", self.ground.workload));
        } else if rollout.is_paused() {
            self.unpause().await?;
            changes.push(format!("rollout/{} is no longer paused", self.ground.workload));
        }
        // Going back to what is stable skips the steps; to an older revision it would take them.
        let stable = hash(&rollout, "stableRS");
        if !changes.is_empty() && hash(&rollout, "currentPodHash") == stable {
            self.status(&json!({ "promoteFull": true })).await?;
        }
        self.ground.release().await?;
        Ok(told(&changes))
    }

    fn record(&self, rollout: &Workload, sets: &[DynamicObject], to: &Revision) -> Result<Record, Trouble> {
        let records = records::of_sets(rollout.uid(), self.ground.container(), sets, NUMBER);
        let known = records.iter().map(|record| record.revision.0.clone()).collect::<Vec<_>>().join(", ");
        records.into_iter().find(|record| record.revision == *to).ok_or_else(|| {
            self.refused(format!("no ReplicaSet of it has the revision `{to}`"), format!("undo to one of: {known}"))
        })
    }
}
