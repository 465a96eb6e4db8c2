//! OpenAPI 2 and 3, and AsyncAPI 2 and 3.

use std::collections::BTreeSet;

use gonogo_domain::{
    Node, Place, Source,
    evidence::{ApiDescription, ApiKind, Operation},
};

use super::{Found, counts};
use crate::{Corpus, paths};

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    // The same description is often there as YAML and as JSON.
    let mut seen = BTreeSet::new();
    for file in corpus.data() {
        if !corpus.tree.entry(&file.path).is_some_and(counts) {
            continue;
        }
        let marks = ["openapi:", "\"openapi\"", "swagger:", "\"swagger\"", "asyncapi:", "\"asyncapi\""];
        if marks.iter().any(|mark| file.broken_with(mark))
            && ["paths", "channels"].iter().any(|word| file.broken_with(word))
        {
            found.gaps.extend(file.gaps(Source::Apis));
        }
        for document in &file.documents {
            let description = if is_openapi(document) {
                openapi(corpus, document)
            } else if document.str_at("asyncapi").is_some() && document.get("channels").is_some() {
                asyncapi(document)
            } else {
                continue;
            };
            found.files += 1;
            let mut calls: Vec<(String, String)> =
                description.operations.iter().map(|one| (one.method.clone(), one.path.clone())).collect();
            calls.sort();
            if seen.insert((file.folder().to_owned(), description.title.clone(), calls)) {
                found.apis.push(description);
            }
        }
    }
}

/// A document that describes calls, as opposed to an object of Kubernetes that happens to have such a key.
fn is_openapi(document: &Node) -> bool {
    let versioned = ["openapi", "swagger"].iter().any(|key| document.get(key).and_then(Node::str).is_some());
    versioned
        && document.get("info").is_some()
        && document.get("apiVersion").is_none()
        && (document.get("paths").is_some() || document.get("webhooks").is_some())
}

fn whole(document: &Node) -> Place {
    Place::whole(document.place.path())
}

fn openapi(corpus: &Corpus<'_>, document: &Node) -> ApiDescription {
    let schemes = document.at("components.securitySchemes").or_else(|| document.get("securityDefinitions"));
    let general = document.get("security").map(needed).unwrap_or_default();
    let mut operations = Vec::new();
    for path in document.get("paths").map(Node::entries).unwrap_or_default() {
        if path.key.starts_with("x-") {
            continue;
        }
        let item =
            path.node.str_at("$ref").and_then(|reference| referred(corpus, document, reference)).unwrap_or(&path.node);
        for entry in item.entries() {
            let method = entry.key.to_ascii_lowercase();
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let operation = &entry.node;
            let says = |key: &str| operation.str_at(key).is_some_and(|text| !text.trim().is_empty());
            operations.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.key.clone(),
                place: entry.key_place.clone(),
                security: operation.get("security").map_or_else(|| general.clone(), needed),
                responses: keys(operation.get("responses")).filter(|code| !code.starts_with("x-")).collect(),
                described: says("summary") || says("description"),
            });
        }
    }
    let mut servers: Vec<String> =
        document.list("servers").iter().filter_map(|server| server.str_at("url").map(str::to_owned)).collect();
    if let Some(host) = document.str_at("host") {
        let base = document.str_at("basePath").unwrap_or_default();
        let schemes = document.list("schemes").iter().filter_map(Node::str);
        servers.extend(schemes.map(|scheme| format!("{scheme}://{host}{base}")));
        if servers.is_empty() {
            servers.push(format!("{host}{base}"));
        }
    }
    ApiDescription {
        kind: ApiKind::OpenApi,
        place: whole(document),
        title: document.str_at("info.title").unwrap_or_default().to_owned(),
        version: document.str_at("info.version").map(str::to_owned),
        operations,
        security_schemes: keys(schemes).collect(),
        servers,
    }
}

fn keys(node: Option<&Node>) -> impl Iterator<Item = String> {
    node.map(Node::entries).unwrap_or_default().iter().map(|entry| entry.key.clone())
}

/// The schemes of a list of alternatives; an empty alternative lets anyone in.
fn needed(security: &Node) -> Vec<String> {
    if security.items().iter().any(|alternative| alternative.entries().is_empty()) {
        return Vec::new();
    }
    let mut schemes: Vec<String> =
        security.items().iter().flat_map(Node::entries).map(|entry| entry.key.clone()).collect();
    schemes.sort();
    schemes.dedup();
    schemes
}

/// What `file.yaml#/a/b` leads to, in this file or another of the repository.
fn referred<'c>(corpus: &'c Corpus<'_>, document: &'c Node, reference: &str) -> Option<&'c Node> {
    let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let root = if file.is_empty() {
        document
    } else {
        let folder = document.place.path().rsplit_once('/').map_or(".", |(folder, _)| folder);
        corpus.file(&paths::join(folder, file)?)?.documents.first()?
    };
    pointer
        .split('/')
        .filter(|part| !part.is_empty())
        .try_fold(root, |node, part| node.get(&part.replace("~1", "/").replace("~0", "~")))
}

fn asyncapi(document: &Node) -> ApiDescription {
    let mut operations = Vec::new();
    let mut add = |method: &str, path: &str, place: &Place, node: &Node| {
        let says = |key: &str| node.str_at(key).is_some_and(|text| !text.trim().is_empty());
        operations.push(Operation {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            place: place.clone(),
            security: node.get("security").map(needed).unwrap_or_default(),
            responses: Vec::new(),
            described: says("summary") || says("description"),
        });
    };
    for channel in document.get("channels").map(Node::entries).unwrap_or_default() {
        for entry in channel.node.entries().iter().filter(|entry| matches!(entry.key.as_str(), "publish" | "subscribe"))
        {
            add(&entry.key, &channel.key, &entry.key_place, &entry.node);
        }
    }
    for entry in document.get("operations").map(Node::entries).unwrap_or_default() {
        let channel = entry.node.str_at("channel.$ref").and_then(|reference| reference.rsplit('/').next());
        let address = channel.and_then(|name| document.get("channels")?.get(name)?.str_at("address")).or(channel);
        add(
            entry.node.str_at("action").unwrap_or_default(),
            address.unwrap_or(&entry.key),
            &entry.key_place,
            &entry.node,
        );
    }
    let servers = document.get("servers").map(Node::entries).unwrap_or_default();
    ApiDescription {
        kind: ApiKind::AsyncApi,
        place: whole(document),
        title: document.str_at("info.title").unwrap_or_default().to_owned(),
        version: document.str_at("info.version").map(str::to_owned),
        operations,
        security_schemes: keys(document.at("components.securitySchemes")).collect(),
        servers: servers
            .iter()
            .filter_map(|server| server.node.str_at("url").or_else(|| server.node.str_at("host")).map(str::to_owned))
            .collect(),
    }
}
