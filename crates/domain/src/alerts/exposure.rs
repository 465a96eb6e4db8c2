//! What a service is seen to expose: its metrics, their labels, and where that was seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{Place, evidence, rules::Span};

/// Where a metric was seen, from strong to weak.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It was named on the command line.
    Named,
    /// The service said it: an address or a file.
    Scrape(String),
    /// Its source registers it.
    Source(Place),
    /// A rule, a dashboard or an objective of the repository asks for it.
    Query(Place),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named => out.write_str("named by an option"),
            Self::Scrape(from) => write!(out, "exposed at {from}"),
            Self::Source(place) => write!(out, "registered at {place}"),
            Self::Query(place) => write!(out, "asked for at {place}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// A metric as it is exposed; a histogram by the name of its family, without `_bucket`.
#[derive(Clone, Debug)]
pub struct Metric {
    /// None: nothing says it.
    pub kind: Option<Kind>,
    /// Its labels with the values that were seen, patterns of queries among them.
    pub labels: BTreeMap<String, BTreeSet<String>>,
    /// The bounds of its buckets but the infinite one, as they are written; empty: not seen.
    pub bounds: BTreeSet<String>,
    pub origin: Origin,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    pub metrics: BTreeMap<String, Metric>,
    /// Values of the label `job` under which the service is scraped.
    pub jobs: BTreeMap<String, Origin>,
    /// How often it is scraped.
    pub interval: Option<(Span, Origin)>,
    /// The service itself was asked: what it does not say it does not have.
    pub scraped: bool,
}

impl Exposure {
    /// Adds what was seen of a metric; what is stronger stays.
    pub fn see(&mut self, name: &str, kind: Option<Kind>, origin: Origin) -> &mut Metric {
        let fresh = Metric { kind, labels: BTreeMap::new(), bounds: BTreeSet::new(), origin: origin.clone() };
        let metric = self.metrics.entry(name.to_owned()).or_insert(fresh);
        if origin < metric.origin {
            metric.origin = origin;
            metric.kind = kind.or(metric.kind);
        }
        metric.kind = metric.kind.or(kind);
        metric
    }

    /// Adds what a query asks for.
    pub fn see_query(&mut self, query: &evidence::Query, place: &Place) {
        let origin = || Origin::Query(place.clone());
        for name in query.metrics.iter().filter(|name| is_exposed(name)) {
            let (family, kind) = family(name);
            let metric = self.see(family, kind, origin());
            for (_, label, operator, value) in query.matchers.iter().filter(|(of, ..)| of == name) {
                if is_of_the_target(label) {
                    continue;
                }
                let values = metric.labels.entry(label.clone()).or_default();
                if label != "le" && operator.starts_with(['=', '!']) {
                    values.extend(alternatives(value));
                }
            }
            if metric.labels.remove("le").is_some() || kind == Some(Kind::Histogram) {
                metric.kind = Some(Kind::Histogram);
            }
        }
        for (_, label, operator, value) in &query.matchers {
            let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte));
            if label == "job" && operator == "=" && plain && !value.is_empty() {
                self.jobs.entry(value.clone()).or_insert_with(origin);
            }
        }
    }
}

/// What the scrape adds, and what `job` tells apart: no label of the program's own.
fn is_of_the_target(label: &str) -> bool {
    matches!(label, "job" | "instance" | "namespace" | "pod" | "container" | "cluster" | "__name__")
}

/// A series that a program exposes: not recorded by a rule, not made by Prometheus.
fn is_exposed(name: &str) -> bool {
    !name.contains(':') && !matches!(name, "up" | "ALERTS" | "ALERTS_FOR_STATE") && !name.starts_with("scrape_")
}

/// The family of a series by its ending.
fn family(name: &str) -> (&str, Option<Kind>) {
    if let Some(family) = name.strip_suffix("_bucket") {
        return (family, Some(Kind::Histogram));
    }
    if let Some(family) = name.strip_suffix("_count").or_else(|| name.strip_suffix("_sum")) {
        return (family, None);
    }
    (name, name.ends_with("_total").then_some(Kind::Counter))
}

/// The alternatives of a pattern of words: `5..|timeout`.
fn alternatives(value: &str) -> impl Iterator<Item = String> {
    let plain =
        |one: &&str| !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    value.trim_matches(['^', '$', '(', ')']).split('|').filter(plain).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(metric: &str, matchers: &[(&str, &str, &str)]) -> evidence::Query {
        let own = |(label, operator, value): &(&str, &str, &str)| {
            (metric.to_owned(), (*label).to_owned(), (*operator).to_owned(), (*value).to_owned())
        };
        evidence::Query {
            metrics: vec![metric.to_owned()],
            matchers: matchers.iter().map(own).collect(),
            ..evidence::Query::default()
        }
    }

    #[test]
    fn queries_tell_names_labels_and_jobs() {
        let mut exposure = Exposure::default();
        let place = Place::whole("rules.yaml");
        exposure.see_query(&query("r_total", &[("status", "=~", "5..|timeout"), ("job", "=", "shop")]), &place);
        exposure.see_query(&query("d_seconds_bucket", &[("le", "=", "0.25"), ("route", "=", "/a")]), &place);
        exposure.see_query(&query("job:r:rate5m", &[]), &place);
        exposure.see_query(&query("up", &[("job", "=~", "a|b")]), &place);
        assert_eq!(exposure.metrics.keys().collect::<Vec<_>>(), ["d_seconds", "r_total"]);
        assert_eq!(exposure.jobs.keys().collect::<Vec<_>>(), ["shop"]);
        let counter = &exposure.metrics["r_total"];
        assert_eq!(counter.kind, Some(Kind::Counter));
        assert_eq!(counter.labels["status"].iter().collect::<Vec<_>>(), ["5..", "timeout"]);
        let histogram = &exposure.metrics["d_seconds"];
        assert_eq!((histogram.kind, histogram.labels.len()), (Some(Kind::Histogram), 1));
    }

    #[test]
    fn what_the_service_says_is_stronger() {
        let mut exposure = Exposure::default();
        exposure.see("a", Some(Kind::Gauge), Origin::Query(Place::whole("a")));
        exposure.see("a", Some(Kind::Counter), Origin::Scrape("x".to_owned()));
        exposure.see("a", Some(Kind::Summary), Origin::Query(Place::whole("a")));
        assert_eq!(exposure.metrics["a"].kind, Some(Kind::Counter));
    }
}
