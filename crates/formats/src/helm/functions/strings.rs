//! Functions of texts. Whatever keeps bytes keeps their marks.

use super::{Function, MANY, any, function, int, size, string_of, text};
use crate::helm::eval::{Fault, Machine, Outcome};
use crate::helm::print;
use crate::helm::text::{Mark, Text};
use crate::helm::value::{Data, Entries, Slot, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("quote", 0, MANY, |machine, arguments| each(machine, arguments, |text| Ok(print::quote_text(text)))),
    function("squote", 0, MANY, |machine, arguments| {
        each(machine, arguments, |text| {
            let mut out = Text::default();
            out.push("'", text.mark_at(0));
            out.append(text, Mark::default());
            out.push("'", text.mark_at(text.len().saturating_sub(1)));
            Ok(out)
        })
    }),
    function("cat", 0, MANY, |machine, arguments| each(machine, arguments, |text| Ok(text.clone()))),
    function("trim", 1, 1, |_, arguments| part(arguments, 0, str::trim)),
    function("trimAll", 2, 2, trim_all),
    function("trimall", 2, 2, trim_all),
    function("trimSuffix", 2, 2, |_, arguments| {
        let suffix = text(arguments, 0)?;
        part(arguments, 1, |content| content.strip_suffix(suffix.as_str()).unwrap_or(content))
    }),
    function("trimPrefix", 2, 2, |_, arguments| {
        let prefix = text(arguments, 0)?;
        part(arguments, 1, |content| content.strip_prefix(prefix.as_str()).unwrap_or(content))
    }),
    function("trunc", 2, 2, |_, arguments| {
        let count = int(arguments, 0)?;
        part(arguments, 1, |content| {
            let bytes = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            if bytes >= content.len() {
                content
            } else if count < 0 {
                content.get(ceil_boundary(content, content.len() - bytes)..).unwrap_or_default()
            } else {
                content.get(..content.floor_char_boundary(bytes)).unwrap_or_default()
            }
        })
    }),
    function("substr", 3, 3, |_, arguments| {
        let (start, end) = (int(arguments, 0)?, int(arguments, 1)?);
        part(arguments, 2, |content| {
            let from = if start < 0 { 0 } else { size(start).min(content.len()) };
            let to = if end < 0 || size(end) > content.len() { content.len() } else { size(end) };
            let (from, to) = (ceil_boundary(content, from), content.floor_char_boundary(to));
            content.get(from..to).unwrap_or_default()
        })
    }),
    function("upper", 1, 1, |machine, arguments| pieces(machine, arguments, 0, str::to_uppercase)),
    function("lower", 1, 1, |machine, arguments| pieces(machine, arguments, 0, str::to_lowercase)),
    function("title", 1, 1, |machine, arguments| {
        pieces(machine, arguments, 0, |content| after_separator(content, |next| next.to_uppercase().collect()))
    }),
    function("untitle", 1, 1, |machine, arguments| {
        pieces(machine, arguments, 0, |content| after_separator(content, |next| next.to_lowercase().collect()))
    }),
    function("swapcase", 1, 1, |machine, arguments| {
        pieces(machine, arguments, 0, |content| {
            content
                .chars()
                .map(|next| {
                    if next.is_uppercase() { next.to_lowercase().to_string() } else { next.to_uppercase().to_string() }
                })
                .collect()
        })
    }),
    function("nospace", 1, 1, |machine, arguments| {
        pieces(machine, arguments, 0, |content| content.chars().filter(|next| !next.is_whitespace()).collect())
    }),
    function("repeat", 2, 2, |machine, arguments| {
        let count = int(arguments, 0)?;
        let content = text(arguments, 1)?;
        if count < 0 {
            return Err(Fault::new("negative Repeat count"));
        }
        machine.afford(size(count), content.len().max(1))?;
        let repeated = content.as_str().repeat(size(count));
        Ok(Value::text(Text::marked(repeated, content.single_mark().unwrap_or_default())))
    }),
    function("indent", 2, 2, |machine, arguments| {
        let result = indent(machine, int(arguments, 0)?, &*text(arguments, 1)?)?;
        Ok(Value::text(result))
    }),
    function("nindent", 2, 2, |machine, arguments| {
        let result = indent(machine, int(arguments, 0)?, &*text(arguments, 1)?)?;
        let mut out = Text::default();
        out.push("\n", result.mark_at(0));
        out.append(&result, Mark::default());
        Ok(Value::text(out))
    }),
    function("replace", 3, 3, |machine, arguments| {
        let (old, new, content) = (text(arguments, 0)?, text(arguments, 1)?, text(arguments, 2)?);
        if old.len() == 0 {
            let result = content.as_str().replace("", new.as_str());
            machine.charge(result.len())?;
            return Ok(Value::str(result));
        }
        let mut out = Text::default();
        let mut at = 0;
        for (found, matched) in content.as_str().match_indices(old.as_str()) {
            out.append(&content.slice(at..found), Mark::default());
            out.push(new.as_str(), content.mark_at(found));
            at = found + matched.len();
            machine.charge(new.len())?;
        }
        out.append(&content.slice(at..content.len()), Mark::default());
        machine.charge(out.len())?;
        Ok(Value::text(out))
    }),
    function("contains", 2, 2, |_, arguments| {
        Ok(Value::bool(text(arguments, 1)?.as_str().contains(text(arguments, 0)?.as_str())))
    }),
    function("hasPrefix", 2, 2, |_, arguments| {
        Ok(Value::bool(text(arguments, 1)?.as_str().starts_with(text(arguments, 0)?.as_str())))
    }),
    function("hasSuffix", 2, 2, |_, arguments| {
        Ok(Value::bool(text(arguments, 1)?.as_str().ends_with(text(arguments, 0)?.as_str())))
    }),
    function("initials", 1, 1, |_, arguments| {
        let content = text(arguments, 0)?;
        Ok(Value::str(content.as_str().split_whitespace().filter_map(|word| word.chars().next()).collect::<String>()))
    }),
    function("abbrev", 2, 2, |_, arguments| {
        let (width, content) = (int(arguments, 0)?, text(arguments, 1)?);
        if width < 4 {
            return Ok(any(arguments, 1));
        }
        Ok(Value::str(abbreviate(content.as_str(), 0, size(width))))
    }),
    function("abbrevboth", 3, 3, |_, arguments| {
        let (left, right, content) = (int(arguments, 0)?, int(arguments, 1)?, text(arguments, 2)?);
        if right < 4 || (left > 0 && right < 7) {
            return Ok(any(arguments, 2));
        }
        Ok(Value::str(abbreviate(content.as_str(), size(left), size(right))))
    }),
    function("wrap", 2, 2, |machine, arguments| {
        let (width, content) = (int(arguments, 0)?, text(arguments, 1)?);
        machine.charge(content.len().saturating_mul(2))?;
        Ok(Value::str(wrap(content.as_str(), size(width), "\n", false)))
    }),
    function("wrapWith", 3, 3, |machine, arguments| {
        let (width, separator, content) = (int(arguments, 0)?, text(arguments, 1)?, text(arguments, 2)?);
        machine.afford(content.len(), separator.len() + 1)?;
        Ok(Value::str(wrap(content.as_str(), size(width), separator.as_str(), true)))
    }),
    function("plural", 3, 3, |_, arguments| {
        Ok(if int(arguments, 2)? == 1 { any(arguments, 0) } else { any(arguments, 1) })
    }),
    function("snakecase", 1, 1, |_, arguments| Ok(Value::str(words(text(arguments, 0)?.as_str(), '_')))),
    function("kebabcase", 1, 1, |_, arguments| Ok(Value::str(words(text(arguments, 0)?.as_str(), '-')))),
    function("camelcase", 1, 1, |_, arguments| Ok(Value::str(camel(text(arguments, 0)?.as_str())))),
    function("shuffle", 1, 1, |_, arguments| {
        // Any order is as good as another; this one is always the same.
        Ok(Value::str(text(arguments, 0)?.as_str().chars().rev().collect::<String>()))
    }),
    function("split", 2, 2, |machine, arguments| {
        let (separator, content) = (text(arguments, 0)?, text(arguments, 1)?);
        numbered(machine, split(&content, separator.as_str(), usize::MAX))
    }),
    function("splitn", 3, 3, |machine, arguments| {
        let (separator, count, content) = (text(arguments, 0)?, int(arguments, 1)?, text(arguments, 2)?);
        let count = if count < 0 { usize::MAX } else { size(count) };
        numbered(machine, split(&content, separator.as_str(), count))
    }),
    function("splitList", 2, 2, |machine, arguments| {
        let (separator, content) = (text(arguments, 0)?, text(arguments, 1)?);
        let parts = split(&content, separator.as_str(), usize::MAX);
        machine.afford(parts.len(), 64)?;
        Ok(Value::strings(parts.into_iter().map(Value::text).collect()))
    }),
    function("join", 2, 2, |machine, arguments| {
        let separator = text(arguments, 0)?;
        let items = strings_of(&any(arguments, 1))?;
        let mut out = Text::default();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                machine.charge(separator.len())?;
                out.append(&separator, Mark::default());
            }
            if let Data::Str(item) = &item.data {
                machine.charge(item.len())?;
                out.append(item, Mark::default());
            }
        }
        Ok(Value::text(out))
    }),
    function("toStrings", 1, 1, |_, arguments| Ok(Value::strings(strings_of(&any(arguments, 0))?))),
    function("sortAlpha", 1, 1, |_, arguments| {
        let value = any(arguments, 0);
        if !matches!(value.data, Data::List(_)) {
            return Ok(Value::strings(strings_of(&value)?));
        }
        let mut items = strings_of(&value)?;
        items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        Ok(Value::strings(items))
    }),
];

