//! Where alerts go: Alertmanager's configuration, its objects, and the contact points and policies of Grafana.

use std::collections::BTreeSet;

use gonogo_domain::{
    Gathered, Node, Place, Source,
    evidence::{AlertRouting, Object, Receiver, Role, Route},
};

use crate::{Corpus, corpus::Format, embedded};

const DEPTH: usize = 8;

pub(crate) fn routing(corpus: &Corpus<'_>) -> Gathered<AlertRouting> {
    let mut gathered = Gathered::default();
    for file in corpus.data().filter(|file| file.format != Format::Toml && file.role != Role::Test) {
        let before = gathered.items.len();
        for document in &file.documents {
            gathered.items.extend(routing_of_object(document));
        }
        let ours = file.broken_with("receivers:") && file.broken_with("route:");
        if ours {
            gathered.gaps.extend(file.gaps(Source::AlertRouting));
        }
        gathered.files += usize::from(ours || gathered.items.len() > before);
    }
    gathered
}

/// Adds what rendered objects say. What the plain files gave for the same lines goes.
pub(crate) fn routing_with_objects(mut plain: Gathered<AlertRouting>, objects: &[Object]) -> Gathered<AlertRouting> {
    let rendered: Vec<AlertRouting> = objects.iter().flat_map(|object| routing_of_object(&object.body)).collect();
    let mut places: BTreeSet<Place> = plain.items.iter().map(|one| one.place.clone()).collect();
    // One configuration is one, however many environments it is rendered for.
    plain.items.extend(rendered.into_iter().filter(|one| places.insert(one.place.clone())));
    plain.items.sort_by(|one, other| one.place.cmp(&other.place));
    plain
}

/// The configurations that an object or a file holds, in a ConfigMap and in values of charts too.
fn routing_of_object(node: &Node) -> Vec<AlertRouting> {
    if node.str_at("kind") == Some("List") {
        return node.list("items").iter().flat_map(routing_of_object).collect();
    }
    let mut found = Vec::new();
    for (_, holder) in embedded::files(node) {
        if holder.str().is_some_and(|text| text.contains("receivers:") && text.contains("route:")) {
            for document in embedded::yaml(holder) {
                search(&document, &mut found, DEPTH);
            }
        }
    }
    if node.get("contactPoints").is_some() || node.get("policies").is_some_and(is_policies) {
        found.push(grafana(node));
        return found;
    }
    search(node, &mut found, DEPTH);
    found
}

fn is_policies(policies: &Node) -> bool {
    policies.items().iter().any(|policy| policy.get("receiver").is_some())
}

fn search(node: &Node, found: &mut Vec<AlertRouting>, depth: usize) {
    let receivers = node.list("receivers");
    let named = !receivers.is_empty() && receivers.iter().all(|receiver| receiver.get("name").is_some());
    if let Some(route) = node.get("route").filter(|route| named && !route.entries().is_empty()) {
        let mut routes = Vec::new();
        flatten(route, None, &[], true, &mut routes);
        let receivers = receivers.iter().filter_map(receiver).collect();
        found.push(AlertRouting { place: node.place.clone(), receivers, routes });
        return;
    }
    if depth > 0 {
        node.entries().iter().for_each(|entry| search(&entry.node, found, depth - 1));
    }
}

fn receiver(node: &Node) -> Option<Receiver> {
    let name = node.str_at("name")?.to_owned();
    let channel =
        |key: &str| Some(key.strip_suffix("_configs").or_else(|| key.strip_suffix("Configs"))?.to_lowercase());
    let filled = node.entries().iter().filter(|entry| !entry.node.items().is_empty());
    let mut channels: Vec<String> = filled.filter_map(|entry| channel(&entry.key)).collect();
    channels.sort();
    Some(Receiver { name, place: node.place.clone(), channels })
}

/// A route and those below it; the parser bounds the depth.
fn flatten(node: &Node, receiver: Option<&str>, matchers: &[String], root: bool, routes: &mut Vec<Route>) {
    let receiver = node.str_at("receiver").or(receiver);
    let mut own = matchers.to_vec();
    own.extend(matchers_of(node));
    routes.push(Route {
        receiver: receiver.map(str::to_owned),
        matchers: own.clone(),
        place: node.place.clone(),
        root,
    });
    for child in node.list("routes") {
        flatten(child, receiver, &own, false, routes);
    }
}

/// Matchers in all the ways in which they are written, as `label="value"`.
fn matchers_of(node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    for (key, operator) in [("match", "="), ("match_re", "=~"), ("matchRe", "=~")] {
        let entries = node.get(key).map(Node::entries).unwrap_or_default();
        found.extend(entries.iter().map(|entry| written(&entry.key, operator, entry.node.str().unwrap_or_default())));
    }
    if let Some(matchers) = node.get("matchers") {
        let each = if matchers.str().is_some() { std::slice::from_ref(matchers) } else { matchers.items() };
        for matcher in each {
            match matcher.str() {
                Some(text) => found.extend(split(text).iter().map(|one| normal(one))),
                None => found.extend(matcher_of_object(matcher)),
            }
        }
    }
    for matcher in node.list("object_matchers") {
        if let [label, operator, value] = matcher.items()
            && let (Some(label), Some(operator)) = (label.str(), operator.str())
        {
            found.push(written(label, operator, value.str().unwrap_or_default()));
        }
    }
    found
}

/// An `AlertmanagerConfig` has them as objects.
fn matcher_of_object(matcher: &Node) -> Option<String> {
    let operator = match (matcher.str_at("matchType"), matcher.bool_at("regex")) {
        (Some(operator), _) => operator,
        (None, Some(true)) => "=~",
        (None, _) => "=",
    };
    Some(written(matcher.str_at("name")?, operator, matcher.str_at("value").unwrap_or_default()))
}

/// `{a="b", c="d,e"}` holds several.
fn split(text: &str) -> Vec<String> {
    let text = text.trim().trim_start_matches('{').trim_end_matches('}');
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        if character == '"' {
            quoted = !quoted;
        }
        if character == ',' && !quoted {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(character);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn normal(text: &str) -> String {
    let Some(at) = text.find(['=', '!']) else { return text.trim().to_owned() };
    let (label, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator)).unwrap_or("=");
    let value = rest.strip_prefix(operator).unwrap_or(rest).trim();
    written(label.trim(), operator, value.trim_matches(['"', '\'']))
}

fn written(label: &str, operator: &str, value: &str) -> String {
    format!("{label}{operator}\"{value}\"")
}

fn grafana(node: &Node) -> AlertRouting {
    let mut receivers = Vec::new();
    for point in node.list("contactPoints") {
        let mut channels: Vec<String> =
            point.list("receivers").iter().filter_map(|one| Some(one.str_at("type")?.to_lowercase())).collect();
        channels.sort();
        channels.dedup();
        if let Some(name) = point.str_at("name") {
            receivers.push(Receiver { name: name.to_owned(), place: point.place.clone(), channels });
        }
    }
    let mut routes = Vec::new();
    for policy in node.list("policies") {
        flatten(policy, None, &[], true, &mut routes);
    }
    AlertRouting { place: node.place.clone(), receivers, routes }
}
