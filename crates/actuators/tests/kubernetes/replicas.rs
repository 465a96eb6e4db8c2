//! Two Deployments behind one Service.

use std::time::Duration;

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_components::kubernetes::READY_AFTER;
use gonogo_domain::rollout::Revision;
use serde_json::json;

use crate::{
    stage::{
        Stage, Verb, call, deployment, has_share, image, is_stable_at, look, percent, refused, release, settle, until,
    },
    watch::Watch,
};

fn driver(stage: &Stage) -> Kubernetes {
    stage.driver(Strategy::Replicas { service: "web".to_owned() })
}

/// Prepares image 2 and brings it to a share.
async fn at_share(stage: &Stage, share: f64, real: f64) -> Kubernetes {
    let mut driver = driver(stage);
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    until(&mut driver, &Verb::Share(share), |sight| has_share(sight, real)).await;
    driver
}

pub(crate) async fn a_release_reaches_all_and_each_verb_can_be_asked_for_twice(stage: Stage) {
    stage.tracked(10).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let mut driver = driver(&stage);
    let sight = driver.observe().await.unwrap();
    assert!(is_stable_at(&sight, '1', 10) && sight.canary.is_none() && sight.share == Some(percent(0.0)), "{sight:#?}");
    assert_eq!(driver.reachable(percent(10.0), &sight).to_string(), "10 % (1 of 10 replicas)");

    let prepare = Verb::Prepare(release('2'));
    until(&mut driver, &prepare, |sight| sight.canary.as_ref().is_some_and(|one| one.revision.0 == image('2'))).await;
    settle(&mut driver, &prepare).await;
    assert_eq!(
        driver.observe().await.unwrap().share,
        Some(percent(0.0)),
        "nothing gets traffic before it is asked for"
    );
    for share in [10.0, 50.0, 100.0] {
        until(&mut driver, &Verb::Share(share), |sight| has_share(sight, share)).await;
        settle(&mut driver, &Verb::Share(share)).await;
    }
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 10)).await;
    settle(&mut driver, &Verb::Promote).await;
    until(&mut driver, &Verb::Retire, |sight| sight.canary.is_none()).await;
    settle(&mut driver, &Verb::Retire).await;
    let sight = look(&mut driver, |sight| sight.share == Some(percent(0.0))).await;
    assert!(is_stable_at(&sight, '2', 10), "{sight:#?}");
    assert_eq!(sight.past, [Revision(image('1'))]);
    assert_eq!(
        stage.get("Deployment", "web").await["metadata"]["annotations"]["kubernetes.io/change-cause"],
        "release 2"
    );
    assert!(stage.get("Deployment", "web-canary").await.is_null());
    assert!(stage.get("Lease", "gonogo-web").await.is_null(), "the lease is given back");
    // maxSurge is 25 %, rounded up; maxUnavailable 25 %, rounded down.
    let seen = watch.so_far();
    assert!(seen.changes > 100 && seen.fewest_ready >= 8 && seen.most <= 13, "{seen:?}");

    let took = until(&mut driver, &Verb::Undo(Revision(image('1'))), |sight| is_stable_at(sight, '1', 10)).await;
    settle(&mut driver, &Verb::Undo(Revision(image('1')))).await;
    report("undo of 10 replicas after a promotion", took);
    // This one is an update of Kubernetes itself, which counts what it asked for and not what is still there.
    let seen = watch.so_far();
    assert!(seen.fewest_ready >= 8 && seen.most <= 15, "{seen:?}");
}

pub(crate) async fn an_abort_takes_the_canary_away_and_leaves_stable_alone(stage: Stage) {
    stage.tracked(10).await;
    let mut driver = at_share(&stage, 10.0, 10.0).await;
    let before = stage.get("Deployment", "web").await["spec"]["template"].clone();
    let took = until(&mut driver, &Verb::Abort, |sight| {
        sight.share == Some(percent(0.0)) && is_stable_at(sight, '1', 10) && sight.canary.is_none()
    })
    .await;
    settle(&mut driver, &Verb::Abort).await;
    report("abort at 10 % of 10 replicas", took);
    assert_eq!(stage.get("Deployment", "web").await["spec"]["template"], before);
    assert!(stage.get("Deployment", "web-canary").await.is_null());
}

pub(crate) async fn half_is_taken_back_within_the_bounds(stage: Stage) {
    stage.tracked(10).await;
    let mut driver = at_share(&stage, 50.0, 50.0).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let took =
        until(&mut driver, &Verb::Abort, |sight| sight.share == Some(percent(0.0)) && is_stable_at(sight, '1', 10))
            .await;
    report("abort at 50 % of 10 replicas", took);
    let seen = watch.so_far();
    assert!(seen.changes > 10 && seen.fewest_ready >= 8 && seen.most <= 13, "{seen:?}");
}

