//! `gonogo rollout` for real in a cluster: an API server with its controllers, a Prometheus that scrapes, gates that ask it,
//! and kills. Only the pods and the users are played.
//!
//! Every scenario has a namespace of its own on one control plane, which takes as long to start as any of them.

mod kills;
mod others;
mod preflight;
mod releases;
mod stage;
mod traffic;

use stage::Cluster;

/// A table of scenarios with their names.
macro_rules! scenarios {
    ($($name:literal => $scenario:expr),* $(,)?) => {
        &[$(($name, &$scenario)),*]
    };
}
use scenarios;

#[test]
fn a_good_release_reaches_everybody_in_a_cluster_and_a_bad_one_is_taken_back() {
    Cluster::start().play(releases::SCENARIOS);
}

#[test]
fn whatever_is_killed_in_a_cluster_it_ends_in_one_of_two_ways() {
    let cluster = Cluster::start();
    cluster.play(kills::OF_GONOGO);
    kills::of_the_servers(&cluster);
}
