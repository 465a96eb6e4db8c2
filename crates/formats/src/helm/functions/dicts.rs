//! Maps.

use std::rc::Rc;

use super::{Function, MANY, any, function, list, map, size, string_of, text, wrong};
use crate::helm::eval::{Fault, MAX_VALUE_DEPTH, Machine, Outcome};
use crate::helm::text::{Mark, Text};
use crate::helm::value::{Data, Entries, Map, Slot, Value};

/// What an entry of a map costs, about.
const ENTRY_BYTES: usize = 128;

pub(super) const FUNCTIONS: &[Function] = &[
    function("dict", 0, MANY, |machine, arguments| {
        machine.afford(arguments.len(), ENTRY_BYTES)?;
        let mut entries = Entries::new();
        for pair in arguments.chunks(2) {
            let key = string_of(&any(pair, 0))?;
            let value = if pair.len() == 2 { any(pair, 1) } else { Value::str("") };
            let key_place = key.single_mark().unwrap_or_default().value;
            entries.insert(key.as_str().into(), Slot { key_place, value });
        }
        Ok(Value::map(entries))
    }),
    function("get", 2, 2, |_, arguments| {
        Ok(map(arguments, 0)?.get(text(arguments, 1)?.as_str()).unwrap_or_else(|| Value::str("")))
    }),
    function("set", 3, 3, |machine, arguments| {
        let target = map(arguments, 0)?;
        let key = text(arguments, 1)?;
        let value = any(arguments, 2);
        machine.afford(1, ENTRY_BYTES)?;
        machine.touch(&target, &value);
        target.insert(key.as_str(), Slot { key_place: key.single_mark().unwrap_or_default().value, value });
        Ok(any(arguments, 0))
    }),
    function("unset", 2, 2, |_, arguments| {
        map(arguments, 0)?.remove(text(arguments, 1)?.as_str());
        Ok(any(arguments, 0))
    }),
    function("hasKey", 2, 2, |_, arguments| Ok(Value::bool(map(arguments, 0)?.has(text(arguments, 1)?.as_str())))),
    function("pluck", 1, MANY, |_, arguments| {
        let key = text(arguments, 0)?;
        let mut found = Vec::new();
        for index in 1..arguments.len() {
            found.extend(map(arguments, index)?.get(key.as_str()));
        }
        Ok(Value::list(found))
    }),
    function("keys", 0, MANY, |machine, arguments| {
        let mut keys = Vec::new();
        for index in 0..arguments.len() {
            let source = map(arguments, index)?;
            machine.afford(source.len(), ENTRY_BYTES)?;
            keys.extend(
                source
                    .entries()
                    .iter()
                    .map(|(key, slot)| Value::text(Text::marked(&**key, Mark::of_value(slot.key_place)))),
            );
        }
        Ok(Value::strings(keys))
    }),
    function("values", 1, 1, |machine, arguments| {
        let source = map(arguments, 0)?;
        machine.afford(source.len(), ENTRY_BYTES)?;
        let values = source.entries().values().map(|slot| slot.value.clone()).collect();
        Ok(Value::list(values))
    }),
    function("pick", 1, MANY, |machine, arguments| {
        let source = map(arguments, 0)?;
        machine.afford(arguments.len(), ENTRY_BYTES)?;
        let mut entries = Entries::new();
        for index in 1..arguments.len() {
            let key = text(arguments, index)?;
            if let Some(slot) = source.slot(key.as_str()) {
                entries.insert(key.as_str().into(), slot);
            }
        }
        Ok(Value { place: any(arguments, 0).place, ..Value::map(entries) })
    }),
    function("omit", 1, MANY, |machine, arguments| {
        let source = map(arguments, 0)?;
        machine.afford(source.len(), ENTRY_BYTES)?;
        let mut entries = source.entries().clone();
        for index in 1..arguments.len() {
            entries.remove(text(arguments, index)?.as_str());
        }
        Ok(Value { place: any(arguments, 0).place, ..Value::map(entries) })
    }),
    function("merge", 1, MANY, |machine, arguments| merge_all(machine, arguments, false)),
    function("mustMerge", 1, MANY, |machine, arguments| merge_all(machine, arguments, false)),
    function("mergeOverwrite", 1, MANY, |machine, arguments| merge_all(machine, arguments, true)),
    function("mustMergeOverwrite", 1, MANY, |machine, arguments| merge_all(machine, arguments, true)),
    function("dig", 3, MANY, |_, arguments| {
        let last = arguments.len() - 1;
        let mut current = map(arguments, last)?;
        let fallback = any(arguments, last - 1);
        for index in 0..last - 1 {
            let key = text(arguments, index)?;
            let Some(value) = current.get(key.as_str()) else { return Ok(fallback) };
            if index + 2 == last {
                return Ok(value);
            }
            match &value.data {
                Data::Map(inner) => current = inner.clone(),
                _ => return Err(wrong("map[string]interface {}", Some(&value))),
            }
        }
        Ok(fallback)
    }),
    function("chunk", 2, 2, chunk),
    function("mustChunk", 2, 2, chunk),
];

fn chunk(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let width = size(super::int(arguments, 0)?);
    let items = list(arguments, 1)?;
    if width == 0 {
        return Err(Fault::new("cannot chunk into nothing"));
    }
    machine.afford(items.items.len(), ENTRY_BYTES)?;
    Ok(Value::list(items.items.chunks(width).map(|part| Value::list(part.to_vec())).collect()))
}

/// mergo's `Merge`: the first map gets what it lacks or has empty, or, overwriting, everything.
fn merge_all(machine: &mut Machine, arguments: &[Value], overwrite: bool) -> Outcome {
    let target = map(arguments, 0)?;
    for index in 1..arguments.len() {
        let source = map(arguments, index)?;
        merge(machine, &target, &source, overwrite, 0)?;
    }
    Ok(any(arguments, 0))
}

fn merge(machine: &mut Machine, target: &Map, source: &Map, overwrite: bool, depth: usize) -> Outcome<()> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Fault::new("value is too deep to merge"));
    }
    if target.is(source) {
        return Ok(());
    }
    machine.afford(source.len(), ENTRY_BYTES)?;
    for (key, slot) in source.snapshot() {
        let present = target.get(&key);
        if let (Some(Data::Map(inner)), Data::Map(other)) =
            (present.as_ref().map(|value| &value.data), &slot.value.data)
        {
            merge(machine, inner, other, overwrite, depth + 1)?;
            continue;
        }
        let keeps = match &present {
            Some(value) => !overwrite && (value.truth() || !slot.value.truth()),
            None => !overwrite && slot.value.is_nil(),
        };
        if !keeps {
            machine.touch(target, &slot.value);
            target.insert(Rc::clone(&key), slot);
        }
    }
    Ok(())
}
