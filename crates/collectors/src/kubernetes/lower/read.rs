//! Small readers of fields with their places.

use std::collections::BTreeMap;

use gonogo_domain::{
    Node, Place,
    evidence::{EnvFrom, EnvFromKind, EnvValue, EnvVar, Located},
};

pub(super) fn text_at(node: &Node, path: &str) -> Option<Located<String>> {
    let found = node.at(path)?;
    Some(Located::new(found.str()?.to_owned(), &found.place))
}

pub(super) fn bool_at(node: &Node, path: &str) -> Option<Located<bool>> {
    let found = node.at(path)?;
    Some(Located::new(found.bool()?, &found.place))
}

pub(super) fn int_at(node: &Node, path: &str) -> Option<Located<i64>> {
    let found = node.at(path)?;
    Some(Located::new(found.int()?, &found.place))
}

pub(super) fn number_at(node: &Node, path: &str) -> Option<Located<u32>> {
    let found = node.at(path)?;
    Some(Located::new(u32::try_from(found.int()?).ok()?, &found.place))
}

/// The place of a key, if its value is `true`.
pub(super) fn place_if_true(node: &Node, key: &str) -> Option<Place> {
    let found = node.get(key)?;
    (found.bool() == Some(true)).then(|| found.place.clone())
}

pub(super) fn texts(node: &Node) -> Vec<String> {
    node.items().iter().filter_map(Node::str).map(str::to_owned).collect()
}

/// A list of texts under a key, at the place of the key.
pub(super) fn texts_at(node: &Node, key: &str) -> Option<Located<Vec<String>>> {
    let entry = node.entry(key)?;
    if entry.node.is_null() {
        return None;
    }
    Some(Located::new(texts(&entry.node), &entry.key_place))
}

pub(super) fn strings(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.map_or(&[][..], Node::entries);
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.str()?.to_owned()))).collect()
}

pub(super) fn annotations(node: Option<&Node>) -> BTreeMap<String, Located<String>> {
    let entries = node.map_or(&[][..], Node::entries);
    entries
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), Located::new(entry.node.str()?.to_owned(), &entry.key_place))))
        .collect()
}

/// `env:` of a container.
pub(super) fn env(container: &Node) -> Vec<EnvVar> {
    container
        .list("env")
        .iter()
        .filter_map(|variable| {
            let name = variable.get("name")?;
            Some(EnvVar { name: name.str()?.to_owned(), place: name.place.clone(), value: env_value(variable) })
        })
        .collect()
}

fn env_value(variable: &Node) -> EnvValue {
    let Some(from) = variable.get("valueFrom") else {
        return EnvValue::Literal(variable.str_at("value").unwrap_or_default().to_owned());
    };
    let text = |node: &Node, key: &str| node.str_at(key).unwrap_or_default().to_owned();
    let optional = |node: &Node| node.bool_at("optional") == Some(true);
    if let Some(secret) = from.get("secretKeyRef") {
        return EnvValue::Secret { name: text(secret, "name"), key: text(secret, "key"), optional: optional(secret) };
    }
    if let Some(map) = from.get("configMapKeyRef") {
        return EnvValue::ConfigMap { name: text(map, "name"), key: text(map, "key"), optional: optional(map) };
    }
    let Some(entry) = from.entries().first() else { return EnvValue::Other(String::new()) };
    let what = entry.node.str_at("fieldPath").or_else(|| entry.node.str_at("resource"));
    EnvValue::Other(match what {
        Some(what) => format!("{}: {what}", entry.key),
        None => entry.key.clone(),
    })
}

/// `envFrom:` of a container.
pub(super) fn env_from(container: &Node) -> Vec<EnvFrom> {
    container
        .list("envFrom")
        .iter()
        .filter_map(|source| {
            let (kind, reference) = match (source.get("secretRef"), source.get("configMapRef")) {
                (Some(secret), _) => (EnvFromKind::Secret, secret),
                (None, Some(map)) => (EnvFromKind::ConfigMap, map),
                (None, None) => return None,
            };
            let name = reference.get("name")?;
            Some(EnvFrom {
                place: name.place.clone(),
                kind,
                name: name.str()?.to_owned(),
                optional: reference.bool_at("optional") == Some(true),
            })
        })
        .collect()
}
