//! Two Deployments behind one Service: connections are spread over the pods of both, so that the share is that of the
//! replicas.
//!
//! No verb waits for a pod. Each call does what the bounds allow with the pods that are available now, so that a share is
//! asked for again until it is reached.

use gonogo_domain::rollout::{
    Done, Percent, Release, Revision, Share, Sight, Trouble,
    replicas::{Bounds, Replicas as Counts, nearest, towards},
};
use serde_json::json;

use super::{
    autoscaler, budget,
    cluster::Against,
    ground::{Crowd, Ground, set_spec, told},
    kinds::{DEPLOYMENT, SERVICE},
    selector::{self, Labels},
    twin,
    workload::Workload,
};

#[derive(Debug)]
pub(super) struct Replicas {
    ground: Ground,
    service: String,
    /// What the last look found, for [`reachable`](Self::reachable), which may not ask.
    known: Option<Limits>,
}

/// What limits the numbers of replicas.
#[derive(Clone, Copy, Debug)]
struct Limits {
    replicas: u32,
    bounds: Bounds,
    /// Stable may not have fewer.
    stable: u32,
}

impl Limits {
    /// The replicas that come nearest to a share.
    fn goal(&self, percent: Percent) -> Counts {
        let mut goal = nearest(self.replicas, percent, self.bounds.surge);
        if goal.stable < self.stable && percent > Percent::ZERO {
            let stable = self.stable.min(self.replicas);
            let most = self.replicas.saturating_add(self.bounds.surge);
            goal = Counts { stable, canary: goal.canary.min(most - stable) };
        }
        goal
    }
}

/// All that is looked at before anything is done.
struct Scene {
    stable: Workload,
    canary: Option<Workload>,
    limits: Limits,
}

impl Scene {
    fn counts(&self) -> Counts {
        Counts { stable: self.stable.wanted(), canary: self.canary.as_ref().map_or(0, Workload::wanted) }
    }

    /// The promotion was asked for: both have the same revision.
    fn is_promoted(&self, container: Option<&str>) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.revision(container) == self.stable.revision(container))
    }
}

impl Replicas {
    pub(super) fn new(ground: Ground, service: String) -> Self {
        Self { ground, service, known: None }
    }

    pub(super) const fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn scene(&mut self) -> Result<Scene, Trouble> {
        let stable = self.ground.deployment(&self.ground.workload).await?;
        let canary = twin::find(&self.ground).await?;
        let replicas = twin::replicas(&stable, canary.as_ref());
        let pods = match &canary {
            Some(canary) => canary.template_labels(),
            // Where none is made yet, and none can be, no budget can count it either.
            None => self
                .service_labels()
                .await
                .ok()
                .and_then(|service| twin::labels_behind_the_same_service(&self.ground, &stable, &service).ok())
                .unwrap_or_default(),
        };
        let floors = budget::read(&self.ground.cluster, &stable.template_labels(), &pods, replicas).await?;
        let mut bounds = stable.bounds(replicas);
        bounds.unavailable = bounds.unavailable.min(replicas.saturating_sub(floors.all));
        let limits = Limits { replicas, bounds, stable: floors.stable };
        self.known = Some(limits);
        Ok(Scene { stable, canary, limits })
    }

    async fn service_labels(&self) -> Result<Labels, Trouble> {
        let service = self.ground.cluster.get(&SERVICE, &self.service).await?;
        Ok(selector::labels(&service.data, "/spec/selector"))
    }

    pub(super) async fn observe(&mut self) -> Result<Sight, Trouble> {
        let holder = self.ground.holder().await?;
        let scene = self.scene().await?;
        let crowd = self.ground.crowd().await?;
        let container = self.ground.container();
        let mut notices = Vec::new();
        let owner = Ground::owner(&scene.stable, &mut notices);
        if scene.stable.is_paused() {
            notices.push(format!("deployment/{} is paused by somebody", scene.stable.name()));
        }
        if let Err(trouble) = autoscaler::find(&self.ground.cluster, &self.ground.workload).await {
            notices.push(format!("{trouble}: {}", trouble.next));
        }
        // While stable takes the canary's place, all replicas are to be its own again.
        let wanted = if scene.is_promoted(container) { scene.limits.replicas } else { scene.stable.wanted() };
        let stable = crowd.side(&scene.stable, container, wanted);
        let canary = scene.canary.as_ref().map(|canary| crowd.side(canary, container, canary.wanted()));
        let past = self.ground.past(&scene.stable, &crowd.sets, &stable.revision).await?;
        let share = share(&scene, &crowd);
        Ok(Sight { stable, canary, share: Some(share), past, holder, owner, memo: None, notices })
    }

