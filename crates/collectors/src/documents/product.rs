//! Tells documentation for the users of a product from documentation of how this service is run.
//!
//! A manual that explains retention as a feature says nothing about how long this service keeps its data. It counts
//! as what describes the software (its architecture, how to install it), not as what describes its operation.

use std::collections::{BTreeMap, BTreeSet};

/// Whom a document speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// The people who build and run the service.
    Team,
    /// The users of a product.
    Users,
    /// Proposals, articles and references: about something that may never have been built, or about names.
    Readers,
}

/// The documentation trees of a repository that are a product's manual.
#[derive(Debug, Default)]
pub(super) struct ProductTrees {
    roots: BTreeSet<String>,
}

/// Folders that by themselves say that users are spoken to.
const FOR_USERS: &[&str] = &[
    "user-guide",
    "user-guides",
    "user_guide",
    "userguide",
    "user-manual",
    "user-docs",
    "operator-manual",
    "admin-guide",
    "administrator-guide",
    "versioned_docs",
    "website",
    "release-notes",
];

/// Parts of a manual; one alone proves little.
const CHAPTERS: &[&str] = &[
    "user-guide",
    "user-guides",
    "user_guide",
    "user-manual",
    "operator-manual",
    "admin-guide",
    "get-started",
    "getting-started",
    "getting_started",
    "installation",
    "install",
    "setup",
    "upgrading",
    "upgrade",
    "release-notes",
    "releases",
    "integrations",
    "plugins",
    "commands",
    "cli",
    "components",
    "configure",
    "send-data",
    "visualize",
    "tutorials",
    "community",
    "blog",
    "adopters",
];

const READERS: &[&str] = &[
    "proposals",
    "proposal",
    "proposals-done",
    "proposals-accepted",
    "proposals-rejected",
    "enhancements",
    "keps",
    "rfcs",
    "rfc",
    "design-documents",
    "design-docs",
    "design-proposals",
    "lids",
    "blog",
    "_posts",
    "posts",
    "news",
    "articles",
];

/// Chapters that list what a program understands, where every word is a name.
const REFERENCE: &[&str] = &["commands", "cli", "reference", "api", "api-reference", "man"];

/// A tree with fewer documents is a team's own.
const MANUAL_DOCUMENTS: usize = 30;
const MANUAL_CHAPTERS: usize = 3;

impl ProductTrees {
    /// From the paths of the documents, and those of generators of sites.
    pub(super) fn find<'a>(paths: impl Iterator<Item = &'a str>, sites: impl Iterator<Item = &'a str>) -> Self {
        let mut seen: BTreeMap<String, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for path in paths {
            let Some((root, below)) = documentation_root(path) else { continue };
            let (documents, chapters) = seen.entry(root.to_owned()).or_default();
            *documents += 1;
            let known = below.split('/').map(|part| part.rsplit_once('.').map_or(part, |(stem, _)| stem));
            chapters.extend(known.filter(|part| CHAPTERS.contains(part)));
        }
        let manual = |(documents, chapters): &(usize, BTreeSet<&str>)| {
            *documents >= MANUAL_DOCUMENTS && chapters.len() >= MANUAL_CHAPTERS
        };
        let mut roots: BTreeSet<String> =
            seen.into_iter().filter(|(_, found)| manual(found)).map(|(root, _)| root).collect();
        roots.extend(sites.filter_map(|path| Some(documentation_root(path)?.0.to_owned())));
        Self { roots }
    }

    pub(super) fn audience(&self, path: &str) -> Audience {
        let lower = path.to_ascii_lowercase();
        let mut folders: Vec<&str> = lower.split('/').collect();
        folders.pop();
        if folders.iter().any(|folder| READERS.contains(folder)) {
            return Audience::Readers;
        }
        let in_manual = documentation_root(path).is_some_and(|(root, _)| self.roots.contains(root));
        if in_manual && folders.iter().any(|folder| REFERENCE.contains(folder)) {
            return Audience::Readers;
        }
        if in_manual || folders.iter().any(|folder| FOR_USERS.contains(folder)) {
            return Audience::Users;
        }
        Audience::Team
    }
}

/// A file that makes a public site of the documents around it. `MkDocs` is none: teams publish their own pages with it.
pub(super) fn makes_site(path: &str) -> bool {
    path.contains("/.vuepress/config.") || path.contains("/.vitepress/config.") || path.contains("/docusaurus.config.")
}

/// The path up to its first documentation folder, and the rest.
fn documentation_root(path: &str) -> Option<(&str, &str)> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if matches!(part, "docs" | "doc" | "documentation" | "website" | "site" | "manual") {
            return Some((path.get(..end)?, path.get(end + 1..)?));
        }
        end += 1;
    }
    None
}
