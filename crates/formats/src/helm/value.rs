//! What a template computes with: Go's values as charts see them, with the place each came from.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gonogo_domain as domain;

use super::text::{Mark, Text, Trace};

/// A value, and the index of its place in [`Trace`] (0: none). A string keeps its places in its [`Text`].
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) data: Data,
    pub(super) place: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Data {
    #[default]
    Nil,
    Bool(bool),
    /// Go's `int`.
    Int(i64),
    /// Go's `int64`: another type to Go, which never converts by itself.
    Int64(i64),
    Float(f64),
    Str(Rc<Text>),
    List(Rc<List>),
    Map(Map),
    Object(Rc<Object>),
}

/// A slice, and how Go names its type.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) items: Vec<Value>,
    pub(super) strings: bool,
}

/// Maps are shared: `set` is seen by everybody who holds the map.
#[derive(Clone, Debug, Default)]
pub(super) struct Map(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared(RefCell<Entries>);

pub(super) type Entries = BTreeMap<Rc<str>, Slot>;

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) key_place: u32,
    pub(super) value: Value,
}

/// Things with methods.
#[derive(Debug)]
pub(super) enum Object {
    Files(Files),
    /// A Go struct: a field that it lacks is an error.
    Struct(Map),
    ApiVersions(Vec<String>),
    KubeVersion(super::functions::versions::Version),
    Version(super::functions::versions::Version, String),
    /// Seconds since 1970, UTC.
    Time(i64),
    /// A key pair that was not made.
    Certificate {
        cert: String,
        key: String,
    },
}

/// The files of one chart that are not templates.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(pub(super) Rc<super::chart::Sources>);

