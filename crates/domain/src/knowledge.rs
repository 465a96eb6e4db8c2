//! Knowledge is data: what a package or a command means, from the tables in `knowledge/`.

use std::{collections::HashMap, sync::OnceLock};

use regex::bytes::Regex;
use serde::Deserialize;

use crate::evidence::{Ecosystem, Package, PackageDependency, Purpose};

/// A table of `knowledge/`, which `build.rs` turns into JSON.
macro_rules! table {
    ($path:expr) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $path, ".json"))
    };
}

mod answers;
#[cfg(test)]
mod beginnings;
mod beside;
mod routers;
mod shapes;
mod source;
mod table;

pub use answers::{Answers, OutcomeWords, Vendor, answers, vendors};
pub use beside::{Agent, Beside, Launcher, Layout, Starter, beside};
pub use routers::{AnswersWith, FileRoute, Router, routers};
pub use source::{KnownUse, Lengths, Library, Slots, Symbols, TEXTS as SOURCE_TABLES, known_symbols, lengths};
use table::{CommandTable, bytes_regex};

/// `knowledge/secrets.toml` as JSON, for the crate that looks for them.
pub const SECRETS_TABLE: &str = table!("secrets");

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
    /// An app that its users install: on a telephone, on a desktop.
    DeviceApp,
    /// A plugin of a build that makes the image itself, without a container file.
    ImageBuilder,
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
    pub const ALL: [Self; 39] = [
        Self::HttpServer,
        Self::GrpcServer,
        Self::HttpClient,
        Self::Worker,
        Self::Queue,
        Self::Scheduler,
        Self::CommandLine,
        Self::DeviceApp,
        Self::ImageBuilder,
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
    /// A regular expression that matches at the start of a word of a line.
    pub pattern: String,
    /// A line that this matches does not count.
    #[serde(default)]
    pub unless: Option<String>,
    pub purpose: Purpose,
    /// Of an analyser: the languages that it reads, as the tables of source call them. None: those of any program.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
    /// The input of the action that says which of them it reads.
    #[serde(default)]
    pub narrowed_by: Option<String>,
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
#[serde(deny_unknown_fields)]
struct Commands {
    command: Vec<Command>,
    test_kind: Vec<Command>,
}

/// What the patterns of the commands begin with, in their order.
#[derive(Deserialize)]
struct Beginnings {
    command: Vec<Option<Vec<String>>>,
    test_kind: Vec<Option<Vec<String>>>,
}

/// The table of packages.
pub fn known_packages() -> &'static [Known] {
    static TABLE: OnceLock<Vec<Known>> = OnceLock::new();
    TABLE.get_or_init(|| {
        serde_json::from_str::<Packages>(table!("packages")).map(|table| table.package).unwrap_or_default()
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

/// Commands that run no other one: what stands in their arguments is a name of a file, an image, a module.
const RUNS_NOTHING_ELSE: &str = r"^(?:\S*/)?(?:curl|wget|git|gh|helm|terraform|tofu|aws|gcloud|az|cargo|go (?:build|install|get|mod|generate|list|vet|test)|docker (?:image |buildx )?(?:build|push|pull|tag|bake)|kubectl (?:apply|create|get|delete|wait|logs|describe|rollout|set|patch)|skaffold|kind|kustomize)(?:\s|$)";

/// What turns the word after it into its opposite: `-m "not integration"`, `--ignore=tests/e2e`.
const NEGATION: &str = r#"(?i)(\bnot |!|--(?:ignore|exclude|skip|deselect)[\w-]*[= ]|\s-v )["'(]*\S*"#;

fn command_tables() -> Option<&'static Tables> {
    static TABLES: OnceLock<Option<Tables>> = OnceLock::new();
    TABLES.get_or_init(|| read_commands(table!("commands")).ok()).as_ref()
}

fn read_commands(text: &str) -> Result<Tables, String> {
    let table: Commands = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let beginnings: Beginnings =
        serde_json::from_str(table!("command_beginnings")).map_err(|error| error.to_string())?;
    let tables = || {
        Ok(Tables {
            commands: CommandTable::new(table.command, beginnings.command, true),
            kinds: CommandTable::new(table.test_kind, beginnings.test_kind, false),
            negation: bytes_regex(NEGATION)?,
            runs_nothing_else: bytes_regex(RUNS_NOTHING_ELSE)?,
        })
    };
    tables().map_err(|error: regex::Error| error.to_string())
}

struct Tables {
    commands: CommandTable,
    kinds: CommandTable,
    negation: Regex,
    runs_nothing_else: Regex,
}

/// The table of commands.
pub fn commands() -> &'static [Command] {
    command_tables().map_or(&[], |tables| &tables.commands.rows)
}

/// What a line of shell is there for. A test run that names its kind in its arguments is of that kind and no unit test.
pub fn purposes(line: &str) -> Vec<Purpose> {
    let Some(tables) = command_tables() else { return Vec::new() };
    let own = tables.runs_nothing_else.is_match(line.as_bytes());
    purposes_before(tables, line, if own { first_word(line) } else { usize::MAX })
}

/// What an action, a task or a container is there for: its name with its inputs after it, `name key=value key=value`.
/// What stands in the inputs is no command.
pub fn action_purposes(line: &str) -> Vec<Purpose> {
    command_tables().map_or_else(Vec::new, |tables| purposes_before(tables, line, first_word(line)))
}

/// The rows of analysers of source that a line fits.
pub fn analysers(line: &str) -> Vec<&'static Command> {
    command_tables().map_or_else(Vec::new, |tables| tables.commands.rows_for(Purpose::StaticAnalysis, line.as_bytes()))
}

fn first_word(line: &str) -> usize {
    line.find(char::is_whitespace).unwrap_or(line.len())
}

fn purposes_before(tables: &Tables, line: &str, end: usize) -> Vec<Purpose> {
    let mut purposes = tables.commands.purposes_before(line.as_bytes(), end);
    if purposes.contains(&Purpose::UnitTest) {
        let kinds = test_kinds(line);
        if !kinds.is_empty() {
            purposes.retain(|purpose| *purpose != Purpose::UnitTest);
            purposes.extend(kinds);
            purposes.sort();
            purposes.dedup();
        }
    }
    purposes
}

/// Which kinds of test the arguments of a test run, or the name of a target or folder, say.
pub fn test_kinds(text: &str) -> Vec<Purpose> {
    let Some(tables) = command_tables() else { return Vec::new() };
    tables.kinds.purposes(&tables.negation.replace_all(text.as_bytes(), b" "))
}

#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod package_tests;
