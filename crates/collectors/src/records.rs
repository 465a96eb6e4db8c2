//! What gonogo's own commands left in a repository for its review.

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{ExerciseRecord, FileEntry, GateRecord, REHEARSAL_FORMAT, Rehearsal, RehearsalRecord},
    exercise::{self, Exercise},
    slo::{DECISION_FORMAT, GateDecision},
};
use serde::de::DeserializeOwned;

use crate::{Corpus, Tree};

/// The folder, at the root of a repository, of all that gonogo keeps.
pub(crate) const FOLDER: &str = ".gonogo";

/// The folder of the records of exercises.
pub const EXERCISES: &str = ".gonogo/exercise";

/// The folder of the records of rollbacks that were timed.
pub const REHEARSALS: &str = ".gonogo/rehearsal";

/// A line a decision of the gate that asks error budgets.
const GATES: &str = ".gonogo/slo/decisions.jsonl";

/// A record of something, of a version of its format.
trait Record: DeserializeOwned {
    /// The version that is read.
    const FORMAT: u32;
    /// Bytes; more than a record of many trials takes.
    const LARGEST: u64;

    fn format(&self) -> u32;
}

impl Record for Exercise {
    const FORMAT: u32 = exercise::FORMAT;
    /// A record of every experiment with five trials each takes less than a hundredth of this.
    const LARGEST: u64 = 32 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}

impl Record for Rehearsal {
    const FORMAT: u32 = REHEARSAL_FORMAT;
    const LARGEST: u64 = 1 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}

impl Record for GateDecision {
    const FORMAT: u32 = DECISION_FORMAT;
    const LARGEST: u64 = 1 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}

pub(crate) fn exercises(corpus: &Corpus<'_>) -> Gathered<ExerciseRecord> {
    below(corpus.tree, EXERCISES, |place, exercise| ExerciseRecord { place, exercise })
}

pub(crate) fn rehearsals(corpus: &Corpus<'_>) -> Gathered<RehearsalRecord> {
    below(corpus.tree, REHEARSALS, |place, rehearsal| RehearsalRecord { place, rehearsal })
}

/// Lines stay in their order: each was added after those before it.
pub(crate) fn gates(corpus: &Corpus<'_>) -> Gathered<GateRecord> {
    let mut gathered = Gathered::default();
    if !corpus.tree.contains(GATES) {
        return gathered;
    }
    gathered.files = 1;
    let text = match corpus.tree.text(GATES) {
        Ok(text) => text,
        Err(reason) => {
            gathered.gaps.push(Gap { source: Source::Telemetry, place: Place::whole(GATES), reason });
            return gathered;
        }
    };
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let place = Place::new(GATES, line, 1);
        match read(text) {
            Ok(decision) => gathered.items.push(GateRecord { place, decision }),
            Err(reason) => gathered.gaps.push(Gap { source: Source::Telemetry, place, reason }),
        }
    }
    gathered
}

/// The records in the files of a folder.
fn below<T: Record, R>(tree: &Tree, folder: &str, make: fn(Place, T) -> R) -> Gathered<R> {
    let mut gathered = Gathered::default();
    let is_record = |entry: &&FileEntry| entry.path.to_ascii_lowercase().ends_with(".json");
    for entry in tree.below(folder).filter(is_record) {
        gathered.files += 1;
        let place = Place::whole(entry.path.clone());
        match within::<T>(entry.size).and_then(|()| read(&tree.text(&entry.path)?)) {
            Ok(record) => gathered.items.push(make(place, record)),
            Err(reason) => gathered.gaps.push(Gap { source: Source::Experiments, place, reason }),
        }
    }
    gathered
}

fn within<T: Record>(size: u64) -> Result<(), String> {
    if size > T::LARGEST { Err(format!("it is larger than {} bytes", T::LARGEST)) } else { Ok(()) }
}

fn read<T: Record>(text: &str) -> Result<T, String> {
    within::<T>(text.len() as u64)?;
    let record: T = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if record.format() != T::FORMAT {
        return Err(format!("its format is {}, and this version reads {}: make it again", record.format(), T::FORMAT));
    }
    Ok(record)
}
