//! The variables that a file of a CI system sets, at whatever level.

use gonogo_domain::{Node, Value, evidence::Located};

/// Variables of one file; nobody writes that many.
const LIMIT: usize = 2_000;

/// Every variable under a key by which the systems set them: `env`, `environment`, `variables`.
pub(super) fn of(root: &Node) -> Vec<(String, Located<String>)> {
    let mut found = Vec::new();
    walk(root, &mut found);
    found.truncate(LIMIT);
    found
}

fn walk(node: &Node, found: &mut Vec<(String, Located<String>)>) {
    if found.len() >= LIMIT {
        return;
    }
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                if matches!(entry.key.as_str(), "env" | "environment" | "variables") {
                    settings(&entry.node, found);
                }
                walk(&entry.node, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Null | Value::Scalar(_) => (),
    }
}

/// `NAME: value`, `- NAME=value`, `- name: NAME` with `value: value`, `- NAME: value`.
fn settings(node: &Node, found: &mut Vec<(String, Located<String>)>) {
    let mut add = |name: &str, value: &str, node: &Node| {
        if is_name(name) {
            found.push((name.to_owned(), Located::new(value.to_owned(), &node.place)));
        }
    };
    let pairs = |node: &Node, add: &mut dyn FnMut(&str, &str, &Node)| {
        for entry in node.entries() {
            // GitLab writes `NAME: {value: …, description: …}` as well.
            if let Some(value) = entry.node.str().or_else(|| entry.node.str_at("value")) {
                add(&entry.key, value, &entry.node);
            }
        }
    };
    match &node.value {
        Value::Mapping(_) => pairs(node, &mut add),
        Value::Sequence(items) => {
            for item in items {
                if let Some((name, value)) = item.str().and_then(|text| text.split_once('=')) {
                    add(name.trim(), value, item);
                } else if let (Some(name), Some(value)) = (item.str_at("name"), item.get("value")) {
                    add(name, value.str().unwrap_or_default(), value);
                } else {
                    pairs(item, &mut add);
                }
            }
        }
        Value::Null | Value::Scalar(_) => (),
    }
}

/// `environment: {name: staging, url: …}` of a job names no variables.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !matches!(name, "name" | "url" | "action" | "on_stop" | "deployment")
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let parsed = gonogo_formats::yaml::parse(&"ci.yaml".into(), text);
        let root = &parsed.documents.first().expect("a document").node;
        let found: Vec<String> =
            of(root).into_iter().map(|(name, value)| format!("{} {name}={}", value.place, value.value)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn variables_of_every_level_are_kept() {
        check(
            "env: {A: one}\njobs:\n  build:\n    environment: {name: staging, url: https://example.com}\n    steps:\n      - env:\n          B: two\n",
            &["ci.yaml:1 A=one", "ci.yaml:7 B=two"],
        );
    }

    #[test]
    fn every_way_of_writing_them_is_known() {
        check(
            "env: [A=one, 'not a name=x']\nvariables:\n  - {name: B, value: two}\n  - C: three\nv2: {variables: {D: {value: four}}}\n",
            &["ci.yaml:1 A=one", "ci.yaml:3 B=two", "ci.yaml:4 C=three", "ci.yaml:5 D=four"],
        );
    }
}