    pub(super) fn reachable(&self, percent: Percent, sight: &Sight) -> Share {
        let limits = self.known.unwrap_or_else(|| {
            let replicas = sight.stable.wanted + sight.canary.as_ref().map_or(0, |canary| canary.wanted);
            Limits { replicas, bounds: Bounds { surge: 1, unavailable: 0 }, stable: 0 }
        });
        if limits.replicas == 0 {
            return Share::Unpromised(format!("deployment/{} has no replicas", self.ground.workload));
        }
        limits.goal(percent).share()
    }

    pub(super) async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let ground = &self.ground;
        if scene.limits.replicas == 0 {
            return Err(ground.refused("it has no replicas, so that nothing can be shared", "scale it up first"));
        }
        let service = ground.service_before(&scene.stable, &self.service).await?;
        let labels = twin::labels_behind_the_same_service(ground, &scene.stable, &service)?;
        autoscaler::find(&ground.cluster, &ground.workload).await?;
        if scene.limits.bounds.surge == 0 && scene.limits.bounds.unavailable == 0 {
            let what = "its budget of disruptions leaves no replica that may be missing, and its maxSurge none that may be added";
            return Err(ground.refused(what, "allow a surge of at least 1"));
        }
        if let Some(canary) = &scene.canary {
            let there = canary.revision(ground.container());
            if there == release.revision {
                return Ok(Done::AlreadySo);
            }
            if canary.wanted() > 0 {
                let what = format!("deployment/{} still runs the release {there}", canary.name());
                return Err(ground.refused(what, "abort or promote that release first"));
            }
        }
        ground.is_at_rest(&scene.stable, &ground.crowd().await?)?;
        twin::keep_stable(ground, &scene.stable).await?;
        let template = twin::template(ground, &scene.stable, release).await?;
        let twin = twin::Twin {
            stable: &scene.stable,
            labels: &labels,
            template: &template,
            replicas: 0,
            cause: &release.cause,
        };
        twin::make(ground, twin).await?;
        let name = twin::name(&ground.workload);
        Ok(Done::Changed(format!("deployment/{name} holds {}, with no replicas yet", release.revision)))
    }

    pub(super) async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        if scene.canary.is_none() && percent > Percent::ZERO {
            return Err(self.ground.refused("there is no canary that could get a share", "prepare a release first"));
        }
        if scene.limits.replicas == 0 {
            return Err(self.ground.refused("it has no replicas, so that nothing can be shared", "scale it up first"));
        }
        let goal = scene.limits.goal(percent);
        let moved = self.converge(&scene, goal, Against::Yield).await?;
        Ok(told(&moved.changes))
    }

    pub(super) async fn promote(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let Some(canary) = &scene.canary else {
            return Err(self.ground.refused("there is no canary that could take its place", "prepare a release first"));
        };
        let Some(template) = twin::for_stable(&scene.stable, canary) else {
            let back = Counts { stable: scene.limits.replicas, canary: 0 };
            let moved = self.converge(&scene, back, Against::Yield).await?;
            return Ok(told(&moved.changes));
        };
        // Stable's own update brings its own surge: one replica above the number would be one too many.
        let counts = scene.counts();
        if counts.stable > 0 && counts.stable + counts.canary > scene.limits.replicas {
            let room = scene.limits.replicas.saturating_sub(counts.canary);
            let smaller = Counts { stable: room, canary: counts.canary.min(scene.limits.replicas) };
            let moved = self.converge(&scene, smaller, Against::Yield).await?;
            return Ok(told(&moved.changes));
        }
        twin::promote(&self.ground, &scene.stable, canary, &template).await
    }

    pub(super) async fn retire(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        if scene.canary.is_some() && !scene.is_promoted(self.ground.container()) {
            return Err(self.ground.refused("it does not run the canary's revision", "promote it first, or abort"));
        }
        self.end(&scene, Against::Yield).await
    }

    pub(super) async fn abort(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        self.end(&scene, Against::Overrule).await
    }

    pub(super) async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let Some(written) = twin::bring_back(&self.ground, &scene.stable, to).await? else {
            return self.end(&scene, Against::Overrule).await;
        };
        let mut changes = vec![written];
        let scene = self.scene().await?;
        if let Done::Changed(more) = self.end(&scene, Against::Overrule).await? {
            changes.push(more);
        }
        Ok(told(&changes))
    }

    /// All replicas are stable's again, and what the rollout brought goes.
    async fn end(&mut self, scene: &Scene, against: Against) -> Result<Done, Trouble> {
        let Some(canary) = &scene.canary else {
            let freed = autoscaler::free(&self.ground.cluster, &self.ground.workload).await?;
            self.ground.release().await?;
            return Ok(told(&freed.into_iter().collect::<Vec<_>>()));
        };
        let back = Counts { stable: scene.limits.replicas, canary: 0 };
        let mut moved = self.converge(scene, back, against).await?;
        if moved.is_there {
            let ground = &self.ground;
            moved.changes.extend(autoscaler::free(&ground.cluster, &ground.workload).await?);
            if ground.cluster.delete(&DEPLOYMENT, canary.name()).await? {
                moved.changes.push(format!("deployment/{} deleted", canary.name()));
            }
            self.ground.release().await?;
        }
        Ok(told(&moved.changes))
    }

    /// One step towards these numbers: up first, then down, within the bounds.
    async fn converge(&self, scene: &Scene, goal: Counts, against: Against) -> Result<Moved, Trouble> {
        let Scene { stable, canary, limits } = scene;
        let now = scene.counts();
        if now == goal {
            return Ok(Moved { changes: Vec::new(), is_there: true });
        }
        let all = [Some(stable), canary.as_ref()];
        if all.into_iter().flatten().any(|workload| !workload.is_seen()) {
            // What its status says is of before: replicas that are not counted yet would look like dead ones.
            return Ok(Moved::waits("the controller of Deployments has not seen what was asked last"));
        }
        // What goes counts no more, even where it still answers.
        let available = |workload: &Workload| workload.available().min(workload.wanted());
        let available = Counts { stable: available(stable), canary: canary.as_ref().map_or(0, available) };
        let mut next = towards(limits.replicas, goal, now, available, limits.bounds);
        if all.into_iter().flatten().any(Workload::is_in_motion) {
            // But it takes room until it is gone.
            next = Counts { stable: next.stable.min(now.stable), canary: next.canary.min(now.canary) };
        }
        if next == now {
            return Ok(Moved::waits(&format!(
                "{} of {} stable and {} of {} canary replicas are available",
                available.stable, now.stable, available.canary, now.canary
            )));
        }
        let mut changes = Vec::new();
        if next.stable != now.stable {
            changes.extend(autoscaler::pin(&self.ground.cluster, &self.ground.workload, next.stable).await?);
        }
        if next.stable > now.stable {
            changes.push(self.scale_stable(next.stable).await?);
        }
        if let Some(canary) = canary
            && next.canary != now.canary
        {
            twin::scale(&self.ground, stable, canary, next.canary, against).await?;
            changes.push(format!("canary {} → {}", now.canary, next.canary));
        }
        if next.stable < now.stable {
            changes.push(self.scale_stable(next.stable).await?);
        }
        Ok(Moved { changes, is_there: next == goal })
    }

    async fn scale_stable(&self, replicas: u32) -> Result<String, Trouble> {
        let ground = &self.ground;
        ground
            .cluster
            .edit(&DEPLOYMENT, &ground.workload, |object| Ok(set_spec(object, "replicas", json!(replicas))))
            .await?;
        Ok(format!("stable → {replicas}"))
    }
}

/// What one step came to.
struct Moved {
    changes: Vec<String>,
    /// The numbers are asked for as they should be.
    is_there: bool,
}

impl Moved {
    fn waits(why: &str) -> Self {
        Self { changes: vec![format!("nothing yet: {why}")], is_there: false }
    }
}

/// The canary's part of the pods that are there.
fn share(scene: &Scene, crowd: &Crowd) -> Percent {
    let stable = crowd.of(&scene.stable).count();
    let canary = scene.canary.as_ref().map_or(0, |canary| crowd.of(canary).count());
    Percent::of_parts(u64::from(canary), u64::from(stable) + u64::from(canary)).unwrap_or(Percent::ZERO)
}
