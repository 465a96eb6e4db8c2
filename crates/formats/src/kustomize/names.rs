//! Names that change, and everything that refers to them: prefixes, suffixes, content hashes, references.

use std::{collections::HashMap, fmt::Write as _};

use gonogo_domain::{Node, Place, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Problem,
    fields::{Config, FieldSpec, Kind, Reference},
    resource::{Id, Resource},
    transform::keeps_name,
    tree,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Prefix,
    Suffix,
}

/// `namePrefix:` or `nameSuffix:`.
pub(super) fn affix(resources: &mut [Resource], text: &Node, side: Side, specs: &[FieldSpec]) {
    let Some(affix) = text.str().filter(|text| !text.is_empty() && text.len() <= tree::MAX_NAME) else { return };
    for resource in resources {
        let kind = resource.kind();
        if keeps_name(&kind) {
            continue;
        }
        for spec in specs.iter().filter(|spec| spec.fits(&kind)) {
            if spec.path.iter().map(String::as_str).eq(["metadata", "name"]) {
                resource.remember();
                match side {
                    Side::Prefix => resource.prefixes.push(affix.to_owned()),
                    Side::Suffix => resource.suffixes.push(affix.to_owned()),
                }
            }
            resource.visit(spec, &text.place, &mut |node| {
                if let Value::Scalar(scalar) = &mut node.value {
                    scalar.text = match side {
                        Side::Prefix => format!("{affix}{}", scalar.text),
                        Side::Suffix => format!("{}{affix}", scalar.text),
                    };
                    scalar.plain = false;
                }
            });
        }
    }
}

/// Adds the hash of the content to the names of generated objects.
pub(super) fn add_hashes(resources: &mut [Resource]) {
    for resource in resources.iter_mut().filter(|resource| resource.hashed) {
        resource.remember();
        let name = format!("{}-{}", tree::text(&resource.node, "metadata.name"), hash(&resource.node));
        resource.rename(&name);
    }
}

