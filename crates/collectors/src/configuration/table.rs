//! Reading a table of the configuration: every wrong entry is noted at its place, and reading goes on.

use std::{cell::RefCell, collections::BTreeMap, collections::BTreeSet};

use gonogo_domain::{
    Entry, Node, Place, Value,
    evidence::{Located, Stated},
};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{ConfigurationError, date, duration};

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Errors(RefCell<Vec<ConfigurationError>>);

impl Errors {
    pub fn push(&self, place: &Place, message: impl Into<String>) {
        self.0.borrow_mut().push(ConfigurationError { place: place.clone(), message: message.into() });
    }

    pub fn into_result<T>(self, value: T) -> Result<T, Vec<ConfigurationError>> {
        let mut errors = self.0.into_inner();
        if errors.is_empty() {
            return Ok(value);
        }
        errors.sort_by(|one, other| (&one.place, &one.message).cmp(&(&other.place, &other.message)));
        Err(errors)
    }
}

/// A table that knows which of its keys were asked for, so that the rest can be reported as unknown.
#[derive(Debug)]
pub struct Table<'n> {
    node: &'n Node,
    place: Place,
    errors: &'n Errors,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'n> Table<'n> {
    pub fn new(node: &'n Node, errors: &'n Errors) -> Self {
        Self { node, place: node.place.clone(), errors, asked: RefCell::default() }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Notes every key that was never asked for.
    pub fn finish(&self) {
        let asked = self.asked.borrow();
        for entry in self.node.entries() {
            if asked.contains(entry.key.as_str()) {
                continue;
            }
            let hint = closest(&entry.key, asked.iter().copied()).map_or_else(
                || format!("known here: {}", list(asked.iter().copied())),
                |key| format!("did you mean `{key}`?"),
            );
            self.errors.push(&entry.key_place, format!("unknown key `{}`; {hint}", entry.key));
        }
    }

    pub fn error(&self, key: &'static str, message: &str) {
        let place = self.node.get(key).map_or(&self.place, |node| &node.place);
        self.errors.push(place, message);
    }

    fn entry(&self, key: &'static str) -> Option<&'n Entry> {
        self.asked.borrow_mut().insert(key);
        self.node.entry(key)
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&'n Node) -> Option<T>,
    ) -> Option<(T, &'n Place)> {
        let entry = self.entry(key)?;
        let value = read(&entry.node);
        if value.is_none() {
            self.errors.push(&entry.node.place, format!("`{key}` is not {expected}"));
        }
        Some((value?, &entry.node.place))
    }

    fn required<T>(&self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.node.get(key).is_none() {
            self.errors.push(&self.place, format!("`{key}` is missing"));
        }
        value
    }

    pub fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, "a text that says something", text).map(|(text, _)| text)
    }

    pub fn required_text(&self, key: &'static str) -> Option<String> {
        self.required(key, self.text(key))
    }

    pub fn texts(&self, key: &'static str) -> Vec<String> {
        self.stated_texts(key).into_iter().map(|stated| stated.value).collect()
    }

    pub fn stated_texts(&self, key: &'static str) -> Vec<Stated<String>> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Value::Sequence(items) = &entry.node.value else {
            self.errors.push(&entry.node.place, format!("`{key}` is not a list of texts"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match text(item) {
                Some(value) => texts.push(Stated { value, place: item.place.clone() }),
                None => self.errors.push(&item.place, format!("`{key}` holds something that is no text")),
            }
        }
        texts
    }

    pub fn text_map(&self, key: &'static str) -> BTreeMap<String, String> {
        let Some(entry) = self.entry(key) else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        if !matches!(entry.node.value, Value::Mapping(_)) {
            self.errors.push(&entry.node.place, format!("`{key}` is not a table of texts"));
        }
        for entry in entry.node.entries() {
            match entry.node.str() {
                Some(value) => drop(map.insert(entry.key.clone(), value.to_owned())),
                None => self.errors.push(&entry.node.place, format!("`{}` is not a text", entry.key)),
            }
        }
        map
    }

    /// Every key with the texts of its list; for tables whose keys are names.
    pub fn lists_of_texts(&self) -> BTreeMap<String, Vec<String>> {
        let mut lists = BTreeMap::new();
        for entry in self.node.entries() {
            let texts: Option<Vec<String>> = match &entry.node.value {
                Value::Sequence(items) => items.iter().map(text).collect(),
                _ => None,
            };
            match texts {
                Some(texts) => drop(lists.insert(entry.key.clone(), texts)),
                None => self.errors.push(&entry.node.place, format!("`{}` is not a list of texts", entry.key)),
            }
        }
        lists
    }

    /// Every key with its text; for tables whose keys are names.
    pub fn text_map_of_all(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for entry in self.node.entries() {
            match text(&entry.node) {
                Some(value) => drop(map.insert(entry.key.clone(), value)),
                None => self.errors.push(&entry.node.place, format!("`{}` is not a text", entry.key)),
            }
        }
        map
    }

    pub fn bool(&self, key: &'static str) -> Option<(bool, Place)> {
        self.read(key, "true or false", Node::bool).map(|(value, place)| (value, place.clone()))
    }

    pub fn number<T: TryFrom<i64>>(&self, key: &'static str) -> Option<T> {
        self.read(key, "a whole number in range", |node| T::try_from(node.int()?).ok()).map(|(number, _)| number)
    }

    pub fn stated_number(&self, key: &'static str) -> Option<Stated<u32>> {
        self.read(key, "a whole number", |node| u32::try_from(node.int()?).ok())
            .map(|(value, place)| Stated { value, place: place.clone() })
    }

    pub fn float(&self, key: &'static str) -> Option<f64> {
        self.read(key, "a number", Node::float).map(|(number, _)| number)
    }

    pub fn located_float(&self, key: &'static str) -> Option<Located<f64>> {
        self.read(key, "a number", Node::float).map(|(number, place)| Located::new(number, place))
    }

    pub fn duration(&self, key: &'static str) -> Option<Stated<SignedDuration>> {
        self.read(key, "a time like \"30s\", \"15m\", \"1h\" or \"7d\"", |node| duration(node.str()?))
            .map(|(value, place)| Stated { value, place: place.clone() })
    }

    pub fn located_seconds(&self, key: &'static str) -> Option<Located<u64>> {
        self.read(key, "a time like \"28d\"", |node| u64::try_from(duration(node.str()?)?.as_secs()).ok())
            .map(|(seconds, place)| Located::new(seconds, place))
    }

    pub fn date(&self, key: &'static str) -> Option<Stated<Date>> {
        self.read(key, "a date like 2026-01-31", |node| date(node.str()?))
            .map(|(value, place)| Stated { value, place: place.clone() })
    }

    pub fn required_date(&self, key: &'static str) -> Option<Date> {
        self.required(key, self.date(key)).map(|stated| stated.value)
    }

    pub fn required_time(&self, key: &'static str) -> Option<Timestamp> {
        let time = self.read(key, "a time like 2026-01-31T09:00:00Z", |node| node.str()?.parse().ok());
        self.required(key, time).map(|(time, _)| time)
    }

    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let entry = self.entry(key)?;
        let text = entry.node.str().unwrap_or_default();
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let known = list(choices.iter().map(|(name, _)| *name));
            self.errors.push(&entry.node.place, format!("`{key}` is none of {known}"));
        }
        found
    }

    pub fn required_choice_of(&self, key: &'static str, choices: &[&str]) -> Option<String> {
        let name = self.required_text(key)?;
        if choices.contains(&name.as_str()) {
            return Some(name);
        }
        let hint = closest(&name, choices.iter().copied())
            .map_or_else(|| "`gonogo checks` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        self.error(key, &format!("there is no {key} `{name}`; {hint}"));
        None
    }

    pub fn table(&self, key: &'static str) -> Option<Self> {
        let entry = self.entry(key)?;
        if !matches!(entry.node.value, Value::Mapping(_)) {
            self.errors.push(&entry.node.place, format!("`{key}` is not a table"));
            return None;
        }
        Some(self.inner(entry))
    }

    /// `[[key]]`.
    pub fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Value::Sequence(items) = &entry.node.value else {
            self.errors.push(&entry.node.place, format!("`{key}` is not a list of tables: write [[{key}]]"));
            return Vec::new();
        };
        let (tables, others): (Vec<_>, Vec<_>) = items.iter().partition(|item| matches!(item.value, Value::Mapping(_)));
        for item in others {
            self.errors.push(&item.place, format!("`{key}` holds something that is no table"));
        }
        tables.into_iter().map(|item| Self::new(item, self.errors)).collect()
    }

    /// `[key.NAME]`.
    pub fn named_tables(&self, key: &'static str) -> Vec<(String, Self)> {
        let Some(section) = self.table(key) else { return Vec::new() };
        let mut tables = Vec::new();
        for entry in section.node.entries() {
            if matches!(entry.node.value, Value::Mapping(_)) {
                tables.push((entry.key.clone(), section.inner(entry)));
            } else {
                self.errors.push(&entry.key_place, format!("`{key}.{}` is not a table: write [{key}.NAME]", entry.key));
            }
        }
        tables
    }

    fn inner(&self, entry: &'n Entry) -> Self {
        Self { node: &entry.node, place: entry.key_place.clone(), errors: self.errors, asked: RefCell::default() }
    }

    pub fn place_of(&self, key: &'static str) -> Option<Place> {
        self.entry(key).map(|entry| entry.key_place.clone())
    }
}

fn text(node: &Node) -> Option<String> {
    node.str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The name that differs in the fewest letters, if it is near enough to be a slip.
fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|other| (distance(name, other), other))
        .filter(|(distance, other)| *distance <= 1 + other.len() / 4)
        .min()
        .map(|(_, other)| other)
}

/// The number of letters to insert, delete or replace.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, (candidate, pair)) in other.iter().zip(row.windows(2)).enumerate() {
            if let [diagonal, above] = pair {
                let left = next.get(column).copied().unwrap_or(index);
                next.push((diagonal + usize::from(letter != *candidate)).min(above + 1).min(left + 1));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
