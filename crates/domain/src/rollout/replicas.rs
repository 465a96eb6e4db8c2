//! How many replicas of each release come nearest to a share of the connections, and the way there.
//!
//! The rule is that of Argo Rollouts without a traffic router: the canary has the share's part of the replicas, rounded
//! down or up, of as many replicas as there are or of one more where a surge is allowed; the nearest wins, ties go up, and
//! a share that is neither 0 nor all is never rounded down to nothing.

use serde::{Deserialize, Serialize};

use super::{Percent, Share, Unit};

/// Replicas of the two releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    pub stable: u32,
    pub canary: u32,
}

impl Replicas {
    pub fn share(self) -> Share {
        Share::Parts { canary: self.canary, stable: self.stable, unit: Unit::Replicas }
    }

    fn total(self) -> u32 {
        self.stable.saturating_add(self.canary)
    }
}

/// How far an update may go beyond the number of replicas that is asked for, and below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub surge: u32,
    pub unavailable: u32,
}

/// A number of replicas, or a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Count(u32),
    Part(Percent),
}

impl Bounds {
    /// As Kubernetes resolves them: a surge is rounded up, what may be unavailable down, and where both come to 0 one may
    /// be unavailable, because nothing could be replaced otherwise.
    pub fn resolve(replicas: u32, surge: Amount, unavailable: Amount) -> Self {
        let surge = match surge {
            Amount::Count(count) => count,
            Amount::Part(percent) => part(replicas, percent).1,
        };
        let unavailable = match unavailable {
            Amount::Count(count) => count,
            Amount::Part(percent) => part(replicas, percent).0,
        };
        Self { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
    }
}

/// A part of so many, rounded down and up.
fn part(of: u32, percent: Percent) -> (u32, u32) {
    let product = u64::from(of) * u64::from(percent.hundredths());
    let whole = u64::from(Percent::WHOLE.hundredths());
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    (narrow(product / whole), narrow(product.div_ceil(whole)))
}

/// What comes nearest to a share when so many replicas are asked for.
pub fn nearest(replicas: u32, percent: Percent, surge: u32) -> Replicas {
    if replicas == 0 {
        return Replicas { stable: 0, canary: 0 };
    }
    let all_or_nothing = percent == Percent::ZERO || percent == Percent::WHOLE;
    let nothing_allowed = all_or_nothing || (replicas == 1 && surge == 0);
    let totals = [replicas, replicas.saturating_add(1)];
    let totals = if surge > 0 && !all_or_nothing { &totals[..] } else { &totals[..1] };
    let mut best: Option<(u64, Replicas)> = None;
    for total in totals {
        let (down, up) = part(*total, percent);
        for canary in [up, down] {
            // Neither side is rounded away while the share is a real one.
            if !nothing_allowed && (canary == 0 || canary == *total) {
                continue;
            }
            // |canary / total - share| over a common denominator, so that no tie is decided by a rounding error.
            let whole = u64::from(Percent::WHOLE.hundredths());
            let wanted = u64::from(percent.hundredths()) * u64::from(*total);
            let off = (u64::from(canary) * whole).abs_diff(wanted) * (u64::from(replicas) * (u64::from(replicas) + 1))
                / u64::from(*total);
            if best.is_none_or(|(least, _)| off < least) {
                best = Some((off, Replicas { stable: total - canary, canary }));
            }
        }
    }
    best.map_or(Replicas { stable: replicas, canary: 0 }, |(_, best)| best)
}

/// What to ask for next on the way to `to`, with so many of each available now: the canary goes up before stable comes
/// down, never more than `replicas + surge` in all, never fewer than `replicas - unavailable` available.
pub fn towards(replicas: u32, to: Replicas, now: Replicas, available: Replicas, bounds: Bounds) -> Replicas {
    // One more than the surge where the target itself needs it: both sides were rounded up.
    let most = replicas.saturating_add(bounds.surge).max(to.total());
    let room = most.saturating_sub(now.total());
    let stable_up = to.stable.saturating_sub(now.stable).min(room);
    let canary_up = to.canary.saturating_sub(now.canary).min(room - stable_up);
    let mut next = Replicas { stable: now.stable + stable_up, canary: now.canary + canary_up };
    let least = replicas.saturating_sub(bounds.unavailable);
    // Replicas that are not available cost nothing when they go; only the others count against the floor.
    let shrink = |wanted: u32, target: u32, available: u32, spare: &mut u32| {
        let dead = wanted.saturating_sub(available);
        let over = wanted.saturating_sub(target);
        let live = over.saturating_sub(dead).min(*spare);
        *spare -= live;
        wanted - over.min(dead) - live
    };
    let mut spare = available.total().saturating_sub(least);
    if now.canary > to.canary {
        next.canary = shrink(now.canary, to.canary, available.canary.min(now.canary), &mut spare);
    }
    if now.stable > to.stable {
        next.stable = shrink(now.stable, to.stable, available.stable.min(now.stable), &mut spare);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(number: f64) -> Percent {
        Percent::try_from(number).unwrap()
    }

    #[track_caller]
    fn check(replicas: u32, asked: f64, surge: u32, expect: (u32, u32)) {
        let found = nearest(replicas, percent(asked), surge);
        assert_eq!((found.stable, found.canary), expect, "{replicas} replicas, {asked} %, surge {surge}");
    }

    #[test]
    fn ten_percent_without_a_mesh_is_what_the_replicas_allow() {
        let real = [
            (1, 50.0),
            (2, 33.33),
            (3, 25.0),
            (4, 20.0),
            (5, 16.67),
            (6, 14.29),
            (8, 11.11),
            (9, 10.0),
            (10, 10.0),
            (12, 8.33),
            (15, 12.5),
            (20, 10.0),
            (30, 10.0),
        ];
        for (replicas, share) in real {
            let found = nearest(replicas, percent(10.0), 1).share().percent().unwrap();
            assert_eq!(found, percent(share), "{replicas} replicas");
        }
    }

    #[test]
    fn half_is_always_half_with_one_to_spare() {
        for replicas in 1..=100 {
            let found = nearest(replicas, percent(50.0), 1);
            assert_eq!(found.share().percent(), Some(percent(50.0)), "{replicas} replicas");
            assert!(found.total() <= replicas + 1);
        }
    }

    #[test]
    fn nothing_and_all_are_exact() {
        for surge in [0, 1, 5] {
            check(7, 0.0, surge, (7, 0));
            check(7, 100.0, surge, (0, 7));
            check(0, 50.0, surge, (0, 0));
        }
    }

    #[test]
    fn a_share_is_never_rounded_down_to_nothing_unless_one_replica_may_not_surge() {
        check(1, 49.0, 0, (1, 0));
        check(1, 51.0, 0, (0, 1));
        check(1, 1.0, 1, (1, 1));
        check(2, 1.0, 0, (1, 1));
        check(10, 0.01, 0, (9, 1));
        check(10, 99.99, 0, (1, 9));
    }

    #[test]
    fn ties_go_up() {
        // 2.5 of 10: both 2 and 3 are off by 5 points.
        check(10, 25.0, 0, (7, 3));
        // With one more there is a nearer one: 3 of 11.
        check(10, 25.0, 1, (8, 3));
    }

    #[test]
    fn a_surge_is_rounded_up_and_what_may_be_missing_down() {
        let quarter = Amount::Part(percent(25.0));
        assert_eq!(Bounds::resolve(10, quarter, quarter), Bounds { surge: 3, unavailable: 2 });
        assert_eq!(Bounds::resolve(1, quarter, quarter), Bounds { surge: 1, unavailable: 0 });
        assert_eq!(Bounds::resolve(3, Amount::Count(0), quarter), Bounds { surge: 0, unavailable: 1 });
        assert_eq!(Bounds::resolve(0, quarter, quarter), Bounds { surge: 0, unavailable: 1 });
    }

    /// From where to where, with the surge and what may be unavailable, when everything is available.
    #[track_caller]
    fn check_way(replicas: u32, share: f64, bounds: (u32, u32), expect: &[(u32, u32)]) {
        let (surge, unavailable) = bounds;
        let bounds = Bounds { surge, unavailable };
        let to = nearest(replicas, percent(share), surge);
        let mut now = Replicas { stable: replicas, canary: 0 };
        let mut way = Vec::new();
        for _ in 0..100 {
            let next = towards(replicas, to, now, now, bounds);
            if next == now {
                break;
            }
            way.push((next.stable, next.canary));
            now = next;
        }
        assert_eq!(way, expect);
        assert_eq!(now, to, "the way ends where it should");
    }

    #[test]
    fn the_canary_goes_up_before_stable_comes_down() {
        check_way(10, 20.0, (2, 0), &[(10, 2), (8, 2)]);
        check_way(10, 50.0, (2, 1), &[(9, 2), (7, 3), (6, 5), (5, 5)]);
        check_way(10, 10.0, (1, 1), &[(9, 1)]);
        check_way(10, 30.0, (3, 0), &[(10, 3), (7, 3)]);
        check_way(10, 30.0, (0, 5), &[(7, 0), (7, 3)]);
        check_way(1, 5.0, (1, 0), &[(1, 1)]);
        check_way(1, 95.0, (1, 0), &[(1, 1)]);
    }

    #[test]
    fn no_way_leaves_the_bounds() {
        for replicas in 1..=12 {
            for (surge, unavailable) in [(0, 1), (1, 0), (1, 1), (3, 2), (0, 5)] {
                let bounds = Bounds { surge, unavailable };
                let mut now = Replicas { stable: replicas, canary: 0 };
                for share in [10.0, 50.0, 100.0, 30.0, 0.0] {
                    let to = nearest(replicas, percent(share), surge);
                    for _ in 0..200 {
                        let next = towards(replicas, to, now, now, bounds);
                        let staying = next.stable.min(now.stable) + next.canary.min(now.canary);
                        let least = replicas.saturating_sub(unavailable);
                        assert!(staying >= least.min(now.total()), "{now:?} to {next:?} of {replicas}, {bounds:?}");
                        assert!(next.total() <= (replicas + surge).max(to.total()).max(now.total()));
                        now = next;
                    }
                    assert_eq!(now, to, "{replicas} replicas, {share} %, {bounds:?}");
                }
            }
        }
    }

    #[test]
    fn a_canary_that_never_gets_ready_does_not_take_stable_down() {
        let bounds = Bounds { surge: 2, unavailable: 0 };
        let to = Replicas { stable: 5, canary: 5 };
        let now = Replicas { stable: 10, canary: 2 };
        let available = Replicas { stable: 10, canary: 0 };
        assert_eq!(towards(10, to, now, available, bounds), now);
        // And it goes at once, because nobody is served by it.
        let back = Replicas { stable: 10, canary: 0 };
        assert_eq!(towards(10, back, now, available, bounds), back);
    }
}
