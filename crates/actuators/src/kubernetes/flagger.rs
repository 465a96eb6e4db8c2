//! A Canary of Flagger, driven through the fields that Flagger obeys: the template of its target, `suspend` and
//! `skipAnalysis`.
//!
//! Flagger has no command to set a weight: it goes on at its own interval. It is let go until the weight is there, and then
//! suspended, which holds it.

use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble, TroubleKind, Unit};
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    ground::{CAUSE, Ground, set_spec, set_template, told},
    kinds::{DEPLOYMENT, FLAGGER_CANARY},
    records, twin,
    workload::{Workload, annotate, plain},
};

/// What `skipAnalysis` was before a promotion set it.
const SKIPPED: &str = "gonogo.dev/skip-analysis";

#[derive(Debug)]
pub(super) struct Flagger {
    ground: Ground,
    known: Option<Vec<Percent>>,
}

/// The weights that Flagger passes through.
fn weights(canary: &Workload) -> Vec<Percent> {
    let analysis = canary.0.data.pointer("/spec/analysis").unwrap_or(&Value::Null);
    let number = |key: &str| analysis.get(key).and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok());
    let percent = |number: u16| Percent::of_hundredths(number.saturating_mul(100));
    if let Some(steps) = analysis.get("stepWeights").and_then(Value::as_array).filter(|steps| !steps.is_empty()) {
        return steps
            .iter()
            .filter_map(Value::as_u64)
            .filter_map(|step| u16::try_from(step).ok())
            .map(percent)
            .collect();
    }
    let most = number("maxWeight").filter(|most| *most > 0).unwrap_or(100).min(100);
    let Some(step) = number("stepWeight").filter(|step| *step > 0) else { return Vec::new() };
    // It overshoots: 20, 40, 60 for at most 50.
    let mut found = Vec::new();
    let mut weight = 0_u16;
    while weight < most {
        weight = weight.saturating_add(step);
        found.push(percent(weight));
    }
    found
}

fn phase(canary: &Workload) -> &str {
    canary.0.data.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default()
}

fn weight(canary: &Workload) -> Percent {
    let weight = canary.0.data.pointer("/status/canaryWeight").and_then(Value::as_f64).unwrap_or(0.0);
    Percent::try_from(weight).unwrap_or(Percent::ZERO)
}

fn is_suspended(canary: &Workload) -> bool {
    canary.0.data.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
}

/// Flagger is between the first step and the end.
fn is_under_way(canary: &Workload) -> bool {
    matches!(phase(canary), "Progressing" | "Waiting" | "WaitingPromotion" | "Promoting" | "Finalising")
}

struct Scene {
    canary: Workload,
    /// The Deployment that people write, where Flagger runs the canary.
    target: Workload,
    /// Flagger's copy of it, which serves as stable.
    primary: Workload,
}

impl Flagger {
    pub(super) const fn new(ground: Ground) -> Self {
        Self { ground, known: None }
    }

    fn refused(&self, what: impl Into<String>, next: impl Into<String>) -> Trouble {
        let at = self.ground.cluster.at(&FLAGGER_CANARY, &self.ground.workload);
        Trouble::new(TroubleKind::Refused, at, what, next)
    }

    pub(super) async fn template(&mut self) -> Result<(Cluster, Value), Trouble> {
        let scene = self.scene().await?;
        Ok((self.ground.cluster.clone(), plain(scene.target.template())))
    }

    async fn scene(&mut self) -> Result<Scene, Trouble> {
        let canary = Workload(self.ground.cluster.get(&FLAGGER_CANARY, &self.ground.workload).await?);
        self.known = Some(weights(&canary));
        let reference = |key: &str| canary.0.data.pointer(&format!("/spec/targetRef/{key}")).and_then(Value::as_str);
        let name = match (reference("kind"), reference("name")) {
            (Some("Deployment"), Some(name)) => name.to_owned(),
            (kind, _) => {
                let what = format!("its target is a {}", kind.unwrap_or("nothing that is named"));
                return Err(self.refused(what, "let it refer to a Deployment"));
            }
        };
        let target = self.ground.deployment(&name).await?;
        let Some(primary) = self.ground.cluster.find(&DEPLOYMENT, &format!("{name}-primary")).await? else {
            let what = format!("Flagger has not made deployment/{name}-primary yet");
            return Err(self.refused(what, "wait until the Canary is initialized, and see that Flagger runs"));
        };
        Ok(Scene { canary, target, primary: Workload(primary) })
    }

