//! What an expression comes to: lengths of time, numbers, texts, reads of the environment.

use gonogo_domain::evidence::Meaning;
use gonogo_domain::{
    Place,
    evidence::{Setting, SettingValue},
    known_symbols, lengths,
};
use gonogo_source::{Expr, Module, Names, ScopeId};

/// How far constants are followed.
const STEPS: usize = 8;

/// A file as far as values need it.
#[derive(Clone, Copy)]
pub(super) struct Context<'n> {
    pub module: &'n Module,
    pub names: &'n Names<'n>,
    pub path: &'n std::sync::Arc<str>,
}

/// A setting from what stands in its place. `unit` is what a plain number counts.
pub(super) fn setting(context: Context<'_>, value: &Expr, scope: ScopeId, unit: Option<&str>, line: u32) -> Setting {
    Setting {
        value: evaluate(context, value, scope, unit, STEPS).unwrap_or(SettingValue::NotFollowed),
        place: Place::new(std::sync::Arc::clone(context.path), line, 1),
    }
}

/// The longest text that is put together.
const LONGEST: usize = 1 << 14;

/// A text as far as it is written, with `{}` for what comes from elsewhere: `"SELECT " + x`, `fmt.Sprintf("… %s", x)`.
/// Numbers stand as `0`.
pub(super) fn put_together(context: Context<'_>, value: &Expr, scope: ScopeId, line: u32) -> Setting {
    let text = pieces(context, value, scope, STEPS).filter(|text| text.len() <= LONGEST);
    Setting {
        value: text.map_or(SettingValue::NotFollowed, SettingValue::Text),
        place: Place::new(std::sync::Arc::clone(context.path), line, 1),
    }
}

fn pieces(context: Context<'_>, value: &Expr, scope: ScopeId, steps: usize) -> Option<String> {
    let steps = steps.checked_sub(1)?;
    let piece = |value: &Expr| pieces(context, value, scope, steps).unwrap_or_else(|| "{}".to_owned());
    match value {
        Expr::Text(text) => Some(text.clone()),
        Expr::Number(_) => Some("0".to_owned()),
        Expr::Name(path) => {
            let (value, scope) = context.names.value(path, scope)?;
            pieces(context, value, scope, steps)
        }
        Expr::Operation(operator, items) => match (operator.as_str(), items.as_slice()) {
            ("+" | ".", [first, second]) => {
                let joined = piece(first) + &piece(second);
                (joined.len() <= LONGEST).then_some(joined)
            }
            ("%", [format, given]) => {
                let given = match given {
                    Expr::List(items) => items.iter().collect(),
                    other => vec![other],
                };
                Some(filled(&piece(format), given.into_iter().map(piece)))
            }
            _ => None,
        },
        Expr::Call(at) => {
            let call = context.module.calls.get(*at)?;
            let name = match &call.callee {
                Expr::Name(path) => path.rsplit('.').next()?,
                Expr::Member(_, name) => name,
                _ => return None,
            };
            match name {
                "Sprintf" | "sprintf" | "formatted" => (),
                "format" if matches!(&call.callee, Expr::Name(path) if path == "String.format") => (),
                // Rust writes the holes into the text.
                "format" | "format!" if context.module.language == gonogo_source::Language::Rust => {
                    return Some(piece(&call.arguments.first()?.value));
                }
                "Itoa" | "FormatInt" | "int" | "Number" | "parseInt" => return Some("0".to_owned()),
                // `placeholder(1)`, `placeholder(len(args) + 1)`: what is made of numbers alone carries no value of others.
                // `row.Get(1)` does: it is asked of something.
                _ if matches!(&call.callee, Expr::Name(path) if !path.contains('.'))
                    && !call.arguments.is_empty()
                    && call.arguments.iter().all(|one| counted(context, &one.value)) =>
                {
                    return Some("0".to_owned());
                }
                _ => return None,
            }
            let mut given = call.arguments.iter().map(|one| &one.value);
            let format = piece(given.next()?);
            Some(filled(&format, given.map(piece)))
        }
        _ => None,
    }
}

/// A number, or what is reckoned from numbers and lengths.
fn counted(context: Context<'_>, value: &Expr) -> bool {
    match value {
        Expr::Number(_) => true,
        Expr::Operation(_, items) => {
            !items.is_empty() && items.iter().all(|item| !matches!(item, Expr::Operation(..)) && counted(context, item))
        }
        Expr::Call(at) => {
            let name = context.module.calls.get(*at).and_then(|call| call.callee.name());
            matches!(name, Some("len" | "count"))
        }
        _ => false,
    }
}

