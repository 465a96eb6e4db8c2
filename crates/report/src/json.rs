//! The report as JSON: a versioned schema that is published as `docs/report.schema.json`.
//!
//! The types of this file are a promise to programs; they are apart from the domain's on purpose. A field may be added
//! within a version; to remove or change one takes a new version.

use std::{collections::BTreeMap, io};

use gonogo_domain::{
    Area, Cause, Change, Class, Conclusion, Decision, Finding, Gap, Gate, Judged, Level, Message, Occasion, Outcome,
    Place, Reading, ReasonKind, Review, Standard, State, Strength, Tier, Waiver, WaiverProblem,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Report;

/// The version of the schema that this file writes.
pub const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: u32,
    tool: Tool<'a>,
    repository: &'a str,
    revision: Option<&'a str>,
    on: Date,
    decision: Decision,
    exit_code: u8,
    files: usize,
    services: Vec<Service<'a>>,
    left_out: Vec<LeftOut<'a>>,
    unread: Vec<Unread<'a>>,
    record_problems: Vec<Problem>,
    since: Option<SinceReport<'a>>,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
    rules: &'a str,
}

#[derive(Debug, Serialize)]
struct Service<'a> {
    name: &'a str,
    class: Class,
    class_reason: Words,
    path: &'a str,
    owner: Option<&'a str>,
    tier: Tier,
    occasion: Option<Occasion>,
    decision: Decision,
    level: Option<Level>,
    level_needed: Level,
    level_missing: Vec<LevelMissing<'a>>,
    reasons: Vec<ReasonLine<'a>>,
    counts: BTreeMap<Outcome, usize>,
    state: Words,
    dependencies: Vec<DependencyLine<'a>>,
    sources: Vec<SourceLine<'a>>,
    checks: Vec<CheckLine<'a>>,
    record_problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct LevelMissing<'a> {
    level: Level,
    checks: &'a [&'static str],
}

#[derive(Debug, Serialize)]
struct ReasonLine<'a> {
    kind: ReasonKind,
    check: &'a str,
}

#[derive(Debug, Serialize)]
struct DependencyLine<'a> {
    name: &'a str,
    kind: &'a str,
    hard: Option<bool>,
    place: PlaceLine,
}

#[derive(Debug, Serialize)]
struct SourceLine<'a> {
    kind: &'a str,
    environment: Option<&'a str>,
    place: PlaceLine,
}

#[derive(Debug, Serialize)]
struct CheckLine<'a> {
    id: &'a str,
    standard: Standard,
    area: Area,
    title: Words,
    level: Option<Level>,
    gate: Gate,
    min: Strength,
    outcome: Outcome,
    strength: Option<Strength>,
    contradicted: &'a [Strength],
    readings: Vec<ReadingLine<'a>>,
    searched: Vec<SearchedLine>,
    remediation: Words,
    waiver: Option<WaiverLine<'a>>,
    in_baseline: bool,
}

#[derive(Debug, Serialize)]
struct ReadingLine<'a> {
    strength: Strength,
    conclusion: &'static str,
    summary: Words,
    met: Option<usize>,
    of: Option<usize>,
    on: Option<Date>,
    settle: Option<Words>,
    findings: Vec<FindingLine<'a>>,
    witnesses: Vec<PlaceLine>,
}

#[derive(Debug, Serialize)]
struct FindingLine<'a> {
    fingerprint: String,
    message: Words,
    place: PlaceLine,
    environments: &'a [String],
    related: Vec<Related>,
}

#[derive(Debug, Serialize)]
struct Related {
    place: PlaceLine,
    message: Words,
}

#[derive(Debug, Serialize)]
struct SearchedLine {
    source: Words,
    files: usize,
}

#[derive(Debug, Serialize)]
struct WaiverLine<'a> {
    reason: &'a str,
    risk: &'a str,
    ticket: &'a str,
    approver: &'a str,
    expires: Date,
    place: PlaceLine,
}

#[derive(Debug, Serialize)]
struct LeftOut<'a> {
    name: &'a str,
    reason: Words,
    place: PlaceLine,
}

#[derive(Debug, Serialize)]
struct Unread<'a> {
    source: Words,
    place: PlaceLine,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Problem {
    place: PlaceLine,
    message: Words,
}

#[derive(Debug, Serialize)]
struct SinceReport<'a> {
    name: &'a str,
    changes: Vec<ChangeLine<'a>>,
}

#[derive(Debug, Serialize)]
struct ChangeLine<'a> {
    service: &'a str,
    check: &'a str,
    before: Option<Outcome>,
    now: Option<Outcome>,
    waived_before: bool,
    waived_now: bool,
    cause: Cause,
}

#[derive(Debug, Serialize)]
struct Words {
    en: String,
    #[serde(rename = "zh-CN")]
    zh: String,
}

#[derive(Debug, Serialize)]
struct PlaceLine {
    path: String,
    line: Option<u32>,
    column: Option<u32>,
    attested_by: Option<String>,
    attested_on: Option<Date>,
}

