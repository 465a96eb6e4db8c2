//! The rollout file: TOML, every mistake at its place, all of them at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use gonogo_actuators::{
    command::{self, Counted, Line},
    haproxy::{self, Bad},
    kubernetes::Settings,
};
use gonogo_collectors::{
    ConfigurationError,
    configuration::table::{Errors, Table},
};
use gonogo_domain::rollout::{
    Deadlines, Gate, GateKind, Percent, Plan, Release, Revision, Step, Watch, When,
    analysis::{Condition, Conditions, Limits},
};
use gonogo_formats::toml;
use jiff::SignedDuration;
use regex::Regex;

use crate::budget::{self, BudgetFile};

/// A rollout file, valid.
#[derive(Clone, Debug)]
pub struct File {
    pub plan: Plan,
    /// The service of the repository that it rolls out, for its review.
    pub service: String,
    /// Where: `staging`, `production`.
    pub environment: String,
    pub driver: DriverFile,
    /// One for each gate of the plan, in its order.
    pub meters: Vec<MeterFile>,
    pub prometheus: Option<PrometheusFile>,
    pub metrics: Option<Metrics>,
    pub traffic: Traffic,
    pub budget: Option<BudgetFile>,
}

/// The driver that is named.
#[derive(Clone, Debug)]
pub enum DriverFile {
    HaProxy(haproxy::Config),
    Script(command::Config),
    Kubernetes(Settings),
}

/// What is known of the traffic beforehand, for the forecast.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Requests a second of the whole service; none: measured.
    pub rate: Option<f64>,
    /// The ratio of requests that go wrong now; none: measured.
    pub errors: Option<f64>,
}

/// A Prometheus, and how the two releases are told apart in its series.
#[derive(Clone, Debug)]
pub struct PrometheusFile {
    pub url: String,
    /// A header, and the variable of the environment that holds its value.
    pub header: Option<(String, String)>,
    /// Label matchers that stand for `$side`.
    pub stable: String,
    pub canary: String,
}

/// The `/metrics` of the service itself.
#[derive(Clone, Debug)]
pub enum Metrics {
    /// Of every server that the driver knows.
    Path(String),
    /// Addresses of each release.
    Addresses { stable: Vec<String>, canary: Vec<String> },
}

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
    /// Counters of the service's own metrics: the family, and the labels (with patterns) of what goes wrong.
    Counts {
        total: String,
        bad: BTreeMap<String, Regex>,
    },
    Histogram {
        family: String,
    },
    Http(Http),
    /// Passes with exit status 0; or prints a number, where the gate has conditions.
    Command(Line),
}

/// More of each than a person would write.
const MOST: usize = 100;

impl File {
    /// Reads a rollout file. `revision` and `version` stand for what the file leaves to whoever starts it.
    ///
    /// # Errors
    /// Every thing that is wrong, in the order of the file.
    pub fn parse(path: &Arc<str>, text: &str, revision: Option<&str>) -> Result<Self, Vec<ConfigurationError>> {
        let root = toml::parse(path, text)
            .map_err(|error| vec![ConfigurationError { place: error.place, message: error.reason }])?;
        let errors = Errors::default();
        let table = Table::new(&root, &errors);
        let file = read(&table, revision);
        table.finish();
        // What is missing was said at its place.
        let missing = || ConfigurationError { place: root.place.clone(), message: "it is no rollout file".to_owned() };
        errors.into_result(file)?.ok_or_else(|| vec![missing()])
    }
}

