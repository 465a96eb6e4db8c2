//! PHP: composer.json and composer.lock. Extensions (`ext-redis`) are kept: they say what a program talks to.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Node, Place,
    evidence::{Ecosystem, Package, PackageDependency},
};

use super::{
    json_scan,
    reader::{Reader, conflict, count},
};
use crate::paths::folder;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| name == "composer.json");
    manifests.iter().filter_map(|entry| manifest(reader, &entry.path)).collect()
}

fn manifest(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Option<Package> {
    let node = reader.data(path)?;
    let folder = folder(path);
    let lockfile = reader.first(folder, &["composer.lock"]);
    let locked = lockfile.as_ref().map(|lockfile| lock(reader, lockfile)).unwrap_or_default();
    let mut dependencies = Vec::new();
    for (group, development) in [("require", false), ("require-dev", true)] {
        for entry in node.get(group).map(Node::entries).unwrap_or_default() {
            if entry.key == "php" || entry.key.starts_with("lib-") || entry.key.starts_with("composer-") {
                continue;
            }
            dependencies.push(PackageDependency {
                name: entry.key.clone(),
                requirement: entry.node.str().unwrap_or_default().to_owned(),
                version: locked.get(&entry.key).cloned(),
                development,
                place: entry.key_place.clone(),
            });
        }
    }
    let scripts = node.get("scripts").map(Node::entries).unwrap_or_default().iter().filter_map(|entry| {
        let parts: Vec<&str> = entry.node.items().iter().filter_map(Node::str).collect();
        let command = entry.node.str().map_or_else(|| parts.join(" && "), str::to_owned);
        (!command.is_empty()).then(|| (entry.key.clone(), command, entry.key_place.clone()))
    });
    let starts =
        ["public/index.php", "artisan", "bin/console", "index.php"].iter().any(|file| reader.exists(folder, file));
    let kind = node.str_at("type");
    let program = starts || kind == Some("project") || reader.is_packed(folder);
    let pinned = dependencies.iter().filter(|one| !one.development && !one.name.starts_with("ext-")).all(|one| {
        one.requirement.trim_start_matches(['v', '=']).split('.').count() >= 3
            && !one.requirement.contains(['^', '~', '*', '|', ' ', '>', '<'])
    });
    Some(Package {
        ecosystem: Ecosystem::Composer,
        name: node.str_at("name").map(str::to_owned),
        place: Place::whole(Arc::clone(path)),
        scripts: scripts.collect(),
        dependencies,
        lockfile: lockfile.map(Place::whole),
        pinned_in_manifest: pinned,
        program,
        published: !program && node.get("name").is_some() && kind.is_none_or(|kind| kind == "library"),
    })
}

/// `packages[].name` and `.version`, which come in this order.
fn lock(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let Some(text) = reader.text(path) else { return versions };
    if let Some(line) = conflict(&text) {
        reader.broken(Place::new(Arc::clone(path), count(line), 1), "has an unfinished merge");
        return versions;
    }
    let mut name = None;
    let result = json_scan::scan(&text, |keys, value| match keys {
        ["packages" | "packages-dev", "", "name"] | ["packages" | "packages-dev", "name"] => {
            name = Some(value.replace("\\/", "/"));
        }
        ["packages" | "packages-dev", "", "version"] | ["packages" | "packages-dev", "version"] => {
            if let Some(name) = name.take() {
                versions.insert(name, value.trim_start_matches('v').to_owned());
            }
        }
        _ => (),
    });
    if let Err(broken) = result {
        reader.broken(Place::new(Arc::clone(path), count(broken.line), 1), broken.reason);
    }
    versions
}
