//! JSON as a tree with places.

use std::fmt::Write as _;
use std::sync::Arc;

use gonogo_domain::{Entry, Node, Place, Scalar, Value};

use crate::ParseError;

/// Collections inside each other.
const MAX_DEPTH: usize = 128;

/// Reads one value. Comments and trailing commas are accepted, as in `tsconfig.json`; a byte order mark is skipped.
/// In a file that is called `.json5`, so are keys without quotes and strings in single ones.
/// Strings are not plain; numbers and booleans are plain scalars with the text of the file. Of a key that comes
/// twice, the last wins.
pub fn parse(path: &Arc<str>, text: &str) -> Result<Node, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let five = path.rsplit_once('.').is_some_and(|(_, extension)| extension == "json5");
    let mut reader = Reader { path, text, five, at: 0, line: 1, line_start: 0, depth: 0 };
    reader.skip_blanks()?;
    let node = reader.value()?;
    reader.skip_blanks()?;
    if reader.peek().is_some() {
        return Err(reader.error("has something after its end"));
    }
    Ok(node)
}

struct Reader<'a> {
    path: &'a Arc<str>,
    text: &'a str,
    /// The file is JSON5.
    five: bool,
    /// A byte offset, always between two characters.
    at: usize,
    line: u32,
    line_start: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn place(&self) -> Place {
        let before = self.text.get(self.line_start..self.at).unwrap_or_default();
        // Counting characters from the start of a line again and again would be quadratic on minified files.
        let column = if before.len() < 4096 { before.chars().count() } else { before.len() };
        let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
        Place::File { path: Arc::clone(self.path), line: self.line, column }
    }

    fn error(&self, reason: &str) -> ParseError {
        ParseError { place: self.place(), reason: reason.to_owned() }
    }

    fn skip_blanks(&mut self) -> Result<(), ParseError> {
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.new_line(self.at);
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'/') if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                Some(b'/') if self.rest().starts_with("/*") => {
                    // The star that opens it does not close it.
                    let Some(length) = self.rest().get(2..).and_then(|inside| inside.find("*/")) else {
                        return Err(self.error("has a comment without end"));
                    };
                    let end = self.at + length + 4;
                    while let Some(feed) = self.text.get(self.at..end).and_then(|comment| comment.find('\n')) {
                        self.at += feed + 1;
                        self.new_line(self.at);
                    }
                    self.at = end;
                }
                _ => return Ok(()),
            }
        }
    }

    fn new_line(&mut self, start: usize) {
        self.line = self.line.saturating_add(1);
        self.line_start = start;
    }

    fn value(&mut self) -> Result<Node, ParseError> {
        let place = self.place();
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Value::Scalar(Scalar { text: self.string(b'"')?, plain: false }),
            Some(b'\'') if self.five => Value::Scalar(Scalar { text: self.string(b'\'')?, plain: false }),
            Some(_) => self.word()?,
            None => return Err(self.error("ends where a value should stand")),
        };
        Ok(Node { place, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, ParseError>) -> Result<Value, ParseError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("is nested deeper than 128 collections"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, ParseError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            self.skip_blanks()?;
            let key_place = self.place();
            let key = match self.peek() {
                Some(b'}') => break,
                Some(b'"') => self.string(b'"')?,
                Some(b'\'') if self.five => self.string(b'\'')?,
                Some(letter) if self.five && is_name(letter) => self.name(),
                _ => return Err(self.error("has no quoted key or `}` here")),
            };
            self.skip_blanks()?;
            if self.peek() != Some(b':') {
                return Err(self.error("has no `:` after a key"));
            }
            self.at += 1;
            self.skip_blanks()?;
            let node = self.value()?;
            entries.push(Entry { key, key_place, node });
            self.skip_blanks()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("has no `,` or `}` after a value")),
            }
        }
        self.at += 1;
        let mut entries = keep_last(entries);
        entries.shrink_to_fit();
        Ok(Value::Mapping(entries))
    }

    fn array(&mut self) -> Result<Value, ParseError> {
        let mut items = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.peek() == Some(b']') {
                break;
            }
            items.push(self.value()?);
            self.skip_blanks()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("has no `,` or `]` after an item")),
            }
        }
        self.at += 1;
        items.shrink_to_fit();
        Ok(Value::Sequence(items))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value, ParseError> {
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            .count();
        let word = self.rest().get(..length).unwrap_or_default();
        let value = match word {
            "null" => Value::Null,
            "true" | "false" => Value::Scalar(Scalar { text: word.to_owned(), plain: true }),
            _ if is_number(word) => Value::Scalar(Scalar { text: word.to_owned(), plain: true }),
            _ => return Err(self.error("has something here that is no JSON value")),
        };
        self.at += length;
        Ok(value)
    }

    /// A key without quotes.
    fn name(&mut self) -> String {
        let length = self.rest().bytes().take_while(|letter| is_name(*letter)).count();
        let name = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        name
    }

    fn string(&mut self, quote: u8) -> Result<String, ParseError> {
        self.at += 1;
        let mut result = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = rest.bytes().position(|byte| byte == quote || matches!(byte, b'\\' | b'\n')) else {
                return Err(self.error("has a string without end"));
            };
            result.push_str(rest.get(..stop).unwrap_or_default());
            self.at += stop;
            match self.peek() {
                Some(letter) if letter == quote => {
                    self.at += 1;
                    return Ok(result);
                }
                Some(b'\\') => {
                    self.at += 1;
                    result.push(self.escape()?);
                }
                _ => return Err(self.error("has a string that goes over the end of its line")),
            }
        }
    }

    /// The character after a backslash.
    fn escape(&mut self) -> Result<char, ParseError> {
        let letter = self.peek();
        let character = match letter {
            Some(b'\'') if self.five => '\'',
            Some(b'"' | b'\\' | b'/') => letter.map_or('/', char::from),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = back;
                }
                return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.error("has an unknown escape in a string")),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex(&mut self) -> Result<u32, ParseError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.error("has no four hexadecimal digits after `\\u`"));
        };
        self.at += 4;
        Ok(code)
    }
}

