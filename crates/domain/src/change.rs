//! What changed between two reviews, and because of what.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Outcome, Review};

/// The outcomes of a review of a repository: by service and check, with whether a waiver was in force.
pub type Outcomes = BTreeMap<(String, String), (Outcome, bool)>;

/// The outcomes of these reviews.
pub fn outcomes<'a>(reviews: impl IntoIterator<Item = &'a Review>) -> Outcomes {
    reviews
        .into_iter()
        .flat_map(|review| {
            review.judged.iter().map(|one| {
                let key = (review.service.name.clone(), one.check.id.to_owned());
                (key, (one.outcome(), one.waiver.is_some()))
            })
        })
        .collect()
}

/// Why an outcome is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The checklist, the policy or gonogo itself judges differently.
    Rules,
    /// The evidence aged.
    Age,
    /// A waiver or an attestation came, went or ended.
    Record,
    /// The repository is different.
    Service,
}

/// One outcome that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub service: String,
    pub check: String,
    /// None: the service or the check did not exist.
    pub before: Option<(Outcome, bool)>,
    pub now: Option<(Outcome, bool)>,
    pub cause: Cause,
}

/// The stages between a review of the past and one of today. From each to the next only one thing differs.
#[derive(Debug)]
pub struct Stages {
    /// As it was reported then.
    pub reported: Outcomes,
    /// The same files, day and records, judged by today's rules.
    pub replayed: Outcomes,
    /// The same files and records, today.
    pub aged: Outcomes,
    /// The same files, today, with today's records.
    pub recorded: Outcomes,
    pub now: Outcomes,
}

/// Every outcome that changed, with the first stage at which it moved as its cause; where several stages moved it, the
/// one that brought it to where it is now.
pub fn changes(stages: &Stages) -> Vec<Change> {
    let keys: std::collections::BTreeSet<_> = stages.reported.keys().chain(stages.now.keys()).collect();
    keys.into_iter()
        .filter(|key| stages.reported.get(*key) != stages.now.get(*key))
        .map(|key| {
            let steps = [
                (Cause::Service, &stages.recorded, &stages.now),
                (Cause::Record, &stages.aged, &stages.recorded),
                (Cause::Age, &stages.replayed, &stages.aged),
                (Cause::Rules, &stages.reported, &stages.replayed),
            ];
            let cause = steps
                .into_iter()
                .find(|(_, from, to)| from.get(key) != to.get(key))
                .map_or(Cause::Service, |(cause, _, _)| cause);
            Change {
                service: key.0.clone(),
                check: key.1.clone(),
                before: stages.reported.get(key).copied(),
                now: stages.now.get(key).copied(),
                cause,
            }
        })
        .collect()
}
