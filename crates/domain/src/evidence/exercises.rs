//! Records of exercises.

use crate::{Place, exercise::Exercise};

/// What one exercise of the service showed, and where its record lies.
#[derive(Clone, Debug, PartialEq)]
pub struct ExerciseRecord {
    pub place: Place,
    pub exercise: Exercise,
}
