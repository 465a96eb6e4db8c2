//! Writes values as YAML and JSON, the way helm's `toYaml` and `toJson` do, each scalar marked with its own place.

use super::eval::{Fault, MAX_VALUE_DEPTH, Outcome};
use super::print::json_float;
use super::text::{Mark, Text};
use super::value::{Data, List, Map, Object, Resolved, Value, resolve};

/// Bytes of one written value.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// go-yaml breaks a line at the first blank after this column.
const WIDTH: usize = 80;

/// `toYaml`: sigs.k8s.io/yaml's style, keys sorted, without the last line break.
pub(super) fn yaml(value: &Value) -> Outcome<Text> {
    write_yaml(value, false)
}

/// `toYamlPretty`: lists stand deeper than their key.
pub(super) fn yaml_pretty(value: &Value) -> Outcome<Text> {
    write_yaml(value, true)
}

fn write_yaml(value: &Value, pretty: bool) -> Outcome<Text> {
    let mut writer = Yaml { out: Text::default(), column: 0, pretty };
    writer.node(value, 0, Position::Root, 0)?;
    let end = writer.out.as_str().trim_end_matches('\n').len();
    Ok(writer.out.slice(0..end))
}

#[derive(Clone, Copy, PartialEq)]
enum Position {
    Root,
    /// After `key:`
    Value,
    /// After `- `
    Item,
}

struct Yaml {
    out: Text,
    column: usize,
    pretty: bool,
}

