//! The OpenAPI document of a service, as far as experiments need it: versions 2.0, 3.0 and 3.1.

use serde_json::{Map, Value};

use crate::bench::{Bench, BenchError, Description};

/// References are followed so often; a longer chain leads in a circle.
const FOLLOWED: usize = 16;

/// Nesting of a document that is still rewritten.
const DEEPEST: usize = 64;

const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

/// The document that is configured or found; one that the service itself answers with is asked for.
pub(super) fn of(bench: &Bench) -> Result<Option<Description>, BenchError> {
    if let Some(found) = bench.description() {
        return Ok(Some(found.clone()));
    }
    let Some(path) = bench.run().openapi.clone().filter(|path| path.starts_with('/')) else { return Ok(None) };
    let reply = bench.document(&path)?.reply;
    let document = reply.and_then(|reply| serde_json::from_slice::<Value>(&reply.body).ok());
    Ok(document.filter(|document| document.get("paths").is_some()).map(|document| Description { name: path, document }))
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    /// Lower case.
    pub method: &'a str,
    /// As it is written: `/items/{id}`.
    pub path: &'a str,
    pub value: &'a Value,
    document: &'a Value,
}

/// All of them, in the order of the document.
pub(super) fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document.get("paths").and_then(Value::as_object);
    let operations = paths.into_iter().flatten().flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let value = item.get(method)?;
            Some(Operation { method, path, value, document })
        })
    });
    operations.collect()
}

/// What stands before every path: `basePath`, or the path of the first server.
pub(super) fn base(document: &Value) -> &str {
    if let Some(base) = document.get("basePath").and_then(Value::as_str) {
        return base.trim_end_matches('/');
    }
    let server = document.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    let path = match server.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => server,
    };
    if path.contains('{') { "" } else { path.trim_end_matches('/') }
}

/// The operation of a request. A path that is written out goes before one with placeholders.
pub(super) fn find<'a>(all: &[Operation<'a>], base: &str, method: &str, path: &str) -> Option<Operation<'a>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let rest = path.strip_prefix(base).filter(|path| path.starts_with('/'));
    let fits = |one: &&Operation<'a>| {
        one.method.eq_ignore_ascii_case(method)
            && (fits(one.path, path) || rest.is_some_and(|rest| fits(one.path, rest)))
    };
    all.iter().filter(fits).min_by_key(|one| one.path.matches('{').count()).copied()
}

fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut found) = (template.trim_end_matches('/').split('/'), path.trim_end_matches('/').split('/'));
    loop {
        match (parts.next(), found.next()) {
            (None, None) => return true,
            (Some(part), Some(found)) if part == found => (),
            (Some(part), Some(found)) => {
                // `{id}`, and `{id}.json`.
                let Some((before, rest)) = part.split_once('{') else { return false };
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                let long_enough = found.len() > before.len() + after.len();
                if !(long_enough && found.starts_with(before) && (after.contains('{') || found.ends_with(after))) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// What a promise of an operation about a status is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Promised {
    Nothing,
    /// The status, and no body that can be compared.
    Status,
    /// The place of the schema of its JSON body, as a JSON pointer.
    Body(String),
}

impl Operation<'_> {
    /// Everybody may use it: the operation itself says that it asks for no credentials.
    pub(super) fn is_public(&self) -> bool {
        let own = self.value.get("security").and_then(Value::as_array);
        own.is_some_and(|all| all.is_empty() || all.iter().any(|one| one.as_object().is_some_and(Map::is_empty)))
    }

    /// The path with something in the place of each placeholder.
    pub(super) fn filled(&self) -> String {
        let mut filled = String::new();
        let mut rest = self.path;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
            filled.push_str(before);
            filled.push_str(&self.example(name));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    fn example(&self, name: &str) -> String {
        let of_item = self.document.get("paths").and_then(|paths| paths.get(self.path)?.get("parameters"));
        let lists = [self.value.get("parameters"), of_item];
        let all = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let parameter = all
            .filter_map(|one| Some(resolve(self.document, one, String::new())?.0))
            .find(|one| one.get("name").and_then(Value::as_str) == Some(name));
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let given = parameter.and_then(|one| {
            let places = ["/example", "/schema/example", "/schema/default", "/schema/enum/0", "/default", "/enum/0"];
            places.iter().find_map(|place| text(one.pointer(place)?))
        });
        let format = parameter
            .and_then(|one| one.pointer("/schema/format").or_else(|| one.get("format")).and_then(Value::as_str));
        given.unwrap_or_else(|| {
            if format == Some("uuid") { "0af76519-16cd-43dd-8448-eb211c80319c" } else { "1" }.to_owned()
        })
    }

    /// What it says of an answer of this status.
    pub(super) fn promises(&self, status: u16) -> Promised {
        let Some(responses) = self.value.get("responses").and_then(Value::as_object) else { return Promised::Nothing };
        let keys = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
        let Some((key, response)) = keys.iter().find_map(|key| Some((key, responses.get(key.as_str())?))) else {
            return Promised::Nothing;
        };
        let here = format!("/paths/{}/{}/responses/{}", escaped(self.path), self.method, escaped(key));
        let Some((response, here)) = resolve(self.document, response, here) else { return Promised::Status };
        if response.get("schema").is_some_and(says_something) {
            return Promised::Body(format!("{here}/schema"));
        }
        let content = response.get("content").and_then(Value::as_object);
        let is_json = |kind: &str| kind.split(';').next().is_some_and(|kind| kind.trim().ends_with("json"));
        let found = content.and_then(|content| {
            content.iter().find(|(kind, media)| is_json(kind) && media.get("schema").is_some_and(says_something))
        });
        found.map_or(Promised::Status, |(kind, _)| Promised::Body(format!("{here}/content/{}/schema", escaped(kind))))
    }
}

/// A schema that something may fail.
fn says_something(schema: &Value) -> bool {
    schema.as_object().is_some_and(|members| members.keys().any(|key| key != "title" && key != "description"))
}

/// A part of a JSON pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// What a reference within the document leads to, and where that is.
fn resolve<'a>(document: &'a Value, value: &'a Value, place: String) -> Option<(&'a Value, String)> {
    let (mut value, mut place) = (value, place);
    for _ in 0..FOLLOWED {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Some((value, place)) };
        let pointer = reference.strip_prefix('#')?;
        value = document.pointer(pointer)?;
        pointer.clone_into(&mut place);
    }
    None
}

/// A validator of what stands at a place of the document.
///
/// # Errors
/// Why the schema there cannot be used.
pub(super) fn validator(document: &Value, pointer: &str) -> Result<jsonschema::Validator, String> {
    let mut whole = document.clone();
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or("2.0");
    // Since 3.1 its schemas are JSON Schema; before, they were an early draft of it with `nullable`.
    let draft = if version.starts_with("3.1") || version.starts_with("3.2") {
        jsonschema::Draft::Draft202012
    } else {
        allow_null(&mut whole, 0);
        jsonschema::Draft::Draft4
    };
    if let Some(members) = whole.as_object_mut() {
        let fragment = percent_encoded(pointer);
        members.insert("$ref".to_owned(), Value::String(format!("#{fragment}")));
    }
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(false)
        .build(&whole)
        .map_err(|error| super::listen::beginning(&error.to_string(), 160))
}

/// A pointer as it stands in a URI.
fn percent_encoded(pointer: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"/~-._!$&'()*+,;=:@".contains(&byte);
    let encoded = |byte: u8| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    pointer.bytes().map(encoded).collect()
}

