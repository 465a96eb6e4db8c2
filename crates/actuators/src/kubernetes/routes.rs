//! Weights of an `HTTPRoute` of the Gateway API: the gateway picks for every request.
//!
//! Stable keeps all its replicas until it is promoted, so that an abort is one write. The canary's replicas go up before
//! its weight and come down after it.

use gonogo_domain::rollout::{Done, Percent, Release, Revision, Share, Sight, Trouble, TroubleKind, Unit};
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    autoscaler,
    cluster::Against,
    ground::{Ground, told},
    kinds::{DEPLOYMENT, ROUTE, SERVICE},
    selector::Labels,
    twin,
    workload::Workload,
};

#[derive(Debug)]
pub(super) struct Routes {
    ground: Ground,
    service: String,
    route: String,
}

/// Weights of the two Services in the rules of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weights {
    stable: u64,
    canary: u64,
}

impl Weights {
    fn of(percent: Percent) -> Self {
        let (part, whole) = (u64::from(percent.hundredths()), u64::from(Percent::WHOLE.hundredths()));
        let step = if part % 100 == 0 { 100 } else { 1 };
        Self { stable: (whole - part) / step, canary: part / step }
    }

    fn percent(self) -> Option<Percent> {
        Percent::of_parts(self.canary, self.stable.saturating_add(self.canary))
    }
}

/// The references of every rule to backends.
fn references(object: &mut DynamicObject) -> Vec<&mut Vec<Value>> {
    let rules = object.data.pointer_mut("/spec/rules").and_then(Value::as_array_mut).into_iter().flatten();
    rules.filter_map(|rule| rule.get_mut("backendRefs")?.as_array_mut()).collect()
}

fn names(reference: &Value, service: &str) -> bool {
    let kind = reference.get("kind").and_then(Value::as_str).unwrap_or("Service");
    kind == "Service"
        && reference.get("name").and_then(Value::as_str) == Some(service)
        && reference.get("namespace").is_none_or(Value::is_null)
}

fn weight(reference: &Value) -> u64 {
    reference.get("weight").and_then(Value::as_u64).unwrap_or(1)
}

/// The weights in each rule that sends anything to the stable Service.
fn weights(route: &DynamicObject, stable: &str, canary: &str) -> Vec<Weights> {
    let sum = |references: &[Value], service: &str| {
        references.iter().filter(|one| names(one, service)).map(weight).fold(0, u64::saturating_add)
    };
    let mut route = route.clone();
    references(&mut route)
        .into_iter()
        .filter(|references| references.iter().any(|one| names(one, stable)))
        .map(|references| Weights { stable: sum(references, stable), canary: sum(references, canary) })
        .collect()
}

/// Writes the weights into every rule; a rule that has no reference to the canary gets one, with the port of stable.
fn set_weights(route: &mut DynamicObject, stable: &str, canary: &str, to: Weights) -> bool {
    let before = route.data.clone();
    for references in references(route) {
        let Some(first) = references.iter().find(|one| names(one, stable)).cloned() else { continue };
        if !references.iter().any(|one| names(one, canary)) {
            let mut reference = first;
            if let Some(reference) = reference.as_object_mut() {
                reference.insert("name".to_owned(), json!(canary));
            }
            references.push(reference);
        }
        for (service, weight) in [(stable, to.stable), (canary, to.canary)] {
            let mut found = references.iter_mut().filter(|one| names(one, service)).filter_map(Value::as_object_mut);
            if let Some(reference) = found.next() {
                reference.insert("weight".to_owned(), json!(weight));
            }
            found.for_each(|more| {
                more.insert("weight".to_owned(), json!(0));
            });
        }
    }
    route.data != before
}

/// Only stable is left, with the weight that a reference has on its own.
fn forget(route: &mut DynamicObject, stable: &str, canary: &str) -> bool {
    let before = route.data.clone();
    for references in references(route) {
        if !references.iter().any(|one| names(one, canary)) {
            continue;
        }
        references.retain(|one| !names(one, canary));
        for reference in references.iter_mut().filter(|one| names(one, stable)).filter_map(Value::as_object_mut) {
            reference.insert("weight".to_owned(), json!(1));
        }
    }
    route.data != before
}

struct Scene {
    stable: Workload,
    canary: Option<Workload>,
    route: DynamicObject,
    /// None: the rules of the route do not agree.
    share: Option<Percent>,
    replicas: u32,
}

