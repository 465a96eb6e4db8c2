//! `gonogo.toml`: what cannot be seen in the files, waivers, attestations and the policy.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Attestation, Class, Dependency, Level, Place, Policy, Run, State, Tier, Waiver,
    evidence::{
        EscalationStep, Indicator, Objective, ObjectiveFormat, Rotation, Scenario, Severity, Shift, Statements,
    },
    preflight::Preflight,
};
use gonogo_formats::toml;
use jiff::{SignedDuration, civil::Date};

mod preflight;
mod run;
mod table;

use table::{Errors, Table};

/// The name of the configuration file, at the root of the repository.
pub const FILE: &str = "gonogo.toml";

/// The configuration of a repository, valid.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    pub policy: Policy,
    pub services: Vec<ServiceStatement>,
    /// What holds for every service: on-call, escalation, severities.
    pub common: Statements,
    pub waivers: Vec<Waiver>,
    pub attestations: Vec<Attestation>,
}

/// What the configuration states about one service. What is `None` is left to discovery.
#[derive(Clone, Debug)]
pub struct ServiceStatement {
    pub name: String,
    pub place: Place,
    pub path: Option<String>,
    pub class: Option<Class>,
    pub owner: Option<String>,
    pub tier: Option<Tier>,
    pub state: Option<State>,
    pub dependencies: Vec<Dependency>,
    pub urls: BTreeMap<String, String>,
    pub objectives: Vec<Objective>,
    /// How to start it, for `gonogo exercise`.
    pub run: Option<Run>,
    /// What is asked before a release.
    pub preflight: Preflight,
    /// Its own statements together with those that hold for the whole repository.
    pub statements: Statements,
}

/// One thing that is wrong with a configuration. All of them are shown in one run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ConfigurationError {
    pub place: Place,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Configuration {
    /// Reads a configuration; `checks` are the ids that waivers and attestations may name.
    ///
    /// Errors: every thing that is wrong, in the order of the file.
    pub fn parse(path: &Arc<str>, text: &str, checks: &[&str]) -> Result<Self, Vec<ConfigurationError>> {
        let root = toml::parse(path, text)
            .map_err(|error| vec![ConfigurationError { place: error.place, message: error.reason }])?;
        let errors = Errors::default();
        let root = Table::new(&root, &errors);
        let configuration = read(&root, checks);
        root.finish();
        errors.into_result(configuration)
    }

    /// What is stated for every service that has no section of its own.
    pub fn service(&self, name: &str) -> Option<&ServiceStatement> {
        self.services.iter().find(|service| service.name == name)
    }
}

fn read(root: &Table<'_>, checks: &[&str]) -> Configuration {
    let common = common_statements(root);
    Configuration {
        policy: root.table("policy").map(|table| policy(&table)).unwrap_or_default(),
        services: root
            .named_tables("service")
            .into_iter()
            .map(|(name, table)| service(name, &table, &common))
            .collect(),
        common,
        waivers: root.tables("waiver").iter().filter_map(|table| waiver(table, checks)).collect(),
        attestations: root.tables("attestation").iter().filter_map(|table| attestation(table, checks)).collect(),
    }
}

fn policy(table: &Table<'_>) -> Policy {
    let default = Policy::default();
    let mut levels = default.levels.clone();
    if let Some(section) = table.table("levels") {
        for (key, tier) in [("1", Tier::One), ("2", Tier::Two), ("3", Tier::Three)] {
            if let Some(level) = section.choice(key, &LEVELS) {
                levels.insert(tier, level);
            }
        }
        section.finish();
    }
    let policy = Policy {
        levels,
        override_approvers: table.texts("override_approvers"),
        waiver_days: table.number("waiver_days").unwrap_or(default.waiver_days),
        runbooks: table.number("runbooks").unwrap_or(default.runbooks),
        runbook_days: table.number("runbook_days").unwrap_or(default.runbook_days),
        rollback_seconds: table.number("rollback_seconds").unwrap_or(default.rollback_seconds),
        oncall_days: table.number("oncall_days").unwrap_or(default.oncall_days),
        endpoint_propagation_seconds: table
            .number("endpoint_propagation_seconds")
            .unwrap_or(default.endpoint_propagation_seconds),
        coverage_percent: table.float("coverage_percent").unwrap_or(default.coverage_percent),
    };
    table.finish();
    policy
}

