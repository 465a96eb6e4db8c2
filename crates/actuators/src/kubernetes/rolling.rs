//! The Deployment's own rolling update, held by its surge.
//!
//! Pausing a rolling update promises no share: what there is then depends on how far the controller had come. This driver
//! holds it in another way: nothing may be unavailable, so many replicas may be added, and the new ones count as available
//! only after a time that never ends. The controller adds exactly the surge and can then go neither way, while the new pods
//! are ready and get their part of the connections. Every change is one write, so that a kill leaves the one state or the
//! other.

use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble, TroubleKind, Unit};
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    autoscaler,
    ground::{CAUSE, Ground, set_spec, set_template, told},
    kinds::{DEPLOYMENT, REPLICA_SET},
    records, twin,
    workload::{Pods, Workload, annotate, narrow, plain, side},
};

/// What is under way, and what the Deployment was like before.
const UPDATE: &str = "gonogo.dev/update";

/// Seconds after which a held replica would count as available: 68 years, the longest that the API takes.
const HELD: i32 = i32::MAX - 1;

#[derive(Debug)]
pub(super) struct Rolling {
    ground: Ground,
    surge: Option<u32>,
    known: Option<Limits>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    replicas: u32,
    surge: u32,
}

impl Limits {
    /// How many replicas of the canary beside all of stable come nearest to a share; never none for a share that is not 0.
    fn canary(self, percent: Percent) -> u32 {
        if percent == Percent::ZERO || self.surge == 0 {
            return 0;
        }
        let (whole, wanted) = (u64::from(Percent::WHOLE.hundredths()), u64::from(percent.hundredths()));
        let off = |canary: u32| {
            let total = u64::from(self.replicas) + u64::from(canary);
            // Distances of different totals, brought to thousandths of a hundredth.
            (u64::from(canary) * whole).abs_diff(wanted * total) * 1000 / total
        };
        (1..=self.surge.min(self.replicas)).min_by_key(|canary| (off(*canary), std::cmp::Reverse(*canary))).unwrap_or(0)
    }
}

/// An update that gonogo prepared or holds, as it stands in the annotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Update {
    from: Revision,
    to: Revision,
    /// The ReplicaSet of the revision that is updated.
    set: String,
    #[serde(default)]
    cause: String,
    /// Stable is to have it: what is left is the Deployment's own update.
    #[serde(default)]
    promoted: bool,
    /// What the Deployment asks for on its own: `minReadySeconds`, `progressDeadlineSeconds`, `strategy`.
    was: Value,
}

const KEPT_FIELDS: &[&str] = &["minReadySeconds", "progressDeadlineSeconds", "strategy"];

impl Update {
    fn of(workload: &Workload) -> Option<Self> {
        serde_json::from_str(workload.annotation(UPDATE)?).ok()
    }

    /// Gives the Deployment back what it asked for on its own, and forgets the update.
    fn give_back(&self, object: &mut DynamicObject) {
        for key in KEPT_FIELDS {
            set_spec(object, key, self.was.get(key).cloned().unwrap_or(Value::Null));
        }
        annotate(object, &[(UPDATE, None)]);
    }
}

fn is_held(workload: &Workload) -> bool {
    workload.0.data.pointer("/spec/minReadySeconds").and_then(Value::as_i64) == Some(i64::from(HELD))
}

fn held_surge(workload: &Workload) -> u32 {
    let surge = workload.0.data.pointer("/spec/strategy/rollingUpdate/maxSurge").and_then(Value::as_u64);
    surge.and_then(|surge| u32::try_from(surge).ok()).unwrap_or(0)
}

impl Rolling {
    pub(super) fn new(ground: Ground, surge: Option<u32>) -> Self {
        Self { ground, surge, known: None }
    }

    pub(super) const fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn look(&mut self) -> Result<(Workload, Option<Update>), Trouble> {
        let workload = self.ground.deployment(&self.ground.workload).await?;
        let update = Update::of(&workload);
        let replicas = workload.wanted();
        // Under the hold the surge is ours: what the Deployment allows stands in what it was like before.
        let own = update.as_ref().map_or_else(
            || workload.bounds(replicas).surge,
            |update| {
                let mut before = workload.clone();
                set_spec(&mut before.0, "strategy", update.was.get("strategy").cloned().unwrap_or(Value::Null));
                before.bounds(replicas).surge
            },
        );
        self.known = Some(Limits { replicas, surge: self.surge.unwrap_or(own) });
        Ok((workload, update))
    }

