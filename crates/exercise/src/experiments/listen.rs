//! What experiments that ask and listen have in common.

use std::time::{Duration, Instant};

use gonogo_domain::RunRequest;

use crate::{
    bench::{Ask, Bench, BenchError, Exchange},
    process::Output,
};

/// How long an answer may take.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// How long calls may come after the answer of the request that they belong to, where they do.
pub(super) const LATER: Duration = Duration::from_secs(6);

/// How long lines of a request may come after its answer: what buffers its output is slow.
const LINES: Duration = Duration::from_secs(3);

/// How long lines may still come after those that were waited for.
const MORE: Duration = Duration::from_millis(250);

/// Asks, and asks again after a while where the service says that it was asked too often.
pub(super) fn ask(bench: &Bench, request: &Ask) -> Result<Exchange, BenchError> {
    let mut exchange = bench.ask(request, ANSWER)?;
    for _ in 0..3 {
        if exchange.status() != Some(429) {
            break;
        }
        bench.wait(Duration::from_secs(1))?;
        exchange = bench.ask(request, ANSWER)?;
    }
    Ok(exchange)
}

/// What a kind of request is called.
pub(super) fn name(bench: &Bench, kind: usize) -> String {
    bench.run().requests.get(kind).map(RunRequest::name).unwrap_or_default()
}

/// What is printed from a moment on.
pub(super) struct Listening {
    output: Option<Output>,
    from: usize,
}

impl Listening {
    /// Everything that it prints from now on; nothing of a service that runs already.
    pub(super) fn begin(bench: &mut Bench) -> Self {
        let output = bench.process().map(|process| process.output().clone());
        let from = output.as_ref().map_or(0, Output::count);
        Self { output, from }
    }

    /// The lines until now.
    pub(super) fn so_far(&self) -> Option<Vec<String>> {
        let lines = self.output.as_ref()?.since(self.from);
        Some(lines.into_iter().map(|line| line.text).collect())
    }

    /// The lines, once they hold what is waited for, or after a while; none where nothing can be read.
    pub(super) fn lines(
        &self,
        bench: &Bench,
        complete: impl Fn(&[String]) -> bool,
    ) -> Result<Option<Vec<String>>, BenchError> {
        if self.output.is_none() {
            return Ok(None);
        }
        bench.wait_for(LINES, || self.so_far().is_some_and(|lines| complete(&lines)))?;
        bench.wait(MORE)?;
        Ok(self.so_far())
    }
}

/// Numbers that no other run of this machine has: microseconds since 1970, and on from there.
pub(super) struct Unique(u64);

impl Unique {
    pub(super) fn new(bench: &Bench) -> Self {
        Self(u64::try_from(bench.calendar().as_microsecond()).unwrap_or_default())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(7);
        self.0
    }

    /// A UUID of version 4 in its form, and the same without dashes: 32 digits that are a trace id too.
    pub(super) fn uuid(&mut self) -> (String, String) {
        // Neighbours should not look alike to whoever compares the first digits only.
        let number = self.next();
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let high = format!("{mixed:016x}");
        let (first, rest) = high.split_at(8);
        let (second, third) = rest.split_at(4);
        let low = format!("{number:015x}");
        let (variant, node) = low.split_at(3);
        let dashed = format!("{first}-{second}-4{}-8{variant}-{node}", third.get(1..).unwrap_or("000"));
        let compact = dashed.replace('-', "");
        (dashed, compact)
    }
}

/// When something began, for a picture of it.
pub(super) fn timeline(bench: &Bench, begin: Instant) -> gonogo_domain::exercise::Timeline {
    bench.timeline(begin, &[])
}

/// The beginning of a text, for people.
pub(super) fn beginning(text: &str, letters: usize) -> String {
    let mut begin: String = text.chars().take(letters).collect();
    if begin.len() < text.len() {
        begin.push('…');
    }
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_ids_have_the_form_of_uuids_and_of_trace_ids() {
        let mut unique = Unique(1_800_000_000_000_000);
        let all: Vec<(String, String)> = (0..3).map(|_| unique.uuid()).collect();
        for (dashed, compact) in &all {
            assert_eq!(dashed.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{dashed}");
            assert_eq!((compact.len(), dashed.as_bytes()[14], dashed.as_bytes()[19]), (32, b'4', b'8'));
        }
        assert!(all[0] != all[1] && all[1] != all[2]);
    }
}