/// sprig's `strslice`: every item as a string, without nil.
pub(super) fn strings_of(value: &Value) -> Outcome<Vec<Value>> {
    let convert = |item: &Value| Ok(Value { data: Data::Str(string_of(item)?), place: 0 });
    match &value.data {
        Data::List(list) => list.items.iter().filter(|item| !item.is_nil()).map(convert).collect(),
        Data::Nil => Ok(Vec::new()),
        _ => Ok(vec![convert(value)?]),
    }
}

fn ceil_boundary(content: &str, at: usize) -> usize {
    (at..=content.len()).find(|at| content.is_char_boundary(*at)).unwrap_or(content.len())
}

/// Every argument that is not nil as a string, joined by blanks.
fn each(machine: &mut Machine, arguments: &[Value], shape: fn(&Text) -> Outcome<Text>) -> Outcome {
    let mut out = Text::default();
    for argument in arguments.iter().filter(|argument| !argument.is_nil()) {
        if out.len() > 0 {
            out.push(" ", Mark::default());
        }
        out.append(&shape(&*string_of(argument)?)?, Mark::default());
    }
    machine.charge(out.len())?;
    Ok(Value::text(out))
}

/// A part of a text that is a slice of it.
fn part(arguments: &[Value], index: usize, cut: impl FnOnce(&str) -> &str) -> Outcome {
    let content = text(arguments, index)?;
    let cut = cut(content.as_str());
    if cut.len() == content.len() {
        return Ok(any(arguments, index));
    }
    Ok(Value::text(content.part(cut)))
}

