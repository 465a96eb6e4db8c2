//! Levels: a ladder. A level is reached when all its checks and those of the levels below hold.

use crate::{Judged, Level};

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
pub fn levels(judged: &[Judged]) -> LevelReport {
    let missing: Vec<(Level, Vec<&'static str>)> = Level::ALL
        .into_iter()
        .map(|level| {
            let checks = judged
                .iter()
                .filter(|one| one.check.level == Some(level) && !one.holds_or_waived())
                .map(|one| one.check.id)
                .collect();
            (level, checks)
        })
        .collect();
    let reached = missing.iter().take_while(|(_, checks): &&(Level, Vec<&str>)| checks.is_empty()).last();
    LevelReport {
        reached: reached.map(|(level, _)| *level),
        missing: missing.into_iter().skip_while(|(_, checks)| checks.is_empty()).collect(),
    }
}
