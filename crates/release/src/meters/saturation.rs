//! How full the fullest server of the release is.

use std::{collections::BTreeMap, time::Instant};

use gonogo_formats::exposition::Exposition;

use crate::{Family, file::Capacity};

/// Counters as they were at the last look, by gate and server, for how fast they grow.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<(usize, String), (Instant, f64)>);

impl Before {
    /// Percent of the capacity, of the server that has used most of it; none: nothing is known yet.
    pub(super) fn fullest(
        &mut self,
        gate: usize,
        used: &Family,
        capacity: &Capacity,
        scraped: &[(String, Exposition)],
    ) -> Option<f64> {
        let mut fullest: Option<f64> = None;
        for (server, exposition) in scraped {
            let sum =
                |family: &Family| family.of(exposition).map(|sample| sample.value).reduce(|one, other| one + other);
            let used_now = sum(used)?;
            let used = if used.name.ends_with("_total") { self.a_second(gate, server, used_now)? } else { used_now };
            let most = match capacity {
                Capacity::Number(number) => *number,
                Capacity::Family(family) => sum(family)?,
            };
            let percent = used / most * 100.0;
            // A capacity of nothing is not known, and neither is what is used of it.
            if !percent.is_finite() {
                return None;
            }
            fullest = Some(fullest.map_or(percent, |known| known.max(percent)));
        }
        fullest
    }

    fn a_second(&mut self, gate: usize, server: &str, value: f64) -> Option<f64> {
        let now = Instant::now();
        let (then, before) = self.0.insert((gate, server.to_owned()), (now, value))?;
        let seconds = now.duration_since(then).as_secs_f64();
        (value >= before && seconds > 0.0).then(|| (value - before) / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str) -> Family {
        Family { name: name.to_owned(), labels: BTreeMap::new() }
    }

    #[test]
    fn the_fullest_server_counts_and_what_is_not_known_is_not_empty() {
        let scrapes = [("a", "used 30\nmost 100\n"), ("b", "used 45\nmost 50\n")]
            .map(|(server, text)| (server.to_owned(), Exposition::read(text).unwrap()));
        let mut before = Before::default();
        let most = Capacity::Family(family("most"));
        assert_eq!(before.fullest(0, &family("used"), &most, &scrapes), Some(90.0));
        assert_eq!(before.fullest(0, &family("used"), &Capacity::Number(60.0), &scrapes), Some(75.0));
        assert_eq!(before.fullest(0, &family("used"), &Capacity::Number(0.0), &scrapes), None);
        assert_eq!(before.fullest(0, &family("nothing"), &most, &scrapes), None);
        assert_eq!(before.fullest(0, &family("used"), &most, &[]), None);
    }

    #[test]
    fn a_counter_is_what_it_grows_by_a_second() {
        let at = |text: &str| [("a".to_owned(), Exposition::read(text).unwrap())];
        let mut before = Before::default();
        let (cpu, cores) = (family("cpu_seconds_total"), Capacity::Number(1.0));
        assert_eq!(before.fullest(0, &cpu, &cores, &at("cpu_seconds_total 5\n")), None);
        std::thread::sleep(std::time::Duration::from_millis(20));
        let percent = before.fullest(0, &cpu, &cores, &at("cpu_seconds_total 5.01\n")).unwrap();
        assert!((1.0..=50.0).contains(&percent), "{percent}");
        // It began anew: how fast it grew is not known.
        assert_eq!(before.fullest(0, &cpu, &cores, &at("cpu_seconds_total 0\n")), None);
    }
}
