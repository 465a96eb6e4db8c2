//! Counters of the servers themselves, from their `/metrics`.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_collectors::metrics::exposition::{Exposition, Sample};
use regex::Regex;

use super::{
    growth::{ALL, BAD, Growth, Side},
    prometheus::which,
};
use crate::Family;

/// What each server of a release said, by its address.
pub(super) type Scraped = Arc<Vec<(String, Exposition)>>;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted<'a> {
    /// A family, and the labels of what goes wrong.
    Requests { total: &'a Family, bad: &'a BTreeMap<String, Regex> },
    /// The buckets of a histogram.
    Buckets(&'a Family),
}

/// False: no server of it has this family.
pub(super) fn add(growth: &mut Growth, side: Side, scraped: Option<&Scraped>, counted: Counted<'_>) -> bool {
    let mut said = false;
    for (server, exposition) in scraped.into_iter().flat_map(|scraped| scraped.iter()) {
        said |= growth.add(server, side, &counters(exposition, counted));
    }
    said
}

fn counters(exposition: &Exposition, counted: Counted<'_>) -> Vec<(String, String, f64)> {
    let mut counters = Vec::new();
    let (family, all) = match counted {
        Counted::Requests { total, bad } => {
            for sample in total.of(exposition) {
                let which = which(&sample.labels);
                if !bad.is_empty() && has(sample, bad) {
                    counters.push((BAD.to_owned(), which.clone(), sample.value));
                }
                counters.push((ALL.to_owned(), which, sample.value));
            }
            (total, ALL)
        }
        Counted::Buckets(family) => {
            for sample in family.of(exposition) {
                let mut labels = sample.labels.clone();
                if let Some(bound) = labels.remove("le") {
                    counters.push((bound, which(&labels), sample.value));
                }
            }
            (family, "+Inf")
        }
    };
    // A series begins with its first request: where the family is there, one that is not has counted none.
    if counters.is_empty() && family.is_there(exposition) {
        counters.push((all.to_owned(), "none".to_owned(), 0.0));
    }
    counters
}

impl Family {
    /// Its series.
    pub(super) fn of<'a>(&'a self, exposition: &'a Exposition) -> impl Iterator<Item = &'a Sample> {
        exposition.samples.iter().filter(|sample| sample.name == self.name && has(sample, &self.labels))
    }

    /// It has series, whatever their labels are.
    fn is_there(&self, exposition: &Exposition) -> bool {
        exposition.samples.iter().any(|sample| sample.name == self.name)
    }
}

/// All of these labels match.
fn has(sample: &Sample, labels: &BTreeMap<String, Regex>) -> bool {
    labels.iter().all(|(label, pattern)| sample.labels.get(label).is_some_and(|value| pattern.is_match(value)))
}

#[cfg(test)]
mod tests {
    use gonogo_domain::rollout::{latency::Histogram, sequential::Trials};

    use super::*;

    fn labels(label: &str, pattern: &str) -> BTreeMap<String, Regex> {
        BTreeMap::from([(label.to_owned(), Regex::new(pattern).unwrap())])
    }

    fn family(name: &str, labels: BTreeMap<String, Regex>) -> Family {
        Family { name: name.to_owned(), labels }
    }

    /// What two servers that both say `text` have counted since they began.
    fn grown(text: &str, counted: Counted<'_>) -> Option<Growth> {
        let mut growth = Growth::default();
        let servers = |text: &str| {
            let one = |server: &str| (server.to_owned(), Exposition::read(text).unwrap());
            Arc::new(vec![one("a"), one("b")])
        };
        add(&mut growth, Side::Canary, Some(&servers(&zeroed(text))), counted);
        add(&mut growth, Side::Canary, Some(&servers(text)), counted).then_some(growth)
    }

    /// The same counters before anything was counted.
    fn zeroed(text: &str) -> String {
        let lines = text.lines().filter_map(|line| Some(format!("{} 0\n", line.rsplit_once(' ')?.0)));
        lines.collect()
    }

    #[test]
    fn counters_of_several_servers_are_added_and_what_is_bad_is_told_by_its_labels() {
        let text =
            "requests{status=\"200\",path=\"/\"} 90\nrequests{status=\"503\"} 7\nrequests{status=\"429\"} 3\nother 5\n";
        let check = |total: &Family, bad: &BTreeMap<String, Regex>, expect: Option<Trials>| {
            let found = grown(text, Counted::Requests { total, bad });
            assert_eq!(found.map(|growth| growth.trials(Side::Canary)), expect);
        };
        let (all, bad) = (family("requests", BTreeMap::new()), labels("status", "^5..$"));
        check(&all, &bad, Some(Trials { all: 200, bad: 14 }));
        check(&all, &labels("status", "^429$"), Some(Trials { all: 200, bad: 6 }));
        check(&family("nothing", BTreeMap::new()), &bad, None);
        // What probes ask is left out where labels say so.
        check(&family("requests", labels("path", "^/$")), &bad, Some(Trials { all: 180, bad: 0 }));
        check(&family("requests", labels("path", "^/other$")), &bad, Some(Trials { all: 0, bad: 0 }));
    }

    #[test]
    fn buckets_of_several_series_are_one_histogram() {
        let text = "t_bucket{le=\"0.1\",path=\"/\"} 3\nt_bucket{le=\"+Inf\",path=\"/\"} 5\n\
                    t_bucket{le=\"0.1\",path=\"/b\"} 0\nt_bucket{le=\"+Inf\",path=\"/b\"} 1\n";
        let check = |of: &Family, expect: Option<Histogram>| {
            assert_eq!(grown(text, Counted::Buckets(of)).and_then(|growth| growth.histogram(Side::Canary)), expect);
        };
        check(&family("t_bucket", BTreeMap::new()), Some(Histogram::new(vec![(0.1, 6)], 12)));
        check(&family("t_bucket", labels("path", "^/x$")), Some(Histogram::default()));
        check(&family("u_bucket", BTreeMap::new()), None);
    }
}