/// Empties containers one level at a time: dropping a tree that a template grew by a million levels must not
/// overflow the stack.
fn dismantle(mut waiting: Vec<Data>) {
    while let Some(data) = waiting.pop() {
        match data {
            Data::List(mut list) => {
                if let Some(list) = Rc::get_mut(&mut list) {
                    waiting.extend(std::mem::take(&mut list.items).into_iter().map(|item| item.data));
                }
            }
            Data::Map(mut map) => {
                if let Some(shared) = Rc::get_mut(&mut map.0) {
                    waiting.extend(std::mem::take(shared.0.get_mut()).into_values().map(|slot| slot.value.data));
                }
            }
            _ => (),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(|item| matches!(item.data, Data::List(_) | Data::Map(_))) {
            dismantle(std::mem::take(&mut self.items).into_iter().map(|item| item.data).collect());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let entries = self.0.get_mut();
        if entries.values().any(|slot| matches!(slot.value.data, Data::List(_) | Data::Map(_))) {
            dismantle(std::mem::take(entries).into_values().map(|slot| slot.value.data).collect());
        }
    }
}

impl Map {
    pub(super) fn new(entries: Entries) -> Self {
        Self(Rc::new(Shared(RefCell::new(entries))))
    }

    pub(super) fn entries(&self) -> Ref<'_, Entries> {
        self.0.0.borrow()
    }

    pub(super) fn get(&self, key: &str) -> Option<Value> {
        self.0.0.borrow().get(key).map(|slot| slot.value.clone())
    }

    pub(super) fn slot(&self, key: &str) -> Option<Slot> {
        self.0.0.borrow().get(key).cloned()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.0.borrow().contains_key(key)
    }

    pub(super) fn insert(&self, key: impl Into<Rc<str>>, slot: Slot) {
        let old = self.0.0.borrow_mut().insert(key.into(), slot);
        drop(old);
    }

    pub(super) fn set(&self, key: impl Into<Rc<str>>, value: Value) {
        self.insert(key, Slot { key_place: 0, value });
    }

    pub(super) fn remove(&self, key: &str) {
        let old = self.0.0.borrow_mut().remove(key);
        drop(old);
    }

    pub(super) fn clear(&self) {
        let old = std::mem::take(&mut *self.0.0.borrow_mut());
        drop(old);
    }

    pub(super) fn len(&self) -> usize {
        self.0.0.borrow().len()
    }

    /// A copy of the entries, so that nobody holds the map while more code runs.
    pub(super) fn snapshot(&self) -> Vec<(Rc<str>, Slot)> {
        self.0.0.borrow().iter().map(|(key, slot)| (Rc::clone(key), slot.clone())).collect()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self { data, place: 0 }
    }
}

impl Value {
    pub(super) const NIL: Self = Self { data: Data::Nil, place: 0 };

    pub(super) fn bool(value: bool) -> Self {
        Data::Bool(value).into()
    }

    pub(super) fn int(value: i64) -> Self {
        Data::Int(value).into()
    }

    pub(super) fn size(value: usize) -> Self {
        Self::int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(super) fn int64(value: i64) -> Self {
        Data::Int64(value).into()
    }

    pub(super) fn float(value: f64) -> Self {
        Data::Float(value).into()
    }

    pub(super) fn str(text: impl Into<String>) -> Self {
        Self::text(Text::plain(text))
    }

    pub(super) fn text(text: Text) -> Self {
        Data::Str(Rc::new(text)).into()
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Data::List(Rc::new(List { items, strings: false })).into()
    }

    pub(super) fn strings(items: Vec<Self>) -> Self {
        Data::List(Rc::new(List { items, strings: true })).into()
    }

    pub(super) fn map(entries: Entries) -> Self {
        Data::Map(Map::new(entries)).into()
    }

    pub(super) fn object(object: Object) -> Self {
        Data::Object(Rc::new(object)).into()
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self.data, Data::Nil)
    }

    pub(super) fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn as_items(&self) -> Option<&[Self]> {
        match &self.data {
            Data::List(list) => Some(&list.items),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.data {
            Data::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Go templates' truth: empty things are false.
    pub(super) fn truth(&self) -> bool {
        match &self.data {
            Data::Nil => false,
            Data::Bool(value) => *value,
            Data::Int(value) | Data::Int64(value) => *value != 0,
            Data::Float(value) => *value != 0.0,
            Data::Str(text) => text.len() > 0,
            Data::List(list) => !list.items.is_empty(),
            Data::Map(map) => map.len() > 0,
            Data::Object(object) => match object.as_ref() {
                Object::Files(files) => !files.0.is_empty(),
                Object::ApiVersions(versions) => !versions.is_empty(),
                _ => true,
            },
        }
    }

    /// The mark of a printed scalar.
    pub(super) fn mark(&self) -> Mark {
        Mark::of_value(self.place)
    }

    /// The values file's place that the whole of a scalar came from.
    pub(super) fn source(&self) -> Option<Mark> {
        match &self.data {
            Data::Str(text) => text.single_mark().filter(|mark| *mark != Mark::default()),
            Data::Bool(_) | Data::Int(_) | Data::Int64(_) | Data::Float(_) => (self.place != 0).then(|| self.mark()),
            _ => None,
        }
    }

    /// Says where a scalar came from, if it does not know better.
    pub(super) fn set_mark(&mut self, mark: Mark) {
        match &mut self.data {
            Data::Str(text) if !text.has_marks() => {
                let marked = Text::marked(text.as_str(), mark);
                self.data = Data::Str(Rc::new(marked));
            }
            Data::Bool(_) | Data::Int(_) | Data::Int64(_) | Data::Float(_) if self.place == 0 => {
                self.place = mark.value;
            }
            _ => (),
        }
    }

    /// Go's name of the type, as `%T` prints it.
    pub(super) fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Nil => "<nil>",
            Data::Bool(_) => "bool",
            Data::Int(_) => "int",
            Data::Int64(_) => "int64",
            Data::Float(_) => "float64",
            Data::Str(_) => "string",
            Data::List(list) if list.strings => "[]string",
            Data::List(_) => "[]interface {}",
            Data::Map(_) => "map[string]interface {}",
            Data::Object(object) => match object.as_ref() {
                Object::Files(_) => "engine.files",
                Object::Struct(_) => "*common.Capabilities",
                Object::ApiVersions(_) => "common.VersionSet",
                Object::KubeVersion(_) => "common.KubeVersion",
                Object::Version(..) => "*semver.Version",
                Object::Time(_) => "time.Time",
                Object::Certificate { .. } => "sprig.certificate",
            },
        }
    }

    /// Go's name of the kind (`reflect.Kind`).
    pub(super) fn kind_name(&self) -> &'static str {
        match &self.data {
            Data::Nil => "invalid",
            Data::Bool(_) => "bool",
            Data::Int(_) => "int",
            Data::Int64(_) => "int64",
            Data::Float(_) => "float64",
            Data::Str(_) => "string",
            Data::List(_) => "slice",
            Data::Map(_) => "map",
            Data::Object(object) => match object.as_ref() {
                Object::Files(_) => "map",
                Object::ApiVersions(_) => "slice",
                Object::Version(..) => "ptr",
                _ => "struct",
            },
        }
    }

    /// `reflect.DeepEqual`, except that lists of strings equal lists of anything with the same strings.
    pub(super) fn deep_equal(&self, other: &Self, depth: usize) -> bool {
        if depth == 0 {
            return false;
        }
        match (&self.data, &other.data) {
            (Data::Nil, Data::Nil) => true,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Int(a), Data::Int(b)) | (Data::Int64(a), Data::Int64(b)) => a == b,
            #[expect(clippy::float_cmp, reason = "Go compares floats bit by bit too")]
            (Data::Float(a), Data::Float(b)) => a == b,
            (Data::Str(a), Data::Str(b)) => a.as_str() == b.as_str(),
            (Data::List(a), Data::List(b)) => {
                a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| a.deep_equal(b, depth - 1))
            }
            (Data::Map(a), Data::Map(b)) => {
                a.is(b)
                    || (a.len() == b.len()
                        && a.entries().iter().zip(b.entries().iter()).all(|((key, slot), (other_key, other))| {
                            key == other_key && slot.value.deep_equal(&other.value, depth - 1)
                        }))
            }
            (Data::Object(a), Data::Object(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// A copy that shares no map with this value; `None` if it is deeper than `depth`.
    pub(super) fn deep_copy(&self, depth: usize, nodes: &mut usize) -> Option<Self> {
        *nodes += 1;
        if depth == 0 {
            return None;
        }
        let data = match &self.data {
            Data::Map(map) => {
                let mut copy = Entries::new();
                for (key, slot) in map.entries().iter() {
                    let value = slot.value.deep_copy(depth - 1, nodes)?;
                    copy.insert(Rc::clone(key), Slot { key_place: slot.key_place, value });
                }
                Data::Map(Map::new(copy))
            }
            Data::List(list) => {
                let items: Option<Vec<Self>> = list.items.iter().map(|item| item.deep_copy(depth - 1, nodes)).collect();
                Data::List(Rc::new(List { items: items?, strings: list.strings }))
            }
            other => other.clone(),
        };
        Some(Self { data, place: self.place })
    }

    /// Reads a tree as helm reads YAML: YAML 1.1 words, every number a `float64`. Each line of a
    /// block scalar gets its own place.
    pub(super) fn from_node(node: &domain::Node, reader: &mut Reader<'_>) -> Self {
        let place = (reader.place)(reader.trace, &node.place);
        match &node.value {
            domain::Value::Null => Self { data: Data::Nil, place },
            domain::Value::Scalar(scalar) if scalar.plain => {
                let data = match resolve(&scalar.text) {
                    Resolved::Nil => Data::Nil,
                    Resolved::Bool(value) => Data::Bool(value),
                    Resolved::Float(value) => Data::Float(value),
                    Resolved::Text => return Self::text(Text::marked(scalar.text.clone(), Mark::of_value(place))),
                };
                Self { data, place }
            }
            domain::Value::Scalar(scalar) => Self::text(reader.lines(&scalar.text, &node.place, place)),
            domain::Value::Sequence(items) => {
                let items = items.iter().map(|item| Self::from_node(item, reader)).collect();
                Self { place, ..Self::list(items) }
            }
            domain::Value::Mapping(entries) => {
                let mut map = Entries::new();
                for entry in entries {
                    let key_place = (reader.place)(reader.trace, &entry.key_place);
                    let value = Self::from_node(&entry.node, reader);
                    // A bare `on` is a boolean to helm, which JSON then writes as a text.
                    let key = match resolve(&entry.key) {
                        Resolved::Bool(word)
                            if (reader.first)(&entry.key_place).is_none_or(|first| entry.key.starts_with(first)) =>
                        {
                            if word {
                                "true"
                            } else {
                                "false"
                            }
                        }
                        _ => entry.key.as_str(),
                    };
                    map.insert(Rc::from(key), Slot { key_place, value });
                }
                Self { place, ..Self::map(map) }
            }
        }
    }
}

/// What [`Value::from_node`] needs to know.
pub(super) struct Reader<'a> {
    pub(super) trace: &'a mut Trace,
    /// Turns a place into an index of the trace.
    pub(super) place: &'a dyn Fn(&mut Trace, &domain::Place) -> u32,
    /// The character that is written at a place, if the file is at hand.
    pub(super) first: &'a dyn Fn(&domain::Place) -> Option<char>,
}

impl Reader<'_> {
    /// Marks each line of a block scalar with its own line of the file.
    fn lines(&mut self, text: &str, place: &domain::Place, index: u32) -> Text {
        let Some(line) =
            place.line().filter(|_| text.contains('\n') && !matches!((self.first)(place), Some('"' | '\'')))
        else {
            return Text::marked(text, Mark::of_value(index));
        };
        let mut result = Text::default();
        // The place of a block scalar is its first line that is not blank.
        let blank = text.len() - text.trim_start_matches('\n').len();
        let first = line.saturating_sub(u32::try_from(blank).unwrap_or(line));
        for (content, line) in text.split_inclusive('\n').zip(first..) {
            let place = self.trace.add_place(&place.at_line(line));
            result.push(content, Mark::of_value(place));
        }
        result
    }
}

/// What a plain scalar means to go-yaml 2, which helm reads values with.
#[derive(Debug, PartialEq)]
pub(super) enum Resolved {
    Nil,
    Bool(bool),
    Float(f64),
    Text,
}

pub(super) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Nil,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        _ => (),
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Resolved::Text;
    }
    let plain = text.replace('_', "");
    if let Some(whole) = whole_number(&plain) {
        return Resolved::Float(whole);
    }
    if is_float(&plain)
        && let Ok(number) = plain.parse::<f64>()
        && number.is_finite()
    {
        return Resolved::Float(number);
    }
    Resolved::Text
}

/// `strconv.ParseInt(text, 0, 64)`: decimal, `0x`, `0b`, `0o` and C's octal.
fn whole_number(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = if let Some(body) = lower.strip_prefix("0x") {
        (16, body)
    } else if let Some(body) = lower.strip_prefix("0b") {
        (2, body)
    } else if let Some(body) = lower.strip_prefix("0o") {
        (8, body)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    if body.is_empty() || body.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(body, radix).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "helm keeps numbers of values files as float64")]
    let number = magnitude as f64;
    Some(if negative { -number } else { number })
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_ok && exponent_ok
}