    pub(super) async fn observe(&mut self) -> Result<Sight, Trouble> {
        let holder = self.ground.holder().await?;
        let scene = self.scene().await?;
        let crowd = self.ground.crowd().await?;
        let container = self.ground.container();
        let mut notices = Vec::new();
        let owner = Ground::owner(&scene.target, &mut notices);
        if is_suspended(&scene.canary) {
            notices.push(format!("canary/{} is suspended: Flagger holds it where it is", self.ground.workload));
        }
        let stable = crowd.side(&scene.primary, container, scene.primary.wanted());
        let target = scene.target.revision(container);
        let is_other = target != stable.revision;
        // Until Flagger has its own mind again, the rollout is not over: somebody has to retire it, or undo it to the end.
        let is_skipping = scene.canary.annotation(SKIPPED).is_some();
        let mut canary = (is_other || is_skipping).then(|| crowd.side(&scene.target, container, scene.target.wanted()));
        if let Some(canary) = canary.as_mut().filter(|_| is_other && !is_skipping && !is_suspended(&scene.canary)) {
            // Not held, it leaves the weight that it has at its next interval: nothing is settled before it is held.
            canary.old = canary.old.max(1);
        }
        if !is_other && is_under_way(&scene.canary) && weight(&scene.canary) > Percent::ZERO {
            notices.push("Flagger still sends traffic to the canary's pods, which run the stable revision".to_owned());
        }
        // The same revision on both sides is no canary, whatever the weight.
        let share = if is_other { weight(&scene.canary) } else { Percent::ZERO };
        // Analysis is skipped: Flagger is about to move all of it.
        let share = (!is_skipping).then_some(share);
        let past = self.ground.past(&scene.target, &crowd.sets, &stable.revision).await?;
        let past = past.into_iter().filter(|revision| *revision != target || !is_other).collect();
        Ok(Sight { stable, canary, share, past, holder, owner, memo: None, notices })
    }

    pub(super) fn reachable(&self, percent: Percent, _: &Sight) -> Share {
        let Some(known) = &self.known else {
            return Share::Unpromised("the Canary was not looked at yet".to_owned());
        };
        let is_end = percent == Percent::ZERO || percent == Percent::WHOLE;
        if !is_end && !known.contains(&percent) {
            let steps = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Share::Unpromised(format!("Flagger goes through {steps}, not {percent}"));
        }
        let (canary, whole) = (u32::from(percent.hundredths()), u32::from(Percent::WHOLE.hundredths()));
        Share::Parts { canary, stable: whole - canary, unit: Unit::Weights }
    }

    async fn set(&self, fields: &[(&str, Value)]) -> Result<bool, Trouble> {
        self.ground
            .cluster
            .edit(&FLAGGER_CANARY, &self.ground.workload, |object| {
                let mut changed = false;
                for (key, value) in fields {
                    changed |= set_spec(object, key, value.clone());
                }
                Ok(changed)
            })
            .await
    }