/// Writes `nullable: true` as JSON Schema says it.
fn allow_null(value: &mut Value, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(members) => {
            if members.get("nullable").and_then(Value::as_bool) == Some(true) {
                if let Some(Value::String(kind)) = members.get("type") {
                    let both = Value::Array(vec![Value::String(kind.clone()), Value::String("null".to_owned())]);
                    members.insert("type".to_owned(), both);
                }
                if let Some(Value::Array(values)) = members.get_mut("enum")
                    && !values.contains(&Value::Null)
                {
                    values.push(Value::Null);
                }
            }
            members.values_mut().for_each(|value| allow_null(value, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| allow_null(value, depth + 1)),
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "openapi": "3.0.3",
            "servers": [{ "url": "https://shop.example/api/" }],
            "paths": {
                "/items/{id}": {
                    "parameters": [{ "$ref": "#/components/parameters/Id" }],
                    "get": {
                        "responses": {
                            "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Item" } } } },
                            "4XX": { "$ref": "#/components/responses/Wrong" },
                            "304": { "description": "same" }
                        }
                    }
                },
                "/items/new": { "get": { "security": [], "responses": {} } }
            },
            "components": {
                "parameters": { "Id": { "name": "id", "in": "path", "schema": { "type": "string", "format": "uuid" } } },
                "responses": {
                    "Wrong": { "content": { "application/problem+json": { "schema": { "type": "object", "required": ["title"] } } } }
                },
                "schemas": {
                    "Item": {
                        "type": "object",
                        "required": ["id"],
                        "properties": { "id": { "type": "string" }, "parent": { "type": "string", "nullable": true } }
                    }
                }
            }
        })
    }

    #[track_caller]
    fn check_find(method: &str, path: &str, expect: Option<&str>) {
        let document = document();
        let found = find(&operations(&document), base(&document), method, path);
        assert_eq!(found.map(|one| one.path), expect, "{method} {path}");
    }

    #[test]
    fn a_request_finds_its_operation() {
        check_find("GET", "/items/7?full=1", Some("/items/{id}"));
        check_find("GET", "/api/items/7", Some("/items/{id}"));
        check_find("GET", "/items/new", Some("/items/new"));
        check_find("POST", "/items/7", None);
        check_find("GET", "/items/7/parts", None);
        check_find("GET", "/items/", None);
    }

    #[track_caller]
    fn check_body(status: u16, body: &Value, expect: Result<(), usize>) {
        let document = document();
        let found = find(&operations(&document), base(&document), "GET", "/items/7").unwrap();
        let Promised::Body(place) = found.promises(status) else { panic!("no body for {status}") };
        let flaws = validator(&document, &place).unwrap().iter_errors(body).count();
        assert_eq!(if flaws == 0 { Ok(()) } else { Err(flaws) }, expect, "{body}");
    }

    #[test]
    fn a_body_is_compared_with_the_schema_of_its_status() {
        check_body(200, &json!({ "id": "a", "parent": null }), Ok(()));
        check_body(200, &json!({ "id": 7 }), Err(1));
        check_body(200, &json!([]), Err(1));
        check_body(404, &json!({ "title": "gone" }), Ok(()));
        check_body(404, &json!({ "detail": "gone" }), Err(1));
    }

    #[test]
    fn a_status_is_documented_or_not() {
        let document = document();
        let found = find(&operations(&document), base(&document), "GET", "/items/7").unwrap();
        assert_eq!(found.promises(304), Promised::Status);
        assert_eq!(found.promises(500), Promised::Nothing);
        assert!(!found.is_public());
        assert_eq!(found.filled(), "/items/0af76519-16cd-43dd-8448-eb211c80319c");
        let new = find(&operations(&document), base(&document), "GET", "/items/new").unwrap();
        assert!(new.is_public());
    }

    #[test]
    fn a_document_that_leads_in_a_circle_or_elsewhere_is_no_trap() {
        let circle = json!({ "a": { "$ref": "#/b" }, "b": { "$ref": "#/a" } });
        assert!(resolve(&circle, &circle["a"], String::new()).is_none());
        let elsewhere = json!({ "openapi": "3.1.0", "s": { "$ref": "https://elsewhere.invalid/s.json" } });
        assert!(validator(&elsewhere, "/s").is_err());
        let swagger = json!({ "swagger": "2.0", "basePath": "/v2/", "paths": {} });
        assert_eq!(base(&swagger), "/v2");
    }
}
