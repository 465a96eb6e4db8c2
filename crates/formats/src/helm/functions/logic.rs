//! Comparison, defaults, types, and calls of other templates.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Function, MANY, any, boolean, function, string_of, text, wrong};
use crate::helm::eval::{Fault, MAX_VALUE_DEPTH, Machine, Outcome};
use crate::helm::print;
use crate::helm::text::{Mark, Text};
use crate::helm::value::{Data, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    // Evaluated where arguments are, because they stop early.
    function("and", 1, MANY, |_, arguments| Ok(any(arguments, 0))),
    function("or", 1, MANY, |_, arguments| Ok(any(arguments, 0))),
    function("not", 1, 1, |_, arguments| Ok(Value::bool(!any(arguments, 0).truth()))),
    function("eq", 2, MANY, |_, arguments| {
        let (first, rest) = arguments.split_first().ok_or_else(|| Fault::new("missing argument for comparison"))?;
        for other in rest {
            if equal(first, other)? {
                return Ok(Value::bool(true));
            }
        }
        Ok(Value::bool(false))
    }),
    function("ne", 2, 2, |_, arguments| Ok(Value::bool(!equal(&any(arguments, 0), &any(arguments, 1))?))),
    function("lt", 2, 2, |_, arguments| compare(arguments, Ordering::is_lt)),
    function("le", 2, 2, |_, arguments| compare(arguments, Ordering::is_le)),
    function("gt", 2, 2, |_, arguments| compare(arguments, Ordering::is_gt)),
    function("ge", 2, 2, |_, arguments| compare(arguments, Ordering::is_ge)),
    function("len", 1, 1, |_, arguments| {
        let value = any(arguments, 0);
        match &value.data {
            Data::Str(text) => Ok(Value::size(text.len())),
            Data::List(list) => Ok(Value::size(list.items.len())),
            Data::Map(map) => Ok(Value::size(map.len())),
            Data::Nil => Err(Fault::new("len of nil pointer")),
            _ => Err(Fault::new(format!("len of type {}", value.type_name()))),
        }
    }),
    function("index", 1, MANY, index),
    function("print", 0, MANY, |_, arguments| print_all(arguments, false)),
    function("println", 0, MANY, |_, arguments| print_all(arguments, true)),
    function("printf", 1, MANY, |machine, arguments| {
        let format = text(arguments, 0)?;
        let result = print::sprintf(&format, arguments.get(1..).unwrap_or_default())?;
        machine.charge(result.len())?;
        Ok(Value::text(result))
    }),
    function("html", 0, MANY, |_, arguments| escape(arguments, html)),
    function("js", 0, MANY, |_, arguments| escape(arguments, javascript)),
    function("urlquery", 0, MANY, |_, arguments| escape(arguments, super::encoding::query_escape)),
    function("call", 1, MANY, |_, _| Err(Fault::new("non-function in call"))),
    function("default", 1, 2, |_, arguments| {
        Ok(match arguments.get(1) {
            Some(given) if given.truth() => given.clone(),
            _ => any(arguments, 0),
        })
    }),
    function("empty", 1, 1, |_, arguments| Ok(Value::bool(!any(arguments, 0).truth()))),
    function("coalesce", 0, MANY, |_, arguments| {
        Ok(arguments.iter().find(|value| value.truth()).cloned().unwrap_or_default())
    }),
    function("all", 0, MANY, |_, arguments| Ok(Value::bool(arguments.iter().all(Value::truth)))),
    function("any", 0, MANY, |_, arguments| Ok(Value::bool(arguments.iter().any(Value::truth)))),
    function("ternary", 3, 3, |_, arguments| {
        Ok(if boolean(arguments, 2)? { any(arguments, 0) } else { any(arguments, 1) })
    }),
    function("required", 2, 2, |_, arguments| {
        let message = text(arguments, 0)?;
        let value = any(arguments, 1);
        if value.is_nil() || value.as_str() == Some("") {
            return Err(Fault::new(message.as_str().to_owned()));
        }
        Ok(value)
    }),
    function("fail", 1, 1, |_, arguments| Err(Fault::new(text(arguments, 0)?.as_str().to_owned()))),
    function("include", 2, 2, |machine, arguments| {
        let name = text(arguments, 0)?;
        machine.include(name.as_str(), &any(arguments, 1))
    }),
    function("tpl", 2, 2, |machine, arguments| {
        let source = text(arguments, 0)?;
        machine.tpl(&source, &any(arguments, 1))
    }),
    // `helm template` asks no cluster.
    function("lookup", 4, 4, |_, _| Ok(Value::map(std::collections::BTreeMap::new()))),
    function("getHostByName", 1, 1, |_, _| Ok(Value::str(""))),
    function("hello", 0, 0, |_, _| Ok(Value::str("Hello!"))),
    function("typeOf", 1, 1, |_, arguments| Ok(Value::str(any(arguments, 0).type_name()))),
    function("kindOf", 1, 1, |_, arguments| Ok(Value::str(any(arguments, 0).kind_name()))),
    function("typeIs", 2, 2, |_, arguments| {
        Ok(Value::bool(text(arguments, 0)?.as_str() == any(arguments, 1).type_name()))
    }),
    function("typeIsLike", 2, 2, |_, arguments| {
        let name = text(arguments, 0)?;
        let actual = any(arguments, 1).type_name();
        Ok(Value::bool(name.as_str() == actual || format!("*{}", name.as_str()) == actual))
    }),
    function("kindIs", 2, 2, |_, arguments| {
        Ok(Value::bool(text(arguments, 0)?.as_str() == any(arguments, 1).kind_name()))
    }),
    function("deepEqual", 2, 2, |_, arguments| {
        Ok(Value::bool(any(arguments, 0).deep_equal(&any(arguments, 1), MAX_VALUE_DEPTH)))
    }),
    function("deepCopy", 1, 1, deep_copy),
    function("mustDeepCopy", 1, 1, deep_copy),
    function("toString", 1, 1, |_, arguments| Ok(Value { data: Data::Str(string_of(&any(arguments, 0))?), place: 0 })),
];

