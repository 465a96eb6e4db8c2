//! `gonogo init --deploy`: what is written holds, what is left open turns no check green, and nothing is overwritten.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::Value;

use crate::{
    alerts::example,
    support::{Repository, Run, gonogo, run},
};

/// What the example exposes, shortened.
const SCRAPE: &str = "\
# TYPE http_requests counter
http_requests_total{route=\"POST /leads\",status=\"202\"} 5
# TYPE clay_requests counter
clay_requests_total{status=\"200\"} 0
clay_requests_total{status=\"429\"} 0
clay_requests_total{status=\"timeout\"} 0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le=\"0.250\"} 5
http_request_duration_seconds_bucket{le=\"10.0\"} 5
http_request_duration_seconds_bucket{le=\"+Inf\"} 5
http_request_duration_seconds_sum 1
http_request_duration_seconds_count 5
# TYPE clay_request_duration_seconds histogram
clay_request_duration_seconds_bucket{le=\"5.0\"} 5
clay_request_duration_seconds_bucket{le=\"10.0\"} 5
clay_request_duration_seconds_bucket{le=\"+Inf\"} 5
clay_request_duration_seconds_sum 1
clay_request_duration_seconds_count 5
";

/// The example before anybody thought of operating it.
fn bare() -> Repository {
    let repository = example();
    for folder in ["monitoring", "docs/runbooks"] {
        fs::remove_dir_all(repository.at(folder)).expect("the folder is there");
    }
    let text = repository.read("gonogo.toml");
    let kept: String = text.split_inclusive("\n\n").filter(|part| !part.contains(".scenario]]")).collect();
    repository.write("gonogo.toml", kept);
    repository.write("scrape.txt", SCRAPE);
    repository
}

fn init(repository: &Repository, arguments: &[&str]) -> Run {
    let mut command = gonogo();
    command.arg("init").arg(repository.path()).arg("--deploy").args(arguments).current_dir(repository.path());
    run(&mut command)
}

const KNOWN: [&str; 4] = ["--metrics", "scrape.txt", "--selector", "job=\"clay-integration\""];

fn outcomes(repository: &Repository) -> Vec<(String, String)> {
    let report = repository.report(&["--history=none"]);
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks.iter().map(|check| (text(&check["id"]), text(&check["outcome"]))).collect()
}

#[test]
fn what_turns_green_is_true() {
    let repository = bare();
    let before = outcomes(&repository);
    let written = init(&repository, &[KNOWN.as_slice(), &["--write"]].concat());
    assert_eq!(written.code, 0, "{}", written.err);
    let after = outcomes(&repository);
    let green: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after && after.1 == "pass")
        .map(|(_, after)| after.0.as_str())
        .collect();
    // The four rows have rules now. Whoever reads them finds no runbook, no forecast and no objective that alerts.
    assert_eq!(green, ["clay.alerts"]);
    let outcome = |id: &str| after.iter().find(|(known, _)| known == id).map(|(_, outcome)| outcome.as_str());
    for id in ["operations.runbooks", "operations.alerts", "operations.slos", "operations.dashboards", "clay.runbook"] {
        assert_eq!(outcome(id), Some("fail"), "{id}");
    }
    let slos = repository.read("slos/clay-integration.yaml");
    assert!(slos.contains("le=\\\"0.250\\\"") && slos.contains("target: 0.999 "), "{slos}");
    let runbook = repository.read("docs/runbooks/clay-integration/clay-refuses-key.md");
    for known in ["ClayRefusesKey", "clay (http, ", "database (sqlite, ", "SEV-1", "team-growth", "growth-primary"] {
        assert!(runbook.contains(known), "{known} is not in:\n{runbook}");
    }
    let check = Command::new("promtool")
        .args(["check", "rules", "clay-integration-alerts.yml"])
        .current_dir(repository.at("monitoring"))
        .output()
        .expect("promtool is installed");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

#[test]
fn nothing_is_written_unless_asked_and_nothing_twice() {
    let repository = bare();
    let shown = init(&repository, &KNOWN);
    assert!(shown.out.contains("==> monitoring/clay-integration-alerts.yml <=="), "{}", shown.out);
    assert!(!repository.at("monitoring").exists() && shown.err.contains("nothing was written"), "{}", shown.err);
    init(&repository, &[KNOWN.as_slice(), &["--write"]].concat());
    let own = "# the owner's own words\n";
    repository.write("slos/clay-integration.yaml", own);
    repository.write("docs/runbooks/clay-integration/clay-down.md", own);
    let again = init(&repository, &[KNOWN.as_slice(), &["--write"]].concat());
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(repository.read("slos/clay-integration.yaml"), own);
    assert_eq!(repository.read("docs/runbooks/clay-integration/clay-down.md"), own);
}

#[test]
fn nothing_is_written_through_a_link() {
    let repository = bare();
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    symlink(elsewhere.path(), repository.at("slos")).expect("a link can be made");
    init(&repository, &[KNOWN.as_slice(), &["--write"]].concat()).fails_with(2, &["is no folder"]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it can be read").count(), 0);
}

#[test]
fn a_target_that_nobody_promised_is_left_open() {
    let repository = Repository::of(&[("deploy.yaml", crate::support::PROBED), ("scrape.txt", SCRAPE)]);
    let shown = init(&repository, &["--metrics", "scrape.txt", "--selector", "job=\"shop\""]);
    assert!(shown.out.contains("# target: DECIDE"), "{}", shown.out);
    assert!(!shown.out.lines().any(|line| line.trim().starts_with("target:")), "{}", shown.out);
}

#[test]
fn without_a_cluster_it_has_to_be_known_where_the_metrics_are() {
    let compose = "services:\n  shop:\n    image: registry.example/shop:1.4.2\n    ports: [\"8080:8080\"]\n";
    let repository = Repository::of(&[("compose.yaml", compose), ("scrape.txt", SCRAPE)]);
    let shown = init(&repository, &["--metrics", "scrape.txt", "--selector", "job=\"shop\""]);
    assert!(shown.err.contains("where it serves its metrics is not known"), "{}", shown.err);
}

/// The rollout file that is proposed for this Deployment with these objects beside it.
#[track_caller]
fn check_driver(deployment: &str, others: &str, parts: &[&str]) {
    let manifests = format!("{deployment}---\n{others}");
    let repository = Repository::of(&[("deploy.yaml", &manifests), ("scrape.txt", SCRAPE)]);
    let written = init(&repository, &["--metrics", "scrape.txt", "--selector", "job=\"shop\"", "--write"]);
    assert_eq!(written.code, 0, "{}", written.err);
    let file = repository.read("deploy/shop-rollout.toml");
    for part in parts {
        assert!(file.contains(part), "{part} is not in:\n{file}");
    }
    // It does nothing as it is, and holds once what is left open is filled in.
    let plan = |repository: &Repository| {
        let mut command = gonogo();
        command.args(["rollout", "plan", "--revision", "2", "--measure", "1s"]);
        run(command.arg(repository.at("deploy/shop-rollout.toml")).env("KUBECONFIG", repository.at("none")))
    };
    plan(&repository).fails_with(2, &["it asks Prometheus, and there is no [prometheus] url"]);
    let filled: String = file
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|line| !line.contains("DECIDE") && (line.starts_with('[') || line.contains(" = ")))
                .unwrap_or(line)
                .to_owned()
                + "\n"
        })
        .collect();
    repository.write("deploy/shop-rollout.toml", filled);
    let planned = plan(&repository);
    assert!(planned.code == 2 && !planned.err.contains("not valid"), "{}", planned.err);
}

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: shop-http, namespace: production}
spec: {selector: {app: shop}, ports: [{port: 80}]}
";

const ROUTE: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop-public, namespace: production}
spec: {rules: [{backendRefs: [{name: shop-http, port: 80}]}]}
";

const CANARY: &str = "---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: shop, namespace: production}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}, analysis: {interval: 1m, stepWeight: 20, maxWeight: 60}}
";

#[test]
fn the_driver_is_what_the_manifests_have() {
    let gates = [
        "total = \"sum(http_requests_total{job=\\\"shop\\\",$side})\"",
        "query = \"sum by (le) (http_request_duration_seconds_bucket{job=\\\"shop\\\",$side})\"",
    ];
    let deployment = crate::support::PROBED;
    let web = ["workload = \"shop\"", "namespace = \"production\"", gates[0], gates[1]];
    let with = |parts: &[&'static str]| [&web[..], parts].concat();
    check_driver(deployment, "", &with(&["strategy = \"rolling\"", "no Service in the manifests"]));
    check_driver(deployment, SERVICE, &with(&["strategy = \"rolling\"", "asks for every label of its selector"]));
    let tracked = deployment.replace("{app: shop}", "{app: shop, track: stable}");
    let replicas = ["strategy = \"replicas\"", "service = \"shop-http\"", "canary = 'pod=~\"shop-canary-.*\"'"];
    check_driver(&tracked, SERVICE, &with(&replicas));
    let routes =
        ["strategy = \"routes\"", "service = \"shop-http\"", "route = \"shop-public\"", "share = 10\nwatch = \"10m\""];
    check_driver(deployment, &format!("{SERVICE}{ROUTE}"), &with(&routes));
    let flagger = [
        "strategy = \"flagger\"",
        "share = 20\n",
        "share = 40\n",
        "share = 60\n",
        "stable = 'pod=~\"shop-primary-.*\"'",
    ];
    check_driver(deployment, &format!("{SERVICE}{CANARY}"), &with(&flagger));
    let steps =
        "strategy: {canary: {steps: [{setWeight: 5}, {pause: {}}, {setWeight: 25}, {pause: {}}]}}\n  replicas: 2";
    let rollout = deployment
        .replace("apps/v1", "argoproj.io/v1alpha1")
        .replace("kind: Deployment", "kind: Rollout")
        .replace("replicas: 2", steps);
    check_driver(&rollout, SERVICE, &with(&["strategy = \"argo-rollouts\"", "share = 5\n", "share = 25\n"]));
}
