//! Builds kustomizations in memory: what `kustomize build` prints, each value leading to the line that a person edits.
//!
//! The rules are those of kustomize v5 (`api/` of kubernetes-sigs/kustomize), without network, plugins and environment.

mod build;
mod fields;
mod generate;
mod inline;
mod json_patch;
mod merge;
mod names;
mod replace;
mod resource;
mod roots;
mod schema;
mod selector;
#[cfg(test)]
mod tests;
mod transform;
mod tree;
mod variables;

use std::{collections::BTreeSet, sync::Arc};

use gonogo_domain::{Node, Place};

pub use build::build;
pub use roots::{Roots, roots};

/// The names that a kustomization file can have.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The files of a repository. Paths are relative to its root, with `/` between the parts; the root itself is `.`.
pub trait Files {
    /// The YAML or JSON documents of a file; the same trees for the same path, so that builds share them.
    fn parse(&self, path: &str) -> Result<Arc<Vec<Arc<Node>>>, Unread>;

    /// The text of a file; `None` if there is no such file or it is not text.
    fn text(&self, path: &str) -> Option<Arc<str>>;

    fn is_directory(&self, path: &str) -> bool;

    /// The objects of a Helm chart that a kustomization inflates; `None` if it cannot be rendered.
    fn chart(&self, _chart: &Chart) -> Option<Vec<Arc<Node>>> {
        None
    }
}

/// Why a file has no documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is no such file in the repository.
    Missing,
    /// The file is there, and this is the first thing wrong with it.
    Broken(Problem),
}

/// A Helm chart that a kustomization inflates.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub place: Place,
    pub name: String,
    /// The chart's own directory, if the repository holds it: `charts/NAME` beside the kustomization, or under
    /// `helmGlobals.chartHome`.
    pub directory: Option<String>,
    pub repository: Option<String>,
    pub version: Option<String>,
    pub release: String,
    pub namespace: Option<String>,
    /// Values files, weakest first.
    pub values_files: Vec<String>,
    /// Stronger than the files, unless `valuesMerge` says otherwise.
    pub values: Option<Node>,
    pub include_crds: bool,
}

/// What could not be built, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem {
    pub place: Place,
    /// One clause that reads after the place.
    pub reason: String,
}

impl Problem {
    pub(super) fn new(place: &Place, reason: impl Into<String>) -> Self {
        Self { place: place.clone(), reason: reason.into() }
    }
}

/// What a kustomization builds.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The objects, in the order of kustomize. An object that nothing changes is shared with the file it stands in.
    pub objects: Vec<Arc<Node>>,
    /// Sorted. With any problem, the objects are what could be built without it.
    pub problems: Vec<Problem>,
    /// Every file that was read.
    pub used: BTreeSet<Arc<str>>,
    /// The directories that were included as resources, directly or not.
    pub bases: BTreeSet<String>,
    /// The directories that were included as components, directly or not.
    pub components: BTreeSet<String>,
}

/// `reference` as seen from `directory`; `None` if it leads out of the repository or is absolute.
fn join(directory: &str, reference: &str) -> Option<String> {
    if reference.starts_with('/') || reference.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for part in reference.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// A reference that kustomize would fetch: a URL, an scp-like address, or a host with a repository path.
fn is_remote(reference: &str) -> bool {
    if reference.contains("://") || reference.contains("?ref=") || reference.starts_with("git::") {
        return true;
    }
    let first = reference.split('/').next().unwrap_or_default();
    let is_address = first.contains('@') && first.contains(':');
    let is_host = first.contains('.') && !first.starts_with('.') && reference.contains('/');
    is_address || is_host || (reference.contains("//") && !reference.starts_with('.'))
}

/// A `Kustomization` or `Component` of kustomize; Flux has a kind of the same name.
fn is_kustomization(node: &Node) -> bool {
    node.str_at("apiVersion").is_none_or(|version| version.starts_with("kustomize.config.k8s.io/"))
        && node.str_at("kind").is_none_or(|kind| matches!(kind, "Kustomization" | "Component"))
}
