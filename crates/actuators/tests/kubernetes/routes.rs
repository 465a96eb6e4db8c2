//! Weights of the Gateway API.

use gonogo_actuators::{
    Driver as _,
    kubernetes::{Kubernetes, Strategy},
};
use gonogo_domain::rollout::Revision;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::{
    replicas::report,
    stage::{Stage, Verb, call, has_share, image, is_stable_at, look, percent, release, settle, until},
    watch::Watch,
};

/// A Service, its Deployment and a route with two rules, one of which leads elsewhere.
async fn driver(stage: &Stage) -> Kubernetes {
    stage.service(4, &json!({ "app": "web" })).await;
    let rules = json!([
        { "backendRefs": [{ "name": "web", "port": 80 }] },
        { "matches": [{ "path": { "value": "/old" } }], "backendRefs": [{ "name": "old", "port": 80 }] },
    ]);
    stage.create("HTTPRoute", json!({ "metadata": { "name": "web" }, "spec": { "rules": rules } })).await;
    stage.driver(Strategy::Routes { service: "web".to_owned(), route: "web".to_owned() })
}

async fn references(stage: &Stage) -> Value {
    stage.get("HTTPRoute", "web").await["spec"]["rules"][0]["backendRefs"].clone()
}

pub(crate) async fn a_release_reaches_all_by_weight(stage: Stage) {
    let mut driver = driver(&stage).await;
    let watch = Watch::begin(&stage.client, &stage.namespace).await;
    let sight = driver.observe().await.unwrap();
    assert_eq!(driver.reachable(percent(12.5), &sight).to_string(), "12.5 % (1250 of 10000 parts by weight)");
    let prepare = Verb::Prepare(release('2'));
    let is_prepared = |sight: &gonogo_domain::rollout::Sight| {
        sight.share == Some(percent(0.0)) && sight.canary.as_ref().is_some_and(|one| one.settled() && one.ready == 1)
    };
    until(&mut driver, &prepare, is_prepared).await;
    settle(&mut driver, &prepare).await;
    // The Service of stable must not reach the canary's pods: only the weight decides.
    let pod = stage.get("Deployment", "web-canary").await["spec"]["template"]["metadata"]["labels"]["app"].clone();
    let service = stage.get("Service", "web-canary").await;
    assert_eq!((&pod, &service["spec"]["selector"]["app"]), (&json!("web-canary"), &json!("web-canary")));
    for share in [10.0, 50.0, 100.0] {
        until(&mut driver, &Verb::Share(share), |sight| has_share(sight, share)).await;
        settle(&mut driver, &Verb::Share(share)).await;
    }
    let expect =
        json!([{ "name": "web", "port": 80, "weight": 0 }, { "name": "web-canary", "port": 80, "weight": 100 }]);
    assert_eq!(references(&stage).await, expect);
    assert_eq!(
        stage.get("HTTPRoute", "web").await["spec"]["rules"][1]["backendRefs"],
        json!([{ "name": "old", "port": 80 }])
    );
    until(&mut driver, &Verb::Promote, |sight| is_stable_at(sight, '2', 4)).await;
    settle(&mut driver, &Verb::Promote).await;
    until(&mut driver, &Verb::Retire, |sight| sight.canary.is_none() && sight.share == Some(percent(0.0))).await;
    settle(&mut driver, &Verb::Retire).await;
    assert_eq!(references(&stage).await, json!([{ "name": "web", "port": 80, "weight": 1 }]));
    assert!(stage.get("Service", "web-canary").await.is_null() && stage.get("Lease", "gonogo-web").await.is_null());
    let seen = watch.so_far();
    assert!(seen.changes > 20 && seen.fewest_ready >= 3, "{seen:?}");

    let undo = Verb::Undo(Revision(image('1')));
    until(&mut driver, &undo, |sight| is_stable_at(sight, '1', 4)).await;
    settle(&mut driver, &undo).await;
}

pub(crate) async fn an_abort_is_one_write(stage: Stage) {
    let mut driver = driver(&stage).await;
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    until(&mut driver, &Verb::Share(50.0), |sight| has_share(sight, 50.0)).await;
    let begun = std::time::Instant::now();
    call(&mut driver, &Verb::Abort).await.unwrap();
    let sight = look(&mut driver, |sight| sight.share == Some(percent(0.0))).await;
    report("abort by the weights of a route", begun.elapsed());
    assert!(is_stable_at(&sight, '1', 4), "stable kept all its replicas: {sight:#?}");
    settle(&mut driver, &Verb::Abort).await;
    assert!(driver.observe().await.unwrap().canary.is_none(), "nothing is left over");
}

pub(crate) async fn a_canary_gets_its_service_before_traffic(stage: Stage) {
    let mut driver = driver(&stage).await;
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    // As if whoever prepared it was killed after the first write: the canary runs, and nobody prepares it again.
    stage.api("Service").delete("web-canary", &DeleteParams::default()).await.unwrap();
    look(&mut driver, |sight| sight.canary.as_ref().is_some_and(|one| one.settled() && one.ready == 1)).await;
    until(&mut driver, &Verb::Share(25.0), |sight| has_share(sight, 25.0)).await;
    assert_eq!(stage.get("Service", "web-canary").await["spec"]["selector"]["app"], json!("web-canary"));
}
