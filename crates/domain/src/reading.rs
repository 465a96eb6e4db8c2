//! What a check concludes from the evidence of one strength.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{Message, Missing, Place, Source, Strength};

/// One place where the title of a check does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub place: Place,
    /// The bad fact at that place, in one clause.
    pub message: Message,
    /// The environments that it holds for; empty: for all, or the source names none.
    pub environments: Vec<String>,
    /// Other places that belong to it, each with what is there.
    pub related: Vec<(Place, Message)>,
}

impl Finding {
    /// A finding, with its sentence in English and Simplified Chinese.
    pub fn new(place: &Place, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { place: place.clone(), message: Message::new(en, zh), environments: Vec::new(), related: Vec::new() }
    }

    #[must_use]
    pub fn in_environment(mut self, environment: Option<&str>) -> Self {
        self.environments.extend(environment.map(str::to_owned));
        self
    }

    #[must_use]
    pub fn also(mut self, place: &Place, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.related.push((place.clone(), Message::new(en, zh)));
        self
    }
}

/// What a check concludes from the evidence of one strength.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub conclusion: Conclusion,
    /// What was seen, in one sentence.
    pub summary: Message,
    /// Where the title does not hold.
    pub findings: Vec<Finding>,
    /// Where it does: the places that carry a pass.
    pub witnesses: Vec<Place>,
    /// n of m, for a line that says all, every or each.
    pub count: Option<Count>,
    /// The day that the evidence speaks of, where it has one.
    pub on: Option<Date>,
    /// What would settle it, where the conclusion is unknown.
    pub settle: Option<Message>,
    /// The source that was not gathered, where that is why the conclusion is unknown.
    pub missing: Option<Source>,
    /// True when a file that could not be read might turn the conclusion: everything but a witness or a counterexample.
    pub needs_whole_source: bool,
}

/// The conclusion of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conclusion {
    Met,
    NotMet,
    /// Part of the title holds: some of it was shown, the rest was shown to be missing.
    Partly,
    NotApplicable,
    /// It was looked for and is not here, but it may live outside the repository.
    NotFound,
    /// The evidence was not gathered, or could not be read.
    Unknown,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub met: usize,
    pub of: usize,
}

impl Reading {
    fn make(conclusion: Conclusion, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            conclusion,
            summary: Message::new(en, zh),
            findings: Vec::new(),
            witnesses: Vec::new(),
            count: None,
            on: None,
            settle: None,
            missing: None,
            needs_whole_source: true,
        }
    }

    /// The title holds because of what stands at `places`: one witness is enough, whatever could not be read.
    pub fn shown(places: impl IntoIterator<Item = Place>, en: impl Into<String>, zh: impl Into<String>) -> Self {
        let mut reading = Self::make(Conclusion::Met, en, zh);
        reading.witnesses = places.into_iter().collect();
        reading.needs_whole_source = false;
        reading
    }

    /// The title does not hold because of what stands at the findings' places.
    pub fn refuted(findings: Vec<Finding>, en: impl Into<String>, zh: impl Into<String>) -> Self {
        let mut reading = Self::make(Conclusion::NotMet, en, zh);
        reading.findings = joined(findings);
        reading.needs_whole_source = false;
        reading
    }

    /// Part of the title holds (`places`), part does not (`findings`).
    pub fn partly(
        places: impl IntoIterator<Item = Place>,
        findings: Vec<Finding>,
        en: impl Into<String>,
        zh: impl Into<String>,
    ) -> Self {
        let mut reading = Self::make(Conclusion::Partly, en, zh);
        reading.witnesses = places.into_iter().collect();
        reading.findings = joined(findings);
        reading
    }

    /// The title does not hold because nothing of the kind is in the repository, and it would have to be here.
    pub fn absent(finding: Finding) -> Self {
        let mut reading = Self::make(Conclusion::NotMet, finding.message.en.clone(), finding.message.zh.clone());
        reading.findings = vec![finding];
        reading
    }

    /// Nothing of the kind is in the repository, but it may well live elsewhere: unknown, with what would settle it.
    pub fn elsewhere(summary: Message, settle: Message) -> Self {
        let mut reading = Self::make(Conclusion::NotFound, summary.en, summary.zh);
        reading.settle = Some(settle);
        reading
    }

    /// The question does not arise, and the sentence says why.
    pub fn not_applicable(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::make(Conclusion::NotApplicable, en, zh)
    }

    /// The evidence could not be had.
    pub fn missing(missing: Missing) -> Self {
        let mut reading = Self::make(Conclusion::Unknown, missing.reason.en, missing.reason.zh);
        reading.settle = Some(missing.settle);
        reading.missing = Some(missing.source);
        reading
    }

    /// Dates the reading, so that it can go stale.
    #[must_use]
    pub fn dated(mut self, on: Option<Date>) -> Self {
        self.on = on;
        self
    }

    /// Turns the reading into unknown, because of what could not be read.
    pub(crate) fn spoilt(&mut self, summary: Message, settle: Message) {
        self.conclusion = Conclusion::Unknown;
        self.summary = summary;
        self.settle = Some(settle);
    }

    /// Adds places that carry the conclusion.
    #[must_use]
    pub fn with_witnesses(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.witnesses.extend(places);
        self
    }
}

