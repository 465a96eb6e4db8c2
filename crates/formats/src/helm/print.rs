//! Prints values as Go's fmt does.

use std::fmt::Write as _;

use super::eval::{Fault, MAX_VALUE_DEPTH, Outcome};
use super::text::{Mark, Text};
use super::value::{Data, Object, Value};

/// Widths and precisions beyond this are refused, as in Go.
const MAX_WIDTH: usize = 1_000_000;
/// Bytes of one printed value.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// `%v`
pub(super) fn plain(value: &Value) -> Outcome<String> {
    let mut out = String::new();
    write_value(&mut out, value, 0)?;
    Ok(out)
}

fn write_value(out: &mut String, value: &Value, depth: usize) -> Outcome<()> {
    if depth > MAX_VALUE_DEPTH || out.len() > MAX_BYTES {
        return Err(Fault::new("value is too deep or too large to print"));
    }
    match &value.data {
        Data::Nil => out.push_str("<nil>"),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Int(value) | Data::Int64(value) => out.push_str(&value.to_string()),
        Data::Float(value) => out.push_str(&float(*value)),
        Data::Str(text) => out.push_str(text.as_str()),
        Data::List(list) => {
            out.push('[');
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_value(out, item, depth + 1)?;
            }
            out.push(']');
        }
        Data::Map(map) => {
            out.push_str("map[");
            for (index, (key, slot)) in map.entries().iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_value(out, &slot.value, depth + 1)?;
            }
            out.push(']');
        }
        Data::Object(object) => match object.as_ref() {
            Object::Files(_) => out.push_str("map[]"),
            Object::Struct(fields) => write_value(out, &Data::Map(fields.clone()).into(), depth + 1)?,
            Object::ApiVersions(versions) => {
                out.push('[');
                out.push_str(&versions.join(" "));
                out.push(']');
            }
            Object::KubeVersion(version) => {
                out.push('v');
                out.push_str(&version.to_string());
            }
            Object::Version(_, text) => out.push_str(text),
            Object::Time(seconds) => {
                out.push_str(&super::functions::dates::format(*seconds, "2006-01-02 15:04:05 -0700 MST"));
            }
            Object::Certificate { cert, key } => {
                out.push('{');
                out.push_str(cert);
                out.push(' ');
                out.push_str(key);
                out.push('}');
            }
        },
    }
    Ok(())
}

/// The shortest digits that read back as the same number, and the exponent of the first one.
fn digits(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (_, exponent) = digits(value);
    // Go decides as if six digits had been asked for.
    if !(-4..6).contains(&exponent) && value != 0.0 { exponential(value) } else { value.to_string() }
}

/// `1e+06`: at least two digits of exponent.
fn exponential(value: f64) -> String {
    let (digits, exponent) = digits(value);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (first, rest) = digits.split_at(1.min(digits.len()));
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{point}{rest}e{exponent_sign}{:02}", exponent.unsigned_abs())
}

/// A float as encoding/json writes it.
pub(super) fn json_float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = exponential(value);
        // Go turns e-09 into e-9.
        match text.split_once("e-0") {
            Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
            None => text,
        }
    } else {
        value.to_string()
    }
}

/// `strconv.Quote`
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for next in text.chars() {
        quote_char(&mut out, next);
    }
    out.push('"');
    out
}

fn quote_char(out: &mut String, next: char) {
    match next {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        '\u{0}'..='\u{1f}' | '\u{7f}' => {
            let _ = write!(out, "\\x{:02x}", u32::from(next));
        }
        '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(next));
        }
        _ => out.push(next),
    }
}

