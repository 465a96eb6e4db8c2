//! Levels: a ladder. A level is reached when all its checks and those of the levels below hold.

use crate::{Judged, Level, Outcome};

/// The level that a service has reached, and what stands between it and each level above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelReport {
    /// None: not even L1.
    pub reached: Option<Level>,
    /// For each level that is not reached, the checks of that level (not of those below) that stand in the way.
    pub missing: Vec<(Level, Vec<&'static str>)>,
}

impl LevelReport {
    /// The shortest path to the next level: the checks that stand in the way of it.
    pub fn next(&self) -> Option<(Level, &[&'static str])> {
        self.missing.first().map(|(level, checks)| (*level, checks.as_slice()))
    }
}

/// Works out the level from what was judged. Advised checks of a level count like the others: the ladder names them.
///
/// A level none of whose checks is asked of this class of unit is neither in the way nor reached: it says nothing.
pub fn levels(judged: &[Judged]) -> LevelReport {
    let mut reached = None;
    let mut missing: Vec<(Level, Vec<&'static str>)> = Vec::new();
    for level in Level::ALL {
        let of_level = || judged.iter().filter(move |one| one.check.level == Some(level));
        let checks: Vec<&'static str> =
            of_level().filter(|one| !one.holds_or_waived()).map(|one| one.check.id).collect();
        if !checks.is_empty() || !missing.is_empty() {
            missing.push((level, checks));
        } else if of_level().any(|one| one.outcome() != Outcome::NotApplicable) {
            reached = Some(level);
        }
    }
    LevelReport { reached, missing }
}