impl From<&Message> for Words {
    fn from(message: &Message) -> Self {
        Self { en: message.en.clone(), zh: message.zh.clone() }
    }
}

impl From<gonogo_domain::Text> for Words {
    fn from(text: gonogo_domain::Text) -> Self {
        Self { en: text.en.to_owned(), zh: text.zh.to_owned() }
    }
}

impl From<&Place> for PlaceLine {
    fn from(place: &Place) -> Self {
        let (by, on, file) = match place {
            Place::Attestation { by, on, record } => (Some(by.clone()), Some(*on), &**record),
            Place::File { .. } => (None, None, place),
        };
        let column = match file {
            Place::File { column, .. } => Some(*column).filter(|column| *column > 0),
            Place::Attestation { .. } => None,
        };
        Self { path: file.path().to_owned(), line: file.line(), column, attested_by: by, attested_on: on }
    }
}

impl From<&WaiverProblem> for Problem {
    fn from(problem: &WaiverProblem) -> Self {
        Self { place: (&problem.place).into(), message: (&problem.message).into() }
    }
}

/// Writes the report, indented, with a newline at its end.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let document = Document {
        schema: "https://gonogo.dev/schema/report/v1.json",
        version: VERSION,
        tool: Tool { name: "gonogo", version: &report.version, rules: &report.rules },
        repository: &report.repository,
        revision: report.revision.as_deref(),
        on: report.on,
        decision: report.decision(),
        exit_code: report.decision().exit_code(),
        files: report.files,
        services: report.services.iter().map(service).collect(),
        left_out: report
            .left_out
            .iter()
            .map(|(name, reason, place)| LeftOut { name, reason: reason.into(), place: place.into() })
            .collect(),
        unread: report.unread.iter().map(unread).collect(),
        record_problems: report.record_problems.iter().map(Problem::from).collect(),
        since: report
            .since
            .as_ref()
            .map(|since| SinceReport { name: &since.name, changes: since.changes.iter().map(change).collect() }),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn service(review: &Review) -> Service<'_> {
    let service = &review.service;
    let mut counts = BTreeMap::new();
    for one in &review.judged {
        *counts.entry(one.outcome()).or_insert(0) += 1;
    }
    Service {
        name: &service.name,
        class: service.class,
        class_reason: (&service.class_reason).into(),
        path: &service.path,
        owner: service.owner.as_deref(),
        tier: service.tier,
        occasion: review.occasion,
        decision: review.decision,
        level: review.levels.reached,
        level_needed: review.needed,
        level_missing: review
            .levels
            .missing
            .iter()
            .map(|(level, checks)| LevelMissing { level: *level, checks })
            .collect(),
        reasons: review.reasons.iter().map(|reason| ReasonLine { kind: reason.kind, check: reason.check }).collect(),
        counts,
        state: state(&service.state),
        dependencies: service
            .dependencies
            .iter()
            .map(|one| DependencyLine { name: &one.name, kind: &one.kind, hard: one.hard, place: (&one.place).into() })
            .collect(),
        sources: service
            .sources
            .iter()
            .map(|one| SourceLine {
                kind: &one.kind,
                environment: one.environment.as_deref(),
                place: (&one.place).into(),
            })
            .collect(),
        checks: review.judged.iter().map(check).collect(),
        record_problems: review.record_problems.iter().map(Problem::from).collect(),
    }
}

fn state(state: &State) -> Words {
    match state {
        State::Kept { reason, .. } | State::Optional { reason, .. } | State::NotFound { reason } => reason.into(),
        State::Entrusted { to, place, .. } => Words {
            en: format!("its data is kept by {to} ({place})"),
            zh: format!("数据保存在 {to}（{place}）"),
        },
        State::None { .. } => Words { en: "keeps no state".to_owned(), zh: "不保存状态".to_owned() },
    }
}

fn check(one: &Judged) -> CheckLine<'_> {
    CheckLine {
        id: one.check.id,
        standard: one.check.standard,
        area: one.check.area,
        title: one.check.title.into(),
        level: one.check.level,
        gate: one.gate,
        min: one.check.min,
        outcome: one.outcome(),
        strength: one.settled.strength,
        contradicted: &one.settled.contradicted,
        readings: one.readings.iter().map(|(strength, reading)| line(one.check.id, strength, reading)).collect(),
        searched: one
            .searched
            .iter()
            .map(|searched| SearchedLine { source: (&searched.source.title()).into(), files: searched.files })
            .collect(),
        remediation: one.check.remediation.into(),
        waiver: one.waiver.as_ref().map(waiver),
        in_baseline: one.in_baseline,
    }
}

