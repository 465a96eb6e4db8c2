//! Knowledge is data: what a package or a command means, from the tables in `knowledge/`.

use std::{collections::HashMap, sync::OnceLock};

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
    /// S3 and its like.
    ObjectStorage,
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
    SecurityHeaders,
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

impl Capability {
    pub const ALL: [Self; 37] = [
        Self::HttpServer,
        Self::GrpcServer,
        Self::HttpClient,
        Self::Worker,
        Self::Queue,
        Self::Scheduler,
        Self::CommandLine,
        Self::StaticSite,
        Self::Database,
        Self::ObjectStorage,
        Self::Cache,
        Self::CircuitBreaker,
        Self::Retry,
        Self::RateLimit,
        Self::Bulkhead,
        Self::AdaptiveLimit,
        Self::StructuredLog,
        Self::Metrics,
        Self::Tracing,
        Self::Health,
        Self::FeatureFlags,
        Self::Vault,
        Self::ConfigReload,
        Self::Validation,
        Self::Authentication,
        Self::SecurityHeaders,
        Self::ErrorHandling,
        Self::Profiling,
        Self::Migration,
        Self::TestFramework,
        Self::IntegrationTest,
        Self::EndToEndTest,
        Self::ContractTest,
        Self::LoadTest,
        Self::ChaosTest,
        Self::Coverage,
        Self::ApiDescription,
    ];
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

/// The table by the lower-case name of the package, and the families of each ecosystem.
#[derive(Default)]
struct Index {
    exact: HashMap<(Ecosystem, String), &'static Known>,
    families: HashMap<Ecosystem, Vec<(&'static str, &'static Known)>>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index::default();
        for known in known_packages() {
            match known.name.strip_suffix('*') {
                Some(family) => index.families.entry(known.ecosystem).or_default().push((family, known)),
                None => {
                    index.exact.insert((known.ecosystem, known.name.to_ascii_lowercase()), known);
                }
            }
        }
        index
    })
}

/// What a dependency is for; empty: nothing that is known. A Go module is looked up without its major version.
pub fn package_capabilities(ecosystem: Ecosystem, name: &str) -> impl Iterator<Item = &'static Known> {
    let name = if ecosystem == Ecosystem::Go { without_major(name) } else { name };
    let index = index();
    let exact = index.exact.get(&(ecosystem, name.to_ascii_lowercase())).copied();
    let families = index.families.get(&ecosystem).map_or(&[][..], Vec::as_slice);
    exact
        .into_iter()
        .chain(families.iter().filter(move |(family, _)| name.starts_with(family)).map(|(_, known)| *known))
}

/// A Go module without the major version at its end: `example.com/a/v2` is `example.com/a`.
fn without_major(module: &str) -> &str {
    match module.rsplit_once("/v") {
        Some((rest, major)) if !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => module,
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_packages_parses() {
        let text = include_str!("../../../knowledge/packages.toml");
        let table = toml::from_str::<Packages>(text).expect("is TOML with the right words");
        assert_eq!(table.package.len(), text.matches("[[package]]").count());
    }

    #[test]
    fn no_package_comes_twice() {
        let mut seen = BTreeSet::new();
        for known in known_packages() {
            assert!(seen.insert((known.ecosystem, known.name.to_lowercase())), "{} comes twice", known.name);
        }
    }

    #[test]
    fn every_capability_has_a_package() {
        for capability in Capability::ALL {
            assert!(known_packages().iter().any(|known| known.means.contains(&capability)), "{capability:?}");
        }
    }

    #[test]
    fn names_look_as_their_ecosystem_writes_them() {
        for known in known_packages() {
            let name = known.name.strip_suffix('*').unwrap_or(&known.name);
            let word = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            };
            let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
            let fits = match known.ecosystem {
                Ecosystem::Go => {
                    without_major(name) == name
                        && name.split('/').next().is_some_and(|host| host.contains('.') && word(host))
                }
                Ecosystem::Python => lower && word(name) && !name.contains(['_', '.']),
                Ecosystem::Npm => {
                    lower && name.strip_prefix('@').map_or(word(name), |scoped| scoped.split_once('/').is_some())
                }
                Ecosystem::Maven => name.split(':').count() <= 2 && name.split(':').next().is_some_and(word),
                Ecosystem::Composer => {
                    lower && (name.starts_with("ext-") || name.split_once('/').is_some_and(|(vendor, _)| word(vendor)))
                }
                Ecosystem::NuGet | Ecosystem::RubyGems | Ecosystem::Cargo => word(name),
            };
            assert!(fits, "{} does not look like a name of {}", known.name, known.ecosystem.name());
            assert!(!known.means.is_empty(), "{} means nothing", known.name);
            assert!(known.reference.starts_with("http"), "{} has no reference", known.name);
            assert!(!known.name.trim_end_matches('*').contains('*'), "{} has a star inside", known.name);
        }
    }

    #[test]
    fn connections_are_words_of_the_field() {
        for known in known_packages() {
            if let Some(connects) = &known.connects {
                let fits =
                    connects.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
                assert!(fits && !connects.is_empty(), "{connects}");
            }
        }
    }

    #[test]
    fn names_match_by_family_version_and_case() {
        fn check(ecosystem: Ecosystem, name: &str, expect: &[Capability]) {
            let mut means: Vec<Capability> =
                package_capabilities(ecosystem, name).flat_map(|known| known.means.clone()).collect();
            means.sort();
            means.dedup();
            assert_eq!(means, expect, "for {name}");
        }
        check(Ecosystem::Npm, "opossum", &[Capability::CircuitBreaker]);
        check(Ecosystem::Npm, "opossum-x", &[]);
        check(Ecosystem::Cargo, "opossum", &[]);
        check(Ecosystem::Npm, "@sentry/node", &[Capability::ErrorHandling]);
        check(Ecosystem::Go, "github.com/redis/go-redis/v9", &[Capability::Cache]);
        check(Ecosystem::Go, "github.com/redis/go-redis/vendored", &[]);
        check(Ecosystem::NuGet, "stackexchange.redis", &[Capability::Cache]);
    }
}
