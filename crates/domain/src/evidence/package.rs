//! Package manifests, what they depend on, and their lockfiles.

use crate::Place;

/// A package manifest: go.mod, package.json, pyproject.toml, pom.xml, Cargo.toml …
#[derive(Clone, Debug)]
pub struct Package {
    pub ecosystem: Ecosystem,
    pub name: Option<String>,
    pub place: Place,
    pub dependencies: Vec<PackageDependency>,
    /// The lockfile that pins it, its own or its workspace's.
    pub lockfile: Option<Place>,
    /// Every version is pinned in the manifest itself (requirements.txt with `==`, a Maven pom).
    pub pinned_in_manifest: bool,
    /// Scripts by name: package.json scripts, composer scripts, poetry scripts.
    pub scripts: Vec<(String, String, Place)>,
    /// It is a program of its own (a binary, a start script, a main package), as opposed to a library.
    pub program: bool,
    /// Published for others to link: a library with a version that is not private.
    pub published: bool,
}

impl Package {
    /// The dependency of this name, test-only ones left out.
    pub fn dependency(&self, name: &str) -> Option<&PackageDependency> {
        self.dependencies.iter().find(|dependency| !dependency.development && dependency.name == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageDependency {
    pub name: String,
    /// As written.
    pub requirement: String,
    /// As resolved by the lockfile.
    pub version: Option<String>,
    /// Only for building or testing.
    pub development: bool,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    Go,
    Python,
    Npm,
    Maven,
    NuGet,
    RubyGems,
    Cargo,
    Composer,
}

impl Ecosystem {
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "Go",
            Self::Python => "Python",
            Self::Npm => "npm",
            Self::Maven => "Maven",
            Self::NuGet => "NuGet",
            Self::RubyGems => "RubyGems",
            Self::Cargo => "Cargo",
            Self::Composer => "Composer",
        }
    }
}
