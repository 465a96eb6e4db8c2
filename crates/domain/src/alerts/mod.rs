//! Alert rules, their tests, their routes and a dashboard, made from what a service is seen to expose.
//!
//! [`Exposure`] is what was seen of its metrics, [`Signals`] says which of them tells what (or what is missing to know it),
//! and [`rules()`], [`Routing`] and [`Dashboard`] are made from that. No name of a metric or of a label is invented: what is
//! not known is a [`Lack`], and nothing is written for it.

mod clay;
mod counts;
mod dashboard;
mod exposure;
mod golden;
mod responses;
mod routing;
mod signals;
mod stories;

pub use dashboard::{Dashboard, Mark, Panel, Query, Row, dashboard};
pub use exposure::{Exposure, Kind, Metric, Origin};
pub use responses::Priority;
pub use routing::{Channel, Grouping, Inhibition, Receiver, Route, Routing, routing};
pub use signals::{ClaySignals, Count, Lack, Pace, Saturation, Signals, Timing, Wish, statuses};

use crate::rules::{Alert, Group, Labels, Span, Trial};

/// Whom the alerts belong to, and where their runbooks lie.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    pub service: String,
    pub team: Option<String>,
    /// Links to runbooks by the names of alerts.
    pub runbooks: std::collections::BTreeMap<String, String>,
}

/// An alert with what proves it.
#[derive(Clone, Debug)]
pub struct Proven {
    pub alert: Alert,
    pub priority: Priority,
    /// The row of the table of the Clay checklist that it stands for.
    pub row: Option<&'static str>,
    /// Stories in which it fires, and in which it stays quiet.
    pub trials: Vec<Trial>,
}

/// Everything that `gonogo alerts rules` writes for one service.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub groups: Vec<Group>,
    pub alerts: Vec<Proven>,
}

/// The rules for the signals that are known, each with its tests.
pub fn rules(signals: &Signals, owner: &Owner) -> Rules {
    let maker = Maker { signals, owner };
    let mut rules = Rules::default();
    for (name, alerts) in [("golden-signals", golden::alerts(&maker)), ("clay", clay::alerts(&maker))] {
        if alerts.is_empty() {
            continue;
        }
        rules.groups.push(Group {
            name: format!("{}-{name}", owner.service),
            interval: Some(signals.pace.evaluation()),
            rules: alerts.iter().map(|one| one.alert.clone().into()).collect(),
        });
        rules.alerts.extend(alerts);
    }
    rules
}

/// What all alerts of a service have in common.
struct Maker<'a> {
    signals: &'a Signals,
    owner: &'a Owner,
}

/// What is particular to an alert.
struct Draft {
    name: &'static str,
    priority: Priority,
    expr: String,
    /// At the pace of production.
    hold: Span,
    summary: String,
    description: String,
    row: Option<&'static str>,
}

impl Maker<'_> {
    fn alert(&self, draft: Draft) -> Proven {
        let Draft { name, priority, expr, hold, summary, description, row } = draft;
        let mut labels = Labels::from([
            ("severity".to_owned(), priority.severity().to_owned()),
            ("priority".to_owned(), priority.name().to_owned()),
            ("incident".to_owned(), priority.incident().to_owned()),
            ("service".to_owned(), self.owner.service.clone()),
        ]);
        if let Some(team) = &self.owner.team {
            labels.insert("team".to_owned(), team.clone());
        }
        let mut annotations = Labels::from([
            ("summary".to_owned(), summary),
            ("description".to_owned(), description),
            ("response".to_owned(), priority.response().to_owned()),
        ]);
        if let Some(link) = self.owner.runbooks.get(name) {
            annotations.insert("runbook_url".to_owned(), link.clone());
        }
        let hold = self.signals.pace.scaled(hold);
        let hold = (!hold.is_zero()).then_some(hold);
        Proven {
            alert: Alert { name: name.to_owned(), expr, hold, labels, annotations },
            priority,
            row,
            trials: Vec::new(),
        }
    }
}

/// The names of the alerts that would be written, with what each is about: for runbooks.
pub fn names(signals: &Signals) -> Vec<(String, Priority, String)> {
    let owner = Owner { service: "service".to_owned(), ..Owner::default() };
    let rules = rules(signals, &owner);
    let about = |one: &Proven| one.alert.annotations.get("summary").cloned().unwrap_or_default();
    rules.alerts.iter().map(|one| (one.alert.name.clone(), one.priority, about(one))).collect()
}