fn is_name(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'$')
}

fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

/// Drops entries whose key comes again later.
fn keep_last(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    let last: Vec<bool> = entries.iter().rev().map(|entry| seen.insert(entry.key.as_str())).collect();
    if seen.len() == entries.len() {
        return entries;
    }
    drop(seen);
    let kept = entries.into_iter().zip(last.into_iter().rev());
    kept.filter_map(|(entry, last)| last.then_some(entry)).collect()
}

/// The tree as JSON without blanks, keys in their own order. Plain scalars that are no JSON number or boolean become
/// strings.
pub fn to_string(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Scalar(scalar) if node.is_null() && scalar.plain => out.push_str("null"),
        Value::Scalar(Scalar { text, plain: true }) if is_number(text) => out.push_str(text),
        Value::Scalar(scalar) => match node.bool() {
            Some(bool) => out.push_str(if bool { "true" } else { "false" }),
            None => write_text(&scalar.text, out),
        },
        Value::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(&entry.key, out);
                out.push(':');
                write(&entry.node, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            _ if character.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        let path: Arc<str> = "a.json".into();
        match parse(&path, input) {
            Ok(node) => assert_eq!(to_string(&node), expect, "for {input:?}"),
            Err(error) => assert_eq!(error.to_string(), expect, "for {input:?}"),
        }
    }

    #[test]
    fn values_keep_type_and_order() {
        check(
            r#" {"b": [1, -2.5e3, true, null], "a": "x\n\u00e9\ud83d\ude00"} "#,
            "{\"b\":[1,-2.5e3,true,null],\"a\":\"x\\né😀\"}",
        );
        check("\"\"", "\"\"");
        check("\u{feff}{}", "{}");
    }

    #[test]
    fn comments_and_trailing_commas_are_accepted() {
        check("// a\n{ /* b\n */ \"a\": [1, 2,], // c\n}", r#"{"a":[1,2]}"#);
    }

    #[test]
    fn json5_needs_fewer_quotes_in_files_of_its_name() {
        let text = "{extends: ['config:base', \"it's\"], 'a-b': {$x: 'it\\'s'}}";
        let read = parse(&"a.json5".into(), text).map(|node| to_string(&node));
        assert_eq!(read.as_deref(), Ok(r#"{"extends":["config:base","it's"],"a-b":{"$x":"it's"}}"#));
        check("{a: 1}", "a.json:1: has no quoted key or `}` here");
        check("['a']", "a.json:1: has something here that is no JSON value");
    }

    #[test]
    fn the_last_of_two_equal_keys_wins() {
        check(r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#);
    }

    #[test]
    fn broken_text_is_an_error_with_its_line() {
        check("{\"a\":\n  nope}", "a.json:2: has something here that is no JSON value");
        check("[1 2]", "a.json:1: has no `,` or `]` after an item");
        check("", "a.json:1: ends where a value should stand");
        check("{} x", "a.json:1: has something after its end");
        check("\"a", "a.json:1: has a string without end");
        check("{} /*/", "a.json:1: has a comment without end");
        check(r#""\ud83d\u12""#, "a.json:1: has no four hexadecimal digits after `\\u`");
        check("01é", "a.json:1: has something after its end");
    }

    #[test]
    fn deep_nesting_is_refused() {
        check(&"[".repeat(100_000), "a.json:1: is nested deeper than 128 collections");
    }

    #[test]
    fn places_point_at_keys_and_values() {
        let path: Arc<str> = "a.json".into();
        let node = parse(&path, "{\n  \"é\": \"x\", \"b\":\n   7\n}").expect("reads");
        let entry = node.entry("b").expect("is there");
        assert_eq!(entry.key_place, Place::new("a.json", 2, 13));
        assert_eq!(entry.node.place, Place::new("a.json", 3, 4));
    }

    #[test]
    fn a_huge_single_line_is_read_in_one_pass() {
        let input = format!("[{}0]", "\"some text\",".repeat(900_000));
        let path: Arc<str> = "a.json".into();
        assert_eq!(parse(&path, &input).expect("reads").items().len(), 900_001);
    }
}