pub(crate) async fn a_promotion_that_never_gets_ready_is_undone(stage: Stage) {
    stage.tracked(4).await;
    let mut driver = at_share(&stage, 50.0, 50.0).await;
    // From here on, what is promoted never gets ready.
    call(&mut driver, &Verb::Promote).await.unwrap();
    look(&mut driver, |_| true).await;
    let begun = std::time::Instant::now();
    let template = json!({ "spec": { "template": { "metadata": { "annotations": { READY_AFTER: "never" } } } } });
    while stage.get("Deployment", "web").await["spec"]["template"]["spec"]["containers"][0]["image"] != image('2') {
        assert!(begun.elapsed() < crate::stage::PATIENCE);
        call(&mut driver, &Verb::Promote).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.patch("Deployment", "web", &template).await;
    look(&mut driver, |sight| sight.stable.old > 0).await;
    let took = until(&mut driver, &Verb::Undo(Revision(image('1'))), |sight| {
        is_stable_at(sight, '1', 4) && sight.share == Some(percent(0.0))
    })
    .await;
    report("undo of a promotion under way, 4 replicas", took);
    settle(&mut driver, &Verb::Undo(Revision(image('1')))).await;
}

pub(crate) async fn a_paused_deployment_is_undone(stage: Stage) {
    stage.tracked(4).await;
    let mut driver = at_share(&stage, 25.0, 25.0).await;
    stage.patch("Deployment", "web", &json!({ "spec": { "paused": true } })).await;
    until(&mut driver, &Verb::Undo(Revision(image('1'))), |sight| {
        is_stable_at(sight, '1', 4) && sight.canary.is_none() && sight.share == Some(percent(0.0))
    })
    .await;
    assert!(stage.get("Deployment", "web").await["spec"]["paused"].is_null());
}

pub(crate) async fn a_revision_comes_back_with_its_configuration(stage: Stage) {
    stage.tracked(2).await;
    let mut driver = driver(&stage);
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    // What stable was configured with is kept; from here on the object says something else.
    stage.patch("ConfigMap", "web", &json!({ "data": { "mode": "second" } })).await;
    stage.patch("Secret", "web", &json!({ "stringData": { "door": "second" } })).await;
    until(&mut driver, &Verb::Share(50.0), |sight| has_share(sight, 50.0)).await;
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 2)).await;
    until(&mut driver, &Verb::Retire, |sight| sight.canary.is_none()).await;
    // The next release takes the configuration as it is by then.
    call(&mut driver, &Verb::Prepare(release('3'))).await.unwrap();
    assert_eq!(configured(&stage, "web-canary").await, ("second".to_owned(), "second".to_owned()));
    until(&mut driver, &Verb::Abort, |sight| sight.canary.is_none()).await;

    until(&mut driver, &Verb::Undo(Revision(image('1'))), |sight| is_stable_at(sight, '1', 2)).await;
    assert_eq!(configured(&stage, "web").await, ("first".to_owned(), "first".to_owned()));
}

/// What a Deployment's pods read: of the `ConfigMap`, and of the Secret as it was written.
async fn configured(stage: &Stage, name: &str) -> (String, String) {
    let deployment = stage.get("Deployment", name).await;
    let from = &deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"];
    let map = stage.get("ConfigMap", from[0]["configMapRef"]["name"].as_str().unwrap()).await;
    let secret = stage.get("Secret", from[1]["secretRef"]["name"].as_str().unwrap()).await;
    assert_eq!((&map["immutable"], &secret["immutable"]), (&json!(true), &json!(true)), "copies never change");
    let door = match secret["data"]["door"].as_str().unwrap() {
        "Zmlyc3Q=" => "first",
        _ => "second",
    };
    (map["data"]["mode"].as_str().unwrap().to_owned(), door.to_owned())
}

pub(crate) async fn one_replica_is_replaced_without_a_gap(stage: Stage) {
    stage.tracked(1).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let mut driver = driver(&stage);
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    let sight = driver.observe().await.unwrap();
    assert_eq!(driver.reachable(percent(10.0), &sight).to_string(), "50 % (1 of 2 replicas)");
    until(&mut driver, &Verb::Share(10.0), |sight| has_share(sight, 50.0)).await;
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 1)).await;
    until(&mut driver, &Verb::Retire, |sight| sight.canary.is_none() && sight.share == Some(percent(0.0))).await;
    let seen = watch.so_far();
    assert!(seen.changes > 5 && seen.fewest_ready >= 1 && seen.most <= 2, "{seen:?}");
}

pub(crate) async fn a_selector_that_would_match_the_canary_is_refused(stage: Stage) {
    stage.service(2, &json!({ "app": "web" })).await;
    let mut driver = driver(&stage);
    refused(&mut driver, &Verb::Prepare(release('2')), "would match the canary's pods too").await;
    assert!(stage.get("Deployment", "web-canary").await.is_null());
    // Nothing was taken, so that nothing keeps another strategy from it but the lease.
    call(&mut driver, &Verb::Abort).await.unwrap();
    assert!(stage.get("Lease", "gonogo-web").await.is_null());
}

