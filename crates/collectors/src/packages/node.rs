//! npm packages: package.json and the lockfiles of npm, Yarn (classic and berry), pnpm and Bun.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use globset::Glob;
use gonogo_domain::{
    Node, Place,
    evidence::{Ecosystem, Package, PackageDependency},
};

use super::{
    json_scan,
    reader::{Reader, conflict, count, upwards},
};
use crate::paths::folder;

const LOCKFILES: &[&str] =
    &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Package> {
    let manifests = reader.named(|name| name == "package.json");
    let mut locks = Locks::default();
    manifests.iter().filter_map(|entry| manifest(reader, &mut locks, &entry.path)).collect()
}

fn manifest(reader: &mut Reader<'_, '_>, locks: &mut Locks, path: &Arc<str>) -> Option<Package> {
    let node = reader.data(path)?;
    let folder = folder(path);
    let name = node.str_at("name").map(str::to_owned);
    let scripts: Vec<(String, String, Place)> = node
        .get("scripts")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), entry.node.str()?.to_owned(), entry.key_place.clone())))
        .collect();
    let mut dependencies = dependencies(node);
    if name.is_none() && dependencies.is_empty() && scripts.is_empty() && node.get("workspaces").is_none() {
        return None;
    }
    let lock = Locks::find(reader, folder);
    if let Some((lockfile, member)) = &lock {
        locks.resolve(reader, lockfile, member, &mut dependencies);
    }
    let has_script = |wanted: &[&str]| scripts.iter().any(|(name, _, _)| wanted.contains(&name.as_str()));
    let private = node.bool_at("private") == Some(true);
    let importable =
        ["main", "module", "exports", "types", "files", "publishConfig"].iter().any(|key| node.get(key).is_some());
    let program = node.get("bin").is_some()
        || has_script(&["start", "start:prod", "serve"])
        || reader.is_packed(folder)
        || reader.names_in(folder).any(|name| matches!(name, "server.js" | "server.ts" | "app.js"));
    Some(Package {
        ecosystem: Ecosystem::Npm,
        published: !private
            && importable
            && name.is_some()
            && node.get("version").is_some()
            && (!program || node.get("bin").is_some()),
        name,
        place: Place::whole(Arc::clone(path)),
        pinned_in_manifest: dependencies.iter().filter(|one| !one.development).all(|one| is_exact(&one.requirement)),
        dependencies,
        lockfile: lock.map(|(lockfile, _)| Place::whole(lockfile)),
        scripts,
        program,
    })
}

fn dependencies(node: &Node) -> Vec<PackageDependency> {
    let groups = [
        ("dependencies", false),
        ("optionalDependencies", false),
        ("devDependencies", true),
        ("peerDependencies", false),
    ];
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (group, development) in groups {
        for entry in node.get(group).map(Node::entries).unwrap_or_default() {
            if seen.insert(entry.key.as_str()) {
                found.push(PackageDependency {
                    name: entry.key.clone(),
                    requirement: entry.node.str().unwrap_or_default().to_owned(),
                    version: None,
                    development,
                    place: entry.key_place.clone(),
                });
            }
        }
    }
    found
}

/// A version without a range: `1.2.3`, `=1.2.3`, or a file of this repository.
fn is_exact(requirement: &str) -> bool {
    let version = requirement.trim().trim_start_matches('=');
    ["workspace:", "file:", "link:", "portal:"].iter().any(|local| version.starts_with(local))
        || (version.split('.').count() >= 3
            && version.starts_with(|first: char| first.is_ascii_digit())
            && !version.contains([' ', '|', '*', 'x', 'X']))
}

/// Versions that a lockfile gives: by the member that asks (`.` for the root), the name, and the range where the
/// lockfile keeps one entry a range.
type Resolved = BTreeMap<(String, String), String>;

#[derive(Default)]
struct Locks {
    read: BTreeMap<Arc<str>, Resolved>,
}

impl Locks {
    /// The lockfile of a folder, or that of the workspace it is a member of, and its name for the folder.
    fn find(reader: &mut Reader<'_, '_>, folder: &str) -> Option<(Arc<str>, String)> {
        for above in upwards(folder) {
            let Some(lockfile) = reader.first(above, LOCKFILES) else { continue };
            if above == folder {
                return Some((lockfile, ".".to_owned()));
            }
            let member = if above == "." { folder } else { folder.get(above.len() + 1..)? };
            if is_member(reader, above, member) {
                return Some((lockfile, member.to_owned()));
            }
        }
        None
    }

    fn resolve(
        &mut self,
        reader: &mut Reader<'_, '_>,
        lockfile: &Arc<str>,
        member: &str,
        wanted: &mut [PackageDependency],
    ) {
        if !self.read.contains_key(lockfile) {
            let resolved = read_lock(reader, lockfile);
            self.read.insert(Arc::clone(lockfile), resolved);
        }
        let Some(resolved) = self.read.get(lockfile) else { return };
        for dependency in wanted {
            let ranged = format!("{}@{}", dependency.name, dependency.requirement);
            let npm_ranged = format!("{}@npm:{}", dependency.name, dependency.requirement);
            let keys = [
                (member.to_owned(), dependency.name.clone()),
                (".".to_owned(), dependency.name.clone()),
                (".".to_owned(), ranged),
                (".".to_owned(), npm_ranged),
            ];
            dependency.version = keys.iter().find_map(|key| resolved.get(key)).cloned();
        }
    }
}

