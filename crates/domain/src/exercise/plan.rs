//! Which experiments fit into the time that is given.

use std::time::Duration;

use super::{Ended, Exercise, Kind};
use crate::Run;

/// An experiment that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub kind: Kind,
    /// How long it is expected to take.
    pub expected: Duration,
    /// There is time for it; else it is made where others take less than expected.
    pub fits: bool,
}

/// How much there is of what experiments are repeated for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub dependencies: u32,
    /// Of them, those that are reached over TLS.
    pub tls: u32,
    pub requests: u32,
    /// Experiments that say at once what is to be written before they can be made.
    pub unwritten: Vec<Kind>,
}

impl Size {
    pub fn of(run: &Run) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let written = [
            (Kind::Levels, run.log_level.is_some()),
            (Kind::Reload, run.reload.is_some()),
            (Kind::Webhook, run.webhook.is_some()),
            (Kind::Migrations, run.migrations.is_some()),
            (Kind::Authentication, run.authentication.is_some()),
        ];
        Self {
            dependencies: count(run.dependencies.len()),
            tls: count(run.dependencies.iter().filter(|one| one.tls).count()),
            requests: count(run.requests.len()),
            unwritten: written.into_iter().filter(|(_, written)| !written).map(|(kind, _)| kind).collect(),
        }
    }
}

/// Chooses by worth for the time that it takes; the order stays that of the kinds. What was measured before is what is
/// expected.
pub fn plan(wanted: &[(Kind, u32)], size: &Size, known: Option<&Exercise>, budget: Duration) -> Vec<Planned> {
    let mut all: Vec<(Planned, u32)> = wanted
        .iter()
        .map(|(kind, worth)| (Planned { kind: *kind, expected: expected(*kind, size, known), fits: false }, *worth))
        .collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    let density = |place: &usize| {
        let (planned, worth) = all.get(*place).copied()?;
        // A whole number, as an order of floats is none.
        Some(u128::from(worth) * 1_000_000_000 / planned.expected.as_millis().max(1))
    };
    order.sort_by_key(|place| std::cmp::Reverse(density(place)));
    let mut left = budget;
    for place in order {
        if let Some((planned, _)) = all.get_mut(place)
            && let Some(rest) = left.checked_sub(planned.expected)
        {
            (planned.fits, left) = (true, rest);
        }
    }
    all.into_iter().map(|(planned, _)| planned).collect()
}

fn expected(kind: Kind, size: &Size, known: Option<&Exercise>) -> Duration {
    let before = known.and_then(|known| known.experiments.iter().find(|one| one.kind == kind));
    match before.filter(|one| one.ended == Ended::Completed) {
        Some(one) => Duration::from_millis(one.took_ms),
        None if size.unwritten.contains(&kind) => Duration::ZERO,
        None => kind.expected(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { dependencies: 1, tls: 0, requests: 2, unwritten: Vec::new() };

    #[track_caller]
    fn check(wanted: &[(Kind, u32)], budget: u64, expect: &[Kind]) {
        let planned = plan(wanted, &SMALL, None, Duration::from_secs(budget));
        let fits: Vec<Kind> = planned.iter().filter(|one| one.fits).map(|one| one.kind).collect();
        assert_eq!(fits, expect);
        assert_eq!(planned.len(), wanted.len());
    }

    #[test]
    fn what_is_worth_most_for_its_time_is_chosen_and_the_order_stays() {
        let wanted = [(Kind::Headers, 3), (Kind::Shutdown, 5), (Kind::Breaker, 3), (Kind::Overload, 3)];
        check(&wanted, 3600, &[Kind::Headers, Kind::Shutdown, Kind::Breaker, Kind::Overload]);
        check(&wanted, 40, &[Kind::Headers, Kind::Shutdown]);
        check(&wanted, 0, &[]);
        check(&[(Kind::Headers, 0), (Kind::Breaker, 300)], 75, &[Kind::Breaker]);
    }

    #[test]
    fn what_nothing_is_written_for_takes_no_time() {
        let size = Size { unwritten: vec![Kind::Reload], ..SMALL };
        let wanted = [(Kind::Headers, 3), (Kind::Reload, 1), (Kind::Tls, 1)];
        let planned = plan(&wanted, &size, None, Duration::from_secs(1));
        let seconds: Vec<u64> = planned.iter().map(|one| one.expected.as_secs()).collect();
        assert_eq!((seconds.as_slice(), planned.iter().all(|one| one.fits)), ([1, 0, 0].as_slice(), true));
    }

    #[test]
    fn the_whole_set_on_a_small_service_fits_into_ten_minutes() {
        let all: Vec<(Kind, u32)> = Kind::ALL.iter().map(|kind| (*kind, 1)).collect();
        let planned = plan(&all, &SMALL, None, Duration::from_mins(10));
        let late: Vec<Kind> = planned.iter().filter(|one| !one.fits).map(|one| one.kind).collect();
        assert_eq!(late, []);
    }
}
