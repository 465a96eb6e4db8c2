//! A rollback that was timed is evidence of `deployment.rollback`, and one that was written by hand is none.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::{Played, assert_code, service::Fault};
use crate::{
    slo::server::now,
    support::{self, PROBED, gonogo},
};

/// A stage that is a repository, too, with a way back that is written down.
fn repository() -> Played {
    let played = Played::new(Fault::default());
    let folder = played.stage.folder.path();
    fs::write(folder.join("deploy.yaml"), PROBED).expect("a file can be written");
    fs::create_dir(folder.join("docs")).expect("a folder can be made");
    let text = "# Deployment\n\n## Roll back\n\n```sh\nkubectl rollout undo deployment/shop\n```\n";
    fs::write(folder.join("docs/deployment.md"), text).expect("a file can be written");
    played
}

/// The outcome of the check, its strength, and what was exercised.
fn judged(played: &Played) -> (String, String, Value) {
    let today = now().strftime("%Y-%m-%d").to_string();
    let mut command = gonogo();
    command.arg("review").arg(played.stage.folder.path()).args(["--json", "--history=none", "--as-of", &today]);
    let report: Value = serde_json::from_str(&support::run(&mut command).out).expect("it is JSON");
    let check = support::check(&report, "deployment.rollback");
    let word = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let readings = check["readings"].as_array().expect("it has readings");
    let exercised = readings.iter().find(|reading| reading["strength"] == "exercised").cloned();
    (word("outcome"), word("strength"), exercised.unwrap_or_default())
}

/// The only record that there is.
fn record(played: &Played) -> (PathBuf, Value) {
    let folder = played.stage.folder.path().join(".gonogo/rehearsal");
    let mut records: Vec<PathBuf> =
        fs::read_dir(folder).expect("there is a record").flatten().map(|entry| entry.path()).collect();
    records.sort();
    let path = records.pop().expect("there is a record");
    assert!(records.is_empty(), "{records:?}");
    let text = fs::read(&path).expect("it can be read");
    (path, serde_json::from_slice(&text).expect("it is JSON"))
}

#[test]
fn a_rehearsal_is_evidence_until_it_is_old_and_not_if_it_was_changed() {
    let played = repository();
    let (outcome, strength, reading) = judged(&played);
    assert_eq!((outcome.as_str(), strength.as_str()), ("pass", "configured"), "{reading}");
    assert_code(&played.run("rehearse", &[]), 0);
    let (outcome, strength, reading) = judged(&played);
    assert_eq!((outcome.as_str(), strength.as_str()), ("pass", "exercised"), "{reading}");
    assert_eq!(reading["conclusion"], "met");
    let (path, sound) = record(&played);
    assert_eq!((&sound["service"], &sound["environment"]), (&Value::from("shop"), &Value::from("staging")));
    assert!(sound["verified"].is_string() && sound["after_promotion"] == true, "{sound}");

    // As it would be by now, had it been so many days ago.
    let aged = |days: i64| {
        let text = serde_json::to_string(&sound).expect("it is JSON");
        let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
        let then = now().saturating_sub(jiff::SignedDuration::from_hours(24 * days)).expect("a time");
        let (today, then) = (day(now()), day(then));
        text.replace(&today, &then).replace(&today.replace('-', ""), &then.replace('-', ""))
    };
    let judged_with = |text: &str| {
        fs::write(&path, text).expect("it can be written");
        judged(&played)
    };
    assert_eq!(judged_with(&aged(80)).1, "exercised");
    let (outcome, strength, reading) = judged_with(&aged(100));
    assert!(outcome == "stale" || strength != "exercised", "{outcome} {strength}: {reading}");
    let (outcome, _, reading) = judged_with(&aged(-10));
    assert_eq!(outcome, "fail", "{reading}");

    // Faster than it was: verified before it was restored.
    let mut changed = sound.clone();
    changed["verified"] = changed["decided"].clone();
    let mut by_hand = sound.clone();
    by_hand["rollout"] = Value::from("ours");
    let mut unverified = sound.clone();
    unverified["restored"] = Value::Null;
    for text in [changed, by_hand, unverified].map(|one| one.to_string()).iter().chain([&"{".to_owned()]) {
        let (outcome, strength, reading) = judged_with(text);
        assert!(strength != "exercised" || outcome == "unknown", "{outcome} {strength}: {reading} by {text}");
        assert_ne!(reading["conclusion"], "met", "{text}");
    }
}

#[test]
fn an_undo_leaves_evidence_and_an_abort_before_the_promotion_none() {
    let played = repository();
    let aborted = played.run("rehearse", &["--from-canary"]);
    assert_code(&aborted, 0);
    let (path, kept) = record(&played);
    assert_eq!(kept["after_promotion"], false);
    let (_, strength, reading) = judged(&played);
    assert_ne!(strength, "exercised", "{reading}");
    fs::remove_file(path).expect("it can be removed");
    assert_code(&played.run("start", &[]), 0);
    assert_code(&played.run("undo", &["--why", "a feeling"]), 1);
    let (_, kept) = record(&played);
    assert_eq!((&kept["after_promotion"], &kept["why"]), (&Value::from(true), &Value::from("a feeling")));
    let (outcome, strength, reading) = judged(&played);
    assert_eq!((outcome.as_str(), strength.as_str()), ("pass", "exercised"), "{reading}");
}
