//! The rollout file: TOML, every mistake at its place, all of them at once.

mod drivers;
mod gates;

use std::{collections::BTreeMap, sync::Arc};

use gonogo_actuators::{command, haproxy, kubernetes::Settings};
use gonogo_collectors::{
    ConfigurationError,
    configuration::table::{Errors, Table},
};
use gonogo_domain::rollout::{Deadlines, Gate, Percent, Plan, Release, Revision, Step, Watch};
use gonogo_formats::toml;
use jiff::SignedDuration;

use crate::budget::{self, BudgetFile};
pub use gates::{BySide, Capacity, Family, Http, MeterFile};

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
    pub sides: Sides,
}

/// Label matchers that stand for `$side`.
#[derive(Clone, Debug)]
pub enum Sides {
    Fixed {
        stable: String,
        canary: String,
    },
    /// By the groups of the driver, which change their roles with every promotion.
    Groups(BTreeMap<String, String>),
}

/// The `/metrics` of the service itself.
#[derive(Clone, Debug)]
pub enum Metrics {
    /// Of every server that the driver knows.
    Path(String),
    /// Addresses of each release.
    Addresses { stable: Vec<String>, canary: Vec<String> },
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
    let driver = drivers::driver(root);
    let prometheus = root.table("prometheus").and_then(|table| prometheus(&table, driver.as_ref()));
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
    let known = gates::Known {
        driver: driver.as_ref(),
        prometheus: prometheus.as_ref(),
        metrics: metrics.as_ref(),
        budget: budget.as_ref(),
    };
    let mut gates = Vec::new();
    let mut meters = Vec::new();
    for table in root.tables("gate").iter().take(MOST) {
        let read = gates::gate(table, &known);
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

fn prometheus(table: &Table<'_>, driver: Option<&DriverFile>) -> Option<PrometheusFile> {
    let url = table.required_text("url");
    let header = table.table("header").and_then(|table| {
        let read = (table.required_text("name"), table.required_text("variable"));
        table.finish();
        Some((read.0?, read.1?))
    });
    let (stable, canary) = (table.text("stable"), table.text("canary"));
    let groups = table.table("groups").map(|groups| groups.text_map_of_all());
    table.finish();
    let sides = match (driver, groups) {
        (Some(DriverFile::HaProxy(config)), groups) => {
            for key in ["stable", "canary"].into_iter().filter(|key| table.place_of(key).is_some()) {
                table.error(
                    key,
                    "groups change their roles with a promotion: write [prometheus.groups] with the matchers of each",
                );
            }
            let groups = groups.unwrap_or_default();
            let known = |names: &BTreeMap<String, String>| names.keys().eq(config.groups.keys());
            if table.place_of("groups").is_some() && !known(&groups) {
                table.error("groups", "it names other groups than [driver.haproxy.groups]");
            }
            Sides::Groups(groups)
        }
        (_, None) => Sides::Fixed { stable: stable.unwrap_or_default(), canary: canary.unwrap_or_default() },
        (_, Some(_)) => {
            table.error("groups", "the driver has no groups: write `stable` and `canary`");
            return None;
        }
    };
    Some(PrometheusFile { url: url?, header, sides })
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
    const GUIDE: &str = include_str!("../../../../docs/rollout.md");

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

    /// The mistakes of a gate of this kind, which stands on the lines from 10 on, with `/metrics` of the servers at hand.
    #[track_caller]
    fn check_gate(gate: &str, expect: &[&str]) {
        let (before, _) = LEAST.split_once("[[gate]]").unwrap();
        let head = "[metrics]\npath = \"/metrics\"\n[prometheus]\nurl = \"http://p:9090\"\n";
        let text = format!("{before}[[gate]]\nname = \"one\"\n{gate}\n{head}");
        check(&text, None, expect);
    }

    #[test]
    fn mistakes_of_the_gates_that_watch_one_release() {
        check_gate(
            "kind = \"saturation\"\nused = \"a\"\nlimit = 5\ncapacity = \"b\"",
            &["rollout.toml:13: of how much? either `limit`, a number above 0, or `capacity`, a family of /metrics"],
        );
        check_gate(
            "kind = \"saturation\"\nused = \"a\"\nlimit = 0",
            &["rollout.toml:13: of how much? either `limit`, a number above 0, or `capacity`, a family of /metrics"],
        );
        check_gate("kind = \"saturation\"\nused = \"a\"\nlimit = 5", &[]);
        check_gate("kind = \"burn\"", &[]);
        check_gate(
            "kind = \"requests\"",
            &["rollout.toml:9: `request` is missing: write [[gate.request]] with a path and the status that is right"],
        );
        check_gate(
            "kind = \"requests\"\n[[gate.request]]\npath = \"orders\"",
            &["rollout.toml:13: a path begins with /"],
        );
        check_gate(
            "kind = \"requests\"\naddress = \"ftp://a\"\n[[gate.request]]\npath = \"/a\"",
            &["rollout.toml:12: no address that can be asked: http://HOST/PATH"],
        );
    }

    #[test]
    fn mistakes_of_the_gate_that_reads_logs() {
        check_gate("kind = \"logs\"", &["rollout.toml:9: `files` is missing: the log files of each release"]);
        check_gate(
            "kind = \"logs\"\n[gate.files]\nblue = [\"/b\"]",
            &["rollout.toml:12: it lists the files of blue and of green"],
        );
        check_gate(
            "kind = \"logs\"\nbad = \"(\"\n[gate.files]\nblue = [\"/b\"]\ngreen = [\"/g\"]",
            &["rollout.toml:12: `(` is no pattern"],
        );
        check_gate("kind = \"logs\"\n[gate.files]\nblue = [\"/b\"]\ngreen = [\"/g\"]", &[]);
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
