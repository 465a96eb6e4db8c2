//! `[[gate]]`: what a release has to pass, and what it is read from.

use std::{collections::BTreeMap, time::Duration};

use gonogo_actuators::{command::Line, haproxy::Bad};
use gonogo_collectors::configuration::table::Table;
use gonogo_domain::rollout::{
    Gate, GateKind, When,
    analysis::{Condition, Conditions, Limits},
};
use regex::Regex;

use super::{DriverFile, Metrics, PrometheusFile, Sides, drivers::line, ratio_or, time};

/// A GET and what it has to answer.
#[derive(Clone, Debug)]
pub struct Http {
    pub url: String,
    pub status: u16,
    /// A place in a JSON answer (RFC 6901) with the text that has to stand there.
    pub equals: Option<(String, String)>,
    pub patience: Duration,
}

/// How a gate is read.
#[derive(Clone, Debug)]
pub enum MeterFile {
    /// Counters of the proxy that is the driver.
    HaProxy(Bad),
    /// Queries in which `$side` stands for the matchers of a release.
    PromCounts {
        total: String,
        bad: String,
    },
    PromHistogram {
        query: String,
    },
    PromValue {
        query: String,
    },
    /// Counters of the service's own metrics, and the labels of what goes wrong.
    Counts {
        total: Family,
        bad: BTreeMap<String, Regex>,
    },
    Histogram(Family),
    Http(Http),
    /// Passes with exit status 0; or prints a number, where the gate has conditions.
    Command(Line),
}

/// Series of `/metrics`: a family, and the labels (with patterns) that have to match.
#[derive(Clone, Debug)]
pub struct Family {
    pub name: String,
    pub labels: BTreeMap<String, Regex>,
}

/// What the rest of the file says that a gate may be read from.
pub(super) struct Known<'a> {
    pub driver: Option<&'a DriverFile>,
    pub prometheus: Option<&'a PrometheusFile>,
    pub metrics: Option<&'a Metrics>,
}

/// What a gate can be made of here.
const KINDS: [(&str, Kind); 5] = [
    ("errors", Kind::Compare),
    ("latency", Kind::Latency),
    ("value", Kind::Value),
    ("http", Kind::Http),
    ("command", Kind::Command),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Compare,
    Latency,
    Value,
    Http,
    Command,
}

pub(super) fn gate(table: &Table<'_>, known: &Known<'_>) -> Option<(Gate, MeterFile)> {
    let name = table.required_text("name");
    let Some(kind) = table.choice("kind", &KINDS) else {
        if table.place_of("kind").is_none() {
            table.error("kind", "`kind` is missing: errors, latency, value, http or command");
        }
        // Its other keys are not known without it.
        return None;
    };
    let defaults = Limits::default();
    let limits = Limits {
        failed: table.number("failed_limit").unwrap_or(defaults.failed),
        inconclusive: table.number("inconclusive_limit").unwrap_or(defaults.inconclusive),
        errors_in_a_row: table.number("error_limit").unwrap_or(defaults.errors_in_a_row),
    };
    let dry_run = table.bool("dry_run").is_some_and(|(dry, _)| dry);
    let when = table.choice("when", &[("always", When::Always), ("steps", When::Steps)]).unwrap_or_default();
    let asks_prometheus = || {
        if known.prometheus.is_none() {
            table.error("kind", "it asks Prometheus, and there is no [prometheus] url");
        }
    };
    let (kind, meter) = match kind {
        Kind::Compare => {
            let worse_by = ratio_or(table, "worse_by", 100.0, 100.0).unwrap_or(0.01);
            let at_most = ratio_or(table, "at_most", 100.0, 100.0);
            let meter = compare(table, known, &asks_prometheus);
            (GateKind::Compare { worse_by: worse_by.max(1e-6), at_most }, meter?)
        }
        Kind::Latency => {
            let worse_by = ratio_or(table, "worse_by", 100.0, 100.0).unwrap_or(0.05);
            let from = time(table, "from").map_or(0.025, |time| time.as_secs_f64());
            let (query, family) = (table.text("query"), table.text("histogram"));
            let meter = match (query, family) {
                (Some(query), None) => {
                    asks_prometheus();
                    has_side(table, known, "query", &query);
                    MeterFile::PromHistogram { query }
                }
                (None, Some(name)) => {
                    has_metrics(table, known.metrics);
                    MeterFile::Histogram(Family { name, labels: patterns(table, "labels") })
                }
                _ => {
                    table.error(
                        "query",
                        "either `query` (sum by (le) (…{$side})) or `histogram` (a family of /metrics)",
                    );
                    return None;
                }
            };
            (GateKind::Latency { worse_by: worse_by.max(1e-6), from }, meter)
        }
        Kind::Value => {
            let query = table.required_text("query");
            asks_prometheus();
            let conditions = conditions(table, true);
            (GateKind::Value { conditions: conditions? }, MeterFile::PromValue { query: query? })
        }
        Kind::Http => {
            let url = table.required_text("url");
            let status = table.number("status").unwrap_or(200);
            let (pointer, equals) = (table.text("pointer"), table.text("equals"));
            let patience = time(table, "patience").and_then(|time| Duration::try_from(time).ok());
            if pointer.is_some() != equals.is_some() {
                table.error("pointer", "`pointer` and `equals` belong together");
            }
            let url = url.filter(|url| {
                let fine = reqwest::Url::parse(url)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                if !fine {
                    table.error("url", "no address that can be asked: http://HOST/PATH");
                }
                fine
            });
            let patience = patience.unwrap_or(Duration::from_secs(5));
            (GateKind::Check, MeterFile::Http(Http { url: url?, status, equals: pointer.zip(equals), patience }))
        }
        Kind::Command => {
            let run = line(table, "run");
            if run.is_none() {
                table.error("run", "`run` is missing: [\"program\", \"argument\"]");
            }
            let kind = conditions(table, false).map_or(GateKind::Check, |conditions| GateKind::Value { conditions });
            (kind, MeterFile::Command(run?))
        }
    };
    Some((Gate { name: name?, kind, limits, when, dry_run }, meter))
}

