//! Flagger. Its controller does not run here: what it would answer is played, and what is tried is which fields the verbs
//! write.

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_domain::rollout::{Done, Revision};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::stage::{Stage, Verb, call, deployment, image, percent, refused, release};

/// A Canary `web` of the Deployment `web`, with the primary that Flagger made of it.
async fn driver(stage: &Stage) -> Kubernetes {
    stage.service(1, &json!({ "app": "web" })).await;
    stage.create("Deployment", deployment("web-primary", 2, &json!({ "app": "web-primary" }))).await;
    let spec = json!({
        "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "analysis": { "interval": "1m", "stepWeights": [10, 50] },
    });
    stage.create("Canary", json!({ "metadata": { "name": "web" }, "spec": spec })).await;
    flagger(stage, "Initialized", 0).await;
    stage.driver(Strategy::Flagger)
}

/// What Flagger writes.
async fn flagger(stage: &Stage, phase: &str, weight: u32) {
    let patch = json!({ "status": { "phase": phase, "canaryWeight": weight } });
    stage.api("Canary").patch_status("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

/// Flagger copies the template of the target into the primary.
async fn promote(stage: &Stage) {
    let template = stage.get("Deployment", "web").await["spec"]["template"].clone();
    let copied = json!({ "spec": { "template": {
        "metadata": { "annotations": template["metadata"]["annotations"] }, "spec": template["spec"],
    } } });
    stage.patch("Deployment", "web-primary", &copied).await;
    flagger(stage, "Succeeded", 0).await;
}

async fn field(stage: &Stage, key: &str) -> Value {
    stage.get("Canary", "web").await["spec"][key].clone()
}

async fn again(driver: &mut Kubernetes, verb: &Verb) {
    assert_eq!(call(driver, verb).await.unwrap(), Done::AlreadySo, "{verb:?}");
}

pub(crate) async fn every_verb_writes_what_flagger_obeys(stage: Stage) {
    let mut driver = driver(&stage).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.canary.is_none() && sight.share == Some(percent(0.0)), "{sight:#?}");
    assert_eq!(driver.reachable(percent(10.0), &sight).percent(), Some(percent(10.0)));
    assert_eq!(driver.reachable(percent(20.0), &sight).percent(), None, "Flagger does not stop there");

    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    again(&mut driver, &Verb::Prepare(release('2'))).await;
    assert_eq!(field(&stage, "suspend").await, true, "no traffic before it is asked for");
    refused(&mut driver, &Verb::Share(20.0), "does not stop at 20 %").await;
    call(&mut driver, &Verb::Share(10.0)).await.unwrap();
    assert_eq!(field(&stage, "suspend").await, false, "it goes on");
    flagger(&stage, "Progressing", 10).await;
    let sight = driver.observe().await.unwrap();
    assert!(!sight.canary.unwrap().settled(), "it would leave that weight at its next interval");
    call(&mut driver, &Verb::Share(10.0)).await.unwrap();
    assert_eq!(field(&stage, "suspend").await, true, "it is held");
    again(&mut driver, &Verb::Share(10.0)).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.share == Some(percent(10.0)) && sight.canary.unwrap().revision.0 == image('2'));

    call(&mut driver, &Verb::Abort).await.unwrap();
    again(&mut driver, &Verb::Abort).await;
    assert_eq!(stage.get("Deployment", "web").await["spec"]["template"]["spec"]["containers"][0]["image"], image('1'));
    assert_eq!(field(&stage, "suspend").await, false);
    let sight = driver.observe().await.unwrap();
    assert!(sight.canary.is_none() && sight.share == Some(percent(0.0)), "{sight:#?}");
    assert!(sight.notices.iter().any(|notice| notice.contains("still sends traffic")), "{:?}", sight.notices);
    flagger(&stage, "Succeeded", 0).await;

    call(&mut driver, &Verb::Prepare(release('3'))).await.unwrap();
    flagger(&stage, "Progressing", 50).await;
    refused(&mut driver, &Verb::Share(10.0), "at 50 % already").await;
    call(&mut driver, &Verb::Promote).await.unwrap();
    again(&mut driver, &Verb::Promote).await;
    assert_eq!((field(&stage, "skipAnalysis").await, field(&stage, "suspend").await), (json!(true), json!(false)));
    assert!(matches!(call(&mut driver, &Verb::Retire).await.unwrap(), Done::Changed(_)), "it is not finished yet");
    promote(&stage).await;
    call(&mut driver, &Verb::Retire).await.unwrap();
    again(&mut driver, &Verb::Retire).await;
    assert!(field(&stage, "skipAnalysis").await.is_null(), "Flagger has its own mind again");
    let sight = driver.observe().await.unwrap();
    assert!(sight.stable.revision.0 == image('3') && sight.canary.is_none(), "{sight:#?}");

    call(&mut driver, &Verb::Undo(Revision(image('1')))).await.unwrap();
    again(&mut driver, &Verb::Undo(Revision(image('1')))).await;
    assert_eq!(field(&stage, "skipAnalysis").await, true);
    promote(&stage).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.stable.revision.0 == image('1') && sight.share.is_none(), "it is to be asked for again: {sight:#?}");
    call(&mut driver, &Verb::Undo(Revision(image('1')))).await.unwrap();
    assert!(field(&stage, "skipAnalysis").await.is_null());
    let sight = driver.observe().await.unwrap();
    assert!(sight.share == Some(percent(0.0)) && sight.canary.is_none(), "{sight:#?}");
}
