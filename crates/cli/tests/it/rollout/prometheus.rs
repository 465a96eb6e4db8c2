//! Gates that ask a real Prometheus, which is also killed and comes back, or does not.

use std::{fs, time::Duration};

use gonogo_components::prometheus::Prometheus;

use super::{Played, assert_code, file, service::Fault, service::Stage, text, until};

/// Scrapes the servers of a stage, told apart by a label. The rollout file has to name its port before the stage is there.
pub(super) fn scraping(played: &Played, port: u16) -> Prometheus {
    let addresses = played.stage.addresses();
    let (canary, stable) = addresses.split_last().expect("there are servers");
    let configuration = format!(
        "global: {{scrape_interval: 200ms}}\nscrape_configs: [{{job_name: shop, static_configs: [\
         {{targets: {stable:?}, labels: {{track: stable}}}}, {{targets: [{canary:?}], labels: {{track: canary}}}}]}}]\n"
    );
    let prometheus = Prometheus::start_at(port, &configuration).expect("Prometheus starts");
    has_scraped(&prometheus);
    prometheus
}

fn has_scraped(prometheus: &Prometheus) {
    let both = |answer: &str| answer.contains("canary") && answer.contains("stable");
    prometheus.until("count(requests_total) by (track)", both).expect("both releases are scraped");
}

const ERRORS: &str = "name = \"by-prometheus\"\nkind = \"errors\"\ntotal = 'sum(requests_total{$side})'\n\
    bad = 'sum(requests_total{$side,status=~\"5..\"})'\nworse_by = 10\n";
const LATENCY: &str = "name = \"slow\"\nkind = \"latency\"\nquery = 'sum by (le) (request_seconds_bucket{$side})'\n\
    worse_by = 25\n";
const CUSTOM: &str = "name = \"custom\"\nkind = \"value\"\n\
    query = 'sum(rate(requests_total{track=\"canary\",status=\"500\"}[2s])) or vector(0)'\nfailure = \"> 1\"\n";

/// The usual rollout, with these gates instead of its own.
pub(super) fn with_gates(stage: &Stage, port: u16, gates: &[&str]) -> String {
    let text = file(stage);
    let (before, _) = text.split_once("[[gate]]").expect("it has gates");
    let gates: Vec<String> =
        gates.iter().map(|gate| format!("[[gate]]\n{}", gate.replace("FRONT", &stage.front()))).collect();
    let gates = gates.concat();
    format!(
        "{before}[prometheus]\nurl = \"http://127.0.0.1:{port}\"\n[prometheus.groups]\nblue = 'track=\"stable\"'\ngreen = 'track=\"canary\"'\n{gates}"
    )
}

fn played(fault: Fault, gates: &[&str]) -> (Played, Prometheus) {
    let port = Prometheus::free_port().expect("a port is free");
    let played = Played::with(fault, |stage| with_gates(stage, port, gates));
    let prometheus = scraping(&played, port);
    (played, prometheus)
}

#[test]
fn a_good_release_passes_the_gates_of_a_live_prometheus() {
    let http = "name = \"answers\"\nkind = \"http\"\nurl = \"FRONT/version\"\n";
    let (played, _prometheus) = played(Fault::default(), &[ERRORS, LATENCY, CUSTOM, http]);
    let output = played.run("start", &[]);
    assert_code(&output, 0);
    played.assert_ended("promoted");
    for name in ["by-prometheus", "slow", "custom", "answers"] {
        let gate = played.gate(name);
        assert!(gate["counts"]["successful"].as_u64() > Some(0), "{name}: {gate}");
        assert_eq!(gate["counts"]["failed"], 0, "{name}: {gate}");
    }
}

/// A bad release is taken back by the only gate that there is.
#[track_caller]
fn check_bad(fault: Fault, gate: &str, why: &str) {
    let (played, _prometheus) = played(fault, &[gate]);
    let output = played.run("start", &[]);
    assert_code(&output, 1);
    let text = text(&output);
    assert!(text.contains(&format!("ROLLED BACK to 1.0: {why}")), "{text}");
    assert!(text.contains(" after the decision: 1.0, 2 of 2 ready"), "{text}");
    played.assert_ended("rolled-back");
}