fn line<'a>(check: &str, strength: Strength, reading: &'a Reading) -> ReadingLine<'a> {
    ReadingLine {
        strength,
        conclusion: match reading.conclusion {
            Conclusion::Met => "met",
            Conclusion::NotMet => "not-met",
            Conclusion::Partly => "partly",
            Conclusion::NotApplicable => "not-applicable",
            Conclusion::NotFound => "not-found",
            Conclusion::Unknown => "unknown",
        },
        summary: (&reading.summary).into(),
        met: reading.count.map(|count| count.met),
        of: reading.count.map(|count| count.of),
        on: reading.on,
        settle: reading.settle.as_ref().map(Words::from),
        findings: reading.findings.iter().map(|finding| finding_line(check, finding)).collect(),
        witnesses: reading.witnesses.iter().map(PlaceLine::from).collect(),
    }
}

fn finding_line<'a>(check: &str, finding: &'a Finding) -> FindingLine<'a> {
    FindingLine {
        fingerprint: fingerprint(check, finding),
        message: (&finding.message).into(),
        place: (&finding.place).into(),
        environments: &finding.environments,
        related: finding
            .related
            .iter()
            .map(|(place, message)| Related { place: place.into(), message: message.into() })
            .collect(),
    }
}

fn waiver(waiver: &Waiver) -> WaiverLine<'_> {
    WaiverLine {
        reason: &waiver.reason,
        risk: &waiver.risk,
        ticket: &waiver.ticket,
        approver: &waiver.approver,
        expires: waiver.expires,
        place: (&waiver.place).into(),
    }
}

fn unread(gap: &Gap) -> Unread<'_> {
    Unread { source: (&gap.source.title()).into(), place: (&gap.place).into(), reason: &gap.reason }
}

fn change(change: &Change) -> ChangeLine<'_> {
    ChangeLine {
        service: &change.service,
        check: &change.check,
        before: change.before.map(|(outcome, _)| outcome),
        now: change.now.map(|(outcome, _)| outcome),
        waived_before: change.before.is_some_and(|(_, waived)| waived),
        waived_now: change.now.is_some_and(|(_, waived)| waived),
        cause: change.cause,
    }
}

/// Names a finding across runs: by check, file and sentence. The line is left out, so that an edit above keeps it.
pub fn fingerprint(check: &str, finding: &Finding) -> String {
    let mut hash = Sha256::new();
    for part in [check, finding.place.path(), &finding.message.en] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An earlier report, as far as it is compared with: a baseline, or the start of a comparison.
#[derive(Debug, Deserialize)]
pub struct Earlier {
    pub version: u32,
    pub tool: EarlierTool,
    pub revision: Option<String>,
    pub on: Date,
    pub services: Vec<EarlierService>,
}

#[derive(Debug, Deserialize)]
pub struct EarlierTool {
    pub rules: String,
}

#[derive(Debug, Deserialize)]
pub struct EarlierService {
    pub name: String,
    pub occasion: Option<Occasion>,
    pub checks: Vec<EarlierCheck>,
}

#[derive(Debug, Deserialize)]
pub struct EarlierCheck {
    pub id: String,
    pub outcome: Outcome,
    #[serde(default)]
    pub waiver: Option<serde_json::Value>,
    pub readings: Vec<EarlierReading>,
}

#[derive(Debug, Deserialize)]
pub struct EarlierReading {
    pub findings: Vec<EarlierFinding>,
}

#[derive(Debug, Deserialize)]
pub struct EarlierFinding {
    pub fingerprint: String,
}

impl Earlier {
    /// Reads a report that gonogo wrote as JSON.
    ///
    /// Errors: no JSON, no report, or a report of a newer version; the sentence reads after the file's name.
    pub fn read(text: &str) -> Result<Self, String> {
        let report: Self = serde_json::from_str(text).map_err(|error| format!("is no report of gonogo: {error}"))?;
        if report.version > VERSION {
            return Err(format!("is a report of version {}; this gonogo reads up to {VERSION}", report.version));
        }
        Ok(report)
    }

    /// The check failed in this report already, and with every finding that it has now.
    pub fn knows(&self, service: &str, one: &Judged) -> bool {
        let Some(check) = self
            .services
            .iter()
            .find(|known| known.name == service)
            .and_then(|known| known.checks.iter().find(|check| check.id == one.check.id))
        else {
            return false;
        };
        let failed = !matches!(check.outcome, Outcome::Pass | Outcome::NotApplicable);
        let known = |finding: &Finding| {
            let print = fingerprint(one.check.id, finding);
            check.readings.iter().any(|reading| reading.findings.iter().any(|old| old.fingerprint == print))
        };
        // An unknown that has become a failure is new.
        failed
            && (one.outcome() == Outcome::Unknown
                || (check.outcome != Outcome::Unknown && one.findings().iter().all(known)))
    }

    /// The outcomes that it reported.
    pub fn outcomes(&self) -> gonogo_domain::Outcomes {
        self.services
            .iter()
            .flat_map(|service| {
                service
                    .checks
                    .iter()
                    .map(|check| ((service.name.clone(), check.id.clone()), (check.outcome, check.waiver.is_some())))
            })
            .collect()
    }
}
