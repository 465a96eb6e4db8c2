//! A picture of a trial: what users saw, what dependencies got, and what was done when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Message;

/// What happened over the length of a trial, in stretches of equal length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The length of a stretch, in milliseconds.
    pub bucket_ms: u64,
    pub buckets: Vec<Bucket>,
    /// Calls that each dependency got in each stretch.
    pub calls: BTreeMap<String, Vec<u32>>,
    pub marks: Vec<Mark>,
}

/// The requests of users that were sent in one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub good: u32,
    pub bad: u32,
    /// The longest wait for an answer, in milliseconds.
    pub slowest_ms: u32,
}

/// Something that was done to the service, or that it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub from_ms: u64,
    /// None: an instant.
    pub until_ms: Option<u64>,
    pub what: Message,
}

impl Timeline {
    /// Sixty stretches at most, of a round length each.
    pub fn over(length_ms: u64) -> Self {
        let steps = [50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000];
        let bucket_ms = steps.into_iter().find(|step| length_ms / step < 60).unwrap_or(60_000);
        let count = usize::try_from(length_ms / bucket_ms + 1).unwrap_or(1);
        Self { bucket_ms, buckets: vec![Bucket::default(); count], ..Self::default() }
    }

    /// Notes a request that was sent at this time and waited so long.
    pub fn request(&mut self, at_ms: u64, wait_ms: u64, good: bool) {
        let place = self.place(at_ms);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *(if good { &mut bucket.good } else { &mut bucket.bad }) += 1;
            bucket.slowest_ms = bucket.slowest_ms.max(u32::try_from(wait_ms).unwrap_or(u32::MAX));
        }
    }

    /// Notes many requests that were sent around this time, and the longest wait of one of them.
    pub fn requests(&mut self, at_ms: u64, good: u64, bad: u64, slowest_ms: u64) {
        let place = self.place(at_ms);
        if let Some(bucket) = self.buckets.get_mut(place) {
            let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
            bucket.good = bucket.good.saturating_add(count(good));
            bucket.bad = bucket.bad.saturating_add(count(bad));
            bucket.slowest_ms = bucket.slowest_ms.max(count(slowest_ms));
        }
    }

    /// Notes a call that a dependency got.
    pub fn call(&mut self, dependency: &str, at_ms: u64) {
        let (place, length) = (self.place(at_ms), self.buckets.len());
        let calls = self.calls.entry(dependency.to_owned()).or_insert_with(|| vec![0; length]);
        if let Some(count) = calls.get_mut(place) {
            *count += 1;
        }
    }

    pub fn mark(&mut self, from_ms: u64, until_ms: Option<u64>, what: Message) {
        self.marks.push(Mark { from_ms, until_ms, what });
    }

    fn place(&self, at_ms: u64) -> usize {
        usize::try_from(at_ms / self.bucket_ms.max(1)).unwrap_or(usize::MAX).min(self.buckets.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_of_any_length_has_sixty_stretches_at_most() {
        for length in [0, 10, 2_999, 3_000, 59_999, 600_000, 3_600_000] {
            let timeline = Timeline::over(length);
            assert!(timeline.buckets.len() <= 61, "{length} ms: {}", timeline.buckets.len());
            assert!(timeline.bucket_ms * u64::try_from(timeline.buckets.len()).unwrap() > length, "{length} ms");
        }
    }

    #[test]
    fn what_happens_falls_into_its_stretch_and_what_is_late_into_the_last() {
        let mut timeline = Timeline::over(1_000);
        timeline.request(120, 30, true);
        timeline.request(149, 70, false);
        timeline.request(9_000, 1, true);
        timeline.call("clay", 60);
        assert_eq!(timeline.buckets[2], Bucket { good: 1, bad: 1, slowest_ms: 70 });
        assert_eq!(timeline.buckets.last().map(|one| one.good), Some(1));
        assert_eq!(timeline.calls["clay"].iter().sum::<u32>(), 1);
    }
}
