//! Releases through the binary, good ones and bad ones.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    others, preflight, scenarios,
    stage::{Cluster, Scenario, Stage, Way, image},
    traffic::{FAILING, GOOD, SLOW, UNWELL},
};

/// A Prometheus that does not know the traffic by then never will.
const KNOWN: Duration = Duration::from_secs(20);

pub(crate) const SCENARIOS: &[(&str, &Scenario)] = scenarios![
    "good-by-replicas" => |cluster: &Cluster, name: &str| good(cluster, name, Way::Replicas),
    "good-by-routes" => |cluster: &Cluster, name: &str| good(cluster, name, Way::Routes),
    "good-by-rolling" => |cluster: &Cluster, name: &str| good(cluster, name, Way::Rolling),
    "failing-by-replicas" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Replicas, FAILING, "errors"),
    "failing-by-routes" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Routes, FAILING, "errors"),
    "failing-by-rolling" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Rolling, FAILING, "errors"),
    "slow-by-replicas" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Replicas, SLOW, "latency"),
    "slow-by-routes" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Routes, SLOW, "latency"),
    "slow-by-rolling" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Rolling, SLOW, "latency"),
    "unwell-by-replicas" => |cluster: &Cluster, name: &str| bad(cluster, name, Way::Replicas, UNWELL, "well"),
    "a-second-gonogo" => the_second_is_refused,
    "argo-rollouts" => others::argo_rollouts,
    "flagger" => others::flagger,
    "before-a-release" => preflight::keys_and_the_way_back,
];

/// Test output is shown where a test fails or is asked for; it is where numbers are measured.
fn report(what: &str) {
    let _ = writeln!(std::io::stderr(), "measured: {what}");
}

fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no time"))
}

fn good(cluster: &Cluster, name: &str, way: Way) {
    let stage = Stage::set(cluster, name, way, GOOD);
    // Prometheus may not have scraped what just came up.
    let until = Instant::now() + KNOWN;
    let mut plan = stage.driven.run("plan", &["--measure", "1s"]);
    while plan.out.contains("traffic: not known") && Instant::now() < until {
        plan = stage.driven.run("plan", &["--measure", "1s"]);
    }
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    for part in ["step 1: 25 %", "gives 25 % (", "req/s this step sees errors above"] {
        assert!(plan.out.contains(part), "{part} is not in\n{}", plan.out);
    }
    let ran = stage.driven.run("start", &[]);
    assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
    assert!(ran.out.contains(&format!("PROMOTED: stable runs {}", image(GOOD))), "{}", ran.out);
    stage.assert_ended("promoted", GOOD);
    let known = stage.driven.state().expect("there is a state");
    for (share, asked) in known["shares"].as_array().expect("shares were measured").iter().zip([25.0, 50.0]) {
        let (canary, stable) = (share["canary"].as_f64().expect("a count"), share["stable"].as_f64().expect("a count"));
        let measured = canary / (canary + stable) * 100.0;
        report(&format!("{name}: {asked} % asked, {measured:.1} % of {} requests by Prometheus", canary + stable));
        // Users choose by chance: four standard deviations.
        let chance = 4.0 * (asked * (100.0 - asked) / (canary + stable)).sqrt();
        assert!((measured - asked).abs() < chance, "{name}: {measured} % at {asked} %, of which {chance} are chance");
    }
    let took = time(&known["ended"]).duration_since(time(&known["started"]));
    report(&format!("{name}: everywhere after {:.1} s", took.as_secs_f64()));
    let undone = stage.driven.run("undo", &["--why", "a feeling"]);
    assert_eq!(undone.code, 1, "{name}: {}{}", undone.out, undone.err);
    assert!(undone.out.contains(&format!("ROLLED BACK to {}: a feeling", image('1'))), "{}", undone.out);
    stage.assert_ended("rolled-back", '1');
    report(&format!("{name}: undone and verified after {}", verified(&stage)));
}

/// Seconds from the decision until the way back was verified.
fn verified(stage: &Stage<'_>) -> String {
    let rollback = stage.driven.state().expect("there is a state")["rollback"].clone();
    let took = time(&rollback["verified"]).duration_since(time(&rollback["decided"]));
    format!("{:.1} s", took.as_secs_f64())
}

/// A bad release is taken back, because of this gate.
fn bad(cluster: &Cluster, name: &str, way: Way, release: char, gate: &str) {
    let stage = Stage::set(cluster, name, way, release);
    let ran = stage.driven.run("start", &[]);
    assert_eq!(ran.code, 1, "{name}: {}{}", ran.out, ran.err);
    assert!(ran.out.contains(&format!("ROLLED BACK to {}: {gate}: ", image('1'))), "{name}: {}", ran.out);
    assert!(ran.out.contains("3 of 3 ready, errors as before"), "{name}: {}", ran.out);
    stage.assert_ended("rolled-back", '1');
    let decided = time(&stage.driven.state().expect("there is a state")["rollback"]["decided"]);
    // What users met, whatever gonogo says.
    let (first, last) = cluster.traffic.met(&stage.namespace, release).expect("users met it");
    let (detected, restored) = (decided.duration_since(first), last.duration_since(decided));
    report(&format!(
        "{name}: detected {:.1} s after the first request to it, no request to it {:.1} s after that, verified {}",
        detected.as_secs_f64(),
        restored.as_secs_f64().max(0.0),
        verified(&stage)
    ));
    assert!(detected.as_secs() < 30 && restored.as_secs() < 20, "{name}: {detected} {restored}");
}

/// In the same folder by the lock of this machine, elsewhere by the Lease in the cluster.
fn the_second_is_refused(cluster: &Cluster, name: &str) {
    let stage = Stage::set(cluster, name, Way::Replicas, GOOD);
    let mut first = stage.driven.begin("start");
    assert!(stage.driven.reaches("step 0", &mut first), "{}", stage.driven.told());
    stage.driven.run("start", &[]).fails_with(2, &["driven by ann on ", &format!("(process {},", first.id())]);
    // Another folder of the same person, and another person.
    for who in ["ann", "bob"] {
        let file = std::fs::read_to_string(stage.driven.path()).expect("it is there");
        let elsewhere = crate::driven::Driven::new("web", who, &file.replace(&image(GOOD), &image('6')));
        elsewhere.run("start", &[]).fails_with(2, &["ann on ", "drives this service: wait for it"]);
        assert_eq!(elsewhere.phase(), "", "nothing was begun");
    }
    let aborted = stage.driven.run("abort", &["--why", "no appetite"]);
    assert_eq!(aborted.code, 0, "{}{}", aborted.out, aborted.err);
    assert_eq!(first.wait().expect("it ends").code(), Some(1));
    stage.assert_ended("rolled-back", '1');
}