const LEVELS: [(&str, Level); 4] = [("L1", Level::L1), ("L2", Level::L2), ("L3", Level::L3), ("L4", Level::L4)];

const CLASSES: [(&str, Class); 8] = [
    ("server", Class::Server),
    ("worker", Class::Worker),
    ("job", Class::Job),
    ("static-site", Class::StaticSite),
    ("library", Class::Library),
    ("command-line-tool", Class::CommandLineTool),
    ("store", Class::Store),
    ("third-party", Class::ThirdParty),
];

const TIERS: [(&str, Tier); 3] = [("1", Tier::One), ("2", Tier::Two), ("3", Tier::Three)];

const INDICATORS: [(&str, Indicator); 4] = [
    ("availability", Indicator::Availability),
    ("latency", Indicator::Latency),
    ("error-rate", Indicator::ErrorRate),
    ("other", Indicator::Other),
];

fn common_statements(root: &Table<'_>) -> Statements {
    Statements {
        oncall: root.tables("oncall").iter().filter_map(shift).collect(),
        escalation: root
            .tables("escalation")
            .iter()
            .filter_map(|table| {
                let (role, contact) = (table.required_text("role"), table.text("contact"));
                let after_minutes = table.number("after_minutes");
                table.finish();
                Some(EscalationStep { role: role?, contact, after_minutes, place: table.place().clone() })
            })
            .collect(),
        severities: root
            .tables("severity")
            .iter()
            .filter_map(|table| {
                let (name, notify) = (table.required_text("name"), table.text("notify"));
                let (respond_minutes, escalate_minutes) =
                    (table.number("respond_minutes"), table.number("escalate_minutes"));
                table.finish();
                Some(Severity { name: name?, respond_minutes, escalate_minutes, notify, place: table.place().clone() })
            })
            .collect(),
        ..Statements::default()
    }
}

fn shift(table: &Table<'_>) -> Option<Shift> {
    let (person, role) = (table.required_text("person"), table.required_text("role"));
    let (from, until) = (table.required_time("from"), table.required_time("until"));
    table.finish();
    let shift = Shift { person: person?, role: role?, from: from?, until: until?, place: table.place().clone() };
    if shift.until <= shift.from {
        table.error("until", "`until` is not after `from`");
        return None;
    }
    Some(shift)
}

fn service(name: String, table: &Table<'_>, common: &Statements) -> ServiceStatement {
    let statements = Statements {
        recovery_point: table.duration("recovery_point"),
        recovery_time: table.duration("recovery_time"),
        drain: table.duration("drain"),
        scenarios: table
            .tables("scenario")
            .iter()
            .filter_map(|table| {
                let (name, runbook) = (table.required_text("name"), table.text("runbook"));
                table.finish();
                Some(Scenario { name: name?, runbook, place: table.place().clone() })
            })
            .collect(),
        public_routes: table.stated_texts("public_routes"),
        rotations: table
            .tables("rotation")
            .iter()
            .filter_map(|table| {
                let (secret, rotated) = (table.required_text("secret"), table.required_date("rotated"));
                let every_days = table.number("every_days");
                table.finish();
                Some(Rotation { secret: secret?, rotated: rotated?, every_days, place: table.place().clone() })
            })
            .collect(),
        last_review: table.date("last_review"),
        database_connections: table.stated_number("database_connections"),
        pool_size: table.stated_number("pool_size"),
        ..common.clone()
    };
    let state = table.bool("state").map(|(keeps, place)| {
        if keeps {
            let reason =
                gonogo_domain::Message::new("gonogo.toml says that it keeps state", "gonogo.toml 声明其保存状态");
            State::Kept { reason, place }
        } else {
            State::None { place }
        }
    });
    let service = ServiceStatement {
        place: table.place().clone(),
        path: table.text("path").map(|path| path.trim_end_matches('/').trim_start_matches("./").to_owned()),
        class: table.choice("class", &CLASSES),
        owner: table.text("owner"),
        tier: table.choice("tier", &TIERS),
        state,
        dependencies: table.tables("dependency").iter().filter_map(dependency).collect(),
        urls: table.text_map("urls"),
        objectives: table.tables("slo").iter().filter_map(|table| objective(&name, table)).collect(),
        name,
        run: table.table("run").and_then(|table| run::run(&table)),
        preflight: table.table("preflight").map(|table| preflight::preflight(&table)).unwrap_or_default(),
        statements,
    };
    table.finish();
    service
}