    pub(super) async fn observe(&mut self) -> Result<Sight, Trouble> {
        let holder = self.ground.holder().await?;
        let (workload, update) = self.look().await?;
        let crowd = self.ground.crowd().await?;
        let container = self.ground.container();
        let mut notices = Vec::new();
        let owner = Ground::owner(&workload, &mut notices);
        if workload.is_paused() {
            notices.push(format!(
                "deployment/{} is paused: nobody can promise how many of its pods run which revision, and `kubectl rollout \
                 undo` is refused until it is resumed; abort and undo of gonogo are not",
                workload.name()
            ));
        }
        let pods = crowd.of(&workload);
        let present = workload.revision(container);
        let (stable, canary, share) = match &update {
            Some(update) if update.promoted => {
                let canary = side(update.to.clone(), 0, &[], 0);
                let share = pods.other.is_empty().then_some(Percent::ZERO);
                (crowd.side(&workload, container, workload.wanted()), Some(canary), share)
            }
            Some(update) if present == update.to => {
                let is_held = is_held(&workload);
                let wanted = if is_held { held_surge(&workload) } else { workload.wanted() };
                let old = crowd.sets.iter().find(|set| set.metadata.name.as_ref() == Some(&update.set));
                let template = old.and_then(|set| set.data.pointer("/spec/template")).cloned().unwrap_or_default();
                let before = Pods::of(workload.uid(), &template, &crowd.sets, &crowd.pods);
                let others = pods.other.len().saturating_sub(before.current.len());
                let stable = side(update.from.clone(), workload.wanted(), &before.current, narrow(others));
                let canary = side(update.to.clone(), wanted, &pods.current, 0);
                let share = Percent::of_parts(pods.current.len() as u64, u64::from(pods.count()));
                // Between a hold and the end it goes on by itself.
                let is_still = !workload.is_paused() && (is_held || pods.other.is_empty());
                (stable, Some(canary), share.filter(|_| is_still))
            }
            Some(update) => {
                let canary = side(update.to.clone(), 0, &[], 0);
                (crowd.side(&workload, container, workload.wanted()), Some(canary), Some(Percent::ZERO))
            }
            None => {
                let share = pods.other.is_empty().then_some(Percent::ZERO);
                (crowd.side(&workload, container, workload.wanted()), None, share)
            }
        };
        let past = self.ground.past(&workload, &crowd.sets, &stable.revision).await?;
        Ok(Sight { stable, canary, share, past, holder, owner, memo: None, notices })
    }

