//! What the review of the repository answers.

use super::Item;
use crate::{Decision, Judged, Message, Outcome, Review};

/// The review's own decision.
pub fn review(review: &Review) -> Item {
    const ID: &str = "review";
    let title = review.decision.title();
    let reasons = review.reasons.len();
    let told = Message::new(format!("the review says {}", title.en), format!("评审结论为{}", title.zh));
    let settle = Message::new(
        format!("`gonogo review` names {reasons} reasons"),
        format!("`gonogo review` 列出了 {reasons} 条原因"),
    );
    match review.decision {
        Decision::Go | Decision::GoWithConditions => Item::ready(ID, told),
        Decision::NoGo => Item::not_ready(ID, told, settle),
        Decision::Incomplete => Item::unknown(ID, told, settle),
    }
}

/// Whether a way back is known that takes less than the policy allows.
pub fn rollback(review: &Review) -> Item {
    of(review, "rollback", "deployment.rollback")
}

/// Whether staging was verified with the digest that production gets.
pub fn staging(review: &Review) -> Option<Item> {
    let applies = review.of("clay.staging-verified").is_some_and(|one| one.outcome() != Outcome::NotApplicable);
    applies.then(|| of(review, "staging", "clay.staging-verified"))
}

fn of(review: &Review, id: &'static str, check: &str) -> Item {
    let judged = review.of(check);
    let told = judged.and_then(|one| one.reading()).map(|(_, reading)| reading.summary.clone());
    let told = told.unwrap_or_else(|| Message::new(format!("{check} was not judged"), format!("未评审 {check}")));
    let settle = Message::new(format!("`gonogo explain {check}`"), format!("`gonogo explain {check}`"));
    match judged.map(Judged::outcome) {
        Some(Outcome::Pass | Outcome::NotApplicable) => Item::ready(id, told),
        Some(Outcome::Fail | Outcome::Partial | Outcome::Stale) => Item::not_ready(id, told, settle),
        Some(Outcome::Unknown) | None => Item::unknown(id, told, settle),
    }
}