fn dependency(table: &Table<'_>) -> Option<Dependency> {
    let (name, kind) = (table.required_text("name"), table.required_text("kind"));
    let hard = table.bool("hard").map(|(hard, _)| hard);
    table.finish();
    Some(Dependency { name: name?, kind: kind?, hard, place: table.place().clone() })
}

fn objective(service: &str, table: &Table<'_>) -> Option<Objective> {
    let name = table.required_text("name");
    let objective = Objective {
        name: name.clone().unwrap_or_default(),
        service: Some(service.to_owned()),
        place: table.place().clone(),
        format: ObjectiveFormat::Configuration,
        indicator: table.choice("indicator", &INDICATORS).unwrap_or(Indicator::Other),
        target: table.located_float("target"),
        window_seconds: table.located_seconds("window"),
        queries: table.texts("queries"),
        alerting: table.place_of("alerting"),
        budget_policy: table.place_of("budget_policy"),
    };
    table.finish();
    name.map(|_| objective)
}

// Every field is read before the first one that is missing ends it: all errors are shown in one run.

fn waiver(table: &Table<'_>, checks: &[&str]) -> Option<Waiver> {
    let check = table.required_choice_of("check", checks);
    let (service, path) = (table.text("service"), table.text("path"));
    let (reason, risk) = (table.required_text("reason"), table.required_text("risk"));
    let (ticket, approver) = (table.required_text("ticket"), table.required_text("approver"));
    let (granted, expires) = (table.required_date("granted"), table.required_date("expires"));
    table.finish();
    Some(Waiver {
        check: check?,
        service,
        path,
        reason: reason?,
        risk: risk?,
        ticket: ticket?,
        approver: approver?,
        granted: granted?,
        expires: expires?,
        place: table.place().clone(),
    })
}

fn attestation(table: &Table<'_>, checks: &[&str]) -> Option<Attestation> {
    let check = table.required_choice_of("check", checks);
    let (service, link) = (table.text("service"), table.text("link"));
    let holds = table.bool("holds").is_none_or(|(holds, _)| holds);
    let (statement, by) = (table.required_text("statement"), table.required_text("by"));
    let (on, expires) = (table.required_date("on"), table.required_date("expires"));
    let record = table.text_map("record");
    table.finish();
    Some(Attestation {
        check: check?,
        service,
        holds,
        statement: statement?,
        by: by?,
        on: on?,
        expires: expires?,
        link,
        record,
        place: table.place().clone(),
    })
}

/// "15m", "1h 30m", "30s", "7d": what people write for a stretch of time. A day is 24 hours.
fn duration(text: &str) -> Option<SignedDuration> {
    if let Some(days) = text.trim().strip_suffix('d').and_then(|days| days.trim().parse::<i64>().ok()) {
        return days.checked_mul(24).map(SignedDuration::from_hours);
    }
    text.parse::<SignedDuration>().ok().filter(SignedDuration::is_positive)
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok()
}

#[cfg(test)]
mod tests;
