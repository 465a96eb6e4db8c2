//! Docker Compose files as services: overrides merged, `extends` followed, each value with its own place.
//!
//! Source of the rules: the Compose specification, chapters "Merge", "Extend", "Interpolation" and "Profiles".

mod interpolate;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use gonogo_domain::{Entry, Node, Place, Value};

pub use interpolate::{Interpolated, interpolate};

/// Services that extend each other; people stay below five.
const MAX_CHAIN: usize = 32;
/// Services of one file; the rest is left out.
const MAX_SERVICES: usize = 5_000;
/// Nodes that all `extends` of one project may copy.
const MAX_COPIES: usize = 2_000_000;

/// What a set of Compose files declares.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// In the order in which the files first name them.
    pub services: Vec<Service>,
    /// The other top-level fields, merged: `volumes`, `networks`, `secrets`, `configs`, `name`; no `x-` fields.
    pub top: Vec<Entry>,
    /// Sorted.
    pub problems: Vec<crate::ParseError>,
}

/// A service with everything that overrides and `extends` say about it. Variables are kept as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub name: String,
    pub node: Node,
    /// Where its name is written first.
    pub place: Place,
    /// Started only with one of these; with none of them, always.
    pub profiles: Vec<String>,
}

/// Reads `files` as one project: the first is the base, each later one overrides those before. `other` gives the first
/// document of any other file of the repository, for `extends` and `include`.
pub fn load(files: &[(Arc<str>, Arc<Node>)], other: &dyn Fn(&str) -> Option<Arc<Node>>) -> Project {
    let mut loader = Loader { other, problems: BTreeSet::new(), copies: MAX_COPIES };
    let mut services: Vec<Entry> = Vec::new();
    let mut top: Vec<Entry> = Vec::new();
    for (path, file) in files {
        for (path, file) in loader.included(path, file) {
            loader.file(&path, &file, &mut services, &mut top);
        }
    }
    let services = services
        .into_iter()
        .map(|Entry { key, key_place, node }| Service {
            name: key,
            place: key_place,
            profiles: node.list("profiles").iter().filter_map(Node::str).map(str::to_owned).collect(),
            node,
        })
        .collect();
    let problems = loader.problems.into_iter();
    Project { services, top, problems: problems.map(|(place, reason)| crate::ParseError { place, reason }).collect() }
}

struct Loader<'a> {
    other: &'a dyn Fn(&str) -> Option<Arc<Node>>,
    problems: BTreeSet<(Place, String)>,
    copies: usize,
}

