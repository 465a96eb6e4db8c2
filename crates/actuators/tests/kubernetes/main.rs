//! The drivers of a cluster against a real API server with its controller manager; only the pods are played.
//!
//! Every scenario has a namespace of its own on one control plane, which takes longer to start than any of them.

#![expect(clippy::unwrap_used, reason = "clippy sees no tests in functions that tests call")]

mod argo;
mod cut;
mod flagger;
mod others;
mod replicas;
mod rolling;
mod routes;
mod server;
mod stage;
mod watch;

use std::{future::Future, path::Path, pin::Pin};

use gonogo_components::kubernetes::{ControlPlane, Kubelet, custom};
use kube::Client;

use self::stage::Stage;

type Scenario = fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs every scenario on one control plane, some at once, and fails with the names of those that failed.
async fn check(scenarios: &[(&'static str, Scenario)]) {
    let plane = ControlPlane::start().await.expect("a control plane starts");
    let client = plane.client().await.expect("its kubeconfig is read");
    let _kubelet = Kubelet::play(client.clone());
    play(scenarios, &client, &plane.kubeconfig()).await;
}

async fn play(scenarios: &[(&'static str, Scenario)], client: &Client, kubeconfig: &Path) {
    let mut failed = Vec::new();
    for some in scenarios.chunks(4) {
        let mut running = Vec::new();
        for (name, scenario) in some {
            let stage = Stage::set(client, kubeconfig, name).await;
            running.push((name, tokio::spawn(scenario(stage))));
        }
        for (name, task) in running {
            if task.await.is_err() {
                failed.push(*name);
            }
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// A table of scenarios by the names of their functions.
macro_rules! scenarios {
    ($($scenario:path),* $(,)?) => {
        &[$((stringify!($scenario), |stage| Box::pin($scenario(stage)))),*]
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deployments_share_connections_by_their_replicas() {
    check(scenarios![
        replicas::a_release_reaches_all_and_each_verb_can_be_asked_for_twice,
        replicas::an_abort_takes_the_canary_away_and_leaves_stable_alone,
        replicas::half_is_taken_back_within_the_bounds,
        replicas::a_promotion_that_never_gets_ready_is_undone,
        replicas::a_paused_deployment_is_undone,
        replicas::a_revision_comes_back_with_its_configuration,
        replicas::one_replica_is_replaced_without_a_gap,
        replicas::a_selector_that_would_match_the_canary_is_refused,
        replicas::a_release_without_a_digest_is_refused,
        replicas::an_autoscaler_is_held_and_given_back,
        replicas::an_autoscaler_of_another_controller_is_refused,
        replicas::a_budget_is_kept,
        replicas::a_canary_that_never_gets_ready_takes_nothing_from_stable,
        cut::replicas_are_counted_to_the_end,
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_is_held_by_its_surge() {
    check(scenarios![
        rolling::a_release_reaches_all_and_each_verb_can_be_asked_for_twice,
        rolling::a_held_share_stays_what_it_is,
        rolling::an_abort_brings_the_very_pods_back,
        rolling::an_abort_works_while_somebody_paused_it,
        rolling::an_undo_works_while_it_is_paused,
        rolling::what_a_pause_promises_is_nothing,
        cut::a_rolling_update_goes_on_to_the_end,
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_the_objects_of_other_tools_are_driven_by_their_own_fields() {
    let mut plane = ControlPlane::start().await.expect("a control plane starts");
    let client = plane.client().await.expect("its kubeconfig is read");
    let kubeconfig = custom::define(&mut plane).await.expect("the kinds of others are served");
    let _kubelet = Kubelet::play(client.clone());
    let scenarios: &[(&'static str, Scenario)] = scenarios![
        routes::a_release_reaches_all_by_weight,
        routes::an_abort_is_one_write,
        routes::a_canary_gets_its_service_before_traffic,
        cut::weights_are_set_to_the_end,
        argo::every_verb_writes_what_the_commands_of_argo_rollouts_write,
        argo::a_rollout_that_would_go_on_by_itself_is_refused,
        flagger::every_verb_writes_what_flagger_obeys,
        others::two_holders_of_a_lease_never_drive_one_rollout,
        others::a_controller_that_keeps_git_is_told_of,
        others::a_field_that_somebody_else_applied_is_a_conflict,
    ];
    play(scenarios, &client, &kubeconfig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_api_server_is_unreachable_and_then_all_goes_on() {
    server::killed_in_the_middle().await;
}