/// `%s` and `%v` with what is given for them; what counts is a number.
fn filled(format: &str, mut given: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        while letters.peek().is_some_and(|next| next.is_ascii_digit() || matches!(next, '+' | '-' | '.' | '#')) {
            letters.next();
        }
        match letters.next() {
            Some('%') | None => text.push('%'),
            Some('s' | 'v' | 'q') => text.push_str(&given.next().unwrap_or_else(|| "{}".to_owned())),
            Some(_) => {
                given.next();
                text.push('0');
            }
        }
        if text.len() > LONGEST {
            break;
        }
    }
    text
}

/// The name of the environment variable that an expression reads, and its default.
pub(super) fn environment(
    context: Context<'_>,
    value: &Expr,
    scope: ScopeId,
) -> Option<(String, Option<SettingValue>)> {
    // Most names lead nowhere: no member of the environment, and nothing that was read into them.
    if let Expr::Name(path) = value
        && !known_symbols(context.module.language.word()).has_environment()
        && context.names.value(path, scope).is_none()
    {
        return None;
    }
    match evaluate(context, value, scope, None, STEPS)? {
        SettingValue::Environment(name, default) => Some((name, default.map(|inner| *inner))),
        _ => None,
    }
}

fn evaluate(
    context: Context<'_>,
    value: &Expr,
    scope: ScopeId,
    unit: Option<&str>,
    steps: usize,
) -> Option<SettingValue> {
    let steps = steps.checked_sub(1)?;
    let again = |value: &Expr| evaluate(context, value, scope, unit, steps);
    match value {
        Expr::Number(text) => {
            let number: f64 = text.parse().ok()?;
            Some(match unit {
                Some("ms") => SettingValue::Duration(number),
                Some("s") => SettingValue::Duration(number * 1000.0),
                Some("m") => SettingValue::Duration(number * 60_000.0),
                Some("ns") => SettingValue::Duration(number / 1_000_000.0),
                _ => SettingValue::Number(number),
            })
        }
        Expr::Bool(flag) => Some(SettingValue::Flag(*flag)),
        Expr::Text(text) => Some(match unit.and_then(|_| written(text)) {
            Some(milliseconds) => SettingValue::Duration(milliseconds),
            None => SettingValue::Text(text.clone()),
        }),
        Expr::Name(path) => named(context, path, scope, unit, steps),
        Expr::Operation(operator, items) => match (operator.as_str(), items.as_slice()) {
            ("||" | "??" | "or" | "?:", [first, second]) => {
                let default = again(second);
                Some(match again(first) {
                    Some(SettingValue::Environment(name, None)) => {
                        SettingValue::Environment(name, default.map(Box::new))
                    }
                    Some(known) => known,
                    None => default?,
                })
            }
            ("?", [_, second, third]) => again(second).or_else(|| again(third)),
            (operator @ ("*" | "/" | "+" | "-"), [first, second]) => {
                // In a product only one side is a length of time.
                let plain = |value: &Expr| evaluate(context, value, scope, None, steps);
                let (left, right) = (plain(first)?, plain(second)?);
                let length = matches!(left, SettingValue::Duration(_)) || matches!(right, SettingValue::Duration(_));
                let (left, right) = (left.number()?, right.number()?);
                let result = match operator {
                    "*" => left * right,
                    "/" => left / right,
                    "+" => left + right,
                    _ => left - right,
                };
                if length {
                    Some(SettingValue::Duration(result))
                } else {
                    evaluate(context, &Expr::Number(result.to_string()), scope, unit, steps)
                }
            }
            _ => None,
        },
        Expr::Call(at) => called(context, *at, unit, steps),
        Expr::List(items) => {
            let texts: Vec<String> = items
                .iter()
                .filter_map(again)
                .flat_map(|item| item.texts().into_iter().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            Some(SettingValue::Texts(texts))
        }
        // An object of a library goes by its type: `&logrus.JSONFormatter{}`.
        Expr::Object { kind: Some(kind), .. } if unit.is_none() && kind.contains('.') => {
            context.names.symbols(value, scope).into_iter().next().map(SettingValue::Text)
        }
        Expr::Null | Expr::Index(..) | Expr::Member(..) | Expr::Object { .. } | Expr::Function(_) | Expr::Other => None,
    }
}

fn named(context: Context<'_>, path: &str, scope: ScopeId, unit: Option<&str>, steps: usize) -> Option<SettingValue> {
    if let Some(name) = environment_name(context, path, scope) {
        return Some(SettingValue::Environment(name, None));
    }
    if let Some((value, scope)) = context.names.value(path, scope) {
        return evaluate(context, value, scope, unit, steps);
    }
    let expression = Expr::Name(path.to_owned());
    let symbols = context.names.symbols(&expression, scope);
    if let Some(length) = symbols.iter().find_map(|symbol| lengths().unit(symbol)) {
        return Some(SettingValue::Duration(length));
    }
    // A constant of a library goes by its name: `syscall.SIGTERM`, `logging.INFO`.
    let (head, rest) = path.split_once('.')?;
    let last = rest.rsplit('.').next().unwrap_or(rest);
    let constant = unit.is_none()
        && last.starts_with(|letter: char| letter.is_ascii_uppercase())
        && context.module.imports.iter().any(|import| import.local == head);
    symbols.into_iter().next().filter(|symbol| constant && !symbol.contains('@')).map(SettingValue::Text)
}

/// The variable that a member of the environment's table is: `process.env.PORT`, `os.environ["PORT"]`.
fn environment_name(context: Context<'_>, path: &str, scope: ScopeId) -> Option<String> {
    let symbols = context.names.symbols(&Expr::Name(path.to_owned()), scope);
    let table = known_symbols(context.module.language.word());
    symbols.iter().find_map(|symbol| {
        // What `os.environ.get(…)` gives is no member of the table.
        let (family, name) = symbol.rsplit_once('.').filter(|(_, name)| !name.contains('('))?;
        let known = table.rows(symbol).iter().any(|(_, row)| {
            row.means == Meaning::EnvironmentRead
                && row.symbols.iter().any(|one| one.strip_suffix(".*") == Some(family))
        });
        known.then(|| name.to_owned())
    })
}

fn called(context: Context<'_>, at: usize, unit: Option<&str>, steps: usize) -> Option<SettingValue> {
    let call = context.module.calls.get(at)?;
    let symbols = context.names.symbols(&call.callee, call.scope);
    let first = call.arguments.first().map(|argument| &argument.value);
    let inner = |value: &Expr, unit: Option<&str>| evaluate(context, value, call.scope, unit, steps);
    for symbol in &symbols {
        if let Some(each) = lengths().call(symbol) {
            let number = inner(first?, None)?;
            return Some(match number {
                SettingValue::Environment(name, default) => SettingValue::Environment(
                    name,
                    default
                        .and_then(|value| value.number())
                        .map(|value| Box::new(SettingValue::Duration(value * each))),
                ),
                number => SettingValue::Duration(number.number()? * each),
            });
        }
        let named: Vec<f64> = call
            .arguments
            .iter()
            .filter_map(|argument| {
                let each = lengths().argument(symbol, argument.name.as_deref()?)?;
                Some(inner(&argument.value, None)?.number()? * each)
            })
            .collect();
        if !named.is_empty() {
            return Some(SettingValue::Duration(named.iter().sum()));
        }
        let rows = known_symbols(context.module.language.word()).rows(symbol);
        if let Some((_, row)) = rows.iter().find(|(_, row)| row.means == Meaning::EnvironmentRead) {
            let slot = |name: &str| {
                let slots = row.settings.get(name)?;
                let argument = |slot: &String| match slot.strip_suffix('=') {
                    Some(name) => call.arguments.iter().find(|one| one.name.as_deref() == Some(name)),
                    None => call.arguments.get(slot.parse::<usize>().ok()?).filter(|one| one.name.is_none()),
                };
                slots.at.iter().find_map(argument).map(|one| &one.value)
            };
            let Some(SettingValue::Text(name)) = slot("name").and_then(|value| inner(value, None)) else { continue };
            // That there is one is known, whatever it is.
            let default = slot("default").filter(|value| **value != Expr::Null);
            let default = default.map(|value| inner(value, unit).unwrap_or(SettingValue::NotFollowed));
            return Some(SettingValue::Environment(name, default.map(Box::new)));
        }
    }
    // A conversion keeps what it converts: `parseInt(x)`, `Number(x)`, `float(x)`, `time.Duration(x)`.
    let name = symbols.first().map(String::as_str).unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    if matches!(
        last,
        "parseInt"
            | "parseFloat"
            | "Number"
            | "String"
            | "int"
            | "float"
            | "str"
            | "Duration"
            | "to_i"
            | "to_f"
            | "Integer"
            | "Float"
    ) {
        return inner(first?, unit);
    }
    // What a library makes goes by its name, with what it is made of: `format.combine(format.json())`.
    if unit.is_none() && is_of_library(context, name) {
        let mut texts = vec![name.to_owned()];
        for argument in &call.arguments {
            texts.extend(inner(&argument.value, None).iter().flat_map(SettingValue::texts).map(str::to_owned));
        }
        return Some(SettingValue::Texts(texts));
    }
    None
}

fn is_of_library(context: Context<'_>, symbol: &str) -> bool {
    !symbol.starts_with(['.', '@'])
        && context.module.imports.iter().any(|import| {
            symbol.strip_prefix(import.module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

/// `30s`, `500ms`, `1m`: a length of time as a text.
fn written(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
    let number: f64 = text.get(..end)?.parse().ok()?;
    let each = match text.get(end..)?.trim() {
        "ms" => 1.0,
        "s" | "sec" | "seconds" => 1000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    Some(number * each)
}
