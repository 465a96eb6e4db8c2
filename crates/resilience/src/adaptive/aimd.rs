//! Additive increase, multiplicative decrease: one more after a good call, a tenth less after a bad one.

use std::time::Duration;

use super::Sample;

/// The numbers of AIMD, with the defaults of Netflix' concurrency-limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AimdSettings {
    /// The limit to begin with. 20.
    pub initial: u32,
    /// The least limit. 20.
    pub least: u32,
    /// The greatest limit. 200.
    pub most: u32,
    /// What is left of the limit after a bad call, from 0.5 to 1. 0.9.
    pub backoff: f64,
    /// A call that takes longer than this is a bad one. 5 s.
    pub timeout: Duration,
}

impl Default for AimdSettings {
    fn default() -> Self {
        Self { initial: 20, least: 20, most: 200, backoff: 0.9, timeout: Duration::from_secs(5) }
    }
}

#[derive(Debug)]
pub(super) struct Aimd {
    settings: AimdSettings,
    limit: u32,
}

impl Aimd {
    pub(super) fn new(settings: AimdSettings) -> Self {
        let mut aimd = Self { settings, limit: 0 };
        aimd.limit = aimd.bounded(settings.initial);
        aimd
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn add(&mut self, sample: &Sample) {
        let limit = if sample.dropped || sample.took > self.settings.timeout {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a u32 is a u32; the cast rounds down and saturates"
            )]
            {
                (f64::from(self.limit) * self.settings.backoff.clamp(0.5, 1.0)) as u32
            }
        } else if sample.under_way.saturating_mul(2) >= self.limit {
            self.limit.saturating_add(1)
        } else {
            // A limit that nobody comes near says nothing of what the service can bear.
            self.limit
        };
        self.limit = self.bounded(limit);
    }

    fn bounded(&self, limit: u32) -> u32 {
        limit.min(self.settings.most).max(self.settings.least).max(1)
    }
}
