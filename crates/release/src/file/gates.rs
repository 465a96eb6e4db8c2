//! `[[gate]]`: what a release has to pass, and what it is read from.

use std::{collections::BTreeMap, time::Duration};

use gonogo_actuators::{command::Line, haproxy::Bad};
use gonogo_collectors::configuration::table::Table;
use gonogo_domain::rollout::{
    Gate, GateKind, When,
    analysis::{Condition, Conditions, Limits, Than},
};
use regex::Regex;

use crate::budget::BudgetFile;

use super::{DriverFile, Metrics, PrometheusFile, Sides, drivers::line, ratio_or, time};

/// A request and what it has to be answered.
#[derive(Clone, Debug)]
pub struct Http {
    pub method: String,
    /// The whole address, or only the path where it goes to every server.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
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
    /// Requests to every server of the canary, or to this address, with a header whose value a variable holds.
    Requests {
        address: Option<String>,
        requests: Vec<Http>,
        header: Option<(String, String)>,
    },
    /// Lines of files, and the pattern of those that tell of an error; none: by their level.
    Logs {
        files: BySide,
        bad: Option<Regex>,
    },
    /// What is used of a capacity, of the fullest server.
    Saturation {
        used: Family,
        capacity: Capacity,
    },
    /// How fast error budgets burn: objectives below a folder, and the name of one; none: all of the service.
    Burn {
        objectives: String,
        objective: Option<String>,
    },
    /// Passes with exit status 0; or prints a number, where the gate has conditions.
    Command(Line),
}

/// Series of `/metrics`: a family, and the labels (with patterns) that have to match.
#[derive(Clone, Debug)]
pub struct Family {
    pub name: String,
    pub labels: BTreeMap<String, Regex>,
}

/// What there is at most.
#[derive(Clone, Debug)]
pub enum Capacity {
    Number(f64),
    Family(Family),
}

/// Files of each release.
#[derive(Clone, Debug)]
pub enum BySide {
    Fixed {
        stable: Vec<String>,
        canary: Vec<String>,
    },
    /// By the groups of the driver, which change their roles.
    Groups(BTreeMap<String, Vec<String>>),
}

/// What the rest of the file says that a gate may be read from.
pub(super) struct Known<'a> {
    pub driver: Option<&'a DriverFile>,
    pub prometheus: Option<&'a PrometheusFile>,
    pub metrics: Option<&'a Metrics>,
    pub budget: Option<&'a BudgetFile>,
}

/// What a gate can be made of here.
const KINDS: [(&str, Kind); 9] = [
    ("errors", Kind::Compare),
    ("latency", Kind::Latency),
    ("value", Kind::Value),
    ("http", Kind::Http),
    ("command", Kind::Command),
    ("burn", Kind::Burn),
    ("saturation", Kind::Saturation),
    ("logs", Kind::Logs),
    ("requests", Kind::Requests),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Compare,
    Latency,
    Value,
    Http,
    Command,
    Burn,
    Saturation,
    Logs,
    Requests,
}

