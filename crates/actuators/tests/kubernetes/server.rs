//! The API server is killed while a rollout is under way.

use std::time::Instant;

use gonogo_actuators::{Driver as _, kubernetes::Strategy};
use gonogo_components::kubernetes::{ControlPlane, Kubelet};
use gonogo_domain::rollout::{Revision, TroubleKind};

use crate::{
    replicas::report,
    stage::{PATIENCE, Stage, Verb, call, has_share, image, is_stable_at, percent, release, until},
};

/// Kills between two steps, in the middle of a step and in the middle of an undo. Nothing in memory survives either: a new
/// driver goes on with what it finds.
pub(crate) async fn killed_in_the_middle() {
    let mut plane = ControlPlane::start().await.expect("a control plane starts");
    let client = plane.client().await.expect("its kubeconfig is read");
    let _kubelet = Kubelet::play(client.clone());
    let stage = Stage::set(&client, &plane.kubeconfig(), "server::killed").await;
    stage.tracked(6).await;
    let replicas = || Strategy::Replicas { service: "web".to_owned() };
    let mut driver = stage.driver(replicas());
    let undo = Verb::Undo(Revision(image('1')));
    let rounds = [Verb::Prepare(release('2')), Verb::Share(50.0), Verb::Promote, undo.clone()];
    for (round, verb) in rounds.iter().enumerate() {
        call(&mut driver, verb).await.unwrap();
        plane.kill_api_server();
        let begun = Instant::now();
        for verb in [verb, &Verb::Abort] {
            let trouble = call(&mut driver, verb).await.expect_err("nobody answers");
            assert_eq!(trouble.kind, TroubleKind::Unreachable, "{trouble}");
        }
        let trouble = driver.observe().await.expect_err("nobody answers");
        assert!(trouble.kind == TroubleKind::Unreachable && !trouble.next.is_empty(), "{trouble}");
        assert!(begun.elapsed() < PATIENCE / 2, "no answer is told in time");
        plane.start_api_server().await.expect("it starts again");
        driver = stage.driver(replicas());
        let took = match round {
            0 => until(&mut driver, verb, |sight| sight.canary.is_some()).await,
            1 => until(&mut driver, verb, |sight| has_share(sight, 50.0)).await,
            2 => until(&mut driver, verb, |sight| is_stable_at(sight, '2', 6)).await,
            _ => {
                until(&mut driver, verb, |sight| {
                    is_stable_at(sight, '1', 6) && sight.canary.is_none() && sight.share == Some(percent(0.0))
                })
                .await
            }
        };
        report(&format!("{verb:.20?} after the API server was killed and answers again"), took);
    }
}