    pub(super) fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        let limits = self.known.unwrap_or(Limits { replicas: sight.stable.wanted, surge: self.surge.unwrap_or(1) });
        let parts = |canary, stable| Share::Parts { canary, stable, unit: Unit::Replicas };
        if percent == Percent::WHOLE {
            return parts(limits.replicas, 0);
        }
        if limits.surge == 0 && percent > Percent::ZERO {
            return Share::Unpromised(format!(
                "deployment/{} allows no surge, and a rolling update can only be held by replicas that are added",
                self.ground.workload
            ));
        }
        parts(limits.canary(percent), limits.replicas)
    }

    pub(super) async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let (workload, update) = self.look().await?;
        let ground = &self.ground;
        let present = workload.revision(ground.container());
        if let Some(update) = &update {
            if update.to == release.revision {
                return Ok(Done::AlreadySo);
            }
            if present == update.to {
                let what = format!("an update to {} is held", update.to);
                return Err(ground.refused(what, "abort or promote that release first"));
            }
        }
        if workload.0.data.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") {
            let what = "its strategy is Recreate, which stops every replica before it starts a new one";
            return Err(ground.refused(what, "set the strategy RollingUpdate"));
        }
        let crowd = ground.crowd().await?;
        ground.is_at_rest(&workload, &crowd)?;
        let template = plain(workload.template());
        let set = crowd.sets.iter().find(|set| {
            let owners = set.metadata.owner_references.iter().flatten();
            let is_own = owners.into_iter().any(|owner| owner.uid == workload.uid());
            is_own && set.data.pointer("/spec/template").map(plain).as_ref() == Some(&template)
        });
        let set = set.ok_or_else(|| ground.in_motion())?;
        autoscaler::find(&ground.cluster, &ground.workload).await?;
        twin::keep_stable(ground, &workload).await?;
        let template = twin::template(ground, &workload, release).await?;
        records::keep(&ground.cluster, &workload, &release.revision, &template).await?;
        let spec = workload.0.data.get("spec");
        let was = KEPT_FIELDS.iter().filter_map(|key| Some(((*key).to_owned(), spec?.get(key)?.clone())));
        let update = Update {
            from: present,
            to: release.revision.clone(),
            set: set.metadata.name.clone().unwrap_or_default(),
            cause: release.cause.clone(),
            promoted: false,
            was: Value::Object(was.collect()),
        };
        let text = json!(update).to_string();
        let at_that = plain(workload.template());
        ground
            .cluster
            .edit(&DEPLOYMENT, &ground.workload, |object| {
                if object.data.pointer("/spec/template").map(plain).as_ref() != Some(&at_that) {
                    let what = "somebody else updated it meanwhile";
                    return Err(Trouble::new(TroubleKind::Conflict, ground.at(), what, "look again, then ask again"));
                }
                Ok(annotate(object, &[(UPDATE, Some(&text))]))
            })
            .await?;
        Ok(Done::Changed(format!("deployment/{} is ready to be updated to {}", ground.workload, release.revision)))
    }

    pub(super) async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        if percent == Percent::ZERO {
            return self.abort_kept().await;
        }
        if percent == Percent::WHOLE {
            return self.let_go(Promoted::No).await;
        }
        self.ground.hold().await?;
        let (workload, update) = self.look().await?;
        let Some(update) = update else {
            return Err(self.ground.refused("no release is prepared", "prepare a release first"));
        };
        let canary = self.known.map_or(0, |limits| limits.canary(percent));
        if canary == 0 {
            let what = "it allows no surge, and a rolling update can only be held by replicas that are added";
            return Err(self.ground.refused(what, "set maxSurge, or `surge` in the rollout file, to at least 1"));
        }
        let ground = &self.ground;
        let is_new = workload.revision(ground.container()) == update.to;
        let now = held_surge(&workload);
        if is_new && is_held(&workload) && now == canary {
            return Ok(Done::AlreadySo);
        }
        if is_new && (!is_held(&workload) || now > canary) {
            let what = format!("{now} replicas run the new revision, and a rolling update takes back all or nothing");
            return Err(ground.refused(what, "abort, then start again with the smaller share"));
        }
        let template = ground.record(&workload, &update.to).await?.template;
        let mut changes: Vec<String> =
            autoscaler::pin(&ground.cluster, &ground.workload, workload.wanted()).await?.into_iter().collect();
        let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": canary, "maxUnavailable": 0 } });
        ground
            .cluster
            .edit(&DEPLOYMENT, &ground.workload, |object| {
                let is_written = set_template(object, &template, Some(&update.cause));
                let held = set_spec(object, "minReadySeconds", json!(HELD));
                // It must be longer than what it waits for; the longest of all is no deadline.
                set_spec(object, "progressDeadlineSeconds", json!(i32::MAX));
                Ok(set_spec(object, "strategy", strategy.clone()) || is_written || held)
            })
            .await?;
        changes.push(format!("deployment/{} held with {canary} replicas more, of {}", ground.workload, update.to));
        Ok(told(&changes))
    }

    pub(super) async fn promote(&mut self) -> Result<Done, Trouble> {
        self.let_go(Promoted::Yes).await
    }

    /// The update goes on to its end, as the Deployment's own strategy has it.
    async fn let_go(&mut self, promoted: Promoted) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let (workload, update) = self.look().await?;
        let ground = &self.ground;
        // Without one nothing is left to do: it was promoted, or nothing was prepared, and both look alike.
        let Some(mut update) = update else { return Ok(Done::AlreadySo) };
        let template = ground.record(&workload, &update.to).await?.template;
        update.promoted |= promoted == Promoted::Yes;
        let text = json!(update).to_string();
        // Before the update goes on: after it nobody may look at this again.
        let mut changes: Vec<String> = autoscaler::free(&ground.cluster, &ground.workload).await?.into_iter().collect();
        let is_written = ground
            .cluster
            .edit(&DEPLOYMENT, &ground.workload, |object| {
                let before = (object.data.clone(), object.metadata.annotations.clone());
                set_template(object, &template, Some(&update.cause));
                update.give_back(object);
                annotate(object, &[(UPDATE, Some(&text))]);
                Ok((object.data.clone(), object.metadata.annotations.clone()) != before)
            })
            .await?;
        if is_written {
            changes.push(format!("deployment/{} goes on to {}", ground.workload, update.to));
        }
        Ok(told(&changes))
    }

    pub(super) async fn retire(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let (_, update) = self.look().await?;
        let ground = &mut self.ground;
        let mut changes = Vec::new();
        if let Some(update) = update {
            if !update.promoted {
                return Err(ground.refused("its update is not promoted", "promote it first, or abort"));
            }
            ground
                .cluster
                .edit(&DEPLOYMENT, &ground.workload, |object| Ok(annotate(object, &[(UPDATE, None)])))
                .await?;
            changes.push(format!("deployment/{} has no update under way any more", ground.workload));
        }
        ground.release().await?;
        Ok(told(&changes))
    }

    pub(super) async fn abort(&mut self) -> Result<Done, Trouble> {
        if self.look().await?.1.is_some_and(|update| update.promoted) {
            // Stable has it, and is not touched.
            return self.retire().await;
        }
        self.go_back().await
    }

    async fn go_back(&mut self) -> Result<Done, Trouble> {
        let done = self.abort_kept().await?;
        self.ground.release().await?;
        Ok(done)
    }

    async fn abort_kept(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let (workload, update) = self.look().await?;
        let Some(update) = update else { return Ok(Done::AlreadySo) };
        let ground = &self.ground;
        // The very template of the ReplicaSet whose pods are still there: any other would replace them all.
        let old = ground.cluster.find(&REPLICA_SET, &update.set).await?;
        let template = match old.as_ref().and_then(|set| set.data.pointer("/spec/template")) {
            Some(template) => plain(template),
            None => ground.record(&workload, &update.from).await?.template,
        };
        ground
            .cluster
            .edit(&DEPLOYMENT, &ground.workload, |object| {
                // All in one write: a paused Deployment is never resumed with the template that is to go, and the old pods
                // count as available at once, so that the new ones can go.
                set_template(object, &template, None);
                annotate(object, &[(CAUSE, Some(&format!("abort of {}", update.to)))]);
                set_spec(object, "paused", Value::Null);
                update.give_back(object);
                Ok(true)
            })
            .await?;
        let mut changes = vec![format!("deployment/{} goes back to {}", ground.workload, update.from)];
        changes.extend(autoscaler::free(&ground.cluster, &ground.workload).await?);
        Ok(told(&changes))
    }

    pub(super) async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let (workload, update) = self.look().await?;
        if update.as_ref().is_some_and(|update| update.from == *to) {
            return self.go_back().await;
        }
        let ground = &mut self.ground;
        let mut changes = Vec::new();
        if workload.revision(ground.container()) != *to || workload.is_paused() || update.is_some() {
            let template = if workload.revision(ground.container()) == *to {
                plain(workload.template())
            } else {
                ground.record(&workload, to).await?.template
            };
            ground
                .cluster
                .edit(&DEPLOYMENT, &ground.workload, |object| {
                    set_template(object, &template, Some(&format!("undo to {to}")));
                    set_spec(object, "paused", Value::Null);
                    if let Some(update) = &update {
                        update.give_back(object);
                    }
                    Ok(true)
                })
                .await?;
            changes.push(format!("deployment/{} goes back to {to}", ground.workload));
        }
        changes.extend(autoscaler::free(&ground.cluster, &ground.workload).await?);
        ground.release().await?;
        Ok(told(&changes))
    }
}

/// Whether the update is stable's from now on: until then an abort takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promoted {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(replicas: u32, surge: u32, percent: f64, expect: u32) {
        let found = Limits { replicas, surge }.canary(Percent::try_from(percent).unwrap());
        assert_eq!(found, expect, "{percent} % of {replicas} with a surge of {surge}");
    }

    #[test]
    fn the_share_of_a_held_update_is_its_surge_beside_all_of_stable() {
        // 1 of 11 is 9.1 %, 2 of 12 is 16.7 %.
        check(10, 10, 10.0, 1);
        check(10, 10, 50.0, 10);
        // 3 of 13 is 23.1 %: as much as the default surge gives.
        check(10, 3, 50.0, 3);
        check(1, 1, 10.0, 1);
        check(10, 0, 10.0, 0);
        check(10, 10, 0.0, 0);
        check(10, 10, 0.01, 1);
    }
}