/// [`quote`], with the marks of the text.
pub(super) fn quote_text(text: &Text) -> Text {
    let mut out = Text::default();
    let first = text.mark_at(0);
    let last = text.mark_at(text.len().saturating_sub(1));
    out.push("\"", first);
    let mut buffer = String::new();
    for (piece, mark) in text.pieces(0..text.len()) {
        buffer.clear();
        for next in piece.chars() {
            quote_char(&mut buffer, next);
        }
        out.push(&buffer, mark);
    }
    out.push("\"", last);
    out
}

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of a printf verb")]
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `fmt.Sprintf`; what `%s` and `%v` print of a string keeps its marks.
pub(super) fn sprintf(format: &Text, arguments: &[Value]) -> Outcome<Text> {
    let mut out = Text::default();
    let text = format.as_str();
    let mut next = 0;
    let mut at = 0;
    let mut reordered = false;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('%')) {
        out.append(&format.slice(at..at + found), Mark::default());
        at += found + 1;
        let mut verb = Verb::default();
        let mut chars = text.get(at..).unwrap_or_default().chars().peekable();
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                '#' => verb.sharp = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                _ => break,
            }
            chars.next();
            at += 1;
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, at: &mut usize| {
            if chars.peek() == Some(&'*') {
                chars.next();
                *at += 1;
                let value = arguments.get(next).and_then(as_int);
                next += 1;
                return value;
            }
            let mut value = None;
            while let Some(digit) = chars.peek().and_then(|next| next.to_digit(10)) {
                chars.next();
                *at += 1;
                value = Some(value.unwrap_or(0i64).saturating_mul(10).saturating_add(i64::from(digit)));
            }
            value
        };
        if let Some(width) = number(&mut chars, &mut at) {
            verb.minus |= width < 0;
            verb.width = usize::try_from(width.unsigned_abs()).ok();
        }
        if chars.peek() == Some(&'.') {
            chars.next();
            at += 1;
            verb.precision =
                Some(number(&mut chars, &mut at).and_then(|value| usize::try_from(value).ok()).unwrap_or(0));
        }
        if chars.peek() == Some(&'[')
            && let Some((index, length)) = explicit_index(text.get(at..).unwrap_or_default())
        {
            next = index;
            reordered = true;
            at += length;
            chars = text.get(at..).unwrap_or_default().chars().peekable();
        }
        if verb.width.max(verb.precision).is_some_and(|size| size > MAX_WIDTH) {
            return Err(Fault::new("width or precision of a printf verb is too large"));
        }
        let Some(kind) = chars.next() else {
            out.push("%!(NOVERB)", Mark::default());
            break;
        };
        at += kind.len_utf8();
        if kind == '%' {
            out.push("%", Mark::default());
            continue;
        }
        let Some(argument) = arguments.get(next) else {
            out.push(&format!("%!{kind}(MISSING)"), Mark::default());
            continue;
        };
        next += 1;
        if out.len() > MAX_BYTES {
            return Err(Fault::new("printf makes too long a text"));
        }
        if let (Data::Str(text), 's' | 'v', None, None) = (&argument.data, kind, verb.width, verb.precision)
            && !verb.sharp
        {
            out.append(text, Mark::default());
            continue;
        }
        let shown = one(argument, kind, &verb)?;
        out.push(&shown, argument.source().unwrap_or_default());
    }
    out.append(&format.slice(at..text.len()), Mark::default());
    if next < arguments.len() && !reordered {
        let mut extra = String::from("%!(EXTRA ");
        for (index, argument) in arguments.iter().enumerate().skip(next) {
            if index > next {
                extra.push_str(", ");
            }
            if argument.is_nil() {
                extra.push_str("<nil>");
            } else {
                let _ = write!(extra, "{}={}", argument.type_name(), plain(argument)?);
            }
        }
        extra.push(')');
        out.push(&extra, Mark::default());
    }
    Ok(out)
}

/// `[2]` before a verb: the index from 0, and the bytes it takes.
fn explicit_index(text: &str) -> Option<(usize, usize)> {
    let (number, _) = text.strip_prefix('[')?.split_once(']')?;
    Some((number.parse::<usize>().ok()?.checked_sub(1)?, number.len() + 2))
}

fn as_int(value: &Value) -> Option<i64> {
    match value.data {
        Data::Int(value) | Data::Int64(value) => Some(value),
        _ => None,
    }
}

