//! A constant rate for a while, kept for the next time.

use std::time::{Duration, Instant};

use gonogo_domain::exercise::{Baseline, Before, Exercise, Figures, Kind, Limits, Observation, Quantile, Trial};

use super::{Unmade, needed::some_good};
use crate::{
    bench::{Bench, Phase, Survey},
    load::{Latency, Outcome},
};

const SHORTEST: f64 = 30.0;
const LONGEST: f64 = 60.0;

/// So many requests tell the 99th percentile.
const ENOUGH: f64 = 1000.0;

/// A generator that is later than this for one request of a hundred measures itself.
const LATE: Duration = Duration::from_millis(50);

pub(super) fn trial(bench: &mut Bench, survey: &Survey, known: Option<&Exercise>) -> Result<Trial, Unmade> {
    let kinds = some_good(survey)?;
    let rate = bench.run().rate;
    // A few more, so that the last one is not missing.
    let length = Duration::from_secs_f64(((ENOUGH + 5.0) / rate).clamp(SHORTEST, LONGEST));
    let phase = |length| Phase { rate, length, clients: 1, timeout: Duration::from_secs(10) };
    // What a first request makes ready is not what is measured.
    bench.load(&kinds, &phase(Duration::from_secs(2)))?;
    let begin = Instant::now();
    let (outcome, _) = bench.load(&kinds, &phase(length))?;
    let milliseconds = |time: Option<Duration>| time.and_then(|time| u64::try_from(time.as_millis()).ok());
    let limits = &bench.run().limits;
    let observed = Baseline {
        rate,
        length_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        figures: figures(&outcome),
        before: known.and_then(before),
        limits: Limits {
            p95_ms: milliseconds(limits.p95),
            p99_ms: milliseconds(limits.p99),
            errors_percent: limits.errors,
        },
    };
    let timeline = bench.timeline_of(begin, &[(begin, &outcome)]);
    Ok(Trial::new(Observation::Baseline(observed), timeline))
}

fn figures(outcome: &Outcome) -> Figures {
    let of = |latency: &Latency, quantile| {
        latency.percentile(quantile).map_or_else(Quantile::default, |one| Quantile {
            us: one.value,
            low_us: one.low,
            high_us: one.high,
            enough: one.enough,
        })
    };
    let late = outcome.send_delay.percentile(0.99).is_some_and(|one| u128::from(one.value) > LATE.as_micros());
    Figures {
        requests: outcome.due,
        error_ratio: outcome.error_ratio,
        p50: of(&outcome.latency, 0.5),
        p95: of(&outcome.latency, 0.95),
        p99: of(&outcome.latency, 0.99),
        late,
    }
}

/// The run that the record holds.
fn before(known: &Exercise) -> Option<Before> {
    let experiment = known.experiments.iter().find(|one| one.kind == Kind::Baseline)?;
    let last = experiment.trials.iter().rev().find_map(|trial| match &trial.observation {
        Observation::Baseline(baseline) if !baseline.figures.late => Some(baseline),
        _ => None,
    })?;
    Some(Before {
        at: experiment.at.strftime("%Y-%m-%d %H:%M").to_string(),
        revision: experiment.revision.clone(),
        rate: last.rate,
        figures: last.figures,
    })
}
