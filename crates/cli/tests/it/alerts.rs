//! `gonogo alerts`: what is written is what Prometheus, Alertmanager and our own review take, and nothing is invented.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{Repository, Run, gonogo, run};

pub(crate) fn example() -> Repository {
    Repository::copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/clay-integration")))
}

pub(crate) fn alerts(repository: &Repository, verb: &str, arguments: &[&str]) -> Run {
    let mut command = gonogo();
    command.args(["alerts", verb]).arg(repository.path()).args(arguments).current_dir(repository.path());
    run(&mut command)
}

/// A tool of Prometheus in the folder of the repository: whether it is content, and what it says.
fn tool(repository: &Repository, name: &str, arguments: &[&str]) -> (bool, String) {
    let run = Command::new(name).args(arguments).current_dir(repository.path()).output();
    let run =
        run.unwrap_or_else(|error| panic!("{name} is installed (apt-get install prometheus-alertmanager): {error}"));
    (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
}

const FILES: [&str; 4] = ["--output", "alerts.yml", "--tests", "alerts.test.yml"];

/// What a service says that has all that rules ask for.
const SCRAPE: &str = "\
# TYPE http_requests_total counter
http_requests_total{status=\"200\"} 5
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{status=\"200\",le=\"1\"} 5
http_request_duration_seconds_bucket{status=\"200\",le=\"5\"} 5
http_request_duration_seconds_bucket{status=\"200\",le=\"10\"} 5
http_request_duration_seconds_bucket{status=\"200\",le=\"+Inf\"} 5
http_request_duration_seconds_sum{status=\"200\"} 1
http_request_duration_seconds_count{status=\"200\"} 5
# TYPE process_open_fds gauge
process_open_fds 10
# TYPE process_max_fds gauge
process_max_fds 1024
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1700000000
";

/// A small server of which nothing is known.
fn shop() -> Repository {
    Repository::of(&[("deploy.yaml", crate::support::PROBED), ("scrape.txt", SCRAPE)])
}

/// The rules are valid, and every story about them holds.
#[track_caller]
fn check_stories(repository: &Repository, arguments: &[&str], alerts_written: usize) {
    let written = alerts(repository, "rules", &[FILES.as_slice(), arguments].concat());
    assert!(matches!(written.code, 0 | 3), "{}", written.err);
    assert!(written.err.contains(&format!("{alerts_written} alerts")), "{}", written.err);
    let (valid, said) = tool(repository, "promtool", &["check", "rules", "alerts.yml"]);
    assert!(valid, "{said}");
    let (held, said) = tool(repository, "promtool", &["test", "rules", "alerts.test.yml"]);
    assert!(held, "{said}");
    let rules = repository.read("alerts.yml");
    let tests = repository.read("alerts.test.yml");
    for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let of = |quiet: bool| {
            let asked = format!("alertname: {name}\n    exp_alerts:{}\n", if quiet { " []" } else { "" });
            tests.contains(&asked)
        };
        assert!(of(true) && of(false), "{name} has no story in which it fires, or none in which it is quiet");
    }
}

#[test]
fn every_story_holds_at_the_pace_of_the_example() {
    check_stories(&example(), &[], 10);
}

#[test]
fn every_story_holds_where_scrapes_are_rare() {
    check_stories(&example(), &["--scrape-interval", "1m"], 10);
}

#[test]
fn every_story_holds_in_a_rehearsal() {
    check_stories(&example(), &["--scrape-interval", "1s", "--faster", "12"], 10);
}

#[test]
fn every_story_holds_for_what_a_service_says_itself() {
    check_stories(
        &shop(),
        &["--metrics", "scrape.txt", "--selector", "job=~\"shop|shop-canary\",env=\"production\""],
        6,
    );
}

/// The part of a file of rules, or of tests, that is about one alert.
fn only(text: &str, item: &str, name: &str) -> String {
    let mut parts = text.split(item);
    let head = parts.next().expect("there is a head").to_owned();
    let own =
        parts.filter(|part| part.starts_with(&format!("{name}\n")) || part.contains(&format!("alertname: {name}\n")));
    own.fold(head, |kept, part| kept + item + part.split("\n- name: ").next().unwrap_or(part))
}

/// A rule that is worse than ours fails in our stories.
#[track_caller]
fn check_worse(name: &str, from: &str, to: &str) {
    let repository = example();
    alerts(&repository, "rules", &FILES);
    let rules = only(&repository.read("alerts.yml"), "  - alert: ", name);
    repository.write("alerts.test.yml", only(&repository.read("alerts.test.yml"), "- interval:", name));
    for (rules, expect) in [(rules.clone(), true), (rules.replace(from, to), false)] {
        repository.write("alerts.yml", &rules);
        let (held, said) = tool(&repository, "promtool", &["test", "rules", "alerts.test.yml"]);
        assert_eq!(held, expect, "with {to}: {said}\n{rules}");
    }
}

#[test]
fn stories_notice_a_rule_that_does_not_see_the_first_error() {
    check_worse("ClayRefusesKey", "and on () count(", "and on () absent(");
}

#[test]
fn stories_notice_a_rule_that_takes_old_counters_for_new() {
    check_worse("ClayRefusesKey", "and on () count(up{job=\"clay-integration\"} offset 10m)", "");
    check_worse("ClayRefusesKey", "[1h] offset 5m", "[1m] offset 5m");
}

#[test]
fn stories_notice_a_rule_without_its_guard() {
    check_worse("ClayDown", " > 0.05\n", " > 0\n");
    check_worse("ClayDown", ") > 10\n", ") > 3\n");
    check_worse("ClayLimitsRate", "for: 5m", "for: 1m");
}

#[test]
fn nothing_is_invented() {
    let run = alerts(&shop(), "rules", &[]);
    run.fails_with(
        3,
        &[
            "0 alerts",
            "the job under which",
            "the counter of requests",
            "the histogram of durations",
            "no owner",
            "--metrics URL",
        ],
    );
    assert_eq!(run.out, "");
    let run = alerts(&shop(), "rules", &["--selector", "job=\"shop\""]);
    run.fails_with(3, &["1 alerts"]);
    assert!(run.out.contains("ServiceAbsent") && !run.out.contains("http_"), "{}", run.out);
}

#[test]
fn a_wrong_option_is_refused() {
    for (arguments, says) in [
        (["--selector", "job="], "cannot be read"),
        (["--selector", "{}"], "no matcher"),
        (["--requests", "a b"], "no name of a metric"),
        (["--requests", "a:b-c"], "no name of a label"),
        (["--saturation", "a"], "USED=LIMIT"),
        (["--scrape-interval", "5"], "--scrape-interval"),
        (["--metrics", "gone.txt"], "could not be read"),
        (["--metrics", "deploy.yaml"], "holds no metrics"),
        (["--metrics", "http://127.0.0.1:1/"], "asking http://127.0.0.1:1/"),
        (["--service", "cart"], "no service cart"),
    ] {
        alerts(&shop(), "rules", &arguments).fails_with(2, &[says]);
    }
}

/// The review finds in the generated rules what it asks of those that people write.
#[test]
fn the_review_takes_the_rules() {
    let repository = example();
    let written = alerts(&repository, "rules", &["--output", "monitoring/rules.yaml"]);
    assert_eq!(written.code, 3, "{}", written.err);
    let report = repository.report(&["--history=none"]);
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let check = |id: &str| checks.iter().find(|check| check["id"] == id).expect("it is a check");
    assert_eq!(check("clay.alerts")["outcome"], "pass", "{}", check("clay.alerts"));
    let readings = check("operations.alerts")["readings"].as_array().expect("there are readings");
    let findings = readings.iter().filter_map(|reading| reading["findings"].as_array()).flatten();
    let findings: Vec<&str> = findings.filter_map(|finding| finding["message"]["en"].as_str()).collect();
    // What is left is true: nobody has written these runbooks.
    assert!(findings.iter().all(|finding| finding.contains("is not here")), "{findings:?}");
}

const ROUTES: [&str; 6] = ["--page", "pagerduty=key", "--tell", "slack=url#growth", "--output", "alertmanager.yml"];

#[track_caller]
fn check_route(repository: &Repository, labels: &[&str], expect: &str) {
    let arguments = ["config", "routes", "test", "--config.file=alertmanager.yml"];
    let (ended, said) = tool(repository, "amtool", &[arguments.as_slice(), labels].concat());
    assert!(ended && said.lines().next() == Some(expect), "{labels:?}: {said}");
}

#[test]
fn alerts_reach_whom_they_should() {
    let repository = example();
    for file in ["key", "url"] {
        repository.write(file, "https://hooks.test/x");
    }
    assert_eq!(alerts(&repository, "routes", &ROUTES).code, 0);
    let (valid, said) = tool(&repository, "amtool", &["check-config", "alertmanager.yml"]);
    assert!(valid && said.contains("3 inhibit rules") && said.contains("2 receivers"), "{said}");
    let service = "service=clay-integration";
    check_route(&repository, &[service, "severity=critical", "alertname=ClayDown"], "clay-integration-page");
    check_route(&repository, &[service, "severity=warning"], "clay-integration-page");
    check_route(&repository, &[service, "severity=ticket"], "clay-integration-tell");
    check_route(&repository, &["service=other", "severity=critical"], "clay-integration-tell");
}

#[test]
fn a_receiver_that_tells_nobody_is_not_written() {
    let repository = example();
    let run = alerts(&repository, "routes", &["--output", "alertmanager.yml", "--page", "email=a@b.test"]);
    run.fails_with(3, &["whom all other alerts reach is not known", "--tell"]);
    assert!(!repository.at("alertmanager.yml").exists());
    let secret = ["webhook=https://ann:", "pass", "@host/"].concat();
    for (channel, says) in [("phone=1", "no way to tell"), (secret.as_str(), "password"), ("slack=a", "no channel")] {
        alerts(&repository, "routes", &["--page", channel, "--tell", "email=a@b.test"]).fails_with(2, &[says]);
    }
}

/// Titles of the panels, and all queries.
pub(crate) fn panels(dashboard: &Value) -> (Vec<String>, Vec<String>) {
    let panels = dashboard["panels"].as_array().expect("there are panels");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let titles = panels.iter().filter(|panel| panel["type"] != "row").map(|panel| text(&panel["title"])).collect();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let marks = dashboard["annotations"]["list"].as_array().expect("there are marks");
    let queries = targets.chain(marks).map(|one| text(&one["expr"])).filter(|query| !query.is_empty());
    (titles, queries.collect())
}

#[test]
fn the_dashboard_shows_what_is_known() {
    let run = alerts(&example(), "dashboard", &[]);
    run.fails_with(3, &["saturation", "no metric names the dependency database"]);
    let (titles, queries) = panels(&serde_json::from_str(&run.out).expect("it is JSON"));
    assert_eq!(
        titles,
        [
            "Latency: P50, P95, P99",
            "Traffic: requests by status",
            "Errors: share of requests",
            "Errors: failed requests a second",
            "Saturation: levels without a known limit",
            "Clay: calls by status",
            "Clay: share of failed calls",
            "Clay: P50, P95, P99",
            "Error budget that is left",
            "Burn rate",
        ]
    );
    assert!(queries.iter().all(|query| query.contains("clay-integration")), "{queries:?}");
    let arguments = ["--metrics", "scrape.txt", "--selector", "job=\"shop\""];
    let run = alerts(&shop(), "dashboard", &arguments);
    let (titles, _) = panels(&serde_json::from_str(&run.out).expect("it is JSON"));
    assert_eq!(titles[..2], ["Latency: P50, P95, P99 of good answers", "Latency: P50, P95, P99 of failed answers"]);
}

#[test]
fn the_review_takes_the_dashboard() {
    let repository = shop();
    let arguments = ["--metrics", "scrape.txt", "--selector", "job=\"shop\"", "--output", "monitoring/shop.json"];
    fs::create_dir_all(repository.at("monitoring")).expect("a folder can be made");
    assert_eq!(alerts(&repository, "dashboard", &arguments).code, 3);
    let report = repository.report(&["--history=none"]);
    let checks = report["services"][0]["checks"].as_array().expect("there are checks");
    let check = checks.iter().find(|check| check["id"] == "operations.dashboards").expect("it is a check");
    assert_eq!(check["outcome"], "pass", "{check}");
}