impl Routes {
    pub(super) const fn new(ground: Ground, service: String, route: String) -> Self {
        Self { ground, service, route }
    }

    pub(super) const fn ground(&self) -> &Ground {
        &self.ground
    }

    fn canary_service(&self) -> String {
        twin::name(&self.service)
    }

    async fn scene(&self) -> Result<Scene, Trouble> {
        let stable = self.ground.deployment(&self.ground.workload).await?;
        let canary = twin::find(&self.ground).await?;
        let route = self.ground.cluster.get(&ROUTE, &self.route).await?;
        let weights = weights(&route, &self.service, &self.canary_service());
        let Some(first) = weights.first() else {
            let what = format!("no rule of it sends traffic to service/{}", self.service);
            let at = self.ground.cluster.at(&ROUTE, &self.route);
            return Err(Trouble::new(TroubleKind::Refused, at, what, "name the route that does"));
        };
        let share = first.percent().filter(|share| weights.iter().all(|one| one.percent() == Some(*share)));
        let replicas = twin::replicas(&stable, canary.as_ref());
        Ok(Scene { stable, canary, route, share, replicas })
    }

    pub(super) async fn observe(&mut self) -> Result<Sight, Trouble> {
        let holder = self.ground.holder().await?;
        let scene = self.scene().await?;
        let crowd = self.ground.crowd().await?;
        let container = self.ground.container();
        let mut notices = Vec::new();
        let mut owner = Ground::owner(&scene.stable, &mut notices);
        if owner.is_none() {
            owner = super::owner::of(&scene.route);
            notices.extend(owner.as_ref().map(|owner| {
                format!(
                    "{} ({}) keeps httproute/{} as it is in git and may undo its weights",
                    owner.tool, owner.object, self.route
                )
            }));
        }
        if scene.share.is_none() {
            notices.push(format!("the rules of httproute/{} give different shares", self.route));
        }
        if !is_programmed(&scene.route) {
            notices.push(format!("no gateway says that it has taken over httproute/{} as it is now", self.route));
        }
        let stable = crowd.side(&scene.stable, container, scene.stable.wanted());
        let canary = scene.canary.as_ref().map(|canary| crowd.side(canary, container, canary.wanted()));
        let past = self.ground.past(&scene.stable, &crowd.sets, &stable.revision).await?;
        Ok(Sight { stable, canary, share: scene.share, past, holder, owner, memo: None, notices })
    }

    #[expect(clippy::unused_self, reason = "every driver answers this for itself")]
    pub(super) fn reachable(&self, percent: Percent, _: &Sight) -> Share {
        let weights = Weights::of(percent);
        let narrow = |weight: u64| u32::try_from(weight).unwrap_or(u32::MAX);
        Share::Parts { canary: narrow(weights.canary), stable: narrow(weights.stable), unit: Unit::Weights }
    }

