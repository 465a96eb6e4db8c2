//! Schemas of GraphQL: the fields of the root types. The files of one folder are one schema.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::{
    Place,
    evidence::{ApiDescription, ApiKind, Operation},
};

use super::{
    Found, counts,
    tokens::{Language, Token, tokens},
};
use crate::Corpus;

pub(super) fn gather(corpus: &Corpus<'_>, found: &mut Found) {
    let files: Vec<Arc<str>> = corpus
        .files_where(|entry| {
            let name = entry.name();
            counts(entry) && [".graphql", ".graphqls", ".gql"].iter().any(|ending| name.ends_with(ending))
        })
        .map(|entry| Arc::clone(&entry.path))
        .collect();
    let mut folders: BTreeMap<String, Vec<Text>> = BTreeMap::new();
    for path in files {
        if let Some(text) = found.text(corpus, &path) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            folders.entry(folder).or_default().push((path, text));
        }
    }
    for (folder, files) in folders {
        found.apis.extend(schema(&folder, &files));
    }
}

/// A file's path and what is in it.
type Text = (Arc<str>, Arc<str>);

fn schema(folder: &str, files: &[Text]) -> Option<ApiDescription> {
    let files: Vec<(&Arc<str>, Vec<Token<'_>>)> =
        files.iter().map(|(path, text)| (path, tokens(text, Language::GraphQl))).collect();
    let roots = roots(&files);
    let mut operations = Vec::new();
    for (path, tokens) in &files {
        for (index, pair) in tokens.windows(2).enumerate() {
            let [keyword, name] = pair else { continue };
            let root = roots.iter().find(|(type_name, _)| *type_name == name.text);
            if let (true, Some((_, operation))) = (keyword.text == "type" && begins(tokens, index), root) {
                operations.extend(fields(path, tokens.get(index + 2..).unwrap_or_default(), operation));
            }
        }
    }
    let place = operations.first()?.place.path().to_owned();
    Some(ApiDescription {
        kind: ApiKind::GraphQl,
        place: Place::whole(place),
        title: folder.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("schema").to_owned(),
        version: None,
        operations,
        security_schemes: Vec::new(),
        servers: Vec::new(),
    })
}

/// A definition begins here, not a field whose name is `type`.
fn begins(tokens: &[Token<'_>], index: usize) -> bool {
    index
        .checked_sub(1)
        .and_then(|before| tokens.get(before))
        .is_none_or(|before| matches!(before.text, "}" | "extend") || before.text.starts_with(char::is_alphanumeric))
}

/// The types of queries, mutations and subscriptions: by `schema { query: Q }`, else by their usual names.
fn roots<'t>(files: &[(&Arc<str>, Vec<Token<'t>>)]) -> Vec<(&'t str, &'static str)> {
    let mut roots = vec![("Query", "QUERY"), ("Mutation", "MUTATION"), ("Subscription", "SUBSCRIPTION")];
    for (_, tokens) in files {
        let Some(start) = tokens
            .windows(2)
            .position(|pair| matches!(pair, [one, two] if one.text == "schema" && matches!(two.text, "{" | "@")))
        else {
            continue;
        };
        for triple in tokens
            .get(start..)
            .unwrap_or_default()
            .windows(3)
            .take_while(|triple| triple.first().is_none_or(|token| token.text != "}"))
        {
            let [operation, colon, name] = triple else { continue };
            if colon.text == ":" {
                let usual = match operation.text {
                    "query" => "QUERY",
                    "mutation" => "MUTATION",
                    "subscription" => "SUBSCRIPTION",
                    _ => continue,
                };
                roots.retain(|(_, operation)| *operation != usual);
                roots.push((name.text, usual));
            }
        }
    }
    roots
}

/// The fields of a type whose name was just read.
fn fields(path: &Arc<str>, tokens: &[Token<'_>], operation: &str) -> Vec<Operation> {
    let mut fields: Vec<Operation> = Vec::new();
    let mut round = 0_usize;
    let mut open = false;
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "{" if !open => open = true,
            // A type without fields ends where the next definition begins.
            "type" | "input" | "enum" | "extend" | "schema" | "scalar" if !open => break,
            "}" => break,
            "(" | "[" if open => round += 1,
            ")" | "]" if open => round = round.saturating_sub(1),
            "@" if open && round == 0 => {
                let directive = tokens.get(index + 1).map_or("", |token| token.text);
                let lower = directive.to_ascii_lowercase();
                let guards = ["auth", "role", "permission", "scope", "login"].iter().any(|word| lower.contains(word));
                if let (true, Some(field)) = (guards, fields.last_mut()) {
                    field.security.push(directive.to_owned());
                }
            }
            name if open
                && round == 0
                && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') =>
            {
                let next = tokens.get(index + 1).map_or("", |token| token.text);
                let before = index.checked_sub(1).and_then(|before| tokens.get(before)).map_or("", |token| token.text);
                if matches!(next, ":" | "(") && !matches!(before, ":" | "@") {
                    fields.push(Operation {
                        method: operation.to_owned(),
                        path: name.to_owned(),
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
    fields
}
