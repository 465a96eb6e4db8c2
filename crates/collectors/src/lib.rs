//! Gathers evidence from a repository; never judges.
//!
//! [`Tree`] is the files, [`Corpus`] is what was parsed of them once, and one module a source turns the corpus into the
//! facts of `gonogo_domain::evidence`. [`collect()`] puts them together for every service of the repository.

mod alerting;
mod apis;
mod cache;
mod collect;
mod compose;
pub mod configuration;
mod contents;
mod corpus;
mod dashboards;
mod discovery;
mod documents;
mod embedded;
pub mod endpoint;
mod entrances;
mod environment;
pub mod exposure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod history;
mod image_name;
mod images;
mod infrastructure;
mod jsonnet;
mod kubernetes;
pub mod metrics;
mod migrations;
pub mod objectives;
mod ownership;
mod packages;
mod paths;
mod pipelines;
mod platforms;
mod queries;
mod records;
mod results;
pub mod revision;
mod roles;
mod schemas;
mod scope;
pub mod secrets;
mod settings;
mod source;
mod stamp;
mod tree;
mod words;
mod workloads;

pub use cache::Cache;
pub use collect::{Collected, Counts, Manner, collect, collect_with};
pub use configuration::{Configuration, ConfigurationError};
pub use corpus::{Corpus, DataFile, Format};
pub use records::{EXERCISES, REHEARSALS};
pub use tree::{Skipped, Tree, TreeError};