    pub(super) async fn prepare(&mut self, release: &Release) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let ground = &self.ground;
        if scene.replicas == 0 {
            return Err(ground.refused("it has no replicas", "scale it up first"));
        }
        if let Some(canary) = &scene.canary {
            let there = canary.revision(ground.container());
            if there == release.revision && canary.wanted() > 0 {
                let held = self.complete(&scene.stable, &canary.template_labels()).await?;
                return Ok(told(&held.into_iter().collect::<Vec<_>>()));
            }
            if scene.share != Some(Percent::ZERO) {
                let what = format!("the release {there} still gets a part of the traffic");
                return Err(ground.refused(what, "abort or promote that release first"));
            }
        }
        let service = ground.service_before(&scene.stable, &self.service).await?;
        let labels = match &scene.canary {
            // The selector of a Deployment cannot be changed.
            Some(canary) => canary.template_labels(),
            None => twin::labels_apart(ground, &scene.stable, &service)?,
        };
        ground.is_at_rest(&scene.stable, &ground.crowd().await?)?;
        autoscaler::find(&ground.cluster, &ground.workload).await?;
        twin::keep_stable(ground, &scene.stable).await?;
        let template = twin::template(ground, &scene.stable, release).await?;
        let twin = twin::Twin {
            stable: &scene.stable,
            labels: &labels,
            template: &template,
            replicas: 1,
            cause: &release.cause,
        };
        twin::make(ground, twin).await?;
        let held = self.complete(&scene.stable, &labels).await?;
        let made = format!(
            "deployment/{} runs one replica of {}, with no traffic",
            twin::name(&ground.workload),
            release.revision
        );
        Ok(told(&[made].into_iter().chain(held).collect::<Vec<_>>()))
    }

    /// What a canary needs besides its Deployment. Whoever was killed right after that was made is not asked to prepare it
    /// again, as it is seen to run.
    async fn complete(&self, stable: &Workload, labels: &Labels) -> Result<Option<String>, Trouble> {
        self.ensure_service(labels).await?;
        // Less traffic would make it smaller, and all of it comes back in one moment when the canary is given up.
        autoscaler::pin(&self.ground.cluster, &self.ground.workload, stable.wanted()).await
    }

    /// The Service of the canary, with the ports of stable's.
    async fn ensure_service(&self, labels: &Labels) -> Result<(), Trouble> {
        let ground = &self.ground;
        let service = ground.cluster.get(&SERVICE, &self.service).await?;
        let ports: Vec<Value> = service
            .data
            .pointer("/spec/ports")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|port| {
                let mut port = port.clone();
                if let Some(port) = port.as_object_mut() {
                    // A port of the node belongs to one Service.
                    port.remove("nodePort");
                }
                port
            })
            .collect();
        let name = self.canary_service();
        let body = json!({
            "metadata": { "name": name, "labels": { "app.kubernetes.io/managed-by": "gonogo" } },
            "spec": { "selector": labels, "ports": ports },
        });
        ground.cluster.apply(&SERVICE, &name, &body, Against::Yield).await
    }

    pub(super) async fn set_share(&mut self, percent: Percent) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let Some(canary) = &scene.canary else {
            if percent == Percent::ZERO {
                return Ok(Done::AlreadySo);
            }
            return Err(self.ground.refused("there is no canary that could get a share", "prepare a release first"));
        };
        let ground = &self.ground;
        let needed = u64::from(scene.replicas) * u64::from(percent.hundredths());
        let needed = needed.div_ceil(u64::from(Percent::WHOLE.hundredths())).max(1);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let mut changes = Vec::new();
        if canary.wanted() < needed {
            twin::scale(ground, &scene.stable, canary, needed, Against::Yield).await?;
            changes.push(format!("canary {} → {needed} replicas", canary.wanted()));
        }
        let is_more = scene.share.is_none_or(|share| percent > share);
        if is_more && canary.available() < needed {
            changes.push(format!("no weight yet: {} of {needed} canary replicas are available", canary.available()));
            return Ok(told(&changes));
        }
        if scene.share != Some(percent) {
            if is_more {
                changes.extend(self.complete(&scene.stable, &canary.template_labels()).await?);
            }
            self.weigh(percent).await?;
            changes.push(format!("weight of the canary {percent}"));
        }
        if canary.wanted() > needed && !is_more {
            twin::scale(ground, &scene.stable, canary, needed, Against::Yield).await?;
            changes.push(format!("canary {} → {needed} replicas", canary.wanted()));
        }
        Ok(told(&changes))
    }

    async fn weigh(&self, percent: Percent) -> Result<bool, Trouble> {
        let (stable, canary, to) = (&self.service, self.canary_service(), Weights::of(percent));
        self.ground.cluster.edit(&ROUTE, &self.route, |route| Ok(set_weights(route, stable, &canary, to))).await
    }

    pub(super) async fn promote(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let ground = &self.ground;
        let Some(canary) = &scene.canary else {
            return Err(ground.refused("there is no canary that could take its place", "prepare a release first"));
        };
        match twin::for_stable(&scene.stable, canary) {
            Some(template) => twin::promote(ground, &scene.stable, canary, &template).await,
            None => Ok(Done::AlreadySo),
        }
    }

    pub(super) async fn retire(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let container = self.ground.container();
        if let Some(canary) = &scene.canary
            && canary.revision(container) != scene.stable.revision(container)
        {
            return Err(self.ground.refused("it does not run the canary's revision", "promote it first, or abort"));
        }
        if scene.canary.is_some() && !scene.stable.is_complete() {
            let what = format!(
                "nothing yet: {} of {} replicas are available",
                scene.stable.available(),
                scene.stable.wanted()
            );
            return Ok(Done::Changed(what));
        }
        self.end(&scene).await
    }

    /// First all traffic goes to stable; what the canary had goes at the next call, when gateways have taken that over.
    async fn end(&mut self, scene: &Scene) -> Result<Done, Trouble> {
        let mut changes = Vec::new();
        if scene.share == Some(Percent::ZERO) {
            let (stable, canary) = (&self.service, self.canary_service());
            let ground = &self.ground;
            let forgotten =
                ground.cluster.edit(&ROUTE, &self.route, |route| Ok(forget(route, stable, &canary))).await?;
            changes.extend(forgotten.then(|| format!("httproute/{} names service/{stable} alone", self.route)));
            if let Some(twin) = &scene.canary
                && ground.cluster.delete(&DEPLOYMENT, twin.name()).await?
            {
                changes.push(format!("deployment/{} deleted", twin.name()));
            }
            let is_ours = |service: &DynamicObject| {
                let labels = service.metadata.labels.as_ref();
                labels.and_then(|labels| labels.get("app.kubernetes.io/managed-by")).is_some_and(|by| by == "gonogo")
            };
            if ground.cluster.find(&SERVICE, &canary).await?.as_ref().is_some_and(is_ours)
                && ground.cluster.delete(&SERVICE, &canary).await?
            {
                changes.push(format!("service/{canary} deleted"));
            }
        } else if self.weigh(Percent::ZERO).await? {
            changes.push("weight of the canary 0 %".to_owned());
        }
        changes.extend(autoscaler::free(&self.ground.cluster, &self.ground.workload).await?);
        self.ground.release().await?;
        Ok(told(&changes))
    }

    pub(super) async fn abort(&mut self) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        self.end(&scene).await
    }

    pub(super) async fn undo(&mut self, to: &Revision) -> Result<Done, Trouble> {
        self.ground.hold().await?;
        let scene = self.scene().await?;
        let mut changes: Vec<String> = twin::bring_back(&self.ground, &scene.stable, to).await?.into_iter().collect();
        if let Done::Changed(more) = self.end(&scene).await? {
            changes.push(more);
        }
        Ok(told(&changes))
    }
}

