//! Dated records in documents: of drills, reviews, incidents.

use gonogo_domain::{
    Place,
    evidence::{Document, Table},
};
use jiff::civil::Date;

use super::figures;

/// One dated record: a document of its own, or a row of a table.
pub(crate) struct Record<'a> {
    pub(crate) place: Place,
    pub(crate) date: Option<Date>,
    pub(crate) document: &'a Document,
    /// The row with its header; none: the record is the whole document.
    row: Option<(&'a [String], &'a [String])>,
}

impl Record<'_> {
    /// What the record says for a field, by any of its names in lower case; a placeholder says nothing.
    pub(crate) fn field(&self, names: &[&str]) -> Option<String> {
        let found = match self.row {
            Some((header, cells)) => {
                header.iter().zip(cells).find(|(name, _)| names_it(name, names)).map(|(_, cell)| cell.trim().to_owned())
            }
            None => document_field(self.document, names),
        };
        found.filter(|value| says_something(value))
    }
}

/// The records of a document: each row of a table with a column of dates, else the document as a whole.
pub(crate) fn records(document: &Document) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    for table in document.sections.iter().flat_map(|section| &section.tables) {
        let dates = table.header.iter().position(|name| names_it(name, &["date", "when", "day", "日期", "时间"]));
        // A table whose rows have names of fields in front is one record, not many.
        let Some(dates) = dates.filter(|_| table.header.len() > 2) else { continue };
        for (row, number) in table.rows.iter().zip(2_u32..) {
            if let Some(date) = row.get(dates).and_then(|cell| figures::date(cell)) {
                records.push(Record {
                    place: row_place(table, number),
                    date: Some(date),
                    document,
                    row: Some((&table.header, row)),
                });
            }
        }
    }
    if records.is_empty() {
        let date = document.dated.as_ref().map(|(date, _)| *date);
        records.push(Record { place: document.place.clone(), date, document, row: None });
    }
    records
}

/// The line of a row: the header and the line below it come first.
pub(crate) fn row_place(table: &Table, number: u32) -> Place {
    table.place.at_line(table.place.line().unwrap_or(0).saturating_add(number))
}

/// A name of a column or a field is one of these, or begins or ends with one.
pub(crate) fn names_it(name: &str, names: &[&str]) -> bool {
    let lower = name.trim().to_lowercase();
    names.iter().any(|one| match lower.find(one) {
        Some(at) => {
            let boundary =
                |letter: Option<char>| !one.is_ascii() || letter.is_none_or(|letter| !letter.is_ascii_alphanumeric());
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            let after = lower.get(at + one.len()..).and_then(|text| text.chars().next());
            boundary(before) && (boundary(after) || after == Some('s'))
        }
        None => false,
    })
}

fn document_field(document: &Document, names: &[&str]) -> Option<String> {
    if let Some((_, value, _)) = document.front_matter.iter().find(|(key, ..)| names_it(key, names)) {
        return Some(value.clone());
    }
    for section in &document.sections {
        for table in &section.tables {
            let pair = std::iter::once(&table.header).chain(&table.rows).find_map(|row| match row.as_slice() {
                [name, value] if names_it(name, names) => Some(value.trim().to_owned()),
                _ => None,
            });
            if pair.is_some() {
                return pair;
            }
        }
        if let Some(value) = section.text.lines().find_map(|line| labelled(line, names)) {
            return Some(value);
        }
        if section.level > 1 && names_it(&section.heading, names) && section.heading.chars().count() <= 40 {
            let text = section.text.trim();
            let code = section.code.first().map(|block| block.text.trim()).unwrap_or_default();
            let said = if text.is_empty() { code } else { text };
            if !said.is_empty() {
                return Some(said.to_owned());
            }
        }
    }
    None
}

/// What stands after `Name:` in a line, up to the next label: lines of a paragraph run together.
fn labelled(line: &str, names: &[&str]) -> Option<String> {
    let mut rest = line;
    loop {
        let (label, after) = rest.split_once([':', '：'])?;
        let last = label.rsplit(['.', ';', ',', '|', '，', '；', '。']).next().unwrap_or(label);
        // The label is the last few words before the colon.
        let words: Vec<&str> = last.split_whitespace().collect();
        let label = words.get(words.len().saturating_sub(4)..).unwrap_or_default().join(" ");
        if names_it(&label, names) {
            return Some(after.trim().to_owned());
        }
        rest = after;
    }
}

/// More than a dash or the words of a template.
pub(crate) fn says_something(value: &str) -> bool {
    let lower = value.trim().to_lowercase();
    let empty = ["", "-", "–", "—", "n/a", "tbd", "todo", "tba", "?", "none", "unknown", "待定", "无"];
    let asks = lower.starts_with('<') || (lower.starts_with('[') && lower.ends_with(']')) || lower.starts_with("todo");
    !empty.contains(&lower.as_str()) && !asks && lower.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_in_paragraphs_whose_lines_run_together() {
        let check = |line: &str, names: &[&str], expect: Option<&str>| {
            assert_eq!(labelled(line, names).as_deref(), expect, "for {line:?}");
        };
        check("Date: 2026-10-01 Environment: staging", &["environment"], Some("staging"));
        check("Environment: staging Operator: ann", &["operator", "performed by"], Some("ann"));
        check("环境：预发", &["环境"], Some("预发"));
        check("It was done.", &["environment"], None);
        check("the environmentalist: bob", &["environment"], None);
    }

    #[test]
    fn empty_words_say_nothing() {
        for value in ["", " - ", "TBD", "<your name>", "[describe]", "todo: later", "N/A"] {
            assert!(!says_something(value), "{value:?} says something");
        }
        assert!(says_something("staging"));
    }
}
