//! A driver that is gone at any instant: every call is cut off after some milliseconds, nothing in memory is kept, and the
//! next one goes on with what it finds.

use std::time::{Duration, Instant};

use gonogo_actuators::{Driver as _, kubernetes::Strategy};
use gonogo_domain::rollout::{Revision, Sight, TroubleKind};
use serde_json::json;

use crate::stage::{PATIENCE, Stage, Verb, call, image, is_stable_at, percent, release};

/// So many milliseconds each call lasts, one after the other: a call takes some twenty, so that each write is cut before,
/// in and after. Each time through they last twice as long: on a busy machine all of the first may be too short.
const CUTS: &[u64] = &[2, 5, 8, 11, 14, 17, 20, 23, 27, 31, 36, 42, 50, 60, 80, 120];

/// Asks for a verb in calls that are cut off until it is so.
async fn until(stage: &Stage, strategy: &Strategy, verb: &Verb, so: impl Fn(&Sight) -> bool) -> usize {
    let begun = Instant::now();
    for round in 0.. {
        let mut driver = stage.driver(strategy.clone());
        let cut = CUTS.iter().cycle().nth(round).copied().unwrap_or_default() << (round / CUTS.len()).min(6);
        let said = tokio::time::timeout(Duration::from_millis(cut), call(&mut driver, verb)).await;
        if let Ok(Err(trouble)) = said {
            // The controller writes the same objects: whoever comes second asks again.
            assert_eq!(trouble.kind, TroubleKind::Conflict, "{verb:?} cut in round {round}: {trouble}");
        }
        // Also where nothing was cut in this round, what was cut before has to be made good.
        let sight = stage.driver(strategy.clone()).observe().await.unwrap();
        if so(&sight) && round >= 4 {
            return round;
        }
        assert!(begun.elapsed() < PATIENCE * 2, "{verb:?} does not come true: {sight:#?}");
    }
    unreachable!("the rounds do not end")
}

/// A whole rollout and back, all of it in pieces.
async fn check(stage: &Stage, strategy: Strategy, replicas: u32) {
    let has = |share: Option<f64>| {
        move |sight: &Sight| {
            let canary = sight.canary.as_ref();
            canary.is_some_and(|canary| canary.settled() && (share.is_none() || canary.ready > 0))
                && share.is_none_or(|share| sight.share == Some(percent(share)))
        }
    };
    until(stage, &strategy, &Verb::Prepare(release('2')), has(None)).await;
    until(stage, &strategy, &Verb::Share(100.0), has(Some(100.0))).await;
    until(stage, &strategy, &Verb::Promote, |sight| is_stable_at(sight, '2', replicas)).await;
    until(stage, &strategy, &Verb::Retire, |sight| sight.canary.is_none() && sight.share == Some(percent(0.0))).await;
    let undo = Verb::Undo(Revision(image('1')));
    until(stage, &strategy, &undo, |sight| is_stable_at(sight, '1', replicas) && sight.share == Some(percent(0.0)))
        .await;
    until(stage, &strategy, &Verb::Prepare(release('3')), has(None)).await;
    until(stage, &strategy, &Verb::Abort, |sight| {
        is_stable_at(sight, '1', replicas) && sight.share == Some(percent(0.0))
    })
    .await;
}

pub(crate) async fn replicas_are_counted_to_the_end(stage: Stage) {
    stage.tracked(4).await;
    check(&stage, Strategy::Replicas { service: "web".to_owned() }, 4).await;
}

pub(crate) async fn a_rolling_update_goes_on_to_the_end(stage: Stage) {
    stage.service(4, &json!({ "app": "web" })).await;
    check(&stage, Strategy::Rolling { surge: None }, 4).await;
}

pub(crate) async fn weights_are_set_to_the_end(stage: Stage) {
    stage.service(2, &json!({ "app": "web" })).await;
    let rules = json!([{ "backendRefs": [{ "name": "web", "port": 80 }] }]);
    stage.create("HTTPRoute", json!({ "metadata": { "name": "web" }, "spec": { "rules": rules } })).await;
    check(&stage, Strategy::Routes { service: "web".to_owned(), route: "web".to_owned() }, 2).await;
}
