//! What documents say: their words, their commands, and whether they are about Clay.

use gonogo_domain::{
    Place,
    evidence::{Document, Section},
};

use super::{Origin, Text};

/// Every text of a section with its place: prose, items, rows, code.
fn texts(section: &Section) -> impl Iterator<Item = (&str, &Place, bool)> {
    let prose = [(section.text.as_str(), &section.place, false)].into_iter();
    let items = section.items.iter().map(|item| (item.text.as_str(), &item.place, false));
    let cells = section.tables.iter().flat_map(|table| {
        table.header.iter().chain(table.rows.iter().flatten()).map(|cell| (cell.as_str(), &table.place, false))
    });
    let links = section.links.iter().map(|link| (link.target.as_str(), &link.place, false));
    let code = section.code.iter().map(|block| (block.text.as_str(), &block.place, true));
    prose.chain(items).chain(cells).chain(links).chain(code)
}

pub(super) fn each_text(document: &Document, visit: &mut dyn FnMut(Text<'_>)) {
    for (value, place, code) in document.sections.iter().flat_map(texts) {
        visit(Text { name: None, value, place, origin: Origin::Document, code, encoded: false });
    }
}

/// The lines of a section's code, each with its place.
pub(crate) fn command_lines(section: &Section) -> impl Iterator<Item = (&str, Place)> {
    section.code.iter().flat_map(|block| {
        let first = block.place.line().unwrap_or_default();
        // The place of a block is its fence.
        block
            .text
            .lines()
            .zip(first.saturating_add(1)..)
            .map(|(line, number)| (line.trim(), block.place.at_line(number)))
    })
}

/// Everything that a document says, in lower case, headings and code included.
pub(crate) fn whole_text(document: &Document) -> String {
    let mut text = document.title.to_lowercase();
    for section in &document.sections {
        text.push('\n');
        text.push_str(&section.heading.to_lowercase());
        for (part, ..) in texts(section) {
            text.push('\n');
            text.push_str(&part.to_lowercase());
        }
    }
    text
}

/// The document is about Clay, not only a page that mentions it: its name or a heading says so.
pub(crate) fn about(document: &Document) -> bool {
    let named = |text: &str| words(text).any(|word| word == "clay");
    named(&document.title)
        || named(document.place.path())
        || document.sections.iter().any(|section| named(&section.heading))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_ascii_lowercase)
}
