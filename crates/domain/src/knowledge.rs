//! Knowledge is data: what a package or a command means, from the tables in `knowledge/`.

use std::sync::OnceLock;

use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::evidence::{Ecosystem, Package, PackageDependency, Purpose};

/// What a package is for, as far as a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    HttpServer,
    GrpcServer,
    HttpClient,
    Worker,
    Queue,
    Scheduler,
    CommandLine,
    StaticSite,
    Database,
    Cache,
    CircuitBreaker,
    Retry,
    RateLimit,
    Bulkhead,
    AdaptiveLimit,
    StructuredLog,
    Metrics,
    Tracing,
    Health,
    FeatureFlags,
    Vault,
    ConfigReload,
    Validation,
    Authentication,
    ErrorHandling,
    Profiling,
    Migration,
    TestFramework,
    IntegrationTest,
    EndToEndTest,
    ContractTest,
    LoadTest,
    ChaosTest,
    Coverage,
    ApiDescription,
}

/// One row of `knowledge/packages.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub ecosystem: Ecosystem,
    /// The package's name as its manifest writes it; a trailing `*` matches a family (`@opentelemetry/*`).
    pub name: String,
    pub means: Vec<Capability>,
    /// The kind of dependency that it connects to, in the field's words: `postgresql`, `redis`, `kafka` …
    #[serde(default)]
    pub connects: Option<String>,
    /// Where this is written down.
    pub reference: String,
}

/// One row of `knowledge/commands.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// A regular expression over one line of shell, or over `uses:` of a step.
    pub pattern: String,
    pub purpose: Purpose,
    /// A line that it matches.
    pub example: String,
    /// A line that looks alike and that it does not match.
    pub look_alike: String,
}

#[derive(Deserialize)]
struct Packages {
    package: Vec<Known>,
}

#[derive(Deserialize)]
struct Commands {
    command: Vec<Command>,
}

/// The table of packages.
pub fn known_packages() -> &'static [Known] {
    static TABLE: OnceLock<Vec<Known>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = include_str!("../../../knowledge/packages.toml");
        toml::from_str::<Packages>(text).map(|table| table.package).unwrap_or_default()
    })
}

/// What a dependency is for; empty: nothing that is known.
pub fn package_capabilities(ecosystem: Ecosystem, name: &str) -> impl Iterator<Item = &'static Known> {
    known_packages().iter().filter(move |known| {
        known.ecosystem == ecosystem
            && match known.name.strip_suffix('*') {
                Some(family) => name.starts_with(family),
                None => known.name.eq_ignore_ascii_case(name),
            }
    })
}

impl Package {
    /// Dependencies of the program itself that are known for this capability.
    pub fn dependencies_for(&self, capability: Capability) -> Vec<&PackageDependency> {
        self.dependencies
            .iter()
            .filter(|dependency| !dependency.development)
            .filter(|dependency| {
                package_capabilities(self.ecosystem, &dependency.name).any(|known| known.means.contains(&capability))
            })
            .collect()
    }

    /// The same, with those that are only for development and tests.
    pub fn any_dependencies_for(&self, capability: Capability) -> Vec<&PackageDependency> {
        self.dependencies
            .iter()
            .filter(|dependency| {
                package_capabilities(self.ecosystem, &dependency.name).any(|known| known.means.contains(&capability))
            })
            .collect()
    }
}

fn command_table() -> &'static (Vec<Command>, Option<RegexSet>) {
    static TABLE: OnceLock<(Vec<Command>, Option<RegexSet>)> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = include_str!("../../../knowledge/commands.toml");
        let table = toml::from_str::<Commands>(text).map(|table| table.command).unwrap_or_default();
        let set = RegexSetBuilder::new(table.iter().map(|command| &command.pattern)).build().ok();
        (table, set)
    })
}

/// The table of commands.
pub fn commands() -> &'static [Command] {
    &command_table().0
}

/// What a line of shell, or the name of an action, is there for.
pub fn purposes(line: &str) -> Vec<Purpose> {
    let (table, set) = command_table();
    let Some(set) = set else { return Vec::new() };
    let mut purposes: Vec<Purpose> =
        set.matches(line).into_iter().filter_map(|index| table.get(index).map(|command| command.purpose)).collect();
    purposes.sort();
    purposes.dedup();
    purposes
}
