//! Budgets from a real Prometheus and from a service's own metrics, and what a gate makes of them.

use serde_json::Value;

use super::{
    objective,
    server::{now, past, service},
    slo,
};
use crate::support::{Repository, Run};

/// An hour of one request a second with 10 % errors, then nine of a hundred without.
const UNEVEN: &[(u32, u32, u32)] = &[(60, 54, 6), (540, 6000, 0)];

fn budgets(run: &Run) -> Value {
    let value: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    value["budgets"].clone()
}

fn gone() -> String {
    objective("99.9").replace("r_total", "nothing_total").replace("name: availability", "name: gone")
}

#[test]
fn what_is_left_is_what_prometheus_counted() {
    let prometheus = past(UNEVEN);
    let repository = Repository::of(&[("a.yml", &objective("99.9")), ("b.yml", &gone())]);
    let run = slo(&repository, &["status", "--prometheus", &prometheus.url(), "--json"]);
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    let found = budgets(&run);
    let remaining = found[0]["remaining"].as_f64().unwrap();
    // 360 of 3,243,600 failed, and 0.1 % may.
    assert!((remaining - 0.889).abs() < 0.002, "{found}");
    assert_eq!(found[0]["standing"], "open");
    assert_eq!(found[0]["forecast"], "lasts");
    assert_eq!((&found[1]["standing"], &found[1]["remaining"]), (&Value::from("unknown"), &Value::Null));
    let shown = slo(&repository, &["status", "--prometheus", &prometheus.url()]);
    for words in ["88.9 % of the budget is left", "▇", "no series answers its queries"] {
        assert!(shown.out.contains(words), "{}", shown.out);
    }
}

#[test]
fn a_spent_budget_stops_a_release_and_an_exemption_lets_one_pass() {
    let prometheus = past(UNEVEN);
    let check = |files: &[(&str, &str)], arguments: &[&str], code: i32, words: &str| {
        let repository = Repository::of(files);
        let run = slo(&repository, &[&["gate", "--prometheus", &prometheus.url()], arguments].concat());
        assert_eq!(run.code, code, "{}{}", run.out, run.err);
        assert!(format!("{}{}", run.out, run.err).contains(words), "{}{}", run.out, run.err);
        repository
    };
    let (open, spent) = (objective("99.9"), objective("99.99"));
    check(&[("slo.yml", &open)], &[], 0, "PASS");
    let kept = check(&[("slo.yml", &spent)], &[], 1, "FROZEN").read(".gonogo/slo/decisions.jsonl");
    assert!(kept.contains(r#""verdict":"frozen""#) && kept.contains(r#""standing":"frozen""#), "{kept}");
    check(&[("slo.yml", &gone())], &[], 3, "UNKNOWN");
    check(&[("slo.yml", &objective("100"))], &[], 3, "UNKNOWN");
    let exempt = |expires: &'static str| {
        [
            "--exempt",
            "retries",
            "--reason",
            "stops the retries",
            "--risk",
            "low",
            "--ticket",
            "OPS-7",
            "--approver",
            "ann",
            "--expires",
            expires,
        ]
    };
    let soon = (now().to_zoned(jiff::tz::TimeZone::UTC).date() + jiff::Span::new().days(3)).to_string();
    let kept = check(&[("slo.yml", &spent)], &exempt(Box::leak(soon.into_boxed_str())), 0, "exemption `retries`");
    assert!(kept.read(".gonogo/slo/decisions.jsonl").contains(r#""approver":"ann""#));
    check(&[("slo.yml", &spent)], &exempt("2026-01-01"), 2, "ended on 2026-01-01");
    check(&[("slo.yml", &spent)], &["--exempt", "retries"], 2, "--reason");
    // 2.6 % are left: little where nothing was frozen, and not enough to thaw.
    let little = objective("99.9886");
    check(&[("slo.yml", &little)], &[], 0, "PASS");
    let frozen = r#"{"format": 1, "standings": {"shop-availability": "frozen"}}"#;
    check(&[("slo.yml", &little), (".gonogo/slo/state.json", frozen)], &[], 1, "thaws above 5 %");
    check(&[("slo.yml", &open), (".gonogo/slo/state.json", frozen)], &[], 0, "PASS");
    check(&[("slo.yml", &open), (".gonogo/slo/state.json", "{")], &[], 2, "cannot be read");
}

#[test]
fn a_prometheus_that_does_not_answer_is_unknown() {
    let repository = Repository::of(&[("slo.yml", &objective("99.9"))]);
    let run = slo(&repository, &["gate", "--prometheus", "http://127.0.0.1:9"]);
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.out.contains("does not answer"), "{}", run.out);
}

#[test]
fn the_linter_asks_what_there_is() {
    let prometheus = past(&[(300, 0, 0), (300, 1, 0)]);
    let repository = Repository::of(&[("slo.yml", &objective("99.999"))]);
    let run = slo(&repository, &["check", "--prometheus", &prometheus.url()]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("unreachable"), "{}", run.out);
}

#[test]
fn a_service_is_scraped_where_there_is_no_prometheus() {
    let repository = Repository::of(&[("slo.yml", &objective("95"))]);
    let run = slo(&repository, &["status", "--metrics", &service(), "--for", "2s", "--every", "500ms", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let found = budgets(&run);
    assert_eq!(found[0]["error_ratio"], 0.1, "{found}");
    assert_eq!((&found[0]["standing"], &found[0]["remaining"]), (&Value::from("frozen"), &Value::from(-1.0)));
}