impl Loader<'_> {
    fn problem(&mut self, place: &Place, reason: impl Into<String>) {
        self.problems.insert((place.clone(), reason.into()));
    }

    /// The files that `include` names, then the file itself.
    fn included(&mut self, path: &Arc<str>, file: &Arc<Node>) -> Vec<(Arc<str>, Arc<Node>)> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        self.gather(path, file, &mut seen, &mut found);
        found
    }

    fn gather(
        &mut self,
        path: &Arc<str>,
        file: &Arc<Node>,
        seen: &mut BTreeSet<Arc<str>>,
        found: &mut Vec<(Arc<str>, Arc<Node>)>,
    ) {
        if !seen.insert(Arc::clone(path)) || seen.len() > MAX_CHAIN {
            self.problem(&file.place, "files include each other too often");
            return;
        }
        for include in file.list("include") {
            let paths = match include.get("path") {
                Some(list) if !list.items().is_empty() => list.items().iter().collect(),
                Some(one) => vec![one],
                None => vec![include],
            };
            for reference in paths {
                let text = reference.str().unwrap_or_default();
                match beside(path, text).and_then(|path| Some(((self.other)(&path)?, Arc::from(path)))) {
                    Some((file, path)) => self.gather(&path, &file, seen, found),
                    None => self.problem(&reference.place, format!("{text} is not in the repository")),
                }
            }
        }
        found.push((Arc::clone(path), Arc::clone(file)));
    }

    fn file(&mut self, path: &str, file: &Node, services: &mut Vec<Entry>, top: &mut Vec<Entry>) {
        if let Some(extra) = file.get("services").and_then(|services| services.entries().get(MAX_SERVICES)) {
            self.problem(&extra.key_place, "the file has too many services; the rest is left out");
        }
        for entry in services_of(file) {
            if entry.key.starts_with("x-") {
                continue;
            }
            if !matches!(entry.node.value, Value::Mapping(_)) {
                self.problem(&entry.key_place, format!("service {} is no mapping", entry.key));
                continue;
            }
            let Some(node) = self.extended(path, file, entry, &mut Vec::new()) else { continue };
            match services.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => merge(&mut known.node, &node, &mut Vec::new()),
                None => services.push(Entry { key: entry.key.clone(), key_place: entry.key_place.clone(), node }),
            }
        }
        if file.get("services").is_none() {
            return;
        }
        for entry in file.entries() {
            if matches!(entry.key.as_str(), "services" | "version" | "include") || entry.key.starts_with("x-") {
                continue;
            }
            match top.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => merge(&mut known.node, &entry.node, &mut vec![entry.key.clone()]),
                None => top.push(entry.clone()),
            }
        }
    }

    /// The service on top of what it extends.
    fn extended(
        &mut self,
        path: &str,
        file: &Node,
        service: &Entry,
        chain: &mut Vec<(String, String)>,
    ) -> Option<Node> {
        let link = (path.to_owned(), service.key.clone());
        if chain.contains(&link) || chain.len() >= MAX_CHAIN {
            self.problem(&service.key_place, format!("service {} extends itself", service.key));
            return None;
        }
        let mut size = 0;
        service.node.walk(&mut |_| size += 1);
        let Some(left) = self.copies.checked_sub(size) else {
            self.problem(&service.key_place, "the project copies too much; this service is left out");
            return None;
        };
        self.copies = left;
        let Some(extends) = service.node.get("extends").filter(|node| !node.is_null()) else {
            return Some(service.node.clone());
        };
        chain.push(link);
        let base = self.base(path, file, extends, chain);
        chain.pop();
        let mut own = service.node.clone();
        if let Value::Mapping(entries) = &mut own.value {
            entries.retain(|entry| entry.key != "extends");
        }
        let Some(mut base) = base else { return Some(own) };
        merge(&mut base, &own, &mut Vec::new());
        base.place = own.place;
        Some(base)
    }

    fn base(&mut self, path: &str, file: &Node, extends: &Node, chain: &mut Vec<(String, String)>) -> Option<Node> {
        let name = extends.str().or_else(|| extends.str_at("service")).unwrap_or_default();
        let other;
        let (path, file) = match extends.get("file") {
            None => (path.to_owned(), file),
            Some(reference) => {
                let text = reference.str().unwrap_or_default();
                let target = beside(path, text).and_then(|path| Some(((self.other)(&path)?, path)));
                let Some((file, path)) = target else {
                    self.problem(&reference.place, format!("{text} is not in the repository"));
                    return None;
                };
                other = file;
                (path, other.as_ref())
            }
        };
        let Some(entry) = services_of(file).iter().find(|entry| entry.key == name) else {
            self.problem(&extends.place, format!("{path} has no service {name} to extend"));
            return None;
        };
        self.extended(&path, file, entry, chain)
    }
}

/// The services of a file; before version 2 they stood at the top.
fn services_of(file: &Node) -> &[Entry] {
    let old = |entry: &Entry| entry.node.get("image").is_some() || entry.node.get("build").is_some();
    let entries = match file.get("services") {
        Some(services) => services.entries(),
        None if file.entries().iter().any(old) => file.entries(),
        None => &[],
    };
    entries.get(..MAX_SERVICES).unwrap_or(entries)
}