/// The workspace of a folder lists this member.
fn is_member(reader: &mut Reader<'_, '_>, root: &str, member: &str) -> bool {
    let mut patterns: Vec<String> = Vec::new();
    let files = [
        ("package.json", "workspaces"),
        ("package.json", "workspaces.packages"),
        ("pnpm-workspace.yaml", "packages"),
        ("lerna.json", "packages"),
    ];
    for (name, key) in files {
        if let Some(path) = reader.first(root, &[name])
            && let Some(node) = reader.data(&path)
        {
            patterns.extend(node.list(key).iter().filter_map(|item| item.str().map(str::to_owned)));
        }
    }
    if patterns.is_empty() && reader.exists(root, "rush.json") {
        return true;
    }
    let fits = |pattern: &str| {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(member))
    };
    patterns.iter().any(|pattern| !pattern.starts_with('!') && fits(pattern))
        && !patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(fits)
}

fn read_lock(reader: &mut Reader<'_, '_>, path: &Arc<str>) -> Resolved {
    if path.ends_with(".lockb") {
        // Bun's old binary form: it is there, and its versions stay unknown.
        return Resolved::new();
    }
    let Some(text) = reader.text(path) else { return Resolved::new() };
    if let Some(line) = conflict(&text) {
        reader.broken(Place::new(Arc::clone(path), count(line), 1), "has an unfinished merge");
        return Resolved::new();
    }
    let mut resolved = Resolved::new();
    let result = if path.ends_with(".json") {
        json_scan::scan(&text, |keys, value| npm(keys, value, &mut resolved))
            .map_err(|broken| (broken.line, broken.reason))
    } else if path.ends_with("bun.lock") {
        json_scan::scan(&text, |keys, value| bun(keys, value, &mut resolved))
            .map_err(|broken| (broken.line, broken.reason))
    } else if path.ends_with("yarn.lock") {
        yarn(&text, &mut resolved)
    } else {
        pnpm(&text, &mut resolved)
    };
    if let Err((line, reason)) = result {
        reader.broken(Place::new(Arc::clone(path), count(line), 1), reason);
    }
    resolved
}

/// `packages["member/node_modules/name"].version` of versions 2 and 3, `dependencies.name.version` of version 1.
fn npm(keys: &[&str], value: &str, resolved: &mut Resolved) {
    match keys {
        ["packages", location, "version"] => {
            let (member, name) = if let Some(name) = location.strip_prefix("node_modules/") {
                (".", name)
            } else if let Some(found) = location.split_once("/node_modules/") {
                found
            } else {
                return;
            };
            if !name.contains("/node_modules/") {
                resolved.insert((member.to_owned(), name.to_owned()), value.to_owned());
            }
        }
        ["dependencies", name, "version"] => {
            resolved.entry((".".to_owned(), (*name).to_owned())).or_insert_with(|| value.to_owned());
        }
        _ => (),
    }
}

/// `packages.name[0]` is `name@version`.
fn bun(keys: &[&str], value: &str, resolved: &mut Resolved) {
    if let ["packages", name, ""] | ["packages", name] = keys
        && let Some((_, version)) = value.rsplit_once('@').filter(|(written, _)| written == name)
    {
        resolved.entry((".".to_owned(), (*name).to_owned())).or_insert_with(|| version.to_owned());
    }
}

/// Both of Yarn's forms: `name@range, name@range:` at the margin, and the version below it.
fn yarn(text: &str, resolved: &mut Resolved) -> Result<(), (usize, &'static str)> {
    if !text.contains("# yarn lockfile v1") && !text.contains("__metadata:") {
        return Err((1, "is no lockfile of Yarn"));
    }
    let mut heads: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if !line.starts_with(' ') {
            heads = line.trim_end_matches(':').split(',').map(|head| head.trim().trim_matches('"')).collect();
        } else if let Some(version) = line.strip_prefix("  version") {
            let version = version.trim_start_matches(':').trim().trim_matches('"');
            for head in heads.drain(..) {
                resolved.insert((".".to_owned(), head.to_owned()), version.to_owned());
            }
        }
    }
    Ok(())
}

/// `importers.member.dependencies.name.version`; before version 9 a package alone has its groups at the margin, and
/// before version 6 the version stands right after the name.
fn pnpm(text: &str, resolved: &mut Resolved) -> Result<(), (usize, &'static str)> {
    if !text.lines().take(5).any(|line| line.starts_with("lockfileVersion")) {
        return Err((1, "is no lockfile of pnpm"));
    }
    let mut keys: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if indent == 0 && (code.starts_with("packages:") || code.starts_with("snapshots:")) {
            break;
        }
        let Some((key, value)) = code.split_once(": ").or_else(|| code.strip_suffix(':').map(|key| (key, ""))) else {
            continue;
        };
        keys.retain(|(outer, _)| *outer < indent);
        keys.push((indent, key.trim_matches(['\'', '"'])));
        let names: Vec<&str> = keys.iter().map(|(_, key)| *key).collect();
        let (member, name) = match names.as_slice() {
            ["importers", member, group, name, "version"] | ["importers", member, group, name]
                if group.ends_with("ependencies") =>
            {
                (*member, *name)
            }
            [group, name, "version"] | [group, name] if group.ends_with("ependencies") => (".", *name),
            _ => continue,
        };
        let version = value.trim_matches(['\'', '"']).split(['(', '_']).next().unwrap_or_default();
        if !version.is_empty() {
            resolved.insert((member.to_owned(), name.to_owned()), version.to_owned());
        }
    }
    Ok(())
}
