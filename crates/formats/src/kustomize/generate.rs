//! `ConfigMap`s and Secrets that a kustomization makes from literals and files.

use std::sync::Arc;

use gonogo_domain::{Entry, Node, Place, Value};

use super::{
    build::Builder,
    resource::{Id, Resource},
    tree,
};

/// What to do when an object of that name is already there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behavior {
    Create,
    Merge,
    Replace,
}

/// One entry of `configMapGenerator` or `secretGenerator`, made and put among the resources.
pub(super) fn generate(
    builder: &mut Builder<'_>,
    directory: &str,
    kind: &str,
    entry: &Node,
    options: Option<&Node>,
    resources: &mut Vec<Resource>,
) {
    let Some(name) = entry.get("name").filter(|name| name.str().is_some()) else {
        builder.problem(&entry.place, format!("a {kind} generator has no name"));
        return;
    };
    let place = &entry.place;
    let own = entry.get("options");
    let option = |key: &str| own.and_then(|own| own.get(key)).or_else(|| options.and_then(|all| all.get(key)));
    let flag = |key: &str| [own, options].iter().flatten().any(|options| options.bool_at(key) == Some(true));

    let mut object = Node::new(place.clone(), Value::Mapping(Vec::new()));
    tree::put(&mut object, "apiVersion", place, tree::string(place, "v1"));
    tree::put(&mut object, "kind", place, tree::string(place, kind));
    if let Some(metadata) = tree::child(&mut object, "metadata", place) {
        tree::put(metadata, "name", place, tree::string(&name.place, name.str().unwrap_or_default()));
        if let Some(namespace) = entry.get("namespace").filter(|node| !node.is_null()) {
            tree::put(metadata, "namespace", place, namespace.clone());
        }
        for key in ["labels", "annotations"] {
            // The options of the entry win over those of the kustomization, key by key.
            for map in [options, own].into_iter().flatten().filter_map(|options| options.get(key)) {
                for pair in map.entries() {
                    if let Some(target) = tree::child(metadata, key, &pair.key_place) {
                        let text = pair.node.str().unwrap_or_default();
                        tree::put(target, &pair.key, &pair.key_place, tree::string(&pair.node.place, text));
                    }
                }
            }
        }
    }
    let secret = kind == "Secret";
    if secret {
        let r#type = entry.get("type").cloned().unwrap_or_else(|| tree::string(place, "Opaque"));
        tree::put(&mut object, "type", place, r#type);
    }
    let pairs = collect(builder, directory, entry);
    if let Some(data) = (!pairs.is_empty()).then(|| tree::child(&mut object, "data", place)).flatten() {
        for Entry { key, key_place, mut node } in pairs {
            if secret && let Value::Scalar(scalar) = &mut node.value {
                scalar.text = base64(scalar.text.as_bytes());
            }
            tree::put(data, &key, &key_place, node);
        }
    }
    if let Some(immutable) = option("immutable").filter(|node| node.bool() == Some(true)) {
        tree::put(&mut object, "immutable", place, immutable.clone());
    }

    let behavior = match tree::text(entry, "behavior") {
        "merge" => Behavior::Merge,
        "replace" => Behavior::Replace,
        _ => Behavior::Create,
    };
    let mut made = Resource::new(Arc::new(object));
    made.hashed = !flag("disableNameSuffixHash");
    if let Err(reason) = absorb(resources, made, behavior) {
        builder.problem(place, reason);
    }
}

fn absorb(resources: &mut Vec<Resource>, mut made: Resource, behavior: Behavior) -> Result<(), String> {
    let id = made.id();
    let mut twins = resources.iter_mut().filter(|resource| resource.is_or_was(|other: &Id| other.same(&id)));
    match (twins.next(), behavior) {
        (None, Behavior::Create) => {
            resources.push(made);
            Ok(())
        }
        (None, _) => Err(format!("there is no {} {} to merge with or to replace", id.kind.kind, id.name)),
        (Some(_), Behavior::Create) => {
            Err(format!("{} {} exists already; `behavior` must be merge or replace", id.kind.kind, id.name))
        }
        (Some(old), _) => {
            let mut node = Node::clone(&made.node);
            let mut keep = vec!["metadata.labels", "metadata.annotations"];
            if behavior == Behavior::Merge {
                keep.extend(["data", "binaryData"]);
            }
            for path in keep {
                underlay(&mut node, &old.node, path);
            }
            if let Some(metadata) = node.get_mut("metadata") {
                for key in ["name", "namespace"] {
                    if let Some(entry) = old.node.get("metadata").and_then(|metadata| metadata.entry(key)) {
                        tree::put(metadata, key, &entry.key_place, entry.node.clone());
                    }
                }
            }
            made.node = Arc::new(node);
            made.hashed &= old.hashed;
            made.before = std::mem::take(&mut old.before);
            made.prefixes = std::mem::take(&mut old.prefixes);
            made.suffixes = std::mem::take(&mut old.suffixes);
            *old = made;
            Ok(())
        }
    }
}

/// Adds the pairs of the old mapping that the new one does not set.
fn underlay(new: &mut Node, old: &Node, path: &str) {
    let (parent, key) = path.split_once('.').map_or((None, path), |(parent, key)| (Some(parent), key));
    let Some(from) = old.at(path) else { return };
    let target = match parent {
        Some(parent) => new.get_mut(parent),
        None => Some(new),
    };
    let Some(target) = target.and_then(|target| tree::child(target, key, &from.place)) else { return };
    for entry in from.entries() {
        if target.get(&entry.key).is_none() {
            tree::put(target, &entry.key, &entry.key_place, entry.node.clone());
        }
    }
}

/// The pairs of an entry, each leading to the line that holds its value.
fn collect(builder: &mut Builder<'_>, directory: &str, entry: &Node) -> Vec<Entry> {
    let mut pairs: Vec<Entry> = Vec::new();
    let mut add = |key: &str, key_place: &Place, value: &str, place: &Place| {
        pairs.push(Entry { key: key.to_owned(), key_place: key_place.clone(), node: tree::string(place, value) });
    };
    let environments = entry.list("envs").iter().chain(entry.get("env"));
    for source in environments {
        let Some((path, text)) = read(builder, directory, source, source.str().unwrap_or_default()) else { continue };
        let whole = Place::new(path, 1, 1);
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // A key without a value takes it from the environment of the build, which nobody can know here.
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let place = whole.at_line(u32::try_from(index + 1).unwrap_or(u32::MAX));
            add(key, &place, value, &place);
        }
    }
    for literal in entry.list("literals") {
        match literal.str().and_then(|text| text.split_once('=')) {
            Some((key, value)) => add(key, &literal.place, value.trim_matches(['"', '\'']), &literal.place),
            None => builder.problem(&literal.place, "a literal must be key=value"),
        }
    }
    for source in entry.list("files") {
        let text = source.str().unwrap_or_default();
        let (key, file) = match text.split_once('=') {
            Some((key, file)) => (key, file),
            None => (text.rsplit('/').next().unwrap_or(text), text),
        };
        if let Some((path, text)) = read(builder, directory, source, file) {
            add(key, &source.place, &text, &Place::new(path, 1, 1));
        }
    }
    pairs
}

fn read(builder: &mut Builder<'_>, directory: &str, source: &Node, file: &str) -> Option<(Arc<str>, Arc<str>)> {
    let Some(path) = super::join(directory, file) else {
        builder.problem(&source.place, format!("{file} is outside the repository"));
        return None;
    };
    let Some(text) = builder.files.text(&path) else {
        builder.problem(&source.place, format!("{file} is missing or is not text"));
        return None;
    };
    Some((builder.using(&path), text))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * position) & 63).unwrap_or(0);
            let letter = ALPHABET.get(index).map_or('=', |letter| char::from(*letter));
            text.push(if position <= chunk.len() { letter } else { '=' });
        }
    }
    text
}
