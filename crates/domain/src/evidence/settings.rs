//! Configuration files of the service, and what `gonogo.toml` states about it.

use jiff::{SignedDuration, civil::Date};

use crate::{Node, Place};

/// A configuration file that is neither a workload nor infrastructure.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    pub kind: SettingsKind,
    pub place: Place,
    /// Its content as a tree; environment files are a mapping.
    pub body: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingsKind {
    /// `.env`, `.env.production`.
    Environment,
    /// `.env.example`, `.env.sample`: names without values.
    EnvironmentExample,
    /// application.yml, appsettings.json, config/*.yaml …
    Application,
    /// Flag files: flagd, GrowthBook, Unleash exports.
    FeatureFlags,
    /// `values.yaml` of a chart.
    ChartValues,
    /// `*.tfvars`.
    InfrastructureValues,
    /// Dependabot, Renovate.
    UpdateBot,
    /// codecov.yml, .coveragerc, jest and vitest configuration, as far as data.
    Coverage,
    /// promtool and amtool tests, k6 scripts' options and others that configure a tool.
    Tool,
    /// The rollout file of gonogo, progressive delivery outside Kubernetes.
    Rollout,
}

/// What `gonogo.toml` states about a service, each with its place: facts that no file of the repository can show.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    pub recovery_point: Option<Stated<SignedDuration>>,
    pub recovery_time: Option<Stated<SignedDuration>>,
    /// Longest time that a request may take to drain.
    pub drain: Option<Stated<SignedDuration>>,
    /// Ranked failure scenarios with the runbook that answers each.
    pub scenarios: Vec<Scenario>,
    pub oncall: Vec<Shift>,
    pub escalation: Vec<EscalationStep>,
    pub severities: Vec<Severity>,
    /// Routes that need no authentication.
    pub public_routes: Vec<Stated<String>>,
    /// Secrets by name with the day of the last rotation.
    pub rotations: Vec<Rotation>,
    /// The day of the last review, where it is recorded.
    pub last_review: Option<Stated<Date>>,
    /// The greatest number of connections that the database allows, and those of one replica's pool.
    pub database_connections: Option<Stated<u32>>,
    pub pool_size: Option<Stated<u32>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stated<T> {
    pub value: T,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub name: String,
    pub runbook: Option<String>,
    pub place: Place,
}

/// One stretch of an on-call schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    pub person: String,
    pub role: String,
    pub from: jiff::Timestamp,
    pub until: jiff::Timestamp,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EscalationStep {
    pub role: String,
    pub contact: Option<String>,
    /// Minutes after the page.
    pub after_minutes: Option<u32>,
    pub place: Place,
}

/// A row of the incident matrix; deadlines in minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Severity {
    pub name: String,
    pub respond_minutes: Option<u32>,
    pub escalate_minutes: Option<u32>,
    pub notify: Option<String>,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    pub secret: String,
    pub rotated: Date,
    /// Days.
    pub every_days: Option<u32>,
    pub place: Place,
}
