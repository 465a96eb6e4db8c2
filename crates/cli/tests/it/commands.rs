//! The smaller commands: what they print, and how they refuse.

use serde_json::Value;

use crate::support::{PROBED, Repository, call};

#[test]
fn every_command_explains_itself() {
    for command in ["review", "checks", "explain", "init", "waive", "attest", "completions", "man"] {
        let run = call(&[command, "--help"]);
        assert_eq!(run.code, 0, "{command}: {}", run.err);
        assert!(run.out.contains("Usage: gonogo "), "{command}: {}", run.out);
    }
}

#[test]
fn wrong_use_is_exit_code_two() {
    call(&["reviw", "."]).fails_with(2, &["reviw"]);
    call(&[]).fails_with(2, &["Usage"]);
    call(&["review", "--format", "pdf"]).fails_with(2, &["there is no format `pdf`"]);
    call(&["review", "--format", "json="]).fails_with(2, &["the name of the file is missing"]);
    call(&["review", "--occasion", "party"]).fails_with(2, &["first-deploy"]);
    call(&["review", "--as-of", "yesterday"]).fails_with(2, &["yesterday"]);
    call(&["checks", "--area", "wealth"]).fails_with(2, &["there is no area `wealth`", "health"]);
}

#[test]
fn the_catalogue_is_listed_whole() {
    let count = gonogo_checks::catalogue().len();
    let list: Vec<Value> = serde_json::from_str(&call(&["checks", "--json"]).out).expect("a list");
    assert_eq!(list.len(), count);
    let text = call(&["checks"]).out;
    for check in gonogo_checks::catalogue() {
        assert!(text.contains(check.id), "{} is not listed", check.id);
    }
    let health: Vec<Value> =
        serde_json::from_str(&call(&["checks", "--area", "health", "--json"]).out).expect("a list");
    assert!(health.iter().all(|check| check["area"] == "health") && !health.is_empty());
}

#[test]
fn every_check_explains_itself_in_both_languages() {
    for check in gonogo_checks::catalogue() {
        let en = call(&["explain", check.id]);
        assert_eq!(en.code, 0, "{}", en.err);
        assert!(en.out.contains(check.title.en), "{}", en.out);
        let zh = call(&["explain", check.id, "--lang", "zh-CN"]);
        assert!(zh.out.contains(check.title.zh), "{}", zh.out);
    }
}

#[test]
fn a_mistyped_check_is_met_with_its_neighbours() {
    call(&["explain", "health.redines"]).fails_with(2, &["there is no check `health.redines`", "health.readiness"]);
}

#[test]
fn the_proposed_configuration_is_accepted_and_changes_nothing() {
    let repository = Repository::of(&[("deploy.yaml", PROBED)]);
    let before = repository.report(&[]);
    let path = repository.path().to_string_lossy().into_owned();
    let run = call(&["init", &path, "--write"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(repository.read("gonogo.toml").contains("[service.shop]"));
    let after = repository.report(&[]);
    assert_eq!(before["decision"], after["decision"]);
    assert_eq!(before["services"][0]["counts"], after["services"][0]["counts"]);
    call(&["init", &path, "--write"]).fails_with(2, &["gonogo.toml"]);
}

#[test]
fn completions_and_the_manual_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(call(&["completions", shell]).out.contains("explain"), "{shell}");
    }
    assert!(call(&["man"]).out.contains(".TH gonogo"));
}

#[test]
fn only_the_named_service_is_reviewed() {
    let other = PROBED.replace("shop", "till");
    let repository = Repository::of(&[("shop/deploy.yaml", PROBED), ("till/deploy.yaml", &other)]);
    let report = repository.report(&["--service", "till"]);
    let names: Vec<_> = report["services"].as_array().expect("services").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["till"]);
    repository.review(&["--service", "tail"]).fails_with(2, &["there is no service `tail`", "shop", "till"]);
}