pub(super) fn gate(table: &Table<'_>, known: &Known<'_>) -> Option<(Gate, MeterFile)> {
    let name = table.required_text("name");
    let Some(kind) = table.choice("kind", &KINDS) else {
        if table.place_of("kind").is_none() {
            table.error(
                "kind",
                "`kind` is missing: errors, latency, value, burn, saturation, logs, http, requests or command",
            );
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
    let when = table.choice("when", &[("always", When::Always), ("steps", When::Steps)]);
    // Files of stable say nothing of a promotion, and without a canary there is nobody to send requests to.
    let usual = if matches!(kind, Kind::Logs | Kind::Requests) { When::Steps } else { When::default() };
    let when = when.unwrap_or(usual);
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
        Kind::Burn => {
            asks_prometheus();
            let (objectives, objective) = (table.text("objectives"), table.text("objective"));
            let objectives = objectives.or_else(|| known.budget.map(|budget| budget.objectives.clone()));
            let conditions = Conditions::new(None, "> 1".parse().ok())?;
            let meter = MeterFile::Burn { objectives: objectives.unwrap_or_else(|| ".".to_owned()), objective };
            (GateKind::Value { conditions }, meter)
        }
        Kind::Saturation => saturation(table, known)?,
        Kind::Logs => {
            let worse_by = ratio_or(table, "worse_by", 100.0, 100.0).unwrap_or(0.01);
            let at_most = ratio_or(table, "at_most", 100.0, 100.0);
            let bad = table.text("bad").and_then(|pattern| {
                let read = Regex::new(&pattern);
                if read.is_err() {
                    table.error("bad", &format!("`{pattern}` is no pattern"));
                }
                read.ok()
            });
            let files = files(table, known)?;
            (GateKind::Compare { worse_by: worse_by.max(1e-6), at_most }, MeterFile::Logs { files, bad })
        }
        Kind::Requests => (GateKind::Check, requests(table, known)?),
        Kind::Http => {
            let url = table.required_text("url");
            let asked = request(table, String::new());
            let url = url.filter(|url| is_address(table, "url", url));
            (GateKind::Check, MeterFile::Http(Http { url: url?, ..asked }))
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

/// What a request is and what it has to be answered, whereever it goes.
fn request(table: &Table<'_>, url: String) -> Http {
    let status = table.number("status").unwrap_or(200);
    let (pointer, equals) = (table.text("pointer"), table.text("equals"));
    if pointer.is_some() != equals.is_some() {
        table.error("pointer", "`pointer` and `equals` belong together");
    }
    let patience = time(table, "patience").and_then(|time| Duration::try_from(time).ok());
    Http {
        method: table.text("method").map_or_else(|| "GET".to_owned(), |method| method.to_uppercase()),
        url,
        headers: table.text_map("headers"),
        body: table.text("body"),
        status,
        equals: pointer.zip(equals),
        patience: patience.unwrap_or(Duration::from_secs(5)),
    }
}

fn is_address(table: &Table<'_>, key: &'static str, url: &str) -> bool {
    let fine = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fine {
        table.error(key, "no address that can be asked: http://HOST/PATH");
    }
    fine
}

/// `[[gate.request]]`.
fn requests(table: &Table<'_>, known: &Known<'_>) -> Option<MeterFile> {
    let address = table.text("address").filter(|address| is_address(table, "address", address));
    if address.is_none()
        && table.place_of("address").is_none()
        && !matches!(known.driver, Some(DriverFile::HaProxy(_)) | None)
    {
        table.error("address", "`address` is missing: the driver does not know where the servers of the canary listen");
    }
    let header = table.table("header").and_then(|table| {
        let read = (table.required_text("name"), table.required_text("variable"));
        table.finish();
        read.0.zip(read.1)
    });
    let mut requests = Vec::new();
    for one in table.tables("request").iter().take(super::MOST) {
        let path = one.required_text("path");
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            one.error("path", "a path begins with /");
        }
        requests.extend(path.map(|path| request(one, path)));
        one.finish();
    }
    if table.place_of("request").is_none() {
        table.error("request", "`request` is missing: write [[gate.request]] with a path and the status that is right");
    }
    (!requests.is_empty()).then_some(MeterFile::Requests { address, requests, header })
}

fn saturation(table: &Table<'_>, known: &Known<'_>) -> Option<(GateKind, MeterFile)> {
    has_metrics(table, known.metrics);
    let used = table.required_text("used").map(|name| Family { name, labels: patterns(table, "labels") });
    let at_most = table.float("at_most").unwrap_or(90.0);
    let capacity = match (table.text("capacity"), table.place_of("limit").and_then(|_| table.float("limit"))) {
        (Some(name), None) => Some(Capacity::Family(Family { name, labels: BTreeMap::new() })),
        (None, Some(number)) if number > 0.0 => Some(Capacity::Number(number)),
        _ => {
            table.error("limit", "of how much? either `limit`, a number above 0, or `capacity`, a family of /metrics");
            None
        }
    };
    let failure = Condition { than: Than::More, bound: at_most };
    let conditions = Conditions::new(None, Some(failure))?;
    Some((GateKind::Value { conditions }, MeterFile::Saturation { used: used?, capacity: capacity? }))
}

/// `[gate.files]`: lists of paths by group, or of stable and canary.
fn files(table: &Table<'_>, known: &Known<'_>) -> Option<BySide> {
    let Some(files) = table.table("files") else {
        table.error("files", "`files` is missing: the log files of each release");
        return None;
    };
    let mut lists = files.lists_of_texts();
    let names: Vec<&str> = match known.driver {
        Some(DriverFile::HaProxy(config)) => config.groups.keys().map(String::as_str).collect(),
        _ => vec!["canary", "stable"],
    };
    if !lists.keys().map(String::as_str).eq(names.iter().copied()) || lists.values().any(Vec::is_empty) {
        table.error("files", &format!("it lists the files of {}", names.join(" and of ")));
        return None;
    }
    Some(match known.driver {
        Some(DriverFile::HaProxy(_)) => BySide::Groups(lists),
        _ => BySide::Fixed { canary: lists.remove("canary")?, stable: lists.remove("stable")? },
    })
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
