//! Records of exercises: what `gonogo exercise` left for the review.

use gonogo_domain::{
    Gap, Gathered, Place, Source,
    evidence::ExerciseRecord,
    exercise::{Exercise, FORMAT},
};

use crate::{Corpus, Tree};

/// The folder of the records, at the root of the repository.
pub const FOLDER: &str = ".gonogo/exercise";

/// A record of every experiment with five trials each takes less than a hundredth of this.
const LARGEST: u64 = 32 << 20;

pub(crate) fn gather(corpus: &Corpus<'_>) -> Gathered<ExerciseRecord> {
    let mut gathered = Gathered::default();
    let is_record = |path: &str| {
        path.strip_prefix(FOLDER)
            .is_some_and(|rest| rest.starts_with('/') && rest.to_ascii_lowercase().ends_with(".json"))
    };
    for entry in corpus.tree.files().iter().filter(|entry| is_record(&entry.path)) {
        gathered.files += 1;
        let place = Place::whole(entry.path.clone());
        match read(corpus.tree, &entry.path, entry.size) {
            Ok(exercise) => gathered.items.push(ExerciseRecord { place, exercise }),
            Err(reason) => gathered.gaps.push(Gap { source: Source::Experiments, place, reason }),
        }
    }
    gathered
}

fn read(tree: &Tree, path: &str, size: u64) -> Result<Exercise, String> {
    if size > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    let text = tree.text(path)?;
    let exercise: Exercise = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if exercise.format != FORMAT {
        return Err(format!("its format is {}, and this version reads {FORMAT}: exercise again", exercise.format));
    }
    Ok(exercise)
}
