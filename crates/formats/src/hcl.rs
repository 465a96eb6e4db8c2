//! HCL (Terraform, `OpenTofu`) as trees with places.

use std::ops::Range;
use std::sync::Arc;

use gonogo_domain::{Entry, Node, Place, Scalar, Value};
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{self, Body, Structure};
use hcl_edit::template::{Element, Template};

use crate::ParseError;
use crate::lines::Lines;

/// A top-level block of a file: `resource "aws_s3_bucket" "logs" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `resource`, `module`, `provider`, …
    pub kind: String,
    pub labels: Vec<String>,
    /// A mapping as [`parse_body`] describes it.
    pub body: Node,
    pub place: Place,
}

/// The top-level blocks of a file; attributes between them are left out.
pub fn parse(path: &Arc<str>, text: &str) -> Result<Vec<Block>, ParseError> {
    let (body, source) = read(path, text)?;
    let blocks = body.blocks().map(|block| Block {
        kind: block.ident.as_str().to_owned(),
        labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
        body: source.body_node(&block.body, source.block_place(block)),
        place: source.block_place(block),
    });
    Ok(blocks.collect())
}

/// A whole file as one mapping, as for `.tfvars`.
///
/// Attributes are entries. Blocks are entries whose value is a sequence with one mapping for each block of that name;
/// labels of a block become mappings around its body, as in HCL's JSON syntax. Strings without `${}` are not plain;
/// numbers and booleans are. Any other expression is a plain scalar with its source text, without the quotes if it is
/// a string: `var.name`, `${var.name}-logs`, `cond ? 1 : 2`.
pub fn parse_body(path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
    let (body, source) = read(path, text)?;
    Ok(source.body_node(&body, source.lines.place(0)))
}

fn read<'a>(path: &'a Arc<str>, text: &'a str) -> Result<(Body, Source<'a>), ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match hcl_edit::parser::parse_body(text) {
        Ok(body) => Ok((body, Source { text, lines: Lines::new(path, text) })),
        Err(error) => {
            let place = crate::lines::Lines::new(path, text).place(error.location().offset());
            Err(ParseError { place, reason: error.message().to_owned() })
        }
    }
}

struct Source<'a> {
    text: &'a str,
    lines: Lines<'a>,
}

// The parser refuses nesting beyond 64, so recursion ends.
impl Source<'_> {
    fn place(&self, span: Option<Range<usize>>) -> Place {
        self.lines.place(span.map_or(0, |span| span.start))
    }

    fn block_place(&self, block: &structure::Block) -> Place {
        self.place(block.ident.span())
    }

    fn body_node(&self, body: &Body, place: Place) -> Node {
        let mut entries: Vec<Entry> = Vec::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => entries.push(Entry {
                    key: attribute.key.as_str().to_owned(),
                    key_place: self.place(attribute.key.span()),
                    node: self.node(&attribute.value),
                }),
                Structure::Block(block) => self.add_block(block, &mut entries),
            }
        }
        Node::new(place, Value::Mapping(entries))
    }

    fn add_block(&self, block: &structure::Block, entries: &mut Vec<Entry>) {
        let place = self.block_place(block);
        let body = self.body_node(&block.body, place.clone());
        let node = block.labels.iter().rev().fold(body, |node, label| {
            let key_place = self.place(label.span());
            let entry = Entry { key: label.as_str().to_owned(), key_place, node };
            Node::new(place.clone(), Value::Mapping(vec![entry]))
        });
        let name = block.ident.as_str();
        let same = entries.iter_mut().filter(|entry| entry.key == name).find_map(|entry| match &mut entry.node.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        });
        match same {
            Some(items) => items.push(node),
            None => entries.push(Entry {
                key: name.to_owned(),
                key_place: place.clone(),
                node: Node::new(place, Value::Sequence(vec![node])),
            }),
        }
    }

    fn node(&self, expression: &Expression) -> Node {
        let span = expression.span();
        let place = self.place(span.clone());
        let plain = |text: String| Value::Scalar(Scalar { text, plain: true });
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(bool) => plain(bool.to_string()),
            Expression::String(text) => Value::Scalar(Scalar { text: text.to_string(), plain: false }),
            Expression::Array(items) => Value::Sequence(items.iter().map(|item| self.node(item)).collect()),
            Expression::Object(object) => Value::Mapping(
                object
                    .iter()
                    .map(|(key, value)| Entry {
                        key: self.key(key),
                        key_place: self.place(key.span()),
                        node: self.node(value.expr()),
                    })
                    .collect(),
            ),
            Expression::HeredocTemplate(heredoc) => match literal(&heredoc.template) {
                Some(text) => Value::Scalar(Scalar { text, plain: false }),
                None => plain(self.source(heredoc.template.span())),
            },
            Expression::StringTemplate(_) => {
                let source = self.source(span);
                let inside = source.strip_prefix('"').and_then(|source| source.strip_suffix('"'));
                plain(inside.map_or_else(|| source.clone(), ToOwned::to_owned))
            }
            _ => plain(self.source(span)),
        };
        Node::new(place, value)
    }

    fn key(&self, key: &ObjectKey) -> String {
        match key {
            ObjectKey::Ident(ident) => ident.as_str().to_owned(),
            ObjectKey::Expression(Expression::String(text)) => text.to_string(),
            ObjectKey::Expression(expression) => self.source(expression.span()),
        }
    }

    fn source(&self, span: Option<Range<usize>>) -> String {
        span.and_then(|span| self.text.get(span)).unwrap_or_default().to_owned()
    }
}

