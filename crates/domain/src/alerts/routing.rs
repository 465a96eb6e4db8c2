//! Whom alerts reach: routes, receivers and what is silent while something worse is known.

use super::{Pace, Priority};
use crate::rules::{Span, quoted};

/// A way to tell somebody. Secrets are named by the files that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    Webhook { url: String },
    PagerDuty { key_file: String },
    Slack { url_file: String, channel: String },
    Email { to: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    pub channels: Vec<Channel>,
}

/// How alerts of a route are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Before the first notification, so that what comes with it is in it.
    pub wait: Span,
    /// Before what is new in a known group is told.
    pub interval: Span,
    /// Before it is told again.
    pub repeat: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `severity="critical"`.
    pub matchers: Vec<String>,
    pub receiver: String,
    pub grouping: Grouping,
}

/// While one of `source` fires, `target` of the same `equal` is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibition {
    pub source: Vec<String>,
    pub target: Vec<String>,
    pub equal: Vec<String>,
}

/// A configuration of Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Takes what no route does: never nobody.
    pub default: String,
    pub grouping: Grouping,
    pub group_by: Vec<String>,
    pub routes: Vec<Route>,
    pub inhibitions: Vec<Inhibition>,
    pub receivers: Vec<Receiver>,
}

/// Routes for the alerts of one service: P1 and P2 to `urgent`, all else to `other`.
pub fn routing(service: &str, alerts: &[&str], urgent: Vec<Channel>, other: Vec<Channel>, pace: Pace) -> Routing {
    let (pager, listeners) = (format!("{service}-page"), format!("{service}-tell"));
    let own = format!("service={}", quoted(service));
    let grouping = |priority: Priority| {
        let (wait, interval, repeat) = match priority {
            Priority::P1 => (Span::seconds(10), Span::minutes(1), Span::hours(1)),
            Priority::P2 => (Span::seconds(30), Span::minutes(5), Span::hours(4)),
            Priority::P3 => (Span::minutes(5), Span::hours(1), Span::days(1)),
        };
        Grouping { wait: pace.scaled(wait), interval: pace.scaled(interval), repeat: pace.scaled(repeat) }
    };
    let route = |priority: Priority| Route {
        matchers: vec![own.clone(), format!("severity={}", quoted(priority.severity()))],
        receiver: if priority.pages() { pager.clone() } else { listeners.clone() },
        grouping: grouping(priority),
    };
    let name = |name: &str| format!("alertname={}", quoted(name));
    let while_fires = |worse: &str, silent: &[&str]| {
        let known: Vec<&str> = silent.iter().copied().filter(|name| alerts.contains(name)).collect();
        (alerts.contains(&worse) && !known.is_empty()).then(|| Inhibition {
            source: vec![own.clone(), name(worse)],
            target: vec![own.clone(), format!("alertname=~{}", quoted(&known.join("|")))],
            equal: vec!["service".to_owned()],
        })
    };
    // Nothing of a service can be seen while it cannot be scraped.
    let absent = alerts.contains(&"ServiceAbsent").then(|| Inhibition {
        source: vec![own.clone(), name("ServiceAbsent")],
        target: vec![own.clone(), format!("alertname!={}", quoted("ServiceAbsent"))],
        equal: vec!["service".to_owned()],
    });
    let inhibitions = [
        absent,
        while_fires("ErrorsVeryHigh", &["ErrorsHigh"]),
        while_fires("ClayDown", &["ClayMostlyFails", "ClaySlow", "ClayLimitsRate"]),
    ];
    Routing {
        default: listeners.clone(),
        grouping: grouping(Priority::P2),
        group_by: ["alertname", "service"].map(str::to_owned).to_vec(),
        routes: Priority::ALL.into_iter().map(route).collect(),
        inhibitions: inhibitions.into_iter().flatten().collect(),
        receivers: vec![Receiver { name: pager, channels: urgent }, Receiver { name: listeners, channels: other }],
    }
}
