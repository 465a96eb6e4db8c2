//! Numbers: sprig turns anything into an `int64` or a `float64` first.

#![expect(clippy::unnecessary_wraps, reason = "every function of the table has one signature")]

use super::{Function, MANY, any, function, text};
use crate::helm::eval::{Fault, Outcome};
use crate::helm::value::{Data, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("int", 1, 1, |_, arguments| Ok(Value::int(to_int(&any(arguments, 0))))),
    function("int64", 1, 1, |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0))))),
    function("float64", 1, 1, |_, arguments| Ok(Value::float(to_float(&any(arguments, 0))))),
    function("atoi", 1, 1, |_, arguments| Ok(Value::int(text(arguments, 0)?.as_str().parse().unwrap_or(0)))),
    function("toDecimal", 1, 1, |_, arguments| {
        let shown = crate::helm::print::plain(&any(arguments, 0))?;
        Ok(Value::int64(i64::from_str_radix(&shown, 8).unwrap_or(0)))
    }),
    function("add", 0, MANY, |_, arguments| whole(arguments, 0, i64::wrapping_add)),
    function("add1", 1, 1, |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0)).wrapping_add(1)))),
    function("sub", 2, 2, |_, arguments| whole_pair(arguments, |a, b| Some(a.wrapping_sub(b)))),
    function("div", 2, 2, |_, arguments| whole_pair(arguments, i64::checked_div)),
    function("mod", 2, 2, |_, arguments| whole_pair(arguments, i64::checked_rem)),
    function("mul", 1, MANY, |_, arguments| whole(arguments, 1, i64::wrapping_mul)),
    function("max", 1, MANY, |_, arguments| whole_of(arguments, i64::max)),
    function("biggest", 1, MANY, |_, arguments| whole_of(arguments, i64::max)),
    function("min", 1, MANY, |_, arguments| whole_of(arguments, i64::min)),
    function("maxf", 1, MANY, |_, arguments| fraction_of(arguments, f64::max)),
    function("minf", 1, MANY, |_, arguments| fraction_of(arguments, f64::min)),
    function("addf", 0, MANY, |_, arguments| {
        Ok(Value::float(arguments.iter().fold(0.0, |sum, value| decimal(sum + to_float(value)))))
    }),
    function("add1f", 1, 1, |_, arguments| Ok(Value::float(decimal(to_float(&any(arguments, 0)) + 1.0)))),
    function("subf", 1, MANY, |_, arguments| fraction_of(arguments, |a, b| decimal(a - b))),
    function("divf", 1, MANY, |_, arguments| fraction_of(arguments, |a, b| decimal(a / b))),
    function("mulf", 1, MANY, |_, arguments| fraction_of(arguments, |a, b| decimal(a * b))),
    function("ceil", 1, 1, |_, arguments| Ok(Value::float(to_float(&any(arguments, 0)).ceil()))),
    function("floor", 1, 1, |_, arguments| Ok(Value::float(to_float(&any(arguments, 0)).floor()))),
    function("round", 2, 3, |_, arguments| {
        let value = to_float(&any(arguments, 0));
        let places = i32::try_from(to_int(&any(arguments, 1))).unwrap_or(0).clamp(-300, 300);
        let half = arguments.get(2).map_or(0.5, to_float);
        let power = 10f64.powi(places);
        let digit = power * value;
        let fraction = digit % 1.0;
        let rounded = if fraction >= half { digit.ceil() } else { digit.floor() };
        Ok(Value::float(rounded / power))
    }),
];

/// `strconv.ParseInt(text, 0, 64)` after cutting a fraction of zeros: `012` is octal.
fn parse(text: &str) -> Option<i64> {
    let text = match text.split_once('.') {
        Some((whole, zeros)) if zeros.chars().all(|next| next == '0') => whole,
        _ => text,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match (lower.get(..2), lower.len()) {
        (Some("0x"), _) => (16, lower.get(2..)),
        (Some("0b"), _) => (2, lower.get(2..)),
        (Some("0o"), _) => (8, lower.get(2..)),
        (Some(start), length) if length > 1 && start.starts_with('0') => (8, lower.get(1..)),
        _ => (10, Some(lower.as_str())),
    };
    let body = body.filter(|body| !body.starts_with(['+', '-']))?;
    i64::from_str_radix(&format!("{sign}{body}"), radix).ok()
}

pub(super) fn to_int(value: &Value) -> i64 {
    match &value.data {
        Data::Int(value) | Data::Int64(value) => *value,
        Data::Bool(value) => i64::from(*value),
        #[expect(clippy::cast_possible_truncation, reason = "Go truncates too; out of range saturates")]
        Data::Float(value) => *value as i64,
        Data::Str(text) => parse(text.as_str()).unwrap_or(0),
        _ => 0,
    }
}

pub(super) fn to_float(value: &Value) -> f64 {
    match &value.data {
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        Data::Int(value) | Data::Int64(value) => *value as f64,
        Data::Bool(value) => f64::from(u8::from(*value)),
        Data::Float(value) => *value,
        Data::Str(text) => text.as_str().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// sprig counts fractions in decimal; 15 digits are what a float can hold of one.
fn decimal(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

fn whole(arguments: &[Value], start: i64, join: fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::int64(arguments.iter().fold(start, |result, value| join(result, to_int(value)))))
}

fn whole_of(arguments: &[Value], join: fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::int64(arguments.iter().map(to_int).reduce(join).unwrap_or(0)))
}

fn whole_pair(arguments: &[Value], join: fn(i64, i64) -> Option<i64>) -> Outcome {
    join(to_int(&any(arguments, 0)), to_int(&any(arguments, 1)))
        .map(Value::int64)
        .ok_or_else(|| Fault::new("integer divide by zero"))
}

fn fraction_of(arguments: &[Value], join: fn(f64, f64) -> f64) -> Outcome {
    Ok(Value::float(arguments.iter().map(to_float).reduce(join).unwrap_or(0.0)))
}