fn compare(table: &Table<'_>, known: &Known<'_>, asks_prometheus: &dyn Fn()) -> Option<MeterFile> {
    let haproxy =
        table.choice("haproxy", &[("server-errors", Bad::ServerErrors), ("client-errors", Bad::ClientErrors)]);
    let (total, bad) = (table.text("total"), table.text("bad"));
    let bad_labels = table.place_of("bad_labels").map(|_| patterns(table, "bad_labels"));
    match (haproxy, total, bad, bad_labels) {
        (Some(bad), None, None, None) => {
            if !matches!(known.driver, Some(DriverFile::HaProxy(_)) | None) {
                table.error("haproxy", "the driver is not HAProxy: it counts nothing");
            }
            Some(MeterFile::HaProxy(bad))
        }
        (None, Some(total), Some(bad), None) => {
            asks_prometheus();
            has_side(table, known, "total", &total);
            has_side(table, known, "bad", &bad);
            Some(MeterFile::PromCounts { total, bad })
        }
        (None, Some(name), None, Some(bad)) => {
            has_metrics(table, known.metrics);
            Some(MeterFile::Counts { total: Family { name, labels: patterns(table, "labels") }, bad })
        }
        _ if table.place_of("haproxy").is_some() && haproxy.is_none() => None,
        _ => {
            table.error(
                "haproxy",
                "what is counted? `haproxy = \"server-errors\"`, or the queries `total` and `bad` of Prometheus, or `total` \
                 with [gate.bad_labels] of /metrics",
            );
            None
        }
    }
}

/// Labels with patterns, each of which has to match the whole of a value.
fn patterns(table: &Table<'_>, key: &'static str) -> BTreeMap<String, Regex> {
    let mut patterns = BTreeMap::new();
    for (label, pattern) in table.table(key).map(|labels| labels.text_map_of_all()).unwrap_or_default() {
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(pattern) => drop(patterns.insert(label, pattern)),
            Err(_) => table.error(key, &format!("`{pattern}` is no pattern")),
        }
    }
    patterns
}

fn has_side(table: &Table<'_>, known: &Known<'_>, key: &'static str, query: &str) {
    if matches!(known.prometheus.map(|asked| &asked.sides), Some(Sides::Groups(groups)) if groups.is_empty()) {
        table.error(key, "which series are of which group? write [prometheus.groups] with the matchers of each");
    }
    if !query.contains("$side") {
        table.error(key, "the query does not tell the two releases apart: put `$side` among its label matchers");
    }
}

fn has_metrics(table: &Table<'_>, metrics: Option<&Metrics>) {
    if metrics.is_none() {
        table.error("kind", "it reads /metrics, and there is no [metrics] path");
    }
}

fn conditions(table: &Table<'_>, required: bool) -> Option<Conditions> {
    let condition = |key: &'static str| {
        let text = table.text(key)?;
        let parsed: Result<Condition, _> = text.parse();
        if let Err(error) = &parsed {
            table.error(key, &error.to_string());
        }
        parsed.ok()
    };
    let (success, failure) = (condition("success"), condition("failure"));
    let conditions = Conditions::new(success, failure);
    if conditions.is_none() && required && table.place_of("success").is_none() && table.place_of("failure").is_none() {
        table.error("success", "neither `success` nor `failure` says what is good: write `success = \"< 0.05\"`");
    }
    conditions
}
