//! Nothing that was accepted is lost: restart, kill, backup and restore, migrations.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Bench, read};

fn report(bench: &Bench, arguments: &[&str]) -> Value {
    let output = bench.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn nothing_accepted_is_lost_when_the_process_is_killed() {
    let mut bench = Bench::start(json!({"runs": vec![json!({"status": 503}); 50]}), &[]).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.lead(&format!("lead{number}@example.com")).await);
    }
    bench.service.signal("KILL");
    bench.service.exit_code();
    bench.behave(json!({})).await;
    bench.restart().await;
    for id in &ids {
        let state = bench.state(id).await;
        // One that was in hand when it died waits for a person; the others are sent.
        if state != "sending" && state != "dead" {
            bench.reaches(id, "done").await;
        }
    }
    let served: Vec<_> = bench.runs().await;
    assert!(served.len() >= 4);
}

/// The restore drill of docs/recovery.md, as a test.
#[tokio::test]
async fn a_backup_is_restored_and_what_was_on_its_way_waits_for_a_person() {
    let mut bench = Bench::start(json!({"run_ms": 0}), &[]).await;
    let done = bench.lead("done@example.com").await;
    bench.reaches(&done, "done").await;
    bench.behave(json!({"runs": vec![json!({"status": 402}); 9]})).await;
    let waiting = bench.lead("waiting@example.com").await;
    bench.reaches(&waiting, "pending").await;

    let copy = bench.folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let made = report(&bench, &["backup", copy]);
    assert_eq!(made["leads"]["done"], 1);
    assert!(!bench.command(&["restore", copy]).status.success(), "a database that is there is not written over");

    bench.service.signal("KILL");
    bench.service.exit_code();
    for file in ["leads.db", "leads.db-wal", "leads.db-shm"] {
        let _ = fs::remove_file(bench.folder.path().join(file));
    }
    let restored = report(&bench, &["restore", copy]);
    assert_eq!((&restored["found"], &restored["for_a_person"]), (&made["leads"], &json!(1)));
    bench.restart().await;
    assert_eq!(bench.get(&format!("/leads/{done}")).await.json()["result"]["title"], "Countess");
    assert_eq!(bench.state(&waiting).await, "dead");

    fs::write(copy, "this is no database").unwrap();
    fs::remove_file(bench.database()).unwrap();
    assert!(!bench.command(&["restore", copy]).status.success(), "a damaged backup is refused");
}

#[tokio::test]
async fn migrations_go_up_down_and_up() {
    let mut bench = Bench::start(json!({}), &[]).await;
    bench.service.signal("TERM");
    bench.service.exit_code();
    report(&bench, &["migrate", "0"]);
    report(&bench, &["migrate"]);
    bench.restart().await;
    let id = bench.lead("a@example.com").await;
    bench.reaches(&id, "done").await;
}

/// The contract with senders: what openapi.yaml lists is served, and nothing else.
#[tokio::test]
async fn every_operation_of_the_description_is_served() {
    let bench = Bench::start(json!({}), &[]).await;
    let description = read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml").into());
    let mut path = String::new();
    let mut operations = 0;
    for line in description.lines() {
        if let Some(found) = line.strip_prefix("  /") {
            path = format!("/{}", found.trim_end_matches(':')).replace("{id}", "x");
        }
        let method = line.trim_start().split(':').next().unwrap();
        if line.starts_with("    ")
            && !line.starts_with("     ")
            && ["get", "post", "put"].contains(&method)
            && !path.is_empty()
        {
            let method = method.to_uppercase().parse().unwrap();
            let answer = bench.call(bench.request(method, &path)).await;
            assert!(![404, 405].contains(&answer.status), "{path}: {}", answer.status);
            operations += 1;
        }
    }
    assert_eq!(operations, 9);
}
