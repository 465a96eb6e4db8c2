//! Small reports, and what is read of them.

use std::fmt::Write as _;

use crate::{Corpus, Tree};

/// One line a result: kind, tool, place, date, revision, measures, thresholds; then the gaps.
fn check(files: &[(&str, &str)], expect: &str) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gathered = super::gather(&Corpus::read(&tree));
    let mut out = String::new();
    for one in &gathered.items {
        let _ = write!(out, "{:?} {} at {}", one.kind, one.tool, one.place);
        let _ = one.on.map(|on| write!(out, " on {on}"));
        let _ = one.revision.as_ref().map(|revision| write!(out, " of {revision}"));
        out.push(':');
        for (name, value) in &one.measures {
            let _ = write!(out, " {name}={}", (value * 100.0).round() / 100.0);
        }
        for (name, held) in &one.thresholds {
            let _ = write!(out, " [{name}: {held}]");
        }
        out.push('\n');
    }
    for gap in &gathered.gaps {
        let _ = writeln!(out, "gap {}: {}", gap.place, gap.reason);
    }
    assert_eq!(out.trim_end(), expect.trim(), "got:\n{out}");
}

#[test]
fn coverage_is_read_in_all_its_forms() {
    check(
        &[("coverage/lcov.info", "SF:a\nLF:8\nLH:6\nend_of_record\nLF:2\nLH:2\nBRF:4\nBRH:1\n")],
        "Coverage lcov at coverage/lcov.info: branch_percent=25 line_percent=80 lines=10",
    );
    check(
        &[(
            "coverage.xml",
            "<coverage line-rate='0.855' branch-rate='0.5' branches-valid='2' timestamp='1700000000000' lines-valid='200'/>",
        )],
        "Coverage cobertura at coverage.xml on 2023-11-14: branch_percent=50 line_percent=85.5 lines=200",
    );
    check(
        &[(
            "target/site/jacoco/jacoco.xml",
            "<!DOCTYPE report><report name='a'><package><counter type='LINE' missed='9' covered='1'/></package><counter type='LINE' missed='1' covered='3'/><counter type='BRANCH' missed='1' covered='1'/></report>",
        )],
        "Coverage jacoco at target/site/jacoco/jacoco.xml: branch_percent=50 line_percent=75 lines=4",
    );
    check(
        &[(
            "coverage/coverage-summary.json",
            r#"{"total": {"lines": {"total": 10, "pct": 90}, "branches": {"pct": 50.5}, "functions": {"pct": "Unknown"}}}"#,
        )],
        "Coverage istanbul at coverage/coverage-summary.json: branch_percent=50.5 line_percent=90 lines=10",
    );
    check(
        &[(
            "cov.json",
            r#"{"type": "llvm.coverage.json.export", "data": [{"totals": {"lines": {"percent": 70.5, "count": 9}, "branches": {"count": 0, "percent": 0}}}]}"#,
        )],
        "Coverage llvm-cov at cov.json: line_percent=70.5 lines=9",
    );
    check(
        &[(
            "coverage.json",
            r#"{"meta": {"timestamp": "2026-01-02T03:04:05"}, "totals": {"covered_lines": 3, "num_statements": 4}}"#,
        )],
        "Coverage coverage.py at coverage.json on 2026-01-02: line_percent=75 lines=4",
    );
    check(
        &[
            ("cover.out", "mode: atomic\na.go:1.1,2.2 3 1\na.go:3.1,4.2 1 0\na.go:1.1,2.2 3 0\n"),
            ("coverage.txt", "some words\n"),
        ],
        "Coverage go-cover at cover.out: line_percent=75 lines=4 statement_percent=75",
    );
}

#[test]
fn reports_of_tests_are_counted() {
    check(
        &[(
            "build/test-results/TEST-a.xml",
            "<testsuite tests='9' timestamp='2026-02-03T00:00:00'><testcase time='0.5'/><testcase><failure/></testcase><testcase><skipped/></testcase></testsuite>",
        )],
        "Tests junit at build/test-results/TEST-a.xml on 2026-02-03: errors=0 failures=1 seconds=0.5 skipped=1 tests=3",
    );
    check(
        &[(
            "out/run.trx",
            "<TestRun><Times finish='2026-02-03T00:00:00'/><ResultSummary><Counters total='5' failed='1' error='0' notExecuted='2'/></ResultSummary></TestRun>",
        )],
        "Tests trx at out/run.trx on 2026-02-03: errors=0 failures=1 skipped=2 tests=5",
    );
    check(&[("junit.xml", "<testsuite>")], "gap junit.xml:1: ends before its elements are closed");
    check(&[("pom.xml", "<project/>"), ("config/a.xml", "<testsuite/>")], "");
}

