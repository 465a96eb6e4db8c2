//! YAML, JSON and TOML, both ways.

use std::sync::Arc;

use super::{Function, any, function, text};
use crate::helm::emit::{self, Layout};
use crate::helm::eval::{Fault, MAX_VALUE_DEPTH, Machine, Outcome};
use crate::helm::text::{Mark, Text};
use crate::helm::value::{Data, Entries, Reader, Slot, Value};

/// Stands for the text itself in the places that the YAML parser gives.
const HERE: &str = "";

pub(super) const FUNCTIONS: &[Function] = &[
    function("toYaml", 1, 1, to_yaml),
    function("mustToYaml", 1, 1, to_yaml),
    function("toYamlPretty", 1, 1, |machine, arguments| {
        let result = emit::yaml_pretty(&any(arguments, 0))?;
        finish(machine, result)
    }),
    function("toJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Compact, true)),
    function("mustToJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Compact, true)),
    function("toPrettyJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Pretty, true)),
    function("mustToPrettyJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Pretty, true)),
    function("toRawJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Compact, false)),
    function("mustToRawJson", 1, 1, |machine, arguments| to_json(machine, arguments, Layout::Compact, false)),
    function("toToml", 1, 1, to_toml),
    function("mustToToml", 1, 1, to_toml),
    function("fromYaml", 1, 1, |machine, arguments| {
        let value = from_yaml(machine, &*text(arguments, 0)?)?;
        Ok(match (&value.data, value.as_str()) {
            (Data::Map(_), _) => value,
            (Data::Nil, _) => Value::map(Entries::new()),
            (_, Some(error)) if value.place == u32::MAX => error_map(error),
            _ => error_map(
                "error unmarshaling JSON: json: cannot unmarshal into Go value of type map[string]interface {}",
            ),
        })
    }),
    function("fromYamlArray", 1, 1, |machine, arguments| {
        let value = from_yaml(machine, &*text(arguments, 0)?)?;
        Ok(match (&value.data, value.as_str()) {
            (Data::List(_), _) => value,
            (Data::Nil, _) => Value::list(Vec::new()),
            (_, Some(error)) if value.place == u32::MAX => Value::list(vec![Value::str(error)]),
            _ => Value::list(vec![Value::str(
                "error unmarshaling JSON: json: cannot unmarshal into Go value of type []interface {}",
            )]),
        })
    }),
    function("fromJson", 1, 1, |machine, arguments| {
        let value = from_json(machine, &*text(arguments, 0)?)?;
        Ok(match value {
            Ok(value) if value.as_map().is_some() => value,
            Ok(_) => error_map("json: cannot unmarshal into Go value of type map[string]interface {}"),
            Err(error) => error_map(&error),
        })
    }),
    function("mustFromJson", 1, 1, |machine, arguments| from_json(machine, &*text(arguments, 0)?)?.map_err(Fault::new)),
    function("fromJsonArray", 1, 1, |machine, arguments| {
        let value = from_json(machine, &*text(arguments, 0)?)?;
        Ok(match value {
            Ok(value) if value.as_items().is_some() => value,
            Ok(_) => Value::list(vec![Value::str("json: cannot unmarshal into Go value of type []interface {}")]),
            Err(error) => Value::list(vec![Value::str(error)]),
        })
    }),
    function("fromToml", 1, 1, |machine, arguments| {
        let source = text(arguments, 0)?;
        machine.charge(source.len().saturating_mul(8))?;
        Ok(match source.as_str().parse::<toml::Table>() {
            Ok(table) => toml_value(&toml::Value::Table(table), 0)?,
            Err(error) => error_map(error.message()),
        })
    }),
];

fn error_map(error: &str) -> Value {
    Value::map(Entries::from([("Error".into(), Slot { key_place: 0, value: Value::str(error) })]))
}

fn finish(machine: &mut Machine, result: Text) -> Outcome {
    machine.charge(result.len())?;
    Ok(Value::text(result))
}

fn to_yaml(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let result = emit::yaml(&any(arguments, 0))?;
    finish(machine, result)
}

fn to_json(machine: &mut Machine, arguments: &[Value], layout: Layout, html: bool) -> Outcome {
    let result = emit::json(&any(arguments, 0), layout, html)?;
    finish(machine, result)
}

fn to_toml(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    match emit::toml(&any(arguments, 0)) {
        Ok(result) => finish(machine, result),
        Err(error) => Ok(Value::str(error.reason)),
    }
}

/// Reads the first document of a text; each node gets the place that wrote its bytes. An error is a text whose place
/// is `u32::MAX`.
fn from_yaml(machine: &mut Machine, source: &Text) -> Outcome {
    machine.charge(source.len().saturating_mul(8))?;
    let stream = crate::yaml::parse(&Arc::from(HERE), source.as_str());
    if let Some(error) = stream.errors.first() {
        let shown = format!("error converting YAML to JSON: yaml: {}", error.reason);
        return Ok(Value { place: u32::MAX, ..Value::str(shown) });
    }
    let Some(document) = stream.documents.into_iter().next() else { return Ok(Value::NIL) };
    let starts: Vec<usize> =
        std::iter::once(0).chain(source.as_str().match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |trace: &mut crate::helm::text::Trace, place: &gonogo_domain::Place| -> u32 {
        let offset = super::super::places::offset(source.as_str(), &starts, place);
        let mark = source.mark_at(offset);
        if mark.value != 0 { mark.value } else { trace.origin_place(mark.origin) }
    };
    let mut reader = Reader {
        trace: &mut machine.trace,
        place: &place,
        first: &|place| {
            source.as_str().get(super::super::places::offset(source.as_str(), &starts, place)..)?.chars().next()
        },
    };
    Ok(Value::from_node(&document.node, &mut reader))
}

fn from_json(machine: &mut Machine, source: &Text) -> Outcome<Result<Value, String>> {
    machine.charge(source.len().saturating_mul(8))?;
    Ok(match serde_json::from_str::<serde_json::Value>(source.as_str()) {
        Ok(tree) => Ok(json_value(&tree, source.single_mark().unwrap_or_default(), 0)?),
        Err(error) => Err(error.to_string()),
    })
}

fn json_value(tree: &serde_json::Value, mark: Mark, depth: usize) -> Outcome {
    if depth > MAX_VALUE_DEPTH {
        return Err(Fault::new("value is too deep"));
    }
    Ok(match tree {
        serde_json::Value::Null => Value::NIL,
        serde_json::Value::Bool(value) => Value { place: mark.value, ..Value::bool(*value) },
        serde_json::Value::Number(number) => {
            Value { place: mark.value, ..Value::float(number.as_f64().unwrap_or(0.0)) }
        }
        serde_json::Value::String(text) => Value::text(Text::marked(text.as_str(), mark)),
        serde_json::Value::Array(items) => {
            let items: Outcome<Vec<Value>> = items.iter().map(|item| json_value(item, mark, depth + 1)).collect();
            Value::list(items?)
        }
        serde_json::Value::Object(entries) => {
            let mut map = Entries::new();
            for (key, item) in entries {
                let value = json_value(item, mark, depth + 1)?;
                map.insert(key.as_str().into(), Slot { key_place: mark.value, value });
            }
            Value::map(map)
        }
    })
}

fn toml_value(tree: &toml::Value, depth: usize) -> Outcome {
    if depth > MAX_VALUE_DEPTH {
        return Err(Fault::new("value is too deep"));
    }
    Ok(match tree {
        toml::Value::String(text) => Value::str(text.as_str()),
        toml::Value::Integer(number) => Value::int64(*number),
        toml::Value::Float(number) => Value::float(*number),
        toml::Value::Boolean(value) => Value::bool(*value),
        toml::Value::Datetime(time) => Value::str(time.to_string()),
        toml::Value::Array(items) => {
            let items: Outcome<Vec<Value>> = items.iter().map(|item| toml_value(item, depth + 1)).collect();
            Value::list(items?)
        }
        toml::Value::Table(entries) => {
            let mut map = Entries::new();
            for (key, item) in entries {
                map.insert(key.as_str().into(), Slot { key_place: 0, value: toml_value(item, depth + 1)? });
            }
            Value::map(map)
        }
    })
}