fn deep_copy(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let mut nodes = 0;
    let copy = any(arguments, 0).deep_copy(MAX_VALUE_DEPTH, &mut nodes);
    machine.afford(nodes, 64)?;
    copy.ok_or_else(|| Fault::new("value is too deep to copy"))
}

/// Go compares only values of one basic kind; nil equals nothing but nil.
fn equal(left: &Value, right: &Value) -> Outcome<bool> {
    Ok(match (&left.data, &right.data) {
        (Data::Nil, Data::Nil) => true,
        (Data::Nil, _) | (_, Data::Nil) => false,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::Int(a) | Data::Int64(a), Data::Int(b) | Data::Int64(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "Go compares floats bit by bit too")]
        (Data::Float(a), Data::Float(b)) => a == b,
        (Data::Str(a), Data::Str(b)) => a.as_str() == b.as_str(),
        (Data::Object(a), Data::Object(b)) if Rc::ptr_eq(a, b) => true,
        (Data::List(_) | Data::Map(_), Data::List(_) | Data::Map(_)) => {
            return Err(Fault::new(format!(
                "error calling eq: non-comparable types {}, {}",
                left.type_name(),
                right.type_name()
            )));
        }
        _ => return Err(Fault::new("error calling eq: incompatible types for comparison")),
    })
}

fn compare(arguments: &[Value], accepts: fn(Ordering) -> bool) -> Outcome {
    let (left, right) = (any(arguments, 0), any(arguments, 1));
    let order = match (&left.data, &right.data) {
        (Data::Int(a) | Data::Int64(a), Data::Int(b) | Data::Int64(b)) => Some(a.cmp(b)),
        (Data::Float(a), Data::Float(b)) => a.partial_cmp(b),
        (Data::Str(a), Data::Str(b)) => Some(a.as_str().cmp(b.as_str())),
        (Data::Int(_) | Data::Int64(_) | Data::Float(_) | Data::Str(_) | Data::Bool(_), _) => {
            return Err(Fault::new("incompatible types for comparison"));
        }
        _ => return Err(Fault::new("invalid type for comparison")),
    };
    Ok(Value::bool(order.is_some_and(accepts)))
}

fn index(_: &mut Machine, arguments: &[Value]) -> Outcome {
    let mut value = any(arguments, 0);
    if value.is_nil() {
        return Err(Fault::new("index of untyped nil"));
    }
    for key in arguments.iter().skip(1) {
        value = match (&value.data, &key.data) {
            (Data::Map(map), Data::Str(name)) => map.get(name.as_str()).unwrap_or_default(),
            (Data::Map(_), _) => return Err(wrong("string", Some(key))),
            (Data::List(list), Data::Int(at) | Data::Int64(at)) => usize::try_from(*at)
                .ok()
                .and_then(|at| list.items.get(at))
                .cloned()
                .ok_or_else(|| Fault::new(format!("index out of range: {at}")))?,
            (Data::Str(text), Data::Int(at) | Data::Int64(at)) => usize::try_from(*at)
                .ok()
                .and_then(|at| text.as_str().as_bytes().get(at))
                .map(|byte| Value::int(i64::from(*byte)))
                .ok_or_else(|| Fault::new(format!("index out of range: {at}")))?,
            (Data::List(_) | Data::Str(_), _) => {
                return Err(Fault::new(format!("cannot index slice/array with type {}", key.type_name())));
            }
            (Data::Nil, _) => return Err(Fault::new("index of nil pointer")),
            _ => return Err(Fault::new(format!("can't index item of type {}", value.type_name()))),
        };
    }
    Ok(value)
}

/// `fmt.Sprint`: a blank between neighbours that are both no strings; `fmt.Sprintln`: always one.
fn print_all(arguments: &[Value], line: bool) -> Outcome {
    let mut out = Text::default();
    for (position, argument) in arguments.iter().enumerate() {
        let previous = position.checked_sub(1).and_then(|before| arguments.get(before));
        let both_other = previous.is_some_and(|previous| previous.as_str().is_none() && argument.as_str().is_none());
        if position > 0 && (line || both_other) {
            out.push(" ", Mark::default());
        }
        let shown = string_of(argument)?;
        out.append(&shown, Mark::default());
    }
    if line {
        out.push("\n", Mark::default());
    }
    Ok(Value::text(out))
}

fn escape(arguments: &[Value], with: fn(&str) -> String) -> Outcome {
    let value = print_all(arguments, false)?;
    Ok(Value::str(with(value.as_str().unwrap_or_default())))
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for next in text.chars() {
        match next {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(next),
        }
    }
    out
}

fn javascript(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for next in text.chars() {
        match next {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            '\0'..='\u{1f}' => {
                use std::fmt::Write as _;
                let _ = write!(out, "\\u{:04X}", u32::from(next));
            }
            _ => out.push(next),
        }
    }
    out
}
