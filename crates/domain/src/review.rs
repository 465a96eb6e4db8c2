//! A review: all checks over one service at one moment, for one occasion.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::civil::Date;
use rayon::prelude::*;

use crate::{
    Attestation, Check, Conclusion, Decision, Evidence, Facts, Finding, Gate, LevelReport, Message, Occasion, Outcome,
    Policy, Reading, Readings, Reason, Service, Settled, Source, Strength, Waiver, WaiverProblem, decide,
    evidence::ExerciseRecord, levels, settle,
};

/// One check, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    pub check: &'static Check,
    /// The gate on this occasion.
    pub gate: Gate,
    pub settled: Settled,
    pub readings: Readings,
    /// What the check looked at, so that "not found" can be told from "not looked for".
    pub searched: Vec<Searched>,
    /// The waiver or override that is in force for it.
    pub waiver: Option<Waiver>,
    /// It failed in the baseline already, with the same findings.
    pub in_baseline: bool,
}

/// A source that a check looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    pub source: Source,
    pub files: usize,
}

impl Judged {
    pub fn outcome(&self) -> Outcome {
        self.settled.outcome
    }

    /// The reading that decided, else the one that says why nothing did: the weakest that is as strong as the minimum.
    pub fn reading(&self) -> Option<(Strength, &Reading)> {
        match self.settled.strength {
            Some(strength) if self.outcome() != Outcome::Unknown => {
                self.readings.get(strength).map(|reading| (strength, reading))
            }
            _ => self
                .readings
                .iter()
                .find(|(strength, reading)| *strength >= self.check.min && reading.settle.is_some())
                .or_else(|| self.readings.iter().next_back()),
        }
    }

    /// The findings of the reading that decided.
    pub fn findings(&self) -> &[Finding] {
        match self.outcome() {
            Outcome::Fail | Outcome::Partial | Outcome::Stale => {
                self.reading().map_or(&[], |(_, reading)| reading.findings.as_slice())
            }
            Outcome::Pass | Outcome::NotApplicable | Outcome::Unknown => &[],
        }
    }

    pub fn holds_or_waived(&self) -> bool {
        matches!(self.outcome(), Outcome::Pass | Outcome::NotApplicable) || self.waiver.is_some()
    }
}

/// A service, judged and decided.
#[derive(Clone, Debug)]
pub struct Review {
    pub service: Service,
    pub occasion: Option<Occasion>,
    pub on: Date,
    /// In the order of the catalogue.
    pub judged: Vec<Judged>,
    pub levels: LevelReport,
    /// The level that the service's tier asks for.
    pub needed: crate::Level,
    pub decision: Decision,
    pub reasons: Vec<Reason>,
    /// What it was exercised with.
    pub exercises: Vec<ExerciseRecord>,
    /// Waivers and attestations of this service that are expired, refused or unused.
    pub record_problems: Vec<WaiverProblem>,
}

impl Review {
    pub fn of(&self, check: &str) -> Option<&Judged> {
        self.judged.iter().find(|one| one.check.id == check)
    }

    pub fn count(&self, outcome: Outcome) -> usize {
        self.judged.iter().filter(|one| one.outcome() == outcome).count()
    }

    /// Takes note of what failed before: a check whose findings are all in the baseline no longer gates.
    #[must_use]
    pub fn with_baseline(mut self, known: impl Fn(&Judged) -> bool) -> Self {
        for one in &mut self.judged {
            one.in_baseline =
                matches!(one.settled.outcome, Outcome::Fail | Outcome::Partial | Outcome::Stale | Outcome::Unknown)
                    && known(one);
        }
        (self.decision, self.reasons) = decide(&self.judged, self.needed);
        self
    }
}

/// What people have put on record about a repository.
#[derive(Clone, Copy, Debug, Default)]
pub struct Records<'a> {
    pub waivers: &'a [Waiver],
    pub attestations: &'a [Attestation],
}