/// A path as seen from the directory of a file; `None` if it leads out of the repository.
fn beside(file: &str, reference: &str) -> Option<String> {
    if reference.is_empty() || reference.starts_with('/') || reference.contains("://") {
        return None;
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// How two lists become one.
enum Join {
    /// The later one wins.
    Replace,
    /// Items with the same key become one, the later one wins.
    By(fn(&Node) -> Option<String>),
    /// `KEY=value` items, in a list or a mapping.
    Pairs(&'static [char]),
    /// Names, in a list or as the keys of a mapping.
    Names,
    /// One after the other, each item once.
    Append,
}

fn join_of(path: &[String]) -> Join {
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["command" | "entrypoint"] | ["healthcheck", "test"] => Join::Replace,
        ["environment" | "labels" | "annotations" | "sysctls"]
        | ["build", "args" | "labels"]
        | ["deploy", "labels"] => Join::Pairs(&['=']),
        ["extra_hosts"] | ["build", "extra_hosts"] => Join::Pairs(&['=', ':']),
        ["depends_on" | "networks"] => Join::Names,
        ["ports"] => Join::By(port),
        ["volumes" | "devices"] => Join::By(target),
        ["secrets" | "configs"] => Join::By(source),
        _ => Join::Append,
    }
}

/// Lays `later` over `node`; `path` leads from the service to it.
fn merge(node: &mut Node, later: &Node, path: &mut Vec<String>) {
    match join_of(path) {
        Join::Pairs(marks) if is_list(node) || is_list(later) => {
            let (mut pairs, added) = (as_pairs(node, marks), as_pairs(later, marks));
            put_all(&mut pairs, added);
            node.value = Value::Mapping(pairs);
            return;
        }
        Join::Names if is_list(node) != is_list(later) => {
            let (mut names, added) = (as_names(node), as_names(later));
            put_all(&mut names, added);
            node.value = Value::Mapping(names);
            return;
        }
        Join::Replace => {
            *node = later.clone();
            return;
        }
        _ => (),
    }
    match (&mut node.value, &later.value) {
        (Value::Mapping(entries), Value::Mapping(added)) => {
            let known = index(entries);
            for entry in added {
                let Some(slot) = known.get(&entry.key).and_then(|position| entries.get_mut(*position)) else {
                    entries.push(entry.clone());
                    continue;
                };
                path.push(entry.key.clone());
                merge(&mut slot.node, &entry.node, path);
                path.pop();
            }
        }
        (Value::Sequence(items), Value::Sequence(added)) => {
            let key = match join_of(path) {
                Join::By(key) => key,
                _ => whole,
            };
            let mut keys: HashMap<String, usize> =
                items.iter().enumerate().filter_map(|(index, item)| Some((key(item)?, index))).collect();
            for item in added {
                let place = key(item);
                let known = place.as_ref().and_then(|key| keys.get(key)).and_then(|index| items.get_mut(*index));
                if let Some(known) = known {
                    *known = item.clone();
                } else {
                    if let Some(key) = place {
                        keys.insert(key, items.len());
                    }
                    items.push(item.clone());
                }
            }
        }
        (_, _) if later.is_null() => (),
        _ => *node = later.clone(),
    }
}

fn is_list(node: &Node) -> bool {
    matches!(node.value, Value::Sequence(_))
}

fn put_all(entries: &mut Vec<Entry>, added: Vec<Entry>) {
    let mut known = index(entries);
    for entry in added {
        if let Some(slot) = known.get(&entry.key).and_then(|position| entries.get_mut(*position)) {
            *slot = entry;
        } else {
            known.insert(entry.key.clone(), entries.len());
            entries.push(entry);
        }
    }
}

fn index(entries: &[Entry]) -> HashMap<String, usize> {
    entries.iter().enumerate().map(|(position, entry)| (entry.key.clone(), position)).collect()
}

/// `[A=1, B]` as `{A: 1, B: null}`.
fn as_pairs(node: &Node, marks: &[char]) -> Vec<Entry> {
    match &node.value {
        Value::Mapping(entries) => entries.clone(),
        Value::Sequence(items) => items
            .iter()
            .filter_map(|item| {
                let text = item.str()?;
                let (key, value) = match text.split_once(marks) {
                    Some((key, value)) => (key, Node::text(item.place.clone(), value)),
                    None => (text, Node::new(item.place.clone(), Value::Null)),
                };
                Some(Entry { key: key.trim().to_owned(), key_place: item.place.clone(), node: value })
            })
            .collect(),
        Value::Null | Value::Scalar(_) => Vec::new(),
    }
}

fn as_names(node: &Node) -> Vec<Entry> {
    match &node.value {
        Value::Mapping(entries) => entries.clone(),
        Value::Sequence(items) => items
            .iter()
            .filter_map(|item| {
                let node = Node::new(item.place.clone(), Value::Null);
                Some(Entry { key: item.str()?.to_owned(), key_place: item.place.clone(), node })
            })
            .collect(),
        Value::Null | Value::Scalar(_) => Vec::new(),
    }
}

fn whole(item: &Node) -> Option<String> {
    item.str().map(str::to_owned)
}

/// Address, published port, target and protocol: what makes two published ports the same.
fn port(item: &Node) -> Option<String> {
    let Some(text) = item.str() else {
        let part = |key| item.str_at(key).unwrap_or_default();
        let protocol = item.str_at("protocol").unwrap_or("tcp");
        let target = item.str_at("target")?;
        return Some(format!("{}:{}:{target}/{protocol}", part("host_ip"), part("published")));
    };
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let colons = ports.matches(':').count();
    Some(match colons {
        0 => format!("::{ports}/{protocol}"),
        1 => format!(":{ports}/{protocol}"),
        _ => format!("{ports}/{protocol}"),
    })
}

/// Where a volume or device appears in the container.
fn target(item: &Node) -> Option<String> {
    let Some(text) = item.str() else { return item.str_at("target").map(str::to_owned) };
    let mut parts = text.split(':');
    let first = parts.next()?;
    Some(parts.next().unwrap_or(first).trim_end_matches('/').to_owned())
}

fn source(item: &Node) -> Option<String> {
    item.str().or_else(|| item.str_at("target")).or_else(|| item.str_at("source")).map(str::to_owned)
}
