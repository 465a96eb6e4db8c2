//! Which kustomizations are deployed, and which are only parts of others.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::Node;

use super::{FILE_NAMES, Files, Unread, is_kustomization, join};

/// How the kustomizations of a repository hang together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Directories that nothing includes and that can be built on their own: what is deployed.
    pub top: BTreeSet<String>,
    /// Directories of the kind `Component`.
    pub components: BTreeSet<String>,
    /// For each directory that is included: the directories that include it.
    pub included_by: BTreeMap<String, BTreeSet<String>>,
}

/// Sorts the directories that hold a kustomization file.
pub fn roots<'a>(files: &dyn Files, directories: impl IntoIterator<Item = &'a str>) -> Roots {
    let mut roots = Roots::default();
    for directory in directories {
        let Some(node) = kustomization(files, directory) else { continue };
        let directory = join(".", directory).unwrap_or_else(|| directory.to_owned());
        if node.str_at("kind") == Some("Component") {
            roots.components.insert(directory.clone());
        } else {
            roots.top.insert(directory.clone());
        }
        for reference in ["resources", "bases", "components"].iter().flat_map(|key| node.list(key)) {
            if let Some(target) = reference.str().and_then(|text| join(&directory, text))
                && target != directory
                && files.is_directory(&target)
            {
                roots.included_by.entry(target).or_default().insert(directory.clone());
            }
        }
    }
    let included = &roots.included_by;
    roots.top.retain(|directory| !included.contains_key(directory));
    roots
}

fn kustomization(files: &dyn Files, directory: &str) -> Option<Node> {
    FILE_NAMES.iter().find_map(|name| {
        let documents = match files.parse(&join(directory, name)?) {
            Ok(documents) => documents,
            Err(Unread::Missing | Unread::Broken(_)) => return None,
        };
        let node = documents.first().filter(|node| is_kustomization(node))?;
        Some(Node::clone(node))
    })
}
