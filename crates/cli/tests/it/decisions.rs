//! What a review decides, what its exit code says, and what it compares itself with.

use serde_json::{Value, json};

use crate::support::{PROBED, Repository, check, unready};

/// Writes a report as a baseline, changed by `edit`.
fn baseline(repository: &Repository, edit: impl FnOnce(&mut Value)) -> String {
    let mut report = repository.report(&[]);
    edit(&mut report);
    let folder = tempfile::tempdir().expect("a temporary folder can be made").keep();
    let file = folder.join("baseline.json");
    std::fs::write(&file, report.to_string()).expect("the baseline can be written");
    file.to_string_lossy().into_owned()
}

fn checks(report: &mut Value) -> &mut Vec<Value> {
    report["services"][0]["checks"].as_array_mut().expect("a service has checks")
}

#[test]
fn a_failing_gate_is_no_go_with_exit_code_one() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    let run = repository.review(&[]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("[NO-GO]"), "{}", run.out);
    assert!(run.out.contains("health.readiness"), "{}", run.out);
    assert!(run.out.contains("deploy.yaml:"), "{}", run.out);
}

#[test]
fn what_the_baseline_knows_does_not_gate() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    let file = baseline(&repository, |_| ());
    let report = repository.report(&["--baseline", &file]);
    assert_eq!((&report["decision"], &report["exit_code"]), (&json!("go-with-conditions"), &json!(0)));
    assert_eq!(check(&report, "health.readiness")["in_baseline"], true);
    assert_eq!(repository.review(&["--baseline", &file]).code, 0);
}

#[test]
fn a_finding_that_the_baseline_does_not_know_gates() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    let file = baseline(&repository, |_| ());
    assert_eq!(repository.review(&["--baseline", &file]).code, 0);
    repository.write("deploy.yaml", unready());
    let report = repository.report(&["--baseline", &file]);
    assert_eq!(report["decision"], "no-go");
    assert_eq!(check(&report, "health.readiness")["in_baseline"], false);
    assert_eq!(repository.review(&["--baseline", &file]).code, 1);
}

#[test]
fn an_unassessed_gate_is_incomplete_with_exit_code_three() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    // Only source code can say what the health endpoint answers, so that it is unknown; everything else is old news.
    let file = baseline(&repository, |report| checks(report).retain(|check| check["id"] != "health.endpoint"));
    let run = repository.review(&["--baseline", &file]);
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.out.contains("[INCOMPLETE]") && run.out.contains("settled by"), "{}", run.out);
}

#[test]
fn an_unknown_that_became_a_failure_gates() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    let file = baseline(&repository, |report| {
        for check in checks(report) {
            if check["id"] == "health.readiness" {
                check["outcome"] = "unknown".into();
            }
        }
    });
    assert_eq!(repository.review(&["--baseline", &file]).code, 1);
}

#[test]
fn a_baseline_that_is_no_report_is_an_error() {
    let repository = Repository::of(&[("deploy.yaml", PROBED), ("base.json", "{\"version\": 99}")]);
    let file = repository.at("base.json").to_string_lossy().into_owned();
    repository.review(&["--baseline", &file]).fails_with(2, &["base.json", "is no report of gonogo"]);
    repository.review(&["--baseline", "no/such/file"]).fails_with(2, &["no/such/file cannot be read"]);
}

/// The change of one check since a revision.
fn change(repository: &Repository, since: &str, id: &str) -> Value {
    let report = repository.report(&["--since", since]);
    let changes = report["since"]["changes"].as_array().expect("a comparison lists changes").clone();
    changes.into_iter().find(|change| change["check"] == id).unwrap_or_else(|| panic!("{id} did not change"))
}

#[test]
fn a_change_of_the_service_is_told_as_such() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    repository.commit("2026-11-20");
    repository.write("deploy.yaml", unready());
    repository.commit("2026-11-21");
    let change = change(&repository, "HEAD~1", "health.readiness");
    assert_eq!(
        (&change["before"], &change["now"], &change["cause"]),
        (&json!("pass"), &json!("fail"), &json!("service")),
        "{change}"
    );
}

#[test]
fn a_new_waiver_is_told_as_such() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    repository.commit("2026-11-20");
    repository.write("gonogo.toml", WAIVER);
    let change = change(&repository, "HEAD", "health.readiness");
    assert_eq!((&change["waived_now"], &change["cause"]), (&json!(true), &json!("record")), "{change}");
}

const WAIVER: &str = "\
[[waiver]]
check = \"health.readiness\"
reason = \"moves next week\"
risk = \"a slow start answers errors\"
ticket = \"OPS-1\"
approver = \"ann\"
granted = 2026-11-20
expires = 2026-12-10
";

#[test]
fn nothing_changes_between_equal_revisions() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    repository.commit("2026-11-20");
    let report = repository.report(&["--since", "HEAD"]);
    assert_eq!(report["since"], json!({"name": "HEAD", "changes": []}));
}

#[test]
fn the_work_tree_and_its_commit_are_named() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    repository.commit("2026-11-20");
    let clean = repository.report(&[]);
    let revision = clean["revision"].as_str().expect("a commit is named");
    assert!(revision.len() >= 7 && revision.chars().all(|letter| letter.is_ascii_hexdigit()), "{revision}");
    repository.write("deploy.yaml", unready());
    let changed = repository.report(&[]);
    assert_eq!(changed["revision"], format!("{revision}+"));
}

#[test]
fn a_revision_that_is_not_there_is_an_error() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    repository.commit("2026-11-20");
    repository.review(&["--since", "no-such-branch"]).fails_with(2, &["no-such-branch"]);
    let bare = Repository::of(&[("deploy.yaml", PROBED)]);
    bare.review(&["--since", "HEAD"]).fails_with(2, &["is not in a git repository"]);
}

#[test]
fn an_expired_waiver_no_longer_holds_and_is_reported() {
    let repository = Repository::of(&[("deploy.yaml", &unready()), ("gonogo.toml", WAIVER)]);
    let held = repository.report(&[]);
    assert_eq!(check(&held, "health.readiness")["waiver"]["ticket"], "OPS-1");
    repository.write("gonogo.toml", WAIVER.replace("2026-12-10", "2026-11-21"));
    let expired = repository.report(&[]);
    assert_eq!(check(&expired, "health.readiness")["waiver"], Value::Null);
    let problems = expired["services"][0]["record_problems"].to_string();
    assert!(problems.contains("expired"), "{problems}");
    assert!(problems.contains("gonogo.toml"), "{problems}");
}

#[test]
fn no_waivers_applies_none() {
    let repository = Repository::of(&[("deploy.yaml", &unready()), ("gonogo.toml", WAIVER)]);
    let report = repository.report(&["--no-waivers"]);
    assert_eq!(check(&report, "health.readiness")["waiver"], Value::Null);
}
