//! The other gates, each the only one that stands between a bad release and everybody.

use std::fs;

use gonogo_components::prometheus::Prometheus;

use super::{
    Played, assert_code,
    prometheus::{scraping, with_gates},
    service::Fault,
    text,
};

/// A release with this fault is taken back by this gate, and one without it passes.
#[track_caller]
fn check(gate: &str, fault: Fault, why: &str) {
    for (fault, why) in [(fault, Some(why)), (Fault::default(), None)] {
        let played = Played::with(fault, |stage| {
            let logs = stage.folder.path().display().to_string();
            with_gates(stage, 9, &[&gate.replace("LOGS", &logs)])
        });
        let output = played.run("start", &[]);
        let said = text(&output);
        assert_code(&output, i32::from(why.is_some()));
        assert!(why.is_none_or(|why| said.contains(&format!("ROLLED BACK to 1.0: {why}"))), "{said}");
        played.assert_ended(if why.is_some() { "rolled-back" } else { "promoted" });
    }
}

#[test]
fn lines_that_tell_of_errors_take_a_release_back() {
    let gate = "name = \"log\"\nkind = \"logs\"\nworse_by = 10\n[gate.files]\nblue = [\"LOGS/blue.log\"]\ngreen = [\"LOGS/green.log\"]\n";
    check(gate, Fault { logged_every: 2, ..Fault::default() }, "log: canary ");
}

#[test]
fn a_release_that_uses_nearly_all_that_there_is_is_taken_back() {
    let gate = "name = \"pool\"\nkind = \"saturation\"\nused = \"connections_used\"\ncapacity = \"connections_most\"\n";
    check(gate, Fault { used: 95, ..Fault::default() }, "pool: 95 (not > 90)");
}

#[test]
fn requests_to_the_release_itself_have_to_be_answered_as_they_should() {
    let gate = "name = \"smoke\"\nkind = \"requests\"\n[[gate.request]]\nmethod = \"POST\"\npath = \"/orders\"\nbody = \"{}\"\n\
                [[gate.request]]\npath = \"/health\"\n";
    check(gate, Fault { every: 1, status: 401, ..Fault::default() }, "smoke: POST http://127.0.0.1:");
}

const OBJECTIVE: &str = "version: prometheus/v1\nservice: shop\nslos:\n  - name: answers\n    objective: 99\n    sli:\n      events:\n        \
    error_query: sum(rate(requests_total{status=~\"5..\"}[{{.window}}]))\n        \
    total_query: sum(rate(requests_total[{{.window}}]))\n    alerting: {}\n";

#[test]
fn a_budget_that_burns_as_if_to_wake_somebody_takes_a_release_back() {
    let gate = "name = \"budget\"\nkind = \"burn\"\nobjectives = \"slo\"\n";
    for (fault, end) in
        [(Fault { every: 1, status: 500, ..Fault::default() }, "rolled-back"), (Fault::default(), "promoted")]
    {
        let port = Prometheus::free_port().expect("a port is free");
        let played = Played::with(fault, |stage| with_gates(stage, port, &[gate]));
        let unknown = played.run("start", &[]);
        assert_code(&unknown, 2);
        assert!(text(&unknown).contains("gates cannot be read: "), "{}", text(&unknown));
        let folder = played.stage.folder.path().join("slo");
        fs::create_dir(&folder).expect("a folder can be made");
        fs::write(folder.join("slo.yml"), OBJECTIVE).expect("a file can be written");
        let _prometheus = scraping(&played, port);
        let output = played.run("start", &[]);
        assert_code(&output, i32::from(end == "rolled-back"));
        played.assert_ended(end);
        let gate = played.gate("budget");
        let decided = if end == "promoted" { "successful" } else { "failed" };
        assert!(gate["counts"][decided].as_u64() > Some(0), "{gate}");
    }
}
