//! TOML as a tree with places.

use std::sync::Arc;

use gonogo_domain::{Entry, Node, Scalar, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::ParseError;
use crate::lines::Lines;

/// Reads a file. Strings are not plain; numbers, booleans and dates are plain scalars: whole numbers in decimal, the
/// rest as written. Keys keep the order of the file.
pub fn parse(path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::new(path, text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Node::new(lines.place(0), mapping(table.into_inner(), &lines))),
        Err(error) => {
            let place = lines.place(error.span().map_or(0, |span| span.start));
            Err(ParseError { place, reason: error.message().to_owned() })
        }
    }
}

// The parser refuses nesting beyond 80, so recursion ends.
fn node(value: Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let place = lines.place(value.span().start);
    let plain = |text: String| Value::Scalar(Scalar { text, plain: true });
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Scalar(Scalar { text: text.into_owned(), plain: false }),
        DeValue::Integer(integer) => plain(decimal(&integer)),
        DeValue::Float(float) => plain(float.as_str().to_owned()),
        DeValue::Boolean(boolean) => plain(boolean.to_string()),
        DeValue::Datetime(datetime) => plain(datetime.to_string()),
        DeValue::Array(items) => Value::Sequence(items.into_iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(table) => mapping(table, lines),
    };
    Node::new(place, value)
}

fn decimal(integer: &DeInteger<'_>) -> String {
    match i64::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) => number.to_string(),
        Err(_) => integer.to_string(),
    }
}

fn mapping(table: DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut entries: Vec<(usize, Entry)> = table
        .into_iter()
        .map(|(key, value)| {
            let start = key.span().start;
            let key_place = lines.place(start);
            (start, Entry { key: key.into_inner().into_owned(), key_place, node: node(value, lines) })
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    Value::Mapping(entries.into_iter().map(|(_, entry)| entry).collect())
}

#[cfg(test)]
mod tests {
    use gonogo_domain::Place;

    use super::*;

    fn check(input: &str, expect: &str) {
        match parse(&"a.toml".into(), input) {
            Ok(node) => assert_eq!(crate::json::to_string(&node), expect, "for {input:?}"),
            Err(error) => assert_eq!(error.to_string(), expect, "for {input:?}"),
        }
    }

    #[test]
    fn values_keep_type_and_order() {
        check(
            "b = 1_000\na = 'x'\nh = 0xff\nf = 1.5\nt = true\nd = 2024-01-02\n[z.y]\nl = [1, {a = 2}]\n[[p]]\nq = 1\n[[p]]\n",
            r#"{"b":1000,"a":"x","h":255,"f":1.5,"t":true,"d":"2024-01-02","z":{"y":{"l":[1,{"a":2}]}},"p":[{"q":1},{}]}"#,
        );
        check("", "{}");
        check("\u{feff}a = 1\r\n", r#"{"a":1}"#);
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        check("a = 1\nb = ?", "a.toml:2: string values must be quoted, expected literal string");
        check("a = 1\na = 2", "a.toml:2: duplicate key");
    }

    #[test]
    fn places_point_at_keys_and_values() {
        let node = parse(&"a.toml".into(), "[a]\n\"é\" = 1\nb.c = [\n  2]\n").expect("reads");
        let entry = node.get("a").and_then(|a| a.entry("é")).expect("is there");
        assert_eq!(entry.node.place, Place::new("a.toml", 2, 7));
        assert_eq!(node.list("a.b.c").first().map(|item| item.place.clone()), Some(Place::new("a.toml", 4, 3)));
    }

    #[test]
    fn hostile_files_end() {
        for input in ["a=".to_owned() + &"[".repeat(100_000), "a=".to_owned() + &"{a=".repeat(100_000), "\0".to_owned()]
        {
            assert!(parse(&"a.toml".into(), &input).is_err());
        }
        let dotted = format!("{} = 1", vec!["a"; 100_000].join("."));
        assert!(parse(&"a.toml".into(), &dotted).is_err());
        let line = format!("a = \"{}\"", "x".repeat(10_000_000));
        assert!(parse(&"a.toml".into(), &line).is_ok());
    }
}