#[test]
fn errors_that_prometheus_counts_take_a_release_back() {
    check_bad(Fault { every: 3, status: 500, ..Fault::default() }, ERRORS, "by-prometheus: canary ");
}

#[test]
fn a_histogram_of_prometheus_takes_a_slow_release_back() {
    let fault = Fault { slow_every: 2, slower: Duration::from_millis(150), ..Fault::default() };
    check_bad(fault, LATENCY, "slow: slower than ");
}

#[test]
fn a_query_of_one_s_own_takes_a_release_back() {
    check_bad(Fault { every: 3, status: 500, ..Fault::default() }, CUSTOM, "custom: ");
}

#[test]
fn a_page_that_says_something_else_takes_a_release_back() {
    let http = "name = \"says-so\"\nkind = \"http\"\nurl = \"FRONT/version\"\npointer = \"/ok\"\nequals = \"true\"\nwhen = \"steps\"\n";
    check_bad(Fault::default(), http, "says-so: nothing stands at /ok");
}

#[test]
fn prometheus_killed_within_a_step_and_back_in_time_is_borne() {
    let errors = format!("{ERRORS}error_limit = 80\n");
    let (played, mut prometheus) = played(Fault::default(), &[&errors]);
    let child = played.start();
    until("it watches", || played.gate("by-prometheus")["canary"]["all"].as_u64() > Some(0));
    prometheus.kill();
    until("errors are counted", || played.gate("by-prometheus")["counts"]["errors_in_a_row"].as_u64() >= Some(6));
    // The time of the step is over; what cannot be asked has not said that all is well.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(played.phase(), "{\"step\":0}");
    prometheus.start_again().expect("Prometheus starts again");
    has_scraped(&prometheus);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{:?}", played.state());
    played.assert_ended("promoted");
}

#[test]
fn prometheus_that_does_not_come_back_takes_the_release_back() {
    let (played, mut prometheus) = played(Fault::default(), &[ERRORS]);
    // Without its eyes it cannot verify the way back, which it says.
    let quick =
        fs::read_to_string(&played.path).expect("it is there").replace("rollback = \"15s\"", "rollback = \"2s\"");
    fs::write(&played.path, quick).expect("it can be written");
    let child = played.start();
    until("it watches", || played.gate("by-prometheus")["canary"]["all"].as_u64() > Some(0));
    prometheus.kill();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{:?}", played.state());
    played.assert_ended("rolled-back");
    let state = played.state().expect("there is a state");
    let why = state["rollback"]["why"].as_str().unwrap_or_default();
    assert!(why.starts_with("by-prometheus: ") && why.contains("does not answer"), "{why}");
    assert_eq!(state["rollback"]["from"], serde_json::json!({"step": 0}));
    assert!(
        state["rollback"]["restored"].is_string() && state["rollback"]["verified"].is_null(),
        "{}",
        state["rollback"]
    );
    // Four errors in a row are borne, the fifth is one too many.
    assert_eq!(played.gate("by-prometheus")["counts"]["errors_in_a_row"].as_u64().map(|count| count >= 5), Some(true));
}

#[test]
fn what_prometheus_has_no_series_of_is_never_read_as_good() {
    let nothing = "name = \"nothing\"\nkind = \"value\"\nquery = 'sum(nobody_counts_this)'\nfailure = \"> 1\"\n";
    let (played, _prometheus) = played(Fault::default(), &[nothing]);
    let quick = fs::read_to_string(&played.path).expect("it is there").replace("at_most = \"20s\"", "at_most = \"3s\"");
    let quick = quick.replace("ready = \"15s\"", "ready = \"15s\"\nhold = \"1s\"");
    fs::write(&played.path, quick).expect("it can be written");
    let output = played.run("start", &[]);
    assert_code(&output, 1);
    let text = text(&output);
    assert!(text.contains("waits for a person: not enough data: nothing: no series"), "{text}");
    assert!(!text.contains("step 2 of 2"), "{text}");
    played.assert_ended("rolled-back");
}