pub(crate) async fn a_release_without_a_digest_is_refused(stage: Stage) {
    stage.tracked(1).await;
    let mut driver = driver(&stage);
    let mut tagged = release('2');
    tagged.revision = Revision("example.test/app:2".to_owned());
    refused(&mut driver, &Verb::Prepare(tagged), "names no digest").await;
    refused(&mut driver, &Verb::Share(10.0), "no canary").await;
    refused(&mut driver, &Verb::Promote, "no canary").await;
    refused(&mut driver, &Verb::Undo(Revision("never".to_owned())), "never had the revision").await;
}

fn autoscaler(owners: &serde_json::Value) -> serde_json::Value {
    json!({
        "metadata": { "name": "web", "ownerReferences": owners },
        "spec": {
            "minReplicas": 2, "maxReplicas": 8,
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        },
    })
}

pub(crate) async fn an_autoscaler_is_held_and_given_back(stage: Stage) {
    stage.tracked(4).await;
    stage.create("HorizontalPodAutoscaler", autoscaler(&json!([]))).await;
    let mut driver = at_share(&stage, 50.0, 50.0).await;
    let held = stage.get("HorizontalPodAutoscaler", "web").await;
    assert_eq!((&held["spec"]["minReplicas"], &held["spec"]["maxReplicas"]), (&json!(2), &json!(2)));
    until(&mut driver, &Verb::Share(100.0), |sight| has_share(sight, 100.0)).await;
    until(&mut driver, &Verb::Abort, |sight| sight.canary.is_none() && is_stable_at(sight, '1', 4)).await;
    let freed = stage.get("HorizontalPodAutoscaler", "web").await;
    assert_eq!((&freed["spec"]["minReplicas"], &freed["spec"]["maxReplicas"]), (&json!(2), &json!(8)));
    assert!(freed["metadata"]["annotations"]["gonogo.dev/bounds"].is_null());
}

pub(crate) async fn an_autoscaler_of_another_controller_is_refused(stage: Stage) {
    stage.tracked(1).await;
    // The garbage collector asks for the owner: the Deployment stands for the object of KEDA.
    let owner = stage.get("Deployment", "web").await["metadata"]["uid"].clone();
    let owner =
        json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner, "controller": true }]);
    stage.create("HorizontalPodAutoscaler", autoscaler(&owner)).await;
    let mut driver = driver(&stage);
    refused(&mut driver, &Verb::Prepare(release('2')), "would write its bounds back").await;
    assert!(
        driver.observe().await.unwrap().notices.iter().any(|notice| notice.contains("would write its bounds back"))
    );
}

pub(crate) async fn a_budget_is_kept(stage: Stage) {
    stage.tracked(8).await;
    let spec = json!({ "minAvailable": 8, "selector": { "matchLabels": { "app": "web" } } });
    stage.create("PodDisruptionBudget", json!({ "metadata": { "name": "web" }, "spec": spec })).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let mut driver = at_share(&stage, 50.0, 50.0).await;
    until(&mut driver, &Verb::Abort, |sight| sight.canary.is_none() && is_stable_at(sight, '1', 8)).await;
    // The Deployment itself would let 2 of 8 be missing.
    let seen = watch.so_far();
    assert!(seen.changes > 20 && seen.fewest_ready >= 8 && seen.most <= 10, "{seen:?}");
}

pub(crate) async fn a_canary_that_never_gets_ready_takes_nothing_from_stable(stage: Stage) {
    let mut never = deployment("web", 10, &json!({ "app": "web", "track": "stable" }));
    never["spec"]["strategy"] = json!({ "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 2 } });
    stage.tracked(1).await;
    stage.api("Deployment").delete("web", &kube::api::DeleteParams::default()).await.unwrap();
    stage.create("Deployment", never).await;
    stage.complete("web", 10).await;
    let mut driver = driver(&stage);
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    let template = json!({ "spec": { "template": { "metadata": { "annotations": { READY_AFTER: "never" } } } } });
    stage.patch("Deployment", "web-canary", &template).await;
    for _ in 0..20 {
        call(&mut driver, &Verb::Share(50.0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sight = driver.observe().await.unwrap();
    assert_eq!((sight.stable.wanted, sight.stable.ready), (10, 10), "{sight:#?}");
    until(&mut driver, &Verb::Abort, |sight| sight.canary.is_none() && is_stable_at(sight, '1', 10)).await;
}

#[expect(clippy::print_stdout, reason = "how long it took is what a reader of the test wants to know")]
pub(crate) fn report(what: &str, took: Duration) {
    println!("measured: {what}: {:.2} s", took.as_secs_f64());
}
