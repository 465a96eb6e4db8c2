//! Lists.

use std::rc::Rc;

use super::{Function, MANY, any, function, int, list, size, wrong};
use crate::helm::eval::{Fault, MAX_VALUE_DEPTH, Machine, Outcome};
use crate::helm::value::{Data, List, Value};

/// What an item of a list costs, about.
const ITEM_BYTES: usize = 32;
/// Items that `uniq`, `without` and the like compare with each other: they take quadratic time.
const MAX_COMPARED: usize = 5_000;

pub(super) const FUNCTIONS: &[Function] = &[
    function("list", 0, MANY, |machine, arguments| made(machine, arguments.to_vec())),
    function("tuple", 0, MANY, |machine, arguments| made(machine, arguments.to_vec())),
    function("first", 1, 1, |_, arguments| Ok(items(arguments, 0)?.items.first().cloned().unwrap_or_default())),
    function("mustFirst", 1, 1, |_, arguments| Ok(items(arguments, 0)?.items.first().cloned().unwrap_or_default())),
    function("last", 1, 1, |_, arguments| Ok(items(arguments, 0)?.items.last().cloned().unwrap_or_default())),
    function("mustLast", 1, 1, |_, arguments| Ok(items(arguments, 0)?.items.last().cloned().unwrap_or_default())),
    function("rest", 1, 1, rest),
    function("mustRest", 1, 1, rest),
    function("initial", 1, 1, initial),
    function("mustInitial", 1, 1, initial),
    function("append", 2, 2, append),
    function("mustAppend", 2, 2, append),
    function("push", 2, 2, append),
    function("mustPush", 2, 2, append),
    function("prepend", 2, 2, prepend),
    function("mustPrepend", 2, 2, prepend),
    function("concat", 0, MANY, |machine, arguments| {
        let mut all = Vec::new();
        for index in 0..arguments.len() {
            let part = items(arguments, index)?;
            machine.afford(part.items.len(), ITEM_BYTES)?;
            all.extend(part.items.iter().cloned());
        }
        Ok(Value::list(all))
    }),
    function("reverse", 1, 1, reverse),
    function("mustReverse", 1, 1, reverse),
    function("uniq", 1, 1, uniq),
    function("mustUniq", 1, 1, uniq),
    function("without", 1, MANY, without),
    function("mustWithout", 1, MANY, without),
    function("has", 2, 2, has),
    function("mustHas", 2, 2, has),
    function("compact", 1, 1, compact),
    function("mustCompact", 1, 1, compact),
    function("slice", 1, 3, slice),
    function("mustSlice", 1, 3, slice),
    function("until", 1, 1, |machine, arguments| {
        let count = int(arguments, 0)?;
        counted(machine, 0, count, if count < 0 { -1 } else { 1 })
    }),
    function("untilStep", 3, 3, |machine, arguments| {
        counted(machine, int(arguments, 0)?, int(arguments, 1)?, int(arguments, 2)?)
    }),
    function("seq", 0, MANY, seq),
];

fn made(machine: &mut Machine, items: Vec<Value>) -> Outcome {
    machine.afford(items.len(), ITEM_BYTES)?;
    Ok(Value::list(items))
}

fn items(arguments: &[Value], index: usize) -> Outcome<Rc<List>> {
    match arguments.get(index) {
        Some(Value { data: Data::List(list), .. }) => Ok(Rc::clone(list)),
        Some(Value { data: Data::Nil, .. }) | None => Err(Fault::new("cannot take items of nil")),
        other => Err(wrong("list", other)),
    }
}

fn rest(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    made(machine, items(arguments, 0)?.items.get(1..).unwrap_or_default().to_vec())
}

fn initial(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let list = items(arguments, 0)?;
    made(machine, list.items.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default())
}

fn append(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let mut all = items(arguments, 0)?.items.clone();
    all.push(any(arguments, 1));
    made(machine, all)
}

fn prepend(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let mut all = vec![any(arguments, 1)];
    all.extend(items(arguments, 0)?.items.iter().cloned());
    made(machine, all)
}

fn reverse(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    made(machine, items(arguments, 0)?.items.iter().rev().cloned().collect())
}

fn comparable(machine: &mut Machine, list: &List) -> Outcome<()> {
    if list.items.len() > MAX_COMPARED {
        return Err(Fault::new(format!("list has more than {MAX_COMPARED} items to compare")));
    }
    machine.afford(list.items.len(), ITEM_BYTES)
}

fn uniq(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let list = items(arguments, 0)?;
    comparable(machine, &list)?;
    let mut kept: Vec<Value> = Vec::new();
    for item in &list.items {
        if !kept.iter().any(|known| known.deep_equal(item, MAX_VALUE_DEPTH)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let list = items(arguments, 0)?;
    comparable(machine, &list)?;
    let dropped = arguments.get(1..).unwrap_or_default();
    let keeps = |item: &&Value| !dropped.iter().any(|unwanted| unwanted.deep_equal(item, MAX_VALUE_DEPTH));
    Ok(Value::list(list.items.iter().filter(keeps).cloned().collect()))
}

fn has(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    if any(arguments, 1).is_nil() {
        return Ok(Value::bool(false));
    }
    let list = items(arguments, 1)?;
    machine.afford(list.items.len(), 1)?;
    let wanted = any(arguments, 0);
    Ok(Value::bool(list.items.iter().any(|item| item.deep_equal(&wanted, MAX_VALUE_DEPTH))))
}

fn compact(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    made(machine, items(arguments, 0)?.items.iter().filter(|item| item.truth()).cloned().collect())
}

fn slice(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let list = list(arguments, 0)?;
    let bound = |index: usize, absent: usize| -> Outcome<usize> {
        match arguments.get(index) {
            None => Ok(absent),
            Some(value) => Ok(size(super::numbers::to_int(value))),
        }
    };
    let from = bound(1, 0)?;
    let to = bound(2, list.items.len())?;
    let part = list.items.get(from..to).ok_or_else(|| Fault::new("slice index out of range"))?;
    made(machine, part.to_vec())
}

fn counted(machine: &mut Machine, start: i64, end: i64, step: i64) -> Outcome {
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < end) || (step < 0 && next > end) {
        machine.afford(1, ITEM_BYTES)?;
        numbers.push(Value::int(next));
        next = next.saturating_add(step);
    }
    Ok(Value::list(numbers))
}

/// Like the command: numbers in one text, both ends included.
fn seq(machine: &mut Machine, arguments: &[Value]) -> Outcome {
    let (start, step, end) = match arguments.len() {
        1 => (1, None, int(arguments, 0)?),
        2 => (int(arguments, 0)?, None, int(arguments, 1)?),
        3 => (int(arguments, 0)?, Some(int(arguments, 1)?), int(arguments, 2)?),
        _ => return Ok(Value::str("")),
    };
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    let mut out = String::new();
    let mut next = start;
    while (step > 0 && next <= end) || (step < 0 && next >= end) {
        machine.afford(1, 8)?;
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&next.to_string());
        next = next.saturating_add(step);
        if next == i64::MAX || next == i64::MIN {
            break;
        }
    }
    Ok(Value::str(out))
}
