//! Secrets in files and in the git history, through the binary.

use serde_json::Value;

use crate::support::{Repository, gonogo, run};

/// Assembled at run time, so that no scanner takes this file for a leak.
fn token() -> String {
    ["gl", "pat-", "Zq4v9Lm2", "Xt7bRw8c", "Kd3f"].concat()
}

fn outcome(report: &Value) -> (String, Vec<String>) {
    let checks = report["services"][0]["checks"].as_array().expect("a service has checks");
    let one = checks.iter().find(|one| one["id"] == "config.no-secrets").expect("the check is judged");
    let findings = one["findings"].as_array().map_or_else(Vec::new, |findings| {
        findings.iter().map(|finding| finding["message"]["en"].as_str().unwrap_or_default().to_owned()).collect()
    });
    (one["outcome"].as_str().unwrap_or_default().to_owned(), findings)
}

fn repository() -> Repository {
    let repository = Repository::of(&[]);
    repository.write("gonogo.toml", "[service.shop]\nclass = \"server\"\n");
    repository.write("src/client.js", format!("const gitlab = \"{}\";\n", token()));
    repository.commit("2026-05-01");
    repository.write("src/client.js", "const gitlab = process.env.GITLAB_TOKEN;\n");
    repository.commit("2026-06-01");
    repository
}

#[test]
fn a_secret_that_was_deleted_counts_until_it_was_rotated() {
    let repository = repository();
    let (now, findings) = outcome(&repository.report(&[]));
    assert_eq!(now, "fail");
    let [finding] = findings.as_slice() else { panic!("one finding, not {findings:?}") };
    assert!(finding.starts_with("a GitLab token stands here: glpa… (#"), "{finding}");
    assert!(finding.contains("(in the history, since ") && finding.ends_with(" of 2026-05-01)"), "{finding}");
    assert!(!finding.contains(&token()));

    let hash = finding.split_once("(#").and_then(|(_, rest)| rest.get(..8)).expect("a hash is shown");
    let rotation = |day: &str| {
        repository.write(
            "gonogo.toml",
            format!("[service.shop]\nclass = \"server\"\n[[service.shop.rotation]]\nsecret = \"GitLab #{hash}\"\nrotated = {day}\n"),
        );
        outcome(&repository.report(&[])).0
    };
    assert_eq!(rotation("2026-04-01"), "fail", "rotated before it leaked");
    assert_eq!(rotation("2026-06-02"), "pass");
}

#[test]
fn a_history_that_was_not_read_leaves_it_unknown() {
    let repository = repository();
    assert_eq!(outcome(&repository.report(&["--history=none"])).0, "unknown");
    assert_eq!(outcome(&repository.report(&["--history"])).0, "fail");
}

#[test]
fn secrets_are_listed_without_a_review() {
    let repository = repository();
    let found = run(gonogo().arg("secrets").arg(repository.path()));
    assert_eq!(found.code, 1, "{}{}", found.out, found.err);
    assert!(found.out.contains("src/client.js:1 a GitLab token stands here: glpa… (#"), "{}", found.out);
    assert!(!found.out.contains(&token()));

    let found = run(gonogo().args(["secrets", "--json", "--history=none"]).arg(repository.path()));
    assert_eq!(found.code, 0, "{}{}", found.out, found.err);
    let report: Value = serde_json::from_str(&found.out).expect("JSON");
    assert_eq!(report["secrets"].as_array().map(Vec::len), Some(0));
    assert_eq!(report["files"], 2);
}