fn read(root: &Table<'_>, revision: Option<&str>) -> Option<File> {
    let name = root.required_text("name").filter(|name| {
        let fine = name.len() <= 60
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
            && !name.starts_with('.');
        if !fine {
            root.error("name", "a name is made of letters, digits, `-`, `_` and `.`: it names a folder");
        }
        fine
    });
    let driver = driver(root);
    let prometheus = root.table("prometheus").and_then(|table| prometheus(&table));
    let budget = root.table("budget").and_then(|table| budget::read(&table, prometheus.as_ref()));
    let metrics = root.table("metrics").and_then(|table| metrics(&table));
    let release = root.table("release").and_then(|table| release(&table, revision));
    let release = match (release, revision) {
        (Some(release), _) => Some(release),
        (None, Some(revision)) => {
            let revision = Revision(revision.to_owned());
            Some(Release { revision, version: None, cause: String::new(), parts: BTreeMap::new() })
        }
        // What is wrong in the section was said there.
        (None, None) if root.place_of("release").is_some() => None,
        (None, None) => {
            root.error("release", "which revision? write [release] revision = \"…\", or start it with --revision");
            None
        }
    };
    let watch = |table: &Table<'_>, length: SignedDuration| {
        let length = time(table, "watch").unwrap_or(length);
        let at_most = time(table, "at_most").unwrap_or_else(|| length.saturating_mul(3));
        if at_most < length {
            table.error("at_most", "`at_most` is shorter than `watch`");
        }
        Watch { length, at_most }
    };
    let minutes = SignedDuration::from_mins;
    let default = |share: u16, length| Step {
        share: Percent::of_hundredths(share * 100),
        watch: Watch { length: minutes(length), at_most: minutes(length * 3) },
    };
    let mut steps: Vec<Step> = Vec::new();
    let tables = root.tables("step");
    for table in tables.iter().take(MOST) {
        let share = percent(table, "share");
        let step = share.map(|share| Step { share, watch: watch(table, minutes(10)) });
        table.finish();
        match (step, table.place_of("share")) {
            (None, None) => table.error("share", "`share` is missing: how many percent of the traffic"),
            (Some(step), _) if step.share == Percent::ZERO || step.share == Percent::WHOLE => {
                table.error(
                    "share",
                    "a share lies between 0 and 100: the promotion to 100 comes by itself after the last step",
                );
            }
            (Some(step), _) if steps.last().is_some_and(|before| before.share >= step.share) => {
                table.error("share", "shares rise from step to step");
            }
            (Some(step), _) => steps.push(step),
            (None, Some(_)) => {}
        }
    }
    if tables.is_empty() {
        steps = vec![default(10, 10), default(50, 5)];
    }
    let after = root.table("after").map_or(default(0, 10).watch, |table| {
        let after = watch(&table, minutes(10));
        table.finish();
        after
    });
    let mut gates = Vec::new();
    let mut meters = Vec::new();
    for table in root.tables("gate").iter().take(MOST) {
        let read = gate(table, driver.as_ref(), prometheus.as_ref(), metrics.as_ref());
        table.finish();
        if let Some((gate, meter)) = read {
            if gates.iter().any(|other: &Gate| other.name == gate.name) {
                table.error("name", "another gate has this name");
            }
            gates.push(gate);
            meters.push(meter);
        }
    }
    if root.tables("gate").is_empty() {
        root.error("gate", "no gate: nothing would hold a bad release; write a [[gate]]");
    }
    let traffic = root.table("traffic").map_or_else(Traffic::default, |table| {
        let traffic =
            Traffic { rate: ratio_or(&table, "rate", 1e6, 1.0), errors: ratio_or(&table, "errors", 100.0, 100.0) };
        table.finish();
        traffic
    });
    let every = time(root, "every").unwrap_or(SignedDuration::from_secs(30));
    let warm_up = time(root, "warm_up").unwrap_or(SignedDuration::from_secs(30));
    let share_tolerance = percent(root, "share_tolerance").unwrap_or(Percent::of_hundredths(500));
    let false_alarms = ratio_or(root, "false_alarms", 50.0, 100.0).filter(|ratio| *ratio > 0.0).unwrap_or(0.001);
    let restarts = root.number("restarts").unwrap_or(0);
    let service = root.text("service");
    let environment = root.text("environment").unwrap_or_else(|| "production".to_owned());
    let deadlines = root.table("deadlines").map_or_else(Deadlines::default, |table| deadlines(&table));
    let (name, release, driver) = (name?, release?, driver?);
    let plan = Plan {
        name: name.clone(),
        release,
        steps,
        after,
        every,
        warm_up,
        deadlines,
        share_tolerance,
        restarts,
        gates,
        false_alarms,
    };
    Some(File {
        plan,
        service: service.unwrap_or(name),
        environment,
        driver,
        meters,
        prometheus,
        metrics,
        traffic,
        budget,
    })
}

