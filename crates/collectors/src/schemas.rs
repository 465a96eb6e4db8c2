//! The schemas of custom kinds, which say nothing about a service and are most of the YAML of many repositories.

use std::{borrow::Cow, sync::Arc};

use gonogo_formats::yaml::{self, Stream};

/// The key that a schema stands under.
const KEY: &str = "openAPIV3Schema";

/// Reads a file, its schemas left out: everything else keeps its place.
pub(crate) fn parse_without(path: &Arc<str>, text: &str) -> Stream {
    match without(text) {
        Cow::Borrowed(whole) => yaml::parse(path, whole),
        Cow::Owned(cut) => {
            let stream = yaml::parse(path, &cut);
            // Something refers to what was left out, or it is broken before that: then let the whole tell.
            if stream.errors.is_empty() { stream } else { yaml::parse(path, text) }
        }
    }
}

/// Whether a text has a path into a schema in it, as patches and replacements of kustomize do.
pub(crate) fn are_changed_by(text: &str) -> bool {
    text.match_indices(KEY)
        .any(|(at, key)| text.as_bytes().get(at + key.len()).is_some_and(|next| matches!(next, b'/' | b'.')))
}

/// Empties the lines below each schema's key.
fn without(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(KEY) else { return Cow::Borrowed(text) };
    let start = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |feed| feed + 1);
    let (head, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let mut kept = String::with_capacity(head.len() + rest.len() / 8);
    kept.push_str(head);
    let mut within = None;
    let mut cut = false;
    for line in rest.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if within.is_some_and(|key| indent > key || content.trim_end().is_empty()) {
            cut = true;
            kept.push('\n');
            continue;
        }
        within = (content.trim_end().strip_suffix(':') == Some(KEY)).then_some(indent);
        kept.push_str(line);
    }
    if cut { Cow::Owned(kept) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a text, and on which line its last key stands.
    fn check(text: &str, expect: &str, last: u32) {
        let stream = parse_without(&Arc::from("a.yaml"), text);
        let read: Vec<String> =
            stream.documents.iter().map(|document| gonogo_formats::json::to_string(&document.node)).collect();
        assert_eq!(read.join(" "), expect, "for {text}");
        let entry = stream.documents.last().and_then(|document| document.node.entries().last());
        assert_eq!(entry.and_then(|entry| entry.key_place.line()), Some(last), "for {text}");
    }

    #[test]
    fn schemas_are_left_out_and_the_rest_keeps_its_lines() {
        check(
            "a: 1\nspec:\n  schema:\n    openAPIV3Schema:\n      type: object\n\n      b: 1\n  served: true\nc: 2\n",
            r#"{"a":1,"spec":{"schema":{"openAPIV3Schema":null},"served":true},"c":2}"#,
            9,
        );
        check("openAPIV3Schema:\n  a: 1\n---\nb: 1\n", r#"{"openAPIV3Schema":null} {"b":1}"#, 4);
    }

    #[test]
    fn other_text_is_read_as_it_is() {
        check("a: openAPIV3Schema\nb: 1\n", r#"{"a":"openAPIV3Schema","b":1}"#, 2);
        check("openAPIV3Schema: {type: object}\n", r#"{"openAPIV3Schema":{"type":"object"}}"#, 1);
    }

    #[test]
    fn what_is_referred_to_is_kept() {
        check("openAPIV3Schema:\n  a: &x 1\nb: *x\n", r#"{"openAPIV3Schema":{"a":1},"b":1}"#, 3);
    }
}
