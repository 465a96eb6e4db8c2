//! The Deployment's own rolling update.

use std::time::Duration;

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_domain::rollout::Revision;
use serde_json::json;

use crate::{
    replicas::report,
    stage::{Stage, Verb, call, has_share, image, is_stable_at, look, percent, release, settle, until},
    watch::Watch,
};

fn driver(stage: &Stage) -> Kubernetes {
    stage.driver(Strategy::Rolling { surge: None })
}

/// Prepares image 2 and holds one replica of it beside the ten of stable.
async fn held(stage: &Stage) -> Kubernetes {
    stage.service(10, &json!({ "app": "web" })).await;
    let mut driver = driver(stage);
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    until(&mut driver, &Verb::Share(10.0), |sight| has_share(sight, 9.09)).await;
    driver
}

pub(crate) async fn a_release_reaches_all_and_each_verb_can_be_asked_for_twice(stage: Stage) {
    stage.service(10, &json!({ "app": "web" })).await;
    let before = stage.get("Deployment", "web").await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let mut driver = driver(&stage);
    let sight = driver.observe().await.unwrap();
    assert_eq!(driver.reachable(percent(10.0), &sight).to_string(), "9.09 % (1 of 11 replicas)");
    assert_eq!(driver.reachable(percent(50.0), &sight).to_string(), "23.08 % (3 of 13 replicas)");
    assert_eq!(driver.reachable(percent(100.0), &sight).to_string(), "100 % (10 of 10 replicas)");

    settle(&mut driver, &Verb::Prepare(release('2'))).await;
    let sight = driver.observe().await.unwrap();
    assert!(sight.share == Some(percent(0.0)) && sight.canary.unwrap().revision.0 == image('2'));
    for (share, real) in [(10.0, 9.09), (50.0, 23.08), (100.0, 100.0)] {
        until(&mut driver, &Verb::Share(share), |sight| has_share(sight, real)).await;
        settle(&mut driver, &Verb::Share(share)).await;
    }
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 10)).await;
    settle(&mut driver, &Verb::Promote).await;
    until(&mut driver, &Verb::Retire, |sight| sight.canary.is_none() && sight.share == Some(percent(0.0))).await;
    settle(&mut driver, &Verb::Retire).await;
    let after = stage.get("Deployment", "web").await;
    for key in ["minReadySeconds", "progressDeadlineSeconds", "strategy", "replicas"] {
        assert_eq!(after["spec"][key], before["spec"][key], "{key} is given back");
    }
    assert!(after["metadata"]["annotations"]["gonogo.dev/update"].is_null());
    assert!(stage.get("Lease", "gonogo-web").await.is_null());

    let undo = Verb::Undo(Revision(image('1')));
    let took =
        until(&mut driver, &undo, |sight| is_stable_at(sight, '1', 10) && sight.share == Some(percent(0.0))).await;
    settle(&mut driver, &undo).await;
    report("undo of a rolling update of 10 replicas after its promotion", took);
    let seen = watch.so_far();
    // Kubernetes itself counts what it asked for and not what is still there: the two that are going may overlap.
    assert!(seen.changes > 50 && seen.fewest_ready >= 8 && seen.most <= 15, "{seen:?}");
}

pub(crate) async fn a_held_share_stays_what_it_is(stage: Stage) {
    let mut driver = held(&stage).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    // Somebody writes to the Deployment, which makes its controller look again.
    for number in 0..10 {
        let annotation = json!({ "metadata": { "annotations": { "somebody/was-here": number.to_string() } } });
        stage.patch("Deployment", "web", &annotation).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sight = driver.observe().await.unwrap();
    assert!(has_share(&sight, 9.09) && is_stable_at(&sight, '1', 10), "{sight:#?}");
    assert_eq!(watch.so_far().changes, 0, "not one pod has changed");
}

pub(crate) async fn an_abort_brings_the_very_pods_back(stage: Stage) {
    let mut driver = held(&stage).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let took = until(&mut driver, &Verb::Abort, |sight| {
        is_stable_at(sight, '1', 10) && sight.canary.is_none() && sight.share == Some(percent(0.0))
    })
    .await;
    settle(&mut driver, &Verb::Abort).await;
    report("abort of a held rolling update of 10 replicas", took);
    let seen = watch.so_far();
    assert!(seen.fewest_ready >= 10 && seen.most <= 11, "no stable pod was replaced: {seen:?}");
    // Its going and its end: the one pod of the canary.
    assert!((1..=4).contains(&seen.changes), "{seen:?}");
}

/// Pauses as somebody would with `kubectl rollout pause`.
async fn pause(stage: &Stage) {
    stage.patch("Deployment", "web", &json!({ "spec": { "paused": true } })).await;
}

pub(crate) async fn an_abort_works_while_somebody_paused_it(stage: Stage) {
    let mut driver = held(&stage).await;
    pause(&stage).await;
    let took = until(&mut driver, &Verb::Abort, |sight| {
        is_stable_at(sight, '1', 10) && sight.canary.is_none() && sight.share == Some(percent(0.0))
    })
    .await;
    report("abort of a paused rolling update of 10 replicas", took);
}

pub(crate) async fn an_undo_works_while_it_is_paused(stage: Stage) {
    let mut driver = held(&stage).await;
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 10)).await;
    settle(&mut driver, &Verb::Retire).await;
    // The next update is stopped in the middle by a person, as the usual recipe has it.
    let container = json!({ "name": "app", "image": image('3') });
    stage
        .patch("Deployment", "web", &json!({ "spec": { "template": { "spec": { "containers": [container] } } } }))
        .await;
    look(&mut driver, |sight| sight.stable.revision.0 == image('3') && sight.stable.old > 0).await;
    pause(&stage).await;
    let undo = Verb::Undo(Revision(image('1')));
    let took =
        until(&mut driver, &undo, |sight| is_stable_at(sight, '1', 10) && sight.share == Some(percent(0.0))).await;
    settle(&mut driver, &undo).await;
    report("undo of a paused rolling update of 10 replicas", took);
    assert!(stage.get("Deployment", "web").await["spec"]["paused"].is_null());
}

pub(crate) async fn what_a_pause_promises_is_nothing(stage: Stage) {
    let mut driver = held(&stage).await;
    pause(&stage).await;
    let sight = driver.observe().await.unwrap();
    assert_eq!(sight.share, None);
    assert!(sight.notices.iter().any(|notice| notice.contains("paused")), "{:?}", sight.notices);
}