fn release(table: &Table<'_>, revision: Option<&str>) -> Option<Release> {
    let written = table.text("revision");
    let release = Release {
        revision: Revision(revision.map(str::to_owned).or(written).unwrap_or_default()),
        version: table.text("version"),
        cause: table.text("cause").unwrap_or_default(),
        parts: table.text_map("parts"),
    };
    table.finish();
    if release.revision.0.is_empty() {
        table.error("revision", "`revision` is missing: write it, or start with --revision");
        return None;
    }
    Some(release)
}

fn deadlines(table: &Table<'_>) -> Deadlines {
    let default = Deadlines::default();
    let read = Deadlines {
        ready: time(table, "ready").unwrap_or(default.ready),
        promotion: time(table, "promotion").unwrap_or(default.promotion),
        blind: time(table, "blind").unwrap_or(default.blind),
        hold: time(table, "hold").unwrap_or(default.hold),
        rollback: time(table, "rollback").unwrap_or(default.rollback),
    };
    table.finish();
    read
}

fn driver(root: &Table<'_>) -> Option<DriverFile> {
    let Some(section) = root.table("driver") else {
        root.error("driver", "`driver` is missing: [driver.kubernetes], [driver.haproxy] or [driver.command]");
        return None;
    };
    let haproxy = section.table("haproxy").and_then(|table| haproxy(&table));
    let script = section.table("command").and_then(|table| script(&table));
    let cluster = section.table("kubernetes").and_then(|table| crate::cluster::kubernetes(&table));
    section.finish();
    match (haproxy, script, cluster) {
        (Some(config), None, None) => Some(DriverFile::HaProxy(config)),
        (None, Some(config), None) => Some(DriverFile::Script(config)),
        (None, None, Some(settings)) => Some(DriverFile::Kubernetes(settings)),
        (None, None, None) => {
            if ["haproxy", "command", "kubernetes"].into_iter().all(|name| section.table(name).is_none()) {
                root.error("driver", "which driver? [driver.kubernetes], [driver.haproxy] or [driver.command]");
            }
            None
        }
        _ => {
            root.error("driver", "one driver, not two");
            None
        }
    }
}

fn haproxy(table: &Table<'_>) -> Option<haproxy::Config> {
    let socket = table.required_text("socket");
    let backend = table.required_text("backend");
    let groups: BTreeMap<String, Vec<String>> = match table.table("groups") {
        None => {
            table.error("groups", "`groups` is missing: two groups of servers, of which one has the traffic");
            BTreeMap::new()
        }
        Some(groups) => groups.lists_of_texts(),
    };
    let version = match table.table("version") {
        None => {
            table.error("version", "`version` is missing: where a server says which revision it runs");
            None
        }
        Some(version) => {
            let read = version.required_text("path").map(|path| (path, version.text("pointer")));
            version.finish();
            read.map(|(path, pointer)| haproxy::Version { path, pointer })
        }
    };
    let prepare = line(table, "prepare");
    table.finish();
    let (socket, backend, version) = (socket?, backend?, version?);
    Some(haproxy::Config { socket: haproxy::Address(socket), backend, groups, version, prepare })
}

fn script(table: &Table<'_>) -> Option<command::Config> {
    let verb = |key: &'static str| {
        let read = line(table, key);
        if read.is_none() && table.place_of(key).is_none() {
            table.error(key, &format!("`{key}` is missing: [\"program\", \"argument\"]"));
        }
        read
    };
    let verbs = (
        verb("observe"),
        verb("prepare"),
        verb("set_share"),
        verb("promote"),
        verb("retire"),
        verb("abort"),
        verb("undo"),
    );
    let unit =
        table.choice("unit", &[("weights", Counted::Weights), ("replicas", Counted::Replicas)]).unwrap_or_default();
    table.finish();
    let (Some(observe), Some(prepare), Some(set_share), Some(promote), Some(retire), Some(abort), Some(undo)) = verbs
    else {
        return None;
    };
    Some(command::Config { observe, prepare, set_share, promote, retire, abort, undo, unit })
}

