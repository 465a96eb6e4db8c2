//! Sends twice of what the service can do, and then little again.

use std::time::{Duration, Instant};

use gonogo_domain::{
    Message,
    exercise::{Observation, Overload, Trial},
};

use super::{Unmade, needed::some_good};
use crate::{
    bench::{Bench, Phase, Survey},
    load::{Latency, Outcome, Second},
};

const OVERLOAD: Duration = Duration::from_secs(10);

/// What is sent before and after is half of the capacity, for so long.
const BEFORE: Duration = Duration::from_secs(4);
const AFTER: Duration = Duration::from_secs(10);

/// So many good seconds in a row are a recovery, and a bad one after them is not the overload's; where more than a tenth of
/// all that comes after them fails, it is.
const SETTLED: usize = 3;

/// Users wait no longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An accepted answer may take so many times what 99 of a hundred took at capacity.
const FACTOR: u64 = 5;

/// And this in any case.
const LEAST_BOUND_US: u64 = 1_000_000;

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let kinds = some_good(survey)?;
    let (capacity, one_client) = bench.capacity(&kinds)?;
    let begin = Instant::now();
    let rate = capacity.rate.unwrap_or_default();
    let bound_us = match bench.run().limits.p99 {
        Some(stated) => u64::try_from(stated.as_micros()).unwrap_or(u64::MAX).saturating_mul(2),
        None => (capacity.p99_us * FACTOR).max(capacity.bound_ms * 2000),
    }
    .max(LEAST_BOUND_US);
    let mut observed = Overload {
        one_client,
        rate: rate * 2.0,
        length_ms: u64::try_from(OVERLOAD.as_millis()).unwrap_or(u64::MAX),
        sent: 0,
        dropped: 0,
        accepted: 0,
        accepted_p99_us: 0,
        bound_us,
        refused: 0,
        refused_p99_us: 0,
        broken: 0,
        unanswered: 0,
        failed: 0,
        before: 0.0,
        recovered_ms: None,
        watched_ms: 0,
        memory: None,
        capacity,
    };
    // Twice of what is not known is nothing.
    if observed.capacity.doubt().is_some() {
        return Ok(Trial::new(Observation::Overload(observed), bench.timeline(begin, &[])));
    }
    let clients = observed.capacity.clients;
    let phase = |rate, length| Phase { rate, length, clients, timeout: PATIENCE };
    let (before, rest) = bench.load(&kinds, &phase(rate / 2.0, BEFORE))?;
    let from = Instant::now();
    let (during, grown) = bench.load(&kinds, &phase(rate * 2.0, OVERLOAD))?;
    let until = Instant::now();
    let (after, _) = bench.load(&kinds, &phase(rate / 2.0, AFTER))?;

    observe(&mut observed, &during);
    observed.before = before.answered_rate;
    let back = recovered(&after.series);
    let drained = Bench::since(from + OVERLOAD, until);
    observed.recovered_ms = back.map(|second| (u64::try_from(second).unwrap_or_default() + 1) * 1000 + drained);
    observed.watched_ms = Bench::since(from + OVERLOAD, Instant::now());
    observed.recovered_ms = observed.recovered_ms.filter(|after| *after <= 11_000);
    observed.memory = match (rest.first(), grown.get(grown.len() / 2), grown.last()) {
        (Some(rest), Some(middle), Some(end)) if grown.len() >= 4 => Some([*rest, *middle, *end]),
        _ => None,
    };
    let mut timeline = bench.timeline_of(begin, &[(begin, &before), (from, &during), (until, &after)]);
    timeline.mark(
        Bench::since(begin, from),
        Some(Bench::since(begin, from + OVERLOAD)),
        Message::new(format!("{:.0}/s, twice the capacity", rate * 2.0), format!("{:.0}/s，容量的两倍", rate * 2.0)),
    );
    Ok(Trial::new(Observation::Overload(observed), timeline))
}

/// The second from which on users are answered well again.
fn recovered(after: &[Second]) -> Option<usize> {
    // A service that is still busy with what came before answers the first of these late.
    let well = |second: &Second| second.good * 100 >= second.due * 95 && second.due > 0;
    let stays = |seconds: &[Second]| {
        let (due, good) = seconds.iter().fold((0, 0), |(due, good), one| (due + one.due, good + one.good));
        good * 10 >= due * 9
    };
    let begins = |at: &usize| {
        let rest = after.get(*at..).unwrap_or_default();
        rest.get(..SETTLED).is_some_and(|seconds| seconds.iter().all(well)) && stays(rest)
    };
    (0..after.len()).find(begins)
}

fn observe(observed: &mut Overload, during: &Outcome) {
    let p99 = |latency: &Latency| latency.percentile(0.99).map_or(0, |one| one.value);
    let count = |word: &str| during.ended.get(word).copied().unwrap_or_default();
    let with = |which: fn(u16) -> bool| -> u64 {
        let statuses = during.ended.iter().filter(|(word, _)| word.parse::<u16>().is_ok_and(which));
        statuses.map(|(_, count)| count).sum()
    };
    observed.sent = during.sent;
    observed.dropped = during.dropped;
    observed.accepted = during.good_latency.count;
    observed.accepted_p99_us = p99(&during.good_latency);
    observed.refused = count("429") + count("503");
    observed.refused_p99_us = p99(&during.refused_latency);
    observed.broken = count("broken") + count("refused") + count("malformed");
    observed.unanswered = count("timed-out") + count("unfinished");
    observed.failed = with(|status| status >= 500 && status != 503);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(good: &[u64], expect: Option<usize>) {
        let seconds: Vec<Second> =
            good.iter().map(|good| Second { due: 100, good: *good, ..Second::default() }).collect();
        assert_eq!(recovered(&seconds), expect, "{good:?}");
    }

    #[test]
    fn a_bad_second_long_after_is_no_overload_and_a_relapse_is() {
        check(&[100, 100, 100, 100, 100, 100, 100, 100, 90, 84], Some(0));
        check(&[40, 80, 100, 95, 100, 100, 100, 100, 100, 100], Some(2));
        check(&[100, 100, 100, 100, 20, 20, 20, 20, 20, 20], None);
        check(&[100, 100, 90, 100, 100, 90, 100, 100, 90, 100], None);
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None);
        check(&[0, 0, 0, 0, 0, 0, 0, 100, 100, 100], Some(7));
        check(&[], None);
    }
}