    pub(super) async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let container = self.ground.container();
        let present = scene.target.revision(container);
        if present == release.revision {
            return Ok(Done::AlreadySo);
        }
        if is_under_way(&scene.canary) {
            let what = format!("Flagger is at the release {present} ({})", phase(&scene.canary));
            return Err(self.refused(what, "abort or promote that release first"));
        }
        if weights(&scene.canary).is_empty() {
            let what = "its analysis has no stepWeight or stepWeights, so that it gives no share";
            return Err(self.refused(what, "give it steps"));
        }
        twin::keep_stable(&self.ground, &scene.target).await?;
        let template = twin::template(&self.ground, &scene.target, release).await?;
        // Suspended first: else Flagger might be at its first weight before anybody asked for a share.
        self.set(&[("suspend", json!(true))]).await?;
        self.ground
            .cluster
            .edit(&DEPLOYMENT, scene.target.name(), |object| Ok(set_template(object, &template, Some(&release.cause))))
            .await?;
        Ok(Done::Changed(format!(
            "deployment/{} holds {}, and Flagger is suspended",
            scene.target.name(),
            release.revision
        )))
    }

    pub(super) async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        if percent == Percent::ZERO {
            return self.abort().await;
        }
        self.ground.hold().await?;
        let scene = self.scene().await?;
        if percent == Percent::WHOLE && !weights(&scene.canary).contains(&percent) {
            return self.promote().await;
        }
        if !weights(&scene.canary).contains(&percent) {
            let what = format!("Flagger does not stop at {percent}");
            return Err(self.refused(what, "give the Canary and the rollout file the same steps"));
        }
        let now = weight(&scene.canary);
        if phase(&scene.canary) == "Failed" {
            return Err(self.refused("Flagger has rolled it back on its own", "look at the events of the Canary"));
        }
        if now > percent {
            let what = format!("Flagger is at {now} already, and goes only forward");
            return Err(self.refused(what, "abort, or go on with the next step"));
        }
        let hold = now == percent;
        let changed = self.set(&[("suspend", json!(hold))]).await?;
        if hold {
            return Ok(told(&changed.then(|| format!("Flagger held at {now}")).into_iter().collect::<Vec<_>>()));
        }
        Ok(Done::Changed(format!("nothing yet: Flagger goes from {now} to {percent} at its own interval")))
    }

    pub(super) async fn promote(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let container = self.ground.container();
        if scene.target.revision(container) == scene.primary.revision(container) {
            return Ok(Done::AlreadySo);
        }
        let changed = self.skip_analysis().await?;
        Ok(told(
            &changed.then(|| "Flagger promotes it without looking further".to_owned()).into_iter().collect::<Vec<_>>(),
        ))
    }

    async fn skip_analysis(&self) -> Result<bool, Trouble> {
        self.ground
            .cluster
            .edit(&FLAGGER_CANARY, &self.ground.workload, |object| {
                let before = object.data.pointer("/spec/skipAnalysis").cloned().unwrap_or(Value::Null);
                let is_known = object.metadata.annotations.as_ref().is_some_and(|known| known.contains_key(SKIPPED));
                if !is_known {
                    annotate(object, &[(SKIPPED, Some(&before.to_string()))]);
                }
                let skipped = set_spec(object, "skipAnalysis", json!(true));
                Ok(set_spec(object, "suspend", json!(false)) || skipped || !is_known)
            })
            .await
    }

    /// Gives Flagger back its own mind.
    async fn give_back(&self) -> Result<bool, Trouble> {
        self.ground
            .cluster
            .edit(&FLAGGER_CANARY, &self.ground.workload, |object| {
                let kept = object.metadata.annotations.as_ref().and_then(|known| known.get(SKIPPED)).cloned();
                let mut changed = false;
                if let Some(kept) = kept {
                    changed |= set_spec(object, "skipAnalysis", serde_json::from_str(&kept).unwrap_or(Value::Null));
                    changed |= annotate(object, &[(SKIPPED, None)]);
                }
                if object.data.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
                    changed |= set_spec(object, "suspend", json!(false));
                }
                Ok(changed)
            })
            .await
    }

    pub(super) async fn retire(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        if is_under_way(&scene.canary) {
            return Ok(Done::Changed(format!("nothing yet: Flagger is {}", phase(&scene.canary).to_lowercase())));
        }
        let changed = self.give_back().await?;
        self.ground.release().await?;
        Ok(told(&changed.then(|| "Flagger watches again".to_owned()).into_iter().collect::<Vec<_>>()))
    }

    pub(super) async fn abort(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let container = self.ground.container();
        let stable = scene.primary.revision(container);
        let mut changes = Vec::new();
        if scene.target.revision(container) != stable {
            changes.push(self.bring_back(&scene, &stable, &format!("abort, back to {stable}")).await?);
        }
        if self.give_back().await? {
            changes.push("Flagger watches again".to_owned());
        }
        self.ground.release().await?;
        Ok(told(&changes))
    }

    /// Flagger starts no canary for the template that it promoted last.
    async fn bring_back(&self, scene: &Scene, to: &Revision, cause: &str) -> Result<String, Trouble> {
        let record = records::find(&self.ground.cluster, &scene.target, self.ground.container(), to).await?;
        // The very template that the target had, where a ReplicaSet still holds it: Flagger compares all of it.
        let sets = self.ground.crowd().await?.sets;
        let kept =
            records::of_sets(scene.target.uid(), self.ground.container(), &sets, "deployment.kubernetes.io/revision");
        let template = kept.iter().find(|kept| kept.revision == *to).map_or(&record.template, |kept| &kept.template);
        let template = plain(template);
        self.ground
            .cluster
            .edit(&DEPLOYMENT, scene.target.name(), |object| {
                annotate(object, &[(CAUSE, Some(cause))]);
                set_spec(object, "paused", Value::Null);
                Ok(set_template(object, &template, None))
            })
            .await?;
        Ok(format!("deployment/{} goes back to {to}", scene.target.name()))
    }

    pub(super) async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let container = self.ground.container();
        if scene.primary.revision(container) == *to {
            return self.abort().await;
        }
        let mut changes = Vec::new();
        if scene.target.revision(container) != *to {
            changes.push(self.bring_back(&scene, to, &format!("undo to {to}")).await?);
        }
        if self.skip_analysis().await? {
            changes.push("Flagger promotes it without looking further".to_owned());
        }
        Ok(told(&changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(analysis: &Value, expect: &[u16]) {
        let value = json!({ "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "spec": { "analysis": analysis } });
        let canary = Workload(serde_json::from_value(value).unwrap());
        let found: Vec<u16> = weights(&canary).into_iter().map(|weight| weight.hundredths() / 100).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn flagger_passes_through_its_own_weights() {
        check(&json!({ "stepWeight": 20, "maxWeight": 50 }), &[20, 40, 60]);
        check(&json!({ "stepWeights": [1, 10, 50] }), &[1, 10, 50]);
        check(&json!({ "stepWeight": 50 }), &[50, 100]);
        check(&json!({ "iterations": 10 }), &[]);
        check(&json!({ "stepWeight": 60000, "maxWeight": 60000 }), &[100]);
    }
}