/// A gateway has said that it took over the route as it is now.
fn is_programmed(route: &DynamicObject) -> bool {
    let parents = route.data.pointer("/status/parents").and_then(Value::as_array).into_iter().flatten();
    let mut conditions = parents.filter_map(|parent| parent.get("conditions")?.as_array()).flatten();
    conditions.any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("Accepted")
            && condition.get("status").and_then(Value::as_str) == Some("True")
            && condition.get("observedGeneration").and_then(Value::as_i64) == route.metadata.generation
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(references: &Value) -> DynamicObject {
        let value = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "name": "web" },
            "spec": { "rules": [{ "backendRefs": references }, { "filters": [] }] },
        });
        serde_json::from_value(value).expect("it is written as the API has it")
    }

    #[track_caller]
    fn check(before: &Value, percent: f64, expect: &Value) {
        let mut route = route(before);
        set_weights(&mut route, "web", "web-canary", Weights::of(Percent::try_from(percent).unwrap()));
        assert_eq!(route.data.pointer("/spec/rules/0/backendRefs"), Some(expect));
    }

    #[test]
    fn weights_are_written_beside_what_else_a_rule_has() {
        let both = |stable: u32, canary: u32| json!([{ "name": "web", "port": 80, "weight": stable }, { "name": "web-canary", "port": 80, "weight": canary }]);
        check(&json!([{ "name": "web", "port": 80 }]), 10.0, &both(90, 10));
        check(&both(90, 10), 12.5, &both(8750, 1250));
        check(&both(90, 10), 0.0, &both(100, 0));
        let other = json!([{ "name": "other", "port": 80 }]);
        check(&other, 10.0, &other);
    }

    #[test]
    fn a_route_that_was_left_is_as_it_was() {
        let mut route = route(&json!([{ "name": "web", "port": 80 }]));
        set_weights(&mut route, "web", "web-canary", Weights::of(Percent::WHOLE));
        assert_eq!(weights(&route, "web", "web-canary"), [Weights { stable: 0, canary: 100 }]);
        assert!(forget(&mut route, "web", "web-canary"));
        assert_eq!(weights(&route, "web", "web-canary"), [Weights { stable: 1, canary: 0 }]);
        assert!(!forget(&mut route, "web", "web-canary"));
    }
}
