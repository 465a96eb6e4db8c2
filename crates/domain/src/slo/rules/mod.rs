//! An objective as rules of Prometheus, with the names and labels that users of Sloth know. `docs/slo.md` lists where the
//! meaning differs, and why.

mod alerts;
mod meta;
mod proof;
mod sli;
mod synthesis;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use proof::{AlertNames, trials};

use super::{Objective, Pair, Sli, pairs};
use crate::rules::{Group, Labels, Span, is_label_name, quoted};

/// What rules are made with.
#[derive(Clone, Debug)]
pub struct Making {
    /// Which gonogo made them: a label of `sloth_slo_info`.
    pub version: String,
    /// An alert on a ratio of events waits for so many bad ones in its long window.
    pub least_bad_events: u32,
    /// From when on the turns of calendars are written down.
    pub now: Timestamp,
}

impl Making {
    /// The events that people get out of bed for are not one or two.
    pub const LEAST_BAD_EVENTS: u32 = 3;
}

/// The window of the rates that the budget is added up from.
pub(super) const BASE: Span = Span::minutes(5);

/// How often rules are evaluated that count their evaluations.
pub(super) const INTERVAL: Span = Span::minutes(1);

/// The groups of rules of an objective.
pub fn groups(objective: &Objective, making: &Making) -> Vec<Group> {
    let rules = Writer::new(objective, making);
    let id = objective.id();
    let mut groups = vec![
        Group { name: format!("sloth-slo-sli-recordings-{id}"), interval: rules.interval(), rules: sli::rules(&rules) },
        Group { name: format!("sloth-slo-meta-recordings-{id}"), interval: None, rules: meta::rules(&rules) },
    ];
    let alerts = alerts::rules(&rules);
    if !alerts.is_empty() {
        groups.push(Group { name: format!("sloth-slo-alerts-{id}"), interval: None, rules: alerts });
    }
    groups
}

/// What all rules of an objective share.
struct Writer<'a> {
    objective: &'a Objective,
    making: &'a Making,
    pairs: Vec<Pair>,
}

impl<'a> Writer<'a> {
    fn new(objective: &'a Objective, making: &'a Making) -> Self {
        Self { objective, making, pairs: pairs(objective.period.length()) }
    }

    /// Slices are counted by the evaluations; everything else is content with what the server is set to.
    fn interval(&self) -> Option<Span> {
        // A slice that is longer than Prometheus looks back would be lost between two evaluations.
        self.objective.slice().map(|slice| if slice <= BASE { slice.max(Span::seconds(10)) } else { INTERVAL })
    }

    /// A series of this objective.
    fn series(&self, name: &str) -> String {
        let Objective { service, name: slo, .. } = self.objective;
        format!(
            "{name}{{sloth_id={}, sloth_service={}, sloth_slo={}}}",
            quoted(&self.objective.id()),
            quoted(service),
            quoted(slo)
        )
    }

    /// The error ratio over a window.
    fn ratio(&self, window: Span) -> String {
        self.series(&format!("slo:sli_error:ratio_rate{window}"))
    }

    /// Labels of every series.
    fn labels(&self) -> Labels {
        let mut labels: Labels =
            self.objective.labels.iter().map(|(name, value)| (label_name(name), value.clone())).collect();
        labels.extend(self.identity());
        labels
    }

    fn identity(&self) -> [(String, String); 3] {
        [
            ("sloth_id".to_owned(), self.objective.id()),
            ("sloth_service".to_owned(), self.objective.service.clone()),
            ("sloth_slo".to_owned(), self.objective.name.clone()),
        ]
    }

    fn labels_of_window(&self, window: Span) -> Labels {
        let mut labels = self.labels();
        labels.insert("sloth_window".to_owned(), window.to_string());
        labels
    }

    /// The windows that ratios are recorded for, from the shortest.
    fn windows(&self) -> BTreeSet<Span> {
        self.pairs.iter().flat_map(|pair| [pair.short, pair.long]).chain([BASE]).collect()
    }

    /// The SLI counts events, so that a guard can count them too.
    fn is_counted(&self) -> bool {
        matches!(self.objective.sli, Sli::Events { unit, .. } if unit != super::Unit::Unknown)
            || self.objective.slice().is_some()
    }
}

/// A name that every Prometheus takes: other letters become `_`, as Prometheus does with the labels of its targets.
fn label_name(name: &str) -> String {
    if is_label_name(name) {
        return name.to_owned();
    }
    let mut changed: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if !changed.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        changed.insert(0, '_');
    }
    changed
}

#[cfg(test)]
mod tests;