fn trim_all(_: &mut Machine, arguments: &[Value]) -> Outcome {
    let set = text(arguments, 0)?;
    part(arguments, 1, |content| content.trim_matches(|next| set.as_str().contains(next)))
}

/// Changes each marked run by itself.
fn pieces(machine: &mut Machine, arguments: &[Value], index: usize, change: impl Fn(&str) -> String) -> Outcome {
    let content = text(arguments, index)?;
    machine.charge(content.len())?;
    let mut out = Text::default();
    for (piece, mark) in content.pieces(0..content.len()) {
        out.push(&change(piece), mark);
    }
    Ok(Value::text(out))
}

fn after_separator(content: &str, change: fn(char) -> String) -> String {
    let mut previous = ' ';
    let mut out = String::with_capacity(content.len());
    for next in content.chars() {
        if previous.is_alphanumeric() || previous == '_' || (!previous.is_ascii() && !previous.is_whitespace()) {
            out.push(next);
        } else {
            out.push_str(&change(next));
        }
        previous = next;
    }
    out
}

/// Puts blanks before every line, empty ones and the last one included.
fn indent(machine: &mut Machine, width: i64, content: &Text) -> Outcome<Text> {
    if width < 0 {
        return Err(Fault::new("negative Repeat count"));
    }
    let width = size(width);
    let lines = content.as_str().matches('\n').count() + 1;
    machine.charge(content.len())?;
    machine.afford(lines, width)?;
    let blanks = " ".repeat(width);
    let mut out = Text::default();
    let mut at = 0;
    for line in content.as_str().split('\n') {
        if at > 0 {
            out.push("\n", content.mark_at(at - 1));
        }
        out.push(&blanks, content.mark_at(at));
        for (piece, mark) in content.pieces(at..at + line.len()) {
            out.push(piece, mark);
        }
        at += line.len() + 1;
    }
    Ok(out)
}