impl Yaml {
    fn push(&mut self, text: &str, mark: Mark) {
        self.out.push(text, mark);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn indent(&mut self, indent: usize, mark: Mark) {
        self.push(&" ".repeat(indent), mark);
    }

    /// Writes a node; `indent` is the column of its keys or dashes.
    fn node(&mut self, value: &Value, indent: usize, position: Position, depth: usize) -> Outcome<()> {
        if depth > MAX_VALUE_DEPTH || self.out.len() > MAX_BYTES {
            return Err(Fault::new("value is too deep or too large to write"));
        }
        let mark = value.mark();
        let space = if position == Position::Value { " " } else { "" };
        match &value.data {
            Data::Map(map) if map.len() > 0 => self.mapping(map, indent, position, depth)?,
            Data::List(list) if !list.items.is_empty() => self.sequence(list, indent, position, depth, mark)?,
            Data::Str(text) => {
                self.push(space, text.mark_at(0));
                self.string(text, indent, position == Position::Root)?;
            }
            Data::Nil => self.push(&format!("{space}null\n"), mark),
            Data::Bool(value) => self.push(&format!("{space}{value}\n"), mark),
            Data::Int(number) | Data::Int64(number) => self.push(&format!("{space}{number}\n"), mark),
            Data::Float(number) => self.push(&format!("{space}{}\n", yaml_float(*number)), mark),
            Data::Map(_) => self.push(&format!("{space}{{}}\n"), mark),
            Data::List(_) => self.push(&format!("{space}[]\n"), mark),
            Data::Object(object) => {
                let tree = object_tree(object);
                self.node(&tree, indent, position, depth + 1)?;
            }
        }
        Ok(())
    }

    fn mapping(&mut self, map: &Map, indent: usize, position: Position, depth: usize) -> Outcome<()> {
        let mut entries = map.snapshot();
        entries.sort_by(|(a, _), (b, _)| natural(a, b));
        for (index, (key, slot)) in entries.into_iter().enumerate() {
            let mark = Mark::of_value(slot.key_place);
            match (index, position) {
                (0, Position::Value) => {
                    self.push("\n", Mark::default());
                    self.indent(indent, mark);
                }
                (0, _) => (),
                _ => self.indent(indent, mark),
            }
            let mut text = Text::default();
            text.push(&key, mark);
            let mut inner = Self { out: Text::default(), column: 0, pretty: self.pretty };
            inner.string(&text, indent, false)?;
            let shown = inner.out.as_str().trim_end_matches('\n').to_owned();
            if shown.contains('\n') {
                self.push(&super::print::quote(&key), mark);
            } else {
                self.push(&shown, mark);
            }
            self.push(":", mark);
            let inner = match slot.value.data {
                Data::List(_) if !self.pretty => indent,
                _ => indent + 2,
            };
            self.node(&slot.value, inner, Position::Value, depth + 1)?;
        }
        Ok(())
    }

    fn sequence(&mut self, list: &List, indent: usize, position: Position, depth: usize, own: Mark) -> Outcome<()> {
        for (index, item) in list.items.iter().enumerate() {
            let mark = match &item.data {
                Data::Str(text) => text.mark_at(0),
                _ if item.place != 0 => item.mark(),
                _ => own,
            };
            match (index, position) {
                (0, Position::Value) => {
                    self.push("\n", Mark::default());
                    self.indent(indent, mark);
                }
                (0, _) => (),
                _ => self.indent(indent, mark),
            }
            self.push("- ", mark);
            self.node(item, indent + 2, Position::Item, depth + 1)?;
        }
        Ok(())
    }

    /// Writes a string and the line break after it; `indent` is that of continued lines.
    fn string(&mut self, text: &Text, indent: usize, root: bool) -> Outcome<()> {
        let content = text.as_str();
        let indent = if root { 0 } else { indent };
        let first = text.mark_at(0);
        let blank_edge = |line: &str| line.ends_with(' ');
        if content.contains('\n')
            && !content.split('\n').any(blank_edge)
            && !content.chars().any(is_special)
            && !content.contains('\t')
        {
            return self.literal(text, indent.max(if root { 2 } else { indent }));
        }
        let is_unprintable = content.chars().any(|next| is_special(next) || matches!(next, '\n' | '\t'));
        let is_other_type = resolve(content) != Resolved::Text || is_timestamp(content) || is_base_60(content);
        if is_unprintable || is_other_type {
            self.double(text, indent);
        } else if is_plain(content) {
            self.folded(text, indent, false);
        } else {
            self.push("'", first);
            self.folded(text, indent, true);
            self.push("'", text.mark_at(content.len().saturating_sub(1)));
        }
        self.push("\n", Mark::default());
        Ok(())
    }

    /// Plain and single-quoted text: broken at blanks once the line is long.
    fn folded(&mut self, text: &Text, indent: usize, quoted: bool) {
        for (piece, mark) in text.pieces(0..text.len()) {
            let mut previous_blank = true;
            let mut chars = piece.chars().peekable();
            let mut buffer = String::new();
            let mut column = self.column;
            while let Some(next) = chars.next() {
                let breaks = next == ' '
                    && !previous_blank
                    && column > WIDTH
                    && chars.peek().is_some_and(|following| *following != ' ');
                if breaks {
                    buffer.push('\n');
                    buffer.extend(std::iter::repeat_n(' ', indent));
                    column = indent;
                } else {
                    buffer.push(next);
                    column += 1;
                    if quoted && next == '\'' {
                        buffer.push('\'');
                        column += 1;
                    }
                }
                previous_blank = next == ' ';
            }
            self.push(&buffer, mark);
        }
    }

    fn double(&mut self, text: &Text, indent: usize) {
        self.push("\"", text.mark_at(0));
        let total = text.len();
        let mut offset = 0;
        let mut previous_blank = false;
        for (piece, mark) in text.pieces(0..total) {
            let mut buffer = String::new();
            let mut column = self.column;
            let mut chars = piece.chars().peekable();
            while let Some(next) = chars.next() {
                let before = buffer.len();
                if next == ' ' {
                    let inside = offset > 0 && offset + 1 < total;
                    if !previous_blank && column > WIDTH && inside {
                        buffer.push('\n');
                        buffer.extend(std::iter::repeat_n(' ', indent));
                        column = indent;
                        if chars.peek() == Some(&' ') {
                            buffer.push('\\');
                            column += 1;
                        }
                    } else {
                        buffer.push(' ');
                        column += 1;
                    }
                    previous_blank = true;
                } else {
                    escape(&mut buffer, next);
                    column += buffer.len() - before;
                    previous_blank = false;
                }
                offset += next.len_utf8();
            }
            self.push(&buffer, mark);
        }
        self.push("\"", text.mark_at(total.saturating_sub(1)));
    }

    fn literal(&mut self, text: &Text, indent: usize) -> Outcome<()> {
        let content = text.as_str();
        let first = text.mark_at(0);
        self.push("|", first);
        if content.starts_with([' ', '\n']) {
            self.push("2", first);
        }
        if !content.ends_with('\n') {
            self.push("-", first);
        } else if content.ends_with("\n\n") {
            self.push("+", first);
        }
        self.push("\n", first);
        let mut at = 0;
        for line in content.split_inclusive('\n') {
            let range = at..at + line.len();
            if line != "\n" {
                self.indent(indent, text.mark_at(at));
            }
            for (piece, mark) in text.pieces(range) {
                self.push(piece, mark);
            }
            at += line.len();
            if self.out.len() > MAX_BYTES {
                return Err(Fault::new("value is too large to write"));
            }
        }
        if !content.ends_with('\n') {
            self.push("\n", Mark::default());
        }
        Ok(())
    }
}

/// go-yaml's order of keys: digits by their number, letters after everything else.
fn natural(left: &str, right: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut digits = false;
    for index in 0..a.len().min(b.len()) {
        let (Some(&x), Some(&y)) = (a.get(index), b.get(index)) else { break };
        if x == y {
            digits = x.is_numeric();
            continue;
        }
        let (x_letter, y_letter) = (x.is_alphabetic(), y.is_alphabetic());
        if x_letter && y_letter {
            return x.cmp(&y);
        }
        if x_letter || y_letter {
            return match (digits, x_letter) {
                (true, true) | (false, false) => Ordering::Less,
                _ => Ordering::Greater,
            };
        }
        let mut lead = 0;
        if x == '0' || y == '0' {
            let digits = a.get(..index).unwrap_or_default().iter().rev().take_while(|next| next.is_numeric());
            lead = i64::from(digits.into_iter().any(|next| *next != '0'));
        }
        let number = |chars: &[char]| {
            let run = chars.iter().skip(index).map_while(|next| next.to_digit(10));
            run.fold((lead, 0), |(value, length), digit| {
                (value.wrapping_mul(10).wrapping_add(i64::from(digit)), length + 1)
            })
        };
        return number(&a).cmp(&number(&b)).then(x.cmp(&y));
    }
    a.len().cmp(&b.len())
}

/// Numbers of values files are floats; JSON writes whole ones without a point, and YAML reads those as integers.
fn yaml_float(number: f64) -> String {
    let text = json_float(number);
    if text.contains(['.', 'e']) { super::print::float(number) } else { text }
}

fn is_special(next: char) -> bool {
    matches!(next, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        && next != '\u{85}'
        || next > '\u{ffff}'
}

fn escape(out: &mut String, next: char) {
    use std::fmt::Write as _;
    match next {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{0}' => out.push_str("\\0"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        '\u{1b}' => out.push_str("\\e"),
        '\u{2028}' => out.push_str("\\L"),
        '\u{2029}' => out.push_str("\\P"),
        _ if is_special(next) => {
            let code = u32::from(next);
            let _ = match code {
                0..0x100 => write!(out, "\\x{code:02X}"),
                0x100..0x1_0000 => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
        }
        _ => out.push(next),
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    if text.starts_with([' ', '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`'])
        || text.ends_with(' ')
        || text.starts_with("---")
        || text.starts_with("...")
    {
        return false;
    }
    if matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_none_or(|next| next == ' ' || next == '\t') {
        return false;
    }
    !text.contains(": ") && !text.ends_with(':') && !text.contains(" #") && !text.contains(":\t")
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits != 4 || bytes.get(4) != Some(&b'-') {
        return false;
    }
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let mut parts = date.split('-').map(|part| part.parse::<u32>().unwrap_or(99));
    let valid =
        matches!((parts.next(), parts.next(), parts.next(), parts.next()), (Some(_), Some(1..=12), Some(1..=31), None));
    valid
        && (date.len() == text.len()
            || text.get(date.len() + 1..).is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit())))
}

/// `12:30:45` was a number in YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some((first, rest)) = body.split_once(':') else { return false };
    let (rest, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    body.starts_with(|next: char| next.is_ascii_digit())
        && first.chars().all(|next| next.is_ascii_digit() || next == '_')
        && fraction.chars().all(|next| next.is_ascii_digit() || next == '_')
        && rest.split(':').all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// Go's struct as JSON shows it.
fn object_tree(object: &Object) -> Value {
    let text = |text: &str| Value::str(text);
    let map = |pairs: &[(&str, Value)]| {
        Value::map(
            pairs
                .iter()
                .map(|(key, value)| ((*key).into(), super::value::Slot { key_place: 0, value: value.clone() }))
                .collect(),
        )
    };
    match object {
        Object::Files(files) => Value::map(
            files
                .0
                .iter()
                .map(|(name, (_, content))| {
                    let value = text(&super::functions::encoding::base64(content.as_bytes()));
                    (name.as_str().into(), super::value::Slot { key_place: 0, value })
                })
                .collect(),
        ),
        Object::Struct(fields) => Data::Map(fields.clone()).into(),
        Object::ApiVersions(versions) => Value::strings(versions.iter().map(|version| text(version)).collect()),
        Object::KubeVersion(version) => map(&[
            ("Version", text(&format!("v{version}"))),
            ("Major", text(&version.major.to_string())),
            ("Minor", text(&version.minor.to_string())),
        ]),
        Object::Version(_, shown) => text(shown),
        Object::Time(seconds) => text(&super::functions::dates::format(*seconds, "2006-01-02T15:04:05Z07:00")),
        Object::Certificate { cert, key } => map(&[("Cert", text(cert)), ("Key", text(key))]),
    }
}

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Layout {
    Compact,
    Pretty,
}

/// `toJson`, `toPrettyJson`, `toRawJson`.
pub(super) fn json(value: &Value, layout: Layout, escape_html: bool) -> Outcome<Text> {
    let mut out = Text::default();
    write_json(&mut out, value, layout, escape_html, 0)?;
    Ok(out)
}

fn write_json(out: &mut Text, value: &Value, layout: Layout, escape_html: bool, depth: usize) -> Outcome<()> {
    if depth > MAX_VALUE_DEPTH || out.len() > MAX_BYTES {
        return Err(Fault::new("value is too deep or too large to write"));
    }
    let mark = value.mark();
    let line =
        |depth: usize| if layout == Layout::Pretty { format!("\n{}", "  ".repeat(depth)) } else { String::new() };
    match &value.data {
        Data::Nil => out.push("null", mark),
        Data::Bool(value) => out.push(if *value { "true" } else { "false" }, mark),
        Data::Int(number) | Data::Int64(number) => out.push(&number.to_string(), mark),
        Data::Float(number) if number.is_finite() => out.push(&json_float(*number), mark),
        Data::Float(_) => return Err(Fault::new("json: unsupported value")),
        Data::Str(text) => {
            out.push("\"", text.mark_at(0));
            for (piece, mark) in text.pieces(0..text.len()) {
                out.push(&json_escape(piece, escape_html), mark);
            }
            out.push("\"", text.mark_at(text.len().saturating_sub(1)));
        }
        Data::List(list) if list.items.is_empty() => out.push("[]", mark),
        Data::List(list) => {
            out.push("[", mark);
            for (index, item) in list.items.iter().enumerate() {
                out.push(if index > 0 { "," } else { "" }, mark);
                out.push(&line(depth + 1), mark);
                write_json(out, item, layout, escape_html, depth + 1)?;
            }
            out.push(&line(depth), mark);
            out.push("]", mark);
        }
        Data::Map(map) if map.len() == 0 => out.push("{}", mark),
        Data::Map(map) => {
            out.push("{", mark);
            for (index, (key, slot)) in map.entries().iter().enumerate() {
                let key_mark = Mark::of_value(slot.key_place);
                out.push(if index > 0 { "," } else { "" }, mark);
                out.push(&line(depth + 1), mark);
                let colon = if layout == Layout::Pretty { ": " } else { ":" };
                out.push(&format!("\"{}\"{colon}", json_escape(key, escape_html)), key_mark);
                write_json(out, &slot.value, layout, escape_html, depth + 1)?;
            }
            out.push(&line(depth), mark);
            out.push("}", mark);
        }
        Data::Object(object) => write_json(out, &object_tree(object), layout, escape_html, depth + 1)?,
    }
    Ok(())
}

fn json_escape(text: &str, html: bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for next in text.chars() {
        match next {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if html => {
                let _ = write!(out, "\\u{:04x}", u32::from(next));
            }
            '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(next));
            }
            _ => out.push(next),
        }
    }
    out
}

/// `toToml`: tables after plain keys, keys sorted, two blanks of indent a level, as Go's usual encoder writes.
pub(super) fn toml(value: &Value) -> Outcome<Text> {
    let mut out = Text::default();
    match &value.data {
        Data::Map(map) => toml_table(&mut out, map, &mut Vec::new())?,
        _ => return Err(Fault::new("toml: top-level values must be Go maps or structs")),
    }
    Ok(out)
}

fn toml_table(out: &mut Text, map: &Map, path: &mut Vec<String>) -> Outcome<()> {
    if path.len() > MAX_VALUE_DEPTH || out.len() > MAX_BYTES {
        return Err(Fault::new("value is too deep or too large to write"));
    }
    let entries = map.snapshot();
    let is_table = |value: &Value| match &value.data {
        Data::Map(_) => true,
        Data::List(list) => !list.items.is_empty() && list.items.iter().all(|item| matches!(item.data, Data::Map(_))),
        _ => false,
    };
    let indent = "  ".repeat(path.len().saturating_sub(usize::from(!path.is_empty())) + usize::from(!path.is_empty()));
    for (key, slot) in entries.iter().filter(|(_, slot)| !is_table(&slot.value) && !slot.value.is_nil()) {
        let mark = Mark::of_value(slot.key_place);
        out.push(&format!("{indent}{} = ", toml_key(key)), mark);
        toml_inline(out, &slot.value, 0)?;
        out.push("\n", mark);
    }
    for (key, slot) in entries.iter().filter(|(_, slot)| is_table(&slot.value)) {
        let mark = Mark::of_value(slot.key_place);
        path.push(toml_key(key));
        let header_indent = "  ".repeat(path.len() - 1);
        match &slot.value.data {
            Data::Map(inner) => {
                if out.len() > 0 && path.len() == 1 {
                    out.push("\n", mark);
                }
                out.push(&format!("{header_indent}[{}]\n", path.join(".")), mark);
                toml_table(out, inner, path)?;
            }
            Data::List(list) => {
                for item in &list.items {
                    if out.len() > 0 {
                        out.push("\n", mark);
                    }
                    out.push(&format!("{header_indent}[[{}]]\n", path.join(".")), mark);
                    if let Data::Map(inner) = &item.data {
                        toml_table(out, inner, path)?;
                    }
                }
            }
            _ => (),
        }
        path.pop();
    }
    Ok(())
}

fn toml_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '-'));
    if bare { key.to_owned() } else { format!("\"{}\"", json_escape(key, false)) }
}

fn toml_inline(out: &mut Text, value: &Value, depth: usize) -> Outcome<()> {
    if depth > MAX_VALUE_DEPTH || out.len() > MAX_BYTES {
        return Err(Fault::new("value is too deep or too large to write"));
    }
    let mark = value.mark();
    match &value.data {
        Data::List(list) => {
            out.push("[", mark);
            for (index, item) in list.items.iter().enumerate() {
                out.push(if index > 0 { ", " } else { "" }, mark);
                toml_inline(out, item, depth + 1)?;
            }
            out.push("]", mark);
        }
        Data::Map(map) => {
            out.push("{", mark);
            for (index, (key, slot)) in map.entries().iter().enumerate() {
                out.push(if index > 0 { ", " } else { "" }, mark);
                out.push(&format!("{} = ", toml_key(key)), Mark::of_value(slot.key_place));
                toml_inline(out, &slot.value, depth + 1)?;
            }
            out.push("}", mark);
        }
        Data::Float(number) => {
            let text = super::print::float(*number);
            out.push(&if text.contains(['.', 'e']) { text } else { format!("{text}.0") }, mark);
        }
        _ => out.append(&json(value, Layout::Compact, false)?, mark),
    }
    Ok(())
}
