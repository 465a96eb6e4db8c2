//! What several services have in common: one line a check, instead of one for each service.

use std::collections::BTreeMap;

use gonogo_domain::{Check, Finding, Gate, Judged, Message, Outcome, ReasonKind, Review, merge};

use crate::Report;

/// What one check does to the decision, over all services that it does so to.
#[derive(Debug)]
pub(crate) struct Cause<'r> {
    pub kind: ReasonKind,
    pub check: &'static Check,
    /// The gate on this occasion.
    pub gate: Gate,
    pub services: Vec<&'r str>,
    /// Every finding, once.
    pub findings: Vec<Finding>,
    /// What the deciding readings say, each sentence once, in the order of the services.
    pub summaries: Vec<&'r Message>,
    pub settle: Vec<&'r Message>,
    /// Nothing that the reader could add to the repository would settle it.
    pub out_of_reach: bool,
}

/// The causes of the decision, in the order in which a person should look at them.
pub(crate) fn causes(report: &Report) -> Vec<Cause<'_>> {
    let mut causes: BTreeMap<(ReasonKind, usize), Cause<'_>> = BTreeMap::new();
    for review in &report.services {
        for reason in &review.reasons {
            let Some((order, one)) = review.judged.iter().enumerate().find(|(_, one)| one.check.id == reason.check)
            else {
                continue;
            };
            let cause = causes.entry((reason.kind, order)).or_insert_with(|| Cause {
                kind: reason.kind,
                check: one.check,
                gate: one.gate,
                services: Vec::new(),
                findings: Vec::new(),
                summaries: Vec::new(),
                settle: Vec::new(),
                out_of_reach: true,
            });
            cause.services.push(&review.service.name);
            cause.findings.extend(one.findings().iter().cloned());
            let missing = one.reading().and_then(|(_, reading)| reading.missing);
            cause.out_of_reach &= missing.is_some_and(|source| !source.in_repository());
            if let Some((_, reading)) = one.reading() {
                push_once(&mut cause.summaries, &reading.summary);
                if let Some(settle) = &reading.settle {
                    push_once(&mut cause.settle, settle);
                }
            }
        }
    }
    let mut causes: Vec<Cause<'_>> = causes.into_values().collect();
    for cause in &mut causes {
        cause.findings = merge(std::mem::take(&mut cause.findings));
    }
    // Within a kind: the strictest gate, then the lowest level, then the most services.
    causes.sort_by_key(|cause| {
        let level = cause.check.level.map_or(u8::MAX, |level| level as u8);
        (cause.kind, std::cmp::Reverse(cause.gate), level, std::cmp::Reverse(cause.services.len()))
    });
    causes
}

fn push_once<'r>(list: &mut Vec<&'r Message>, message: &'r Message) {
    if !list.contains(&message) {
        list.push(message);
    }
}

/// One check over all services.
#[derive(Debug)]
pub(crate) struct Row<'r> {
    pub check: &'static Check,
    pub judged: Vec<(&'r Review, &'r Judged)>,
}

impl Row<'_> {
    /// The worst outcome first, with how many services have it.
    pub(crate) fn outcomes(&self) -> Vec<(Outcome, usize)> {
        let mut counts = BTreeMap::new();
        for (_, one) in &self.judged {
            *counts.entry(badness(one.outcome())).or_insert((one.outcome(), 0)) =
                (one.outcome(), counts_of(&self.judged, one.outcome()));
        }
        counts.into_values().collect()
    }
}

fn counts_of(judged: &[(&Review, &Judged)], outcome: Outcome) -> usize {
    judged.iter().filter(|(_, one)| one.outcome() == outcome).count()
}

/// From bad to good.
pub(crate) fn badness(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 0,
        Outcome::Partial => 1,
        Outcome::Stale => 2,
        Outcome::Unknown => 3,
        Outcome::Pass => 4,
        Outcome::NotApplicable => 5,
    }
}

/// Every check over all services, in the order of the catalogue.
pub(crate) fn rows(report: &Report) -> Vec<Row<'_>> {
    let Some(first) = report.services.first() else { return Vec::new() };
    first
        .judged
        .iter()
        .enumerate()
        .map(|(index, one)| Row {
            check: one.check,
            judged: report
                .services
                .iter()
                .filter_map(|review| review.judged.get(index).map(|one| (review, one)))
                .collect(),
        })
        .collect()
}