#[test]
fn both_summaries_of_k6_are_understood() {
    check(
        &[
            (
                "load/2026-01-31-export.json",
                r#"{"metrics": {"http_req_duration": {"p(95)": 120.5, "med": 20, "thresholds": {"p(95)<500": false}}, "http_reqs": {"count": 10, "rate": 5}, "http_req_failed": {"value": 0.1, "thresholds": {"rate<0.01": true}}}}"#,
            ),
            (
                "load/summary.json",
                r#"{"state": {"testRunDurationMs": 2000}, "metrics": {"http_req_duration": {"values": {"p(95)": 1}, "thresholds": {"p(95)<500": {"ok": true}}}}}"#,
            ),
        ],
        "
Load k6 at load/2026-01-31-export.json on 2026-01-31: error_percent=10 p50_ms=20 p95_ms=120.5 requests=10 requests_per_second=5 [http_req_duration p(95)<500: true] [http_req_failed rate<0.01: false]
Load k6 at load/summary.json: p95_ms=1 seconds=2 [http_req_duration p(95)<500: true]",
    );
}

#[test]
fn load_results_come_in_milliseconds() {
    check(
        &[
            (
                "a_stats.csv",
                "Type,Name,Request Count,Failure Count,Median Response Time,Requests/s,95%,99%\nGET,\"/a,b\",1,1,1,1,1,1\n,Aggregated,200,2,20,9.5,80,N/A\n",
            ),
            (
                "b.json",
                r#"{"latencies": {"mean": 1000000, "95th": 2000000, "99th": 3500000}, "earliest": "2026-03-01T00:00:00Z", "success": 0.99, "throughput": 50}"#,
            ),
            (
                "c.json",
                r#"{"summary": {"successRate": 1.0, "requestsPerSec": 10, "average": 0.01}, "latencyPercentiles": {"p95": 0.02}, "metrics": 0}"#,
            ),
            (
                "load/d.txt",
                "Running 30s test\n  Thread Stats   Avg\n  Latency Distribution\n     50%  635.91us\n     99%   93.03ms\nRequests/sec: 748868.53\n",
            ),
            ("load/e.txt", "Summary:\n  Requests/sec:\t10.5\nLatency distribution:\n  95% in 0.0125 secs\n"),
            ("notes/f.txt", "Requests/sec: 5\nLatency distribution:\n"),
        ],
        "
Load locust at a_stats.csv: error_percent=1 p95_ms=80 requests=200 requests_per_second=9.5
Load vegeta at b.json on 2026-03-01: error_percent=1 mean_ms=1 p95_ms=2 p99_ms=3.5 requests_per_second=50
Load oha at c.json: error_percent=0 mean_ms=10 p95_ms=20 requests_per_second=10
Load wrk at load/d.txt: p50_ms=0.64 p99_ms=93.03 requests_per_second=748868.53
Load hey at load/e.txt: p95_ms=12.5 requests_per_second=10.5",
    );
}

#[test]
fn an_experiment_holds_if_it_was_completed_without_deviation() {
    check(
        &[
            (
                "chaos/journal.json",
                r#"{"chaoslib-version": "1.30", "status": "completed", "deviated": true, "start": "2026-04-05T10:00:00", "experiment": {"title": "db is gone"}}"#,
            ),
            (
                "chaos/good.json",
                r#"{"chaoslib-version": "1.30", "status": "completed", "deviated": false, "experiment": {"title": "db is gone"}}"#,
            ),
        ],
        "
Chaos chaostoolkit at chaos/good.json: failures=0 [db is gone: true]
Chaos chaostoolkit at chaos/journal.json on 2026-04-05: failures=1 [db is gone: false]",
    );
}

