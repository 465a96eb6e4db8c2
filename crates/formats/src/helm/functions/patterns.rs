//! Regular expressions: Go's RE2 syntax, which Rust's `regex` almost shares.

use regex::{Regex, RegexBuilder};

use super::{Function, function, int, size, text};
use crate::helm::eval::{Fault, Machine, Outcome};
use crate::helm::text::{Mark, Text};
use crate::helm::value::Value;

/// Bytes that one compiled expression may take.
const MAX_COMPILED: usize = 1024 * 1024;

pub(super) const FUNCTIONS: &[Function] = &[
    function("regexMatch", 2, 2, matches),
    function("mustRegexMatch", 2, 2, matches),
    function("regexFind", 2, 2, find),
    function("mustRegexFind", 2, 2, find),
    function("regexFindAll", 3, 3, find_all),
    function("mustRegexFindAll", 3, 3, find_all),
    function("regexReplaceAll", 3, 3, |machine, arguments| replace(machine, arguments, false)),
    function("mustRegexReplaceAll", 3, 3, |machine, arguments| replace(machine, arguments, false)),
    function("regexReplaceAllLiteral", 3, 3, |machine, arguments| replace(machine, arguments, true)),
    function("mustRegexReplaceAllLiteral", 3, 3, |machine, arguments| replace(machine, arguments, true)),
    function("regexSplit", 3, 3, split),
    function("mustRegexSplit", 3, 3, split),
    function("regexQuoteMeta", 1, 1, |_, arguments| {
        let mut out = String::new();
        for next in text(arguments, 0)?.as_str().chars() {
            if r"\.+*?()|[]{}^$".contains(next) {
                out.push('\\');
            }
            out.push(next);
        }
        Ok(Value::str(out))
    }),
];

fn compile(machine: &mut Machine, source: &str) -> Outcome<Regex> {
    // Compiling costs far more than the bytes of the expression.
    machine.charge(source.len().saturating_mul(64).saturating_add(4096))?;
    RegexBuilder::new(&translate(source))
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| Fault::new(format!("error parsing regexp: {error}")))
}

/// Inside brackets Go takes `[`, `&&`, `--` and `~~` as they are; Rust nests and subtracts classes.
fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    let mut inside = false;
    let mut starts = false;
    while let Some(next) = chars.next() {
        match next {
            '\\' => {
                out.push(next);
                match chars.next() {
                    Some('Q') if !inside => {
                        out.pop();
                        let rest: String = chars.clone().collect();
                        let literal = rest.split("\\E").next().unwrap_or_default();
                        out.push_str(&regex::escape(literal));
                        for _ in 0..literal.chars().count() + 2 {
                            chars.next();
                        }
                    }
                    Some(escaped) => out.push(escaped),
                    None => (),
                }
                starts = false;
                continue;
            }
            '[' if !inside => {
                inside = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                }
                starts = true;
                continue;
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for class in chars.by_ref() {
                    out.push(class);
                    if class == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            ']' if inside && starts => out.push_str("\\]"),
            ']' if inside => {
                inside = false;
                out.push(']');
            }
            '&' | '~' if inside => {
                out.push('\\');
                out.push(next);
            }
            '-' if inside && chars.peek() == Some(&'-') => out.push_str("\\-"),
            _ => out.push(next),
        }
        starts = false;
    }
    out
}

fn matches(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let pattern = compile(machine, text(arguments, 0)?.as_str())?;
    Ok(Value::bool(pattern.is_match(text(arguments, 1)?.as_str())))
}

fn find(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let pattern = compile(machine, text(arguments, 0)?.as_str())?;
    let content = text(arguments, 1)?;
    Ok(match pattern.find(content.as_str()) {
        Some(found) => Value::text(content.slice(found.range())),
        None => Value::str(""),
    })
}

fn limit(count: i64) -> usize {
    if count < 0 { usize::MAX } else { size(count) }
}

fn find_all(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let pattern = compile(machine, text(arguments, 0)?.as_str())?;
    let content = text(arguments, 1)?;
    machine.afford(content.len(), 32)?;
    let found = pattern
        .find_iter(content.as_str())
        .take(limit(int(arguments, 2)?))
        .map(|found| Value::text(content.slice(found.range())))
        .collect();
    Ok(Value::strings(found))
}

fn split(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let pattern = compile(machine, text(arguments, 0)?.as_str())?;
    let content = text(arguments, 1)?;
    machine.afford(content.len(), 32)?;
    let parts = match int(arguments, 2)? {
        count if count < 0 => pattern.split(content.as_str()).map(|part| Value::text(content.part(part))).collect(),
        count => pattern.splitn(content.as_str(), size(count)).map(|part| Value::text(content.part(part))).collect(),
    };
    Ok(Value::strings(parts))
}

fn replace(machine: &mut Machine, arguments: &[Value], literal: bool) -> Outcome {
    let pattern = compile(machine, text(arguments, 0)?.as_str())?;
    let content = text(arguments, 1)?;
    let replacement = text(arguments, 2)?;
    let mut out = Text::default();
    let mut at = 0;
    for captures in pattern.captures_iter(content.as_str()) {
        let Some(whole) = captures.get(0) else { continue };
        out.append(&content.slice(at..whole.start()), Mark::default());
        if literal {
            out.push(replacement.as_str(), content.mark_at(whole.start()));
        } else {
            let mut expanded = String::new();
            captures.expand(replacement.as_str(), &mut expanded);
            out.push(&expanded, content.mark_at(whole.start()));
        }
        at = whole.end();
        machine.charge(replacement.len() + whole.len())?;
    }
    out.append(&content.slice(at..content.len()), Mark::default());
    machine.charge(out.len())?;
    Ok(Value::text(out))
}
