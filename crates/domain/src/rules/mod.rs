//! Rules of Prometheus and the tests that prove them, as plain data.

mod span;
mod trial;

use std::collections::BTreeMap;

pub use span::{Span, SpanError};
pub use trial::{AlertAt, ExpectedAlert, ExpectedSample, InputSeries, Trial, Trials, ValueAt};

/// Names with values, in the order in which they are written.
pub type Labels = BTreeMap<String, String>;

/// Rules that are evaluated together, one after the other: a rule sees what those before it have recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Unique in its file.
    pub name: String,
    /// None: what the server is set to.
    pub interval: Option<Span>,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Record(Record),
    Alert(Alert),
}

/// A series that is computed and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name of the metric: `slo:sli_error:ratio_rate5m`.
    pub name: String,
    /// `PromQL`.
    pub expr: String,
    pub labels: Labels,
}

/// A condition that somebody is told about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    pub name: String,
    /// `PromQL`: each series of its result is an alert.
    pub expr: String,
    /// `for`: how long it must hold before it fires; none: it fires at once.
    pub hold: Option<Span>,
    pub labels: Labels,
    /// Templates of Prometheus.
    pub annotations: Labels,
}

impl Rule {
    pub fn labels(&self) -> &Labels {
        match self {
            Self::Record(record) => &record.labels,
            Self::Alert(alert) => &alert.labels,
        }
    }

    /// The expression.
    pub fn expr(&self) -> &str {
        match self {
            Self::Record(record) => &record.expr,
            Self::Alert(alert) => &alert.expr,
        }
    }
}

impl From<Record> for Rule {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

impl From<Alert> for Rule {
    fn from(alert: Alert) -> Self {
        Self::Alert(alert)
    }
}

/// A text as `PromQL` and label matchers quote it: with the quotes.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Prometheus takes it as the name of a label.
pub fn is_label_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_ends_where_it_should() {
        assert_eq!(quoted("a \"b\" \\ c\nd"), r#""a \"b\" \\ c\nd""#);
    }

    #[test]
    fn names_of_labels() {
        for (name, expect) in
            [("a_b1", true), ("_a", true), ("", false), ("1a", false), ("a-b", false), ("a:b", false), ("ä", false)]
        {
            assert_eq!(is_label_name(name), expect, "{name}");
        }
    }
}
