//! What a measurement says about the title of a check.

use serde::{Deserialize, Serialize};

use crate::Message;

/// Whether the title held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// What was looked at held, and it is not all that the title says: another experiment has to say the rest.
    InPart,
    Yes,
    No,
    /// It could not be told, or trials disagreed.
    Inconclusive,
}

/// The answer of one trial, or of all trials together, to one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the check.
    pub check: &'static str,
    pub held: Held,
    /// What was measured, with its figures.
    pub summary: Message,
    /// What did not hold, one sentence each.
    pub misses: Vec<Message>,
}

impl Answer {
    /// Held where nothing was missed.
    pub fn of(check: &'static str, summary: Message, misses: Vec<Message>) -> Self {
        let held = if misses.is_empty() { Held::Yes } else { Held::No };
        Self { check, held, summary, misses }
    }

    /// Not held where something was missed; otherwise held in the part of the title that the experiment sees.
    pub fn in_part(check: &'static str, summary: Message, misses: Vec<Message>) -> Self {
        let held = if misses.is_empty() { Held::InPart } else { Held::No };
        Self { check, held, summary, misses }
    }

    pub fn inconclusive(check: &'static str, why: Message) -> Self {
        Self { check, held: Held::Inconclusive, summary: why, misses: Vec::new() }
    }
}

/// Milliseconds as people read them.
pub(super) fn time(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        return format!("{milliseconds} ms");
    }
    #[expect(clippy::cast_precision_loss, reason = "a time of hours at most")]
    let seconds = milliseconds as f64 / 1e3;
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}
