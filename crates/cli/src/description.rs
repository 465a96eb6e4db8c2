//! The OpenAPI document of a service that is exercised: the one that is configured, else the only one there is.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use gonogo_collectors::Tree;
use gonogo_domain::{Node, Run, Value};
use gonogo_exercise::bench::Description;
use gonogo_formats::yaml;
use serde_json::json;

/// What such a document is called.
const NAMES: &[&str] = &["openapi.yaml", "openapi.yml", "openapi.json", "swagger.yaml", "swagger.yml", "swagger.json"];

/// Nesting that is still read.
const DEEPEST: usize = 64;

/// # Errors
/// Where the configuration names a file that is not there or is no such document.
pub(crate) fn find(run: &Run, tree: &Tree) -> anyhow::Result<Option<Description>> {
    let path = match run.openapi.as_deref() {
        // The service answers with it.
        Some(path) if path.starts_with('/') => return Ok(None),
        Some(path) => path.to_owned(),
        None => match only_one(run, tree) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let stated = run.openapi.is_some();
    match read(tree, &path) {
        Ok(document) => Ok(Some(Description { name: path, document })),
        Err(error) if stated => Err(error.context(format!("{}: `openapi`", run.place))),
        Err(_) => Ok(None),
    }
}

/// The document in the directory of the service, else the only one of the repository.
fn only_one(run: &Run, tree: &Tree) -> Option<String> {
    let called = |path: &str| NAMES.contains(&path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase().as_str());
    let all: Vec<&str> = tree.files().iter().map(|file| file.path.as_ref()).filter(|path| called(path)).collect();
    let folder = run.directory.trim_start_matches("./").trim_matches('/');
    let own: Vec<&&str> =
        all.iter().filter(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder) == folder).collect();
    match (own.as_slice(), all.as_slice()) {
        ([only], _) => Some((**only).to_owned()),
        (_, [only]) => Some((*only).to_owned()),
        _ => None,
    }
}

fn read(tree: &Tree, path: &str) -> anyhow::Result<serde_json::Value> {
    let text = tree.text(path).map_err(anyhow::Error::msg).with_context(|| format!("{path} could not be read"))?;
    // JSON is read as such: its numbers and texts need no guess.
    let document = if let Ok(document) = serde_json::from_str(&text) {
        document
    } else {
        let stream = yaml::parse(&Arc::from(path), &text);
        let first = stream.documents.first().with_context(|| format!("{path} is neither JSON nor YAML"))?;
        value(&first.node, 0)
    };
    if document.get("paths").is_none() {
        bail!("{path} is no OpenAPI document: it has no paths");
    }
    Ok(document)
}

/// A document of YAML as JSON has it.
fn value(node: &Node, depth: usize) -> serde_json::Value {
    if depth > DEEPEST {
        return serde_json::Value::Null;
    }
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar(scalar) if !scalar.plain => json!(scalar.text),
        Value::Scalar(scalar) => plain(&scalar.text),
        Value::Sequence(items) => items.iter().map(|item| value(item, depth + 1)).collect(),
        Value::Mapping(entries) => serde_json::Value::Object(
            entries.iter().map(|one| (one.key.clone(), value(&one.node, depth + 1))).collect(),
        ),
    }
}

/// A scalar without quotes, by the core schema of YAML 1.2.
fn plain(text: &str) -> serde_json::Value {
    match text {
        "true" | "True" | "TRUE" => json!(true),
        "false" | "False" | "FALSE" => json!(false),
        "null" | "Null" | "NULL" | "~" | "" => serde_json::Value::Null,
        _ => {
            let is_number = text.starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
            let whole = text.parse::<i64>().ok().filter(|_| is_number);
            let number = || text.parse::<f64>().ok().filter(|number| is_number && number.is_finite());
            whole.map_or_else(|| number().map_or_else(|| json!(text), |number| json!(number)), |whole| json!(whole))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_read_as_the_json_that_it_means() {
        let text = "openapi: 3.0.3\ninfo: {title: 'true', version: \"1\"}\npaths:\n  /a:\n    get:\n      responses:\n        '200': {x: 1, y: 1.5, z: ~, w: no, v: true}\n";
        let tree = Tree::from_memory([("openapi.yaml".to_owned(), text.as_bytes().to_vec())]);
        let expect = json!({
            "openapi": "3.0.3",
            "info": { "title": "true", "version": "1" },
            "paths": { "/a": { "get": { "responses": {
                "200": { "x": 1, "y": 1.5, "z": null, "w": "no", "v": true }
            } } } }
        });
        assert_eq!(read(&tree, "openapi.yaml").unwrap(), expect);
    }

    #[test]
    fn what_is_no_such_document_is_said() {
        let tree = Tree::from_memory([("openapi.yaml".to_owned(), b"a: 1\n".to_vec())]);
        assert!(read(&tree, "openapi.yaml").is_err_and(|error| error.to_string().contains("no paths")));
        assert!(read(&tree, "other.yaml").is_err());
    }
}