/// The readings of one check: at most one for each strength.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings(BTreeMap<Strength, Reading>);

impl Readings {
    /// One reading, of this strength. Evidence that could not be had becomes an unknown reading.
    pub fn of(strength: Strength, reading: Result<Reading, Missing>) -> Self {
        Self::default().and(strength, reading)
    }

    /// Most checks of this issue: what is configured in the repository.
    pub fn configured(reading: Result<Reading, Missing>) -> Self {
        Self::of(Strength::Configured, reading)
    }

    #[must_use]
    pub fn and(mut self, strength: Strength, reading: Result<Reading, Missing>) -> Self {
        self.0.insert(strength, reading.unwrap_or_else(Reading::missing));
        self
    }

    /// From weak to strong.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Strength, &Reading)> {
        self.0.iter().map(|(strength, reading)| (*strength, reading))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Strength, &mut Reading)> {
        self.0.iter_mut().map(|(strength, reading)| (*strength, reading))
    }

    pub fn get(&self, strength: Strength) -> Option<&Reading> {
        self.0.get(&strength)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Counts a universe that was enumerated first: which members hold, which do not, and where.
///
/// A member is named by a key (a workload with its container, a rule, a manifest); it holds when nothing was found
/// against it in any environment, so that one logical thing with five renderings counts once.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    members: BTreeMap<String, Vec<Finding>>,
    witnesses: Vec<Place>,
}

impl Tally {
    pub fn new() -> Self {
        Self::default()
    }

    /// A member of the universe for which the title holds here.
    pub fn met(&mut self, key: impl Into<String>, place: &Place) {
        self.members.entry(key.into()).or_default();
        self.witnesses.push(place.clone());
    }

    /// A member of the universe for which the title does not hold here.
    pub fn miss(&mut self, key: impl Into<String>, finding: Finding) {
        self.members.entry(key.into()).or_default().push(finding);
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn count(&self) -> Count {
        Count { met: self.members.values().filter(|findings| findings.is_empty()).count(), of: self.members.len() }
    }

    /// The reading of the count: met when all hold, not met otherwise. `noun` names the members in both languages
    /// ("containers have a readiness probe of their own": it reads after "3 of 4"; the Chinese begins with its measure word).
    ///
    /// An empty universe is not a pass: ask [`Tally::is_empty`] first; here it becomes unknown.
    pub fn reading(self, en: &str, zh: &str) -> Reading {
        let count = self.count();
        let conclusion = match count {
            Count { of: 0, .. } => Conclusion::Unknown,
            Count { met, of } if met == of => Conclusion::Met,
            Count { .. } => Conclusion::NotMet,
        };
        let measure = zh.get(..'个'.len_utf8()).unwrap_or_default();
        debug_assert!(MEASURES.contains(measure), "`{zh}` begins with no measure word");
        let summary = Message::new(
            format!("{} of {} {en}", count.met, count.of),
            format!("{} {measure}中有 {} {zh}", count.of, count.met),
        );
        Reading {
            conclusion,
            summary,
            findings: merge(self.members.into_values().flatten()),
            witnesses: {
                let mut places = self.witnesses;
                places.sort();
                places.dedup();
                places
            },
            count: Some(count),
            on: None,
            settle: None,
            missing: None,
            needs_whole_source: conclusion != Conclusion::NotMet,
        }
    }
}

/// What Chinese counts with.
const MEASURES: &str = "个条项处种份次台张名段类级";

/// The same fact at the same place is one finding, with the environments that it holds for; by place.
pub fn merge(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut findings = joined(findings);
    findings.sort_by(|one, other| (&one.place, &one.message).cmp(&(&other.place, &other.message)));
    findings
}

/// As [`merge`], but in the order in which they came: a judge puts the weightiest first.
fn joined(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut known: BTreeMap<(Place, Message), usize> = BTreeMap::new();
    let mut joined: Vec<Finding> = Vec::new();
    for finding in findings {
        let key = (finding.place.clone(), finding.message.clone());
        if let Some(first) = known.get(&key).and_then(|index| joined.get_mut(*index)) {
            first.environments.extend(finding.environments);
            first.related.extend(finding.related);
        } else {
            known.insert(key, joined.len());
            joined.push(finding);
        }
    }
    for finding in &mut joined {
        finding.environments.sort();
        finding.environments.dedup();
        finding.related.sort();
        finding.related.dedup();
    }
    joined
}
