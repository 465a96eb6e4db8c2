//! What lies in the repository, by path: Kubernetes objects, files and who owns them.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Node, Place};

/// A file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    pub path: Arc<str>,
    /// Bytes.
    pub size: u64,
    pub role: Role,
}

impl FileEntry {
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// It is source of a program of one's own, by its name.
    pub fn is_program(&self) -> bool {
        const EXTENSIONS: &[&str] = &[
            "c", "cc", "cpp", "cs", "clj", "dart", "erl", "ex", "exs", "fs", "go", "groovy", "hs", "java", "js", "jsx",
            "kt", "lua", "m", "mjs", "cjs", "ml", "php", "pl", "py", "rb", "rs", "scala", "swift", "ts", "tsx", "vb",
            "zig",
        ];
        let extension = self.name().rsplit_once('.').map(|(_, extension)| extension);
        self.role == Role::Product && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    }
}

/// What a file is there for. Only `Product` and `Operations` files count as implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    Product,
    Test,
    /// Input of tests: fixtures, testdata, golden files.
    Fixture,
    Example,
    /// Somebody else's code that was copied in.
    Vendored,
    Generated,
    Documentation,
}

impl Role {
    /// It says something about how the service runs in production.
    pub fn counts(self) -> bool {
        matches!(self, Self::Product | Self::Generated | Self::Documentation)
    }
}

/// A Kubernetes object that is not a workload, rendered for one environment.
#[derive(Clone, Debug)]
pub struct Object {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub environment: Option<String>,
    pub production: bool,
    pub place: Place,
    pub body: Arc<Node>,
}

/// Who owns what: CODEOWNERS and catalog-info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    pub kind: OwnershipKind,
    /// The path pattern of CODEOWNERS, or the name of the catalog's component.
    pub subject: String,
    pub owners: Vec<String>,
    pub place: Place,
    /// The catalog's entity as a whole: lifecycle, dependencies, links.
    pub lifecycle: Option<String>,
    pub depends_on: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipKind {
    CodeOwners,
    Catalog,
}
