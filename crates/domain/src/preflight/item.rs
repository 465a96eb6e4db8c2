//! One line of a preflight, and what all lines together mean.

use serde::Serialize;

use crate::{Decision, Message};

/// What was found out about one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub id: &'static str,
    /// What it is about where there may be several: the name of a vendor, a page.
    pub subject: Option<String>,
    pub verdict: Verdict,
    /// What was seen.
    pub told: Message,
    /// What to do about it, or what would answer it.
    pub settle: Option<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ready,
    /// It was not asked, got no answer, or one that was not understood.
    Unknown,
    NotReady,
}

impl Item {
    pub(super) fn ready(id: &'static str, told: Message) -> Self {
        Self { id, subject: None, verdict: Verdict::Ready, told, settle: None }
    }

    pub(super) fn not_ready(id: &'static str, told: Message, settle: Message) -> Self {
        Self { id, subject: None, verdict: Verdict::NotReady, told, settle: Some(settle) }
    }

    pub(super) fn unknown(id: &'static str, told: Message, settle: Message) -> Self {
        Self { id, subject: None, verdict: Verdict::Unknown, told, settle: Some(settle) }
    }

    #[must_use]
    pub(super) fn about(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }
}

/// GO where everything is ready, NO-GO where something is not, INCOMPLETE where something is not known, or nothing was
/// asked.
pub fn decision(items: &[Item]) -> Decision {
    match items.iter().map(|item| item.verdict).max() {
        Some(Verdict::Ready) => Decision::Go,
        Some(Verdict::NotReady) => Decision::NoGo,
        Some(Verdict::Unknown) | None => Decision::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_line_decides_and_no_line_is_no_go() {
        let item = |verdict| Item { id: "x", subject: None, verdict, told: Message::new("", ""), settle: None };
        let check = |verdicts: &[Verdict], expect| {
            let items: Vec<Item> = verdicts.iter().copied().map(item).collect();
            assert_eq!(decision(&items), expect, "{verdicts:?}");
        };
        check(&[Verdict::Ready, Verdict::Ready], Decision::Go);
        check(&[Verdict::Ready, Verdict::Unknown], Decision::Incomplete);
        check(&[Verdict::Unknown, Verdict::NotReady], Decision::NoGo);
        check(&[], Decision::Incomplete);
    }
}
