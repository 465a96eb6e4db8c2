//! Argo Rollouts. Its controller does not run here: what it would answer is played, and what is tried is which fields the
//! verbs write.

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_domain::rollout::{Done, Revision};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::stage::{Stage, Verb, call, image, percent, refused, release, template};

async fn rollout(stage: &Stage, steps: &Value) -> Kubernetes {
    let labels = json!({ "app": "web" });
    stage.create("ConfigMap", json!({ "metadata": { "name": "web" }, "data": { "mode": "first" } })).await;
    let spec = json!({
        "replicas": 10, "selector": { "matchLabels": labels }, "template": template(&labels),
        "strategy": { "canary": { "steps": steps, "trafficRouting": { "nginx": {} } } },
    });
    stage.create("Rollout", json!({ "metadata": { "name": "web" }, "spec": spec })).await;
    controller(stage, "one", "one", 1, 0).await;
    stage.driver(Strategy::ArgoRollouts)
}

/// What the controller writes: a ReplicaSet of the present template by this hash, and the status.
async fn controller(stage: &Stage, stable: &str, current: &str, number: u32, weight: u32) {
    let rollout = stage.get("Rollout", "web").await;
    let name = format!("web-{current}");
    if stage.get("ReplicaSet", &name).await.is_null() {
        let labels = json!({ "app": "web", "rollouts-pod-template-hash": current });
        let mut template = rollout["spec"]["template"].clone();
        template["metadata"]["labels"] = labels.clone();
        let owner = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web",
            "uid": rollout["metadata"]["uid"], "controller": true,
        });
        let metadata = json!({
            "name": name, "labels": labels, "ownerReferences": [owner],
            "annotations": { "rollout.argoproj.io/revision": number.to_string() },
        });
        let spec = json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": template });
        stage.create("ReplicaSet", json!({ "metadata": metadata, "spec": spec })).await;
    }
    let status = json!({
        "observedGeneration": rollout["metadata"]["generation"].to_string(), "stableRS": stable, "currentPodHash": current,
        "canary": { "weights": { "canary": { "weight": weight } } },
    });
    status_is(stage, &status).await;
}

async fn status_is(stage: &Stage, status: &Value) {
    let patch = json!({ "status": status });
    stage.api("Rollout").patch_status("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

async fn status(stage: &Stage) -> Value {
    stage.get("Rollout", "web").await["status"].clone()
}

fn steps() -> Value {
    json!([{ "setWeight": 10 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }])
}

async fn twice(driver: &mut Kubernetes, verb: &Verb) {
    let said = call(driver, verb).await.unwrap_or_else(|trouble| panic!("{verb:?}: {trouble}"));
    assert!(matches!(said, Done::Changed(_)), "{verb:?} does nothing");
    again(driver, verb).await;
}

async fn again(driver: &mut Kubernetes, verb: &Verb) {
    assert_eq!(call(driver, verb).await.unwrap(), Done::AlreadySo, "{verb:?}");
}

pub(crate) async fn every_verb_writes_what_the_commands_of_argo_rollouts_write(stage: Stage) {
    let mut driver = rollout(&stage, &steps()).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.canary.is_none() && sight.stable.revision.0 == image('1'), "{sight:#?}");
    assert_eq!(driver.reachable(percent(50.0), &sight).percent(), Some(percent(50.0)));
    assert_eq!(driver.reachable(percent(30.0), &sight).percent(), None, "no step sets it");

    twice(&mut driver, &Verb::Prepare(release('2'))).await;
    assert_eq!(stage.get("Rollout", "web").await["spec"]["template"]["spec"]["containers"][0]["image"], image('2'));
    controller(&stage, "one", "two", 2, 10).await;
    status_is(&stage, &json!({ "currentStepIndex": 1, "pauseConditions": [{ "reason": "CanaryPauseStep" }] })).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.share == Some(percent(10.0)) && sight.canary.unwrap().revision.0 == image('2'));
    again(&mut driver, &Verb::Share(10.0)).await;

    refused(&mut driver, &Verb::Share(30.0), "no step that sets 30 %").await;
    twice(&mut driver, &Verb::Share(50.0)).await;
    let written = status(&stage).await;
    assert!(written["currentStepIndex"] == 2 && written["pauseConditions"].is_null(), "{written}");
    refused(&mut driver, &Verb::Share(10.0), "past its step to 10 %").await;

    twice(&mut driver, &Verb::Abort).await;
    assert_eq!(status(&stage).await["abort"], true);
    refused(&mut driver, &Verb::Promote, "is aborted").await;
    let sight = driver.observe().await.unwrap();
    assert!(
        sight.canary.is_some() && sight.share == Some(percent(10.0)),
        "that it was asked for moves nothing: {sight:#?}"
    );
    status_is(&stage, &json!({ "canary": { "weights": { "canary": { "weight": 0 } } } })).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.canary.is_none(), "to start it again takes another prepare: {sight:#?}");
    // Aborted, the template is still the new one: only going back to stable's ends it.
    twice(&mut driver, &Verb::Undo(Revision(image('1')))).await;
    assert_eq!(stage.get("Rollout", "web").await["spec"]["template"]["spec"]["containers"][0]["image"], image('1'));
    controller(&stage, "one", "one", 3, 0).await;
    status_is(&stage, &json!({ "abort": null, "currentStepIndex": null })).await;

    twice(&mut driver, &Verb::Prepare(release('3'))).await;
    controller(&stage, "one", "three", 4, 10).await;
    twice(&mut driver, &Verb::Promote).await;
    assert_eq!(status(&stage).await["promoteFull"], true);
    assert!(matches!(call(&mut driver, &Verb::Retire).await.unwrap(), Done::Changed(_)), "it is not finished yet");
    controller(&stage, "three", "three", 4, 0).await;
    status_is(&stage, &json!({ "promoteFull": null })).await;
    again(&mut driver, &Verb::Retire).await;
    again(&mut driver, &Verb::Abort).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.canary.is_none() && sight.stable.revision.0 == image('3'), "{sight:#?}");
    assert_eq!(sight.past, [Revision(image('2')), Revision(image('1'))]);
}

pub(crate) async fn a_rollout_that_would_go_on_by_itself_is_refused(stage: Stage) {
    let steps = json!([{ "setWeight": 10 }, { "pause": {} }, { "setWeight": 50 }, { "pause": { "duration": "10m" } }]);
    let mut driver = rollout(&stage, &steps).await;
    refused(&mut driver, &Verb::Prepare(release('2')), "after its step to 50 % it would go on by itself").await;
}
