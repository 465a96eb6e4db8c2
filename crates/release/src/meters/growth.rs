//! Counters of many processes, added up so that the sum never falls: a process that goes takes nothing with it, and one that
//! comes back counts on from where it was.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::rollout::{latency::Histogram, sequential::Trials};

/// Stable or canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Stable,
    Canary,
}

/// What one gate has seen grow since the first look.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// The counters as they stood, by what tells them apart.
    series: BTreeMap<String, f64>,
    /// Whose counters were seen: what they had before the first look is not counted.
    known: BTreeSet<String>,
    sums: BTreeMap<(Side, String), f64>,
}

/// The counter of all requests, and of those that went wrong.
pub(super) const ALL: &str = "all";
pub(super) const BAD: &str = "bad";

impl Growth {
    /// Takes the counters of one origin (a release, or a server of it) as they stand: for each, what it counts, what tells it
    /// from others of the origin, and its value. False: it says nothing, or something that no counter says.
    pub(super) fn add(&mut self, origin: &str, side: Side, counters: &[(String, String, f64)]) -> bool {
        // An origin that says nothing yet is not known, or all that it had would count when it does.
        if counters.is_empty() || !counters.iter().all(|(.., value)| (0.0..1e18).contains(value)) {
            return false;
        }
        let is_new = self.known.insert(origin.to_owned());
        for (what, which, now) in counters {
            let before = self.series.insert(format!("{origin}\n{what}\n{which}"), *now);
            let grown = match before {
                _ if is_new => 0.0,
                Some(before) if *now >= before => now - before,
                // It began anew, or came into being since the last look.
                _ => *now,
            };
            *self.sums.entry((side, what.clone())).or_default() += grown;
        }
        true
    }

    pub(super) fn trials(&self, side: Side) -> Trials {
        let sum = |what: &str| self.sums.get(&(side, what.to_owned())).copied().map_or(0, whole);
        Trials { all: sum(ALL), bad: sum(BAD) }
    }

    /// The counters of buckets, each named by its upper bound.
    pub(super) fn histogram(&self, side: Side) -> Option<Histogram> {
        let mut buckets = Vec::new();
        for ((_, bound), sum) in self.sums.iter().filter(|((of, _), _)| *of == side) {
            buckets.push((bound.parse().ok()?, whole(*sum)));
        }
        let all = buckets.iter().find(|(bound, _): &&(f64, u64)| bound.is_infinite()).map(|(_, all)| *all)?;
        Some(Histogram::new(buckets, all))
    }
}

/// What `increase` extrapolates is no whole number.
fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sums of what was checked to be in range"
    )]
    {
        number.round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(of: &[(&str, &str, f64)]) -> Vec<(String, String, f64)> {
        of.iter().map(|(what, which, value)| ((*what).to_owned(), (*which).to_owned(), *value)).collect()
    }

    #[track_caller]
    fn check(looks: &[&[(&str, &str, f64)]], all: u64, bad: u64) {
        let mut growth = Growth::default();
        for look in looks {
            growth.add("stable", Side::Stable, &counters(look));
        }
        assert_eq!(growth.trials(Side::Stable), Trials { all, bad });
    }

    #[test]
    fn what_was_before_the_first_look_does_not_count() {
        check(&[&[(ALL, "a", 900.0)], &[(ALL, "a", 910.0)]], 10, 0);
        check(&[&[], &[(ALL, "a", 900.0)]], 0, 0);
    }

    #[test]
    fn a_process_that_goes_takes_nothing_and_a_new_one_counts_whole() {
        let gone = &[(ALL, "b", 905.0), (ALL, "c", 3.0)][..];
        check(&[&[(ALL, "a", 900.0), (ALL, "b", 900.0)], gone], 8, 0);
        // For one look only: a scrape that failed.
        check(&[&[(ALL, "a", 900.0), (ALL, "b", 900.0)], gone, &[(ALL, "a", 910.0), (ALL, "b", 905.0)]], 18, 0);
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_nothing() {
        check(&[&[(ALL, "a", 900.0), (ALL, "b", 900.0)], &[(ALL, "a", 4.0), (ALL, "b", 901.0)]], 5, 0);
    }

    #[test]
    fn the_first_error_is_one_and_those_that_are_missing_for_a_look_are_still_known() {
        check(&[&[(ALL, "a", 900.0)], &[(ALL, "a", 902.0), (BAD, "a", 1.0)]], 2, 1);
        let first = &[(ALL, "a", 900.0), (BAD, "a", 9.0)][..];
        check(&[first, &[(ALL, "a", 950.0)], &[(ALL, "a", 1000.0), (BAD, "a", 10.0)]], 100, 1);
    }

    #[test]
    fn a_promotion_changes_the_side_and_not_what_was_counted() {
        let mut growth = Growth::default();
        growth.add("green", Side::Canary, &counters(&[(ALL, "g", 5.0)]));
        growth.add("green", Side::Canary, &counters(&[(ALL, "g", 7.0)]));
        growth.add("green", Side::Stable, &counters(&[(ALL, "g", 8.0)]));
        assert_eq!(growth.trials(Side::Canary), Trials { all: 2, bad: 0 });
        assert_eq!(growth.trials(Side::Stable), Trials { all: 1, bad: 0 });
    }

    #[test]
    fn what_is_no_number_is_not_taken_and_harms_nothing() {
        let mut growth = Growth::default();
        for (value, taken) in [(1.0, true), (f64::NAN, false), (-1.0, false), (4.0, true)] {
            assert_eq!(growth.add("stable", Side::Stable, &counters(&[(ALL, "a", value)])), taken);
        }
        assert_eq!(growth.trials(Side::Stable), Trials { all: 3, bad: 0 });
    }

    #[test]
    fn buckets_of_several_processes_are_one_histogram() {
        let mut growth = Growth::default();
        let look = |few: f64, all: f64| {
            counters(&[("0.1", "a", few), ("+Inf", "a", all), ("0.1", "b", 0.0), ("+Inf", "b", all)])
        };
        growth.add("stable", Side::Stable, &look(0.0, 0.0));
        growth.add("stable", Side::Stable, &look(6.0, 9.0));
        assert_eq!(growth.histogram(Side::Stable), Some(Histogram::new(vec![(0.1, 6)], 18)));
        assert_eq!(growth.histogram(Side::Canary), None);
    }
}
