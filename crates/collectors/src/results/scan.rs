//! Scanners: Trivy, Grype, OSV, npm audit, cargo audit, pip-audit, and every tool that writes SARIF.

use std::collections::BTreeMap;

use gonogo_domain::{Node, evidence::ResultKind};

use super::{Run, date};

/// Scanners whose SARIF is about dependencies.
const OF_DEPENDENCIES: &[&str] =
    &["trivy", "grype", "osv-scanner", "snyk", "dependency-check", "govulncheck", "anchore", "clair", "docker scout"];

/// Every severity is there, so that none found is told from none counted.
fn run(kind: ResultKind, tool: &str) -> Run {
    let mut run = Run::new(kind, tool);
    for name in ["critical", "high", "medium", "low"] {
        run.measure(name, Some(0.0));
    }
    run
}

fn vulnerabilities(tool: &str) -> Run {
    run(ResultKind::Vulnerabilities, tool)
}

/// The measure of a severity.
fn severity(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "critical" => "critical",
        "high" => "high",
        "medium" | "moderate" => "medium",
        "low" | "negligible" | "minor" => "low",
        "info" | "informational" => "info",
        _ => "unknown",
    }
}

pub(super) fn of_data(document: &Node) -> Vec<Run> {
    if document.get("runs").is_some() {
        return sarif(document);
    }
    let matchers = [grype, osv, npm, cargo, pip];
    let found: Vec<Run> = matchers.into_iter().find_map(|matcher| matcher(document)).into_iter().collect();
    if found.is_empty() { trivy(document) } else { found }
}

/// Vulnerabilities and misconfigurations of one report are two results.
fn trivy(document: &Node) -> Vec<Run> {
    if document.get("SchemaVersion").is_none() || document.get("ArtifactName").is_none() {
        return Vec::new();
    }
    let on = document.str_at("CreatedAt").and_then(date);
    let revision = document.str_at("Metadata.Commit").map(str::to_owned);
    let mut dependencies = vulnerabilities("trivy");
    let mut configuration = run(ResultKind::StaticAnalysis, "trivy");
    let mut configured = false;
    for result in document.list("Results") {
        for one in result.list("Vulnerabilities") {
            dependencies.count(severity(one.str_at("Severity").unwrap_or_default()));
        }
        configured |= result.get("Misconfigurations").is_some() || result.get("MisconfSummary").is_some();
        for one in result.list("Misconfigurations").iter().filter(|one| one.str_at("Status") != Some("PASS")) {
            configuration.count(severity(one.str_at("Severity").unwrap_or_default()));
        }
    }
    let mut runs = vec![dependencies];
    runs.extend(configured.then_some(configuration));
    for run in &mut runs {
        run.on = on;
        run.revision.clone_from(&revision);
    }
    runs
}

fn grype(document: &Node) -> Option<Run> {
    if document.str_at("descriptor.name") != Some("grype") {
        return None;
    }
    let mut run = vulnerabilities("grype").on(document.str_at("descriptor.timestamp").and_then(date));
    for one in document.list("matches") {
        run.count(severity(one.str_at("vulnerability.severity").unwrap_or_default()));
    }
    Some(run)
}

/// A group holds the names of one weakness, and its worst score.
fn osv(document: &Node) -> Option<Run> {
    let results = document.get("results")?;
    let packages: Vec<&Node> = results.items().iter().flat_map(|result| result.list("packages")).collect();
    if packages.is_empty() || !packages.iter().all(|package| package.get("package").is_some()) {
        return None;
    }
    let mut run = vulnerabilities("osv-scanner");
    for package in packages {
        for group in package.list("groups") {
            let score = group.str_at("max_severity").and_then(|score| score.parse::<f64>().ok());
            run.count(score.map_or("unknown", of_score));
        }
    }
    Some(run)
}

/// The bands of CVSS 3.
fn of_score(score: f64) -> &'static str {
    if score >= 9.0 {
        "critical"
    } else if score >= 7.0 {
        "high"
    } else if score >= 4.0 {
        "medium"
    } else {
        "low"
    }
}

fn npm(document: &Node) -> Option<Run> {
    let counts = document.at("metadata.vulnerabilities")?;
    counts.get("critical")?;
    let mut run = vulnerabilities("npm-audit");
    for entry in counts.entries().iter().filter(|entry| entry.key != "total") {
        run.measure(severity(&entry.key), entry.node.float());
    }
    Some(run)
}

fn cargo(document: &Node) -> Option<Run> {
    let list = document.at("vulnerabilities.list")?;
    let database = document.get("database")?;
    let mut run = vulnerabilities("cargo-audit").on(database.str_at("last-updated").and_then(date));
    for one in list.items() {
        // An advisory has a vector at most; its score would have to be computed.
        run.count(one.str_at("advisory.severity").map_or("unknown", severity));
    }
    Some(run)
}

fn pip(document: &Node) -> Option<Run> {
    let dependencies = document.get("dependencies")?.items();
    let fits = !dependencies.is_empty()
        && dependencies.iter().all(|one| one.get("name").is_some())
        && dependencies.iter().any(|one| one.get("vulns").is_some());
    if !fits {
        return None;
    }
    let mut run = vulnerabilities("pip-audit");
    for _ in dependencies.iter().flat_map(|one| one.list("vulns")) {
        run.count("unknown");
    }
    Some(run)
}

/// One result a run of a tool. A rule's `security-severity` is a score of CVSS; without it the level has to do.
pub(super) fn sarif(document: &Node) -> Vec<Run> {
    document.list("runs").iter().filter_map(of_run).collect()
}

fn of_run(written: &Node) -> Option<Run> {
    let driver = written.at("tool.driver")?;
    let tool = driver.str_at("name")?;
    let lower = tool.to_ascii_lowercase();
    let kind = if OF_DEPENDENCIES.iter().any(|name| lower.contains(name)) {
        ResultKind::Vulnerabilities
    } else {
        ResultKind::StaticAnalysis
    };
    let mut run = run(kind, &lower);
    let rules: BTreeMap<&str, &Node> =
        driver.list("rules").iter().filter_map(|rule| Some((rule.str_at("id")?, rule))).collect();
    for result in written.list("results") {
        let suppressed = !result.list("suppressions").is_empty();
        if suppressed || matches!(result.str_at("kind"), Some("pass" | "notApplicable" | "open" | "informational")) {
            continue;
        }
        let rule = result
            .str_at("ruleId")
            .and_then(|id| rules.get(id).copied())
            .or_else(|| driver.list("rules").get(usize::try_from(result.int_at("ruleIndex")?).ok()?));
        let score = rule.and_then(|rule| rule.get("properties")?.get("security-severity")?.float());
        let level = result.str_at("level").or_else(|| rule?.str_at("defaultConfiguration.level")).unwrap_or("warning");
        run.count(match (score, level) {
            (Some(score), _) => of_score(score),
            (None, "error") => "high",
            (None, "warning") => "medium",
            (None, _) => "low",
        });
    }
    let invocation = written.list("invocations").first();
    run.on = invocation
        .and_then(|invocation| invocation.str_at("endTimeUtc").or_else(|| invocation.str_at("startTimeUtc")))
        .and_then(date);
    run.revision = written
        .list("versionControlProvenance")
        .first()
        .and_then(|provenance| provenance.str_at("revisionId").map(str::to_owned));
    Some(run)
}
