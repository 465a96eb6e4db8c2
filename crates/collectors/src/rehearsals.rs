//! Records of rollbacks that were timed: what `gonogo rollout` left for the review.

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::{REHEARSAL_FORMAT, Rehearsal, RehearsalRecord},
};

use crate::{Corpus, Tree};

/// The folder of the records, at the root of the repository.
pub const FOLDER: &str = ".gonogo/rehearsal";

/// A record is some lines.
const LARGEST: u64 = 1 << 20;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<RehearsalRecord> {
    let mut gathered = Gathered::default();
    let is_record = |path: &str| {
        path.strip_prefix(FOLDER)
            .is_some_and(|rest| rest.starts_with('/') && rest.to_ascii_lowercase().ends_with(".json"))
    };
    for entry in corpus.tree.files().iter().filter(|entry| is_record(&entry.path)) {
        gathered.files += 1;
        let place = Place::whole(entry.path.clone());
        match read(corpus.tree, &entry.path, entry.size) {
            Ok(rehearsal) => gathered.items.push(RehearsalRecord { place, rehearsal }),
            Err(reason) => gathered.gaps.push(Gap { source: Source::Experiments, place, reason }),
        }
    }
    gathered
}

fn read(tree: &Tree, path: &str, size: u64) -> Result<Rehearsal, String> {
    if size > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    let rehearsal: Rehearsal = serde_json::from_str(&tree.text(path)?).map_err(|error| error.to_string())?;
    if rehearsal.format != REHEARSAL_FORMAT {
        return Err(format!("its format is {}, and this version reads {REHEARSAL_FORMAT}", rehearsal.format));
    }
    match rehearsal.problem() {
        Some(problem) => Err(format!("no rollout left it like this: {problem}")),
        None => Ok(rehearsal),
    }
}