/// Judges every check of the catalogue over the facts of one service, settles, and decides.
///
/// A check that panics is an unknown with its reason and hides nothing of the others.
pub fn review(
    catalogue: &[&'static Check],
    facts: &Facts,
    policy: &Policy,
    occasion: Option<Occasion>,
    records: Records<'_>,
) -> Review {
    let common = Arc::default();
    let all: Vec<(Judged, Applied)> = catalogue
        .par_iter()
        .map(|check| judge(check, &Evidence::sharing(facts, &common), policy, occasion, records))
        .collect();
    let (mut judged, mut used, mut problems) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (one, applied) in all {
        judged.push(one);
        used.extend(applied.waivers);
        problems.extend(applied.problems);
    }
    unused(&judged, facts, records, &used, &mut problems);
    problems.sort_by(|one: &WaiverProblem, other| (&one.place, &one.message).cmp(&(&other.place, &other.message)));
    problems.dedup();

    let needed = policy.level(facts.service.tier);
    let (decision, reasons) = decide(&judged, needed);
    Review {
        service: facts.service.clone(),
        occasion,
        on: facts.today,
        levels: levels(&judged),
        judged,
        needed,
        decision,
        reasons,
        exercises: facts.exercises.items.clone(),
        record_problems: problems,
    }
}

/// What of the records concerned a check.
#[derive(Default)]
struct Applied {
    /// The waivers, by their place among them.
    waivers: BTreeSet<usize>,
    problems: Vec<WaiverProblem>,
}

fn judge(
    check: &'static Check,
    evidence: &Evidence<'_>,
    policy: &Policy,
    occasion: Option<Occasion>,
    records: Records<'_>,
) -> (Judged, Applied) {
    let (service, today) = (evidence.service(), evidence.today());
    let mut applied = Applied::default();
    let mut readings = asked(check, evidence, policy, occasion);
    spoil_by_gaps(&mut readings, evidence);
    for attestation in records.attestations.iter().filter(|one| one.concerns(check.id, &service.name)) {
        match attestation.refusal(today) {
            None => readings = attestation.add_to(check, readings),
            Some(message) => applied.problems.push(WaiverProblem { place: attestation.place.clone(), message }),
        }
    }
    let settled = settle(check, &readings, today);
    let searched =
        evidence.searched().into_iter().map(|source| Searched { source, files: evidence.files_read(source) }).collect();
    let mut one = Judged {
        check,
        gate: occasion.map_or(check.gate, |occasion| occasion.gate(check)),
        settled,
        readings,
        searched,
        waiver: None,
        in_baseline: false,
    };
    if !one.holds_or_waived() {
        one.waiver = waiver(&one, evidence, policy, records, &mut applied);
    }
    (one, applied)
}

/// The readings of a check, or why it is not asked.
fn asked(check: &Check, evidence: &Evidence<'_>, policy: &Policy, occasion: Option<Occasion>) -> Readings {
    let service = evidence.service();
    if !check.classes.contains(service.class) {
        let (en, zh) = service.class.noun();
        let reason = &service.class_reason;
        return Readings::of(
            check.min,
            Ok(not_asked(format!("{en} is not asked: {}", reason.en), format!("不适用于{zh}：{}", reason.zh))),
        );
    }
    if let Some(occasion) = occasion.filter(|occasion| occasion.does_not_ask().contains(&check.id)) {
        let id = occasion.id();
        return Readings::of(check.min, Ok(not_asked(format!("not asked on {id}"), format!("{id} 时不要求"))));
    }
    let judged = catch_unwind(AssertUnwindSafe(|| exercised::add(check, evidence, (check.judge)(evidence, policy))));
    judged.unwrap_or_else(|_| {
        Readings::of(
            check.min,
            Err(crate::Missing {
                source: Source::Files,
                reason: Message::new(
                    "the check failed by itself: this is a defect of gonogo",
                    "检查自身出错：这是 gonogo 的缺陷",
                ),
                settle: Message::new("a report of this defect", "报告此缺陷"),
            }),
        )
    })
}

fn not_asked(en: String, zh: String) -> Reading {
    let mut reading = Reading::not_applicable(en, zh);
    reading.needs_whole_source = false;
    reading
}

/// A conclusion that rests on a whole source does not stand when a part of that source could not be read.
fn spoil_by_gaps(readings: &mut Readings, evidence: &Evidence<'_>) {
    let gaps: Vec<_> = evidence.searched().into_iter().flat_map(|source| evidence.gaps(source)).collect();
    let Some(first) = gaps.first() else { return };
    let more = gaps.len() - 1;
    for (_, reading) in readings.iter_mut().filter(|(_, reading)| reading.needs_whole_source) {
        let was = reading.summary.clone();
        let summary = Message::new(
            format!("{} could not be read ({}){}; without it: {}", first.place, first.reason, and_more(more), was.en),
            format!("无法读取 {}（{}）{}；除此之外：{}", first.place, first.reason, and_more_zh(more), was.zh),
        );
        match &reading.settle {
            None => {
                let settle = Message::new(format!("a readable {}", first.place), format!("修复 {}", first.place));
                reading.spoilt(summary, settle);
            }
            // What was not found may be in what was not read.
            Some(_) if reading.conclusion == Conclusion::NotFound => reading.summary = summary,
            Some(_) => (),
        }
    }
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

fn and_more_zh(more: usize) -> String {
    if more == 0 { String::new() } else { format!("等 {} 处", more + 1) }
}

fn waiver(
    one: &Judged,
    evidence: &Evidence<'_>,
    policy: &Policy,
    records: Records<'_>,
    applied: &mut Applied,
) -> Option<Waiver> {
    let mut found = None;
    for (index, waiver) in records.waivers.iter().enumerate() {
        if !waiver.concerns(one.check.id, &evidence.service().name) || !waiver.covers(one.findings()) {
            continue;
        }
        applied.waivers.insert(index);
        match waiver.refusal(one.gate, policy, evidence.today()) {
            Some(message) => applied.problems.push(WaiverProblem { place: waiver.place.clone(), message }),
            None => found = found.or_else(|| Some(waiver.clone())),
        }
    }
    found
}

/// A waiver for something that does not fail is a finding: it would hide the next failure.
fn unused(
    judged: &[Judged],
    facts: &Facts,
    records: Records<'_>,
    used: &BTreeSet<usize>,
    problems: &mut Vec<WaiverProblem>,
) {
    for (index, waiver) in records.waivers.iter().enumerate() {
        let named = waiver.service.as_deref() == Some(facts.service.name.as_str());
        if used.contains(&index) || !named {
            continue;
        }
        let message = match judged.iter().find(|one| one.check.id == waiver.check) {
            Some(one) if one.holds_or_waived() => Message::new(
                format!("the waiver of {} is not needed: the check does not fail", waiver.check),
                format!("{} 的豁免没有必要：该检查并未失败", waiver.check),
            ),
            Some(_) => Message::new(
                format!("the waiver of {} covers none of its findings in full", waiver.check),
                format!("{} 的豁免未覆盖其全部发现", waiver.check),
            ),
            None => continue,
        };
        problems.push(WaiverProblem { place: waiver.place.clone(), message });
    }
}

mod exercised;

#[cfg(test)]
mod tests;
