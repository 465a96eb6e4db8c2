//! The functions that charts may call: Go's own, sprig's and helm's.
//!
//! A function gets its arguments checked for number only; the accessors here check types as Go does, which never
//! converts: a `float64` from a values file is no `int`.

pub(super) mod dates;
mod dicts;
pub(super) mod encoding;
mod lists;
mod logic;
mod numbers;
pub(super) mod objects;
mod patterns;
mod random;
mod strings;
mod trees;
pub(super) mod versions;

use std::rc::Rc;

use super::eval::{Fault, Machine, Outcome};
use super::text::Text;
use super::value::{Data, List, Map, Value};

pub(super) type Call = fn(&mut Machine, &[Value]) -> Outcome;

/// A function with the number of arguments it takes.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) least: u8,
    pub(super) most: u8,
    pub(super) call: Call,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Function {
    /// The truth at which `and` and `or` stop looking.
    pub(super) fn short_circuit(&self) -> Option<bool> {
        match self.name {
            "and" => Some(false),
            "or" => Some(true),
            _ => None,
        }
    }
}

/// Any number of arguments.
const MANY: u8 = u8::MAX;

const fn function(name: &'static str, least: u8, most: u8, call: Call) -> Function {
    Function { name, least, most, call }
}

const TABLES: [&[Function]; 11] = [
    logic::FUNCTIONS,
    strings::FUNCTIONS,
    lists::FUNCTIONS,
    dicts::FUNCTIONS,
    numbers::FUNCTIONS,
    trees::FUNCTIONS,
    encoding::FUNCTIONS,
    patterns::FUNCTIONS,
    random::FUNCTIONS,
    versions::FUNCTIONS,
    dates::FUNCTIONS,
];

pub(super) fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().copied().flatten().find(|function| function.name == name)
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(|function| function.name)
}

fn wrong(expected: &str, value: Option<&Value>) -> Fault {
    match value {
        None | Some(Value { data: Data::Nil, .. }) => Fault::new(format!("invalid value; expected {expected}")),
        Some(value) => Fault::new(format!("wrong type for value; expected {expected}; got {}", value.type_name())),
    }
}

fn any(arguments: &[Value], index: usize) -> Value {
    arguments.get(index).cloned().unwrap_or_default()
}

fn text(arguments: &[Value], index: usize) -> Outcome<Rc<Text>> {
    match arguments.get(index) {
        Some(Value { data: Data::Str(text), .. }) => Ok(Rc::clone(text)),
        other => Err(wrong("string", other)),
    }
}

fn int(arguments: &[Value], index: usize) -> Outcome<i64> {
    match arguments.get(index) {
        Some(Value { data: Data::Int(value), .. }) => Ok(*value),
        other => Err(wrong("int", other)),
    }
}

fn boolean(arguments: &[Value], index: usize) -> Outcome<bool> {
    match arguments.get(index) {
        Some(Value { data: Data::Bool(value), .. }) => Ok(*value),
        other => Err(wrong("bool", other)),
    }
}

fn map(arguments: &[Value], index: usize) -> Outcome<Map> {
    match arguments.get(index) {
        Some(Value { data: Data::Map(map), .. }) => Ok(map.clone()),
        other => Err(wrong("map[string]interface {}", other)),
    }
}

fn list(arguments: &[Value], index: usize) -> Outcome<Rc<List>> {
    match arguments.get(index) {
        Some(Value { data: Data::List(list), .. }) => Ok(Rc::clone(list)),
        other => Err(wrong("list", other)),
    }
}

/// sprig's `strval`: anything as a string, marks kept.
fn string_of(value: &Value) -> Outcome<Rc<Text>> {
    match &value.data {
        Data::Str(text) => Ok(Rc::clone(text)),
        _ => Ok(Rc::new(Text::marked(super::print::plain(value)?, value.mark()))),
    }
}

/// A size that a template asked for.
fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}
