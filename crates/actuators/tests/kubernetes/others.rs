//! Whoever else writes: another gonogo, a GitOps controller, a person.

use gonogo_actuators::{Driver as _, kubernetes::Strategy};
use gonogo_domain::rollout::TroubleKind;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::stage::{Stage, Verb, call, has_share, is_stable_at, percent, release, until};

fn strategy() -> Strategy {
    Strategy::Replicas { service: "web".to_owned() }
}

pub(crate) async fn two_holders_of_a_lease_never_drive_one_rollout(stage: Stage) {
    stage.tracked(2).await;
    let mut ann = stage.driver_of(strategy(), "ann@one");
    let mut bob = stage.driver_of(strategy(), "bob@two");
    // Both at once: one of them gets it.
    let (first, second) = (Verb::Prepare(release('2')), Verb::Prepare(release('3')));
    let (one, two) = tokio::join!(call(&mut ann, &first), call(&mut bob, &second));
    let refusal = match (one, two) {
        (Ok(_), Err(trouble)) | (Err(trouble), Ok(_)) => trouble,
        both => panic!("one of the two is to be refused: {both:?}"),
    };
    assert_eq!(refusal.kind, TroubleKind::Conflict, "{refusal}");
    let holder = stage.get("Lease", "gonogo-web").await["spec"]["holderIdentity"].as_str().unwrap().to_owned();
    let (mut holding, mut other) = if holder == "ann@one" { (ann, bob) } else { (bob, ann) };

    for verb in [Verb::Share(50.0), Verb::Promote, Verb::Retire, Verb::Abort, first, second] {
        let trouble = call(&mut other, &verb).await.expect_err("somebody else holds the lease");
        assert!(trouble.kind == TroubleKind::Conflict && trouble.what.contains(&holder), "{verb:?}: {trouble}");
    }
    assert_eq!(other.observe().await.unwrap().holder, Some(holder.clone()));
    assert_eq!(holding.observe().await.unwrap().holder, None);
    until(&mut holding, &Verb::Abort, |sight| sight.canary.is_none()).await;
    assert_eq!(other.observe().await.unwrap().holder, None, "it is given back");

    // A holder that was killed an hour ago holds nothing; one that renewed just now does.
    call(&mut holding, &Verb::Prepare(release('2'))).await.unwrap();
    let lease = |time: &str| json!({ "spec": { "renewTime": time } });
    stage.patch("Lease", "gonogo-web", &lease("2020-01-01T00:00:00.000000Z")).await;
    call(&mut other, &Verb::Abort).await.unwrap();
    let trouble = call(&mut holding, &Verb::Promote).await;
    assert!(trouble.is_err(), "the lease was taken over: {trouble:?}");
}

pub(crate) async fn a_controller_that_keeps_git_is_told_of(stage: Stage) {
    stage.tracked(1).await;
    let mut driver = stage.driver(strategy());
    assert!(driver.observe().await.unwrap().owner.is_none());
    let tracking = json!({ "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web" });
    stage.patch("Deployment", "web", &json!({ "metadata": { "annotations": tracking } })).await;
    let sight = driver.observe().await.unwrap();
    assert_eq!(sight.owner.map(|owner| owner.object).as_deref(), Some("application/shop"));
    assert!(sight.notices.iter().any(|notice| notice.contains("may undo what this rollout changes")));
    stage
        .patch(
            "Deployment",
            "web",
            &json!({ "metadata": { "annotations": { "argocd.argoproj.io/tracking-id": null } } }),
        )
        .await;

    // Flux applies as kustomize-controller: the name stands in managedFields where no label does.
    let applied = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "labels": { "by": "flux" } },
    });
    let flux = PatchParams::apply("kustomize-controller");
    stage.api("Deployment").patch("web", &flux, &Patch::Apply(&applied)).await.unwrap();
    assert_eq!(driver.observe().await.unwrap().owner.map(|owner| owner.tool).as_deref(), Some("Flux"));
}

pub(crate) async fn a_field_that_somebody_else_applied_is_a_conflict(stage: Stage) {
    stage.tracked(4).await;
    let mut driver = stage.driver(strategy());
    call(&mut driver, &Verb::Prepare(release('2'))).await.unwrap();
    until(&mut driver, &Verb::Share(25.0), |sight| has_share(sight, 25.0)).await;
    let applied = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web-canary" }, "spec": { "replicas": 3 },
    });
    let somebody = PatchParams::apply("somebody").force();
    stage.api("Deployment").patch("web-canary", &somebody, &Patch::Apply(&applied)).await.unwrap();
    let begun = std::time::Instant::now();
    let trouble = loop {
        match call(&mut driver, &Verb::Share(25.0)).await {
            Err(trouble) => break trouble,
            // Its controller has not seen the new number yet.
            Ok(_) => assert!(begun.elapsed() < crate::stage::PATIENCE),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(trouble.kind, TroubleKind::Conflict, "{trouble}");
    assert!(trouble.what.contains("somebody") && trouble.what.contains("spec.replicas"), "{trouble}");
    // But traffic is taken from a release whoever wrote what.
    until(&mut driver, &Verb::Abort, |sight| is_stable_at(sight, '1', 4) && sight.share == Some(percent(0.0))).await;
}
