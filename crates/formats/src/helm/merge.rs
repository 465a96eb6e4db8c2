//! How helm puts values together: files over defaults, parents over subcharts, globals to everybody.

use std::rc::Rc;

use super::chart::{Dependency, Tree};
use super::eval::MAX_VALUE_DEPTH;
use super::functions::versions;
use super::value::{Data, Entries, Map, Slot, Value};

const GLOBAL: &str = "global";

/// A chart as it takes part in a rendering: under an alias, with the values that imports gave it.
pub(super) struct Instance<'a> {
    pub(super) tree: &'a Tree,
    pub(super) name: String,
    pub(super) defaults: Map,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) children: Vec<Self>,
}

/// A subchart whose values are no mapping, and the place of what they are instead.
pub(super) type Clash = (String, u32);

/// A dependency that is switched on and not there.
pub(super) struct Missing {
    pub(super) chart: std::sync::Arc<str>,
    pub(super) dependency: Dependency,
}

pub(super) fn copy(map: &Map) -> Map {
    let mut nodes = 0;
    let value = Value::from(Data::Map(map.clone()));
    value.deep_copy(MAX_VALUE_DEPTH * 2, &mut nodes).and_then(|copy| copy.as_map().cloned()).unwrap_or_default()
}

/// `over` on top of `base`; null stays, to delete a default later.
pub(super) fn overlay(base: &Map, over: &Map) {
    for (key, slot) in over.snapshot() {
        match (base.get(&key).as_ref().and_then(Value::as_map), slot.value.as_map()) {
            (Some(inner), Some(other)) => overlay(inner, other),
            _ => base.insert(key, slot),
        }
    }
}

impl<'a> Instance<'a> {
    /// All charts of a tree, before conditions; `defaults` reads a chart's own values.
    pub(super) fn new(tree: &'a Tree, defaults: &mut dyn FnMut(&Tree) -> Map) -> Self {
        Self {
            tree,
            name: tree.name.clone(),
            defaults: defaults(tree),
            dependencies: tree.dependencies.clone(),
            children: tree.children.iter().map(|child| Self::new(child, defaults)).collect(),
        }
    }

    fn renamed(&self, name: &str) -> Self {
        Self {
            tree: self.tree,
            name: name.to_owned(),
            defaults: copy(&self.defaults),
            dependencies: self.dependencies.clone(),
            children: self.children.iter().map(|child| child.renamed(&child.name)).collect(),
        }
    }

    /// Keeps the subcharts that conditions and tags switch on (helm's `processDependencyEnabled`).
    pub(super) fn choose(&mut self, values: &Map, path: &str, missing: &mut Vec<Missing>) {
        if self.dependencies.is_empty() {
            return;
        }
        let mut chosen = Vec::new();
        for child in &self.children {
            if !self.dependencies.iter().any(|wanted| wanted.matches(child.tree)) {
                chosen.push(child.renamed(&child.name));
            }
        }
        let mut absent = Vec::new();
        for wanted in &mut self.dependencies {
            match self.children.iter().find(|child| wanted.matches(child.tree)) {
                Some(child) => chosen.push(child.renamed(wanted.alias.as_ref().unwrap_or(&wanted.name))),
                None if !self.children.iter().any(|child| child.tree.name == wanted.name) => {
                    absent.push(wanted.clone());
                }
                None => (),
            }
            if let Some(alias) = &wanted.alias {
                wanted.name.clone_from(alias);
            }
        }
        self.children = chosen;
        let coalesced = copy(values);
        self.coalesce(&coalesced, false, 0, &mut Vec::new());
        let is_off = |dependency: &Dependency| !dependency.is_enabled(&coalesced, path);
        self.children.retain(|child| {
            !self.dependencies.iter().any(|dependency| dependency.name == child.name && is_off(dependency))
        });
        self.dependencies.retain(|dependency| !is_off(dependency));
        for dependency in absent {
            let mut named = dependency.clone();
            if let Some(alias) = &named.alias {
                named.name.clone_from(alias);
            }
            if !is_off(&named) {
                missing.push(Missing { chart: std::sync::Arc::clone(&self.tree.path), dependency });
            }
        }
        for child in &mut self.children {
            let path = format!("{path}{}.", child.name);
            child.choose(&coalesced, &path, missing);
        }
    }

    /// Copies the subcharts' values, and what `import-values` names of them, into the defaults of a chart that declares
    /// dependencies (helm's `processImportValues`).
    pub(super) fn import(&mut self) {
        for child in &mut self.children {
            child.import();
        }
        if self.tree.dependencies.is_empty() {
            return;
        }
        let coalesced = Map::default();
        self.coalesce(&coalesced, true, 0, &mut Vec::new());
        let imported = Map::default();
        for dependency in &self.dependencies {
            for (child, parent) in &dependency.imports {
                let Some(table) = path_value(&coalesced, &format!("{}.{child}", dependency.name)) else { continue };
                let Some(table) = table.as_map() else { continue };
                let mut nested = copy(table);
                for part in parent.split('.').filter(|part| !part.is_empty()).rev() {
                    let slot = Slot { key_place: 0, value: Data::Map(nested).into() };
                    nested = Map::new(Entries::from([(Rc::from(part), slot)]));
                }
                coalesce_tables(&imported, &nested, true, 0);
            }
        }
        let result = copy(&coalesced);
        coalesce_tables(&result, &imported, true, 0);
        self.defaults = result;
    }

