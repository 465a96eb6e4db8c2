//! Writes a tree as block YAML, the way Go's `yaml.v2` does (Helm's `toYaml`, kubectl).

use std::cmp::Ordering;
use std::fmt::Write as _;

use gonogo_domain::{Entry, Node, Value};

/// How trees are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Keys in the order of Go's `yaml.v2` instead of their own: letters after other characters, numbers by value.
    pub sort_keys: bool,
    /// Items of a sequence stand two columns right of its key (`yaml.v3`) instead of below it (`yaml.v2`).
    pub indent_sequences: bool,
}

/// The tree as one document that ends with a line feed; keys in their own order.
pub fn to_string(node: &Node) -> String {
    to_string_with(node, Style::default())
}

/// The tree as one document that ends with a line feed.
pub fn to_string_with(node: &Node, style: Style) -> String {
    let mut writer = Writer { out: String::new(), style };
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => writer.mapping(entries, 0, false),
        Value::Sequence(items) if !items.is_empty() => writer.sequence(items, 0, false),
        _ => {
            writer.leaf(node, 0);
            writer.out.push('\n');
        }
    }
    writer.out
}

struct Writer {
    out: String,
    style: Style,
}

impl Writer {
    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    /// `inline` means that the first line is already indented, by the dash of a sequence.
    fn mapping(&mut self, entries: &[Entry], indent: usize, inline: bool) {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        if self.style.sort_keys {
            sorted.sort_by(|a, b| compare_keys(&a.key, &b.key));
        }
        for (index, entry) in sorted.into_iter().enumerate() {
            if index > 0 || !inline {
                self.indent(indent);
            }
            // Longer keys must be explicit: readers stop looking for the colon.
            if entry.key.len() > 128 {
                self.out.push_str("? ");
                self.text(&entry.key, false, None);
                self.out.push('\n');
                self.indent(indent);
            } else {
                self.text(&entry.key, false, None);
            }
            self.out.push(':');
            match &entry.node.value {
                Value::Mapping(children) if !children.is_empty() => {
                    self.out.push('\n');
                    self.mapping(children, indent + 2, false);
                }
                Value::Sequence(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.sequence(items, if self.style.indent_sequences { indent + 2 } else { indent }, false);
                }
                _ => {
                    self.out.push(' ');
                    self.leaf(&entry.node, indent + 2);
                    self.out.push('\n');
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Node], indent: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                self.indent(indent);
            }
            self.out.push_str("- ");
            match &item.value {
                Value::Mapping(children) if !children.is_empty() => self.mapping(children, indent + 2, true),
                Value::Sequence(children) if !children.is_empty() => self.sequence(children, indent + 2, true),
                _ => {
                    self.leaf(item, indent + 2);
                    self.out.push('\n');
                }
            }
        }
    }

    /// A scalar or an empty collection, without the line feed after it.
    fn leaf(&mut self, node: &Node, indent: usize) {
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Mapping(_) => self.out.push_str("{}"),
            Value::Sequence(_) => self.out.push_str("[]"),
            Value::Scalar(scalar) => self.text(&scalar.text, scalar.plain, Some(indent)),
        }
    }

    /// `block_indent` is where the lines of a literal block go; without it, none may be used (in keys).
    fn text(&mut self, text: &str, keep_type: bool, block_indent: Option<usize>) {
        let shape = Shape::of(text);
        let plain_is_text = keep_type || !is_typed(text);
        match block_indent {
            Some(indent) if text.contains('\n') && shape.block => self.literal(text, indent),
            _ if !text.contains('\n') && plain_is_text && shape.plain => self.out.push_str(text),
            _ if !text.contains('\n') && plain_is_text && shape.single_quoted => {
                self.out.push('\'');
                self.out.push_str(&text.replace('\'', "''"));
                self.out.push('\'');
            }
            _ => self.double_quoted(text),
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            self.out.push('2');
        }
        let body = match text.strip_suffix('\n') {
            None => {
                self.out.push('-');
                text
            }
            Some(body) => {
                if body.is_empty() || body.ends_with('\n') {
                    self.out.push('+');
                }
                body
            }
        };
        for line in body.split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0' => self.out.push_str("\\0"),
                _ if is_printable(character) => self.out.push(character),
                _ => {
                    let code = u32::from(character);
                    // Writing to a string cannot fail.
                    let _ = match code {
                        0..=0xff => write!(self.out, "\\x{code:02X}"),
                        0x100..=0xffff => write!(self.out, "\\u{code:04X}"),
                        _ => write!(self.out, "\\U{code:08X}"),
                    };
                }
            }
        }
        self.out.push('"');
    }
}