/// `["program", "argument"]`, with the patience of all commands of its table.
fn line(table: &Table<'_>, key: &'static str) -> Option<Line> {
    table.place_of(key)?;
    let words = table.texts(key);
    if words.is_empty() {
        return None;
    }
    let patience = time(table, "patience").and_then(|time| Duration::try_from(time).ok());
    Some(Line { words, patience: patience.unwrap_or(Duration::from_mins(1)) })
}

fn prometheus(table: &Table<'_>) -> Option<PrometheusFile> {
    let url = table.required_text("url");
    let header = table.table("header").and_then(|table| {
        let read = (table.required_text("name"), table.required_text("variable"));
        table.finish();
        Some((read.0?, read.1?))
    });
    let (stable, canary) = (table.text("stable").unwrap_or_default(), table.text("canary").unwrap_or_default());
    table.finish();
    Some(PrometheusFile { url: url?, header, stable, canary })
}

fn metrics(table: &Table<'_>) -> Option<Metrics> {
    let path = table.text("path");
    let (stable, canary) = (table.texts("stable"), table.texts("canary"));
    table.finish();
    match path {
        Some(path) if path.starts_with('/') => Some(Metrics::Path(path)),
        Some(_) => {
            table.error("path", "a path begins with /");
            None
        }
        None if !stable.is_empty() && !canary.is_empty() => Some(Metrics::Addresses { stable, canary }),
        None => {
            table.error("path", "either `path`, on every server of the driver, or the addresses `stable` and `canary`");
            None
        }
    }
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

fn gate(
    table: &Table<'_>,
    driver: Option<&DriverFile>,
    prometheus: Option<&PrometheusFile>,
    metrics: Option<&Metrics>,
) -> Option<(Gate, MeterFile)> {
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
        if prometheus.is_none() {
            table.error("kind", "it asks Prometheus, and there is no [prometheus] url");
        }
    };
    let (kind, meter) = match kind {
        Kind::Compare => {
            let worse_by = ratio_or(table, "worse_by", 100.0, 100.0).unwrap_or(0.01);
            let at_most = ratio_or(table, "at_most", 100.0, 100.0);
            let meter = compare(table, driver, metrics, &asks_prometheus);
            (GateKind::Compare { worse_by: worse_by.max(1e-6), at_most }, meter?)
        }
        Kind::Latency => {
            let worse_by = ratio_or(table, "worse_by", 100.0, 100.0).unwrap_or(0.05);
            let from = time(table, "from").map_or(0.025, |time| time.as_secs_f64());
            let (query, family) = (table.text("query"), table.text("histogram"));
            let meter = match (query, family) {
                (Some(query), None) => {
                    asks_prometheus();
                    has_side(table, "query", &query);
                    MeterFile::PromHistogram { query }
                }
                (None, Some(family)) => {
                    has_metrics(table, metrics);
                    MeterFile::Histogram { family }
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

fn compare(
    table: &Table<'_>,
    driver: Option<&DriverFile>,
    metrics: Option<&Metrics>,
    asks_prometheus: &dyn Fn(),
) -> Option<MeterFile> {
    let haproxy =
        table.choice("haproxy", &[("server-errors", Bad::ServerErrors), ("client-errors", Bad::ClientErrors)]);
    let (total, bad) = (table.text("total"), table.text("bad"));
    let labels = table.table("bad_labels").map(|labels| labels.text_map_of_all());
    match (haproxy, total, bad, labels) {
        (Some(bad), None, None, None) => {
            if !matches!(driver, Some(DriverFile::HaProxy(_)) | None) {
                table.error("haproxy", "the driver is not HAProxy: it counts nothing");
            }
            Some(MeterFile::HaProxy(bad))
        }
        (None, Some(total), Some(bad), None) => {
            asks_prometheus();
            has_side(table, "total", &total);
            has_side(table, "bad", &bad);
            Some(MeterFile::PromCounts { total, bad })
        }
        (None, Some(total), None, Some(labels)) => {
            has_metrics(table, metrics);
            let mut patterns = BTreeMap::new();
            for (label, pattern) in labels {
                match Regex::new(&format!("^(?:{pattern})$")) {
                    Ok(pattern) => drop(patterns.insert(label, pattern)),
                    Err(_) => table.error("bad_labels", &format!("`{pattern}` is no pattern")),
                }
            }
            Some(MeterFile::Counts { total, bad: patterns })
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

fn has_side(table: &Table<'_>, key: &'static str, query: &str) {
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

fn percent(table: &Table<'_>, key: &'static str) -> Option<Percent> {
    let number = table.float(key)?;
    let percent = Percent::try_from(number);
    if let Err(error) = &percent {
        table.error(key, &error.to_string());
    }
    percent.ok()
}

/// A number from 0 to this, divided: percent become ratios.
fn ratio_or(table: &Table<'_>, key: &'static str, most: f64, divided: f64) -> Option<f64> {
    let number = table.float(key)?;
    if !(0.0..=most).contains(&number) {
        table.error(key, &format!("`{key}` lies between 0 and {most}"));
        return None;
    }
    Some(number / divided)
}

fn time(table: &Table<'_>, key: &'static str) -> Option<SignedDuration> {
    table.duration(key).map(|stated| stated.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that people copy.
    const GUIDE: &str = include_str!("../../../docs/rollout.md");

    #[track_caller]
    fn check(text: &str, revision: Option<&str>, expect: &[&str]) {
        let said = match File::parse(&Arc::from("rollout.toml"), text, revision) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(said, expect);
    }

    const LEAST: &str = "name = \"shop\"\n[release]\nrevision = \"2\"\n[driver.haproxy]\nsocket = \"/s\"\nbackend = \"app\"\n\
        groups = { blue = [\"a\"], green = [\"b\"] }\nversion = { path = \"/version\" }\n\
        [[gate]]\nname = \"errors\"\nkind = \"errors\"\nhaproxy = \"server-errors\"\n";

    #[test]
    fn every_example_of_the_guide_is_valid() {
        let examples: Vec<&str> =
            GUIDE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(examples.len() >= 2, "the guide has examples");
        for example in examples {
            check(example, Some("1.5.0"), &[]);
        }
    }

    #[test]
    fn what_is_not_said_is_the_source_s_recipe_made_honest() {
        let file = File::parse(&Arc::from("rollout.toml"), LEAST, None).unwrap();
        let minutes = |step: &Step| (step.share.to_string(), step.watch.length.as_mins(), step.watch.at_most.as_mins());
        let steps: Vec<_> = file.plan.steps.iter().map(minutes).collect();
        assert_eq!(steps, [("10 %".to_owned(), 10, 30), ("50 %".to_owned(), 5, 15)]);
        assert_eq!((file.plan.after.length.as_mins(), file.plan.deadlines.ready.as_secs()), (10, 600));
        assert_eq!((file.service.as_str(), file.environment.as_str()), ("shop", "production"));
    }

    #[test]
    fn mistakes_are_said_at_their_places() {
        check(
            &LEAST.replace("revision = \"2\"", "cause = \"x\""),
            None,
            &["rollout.toml:2: `revision` is missing: write it, or start with --revision"],
        );
        check(
            &LEAST.replace("server-errors", "errors"),
            None,
            &["rollout.toml:12: `haproxy` is none of server-errors, client-errors"],
        );
        check(
            &LEAST.replace("[[gate]]", "[[step]]\nshare = 100\n[[gate]]"),
            None,
            &[
                "rollout.toml:10: a share lies between 0 and 100: the promotion to 100 comes by itself after the last step",
            ],
        );
    }

    #[test]
    fn a_revision_of_the_command_line_comes_before_that_of_the_file() {
        let file = File::parse(&Arc::from("rollout.toml"), LEAST, Some("3")).unwrap();
        assert_eq!(file.plan.release.revision.0, "3");
    }
}
