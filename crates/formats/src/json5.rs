//! JSON5, as Renovate and others write it, by way of JSON.

use std::{iter::Peekable, str::CharIndices, sync::Arc};

use gonogo_domain::Node;

use crate::{ParseError, json};

/// Reads one value: JSON with comments and trailing commas, keys without quotes, strings in single quotes, and strings
/// that go on in the next line. Lines are those of the file; columns are near.
pub fn parse(path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
    json::parse(path, &to_json(text))
}

fn to_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' | '\'' => string(&mut chars, char, &mut out),
            '/' if text.get(at + 1..).is_some_and(|rest| rest.starts_with('/')) => {
                while chars.next_if(|(_, char)| *char != '\n').is_some() {}
            }
            '/' if text.get(at + 1..).is_some_and(|rest| rest.starts_with('*')) => {
                let length = text.get(at + 2..).and_then(|rest| rest.find("*/"));
                let end = length.map_or(text.len(), |length| at + length + 4);
                while let Some((_, char)) = chars.next_if(|(at, _)| *at < end) {
                    if char == '\n' {
                        out.push('\n');
                    }
                }
            }
            char if char.is_alphabetic() || matches!(char, '_' | '$') => {
                let mut word = String::from(char);
                while let Some((_, char)) =
                    chars.next_if(|(_, char)| char.is_alphanumeric() || matches!(char, '_' | '$'))
                {
                    word.push(char);
                }
                // A number such as `1e5` holds letters too.
                let number = out.ends_with(|before: char| before.is_ascii_digit() || before == '.');
                if number || matches!(word.as_str(), "true" | "false" | "null") && !is_key(&chars) {
                    out.push_str(&word);
                } else {
                    out.extend(["\"", &word, "\""]);
                }
            }
            char => out.push(char),
        }
    }
    out
}

/// A colon comes next.
fn is_key(chars: &Peekable<CharIndices<'_>>) -> bool {
    chars.clone().map(|(_, char)| char).find(|char| !char.is_whitespace()) == Some(':')
}

fn string(chars: &mut Peekable<CharIndices<'_>>, quote: char, out: &mut String) {
    out.push('"');
    while let Some((_, char)) = chars.next() {
        match char {
            char if char == quote => {
                out.push('"');
                return;
            }
            '"' => out.push_str("\\\""),
            '\\' => match chars.next() {
                Some((_, '\'')) => out.push('\''),
                Some((_, '\n')) | None => (),
                Some((_, char)) => out.extend(['\\', char]),
            },
            char => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        match parse(&"a.json5".into(), input) {
            Ok(node) => assert_eq!(json::to_string(&node), expect, "for {input:?}"),
            Err(error) => assert_eq!(error.place.to_string(), expect, "for {input:?}"),
        }
    }

    #[test]
    fn what_json_lacks_is_understood() {
        check(
            "// a\n{a: 'x\"y', $b_1: [1, true,], /* c */ \"d\": 'it\\'s', true: null}",
            r#"{"a":"x\"y","$b_1":[1,true],"d":"it's","true":null}"#,
        );
        check("{a: 1e5, b: \"http://x // y\"}", r#"{"a":1e5,"b":"http://x // y"}"#);
        check(r#"{"plain": {"json": [1, "\n"]}}"#, r#"{"plain":{"json":[1,"\n"]}}"#);
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        check("{\n  a: }", "a.json5:2");
        check("/* {", "a.json5:1");
    }

    #[test]
    fn hostile_files_end() {
        for text in
            ["'".repeat(100_001), "/*".repeat(100_000), "a".repeat(1_000_000), "{a:".repeat(100_000), "é".repeat(1000)]
        {
            assert!(parse(&"a.json5".into(), &text).is_err() || text.starts_with(['a', 'é']));
        }
    }
}
