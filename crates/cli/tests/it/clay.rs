//! Two small integrations with Clay of `fixtures/`, one as it should be and one as demos are, line by line.

use std::path::Path;

use crate::support::Repository;

/// A fixture as a repository of its own: in this one its files would be no product.
fn fixture(name: &str) -> Repository {
    Repository::copy(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(name))
}

/// Every line of the standard with its outcome.
#[track_caller]
fn check(name: &str, expect: &[(&str, &str)]) {
    let report = fixture(name).report(&[]);
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let found: Vec<(&str, &str)> = checks
        .iter()
        .filter_map(|check| Some((check["id"].as_str()?.strip_prefix("clay.")?, check["outcome"].as_str()?)))
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn a_good_integration_passes_what_source_decides() {
    check(
        "clay-fastapi",
        &[
            ("staging-verified", "unknown"),
            ("keys-available", "pass"),
            ("monitoring-ready", "unknown"),
            ("keys-in-vault", "pass"),
            ("env-declared", "pass"),
            ("least-privilege", "unknown"),
            ("webhook-https", "pass"),
            ("webhook-secrets", "pass"),
            ("tests-pass", "pass"),
            ("no-credentials", "pass"),
            ("error-types", "pass"),
            ("rate-limit", "pass"),
            ("logging", "pass"),
            ("health", "pass"),
            ("circuit-breaker", "pass"),
            ("degradation", "pass"),
            ("alerts", "unknown"),
            ("runbook", "unknown"),
            ("key-rotation", "unknown"),
            ("rollback", "unknown"),
            ("escalation", "unknown"),
            ("rollout", "unknown"),
            ("invented-api", "pass"),
            ("vendor-limits", "unknown"),
        ],
    );
}

#[test]
fn a_demo_fails_what_source_decides() {
    check(
        "clay-express",
        &[
            ("staging-verified", "unknown"),
            ("keys-available", "unknown"),
            ("monitoring-ready", "unknown"),
            ("keys-in-vault", "unknown"),
            ("env-declared", "fail"),
            ("least-privilege", "unknown"),
            ("webhook-https", "fail"),
            ("webhook-secrets", "fail"),
            ("tests-pass", "fail"),
            ("no-credentials", "pass"),
            ("error-types", "fail"),
            ("rate-limit", "fail"),
            ("logging", "fail"),
            ("health", "fail"),
            ("circuit-breaker", "fail"),
            ("degradation", "fail"),
            ("alerts", "unknown"),
            ("runbook", "unknown"),
            ("key-rotation", "unknown"),
            ("rollback", "unknown"),
            ("escalation", "unknown"),
            ("rollout", "unknown"),
            ("invented-api", "fail"),
            ("vendor-limits", "unknown"),
        ],
    );
}