/// The text of a template without interpolations.
fn literal(template: &Template) -> Option<String> {
    template
        .iter()
        .map(|element| match element {
            Element::Literal(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        match parse_body(&"a.tf".into(), input) {
            Ok(node) => assert_eq!(crate::json::to_string(&node), expect, "for {input:?}"),
            Err(error) => assert_eq!(error.to_string(), expect, "for {input:?}"),
        }
    }

    #[test]
    fn literals_keep_their_type() {
        check(
            "a = 1\nb = -2.5\nc = true\nd = null\ne = \"x\\n\"\nf = [1, \"2\",]\ng = { h = 1, \"i j\" : 2, (var.k) = 3 }\n",
            r#"{"a":1,"b":-2.5,"c":true,"d":null,"e":"x\n","f":[1,"2"],"g":{"h":1,"i j":2,"(var.k)":3}}"#,
        );
        check("a = <<-EOT\n    x\n      y\n  EOT\n", r#"{"a":"x\n  y\n"}"#);
        check("", "{}");
    }

    #[test]
    fn expressions_keep_their_source() {
        check(
            "a = var.x\nb = \"${var.x}-y\"\nc = v ? 1 : max(2, 3)\nd = [for x in y : x]\ne = <<EOT\nz ${a}\nEOT\n",
            r#"{"a":"var.x","b":"${var.x}-y","c":"v ? 1 : max(2, 3)","d":"[for x in y : x]","e":"z ${a}\n"}"#,
        );
    }

    #[test]
    fn blocks_of_a_name_are_gathered() {
        check(
            "a \"x\" {\n  b { c = 1 }\n  b { c = 2 }\n  dynamic \"d\" {\n    content {}\n  }\n}\n",
            r#"{"a":[{"x":{"b":[{"c":1},{"c":2}],"dynamic":[{"d":{"content":[{}]}}]}}]}"#,
        );
    }

    #[test]
    fn top_level_blocks_have_labels_and_places() {
        let blocks = parse(&"a.tf".into(), "# x\nresource \"r\" é {\n  count = 1\n}\n\nlocals {}\n").expect("reads");
        let shown: Vec<String> =
            blocks.iter().map(|block| format!("{} {:?} {}", block.kind, block.labels, block.place)).collect();
        assert_eq!(shown, ["resource [\"r\", \"é\"] a.tf:2", "locals [] a.tf:6"]);
        let count = blocks.first().and_then(|block| block.body.get("count")).map(|node| node.place.clone());
        assert_eq!(count, Some(Place::new("a.tf", 3, 11)));
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        let error = parse(&"a.tf".into(), "a {\n  b = \n}\n").expect_err("is broken");
        assert_eq!(error.place.line(), Some(2));
    }

    #[test]
    fn hostile_files_end() {
        for unit in ["[", "{a=", "(", "-", "!", "a {\n", "\"${", "a ? a : ", "f(", "<<A\n", "a + ", "a.", "a["] {
            let _ = parse_body(&"a.tf".into(), &format!("a = {}", unit.repeat(50_000)));
            let _ = parse_body(&"a.tf".into(), &unit.repeat(50_000));
        }
        assert!(parse_body(&"a.tf".into(), "a = \"\0\"").is_ok());
        assert!(parse_body(&"a.tf".into(), &format!("a = \"{}\"", "x".repeat(10_000_000))).is_ok());
    }
}
