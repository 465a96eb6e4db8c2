//! `gonogo waive` and `gonogo attest` write a record and leave the rest of gonogo.toml as it is.

use crate::support::{Repository, Run, call, check, unready};

const COMMENTED: &str = "\
# What files cannot show.
[policy]
waiver_days = 40   # the board agreed

[service.shop] # the shop
tier = 3
";

fn shop() -> Repository {
    Repository::of(&[("deploy.yaml", &unready()), ("gonogo.toml", COMMENTED)])
}

/// A day that the records of a test run can name, counted from today: `gonogo waive` refuses the past.
fn day(from_today: i64) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().expect("the clock is past 1970").as_secs();
    let day = i64::try_from(now / 86_400).expect("days fit") + from_today;
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).expect("the day exists");
    date.to_string()
}

fn waive(repository: &Repository, id: &str, more: &[&str]) -> Run {
    let (path, expires) = (repository.path().to_string_lossy().into_owned(), day(20));
    let mut arguments =
        vec!["waive", id, "--path", &path, "--reason", "moves", "--risk", "errors", "--ticket", "OPS-1"];
    arguments.extend(["--approver", "ann", "--expires", &expires]);
    arguments.extend(more);
    call(&arguments)
}

#[test]
fn a_waiver_is_added_and_comments_stay() {
    let repository = shop();
    let run = waive(&repository, "health.readiness", &["--service", "shop"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let written = repository.read("gonogo.toml");
    assert!(written.starts_with(COMMENTED), "the file changed above the record:\n{written}");
    assert!(written.contains("[[waiver]]\ncheck = \"health.readiness\"\nservice = \"shop\"\n"), "{written}");
    let today = day(0);
    let run = call(&["review", &repository.path().to_string_lossy(), "--json", "--as-of", &today]);
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("a report");
    assert_eq!(check(&report, "health.readiness")["waiver"]["ticket"], "OPS-1");
}

#[test]
fn a_file_is_made_where_there_is_none() {
    let repository = Repository::of(&[("deploy.yaml", &unready())]);
    assert_eq!(waive(&repository, "health.readiness", &[]).code, 0);
    assert!(repository.read("gonogo.toml").starts_with("[[waiver]]\n"));
    assert_eq!(waive(&repository, "health.liveness", &[]).code, 0);
    assert_eq!(repository.read("gonogo.toml").matches("[[waiver]]").count(), 2);
}

#[test]
fn a_dry_run_writes_nothing() {
    let repository = shop();
    let run = waive(&repository, "health.readiness", &["--dry-run"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("[[waiver]]") && run.out.contains("not written"), "{}", run.out);
    assert_eq!(repository.read("gonogo.toml"), COMMENTED);
}

#[test]
fn an_attestation_counts_as_declared_evidence() {
    let repository = shop();
    let (path, on, expires) = (repository.path().to_string_lossy().into_owned(), day(-10), day(60));
    let run = call(&[
        "attest",
        "health.startup",
        "--path",
        &path,
        "--statement",
        "boots in 2 s",
        "--by",
        "ann",
        "--on",
        &on,
        "--expires",
        &expires,
        "--record",
        "environment=staging",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    let written = repository.read("gonogo.toml");
    assert!(
        written.contains("[[attestation]]") && written.contains("record = { environment = \"staging\" }"),
        "{written}"
    );
    let run = call(&["review", &path, "--json", "--as-of", &day(0)]);
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("a report");
    let readings = check(&report, "health.startup")["readings"].to_string();
    assert!(readings.contains("\"attested_by\":\"ann\""), "{readings}");
}

/// The record is refused, the sentence says why, and the file is as it was.
fn refused(id: &str, more: &[&str], sentence: &str) {
    let repository = shop();
    waive(&repository, id, more).fails_with(2, &[sentence]);
    assert_eq!(repository.read("gonogo.toml"), COMMENTED);
}

#[test]
fn a_waiver_of_no_check_is_refused() {
    refused("health.readines", &[], "there is no check `health.readines`");
}

#[test]
fn a_record_in_a_broken_file_is_refused() {
    let repository = Repository::of(&[("deploy.yaml", &unready()), ("gonogo.toml", "[policy]\nwaiver_day = 3\n")]);
    waive(&repository, "health.readiness", &[]).fails_with(2, &["waiver_day"]);
    assert_eq!(repository.read("gonogo.toml"), "[policy]\nwaiver_day = 3\n");
}

#[test]
fn a_statement_about_the_future_is_refused() {
    let repository = shop();
    let (path, on, expires) = (repository.path().to_string_lossy().into_owned(), day(2), day(60));
    call(&[
        "attest",
        "health.startup",
        "--path",
        &path,
        "--statement",
        "it will",
        "--by",
        "ann",
        "--on",
        &on,
        "--expires",
        &expires,
    ])
    .fails_with(2, &["is still to come"]);
}

#[test]
fn words_in_a_record_cannot_break_the_file() {
    let repository = shop();
    let run = waive(&repository, "health.readiness", &["--service", "a\"]\n[policy]\nwaiver_days = 9999\n#"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let written = repository.read("gonogo.toml");
    let document: toml_edit::DocumentMut = written.parse().expect("the file is TOML");
    assert_eq!(document["policy"]["waiver_days"].as_integer(), Some(40), "{written}");
}