#[test]
fn findings_of_scanners_are_counted_by_severity() {
    check(
        &[
            (
                "a.json",
                r#"{"SchemaVersion": 2, "ArtifactName": "x", "CreatedAt": "2026-05-06T00:00:00Z", "Results": [{"Vulnerabilities": [{"Severity": "HIGH"}, {"Severity": "CRITICAL"}]}, {"Misconfigurations": [{"Severity": "LOW", "Status": "FAIL"}, {"Severity": "HIGH", "Status": "PASS"}]}]}"#,
            ),
            (
                "b.json",
                r#"{"descriptor": {"name": "grype", "timestamp": "2026-05-06"}, "matches": [{"vulnerability": {"severity": "Medium"}}]}"#,
            ),
            (
                "c.json",
                r#"{"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {"vulnerabilities": {"info": 0, "moderate": 3, "critical": 0, "total": 3}}}"#,
            ),
            (
                "d.json",
                r#"{"database": {"last-updated": "2026-05-06T00:00:00Z"}, "vulnerabilities": {"list": [{"advisory": {"id": "x"}}]}}"#,
            ),
            ("e.json", r#"{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x"}]}]}"#),
            (
                "f.json",
                r#"{"results": [{"packages": [{"package": {"name": "a"}, "vulnerabilities": [], "groups": [{"max_severity": "9.8"}]}]}]}"#,
            ),
            ("package.json", r#"{"name": "a", "dependencies": {"name": "1"}}"#),
        ],
        "
Vulnerabilities trivy at a.json on 2026-05-06: critical=1 high=1 low=0 medium=0
StaticAnalysis trivy at a.json on 2026-05-06: critical=0 high=0 low=1 medium=0
Vulnerabilities grype at b.json on 2026-05-06: critical=0 high=0 low=0 medium=1
Vulnerabilities npm-audit at c.json: critical=0 high=0 info=0 low=0 medium=3
Vulnerabilities cargo-audit at d.json on 2026-05-06: critical=0 high=0 low=0 medium=0 unknown=1
Vulnerabilities pip-audit at e.json: critical=0 high=0 low=0 medium=0 unknown=1
Vulnerabilities osv-scanner at f.json: critical=1 high=0 low=0 medium=0",
    );
    check(
        &[(
            "scan.sarif",
            r#"{"runs": [{"tool": {"driver": {"name": "Semgrep", "rules": [{"id": "a", "properties": {"security-severity": "7.5"}}]}}, "results": [{"ruleId": "a", "level": "note"}, {"ruleId": "b", "level": "error"}, {"ruleId": "c", "suppressions": [{}]}], "versionControlProvenance": [{"revisionId": "abc"}], "invocations": [{"endTimeUtc": "2026-05-06T00:00:00Z"}]}]}"#,
        )],
        "StaticAnalysis semgrep at scan.sarif on 2026-05-06 of abc: critical=0 high=2 low=0 medium=0",
    );
    check(&[("x.sarif", "{")], "gap x.sarif:1: has no quoted key or `}` here");
}

#[test]
fn what_gonogo_load_prints_is_a_load_test() {
    let percentile = |quantile: f64, value: u64, enough: bool| {
        format!(r#"{{"quantile": {quantile}, "value": {value}, "low": 1, "high": 9, "beyond": 1, "enough": {enough}}}"#)
    };
    let text = format!(
        r#"{{"gonogo": "0.1.0", "at": "2026-11-22T13:00:00Z", "url": "http://127.0.0.1/", "out_of_bounds": [],
            "outcome": {{"due": 1000, "seconds": 10.0, "answered_rate": 99.5, "error_ratio": 0.005, "send_delay": {{}},
                         "latency": {{"mean": 1500.0, "max": 9000, "percentiles": [{}, {}, {}]}}}},
            "bounds": [{{"bound": "p99 <= 300 ms", "held": true}}, {{"bound": "errors <= 0.1 %", "held": false}}]}}"#,
        percentile(0.5, 1200, true),
        percentile(0.99, 4500, true),
        percentile(0.999, 9000, false),
    );
    check(
        &[("load/result.json", &text)],
        "Load gonogo at load/result.json on 2026-11-22: error_percent=0.5 max_ms=9 mean_ms=1.5 p50_ms=1.2 p99_ms=4.5 requests=1000 requests_per_second=99.5 seconds=10 [p99 <= 300 ms: true] [errors <= 0.1 %: false]",
    );
}