/// kustomize's hash of a `ConfigMap` or a Secret: ten characters of SHA-256 over its canonical JSON. The name that it
/// means to include is always empty there: it looks for a key `metadata/name`.
fn hash(node: &Node) -> String {
    let secret = tree::text(node, "kind") == "Secret";
    let mut json = String::from("{");
    if let Some(binary) = node.get("binaryData").filter(|_| !secret) {
        _ = write!(json, "\"binaryData\":{},", json_of(Some(binary)));
    }
    _ = write!(json, "\"data\":{},", json_of(node.get("data")));
    if secret {
        json.push_str("\"kind\":\"Secret\",\"name\":\"\",");
        if let Some(text) = node.get("stringData") {
            _ = write!(json, "\"stringData\":{},", json_of(Some(text)));
        }
        _ = write!(json, "\"type\":{}}}", json_of(node.get("type")));
    } else {
        json.push_str("\"kind\":\"ConfigMap\",\"name\":\"\"}");
    }
    let digest = Sha256::digest(json);
    let nibbles = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .map(|character| match character {
            // Vowels and digits that look like letters go, so that no hash spells a word.
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

fn json_of(node: Option<&Node>) -> String {
    match node.map(|node| &node.value) {
        Some(Value::Mapping(entries)) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|left, right| left.key.cmp(&right.key));
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| format!("{}:{}", json_text(&entry.key), json_of(Some(&entry.node))))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Some(Value::Sequence(items)) => {
            format!("[{}]", items.iter().map(|item| json_of(Some(item))).collect::<Vec<_>>().join(","))
        }
        Some(Value::Scalar(scalar)) => json_text(&scalar.text),
        Some(Value::Null) | None => "\"\"".to_owned(),
    }
}

/// A JSON string as Go writes it: HTML characters and line separators are escaped too.
fn json_text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// An object whose name changed, as those that refer to it see it.
struct Candidate {
    before: Vec<Id>,
    now: Id,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

struct Referrer<'a> {
    id: Id,
    prefixes: &'a [String],
    suffixes: &'a [String],
    role: Option<(String, String)>,
    /// Namespaces of the accounts that a binding names.
    subject_namespaces: Vec<String>,
}

/// Leads every reference to an object by its old name to the new one.
pub(super) fn fix_references(resources: &mut [Resource], config: &Config) -> Vec<Problem> {
    let candidates: Vec<Candidate> = resources
        .iter()
        .filter(|resource| !resource.before.is_empty())
        .map(|resource| Candidate {
            before: resource.before.clone(),
            now: resource.id(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        })
        .collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let mut by_name: HashMap<&str, Vec<&Candidate>> = HashMap::new();
    for candidate in &candidates {
        let mut names: Vec<_> = candidate.before.iter().map(|id| id.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            by_name.entry(name).or_default().push(candidate);
        }
    }

    let mut problems = Vec::new();
    for resource in resources {
        let kind = resource.kind();
        let standard = Config::standard_references(&kind.kind).iter();
        let fitting: Vec<&Reference> =
            standard.chain(&config.references).filter(|reference| reference.field.fits(&kind)).collect();
        if fitting.is_empty() {
            continue;
        }
        let (prefixes, suffixes) = (resource.prefixes.clone(), resource.suffixes.clone());
        let referrer = Referrer {
            id: resource.id(),
            prefixes: &prefixes,
            suffixes: &suffixes,
            role: resource
                .node
                .get("roleRef")
                .and_then(|role| Some((role.str_at("apiGroup")?.to_owned(), role.str_at("kind")?.to_owned()))),
            subject_namespaces: if kind.kind == "RoleBinding" {
                let subjects = resource.node.list("subjects").iter();
                let accounts = subjects.filter(|subject| subject.str_at("kind") == Some("ServiceAccount"));
                accounts.filter_map(|subject| subject.str_at("namespace")).map(str::to_owned).collect()
            } else {
                Vec::new()
            },
        };
        let place = resource.node.place.clone();
        for reference in fitting {
            let field = &reference.field;
            resource.visit(field, &place, &mut |node| {
                if let Err(problem) = follow(node, &referrer, reference, &by_name) {
                    problems.push(problem);
                }
            });
        }
    }
    problems
}

fn follow(
    node: &mut Node,
    referrer: &Referrer<'_>,
    reference: &Reference,
    by_name: &HashMap<&str, Vec<&Candidate>>,
) -> Result<(), Problem> {
    match &mut node.value {
        Value::Scalar(scalar) => {
            let place = &node.place;
            let found = referral(&scalar.text, None, referrer, reference, by_name, place)?;
            if let Some(found) = found
                && found.now.name != scalar.text
            {
                scalar.text.clone_from(&found.now.name);
                scalar.plain = false;
            }
            Ok(())
        }
        Value::Sequence(items) => {
            items.iter_mut().try_for_each(|item| {
                // A list may hold names or things with names; only those are followed, lists in lists are not.
                if matches!(item.value, Value::Sequence(_)) {
                    Ok(())
                } else {
                    follow(item, referrer, reference, by_name)
                }
            })
        }
        Value::Mapping(_) => {
            let Some(name) = node.get("name").and_then(Node::str).map(str::to_owned) else { return Ok(()) };
            let namespace = node.get("namespace").map(|node| node.str().unwrap_or_default().to_owned());
            let place = node.place.clone();
            let found = referral(&name, namespace.as_deref(), referrer, reference, by_name, &place)?;
            let Some(found) = found else { return Ok(()) };
            if let Some(slot) = node.get_mut("name") {
                let place = slot.place.clone();
                tree::rewrite(slot, &found.now.name, &place);
            }
            if !found.now.namespace.is_empty() && namespace.as_deref() != Some(&found.now.namespace) {
                set_namespace(node, &found.now.namespace);
            }
            Ok(())
        }
        Value::Null => Ok(()),
    }
}

fn set_namespace(node: &mut Node, namespace: &str) {
    let place: Place = node.get("namespace").map_or_else(|| node.place.clone(), |node| node.place.clone());
    tree::put(node, "namespace", &place, tree::string(&place, namespace));
}

fn referral<'a>(
    name: &str,
    namespace: Option<&str>,
    referrer: &Referrer<'_>,
    reference: &Reference,
    by_name: &HashMap<&str, Vec<&'a Candidate>>,
    place: &Place,
) -> Result<Option<&'a Candidate>, Problem> {
    let Some(named) = by_name.get(name) else { return Ok(None) };
    let from = &referrer.id;
    let cluster_scoped = from.kind.cluster_scoped();
    let mut candidates: Vec<&Candidate> = named
        .iter()
        .copied()
        .filter(|candidate| {
            candidate.before.iter().any(|id| id.kind.fits(&reference.group, &reference.version, &reference.kind))
        })
        .filter(|candidate| match &referrer.role {
            Some((group, kind)) if reference.field.path.iter().any(|key| key == "roleRef") => {
                candidate.before.iter().any(|id| id.kind.fits(group, "", kind))
            }
            _ => true,
        })
        .filter(|candidate| {
            cluster_scoped
                || candidate.now.kind.cluster_scoped()
                || from.effective_namespace() == candidate.now.effective_namespace()
                || (is_account(&candidate.now.kind) && referrer.subject_namespaces.contains(&candidate.now.namespace))
        })
        .collect();
    if let Some(namespace) = namespace {
        let original =
            |candidate: &&Candidate| candidate.before.first().is_some_and(|id| id.effective_namespace() == namespace);
        if candidates.iter().any(original) {
            candidates.retain(original);
        } else {
            candidates.retain(|candidate| candidate.now.effective_namespace() == namespace);
        }
    }
    if let [only] = candidates.as_slice() {
        return Ok(Some(only));
    }
    let kin = |candidate: &Candidate, empty: bool| {
        alike(&candidate.prefixes, referrer.prefixes, empty) && alike(&candidate.suffixes, referrer.suffixes, empty)
    };
    candidates.retain(|candidate| kin(candidate, true));
    if candidates.len() > 1 {
        candidates.retain(|candidate| kin(candidate, false));
    }
    let Some(first) = candidates.first() else { return Ok(None) };
    let identical = candidates.iter().all(|candidate| {
        candidate.now.name == first.now.name && (namespace.is_none() || candidate.now.namespace == first.now.namespace)
    });
    if identical {
        return Ok(Some(first));
    }
    Err(Problem::new(place, format!("several objects were named {name}; which one is meant cannot be told")))
}

fn is_account(kind: &Kind) -> bool {
    kind.kind == "ServiceAccount" && kind.group.is_empty()
}

/// The last parts of both lists are equal, as far as the shorter one reaches.
fn alike(left: &[String], right: &[String], empty_fits: bool) -> bool {
    if left.is_empty() || right.is_empty() {
        return empty_fits || left.is_empty() == right.is_empty();
    }
    left.iter().rev().zip(right.iter().rev()).all(|(left, right)| left == right)
}
