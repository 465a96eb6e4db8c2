//! A value with a place at every node: what YAML, JSON, TOML and HCL files become.
//!
//! A node knows its own file, so a tree that was merged from several files (a kustomization, a rendered chart, a
//! compose file with overrides) still leads each finding to the line that a person edits.

use crate::Place;

/// A value and the place where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a node holds. Mappings keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// Keys are scalars in every format that we read; an exotic YAML key is kept as its text.
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

/// A scalar as it was written: the reader's dialect decides what `yes` or `0777` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    /// Written without quotes, so it may be a number, a boolean or null.
    pub plain: bool,
}

impl Node {
    pub fn new(place: Place, value: Value) -> Self {
        Self { place, value }
    }

    /// A string that is none of the file's: used where a tool fills in a value by itself.
    pub fn text(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, Value::Scalar(Scalar { text: text.into(), plain: false }))
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Mapping(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node),
            _ => None,
        }
    }

    /// The entry of a key: its value and the place of the key itself.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Walks down mappings: `spec.template.spec`. Keys with dots in them need [`Node::get`].
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The items of a sequence under `path`; none if it is not there.
    pub fn list(&self, path: &str) -> &[Node] {
        self.at(path).map_or(&[], Node::items)
    }

    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Scalar(scalar) => {
                scalar.plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The text of a scalar that is not null.
    pub fn str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if !self.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    /// The text under `path`.
    pub fn str_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.str()
    }

    /// `true` or `false`, as Kubernetes and JSON write them; a quoted word is a string, not a boolean.
    pub fn bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { text, plain: true }) => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn bool_at(&self, path: &str) -> Option<bool> {
        self.at(path)?.bool()
    }

    /// A whole number, quoted or not.
    pub fn int(&self) -> Option<i64> {
        self.str()?.trim().parse().ok()
    }

    pub fn int_at(&self, path: &str) -> Option<i64> {
        self.at(path)?.int()
    }

    /// A number, quoted or not.
    pub fn float(&self) -> Option<f64> {
        self.str()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub fn float_at(&self, path: &str) -> Option<f64> {
        self.at(path)?.float()
    }

    /// Every node of the tree, this one first, in the order of the file.
    pub fn walk(&self, visit: &mut impl FnMut(&Node)) {
        visit(self);
        match &self.value {
            Value::Mapping(entries) => entries.iter().for_each(|entry| entry.node.walk(visit)),
            Value::Sequence(items) => items.iter().for_each(|item| item.walk(visit)),
            Value::Null | Value::Scalar(_) => (),
        }
    }
}