/// Which notations can hold a text (libyaml's rules for block context).
struct Shape {
    plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut space_before_break, mut space_after_break) = (false, false, false);
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let blank_follows = characters.peek().is_none_or(|next| matches!(next, ' ' | '\t' | '\n' | '\r'));
            indicators |= match (previous, character) {
                (None, '?' | '-') | (_, ':') => blank_follows,
                (None, first) => "#,[]{}&*!|>'\"%@`".contains(first),
                (Some(' ' | '\t' | '\n'), '#') => true,
                _ => false,
            };
            special |= character != '\n' && !is_printable(character);
            space_after_break |= previous == Some('\n') && character == ' ';
            space_before_break |= previous == Some(' ') && character == '\n';
            previous = Some(character);
        }
        let breaks = text.contains('\n');
        let blank_edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        Self {
            plain: !text.is_empty() && !indicators && !special && !breaks && !blank_edge,
            single_quoted: !special && !space_before_break && !space_after_break,
            block: !text.is_empty() && !special && !space_before_break && !text.ends_with(' '),
        }
    }
}

fn is_printable(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether `yaml.v2` would read the plain text as anything but a string.
fn is_typed(text: &str) -> bool {
    let word = matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "<<"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "y"
            | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
            | ".nan"
            | ".NaN"
            | ".NAN"
            | ".inf"
            | ".Inf"
            | ".INF"
            | "+.inf"
            | "+.Inf"
            | "+.INF"
            | "-.inf"
            | "-.Inf"
            | "-.INF"
    );
    word || is_number(text) || is_base_sixty(text) || is_date(text)
}

fn is_number(text: &str) -> bool {
    let digits: String = text.chars().filter(|character| *character != '_').collect();
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return false;
    }
    let radix = |prefix: [&str; 2], radix: u32| {
        prefix.iter().any(|prefix| {
            unsigned
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|character| character.is_digit(radix)))
        })
    };
    if radix(["0x", "0X"], 16) || radix(["0o", "0O"], 8) || radix(["0b", "0B"], 2) {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    all_digits(whole)
        && all_digits(fraction)
        && (!whole.is_empty() || !fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

/// `1:30`, which YAML 1.1 reads as ninety.
fn is_base_sixty(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned.contains(':')
        && unsigned.split(':').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
        })
}

fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or(text);
    let mut parts = date.split('-');
    let mut digits = |longest: usize| {
        parts.next().is_some_and(|part| {
            !part.is_empty() && part.len() <= longest && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    text.len() >= 8 && date.find('-') == Some(4) && digits(4) && digits(2) && digits(2) && parts.next().is_none()
}

/// The order in which `yaml.v2` writes keys: other characters before letters, runs of digits by their value.
fn compare_keys(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    let (rest_a, rest_b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    let (Some(first_a), Some(first_b)) = (rest_a.first(), rest_b.first()) else { return a.len().cmp(&b.len()) };
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => return first_a.cmp(first_b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => (),
    }
    // Inside a number that began before the difference, a zero is a digit like any other.
    let inside_number = (*first_a == '0' || *first_b == '0')
        && a.get(..at).unwrap_or_default().iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let run = |rest: &[char]| {
        let digits: Vec<u64> = rest.iter().map_while(|c| c.to_digit(10)).map(u64::from).collect();
        let start = u64::from(inside_number);
        (digits.iter().fold(start, |sum, digit| sum.wrapping_mul(10).wrapping_add(*digit)), digits.len())
    };
    run(rest_a).cmp(&run(rest_b)).then_with(|| first_a.cmp(first_b))
}