fn one(value: &Value, kind: char, verb: &Verb) -> Outcome<String> {
    if kind == 'T' {
        return Ok(pad(value.type_name().to_owned(), verb, false));
    }
    let bad = || {
        Ok(match value.data {
            Data::Nil => format!("%!{kind}(<nil>)"),
            _ => format!("%!{kind}({}={})", value.type_name(), plain(value)?),
        })
    };
    Ok(match (&value.data, kind) {
        (_, 'v') if verb.sharp => go_syntax(value)?,
        (Data::Nil, 'v') => pad("<nil>".to_owned(), verb, false),
        (Data::Str(text), 's' | 'v') => pad(cut(text.as_str(), verb), verb, false),
        (Data::Str(text), 'q') => {
            let text = cut(text.as_str(), verb);
            let shown = if verb.sharp && !text.contains('`') { format!("`{text}`") } else { quote(&text) };
            pad(shown, verb, false)
        }
        (Data::Str(text), 'x' | 'X') => {
            let mut shown = String::new();
            for byte in text.as_str().bytes() {
                let _ = if kind == 'x' { write!(shown, "{byte:02x}") } else { write!(shown, "{byte:02X}") };
            }
            pad(shown, verb, false)
        }
        (Data::Bool(value), 't' | 'v') => pad(value.to_string(), verb, false),
        (Data::Int(number) | Data::Int64(number), _) => match kind {
            'd' | 'v' => integer(*number, 10, false, verb),
            'b' => integer(*number, 2, false, verb),
            'o' => integer(*number, 8, false, verb),
            'x' => integer(*number, 16, false, verb),
            'X' => integer(*number, 16, true, verb),
            'c' => pad(code_point(*number).to_string(), verb, false),
            'q' => pad(format!("'{}'", code_point(*number)), verb, false),
            'U' => pad(format!("U+{number:04X}"), verb, false),
            _ => return bad(),
        },
        (Data::Float(number), _) => {
            let shown = match (kind, verb.precision) {
                ('v' | 'g' | 'G', None) => float(*number),
                ('v' | 'g' | 'G', Some(precision)) => general(*number, precision),
                ('f' | 'F', precision) => format!("{number:.*}", precision.unwrap_or(6)),
                ('e' | 'E', precision) => {
                    let text = format!("{number:.*e}", precision.unwrap_or(6));
                    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                    let exponent: i32 = exponent.parse().unwrap_or(0);
                    let sign = if exponent < 0 { '-' } else { '+' };
                    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
                }
                _ => return bad(),
            };
            let shown = if kind.is_ascii_uppercase() { shown.to_uppercase() } else { shown };
            let shown = if verb.plus && *number >= 0.0 {
                format!("+{shown}")
            } else if verb.space && *number >= 0.0 {
                format!(" {shown}")
            } else {
                shown
            };
            pad(shown, verb, true)
        }
        (Data::List(list), _) => {
            let items: Outcome<Vec<String>> = list.items.iter().map(|item| element(item, kind, verb)).collect();
            format!("[{}]", items?.join(" "))
        }
        (Data::Map(map), _) => {
            let mut shown = Vec::new();
            for (key, slot) in map.entries().iter() {
                let key = one(&Value::str(&**key), kind, verb)?;
                shown.push(format!("{key}:{}", element(&slot.value, kind, verb)?));
            }
            format!("map[{}]", shown.join(" "))
        }
        (Data::Object(_), 'v' | 's') => pad(plain(value)?, verb, false),
        _ => return bad(),
    })
}

/// An element of a list or map; deeper ones are printed plainly, so that nothing recurses without end.
fn element(value: &Value, kind: char, verb: &Verb) -> Outcome<String> {
    match value.data {
        Data::List(_) | Data::Map(_) => plain(value),
        _ => one(value, kind, verb),
    }
}

fn go_syntax(value: &Value) -> Outcome<String> {
    Ok(match &value.data {
        Data::Str(text) => quote(text.as_str()),
        _ => plain(value)?,
    })
}

fn code_point(number: i64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}

fn cut(text: &str, verb: &Verb) -> String {
    match verb.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

fn integer(number: i64, radix: u32, upper: bool, verb: &Verb) -> String {
    let magnitude = number.unsigned_abs();
    let mut body = match radix {
        2 => format!("{magnitude:b}"),
        8 => format!("{magnitude:o}"),
        16 if upper => format!("{magnitude:X}"),
        16 => format!("{magnitude:x}"),
        _ => magnitude.to_string(),
    };
    if let Some(precision) = verb.precision {
        body = format!("{body:0>precision$}");
    }
    if verb.sharp {
        let prefix = match (radix, upper) {
            (2, _) => "0b",
            (8, _) => "0",
            (16, false) => "0x",
            (16, true) => "0X",
            _ => "",
        };
        body.insert_str(0, prefix);
    }
    let sign = match (number < 0, verb.plus, verb.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    pad(format!("{sign}{body}"), verb, verb.precision.is_none())
}

/// `%.3g`
fn general(number: f64, precision: usize) -> String {
    let precision = precision.max(1);
    if number == 0.0 || !number.is_finite() {
        return float(number);
    }
    let rounded = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let strip = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if exponent < -4 || usize::try_from(exponent).is_ok_and(|exponent| exponent >= precision) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", strip(mantissa), exponent.unsigned_abs());
    }
    let decimals = i32::try_from(precision).unwrap_or(i32::MAX).saturating_sub(1).saturating_sub(exponent).max(0);
    strip(&format!("{number:.*}", usize::try_from(decimals).unwrap_or(0)))
}

fn pad(text: String, verb: &Verb, number: bool) -> String {
    let Some(width) = verb.width else { return text };
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if verb.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    if verb.zero && number {
        let sign = text.starts_with(['-', '+', ' ']);
        let (sign, body) = text.split_at(usize::from(sign));
        return format!("{sign}{}{body}", "0".repeat(missing));
    }
    let fill = if verb.zero { "0" } else { " " };
    format!("{}{text}", fill.repeat(missing))
}
