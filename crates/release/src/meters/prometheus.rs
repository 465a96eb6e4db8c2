//! Counters of both releases, asked of Prometheus in one question, so that all of them are of the same moment.

use std::collections::BTreeMap;

use gonogo_collectors::metrics::Prometheus;
use gonogo_formats::promql;

use super::{
    Once,
    growth::{ALL, BAD, Growth, Side},
};

/// The label that tells the parts of a question apart in its answer.
const PART: &str = "gonogo_part";

const SIDES: [Side; 2] = [Side::Stable, Side::Canary];

/// Counters of one side, as [`Growth::add`] takes them.
type Counters = Vec<(String, String, f64)>;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted<'a> {
    /// Queries of a number each.
    Requests { total: &'a str, bad: &'a str },
    /// One query of buckets with their label `le`.
    Buckets(&'a str),
}

impl<'a> Counted<'a> {
    /// What each query counts; none: its label `le` says.
    fn queries(self) -> Vec<(Option<&'static str>, &'a str)> {
        match self {
            Self::Requests { total, bad } => vec![(Some(ALL), total), (Some(BAD), bad)],
            Self::Buckets(query) => vec![(None, query)],
        }
    }
}

/// The counters of stable and of the canary, whose matchers stand for `$side`.
pub(super) async fn ask(
    prometheus: &Prometheus,
    once: &mut Once,
    counted: Counted<'_>,
    matchers: &[String; 2],
) -> Result<[Counters; 2], String> {
    let queries = counted.queries();
    let parts: Vec<(usize, Option<&str>, String)> = matchers
        .iter()
        .enumerate()
        .flat_map(|(side, matcher)| queries.iter().map(move |(what, query)| (side, *what, of_side(query, matcher))))
        .collect();
    let question: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(place, (.., query))| format!(r#"label_replace({query}, "{PART}", "{place}", "", "")"#))
        .collect();
    let samples = prometheus.instant(&question.join(" or "), None).await.map_err(|error| once.told(&error))?.value;
    let mut counters = [Counters::new(), Counters::new()];
    for mut sample in samples {
        let part = sample.labels.remove(PART).and_then(|place| parts.get(place.parse::<usize>().ok()?));
        let Some((side, what, _)) = part else { continue };
        let what = match what {
            Some(what) => (*what).to_owned(),
            None => match sample.labels.remove("le") {
                Some(bound) => bound,
                None => continue,
            },
        };
        if let Some(counters) = counters.get_mut(*side) {
            counters.push((what, which(&sample.labels), sample.value));
        }
    }
    // What goes wrong says nothing where nothing says of how many: no series of it is none of it.
    for counters in &mut counters {
        if counters.iter().all(|(what, ..)| what == BAD) {
            counters.clear();
        }
    }
    Ok(counters)
}

/// Which of the sides have counters now.
pub(super) fn add(growth: &mut Growth, counters: &[Counters; 2], matchers: &[String; 2]) -> [bool; 2] {
    let mut said = [false, false];
    for (((said, side), counters), matcher) in said.iter_mut().zip(SIDES).zip(counters).zip(matchers) {
        *said = growth.add(matcher, side, counters);
    }
    said
}

/// By process, where the query can be asked so: a process that goes would take what it counted out of the sum.
fn of_side(query: &str, matcher: &str) -> String {
    let query = query.replace("$side", matcher);
    promql::by_process(&query).unwrap_or(query)
}

/// What tells a series from others of its part.
pub(super) fn which(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect::<Vec<_>>().join(",")
}
