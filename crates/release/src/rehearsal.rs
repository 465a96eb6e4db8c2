//! A rollback that was timed, as evidence for the review.

use gonogo_domain::{
    evidence::Rehearsal,
    rollout::{Phase, Rollback},
};

use crate::{File, Stored};

/// What the review reads of the rollback of this rollout; none: there was none, or it was not verified.
pub fn record(stored: &Stored, file: &File, gonogo: &str) -> Option<Rehearsal> {
    let state = &stored.state;
    let Rollback { why, from, decided, restored, verified, said, .. } = state.rollback.clone()?;
    let after_promotion = matches!(from, Phase::Promoting | Phase::Watching | Phase::Retiring | Phase::Promoted);
    Some(Rehearsal {
        format: gonogo_domain::evidence::REHEARSAL_FORMAT,
        gonogo: gonogo.to_owned(),
        service: file.service.clone(),
        rollout: state.id.clone(),
        environment: file.environment.clone(),
        from: state.plan.release.revision.0.clone(),
        to: state.from.0.clone(),
        after_promotion,
        why,
        decided,
        restored,
        verified,
        said,
    })
}
