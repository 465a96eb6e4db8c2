//! The report as SARIF 2.1.0, with every rule, whether it fired or not.

use std::{fmt::Write as _, io};

use gonogo_domain::{Check, Finding, Gate, Judged, Lang, Outcome, Place, Review};
use serde::Serialize;

use crate::{Report, clean::clean, json::fingerprint, words};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    original_uri_base_ids: BaseIds,
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct BaseIds {
    #[serde(rename = "SRCROOT")]
    root: Described,
}

#[derive(Serialize)]
struct Described {
    description: Text,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: String,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: Vec<String>,
    precision: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_fingerprints: Option<Fingerprints>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "gonogo/v1")]
    gonogo: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    justification: String,
}

#[derive(Serialize)]
struct ResultProperties {
    service: String,
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

impl Text {
    fn new(text: &str) -> Self {
        Self { text: clean(text) }
    }
}

/// Writes the report, with a newline at its end.
pub fn write(report: &Report, lang: Lang, out: &mut dyn io::Write) -> io::Result<()> {
    let rules = report.services.first().map(|review| review.judged.iter().map(|one| rule(one.check, lang)).collect());
    let results = report
        .services
        .iter()
        .flat_map(|review| review.judged.iter().enumerate().flat_map(|(index, one)| results(review, index, one, lang)))
        .collect();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "gonogo",
                    semantic_version: report.version.clone(),
                    information_uri: "https://gonogo.dev",
                    rules: rules.unwrap_or_default(),
                },
            },
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: report
                    .unread
                    .iter()
                    .map(|gap| Notification {
                        level: "warning",
                        message: Text::new(&gap.reason),
                        locations: vec![location(&gap.place, None)],
                    })
                    .collect(),
            }],
            original_uri_base_ids: BaseIds { root: Described { description: Text::new("the root of the repository") } },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn rule(check: &'static Check, lang: Lang) -> Rule {
    let page = check.page;
    Rule {
        id: check.id,
        short_description: Text::new(check.title.get(lang)),
        full_description: Text::new(check.remediation.get(lang)),
        help: Help { text: check.remediation.get(lang).to_owned(), markdown: page.to_owned() },
        default_configuration: Configuration { level: level(check.gate) },
        properties: RuleProperties {
            tags: vec![
                check.area.id().to_owned(),
                words::gate(check.gate).en.to_owned(),
                check.level.map_or_else(|| "no-level".to_owned(), |level| format!("{level:?}")),
            ],
            precision: "high",
        },
    }
}

fn level(gate: Gate) -> &'static str {
    match gate {
        Gate::Never | Gate::Blocker => "error",
        Gate::Required => "warning",
        Gate::Advised => "note",
    }
}

/// A result for each finding of what does not hold; one result for each check that does, or that was not assessed.
fn results(review: &Review, index: usize, one: &Judged, lang: Lang) -> Vec<SarifResult> {
    let (kind, level) = match one.outcome() {
        Outcome::Pass => ("pass", "none"),
        Outcome::NotApplicable => ("notApplicable", "none"),
        Outcome::Unknown => ("open", "none"),
        Outcome::Fail | Outcome::Partial | Outcome::Stale => ("fail", level(one.gate)),
    };
    let reading = one.reading().map(|(_, reading)| reading);
    let base = |message: &str, places: Vec<Location>| SarifResult {
        rule_id: one.check.id,
        rule_index: index,
        kind,
        level,
        message: Text::new(message),
        locations: places,
        related_locations: Vec::new(),
        partial_fingerprints: None,
        suppressions: one
            .waiver
            .iter()
            .map(|waiver| Suppression {
                kind: "external",
                justification: clean(&format!("{} ({}, {})", waiver.reason, waiver.ticket, waiver.approver)),
            })
            .collect(),
        properties: ResultProperties { service: clean(&review.service.name), outcome: one.outcome() },
    };
    let findings = one.findings();
    if findings.is_empty() {
        let message = reading.map_or(one.check.title.get(lang), |reading| reading.summary.get(lang));
        let places =
            reading.map(|reading| reading.witnesses.iter().take(1).map(|place| location(place, None)).collect());
        return vec![base(message, places.unwrap_or_default())];
    }
    findings
        .iter()
        .map(|finding| {
            let mut result = base(&message(finding, lang), vec![location(&finding.place, None)]);
            result.partial_fingerprints = Some(Fingerprints { gonogo: fingerprint(one.check.id, finding) });
            result.related_locations =
                finding.related.iter().map(|(place, message)| location(place, Some(message.get(lang)))).collect();
            result
        })
        .collect()
}

fn message(finding: &Finding, lang: Lang) -> String {
    if finding.environments.is_empty() {
        return finding.message.get(lang).to_owned();
    }
    format!("{} [{}]", finding.message.get(lang), finding.environments.join(", "))
}

fn location(place: &Place, message: Option<&str>) -> Location {
    let column = match place {
        Place::File { column, .. } => Some(*column).filter(|column| *column > 0),
        Place::Attestation { .. } => None,
    };
    Location {
        physical_location: Physical {
            artifact_location: Artifact { uri: uri(place.path()), uri_base_id: "SRCROOT" },
            region: place.line().map(|line| Region { start_line: line, start_column: column }),
        },
        message: message.map(Text::new),
    }
}

/// A relative reference: every byte that is not plain in a URI is escaped.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