fn split(content: &Text, separator: &str, count: usize) -> Vec<Text> {
    let text = content.as_str();
    if count == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        return text.chars().map(|next| Text::plain(next.to_string())).take(count).collect();
    }
    text.splitn(count, separator).map(|part| content.part(part)).collect()
}

/// `split` gives a map with the keys `_0`, `_1` and so on.
fn numbered(machine: &mut Machine, parts: Vec<Text>) -> Outcome {
    machine.afford(parts.len(), 128)?;
    let mut entries = Entries::new();
    for (index, part) in parts.into_iter().enumerate() {
        entries.insert(format!("_{index}").into(), Slot { key_place: 0, value: Value::text(part) });
    }
    Ok(Value::map(entries))
}

fn abbreviate(content: &str, left: usize, width: usize) -> String {
    let chars: Vec<char> = content.chars().collect();
    if chars.len() <= width {
        return content.to_owned();
    }
    let take = |from: usize, count: usize| chars.iter().skip(from).take(count).collect::<String>();
    if left <= 4 {
        return format!("{}...", take(0, width - 3));
    }
    let left = left.min(chars.len());
    if left + width - 3 < chars.len() {
        return format!("...{}...", take(left, width.saturating_sub(6)));
    }
    let start = chars.len().saturating_sub(width - 3);
    format!("...{}", take(start, chars.len()))
}

fn wrap(content: &str, width: usize, separator: &str, breaks_words: bool) -> String {
    let width = width.max(1);
    let mut out = String::with_capacity(content.len());
    let mut column = 0;
    for (index, word) in content.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 {
            if column + 1 + length > width {
                out.push_str(separator);
                column = 0;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        if breaks_words && length > width {
            for next in word.chars() {
                if column == width {
                    out.push_str(separator);
                    column = 0;
                }
                out.push(next);
                column += 1;
            }
        } else {
            out.push_str(word);
            column += length;
        }
    }
    out
}

/// `FirstNameURLThing` → `first-name-url-thing`
fn words(content: &str, joint: char) -> String {
    let chars: Vec<char> = content.chars().collect();
    let mut out = String::with_capacity(content.len() + 4);
    for (index, next) in chars.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| chars.get(before));
        if next.is_uppercase() {
            let following = chars.get(index + 1);
            let starts = previous.is_some_and(|previous| previous.is_lowercase() || previous.is_numeric())
                || (previous.is_some_and(|previous| previous.is_uppercase())
                    && following.is_some_and(|following| following.is_lowercase()));
            if starts && !out.ends_with(joint) {
                out.push(joint);
            }
            out.extend(next.to_lowercase());
        } else if matches!(next, '_' | '-' | ' ') {
            if !out.is_empty() && !out.ends_with(joint) {
                out.push(joint);
            }
        } else {
            out.push(*next);
        }
    }
    out
}

fn camel(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut starts = true;
    for next in content.chars() {
        if matches!(next, '_' | '-' | ' ') {
            if out.chars().all(|kept| kept == next) {
                out.push(next);
            }
            starts = true;
        } else if std::mem::take(&mut starts) {
            out.extend(next.to_uppercase());
        } else {
            out.push(next);
        }
    }
    out
}
