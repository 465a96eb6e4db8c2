//! Cargo packages: Cargo.toml with what it inherits from its workspace, and Cargo.lock.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Entry, Node, Place,
    evidence::{Ecosystem, Package, PackageDependency},
};

use super::reader::{Reader, Versions, conflict, count, join, toml_lock, upwards};
use crate::paths::folder;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| name == "Cargo.toml");
    let mut locks = BTreeMap::new();
    manifests.iter().filter_map(|entry| manifest(reader, &mut locks, &entry.path)).collect()
}

fn manifest(reader: &mut Reader<'_, '_>, locks: &mut BTreeMap<Arc<str>, Versions>, path: &Arc<str>) -> Option<Package> {
    let node = reader.data(path)?;
    let package = node.get("package")?;
    let folder = folder(path);
    let workspace = upwards(folder).find_map(|above| {
        let manifest = reader.corpus.file(&join(above, "Cargo.toml"))?;
        manifest.documents.first()?.get("workspace")
    });
    let lockfile = upwards(folder).find_map(|above| reader.first(above, &["Cargo.lock"]));
    if let Some(lockfile) = &lockfile
        && !locks.contains_key(lockfile)
    {
        let versions = read_lock(reader, lockfile);
        locks.insert(Arc::clone(lockfile), versions);
    }
    let versions = lockfile.as_ref().and_then(|lockfile| locks.get(lockfile));

    let mut dependencies = Vec::new();
    let mut add = |table: &Node| {
        for (group, development) in [
            ("dependencies", false),
            ("dev-dependencies", true),
            ("dev_dependencies", true),
            ("build-dependencies", true),
        ] {
            for entry in table.get(group).map(Node::entries).unwrap_or_default() {
                dependencies.push(dependency(entry, development, workspace, versions));
            }
        }
    };
    add(node);
    for target in node.get("target").map(Node::entries).unwrap_or_default() {
        add(&target.node);
    }

    let own = |name: &str| reader.exists(folder, name);
    let bin = node.get("bin").is_some()
        || own("src/main.rs")
        || reader.corpus.tree.below(&join(folder, "src/bin")).next().is_some();
    let library = node.get("lib").is_some() || own("src/lib.rs");
    let inherited = |key: &str| {
        let value = package.get(key)?;
        if value.bool_at("workspace") == Some(true) { workspace?.at("package")?.get(key) } else { Some(value) }
    };
    let publish = inherited("publish");
    let private = publish.is_some_and(|publish| {
        publish.bool() == Some(false)
            || (matches!(publish.value, gonogo_domain::Value::Sequence(_)) && publish.items().is_empty())
    });
    Some(Package {
        ecosystem: Ecosystem::Cargo,
        name: package.str_at("name").map(str::to_owned),
        place: Place::whole(Arc::clone(path)),
        pinned_in_manifest: dependencies
            .iter()
            .filter(|one| !one.development)
            .all(|one| one.requirement.starts_with('=')),
        dependencies,
        lockfile: lockfile.map(Place::whole),
        scripts: Vec::new(),
        program: bin,
        published: library && !bin && !private && inherited("version").is_some(),
    })
}

fn dependency(
    entry: &Entry,
    development: bool,
    workspace: Option<&Node>,
    versions: Option<&Versions>,
) -> PackageDependency {
    let inherited = entry.node.bool_at("workspace") == Some(true);
    let written = if inherited {
        workspace.and_then(|workspace| workspace.get("dependencies")).and_then(|shared| shared.get(&entry.key))
    } else {
        Some(&entry.node)
    };
    let requirement = written
        .and_then(|written| {
            ["version", "git", "path"].iter().find_map(|key| written.str_at(key)).or_else(|| written.str())
        })
        .unwrap_or_default();
    let name = written.and_then(|written| written.str_at("package")).unwrap_or(&entry.key);
    PackageDependency {
        name: name.to_owned(),
        requirement: requirement.to_owned(),
        version: versions.and_then(|versions| versions.get(name)).and_then(|found| pick(found, requirement)),
        development,
        place: entry.key_place.clone(),
    }
}

/// Of several locked versions, the newest that starts like the requirement.
fn pick(found: &[String], requirement: &str) -> Option<String> {
    let wanted = requirement.trim_start_matches(['^', '~', '=', ' ']);
    let mut parts = wanted.split('.');
    let major = parts.next().unwrap_or_default();
    // Below 1.0 the second number is the one that tells versions apart.
    let prefix = match (major, parts.next()) {
        ("0", Some(minor)) => format!("0.{minor}."),
        _ => format!("{major}."),
    };
    found.iter().rev().find(|version| version.starts_with(&prefix)).or_else(|| found.last()).cloned()
}

fn read_lock(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Versions {
    let Some(text) = reader.text(path) else { return Versions::new() };
    if let Some(line) = conflict(&text) {
        reader.broken(Place::new(Arc::clone(path), count(line), 1), "has an unfinished merge");
    }
    toml_lock(&text)
}
