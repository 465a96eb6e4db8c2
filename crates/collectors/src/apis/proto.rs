//! Services of protocol buffers.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{ApiDescription, ApiKind, Operation},
};

use super::{
    Found, counts,
    tokens::{Language, tokens},
};
use crate::Corpus;

/// Packages of others that are copied into many repositories.
const FOREIGN: &[&str] = &[
    "google",
    "grpc.health",
    "grpc.reflection",
    "grpc.channelz",
    "grpc.gateway",
    "gogoproto",
    "validate",
    "buf",
    "opentelemetry",
    "envoy",
    "k8s.io",
    "io.prometheus",
    "xds",
    "udpa",
    "cncf",
];

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let files: Vec<Arc<str>> = corpus
        .files_where(|entry| {
            counts(entry) && entry.name().rsplit_once('.').is_some_and(|(_, extension)| extension == "proto")
        })
        .map(|entry| Arc::clone(&entry.path))
        .collect();
    for path in files {
        let Some(text) = found.text(corpus, &path) else { continue };
        found.apis.extend(description(&path, &text));
    }
}

/// What a file says, if it has a service.
fn description(path: &Arc<str>, text: &str) -> Option<ApiDescription> {
    // Most files hold messages only.
    if !text.contains("service") {
        return None;
    }
    let tokens = tokens(text, Language::Proto);
    let mut package = "";
    let mut service: Option<(&str, usize)> = None;
    let mut services = Vec::new();
    let mut operations = Vec::new();
    let mut depth = 0_usize;
    let mut previous = ";";
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map_or("", |token| token.text);
        let begins = matches!(previous, ";" | "{" | "}");
        previous = token.text;
        match token.text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if service.is_some_and(|(_, outer)| outer >= depth) {
                    service = None;
                }
            }
            "package" if depth == 0 && begins => package = next,
            "service" if depth == 0 && begins && is_name(next) => {
                service = Some((next, depth));
                services.push(next);
            }
            "rpc" if begins && is_name(next) => {
                if let Some((service, _)) = service {
                    let full = if package.is_empty() { service.to_owned() } else { format!("{package}.{service}") };
                    operations.push(Operation {
                        method: "RPC".to_owned(),
                        path: format!("{full}/{next}"),
                        place: Place::new(Arc::clone(path), token.line, token.column),
                        security: Vec::new(),
                        responses: Vec::new(),
                        described: token.described,
                    });
                }
            }
            _ => (),
        }
    }
    if operations.is_empty() || is_foreign(package) {
        return None;
    }
    let version = package.rsplit('.').next().filter(|last| {
        last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    });
    Some(ApiDescription {
        kind: ApiKind::Grpc,
        place: Place::whole(Arc::clone(path)),
        title: if package.is_empty() { services.join(", ") } else { package.to_owned() },
        version: version.map(str::to_owned),
        operations,
        security_schemes: Vec::new(),
        servers: Vec::new(),
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

fn is_foreign(package: &str) -> bool {
    FOREIGN
        .iter()
        .any(|foreign| package.strip_prefix(foreign).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        || package.split('.').any(|part| part.ends_with("testpb") || part == "testing")
}