    /// Fills `values` with defaults, the chart's and its subcharts' (helm's `coalesce`). `merge` keeps nulls;
    /// `clashes` gets the subcharts whose values are no mapping.
    pub(super) fn coalesce(&self, values: &Map, merge: bool, depth: usize, clashes: &mut Vec<Clash>) {
        if depth > MAX_VALUE_DEPTH {
            return;
        }
        let defaults = copy(&self.defaults);
        for (key, slot) in defaults.snapshot() {
            match values.slot(&key) {
                None => values.insert(key, slot),
                Some(present) if present.value.is_nil() && !merge => values.remove(&key),
                Some(present) => {
                    if let (Some(inner), Some(source)) = (present.value.as_map(), slot.value.as_map()) {
                        let is_child = self.children.iter().any(|child| *child.name == *key);
                        coalesce_tables(inner, source, merge || is_child, depth + 1);
                    }
                }
            }
        }
        for child in &self.children {
            let table = match &values.get(&child.name) {
                None => {
                    let table = Map::default();
                    values.set(child.name.as_str(), Data::Map(table.clone()).into());
                    table
                }
                Some(value) => {
                    let Some(table) = value.as_map() else {
                        clashes.push((child.name.clone(), value.source().unwrap_or_default().value));
                        continue;
                    };
                    table.clone()
                }
            };
            share_globals(&table, values);
            child.coalesce(&table, merge, depth + 1, clashes);
        }
    }
}

/// Gives a subchart the parent's globals, over its own.
fn share_globals(child: &Map, parent: &Map) {
    let table = |map: &Map| match map.get(GLOBAL) {
        None => Some(Map::default()),
        Some(value) => value.as_map().cloned(),
    };
    let (Some(target), Some(source)) = (table(child), table(parent)) else { return };
    for (key, slot) in source.snapshot() {
        match (slot.value.as_map(), target.get(&key)) {
            (Some(shared), None) => {
                target.insert(key, Slot { value: Data::Map(copy(shared)).into(), ..slot.clone() });
            }
            (Some(shared), Some(present)) => {
                if let Some(present) = present.as_map() {
                    let merged = copy(shared);
                    coalesce_tables(&merged, present, true, 0);
                    target.insert(Rc::clone(&key), Slot { value: Data::Map(merged).into(), ..slot.clone() });
                }
            }
            (None, Some(present)) if present.as_map().is_some() => (),
            (None, _) => target.insert(key, slot),
        }
    }
    child.set(GLOBAL, Data::Map(target).into());
}

/// Fills `target` from `source`; unless merging, a null in `target` deletes the key.
fn coalesce_tables(target: &Map, source: &Map, merge: bool, depth: usize) {
    if depth > MAX_VALUE_DEPTH {
        return;
    }
    for (key, slot) in source.snapshot() {
        match target.slot(&key) {
            Some(present) if present.value.is_nil() => {
                // A null over a null is kept: only a default that is there can be deleted.
                if !merge && !slot.value.is_nil() {
                    target.remove(&key);
                }
            }
            None => target.insert(key, slot),
            Some(present) => {
                if let (Some(inner), Some(other)) = (present.value.as_map(), slot.value.as_map()) {
                    coalesce_tables(inner, other, merge, depth + 1);
                }
            }
        }
    }
}

fn path_value(values: &Map, path: &str) -> Option<Value> {
    let mut parts = path.split('.').filter(|part| !part.is_empty());
    let mut value = values.get(parts.next()?)?;
    for part in parts {
        value = value.as_map()?.get(part)?;
    }
    Some(value)
}

impl Dependency {
    fn matches(&self, tree: &Tree) -> bool {
        self.name == tree.name && versions::satisfies(&self.version, &tree.version).unwrap_or(false)
    }

    fn is_enabled(&self, values: &Map, path: &str) -> bool {
        let mut enabled = true;
        if let Some(tags) = values.get("tags").as_ref().and_then(Value::as_map) {
            let given: Vec<bool> =
                self.tags.iter().filter_map(|tag| tags.get(tag).as_ref().and_then(Value::as_bool)).collect();
            enabled = given.is_empty() || given.contains(&true);
        }
        self.condition
            .trim()
            .split(',')
            .filter(|condition| !condition.is_empty())
            .find_map(|condition| path_value(values, &format!("{path}{condition}")).and_then(|value| value.as_bool()))
            .unwrap_or(enabled)
    }
}
